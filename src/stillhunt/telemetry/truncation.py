"""Signs that an export stops short of what there was.

- A file has exactly as many records as a tool or portal gives at most. Sources: Microsoft, Search-UnifiedAuditLog
  (5,000 per call, 50,000 per session), audit search in Purview (50,000), Defender hunting (10,000, 30,000, 100,000),
  Splunk and Elasticsearch (10,000, 50,000), Search-MailboxAuditLog (1,000), Excel (1,048,576 rows with headings).
- It reaches back exactly as many days from its end as a service keeps (30, 90, 180), while something was logged on
  most of these days. A file that begins and ends with a calendar month was cut by its writer.
- Its last record breaks off.

Event logs as Windows keeps them (EVTX) are no exports of rows, and only the last is looked for in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from stillhunt.telemetry.coverage import InputFile, Truncation

__all__ = ["truncations"]

_ROWS = {
    1_000: "what Search-MailboxAuditLog and many portals give at most",
    5_000: "what one call of Search-UnifiedAuditLog gives at most",
    10_000: "what searches in Elasticsearch and hunting portals give at most",
    30_000: "what hunting in Defender gives at most",
    50_000: "what a search of the unified audit log gives at most",
    100_000: "what hunting in Defender and sign-in exports give at most",
    1_048_575: "what fits into a sheet of Excel",
    1_048_576: "what fits into a sheet of Excel",
}
_KEPT_DAYS = (30, 90, 180)
_TOLERANCE = timedelta(hours=26)
_BUSY_SHARE = 0.6

_NOT_ROWS = frozenset({"windows_evtx"})


def truncations(
    file: InputFile, *, first_at: datetime | None, last_at: datetime | None, n_busy_days: int
) -> Iterator[Truncation]:
    """Yield the signs that a file shows.

    Args:
        file: The file.
        first_at: Its first event.
        last_at: Its last event.
        n_busy_days: Days on which it has events.
    """
    if file.source is None or not file.n_events:
        return
    if file.breaks_off:
        why = "it ends in the middle of a record or of its packed content: what came after is missing"
        yield Truncation(path=file.path, source=file.source, sign="cut off", why=why)
    if file.source in _NOT_ROWS:
        return
    n_rows = file.n_events + file.n_unread + file.n_duplicates
    if n_rows in _ROWS:
        why = f"it has exactly {n_rows:,} records, {_ROWS[n_rows]}: there may have been more"
        yield Truncation(path=file.path, source=file.source, sign=f"{n_rows:,} records", why=why)
    days = _wall(first_at, last_at, n_busy_days)
    if days:
        why = f"it begins {days} days before its end, as far back as services keep: what was before is missing"
        yield Truncation(path=file.path, source=file.source, sign=f"{days} days", why=why)


def _wall(first: datetime | None, last: datetime | None, n_busy_days: int) -> int:
    if first is None or last is None or _is_whole_month(first, last):
        return 0
    span = last - first
    for days in _KEPT_DAYS:
        if timedelta(days=days) - _TOLERANCE <= span <= timedelta(days=days) and n_busy_days >= _BUSY_SHARE * days:
            return days
    return 0


def _is_whole_month(first: datetime, last: datetime) -> bool:
    return first.day == 1 and (last + timedelta(days=1)).day == 1
