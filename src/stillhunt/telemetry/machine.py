"""Which machine a log is of that names none, by the folder it lies in.

Records of the Linux audit log and requests in a web server's log seldom name their machine; whoever collects them keeps
the logs of each machine in a folder of its own, such as ``web01/var/log/audit``. The innermost folder below what was
given whose name is not that of a place where logs usually lie stands for the machine. What was given as a file, or lies
in no such folder, stays nameless.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

__all__ = ["machine_of"]

_USUAL = re.compile(
    r"access(?:_logs?)?|apache2?|archives?|auditd?|backups?|cases?|collected|collections?|data|errors?|etc|evidence"
    r"|exports?|exported|files|filesystem|fs|home|hosts?|httpd|inetpub|journald?|linux|logs?|logfiles|messages|mnt"
    r"|network|nginx|old|opt|private|raw|results|root|security|servers?|spool|srv|syslog|systemd?|tmp|tomcat|triage"
    r"|uac|unix|uploads?|usr|var|web|webservers?|weblogs?|windows|www",
    re.IGNORECASE,
)
"""Folders that are no machine's name."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_DATE = re.compile(r"[0-9._-]*")
_ARCHIVED = re.compile(r"[.](?:zip|7z|tar|tgz|tbz2|txz|gz|bz2|xz|zst)$", re.IGNORECASE)


def machine_of(name: str, roots: Sequence[str]) -> str:
    """Return the machine, lower case; empty if no folder says it.

    Args:
        name: The log: its path, with ``!member`` for a member of an archive.
        roots: Folders and archives that were given.

    >>> machine_of("/case/web01/var/log/audit/audit.log", ["/case"])
    'web01'
    >>> machine_of("/case/audit.log", ["/case"]), machine_of("/case/2023/logs/access.log", ["/case"])
    ('', '')
    >>> machine_of("/case/all.zip!db01.example/audit.log", ["/case/all.zip"])
    'db01.example'
    """
    root = max((r for r in roots if _is_below(name, r)), key=len, default=None)
    if root is None:
        return ""
    path, *members = name[len(root) :].split("!")
    folders = [*PurePath(path.replace("\\", "/")).parts[:-1]]
    for member in members:
        folders += PurePath(member.replace("\\", "/")).parts[:-1]
    for folder in reversed(folders):
        is_other = _USUAL.fullmatch(folder) or _DATE.fullmatch(folder) or _ARCHIVED.search(folder)
        if _NAME.fullmatch(folder) and not is_other:
            return folder.lower()
    return ""


def _is_below(name: str, root: str) -> bool:
    return name.startswith(root) and name[len(root) : len(root) + 1] in {"/", "\\", "!"}
