"""Windows events as JSON, in whatever shape a collector or converter wrote them.

One object per line (the usual case), one array, or objects one after another over several lines; the shapes are
those of :mod:`stillhunt.telemetry.shapes`. What it cannot show: fields that the exporter dropped.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from io import TextIOWrapper

import msgspec

from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.shapes import from_json
from stillhunt.telemetry.source import LogFile, Source
from stillhunt.telemetry.table import Row
from stillhunt.telemetry.windows import to_row

__all__ = ["SOURCE"]

_LINES_LOOKED_AT = 200
_CHUNK = 1 << 20
_LONGEST_OBJECT = 64 << 20
"""An object that is still open after this much text is damaged."""


def sniff(head: bytes) -> bool:
    """Tell by the first objects that decode, so that a damaged first line hides nothing."""
    text = head.decode(_encoding(head), "replace").lstrip("\ufeff").lstrip()
    if text[:1] not in {"{", "["} and "{" not in text[:4096]:
        return False
    return any(from_json(found) is not None for found in _samples(text))


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every event; objects that are no Windows event, and text that is no JSON, are counted."""
    head = _peek(log)
    for number, text, record in _objects(log, head):
        event = from_json(record)
        if event is None:
            log.unread(str(number), "is JSON but no Windows event", hint="its fields name no event id with a channel")
            continue
        yield to_row(event, file=log.name, record=number, original=text)


def _samples(text: str) -> Iterator[object]:
    for line in text.splitlines()[:_LINES_LOOKED_AT]:
        try:
            yield msgspec.json.decode(line.strip().rstrip(","))
        except (msgspec.DecodeError, UnicodeEncodeError):
            continue
    decoder = json.JSONDecoder()
    start = text.find("{")
    if start >= 0:
        try:
            yield decoder.raw_decode(text, start)[0]
        except (ValueError, RecursionError):
            return


def _objects(log: LogFile, head: bytes) -> Iterator[tuple[int, str, object]]:
    """Yield (line or ordinal, raw text, decoded object)."""
    encoding = _encoding(head)
    stream = TextIOWrapper(log.stream, encoding=encoding, errors="replace", newline="\n")
    try:
        is_by_line = _is_by_line(head.decode(encoding, "replace"))
        yield from _by_line(log, stream) if is_by_line else _in_a_row(log, stream)
    finally:
        # Whoever opened the log closes it.
        stream.detach()


def _by_line(log: LogFile, stream: TextIOWrapper) -> Iterator[tuple[int, str, object]]:
    decode = msgspec.json.decode
    for number, line in enumerate(stream, 1):
        text = line.strip().lstrip("\ufeff")
        if text in {"", "[", "]"}:
            continue
        try:
            yield number, text, decode(text.rstrip(","))
        except (msgspec.DecodeError, UnicodeEncodeError) as error:
            log.unread(str(number), f"is no JSON: {error}")
        except RecursionError:
            log.unread(str(number), "is nested too deeply")


def _in_a_row(log: LogFile, stream: TextIOWrapper) -> Iterator[tuple[int, str, object]]:
    """Read objects over several lines, in an array or one after another; the number is their ordinal."""
    decoder = json.JSONDecoder()
    text, number = "", 0
    while True:
        more = stream.read(_CHUNK)
        text += more
        position = 0
        while (start := text.find("{", position)) >= 0:
            try:
                record, end = decoder.raw_decode(text, start)
            except RecursionError:
                record, end = None, start + 1
            except ValueError as error:
                is_open = bool(more) and len(text) - start < _LONGEST_OBJECT
                if is_open:
                    position = start
                    break
                number += 1
                log.unread(f"object {number}", f"is no JSON: {error}")
                position = _next_object(text, start)
                continue
            number += 1
            if record is None:
                log.unread(f"object {number}", "is nested too deeply")
            else:
                yield number, text[start:end], record
            position = end
        else:
            position = len(text)
        text = text[position:]
        if not more:
            return


def _next_object(text: str, start: int) -> int:
    """Return where the next object may begin: at a line's beginning, else anywhere after this one."""
    line = text.find("\n{", start + 1)
    return line + 1 if line >= 0 else start + 1


def _is_by_line(head: str) -> bool:
    """Tell whether any whole line of the beginning is an object."""
    lines = head.splitlines()
    for line in lines[:_LINES_LOOKED_AT]:
        text = line.strip().lstrip("\ufeff").rstrip(",")
        if not text.startswith("{") or not text.endswith("}"):
            continue
        try:
            if isinstance(msgspec.json.decode(text), dict):
                # An array on one line, or a nested object inside a pretty-printed one, is not by line.
                return not line.startswith((" ", "\t")) or len(line) - len(line.lstrip()) == 0
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            continue
    # A line longer than what was looked at: by line unless the file is an array.
    return len(lines) <= 1 and not head.lstrip("\ufeff \r\n\t").startswith("[")


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"


def _peek(log: LogFile) -> bytes:
    """Return the beginning without consuming it."""
    head: bytes = log.stream.peek(1 << 16) if hasattr(log.stream, "peek") else b""
    return head[: 1 << 16]


SOURCE = Source(title="Windows events as JSON", sniff=sniff, read=read)
