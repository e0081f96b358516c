r"""Windows events as text: what ``wevtutil qe LOG /f:text`` prints.

Blocks that begin with ``Event[0]:`` name the event's system fields, one per line, and end in its message. Messages
in English are read back into fields. What it cannot show: EventRecordIDs, which this print leaves out, and fields of
events whose message is not English.

Reference: Microsoft, wevtutil.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import TextIOWrapper

from stillhunt.telemetry.encoding import encoding_of
from stillhunt.telemetry.local_time import DateReader
from stillhunt.telemetry.source import LogFile, Source, peek
from stillhunt.telemetry.windows_export import Shown, record_of

__all__ = ["SOURCE"]

_BEGINNING = re.compile(r"Event\[\d{1,12}\]:?\s*")
_NAMED = re.compile(r"\s{0,4}([A-Za-z ]{2,20}):\s?(.*)")
_LONGEST_LINE = 1 << 20
_MOST_LINES = 20_000
"""Lines of one event; what follows is left out of its message."""


def sniff(head: bytes) -> bool:
    """Tell by a block's beginning with a log's name and an event id below it."""
    text = head.decode(encoding_of(head), "replace").lstrip("\ufeff\x00 \t\r\n")
    lines = [line.strip() for line in text[:4096].splitlines()]
    first = next((at for at, line in enumerate(lines) if _BEGINNING.fullmatch(line)), None)
    if first is None or first > 1:
        return False
    block = lines[first + 1 : first + 14]
    return any(line.startswith("Log Name:") for line in block) and any(line.startswith("Event ID:") for line in block)


def read(log: LogFile) -> Iterator[None]:
    """Take every block; one without an event id or a log's name is counted."""
    stream = TextIOWrapper(log.stream, encoding=encoding_of(peek(log.stream)), errors="replace", newline="\n")
    dates = DateReader()
    dates.decide(is_english=True)
    try:
        for number, lines in _blocks(stream):
            _take(log, number, lines, dates)
            yield
    finally:
        # Whoever opened the log closes it.
        stream.detach()


def _blocks(stream: TextIOWrapper) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of its first line, lines) of every block, the lines above the first one left out."""
    begun = 0
    lines: list[str] = []
    for number, line in enumerate(iter(lambda: stream.readline(_LONGEST_LINE), ""), 1):
        text = line.rstrip("\r\n").lstrip("\ufeff\x00")
        if _BEGINNING.fullmatch(text):
            if begun:
                yield begun, lines
            begun, lines = number, []
        elif begun and len(lines) < _MOST_LINES:
            lines.append(text)
    if begun:
        yield begun, lines


def _take(log: LogFile, number: int, lines: list[str], dates: DateReader) -> None:
    named: dict[str, str] = {}
    message: list[str] = []
    for at, line in enumerate(lines):
        pair = _NAMED.fullmatch(line)
        if pair is None:
            continue
        if pair[1] == "Description":
            message = [pair[2], *lines[at + 1 :]]
            break
        named.setdefault(pair[1], pair[2].strip())
    if not named.get("Event ID", "").isdecimal() or not (named.get("Log Name") or named.get("Source")):
        reason = "is a block without an event id and a log's name"
        log.unread(str(number), reason, hint="the print is cut off", text="\n".join(lines))
        return
    at_local = dates.read(named.get("Date", ""))
    if not log.wants(number):
        return
    user = named.get("User", "")
    shown = Shown(
        event_id=named["Event ID"],
        at=None if at_local is None else log.utc(at_local),
        provider=named.get("Source", ""),
        channel=named.get("Log Name", ""),
        computer=named.get("Computer", ""),
        level=named.get("Level", ""),
        keywords=named.get("Keyword", ""),
        task=named.get("Task", ""),
        user=user if user.startswith("S-1-") else "",
        message="\n".join(message).strip(),
    )
    log.outlet.records.add(record_of(shown), file=log.name, number=number)
    log.n_events += 1
    log.keep(number, "\n".join([f"Event at line {number}:", *lines]))


SOURCE = Source(title="Windows events as text (wevtutil)", sniff=sniff, read=read)
