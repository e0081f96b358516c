"""Binary XML of Windows event logs, straight to columns: records are never written out as JSON.

Wants numba (``stillhunt[fast]``); :mod:`stillhunt.telemetry.sources.windows_evtx` does without it where it is missing.
"""
