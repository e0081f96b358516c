r"""IIS and Exchange web logs: W3C extended log format.

One line per request; a ``#Fields:`` line names the columns and may come again with others in the same file.
Times are UTC. Lies in ``inetpub\logs\LogFiles``. What it cannot show: bodies of requests, and whatever was not
selected for logging.

Reference: W3C, Extended Log File Format (WD-logfile-960323); Microsoft, IIS logging fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from ipaddress import ip_address
from typing import BinaryIO

from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.encoding import encoding_of
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.instant import read_instant
from stillhunt.telemetry.lines import LONGEST_LINE, lines
from stillhunt.telemetry.source import Excerpt, LogFile, Source, peek
from stillhunt.telemetry.table import Row, Value

__all__ = ["SOURCE", "request_row"]

EVENT_CLASS = EventClass(product="iis", categories=frozenset({"webserver"}), services=frozenset({"iis"}))

_SIGNATURES = ("cs-uri-stem", "cs-method", "c-ip")
_SIGMA_NAMES = {"cs(User-Agent)": "c-useragent", "cs(Referer)": "cs-referer", "cs(Host)": "cs-host"}
"""IIS's name to the one Sigma's web rules use, kept beside it."""


def sniff(head: bytes) -> bool:
    """Tell by a ``#Fields:`` line that names request fields."""
    return any(
        line.lstrip("\ufeff").startswith("#Fields:") and any(name in line for name in _SIGNATURES)
        for line in head.decode(encoding_of(head), "replace").splitlines()
    )


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every request; lines that do not fit their header are counted."""
    names: list[str] = []
    date = ""
    for number, raw in lines(log):
        line = raw.strip(" ")
        if line.startswith("#"):
            names = line.removeprefix("#Fields:").split() if line.startswith("#Fields:") else names
            date = line.removeprefix("#Date:").strip()[:10] if line.startswith("#Date:") else date
            continue
        values = line.split(" ")
        if len(values) != len(names):
            values = _SPACE.split(line)
        if len(values) != len(names):
            reason = f"has {len(values)} fields where its header names {len(names)}"
            log.unread(str(number), reason, hint="the line is cut off, or the header is missing", text=line)
            continue
        fields = {n: v for n, v in zip(names, values, strict=True) if v != "-"}
        yield EVENT_CLASS, request_row(fields, file=log.name, record=number, original=line, date=date)


_SPACE = re.compile(r"[ \t]+")
"""The format says whitespace; other writers than IIS put more than one space."""


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
    common = {
        "host.name": host.lower().rstrip("."),
        "source.ip": _client(fields),
        "user.name": account_name(fields.get("cs-username", "")),
        "destination.domain": fields.get("cs-host", fields.get("cs(Host)", "")),
        "destination.port": fields.get("s-port", ""),
        "url.path": stem,
        "http.request.method": fields.get("cs-method", ""),
        "http.response.status_code": fields.get("sc-status", ""),
        "user_agent.original": fields.get("cs(User-Agent)", ""),
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


_FORWARDED = ("X-Forwarded-For", "cs(X-Forwarded-For)", "x-forwarded-for", "X-FORWARDED-FOR")


def _client(fields: Mapping[str, str]) -> str:
    """Return the client's address; behind a proxy of the house, what that proxy itself says about its client.

    Only the last address of X-Forwarded-For is the proxy's own; those before it are the client's word.
    """
    address = fields.get("c-ip", "")
    forwarded = next((fields[name] for name in _FORWARDED if name in fields), "")
    said = re.split(r"[,+\s]+", forwarded.strip())[-1]
    if not said or not _is_private(address):
        return address
    try:
        return str(ip_address(said.partition(":")[0] if said.count(":") == 1 else said))
    except ValueError:
        return address


def _is_private(address: str) -> bool:
    try:
        return ip_address(address).is_private
    except ValueError:
        return False


def excerpt(stream: BinaryIO, number: int) -> Excerpt | None:
    """Cut out the line of a web log, behind all lines before it that say what its fields are called."""
    if not encoding_of(peek(stream)).startswith("utf-8"):
        return None
    kept: list[bytes] = []
    for at, line in enumerate(iter(partial(stream.readline, LONGEST_LINE), b""), 1):
        if len(line) == LONGEST_LINE:
            return None  # whether it is longer than what is read depends on its characters, not on its bytes
        if at == number:
            return Excerpt(content=b"".join([*kept, line]), number=len(kept) + 1, is_final=True)
        if line[:1] in _MAY_BE_DIRECTIVE and line.lstrip(b"\xef\xbb\xbf\x00\r ").startswith(b"#"):
            kept.append(line)
    return Excerpt(content=b"", number=1, is_final=True)


_MAY_BE_DIRECTIVE = frozenset({b"#", b"\xef", b"\x00", b"\r", b" "})

SOURCE = Source(title="IIS or Exchange web log (W3C)", sniff=sniff, read=read, excerpt=excerpt)
