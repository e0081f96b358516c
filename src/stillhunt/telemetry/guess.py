"""What a file that no source reads looks like, so that its owner knows what was left out."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stillhunt.telemetry.columns import expressible
from stillhunt.telemetry.csv_records import csv_headings
from stillhunt.telemetry.encoding import encoding_of
from stillhunt.telemetry.instant import read_instant
from stillhunt.telemetry.json_records import flatten, sample_records
from stillhunt.telemetry.recognition import WRAPPERS

__all__ = ["Guess", "guess_format"]

_NAMES_SHOWN = 6
_NAMES_ENOUGH = 3
_LONGEST_NAME = 40
_LINES_LOOKED_AT = 50
_SEPARATORS = ",;\t|"
_FEWEST_COLUMNS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What a file looks like.

    Attributes:
        what: In a few words.
        is_log: Whether it may be a log that somebody wanted to be read.
        is_mappable: Whether a mapping could describe it.
        names: Its columns, or the names in its first record.
        time: That of them which holds a time, if any does.
    """

    what: str
    is_log: bool
    is_mappable: bool = False
    names: tuple[str, ...] = ()
    time: str = ""

    @property
    def mapping(self) -> str:
        """How a mapping for it begins, on one line; empty if that cannot be said.

        >>> Guess(what="x", is_log=True, names=("ts", "who", "what", "why"), time="ts").mapping
        '{recognise: ["ts", "who", "what"], time: "ts", logsource: {product: ...}}'
        """
        if not self.names:
            return ""
        names = json.dumps(self.names[:_NAMES_ENOUGH], ensure_ascii=False)
        time = json.dumps(self.time, ensure_ascii=False) if self.time else "..."
        return f"{{recognise: {names}, time: {time}, logsource: {{product: ...}}}}"


_BY_MAGIC: tuple[tuple[bytes, str, bool], ...] = (
    (b"\xd4\xc3\xb2\xa1", "a packet capture (pcap)", True),
    (b"\xa1\xb2\xc3\xd4", "a packet capture (pcap)", True),
    (b"\x4d\x3c\xb2\xa1", "a packet capture (pcap)", True),
    (b"\x0a\x0d\x0d\x0a", "a packet capture (pcapng)", True),
    (b"#separator", "a Zeek log", True),
    (b"regf", "a Windows registry hive", True),
    (b"%PDF", "a PDF document", False),
    (b"\x89PNG", "an image", False),
    (b"\xff\xd8\xff", "an image", False),
    (b"GIF8", "an image", False),
    (b"MZ", "a Windows program", False),
    (b"\x7fELF", "a Linux program", False),
)

_BY_CONTENT: tuple[tuple[bytes, str, bool], ...] = (
    (b'"synthetic": true', "the truth of a simulated intrusion", False),
    (b"These logs are SYNTHETIC", "the note beside a simulated intrusion", False),
    (b"#fields\t", "a Zeek log", True),
    (b"type=SYSCALL", "a Linux audit log", True),
    (b"<Event xmlns", "Windows events as XML", True),
    (b'"digestS3Object"', "a digest of AWS CloudTrail: checksums of its log files", False),
    (b'"eventVersion"', "an AWS CloudTrail log", True),
    (b"AuditData", "an M365 unified audit log", True),
    (b"Received: ", "a mail", True),
    (b"%!PS", "a PostScript document", False),
    (b"<html", "a web page", False),
    (b"<!DOCTYPE html", "a web page", False),
)

_LINES: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"^(?:<\d{1,3}>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ \S", re.MULTILINE), "a syslog file"),
    (re.compile(rb"^<\d{1,3}>1 \d{4}-\d\d-\d\dT", re.MULTILINE), "a syslog file"),
    (re.compile(rb'^\S+ \S+ \S+ \[\d\d/[A-Z][a-z]{2}/\d{4}:[^]]+\] "', re.MULTILINE), "a web access log"),
    (
        re.compile(rb"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+ (?:GET|POST|HEAD) /", re.MULTILINE),
        "an IIS log without #Fields:",
    ),
    (re.compile(rb'^\{.*"id\.orig_h"', re.MULTILINE), "a Zeek log as JSON"),
)


def guess_format(head: bytes) -> Guess:
    """Guess from the beginning of a file what it is."""
    if not head:
        return Guess(what="an empty file", is_log=False)
    for magic, what, is_log in _BY_MAGIC:
        if head.startswith(magic):
            return Guess(what=what, is_log=is_log)
    for words, what, is_log in _BY_CONTENT:
        if words in head:
            return Guess(what=what, is_log=is_log)
    for pattern, what in _LINES:
        if pattern.search(head):
            return Guess(what=what, is_log=True)
    if b"\x00" in head[:4096]:
        return Guess(what="binary content of an unknown format", is_log=True)
    if records := sample_records(head, wrappers=WRAPPERS):
        return _described("JSON of an unknown shape", [flatten(record) for record in records])
    if head.lstrip()[:1] in {b"{", b"["}:
        return Guess(what="JSON of an unknown shape", is_log=True, is_mappable=True)
    if rows := _rows(head):
        return _described("a table of an unknown kind", rows)
    return Guess(what="text of no known log format", is_log=True, is_mappable=True)


def _described(what: str, records: Sequence[Mapping[str, Any]]) -> Guess:
    first = records[0]
    names = tuple(name for name in map(expressible, first) if name.strip() and len(name) <= _LONGEST_NAME)
    time = next((name for name in names if _is_time(first.get(name))), "")
    shown = f"{', '.join(names[:_NAMES_SHOWN])}{' ...' if len(names) > _NAMES_SHOWN else ''}"
    said = f"{what} ({shown})" if names else what
    return Guess(what=said, is_log=True, is_mappable=True, names=names, time=time)


def _is_time(value: object) -> bool:
    """Tell whether a value is a time; a bare number is one only if it counts from 1970 to a date of this age."""
    at = read_instant(value)
    if at is None or not isinstance(value, str):
        return False
    return _EARLIEST <= at.year <= _LATEST


_EARLIEST, _LATEST = 1990, 2100


def _rows(head: bytes) -> list[dict[str, str]]:
    """Return some rows of a table; none unless the lines of a beginning have as many cells as its headings."""
    headings = csv_headings(head)
    if len(headings) < _FEWEST_COLUMNS or len(set(headings)) < len(headings):
        return []
    *lines, _ = head.decode(encoding_of(head), "replace").replace("\x00", "").split("\n")
    separator = max(_SEPARATORS, key=next((line for line in lines if headings[0] in line), "").count)
    try:
        rows = [row for row in csv.reader(lines[:_LINES_LOOKED_AT], delimiter=separator) if len(row) >= _FEWEST_COLUMNS]
    except csv.Error:
        return []
    data = [row for row in rows if [cell.strip() for cell in row] != headings]
    if not data or any(len(row) != len(headings) for row in data) or any(not name for name in headings):
        return []
    return [dict(zip(headings, row, strict=True)) for row in data]
