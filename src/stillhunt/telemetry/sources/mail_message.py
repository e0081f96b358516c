"""A mail in a file of its own: ``.eml`` as mail programs save it, a file of a Maildir, Apple Mail's ``.emlx``.

Lies where a user saved it, in ``cur`` and ``new`` of a Maildir, on a mail server's spool. What it cannot show: whether
it was read, and what its links would have led to: nothing that it names is fetched.

Reference: RFC 5322; the fields are those of :mod:`stillhunt.telemetry.mail`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stillhunt.errors import SourceError
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.mail import LARGEST, MESSAGE, looks_like_headers, message_row
from stillhunt.telemetry.source import LogFile, Source
from stillhunt.telemetry.table import Row

__all__ = ["SOURCE"]

_APPLE = re.compile(rb"^(\d{1,12})[ \t]*\r?\n")
"""Apple Mail writes the mail's length above it, and properties of its own behind it."""


def sniff(head: bytes) -> bool:
    """Tell by the first lines: header fields that every mail has."""
    head = head[:65_536].removeprefix(b"\xef\xbb\xbf")
    length = _APPLE.match(head)
    if length is not None:
        head = head[length.end() :]
    elif not head[:1].isalpha():
        head = head.lstrip(b"\r\n")
    return looks_like_headers(head)


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield the one mail."""
    content = _bounded(log).removeprefix(b"\xef\xbb\xbf")
    length = _APPLE.match(content)
    if length is not None:
        content = content[length.end() : length.end() + int(length[1])]
    content = content.lstrip(b"\r\n")
    if not content:
        raise SourceError("holds no mail", where=log.name, hint="copy it again")
    yield MESSAGE, message_row(content, log, 1)


def _bounded(log: LogFile) -> bytes:
    parts: list[bytes] = []
    left = LARGEST
    while left > 0 and (chunk := log.stream.read(min(left, 1 << 20))):
        parts.append(chunk)
        left -= len(chunk)
    if left <= 0 and log.stream.read(1):
        log.unread("1", f"the mail is longer than {LARGEST >> 20} MiB", hint="its beginning was read")
    return b"".join(parts)


SOURCE = Source(title="mail (.eml, Maildir)", sniff=sniff, read=read)
