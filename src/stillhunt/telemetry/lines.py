"""Lines of a text log: walked once, numbered, and one of them cut out again.

A line ends with a newline and with nothing else, so that its number is the same however a log is read. Carriage
returns, zero bytes and byte order marks at its ends are no part of it: a log that was truncated while it was written
to begins with zero bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from io import TextIOWrapper
from typing import BinaryIO

from stillhunt.telemetry.encoding import encoding_of
from stillhunt.telemetry.share import Cut, cuts_at
from stillhunt.telemetry.source import Excerpt, LogFile, peek

__all__ = ["LONGEST_LINE", "cut", "excerpt", "head_lines", "lines", "numbered", "one_line"]

LONGEST_LINE = 1 << 20
"""Characters of the longest line that is read; what servers log of hostile requests stays far below."""

_NO_PART = "\r\n\ufeff\x00"
_CHUNK = 1 << 20


def head_lines(head: bytes, n_lines: int = 50) -> list[str]:
    r"""Return the first whole lines of a beginning that hold something; the last, which may be cut, only if alone.

    >>> head_lines(b"\n\x00a\r\nb"), head_lines(b"b"), head_lines("a\nb\n".encode("utf-16"))
    (['a'], ['b'], ['a', 'b'])
    """
    found = head.decode(encoding_of(head), "replace").split("\n")
    whole = found[:-1] if len(found) > 1 else found
    stripped = (line.strip(_NO_PART) for line in whole)
    return [line for line in stripped if line and not line.isspace()][:n_lines]


def lines(log: LogFile) -> Iterator[tuple[int, str]]:
    """Yield the lines of a log that hold something; one that is longer than any event is counted as unread.

    Yields:
        Number of the line, from one (from ``log.first`` on in a piece), and its text.
    """
    for number, line in numbered(log.stream, log.first):
        if line is None:
            reason = f"is a line of more than {LONGEST_LINE:,} characters"
            log.unread(str(number), reason, hint="no line of a log is that long: look at what wrote it")
        elif line and not line.isspace():
            yield number, line


def numbered(stream: BinaryIO, first: int = 0) -> Iterator[tuple[int, str | None]]:
    """Yield all lines with their numbers, None in place of one that is too long; the stream stays open."""
    text = TextIOWrapper(stream, encoding=encoding_of(peek(stream)), errors="replace", newline="\n")
    number, is_rest = first, False
    try:
        while line := text.readline(LONGEST_LINE):
            is_cut = len(line) == LONGEST_LINE and not line.endswith("\n")
            if is_cut and not is_rest and not line.strip("\x00"):
                # The hole that truncation leaves; the line proper follows.
                continue
            if not is_rest:
                number += 1
                yield number, None if is_cut else line.strip(_NO_PART)
            is_rest = is_cut
    finally:
        # Whoever opened the log closes it.
        text.detach()


def excerpt(stream: BinaryIO, number: int) -> Excerpt | None:
    """Cut out one line of a log whose lines can be read by themselves."""
    if number < 1 or not encoding_of(peek(stream)).startswith("utf-8"):
        return None
    line = one_line(stream, number)
    return None if line is None else Excerpt(content=line, number=1, is_final=True)


def one_line(stream: BinaryIO, number: int) -> bytes | None:
    """Return a line by its number, empty behind the end; None if it is longer than any event."""
    left, rest = number - 1, b""
    while left > 0 and (rest := stream.read(_CHUNK)):
        n_here = rest.count(b"\n")
        if n_here >= left:
            at = -1
            for _ in range(left):
                at = rest.index(b"\n", at + 1)
            rest = rest[at + 1 :]
            left = 0
        else:
            left -= n_here
    if left > 0:
        return b""
    line, newline, _ = rest.partition(b"\n")
    if newline:
        return line
    more = stream.readline(LONGEST_LINE)
    return None if len(more) == LONGEST_LINE and not more.endswith(b"\n") else rest + more


def cut(stream: BinaryIO, n_pieces: int) -> list[Cut]:
    """Cut a log between lines, where every line can be read by itself."""
    head = stream.read(1 << 16)
    size = stream.seek(0, io.SEEK_END)
    if not encoding_of(head).startswith("utf-8"):
        return cuts_at([(0, 0)], size)
    places = [(0, 0)]
    for piece in range(1, n_pieces):
        start, n_lines = places[-1]
        stream.seek(start)
        goal = size * piece // n_pieces
        while start < goal and (block := stream.read(min(_CHUNK, goal - start))):
            n_lines += block.count(b"\n")
            start += len(block)
        rest = stream.readline(LONGEST_LINE)
        if start > places[-1][0] and rest.endswith(b"\n") and start + len(rest) < size:
            places.append((start + len(rest), n_lines + 1))
    return cuts_at(places, size)
