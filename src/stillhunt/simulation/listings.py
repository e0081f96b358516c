"""The files in which cloud logs are handed over: lists of JSON objects, and the rows of PowerShell's CSV."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import msgspec

from stillhunt.simulation.feed import LogFile, Record, packed

__all__ = ["audit_rows", "json_list"]

_RECORD_TYPES = {1: "ExchangeAdmin", 2: "ExchangeItem", 3: "ExchangeItemGroup", 6: "SharePointFileOperation"}
_RECORD_TYPES |= {8: "AzureActiveDirectory", 15: "AzureActiveDirectoryStsLogon", 50: "ExchangeItemAggregated"}


def json_list(pattern: str) -> Callable[[Sequence[Record]], Iterator[LogFile]]:
    """Return what binds records that are JSON objects into one list a month."""

    def bind(records: Sequence[Record]) -> Iterator[LogFile]:
        for month, found in _by_month(records):
            text = "[\n" + ",\n".join(r.text for r in found) + "\n]\n"
            yield packed(pattern.format(month=month), text, len(found))

    return bind


def audit_rows(records: Sequence[Record]) -> Iterator[LogFile]:
    """Bind rows as Search-UnifiedAuditLog piped into Export-Csv writes them."""
    columns = ["RecordType", "CreationDate", "UserIds", "Operations", "AuditData", "ResultIndex", "ResultCount"]
    columns += ["Identity", "IsValid", "ObjectState"]
    for month, found in _by_month(records):
        sheet = io.StringIO(newline="")
        writer = csv.writer(sheet, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(columns)
        for index, record in enumerate(found, start=1):
            data = msgspec.json.decode(record.text)
            kind = _RECORD_TYPES.get(data["RecordType"], str(data["RecordType"]))
            row = [kind, _us_time(record.at), data["UserId"], data["Operation"], record.text, index, len(found)]
            writer.writerow([*row, data["Id"], "True", "Unchanged"])
        yield packed(f"m365/unified-audit-{month}.csv", sheet.getvalue(), len(found))


def _us_time(at: datetime) -> str:
    """Write an instant as PowerShell does where its culture is en-US.

    >>> _us_time(datetime.fromisoformat("2021-04-30T14:05:37"))
    '4/30/2021 2:05:37 PM'
    """
    return f"{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at:%M:%S} {'AM' if at.hour < 12 else 'PM'}"


def _by_month(records: Sequence[Record]) -> list[tuple[str, list[Record]]]:
    months: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        months[f"{record.at:%Y-%m}"].append(record)
    return sorted(months.items())
