r"""IIS and Exchange web logs: W3C extended log format.

One line per request; a ``#Fields:`` line names the columns and may come again with others in the same file.
Times are UTC. Lies in ``inetpub\logs\LogFiles``. What it cannot show: bodies of requests, and whatever was not
selected for logging.

Reference: W3C, Extended Log File Format (WD-logfile-960323); Microsoft, IIS logging fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.instant import read_instant
from stillhunt.telemetry.source import LogFile, Source
from stillhunt.telemetry.table import Row, Value

__all__ = ["SOURCE", "request_row"]

EVENT_CLASS = EventClass(product="iis", categories=frozenset({"webserver"}), services=frozenset({"iis"}))

_SIGNATURES = (b"cs-uri-stem", b"cs-method", b"c-ip")
_SIGMA_NAMES = {"cs(User-Agent)": "c-useragent", "cs(Referer)": "cs-referer", "cs(Host)": "cs-host"}
"""IIS's name to the one Sigma's web rules use, kept beside it."""


def sniff(head: bytes) -> bool:
    """Tell by a ``#Fields:`` line that names request fields."""
    return any(
        line.startswith(b"#Fields:") and any(name in line for name in _SIGNATURES)
        for line in head.removeprefix(b"\xef\xbb\xbf").splitlines()
    )


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every request; lines that do not fit their header are counted."""
    names: list[str] = []
    date = ""
    for number, raw in enumerate(log.stream, 1):
        line = raw.decode("utf-8", "replace").strip("\r\n\ufeff\x00 ")
        if line.startswith("#"):
            names = line.removeprefix("#Fields:").split() if line.startswith("#Fields:") else names
            date = line.removeprefix("#Date:").split()[0] if line.startswith("#Date:") and len(line) > 6 else date
            continue
        if not line:
            continue
        values = line.split(" ")
        if len(values) != len(names):
            reason = f"has {len(values)} fields where its header names {len(names)}"
            log.unread(str(number), reason, hint="the line is cut off, or the header is missing")
            continue
        fields = {n: v for n, v in zip(names, values, strict=True) if v != "-"}
        yield EVENT_CLASS, request_row(fields, file=log.name, record=number, original=line, date=date)


def request_row(fields: Mapping[str, str], *, file: str, record: int, original: str, date: str = "") -> Row:
    """Return the row of one request.

    Args:
        fields: W3C field names to values, absent ones left out.
        file: Input file as shown to people.
        record: Line number.
        original: The line.
        date: Date of the log's header, for logs that only keep times.
    """
    native: dict[str, Value] = dict(fields)
    stem, query = fields.get("cs-uri-stem", ""), fields.get("cs-uri-query", "")
    native["cs-uri"] = f"{stem}?{query}" if query else stem
    native |= {sigma: fields[own] for own, sigma in _SIGMA_NAMES.items() if own in fields}
    if "c-useragent" in native:
        native["cs-user-agent"] = native["c-useragent"]
    host = fields.get("s-computername") or fields.get("s-ip") or ""
    user = fields.get("cs-username", "").lower()
    common = {
        "host.name": host.lower(),
        "source.ip": fields.get("c-ip", ""),
        "user.name": user,
        "destination.domain": fields.get("cs-host", fields.get("cs(Host)", "")),
    }
    at = read_instant(f"{fields.get('date', date)} {fields.get('time', '')}".strip())
    return Row(
        at=at,
        clock="date time",
        file=file,
        record=record,
        original=original,
        common={name: value for name, value in common.items() if value},
        native=native,
    )


SOURCE = Source(title="IIS or Exchange web log (W3C)", sniff=sniff, read=read)
