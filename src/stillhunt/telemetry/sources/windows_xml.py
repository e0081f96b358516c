r"""Windows events as XML: exports of the Event Viewer, ``wevtutil``, forwarders, and XML inside other logs' lines.

Whatever stands around them, events are cut out of the text one by one, from ``<Event`` to ``</Event>``: in an
``<Events>`` document or one after another, over many lines or one per line, behind the header of a syslog line, in
a string of a JSON object. So a damaged event costs itself only, and the parser never sees a document type: there can
be no entities to expand and nothing to fetch. What it cannot show: rendered texts where the export left them out.

Reference: Microsoft, Event Schema (``schemas.microsoft.com/win/2004/08/events/event``).
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from io import TextIOWrapper
from typing import Any, BinaryIO
from xml.etree import ElementTree as ET

import msgspec

from stillhunt.telemetry.encoding import encoding_of
from stillhunt.telemetry.shapes import recipe_of, take_apart
from stillhunt.telemetry.share import Cut, cuts_at
from stillhunt.telemetry.source import Excerpt, LogFile, Source, peek

__all__ = ["SOURCE"]

_CHUNK = 1 << 20
_LONGEST_EVENT = 4 << 20
"""An event that is still open after this much text is damaged; Windows writes at most 64 KiB of binary XML."""
_LONGEST_LINE = 64 << 20
_DEEPEST = 20
"""Elements inside elements that are looked at; events of Windows have at most six."""

_EDGE = re.compile(r"<(/?)Event(?=[\s>/])[^<>]*>")
_START = re.compile(rb"<Event(?=[\s>/])[^<>]*>")
_IS_EVENT = re.compile(r"<System\b[^>]*>\s*<Provider\b|<System\b[^>]*>.{0,2000}?<EventID\b", re.DOTALL)
_LINUX = re.compile(r"<Provider\s[^>]*Name=[\"']Linux-Sysmon[\"']")
"""Sysmon for Linux writes the same XML into syslog, and is another source's."""

_LEAST_SHARE = 0.5
"""Events fill at least this share of the beginning: whoever writes one into a request makes no XML log of it."""


def sniff(head: bytes) -> bool:
    """Tell by events that fill most of the beginning, as they are or inside the strings of JSON objects."""
    if b"E\x00v\x00e\x00n\x00t" not in head and b"Event" not in head:
        return False
    text = head.decode(_encoding(head), "replace").lstrip("\ufeff\x00 \t\r\n")
    if text[:1] in {"{", "["}:
        return _holds_events(text)
    return _is_filled(text)


def _is_filled(text: str) -> bool:
    n_inside = 0
    start, is_ours = -1, False
    for edge in _EDGE.finditer(text):
        if start >= 0:
            is_ours = is_ours or _is_windows(text[start : edge.end()])
            n_inside += edge.start() - start
        start = edge.start() if not edge[1] else -1
    if start >= 0:
        is_ours = is_ours or _is_windows(text[start:])
        n_inside += len(text) - start
    return is_ours and n_inside >= _LEAST_SHARE * len(text.rstrip("\x00 \r\n"))


def _is_windows(text: str) -> bool:
    return _IS_EVENT.search(text) is not None and _LINUX.search(text) is None


def _holds_events(text: str) -> bool:
    """Tell whether the first string that holds an event is not one beside the fields of the event itself."""
    for line in text.splitlines()[:_LINES_LOOKED_AT]:
        record = _decoded(line)
        if isinstance(record, dict):
            structure, values = take_apart(record)
            recipe = recipe_of(structure)
            if recipe is not None and recipe.is_event(values):
                return False
        if any(_is_windows(string) for string in _strings_in(line, record)):
            return True
    return False


_LINES_LOOKED_AT = 20


def read(log: LogFile) -> Iterator[None]:
    """Take every event; what cannot be parsed, and XML that is no event, is counted."""
    head = peek(log.stream)
    stream = TextIOWrapper(log.stream, encoding=_encoding(head), errors="replace", newline="\n")
    try:
        number = log.first
        for text, reason in _events(stream):
            number += reason != _NO_BEGINNING
            if reason:
                log.unread(f"event {number}", reason, text=text)
            elif log.wants(number):
                _take(log, number, text)
            yield
    finally:
        # Whoever opened the log closes it.
        stream.detach()


def _take(log: LogFile, number: int, text: str) -> None:
    try:
        record = _record(_parsed(text))
        recipe = log.outlet.records.add(record, file=log.name, number=number)
    except (ET.ParseError, RecursionError) as error:
        log.unread(f"event {number}", f"is no XML: {error}", text=text)
        return
    if recipe is None:
        log.unread(f"event {number}", "is XML but no Windows event", hint="it has no System element", text=text)
        return
    log.n_events += 1
    log.keep(number, text)


def _encoding(head: bytes) -> str:
    """Return the encoding of the bytes; what the declaration says counts only for those that UTF-8 has not."""
    found = encoding_of(head)
    declared = _DECLARED.match(head)
    if not found.startswith("utf-8") or declared is None:
        return found
    try:
        # The end may lie within a character.
        head[:-4].decode("utf-8")
    except UnicodeDecodeError:
        name = declared[1].decode("ascii").lower()
        if name.startswith(_OF_ONE_COUNTRY):
            try:
                return codecs.lookup(name).name
            except LookupError:
                return found
    return found


