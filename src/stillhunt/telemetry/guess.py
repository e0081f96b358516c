"""What a file that no source reads looks like, so that its owner knows what was left out."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Guess", "guess_format"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What a file looks like.

    Attributes:
        what: In a few words.
        is_log: Whether it may be a log that somebody wanted to be read.
        is_mappable: Whether a mapping could describe it.
    """

    what: str
    is_log: bool
    is_mappable: bool = False


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
    if head.lstrip()[:1] in {b"{", b"["}:
        return Guess(what="JSON of an unknown shape", is_log=True, is_mappable=True)
    return Guess(what="text of no known log format", is_log=True, is_mappable=True)
