r"""A mailbox in one file (mbox): mails behind one another, each below a line that begins with ``From ``.

Lies in ``/var/mail``, in Thunderbird's profile, in exports of Google, Apple Mail and many others. Lines of a mail that
would look like the beginning of another are written with ``>`` before them. Of the two ways to do so, one quotes only
``From ``, the other also ``>From ``; which was used is not told, so one ``>`` is taken away in both cases, which is
wrong only for a line quoted in a mail before it came to a mailbox of the first kind. What it cannot show: mails that
were deleted, unless the mailbox was not packed since.

Reference: RFC 4155; the manual page mbox(5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.mail import LARGEST, MESSAGE, looks_like_headers, message_row
from stillhunt.telemetry.source import Excerpt, LogFile, Source
from stillhunt.telemetry.table import Row

__all__ = ["SOURCE"]

_LONGEST_LINE = 1 << 20
_BEGINNING = re.compile(rb"From (?:\S.{0,300}?[ \t])?.{0,60}\d\d?:\d\d(?::\d\d)?.{0,40}\d{4}\b.{0,60}\r?\n?$")
"""The sender, in whatever form, and a time."""

_BARE = re.compile(rb"From \S{0,300}[ \t]*\r?\n?$")
"""Without a time, as few programs write it; taken only where header fields follow."""

_HEADER = re.compile(rb"(?:[!-9;-~]+[ \t]*:|>From )")
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)


def sniff(head: bytes) -> bool:
    """Tell by the first line and the header fields below it."""
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if not head.startswith(b"From "):
        return False
    line, _, rest = head.partition(b"\n")
    if rest.startswith(b">From "):
        rest = rest.partition(b"\n")[2]
    return bool(_BEGINNING.match(line) or _BARE.match(line)) and looks_like_headers(rest)


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every mail, numbered from 1."""
    for number, mail in enumerate(_mails(log.stream), 1):
        if mail.is_cut:
            reason = f"the mail is longer than {LARGEST >> 20} MiB"
            log.unread(str(number), reason, hint="its beginning was read")
        content = b"".join(mail.lines)
        mail.lines.clear()
        content = _QUOTED.sub(rb"\1", content) if mail.is_quoted else content
        envelope = mail.envelope.decode("utf-8", "replace").strip()[:400]
        if content.strip():
            yield MESSAGE, message_row(content, log, number, envelope=envelope)
        else:
            log.unread(str(number), "nothing stands below the line that begins a mail")


@dataclass(slots=True)
class _Mail:
    """One mail as it stands in the file."""

    envelope: bytes
    lines: list[bytes]
    n_bytes: int = 0
    is_cut: bool = False
    is_quoted: bool = False

    def add(self, line: bytes) -> None:
        """Take a line, or the next piece of a long one, as long as the mail is not too long."""
        if self.n_bytes + len(line) > LARGEST:
            self.is_cut = True
            return
        self.n_bytes += len(line)
        self.is_quoted = self.is_quoted or line.startswith(b">")
        self.lines.append(line)


def _mails(stream: BinaryIO) -> Iterator[_Mail]:
    """Yield one mail at a time. A line that begins one stands below an empty line and above a header field."""
    mail: _Mail | None = None
    begins: bytes | None = None
    is_start, is_after_blank = True, True
    for line in iter(lambda: stream.readline(_LONGEST_LINE), b""):
        if begins is not None:
            if _HEADER.match(line):
                if mail is not None:
                    yield mail
                mail = _Mail(begins, [])
            elif mail is not None:
                mail.add(begins)
            begins = None
        if is_start and is_after_blank and _may_begin(line):
            begins = line
        elif mail is not None:
            mail.add(line)
        is_after_blank = is_start and not line.strip(b"\r\n\xef\xbb\xbf")
        is_start = line.endswith(b"\n")
    if begins is not None and mail is not None:
        mail.add(begins)
    if mail is not None:
        yield mail


def _may_begin(line: bytes) -> bool:
    line = line.removeprefix(b"\xef\xbb\xbf")
    return line.startswith(b"From ") and bool(_BEGINNING.match(line) or _BARE.match(line))


def excerpt(stream: BinaryIO, number: int) -> Excerpt | None:
    """Cut out one mail with the line above it."""
    for at, mail in enumerate(_mails(stream), 1):
        if at == number:
            return Excerpt(content=b"".join([mail.envelope, *mail.lines]), number=1, is_final=True)
    return Excerpt(content=b"", number=1, is_final=True)


SOURCE = Source(title="mailbox (mbox)", sniff=sniff, read=read, excerpt=excerpt)