_DECLARED = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding=[\"']([A-Za-z0-9_.-]{1,40})[\"']")
_OF_ONE_COUNTRY = ("windows-125", "iso-8859-", "gb", "shift_jis", "euc-", "big5", "koi8-", "cp125", "ibm")


# --- Cutting events out ------------------------------------------------------------------------------------------


def _events(stream: TextIOWrapper) -> Iterator[tuple[str, str]]:
    """Yield (text, why it is no whole event) of everything that begins as an event does, in order."""
    buffer = stream.read(_CHUNK)
    if buffer.lstrip("\ufeff\x00 \t\r\n")[:1] in {"{", "["}:
        yield from _in_strings(stream, buffer)
        return
    cutter = _Cutter()
    while buffer:
        yield from cutter.feed(buffer)
        buffer = stream.read(_CHUNK)
    yield from cutter.rest()


class _Cutter:
    """Cuts a text that comes in pieces into events."""

    def __init__(self) -> None:
        self._text = ""
        self._open = -1

    def feed(self, more: str) -> Iterator[tuple[str, str]]:
        """Take text, and yield what is complete by it."""
        # An edge may lie across the border of two pieces.
        look_from = max(0, len(self._text) - _LONGEST_EDGE)
        self._text += more
        done = 0
        for edge in _EDGE.finditer(self._text, look_from):
            if edge.start() < max(done, self._open + 1):
                continue
            if not edge[1]:
                if self._open >= 0:
                    yield self._text[self._open : edge.start()].strip(), _NO_END
                done, self._open = edge.end(), edge.start()
                if edge[0].endswith("/>"):
                    self._open = -1
                    yield edge[0], "is empty"
            elif self._open >= 0:
                yield self._text[self._open : edge.end()], ""
                done, self._open = edge.end(), -1
            else:
                done = edge.end()
                yield self._text[max(0, edge.start() - _CONTEXT) : edge.end()], _NO_BEGINNING
        if self._open >= 0 and len(self._text) - self._open > _LONGEST_EVENT:
            yield self._text[self._open : self._open + _CHUNK], _NO_END
            done, self._open = len(self._text) - _LONGEST_EDGE, -1
        keep = self._open if self._open >= 0 else max(done, len(self._text) - _LONGEST_EDGE)
        self._text = self._text[keep:]
        self._open = 0 if self._open >= 0 else -1

    def rest(self) -> Iterator[tuple[str, str]]:
        """Yield what the text ends in."""
        if self._open >= 0:
            yield self._text[self._open :], _NO_END


_LONGEST_EDGE = 1_000
_CONTEXT = 100
_NO_BEGINNING, _NO_END = "is the end of an event whose beginning is missing", "breaks off before its end"


def _in_strings(stream: TextIOWrapper, buffer: str) -> Iterator[tuple[str, str]]:
    """Yield the events in the strings of JSON objects, one object per line."""
    for line in _lines(stream, buffer):
        if not line.strip("\ufeff\x00 \t\r\n[],"):
            continue
        record = _decoded(line)
        found = [string for string in _strings_in(line, record) if _START_IN_TEXT.search(string)]
        if not found and record is None and len(line) < _CHUNK:
            continue
        if not found:
            yield line[:_CHUNK], "is no JSON" if record is None else "is JSON without a Windows event"
        for string in found:
            cutter = _Cutter()
            yield from cutter.feed(string)
            yield from cutter.rest()


_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_START_IN_TEXT = re.compile(r"<Event(?=[\s>])")


def _lines(stream: TextIOWrapper, buffer: str) -> Iterator[str]:
    """Yield the lines of a text whose beginning was read already; a longer one than any is yielded empty of sense."""
    while True:
        *lines, rest = buffer.split("\n")
        yield from lines
        more = stream.read(_CHUNK)
        if not more:
            yield rest
            return
        if len(rest) > _LONGEST_LINE:
            rest = rest[:1]
        buffer = rest + more


def _decoded(line: str) -> object:
    try:
        return msgspec.json.decode(line.strip("\ufeff\x00 \t\r\n,").encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return None


def _strings_in(line: str, record: object) -> Iterator[str]:
    """Yield the strings of a line's object; of an object over many lines, those of the line: no string goes over it."""
    if record is not None:
        yield from _strings(record)
        return
    for string in _STRING.finditer(line):
        yield from _strings(_decoded(string[0]))


def _strings(value: object, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)) and depth < _DEEPEST:
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _strings(inner, depth + 1)


# --- Events as records -------------------------------------------------------------------------------------------


def _parsed(text: str) -> ET.Element:
    """Parse an event; one that is refused is mended where exporters are known to write what XML does not allow."""
    try:
        return ET.fromstring(text)  # noqa: S314 - the text begins with <Event, so no entity can be declared in it
    except ET.ParseError:
        mended = _unescaped(text)
        mended = _FORBIDDEN.sub("\ufffd", _FORBIDDEN_REFERENCE.sub(_allowed, mended))
        if mended == text:
            raise
        return ET.fromstring(mended)  # noqa: S314 - as above


