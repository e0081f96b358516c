"""The journal of systemd, exported: ``journalctl -o json``, also ``json-pretty``, and ``journalctl -o export``.

What a program says is read as in syslog (:mod:`stillhunt.telemetry.unix`); around it stand the fields that journald
itself vouches for, which begin with an underscore: the program, its user, its unit, its host. Records of the audit
subsystem lie in it too. Native fields carry the journal's names; ``message`` and ``program`` are what syslog has.
What it cannot show: messages dropped by rate limits, what was vacuumed away, and a journal that is only in memory.

Times are microseconds since 1970 UTC (``__REALTIME_TIMESTAMP``, when the journal received the message).

Reference: systemd, "Journal Export Formats", "Journal JSON Format", systemd.journal-fields(7).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from stillhunt.telemetry.archive import seekable
from stillhunt.telemetry.encoding import plain
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.json_records import excerpt_json_line, json_records, says
from stillhunt.telemetry.source import Excerpt, LogFile, Source, peek
from stillhunt.telemetry.table import Row
from stillhunt.telemetry.unix import FACILITIES, SEVERITIES, read_message
from stillhunt.terms.moment import EPOCH

__all__ = ["SOURCE"]

_TIME, _CURSOR = "__REALTIME_TIMESTAMP", "__CURSOR"
_EXPORT = re.compile(rb"\s*(?:__CURSOR=|__REALTIME_TIMESTAMP=)")
_LONGEST_FIELD = 16 << 20
_MOST_FIELDS = 1_000
_ADDRESSES = frozenset({_CURSOR, "__MONOTONIC_TIMESTAMP", "__SEQNUM", "__SEQNUM_ID"})
"""Addresses inside the journal, which say nothing about the event."""

_AUDIT = re.compile(r"audit\(")


def sniff(head: bytes) -> bool:
    """Tell by the fields that every entry has."""
    if _EXPORT.match(head):
        return b"__REALTIME_TIMESTAMP=" in head
    return says(head, b'"__REALTIME_TIMESTAMP"') and b'"__CURSOR"' in plain(head)


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every entry; what is none is counted."""
    if _EXPORT.match(peek(log.stream)):
        yield from _exported(log)
        return
    for record in json_records(log):
        entry = {name: text for name, value in record.value.items() if (text := _text(value))}
        if found := _event(log, entry, record.number, record.text):
            yield found
        else:
            log.unread(str(record.number), f"is JSON but no entry of a journal: it has no `{_TIME}`")


def _text(value: Any) -> str:
    """Return a field's value: a text, the bytes of one as numbers, or several of either."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return "" if value is None else str(value)
    if value and all(isinstance(one, int) and 0 <= one < 256 for one in value):
        return bytes(value).decode("utf-8", "replace")
    return " ".join(text for one in value if (text := _text(one)))


def _event(log: LogFile, entry: Mapping[str, str], number: int, original: str) -> tuple[EventClass, Row] | None:
    at = _instant(entry.get(_TIME, ""))
    if at is None:
        return None
    text = entry.get("MESSAGE", "")
    program = entry.get("SYSLOG_IDENTIFIER") or entry.get("_COMM", "")
    audit = _audit_record(entry)
    facility = _named(FACILITIES, entry.get("SYSLOG_FACILITY", ""))
    said = read_message("audit", audit) if audit else read_message(program, text, facility)
    native = {name: value for name, value in entry.items() if name not in _ADDRESSES}
    native |= said.native
    native["message"] = text
    if program:
        native["program"] = program
    if severity := _named(SEVERITIES, entry.get("PRIORITY", "")):
        native["severity"] = severity
    common = _common(entry) | said.common
    return said.event_class, Row(
        at=at,
        clock=_TIME,
        file=log.name,
        record=number,
        original=original,
        common=common,
        native=native,
    )


def _audit_record(entry: Mapping[str, str]) -> str:
    """Return an audit record as the audit log has it: the journal keeps its number, and leaves out its name."""
    text = entry.get("MESSAGE", "")
    if entry.get("_TRANSPORT") != "audit" or _AUDIT.search(text) or "_AUDIT_ID" not in entry:
        return ""
    kind, _, rest = text.partition(" ")
    micros = entry.get("_SOURCE_REALTIME_TIMESTAMP") or entry[_TIME]
    if not micros.isdecimal():
        return ""
    stamp = f"{int(micros) // 1_000_000}.{int(micros) // 1_000 % 1_000:03}"
    return f"type={kind} msg=audit({stamp}:{entry['_AUDIT_ID']}): {rest}"


def _common(entry: Mapping[str, str]) -> dict[str, str]:
    found = {
        "host.name": entry.get("_HOSTNAME", "").lower(),
        "process.executable": entry.get("_EXE", ""),
        "process.command_line": entry.get("_CMDLINE", ""),
        "service.name": entry.get("_SYSTEMD_UNIT", ""),
    }
    return {name: value for name, value in found.items() if value}


def _named(names: tuple[str, ...], number: str) -> str:
    return names[int(number)] if number.isdecimal() and int(number) < len(names) else ""


def _instant(micros: str) -> datetime | None:
    try:
        return EPOCH + timedelta(microseconds=int(micros))
    except (ValueError, OverflowError):
        return None


def _exported(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Read the export format: a field per line, or its name, eight bytes of length and its bytes; a blank line ends."""
    with seekable(log.stream) as stream:
        number = log.first
        entry: dict[str, str] = {}
        for name, value in _fields(log, stream):
            if name:
                if len(entry) < _MOST_FIELDS:
                    entry[name] = f"{entry[name]} {value}" if name in entry else value
                continue
            if entry:
                number += 1
                yield from _finished(log, entry, number)
            entry = {}
        if entry:
            yield from _finished(log, entry, number + 1)


def _finished(log: LogFile, entry: Mapping[str, str], number: int) -> Iterator[tuple[EventClass, Row]]:
    original = "\n".join(f"{name}={value}" for name, value in entry.items())
    if found := _event(log, entry, number, original):
        yield found
    else:
        log.unread(str(number), f"is no entry of a journal: it has no `{_TIME}`")


def _fields(log: LogFile, stream: BinaryIO) -> Iterator[tuple[str, str]]:
    """Yield names and values; an empty name between entries."""
    while line := stream.readline(_LONGEST_FIELD):
        line = line.rstrip(b"\n")
        if not line:
            yield "", ""
            continue
        name, is_text, value = line.partition(b"=")
        if not is_text:
            value = _binary(log, stream)
        yield name.decode("utf-8", "replace"), value.decode("utf-8", "replace")


def _binary(log: LogFile, stream: BinaryIO) -> bytes:
    n_bytes = int.from_bytes(stream.read(8), "little")
    if n_bytes > _LONGEST_FIELD:
        log.unread("a field", f"is said to be {n_bytes:,} bytes long", hint="the export is damaged there")
        return b""
    value = stream.read(n_bytes)
    stream.read(1)
    return value


def excerpt(stream: BinaryIO, number: int) -> Excerpt | None:
    """Cut out one entry where each has its own line."""
    if _EXPORT.match(peek(stream)):
        return None
    return excerpt_json_line(stream, number)


SOURCE = Source(title="Journal of systemd (JSON, export)", sniff=sniff, read=read, excerpt=excerpt)