def _unescaped(text: str) -> str:
    """Undo what CSV and JSON do to quotes, where an event was taken out of a line of them."""
    if '=""' in text:
        return text.replace('""', '"')
    if '=\\"' in text:
        with suppress(msgspec.DecodeError):
            return str(msgspec.json.decode(f'"{text}"'.encode("utf-8", "replace")))
    return text


_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_FORBIDDEN_REFERENCE = re.compile(r"&#(x[0-9A-Fa-f]{1,8}|[0-9]{1,9});")
"""Windows writes control characters into XML, as they are or as references; neither is XML."""


def _allowed(reference: re.Match[str]) -> str:
    number = int(reference[1][1:], 16) if reference[1][0] == "x" else int(reference[1])
    is_character = number < 0x110000 and not _FORBIDDEN.match(chr(number))
    return reference[0] if is_character else "\ufffd"


def _record(event: ET.Element) -> dict[str, Any]:
    """Return an event as the object that ``evtx_dump`` would write; one without System as its elements' texts."""
    parts = {_name(child): child for child in event}
    system = parts.get("System")
    if system is None:
        return {_name(child): _text(child) for child in event}
    data = _event_data(parts["EventData"]) if "EventData" in parts else {}
    record: dict[str, Any] = {"System": {_name(child): _system_value(child) for child in system}, "EventData": data}
    if "UserData" in parts:
        record["UserData"] = _children(parts["UserData"])
    message = _message(parts.get("RenderingInfo"))
    if message and "Message" not in data:
        data["Message"] = message
    return {"Event": record}


def _system_value(element: ET.Element) -> object:
    if element.tag.endswith("EventID"):
        # Its attribute, Qualifiers, would make a second shape of every classic event.
        return (element.text or "").strip()
    attributes = element.attrib
    return {"#attributes": attributes} if attributes else element.text


def _event_data(element: ET.Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    unnamed: list[str] = []
    for child in element:
        name = child.get("Name")
        value = _text(child)
        if name is None and child.tag.endswith("}Data" if child.tag[:1] == "{" else "Data"):
            unnamed.append(value)
        else:
            name = name or _name(child)
            held = _children(child) if len(child) else value
            found[name] = held if name not in found else _both(found[name], held)
    if unnamed:
        found["Data"] = unnamed
    return found


def _children(element: ET.Element, depth: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        name = _name(child)
        held: object = _children(child, depth + 1) if len(child) and depth < _DEEPEST else _text(child)
        found[name] = held if name not in found else _both(found[name], held)
    return found


def _text(element: ET.Element) -> str:
    """Return the text of an element; a line's end and spaces alone are the layout of the export."""
    text = element.text or ""
    return "" if text[:1] in {"\n", "\r"} and text.isspace() else text


def _both(one: object, other: object) -> object:
    """Keep the values of elements of one name: texts below each other; of nested ones all fields, the first's first."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: _both(one[name], other[name]) if name in one and name in other else value
                for name, value in (other | one).items()}  # fmt: skip
    return f"{one}\n{other}" if isinstance(one, str) and isinstance(other, str) else one


def _message(rendering: ET.Element | None) -> str:
    if rendering is None:
        return ""
    return next(((child.text or "").strip() for child in rendering if _name(child) == "Message"), "")


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


# --- Pieces ------------------------------------------------------------------------------------------------------


def cut(stream: BinaryIO, n_pieces: int) -> list[Cut]:
    """Cut before the beginnings of events."""
    head = stream.read(1 << 16)
    size = stream.seek(0, io.SEEK_END)
    if not encoding_of(head).startswith("utf-8") or head.lstrip(b"\xef\xbb\xbf\x00 \t\r\n")[:1] in {b"{", b"["}:
        return cuts_at([(0, 0)], size)
    places = [(0, 0)]
    stream.seek(0)
    n_before, at, block = 0, 0, b""
    while more := stream.read(_CHUNK):
        block += more
        end = max(0, len(block) - _LONGEST_EDGE) if len(more) == _CHUNK else len(block)
        for start in _START.finditer(block):
            if start.start() >= end:
                break
            if at + start.start() >= size * len(places) // n_pieces and len(places) < n_pieces and n_before:
                places.append((at + start.start(), n_before))
            n_before += 1
        at, block = at + end, block[end:]
    return cuts_at(places, size)


def excerpt(stream: BinaryIO, number: int) -> Excerpt | None:
    """Cut out the event of a number."""
    head = peek(stream)
    if head.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")[:1] in {b"{", b"["}:
        return None
    text = TextIOWrapper(stream, encoding=_encoding(head), errors="replace", newline="\n")
    try:
        found = next((event for at, (event, _) in enumerate(_events(text), 1) if at == number), "")
    finally:
        text.detach()
    return Excerpt(content=found.encode("utf-8", "replace"), number=1, is_final=True)


SOURCE = Source(title="Windows events as XML", sniff=sniff, read=read, cut=cut, excerpt=excerpt)
