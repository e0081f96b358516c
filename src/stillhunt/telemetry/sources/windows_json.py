"""Windows events as JSON, in whatever shape a collector or converter wrote them.

One object per line (the usual case), one array, or objects one after another over several lines; the shapes are
those of :mod:`stillhunt.telemetry.shapes`. What it cannot show: fields that the exporter dropped.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from io import TextIOWrapper
from typing import BinaryIO

import msgspec

from stillhunt.errors import Problem
from stillhunt.telemetry.encoding import encoding_of
from stillhunt.telemetry.shapes import Recipe, recipe_of, take_apart
from stillhunt.telemetry.share import Cut, cuts_at
from stillhunt.telemetry.source import Excerpt, LogFile, Source, peek

__all__ = ["SOURCE"]

_LINES_LOOKED_AT = 200
_OBJECTS_LOOKED_AT = 20
_CHUNK = 1 << 20
_LONGEST_OBJECT = 64 << 20
"""An object that is still open after this much text is damaged; so is a longer line."""
_DEEPEST_WRAPPER = 3
_SHOWN = 1_000
"""Characters of a record that could not be read which its samples may be taken from."""

_EVENT_ID = re.compile(r'"(?:Event\.System\.|winlog\.)?(?:EventID|EventId|EventCode|event_id)"\s*:')
_ORIGIN = re.compile(
    r'"(?:Event\.System\.|winlog\.)?'
    r'(?:Channel|channel|LogName|log_name|SourceName|source_name|ProviderName|provider_name|Provider)"\s*:'
)


def sniff(head: bytes) -> bool:
    """Tell by the first objects that decode, so that a damaged first line hides nothing.

    Where not one object ends in what is looked at, the names of its members decide.
    """
    text = head.decode(encoding_of(head), "replace").lstrip("\ufeff").lstrip()
    if text[:1] not in {"{", "["} and "{" not in text[:4096]:
        return False
    n_decoded = 0
    for sample in _samples(text):
        n_decoded += 1
        if _is_windows(sample):
            return True
    return not n_decoded and bool(_EVENT_ID.search(text) and _ORIGIN.search(text))


def read(log: LogFile) -> Iterator[None]:
    """Take every event; objects that are no Windows event, and text that is no JSON, are counted."""
    head = peek(log.stream)
    for number, text, record in _objects(log, head):
        n_before = log.n_events
        try:
            _take(log, number, text, record)
        except RecursionError:
            log.unread(str(number), "is nested too deeply", text=text)
            continue
        if log.n_events == n_before:
            hint = "its fields name no event id with a channel"
            log.unread(str(number), "is JSON but no Windows event", hint=hint, text=text)
        yield


def _take(log: LogFile, number: int, text: str, record: object, depth: int = 0) -> None:
    """Take the event that a value is, or those that it wraps (``records``, ``hits.hits`` ...)."""
    if isinstance(record, dict):
        recipe = log.outlet.records.add(record, file=log.name, number=number)
        if recipe is not None:
            log.n_events += 1
            log.keep(number, _encoded(record) if depth else text)
            if recipe.n_left_out:
                _say_left_out(log, number, recipe)
            return
    if depth == _DEEPEST_WRAPPER or not isinstance(record, (dict, list)):
        return
    for inner in record.values() if isinstance(record, dict) else record:
        _take(log, number, text, inner, depth + 1)


def _is_windows(record: object, depth: int = 0) -> bool:
    if isinstance(record, dict):
        structure, values = take_apart(record)
        recipe = recipe_of(structure)
        if recipe is not None and recipe.is_event(values):
            return True
    if depth == _DEEPEST_WRAPPER or not isinstance(record, (dict, list)):
        return False
    return any(_is_windows(inner, depth + 1) for inner in (record.values() if isinstance(record, dict) else record))


def _say_left_out(log: LogFile, number: int, recipe: Recipe) -> None:
    message = f"{recipe.n_left_out:,} of its fields are not looked at, beyond the first {len(recipe.data):,}"
    log.problems.append(Problem(code="source", message=message, where=f"{log.name}:{number}", hint="look at it"))


def _encoded(record: object) -> str:
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()


def _decode(text: str) -> object:
    """Decode JSON; what the fast decoder refuses (halves of surrogate pairs, huge numbers) the patient one reads."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return json.loads(text, parse_int=str)


def _samples(text: str) -> Iterator[object]:
    for line in text.splitlines()[:_LINES_LOOKED_AT]:
        try:
            found = _decode(line.strip().rstrip(","))
        except (ValueError, RecursionError):
            continue
        if isinstance(found, (dict, list)) and found:
            yield found
    start = text.find("{")
    for _ in range(_OBJECTS_LOOKED_AT):
        if start < 0:
            return
        try:
            yield json.JSONDecoder().raw_decode(text, start)[0]
        except (ValueError, RecursionError):
            start = text.find("\n{", start + 1)
        else:
            return


def _objects(log: LogFile, head: bytes) -> Iterator[tuple[int, str, object]]:
    """Yield (line or ordinal, raw text, decoded object)."""
    encoding = encoding_of(head)
    stream = TextIOWrapper(log.stream, encoding=encoding, errors="replace", newline="\n")
    try:
        is_by_line = _is_by_line(head.decode(encoding, "replace"))
        yield from _by_line(log, stream) if is_by_line else _in_a_row(log, stream)
    finally:
        # Whoever opened the log closes it.
        stream.detach()


def _lines(log: LogFile, stream: TextIOWrapper) -> Iterator[tuple[int, str]]:
    """Yield lines with their numbers; one longer than any event is counted and passed over."""
    number, is_rest = log.first, False
    while line := stream.readline(_LONGEST_OBJECT):
        is_cut = len(line) == _LONGEST_OBJECT and not line.endswith("\n")
        if not is_rest:
            number += 1
            if is_cut:
                log.unread(str(number), f"is a line of more than {_LONGEST_OBJECT:,} characters", text=line[:_SHOWN])
            else:
                yield number, line
        is_rest = is_cut


def _by_line(log: LogFile, stream: TextIOWrapper) -> Iterator[tuple[int, str, object]]:
    for number, line in _lines(log, stream):
        if not log.wants(number):
            continue
        text = line.strip().lstrip("\ufeff")
        if text in {"", "[", "]"}:
            continue
        try:
            yield number, text, _decode(text.rstrip(","))
        except ValueError as error:
            log.unread(str(number), f"is no JSON: {error}", text=text)
        except RecursionError:
            log.unread(str(number), "is nested too deeply")


def _in_a_row(log: LogFile, stream: TextIOWrapper) -> Iterator[tuple[int, str, object]]:
    """Read objects over several lines, in an array or one after another; the number is their ordinal."""
    decoder = json.JSONDecoder(parse_int=str)
    text, number, enough = "", 0, 0
    while True:
        more = stream.read(_CHUNK)
        text += more
        if more and len(text) < enough:
            continue
        position = enough = 0
        while (start := text.find("{", position)) >= 0:
            try:
                record, end = decoder.raw_decode(text, start)
            except RecursionError:
                number += 1
                log.unread(f"object {number}", "is nested too deeply")
                position = _next_object(text, start)
                continue
            except ValueError as error:
                if more and len(text) - start < _LONGEST_OBJECT:
                    # Decoding starts over with twice the text, so that a long object costs no square of its length.
                    position, enough = start, 2 * (len(text) - start)
                    break
                number += 1
                log.unread(f"object {number}", f"is no JSON: {error}", text=text[start : start + _SHOWN])
                position = _next_object(text, start)
                continue
            number += 1
            if log.wants(number):
                yield number, text[start:end], record
            position = end
        else:
            position = len(text)
        text = text[position:]
        if not more:
            return


def _next_object(text: str, start: int) -> int:
    """Return where the next object may begin: at a line's beginning, else nowhere in this text."""
    line = text.find("\n{", start + 1)
    return line + 1 if line >= 0 else len(text)


def _is_by_line(head: str) -> bool:
    """Tell whether any whole line of the beginning is an object."""
    lines = head.splitlines()
    for line in lines[:_LINES_LOOKED_AT]:
        text = line.strip().lstrip("\ufeff").rstrip(",")
        if not text.startswith("{") or not text.endswith("}"):
            continue
        try:
            if isinstance(_decode(text), dict):
                # An object inside a pretty-printed one is indented.
                return not line.startswith((" ", "\t"))
        except (ValueError, RecursionError):
            continue
    # A line longer than what was looked at: by line unless the file is an array.
    return len(lines) <= 1 and not head.lstrip("\ufeff \r\n\t").startswith("[")


def cut(stream: BinaryIO, n_pieces: int) -> list[Cut]:
    """Cut between lines, where every line is an object."""
    head = stream.read(1 << 16)
    encoding = encoding_of(head)
    size = stream.seek(0, io.SEEK_END)
    if not encoding.startswith("utf-8") or not _is_by_line(head.decode(encoding, "replace")):
        return cuts_at([(0, 0)], size)
    places = [(0, 0)]
    for piece in range(1, n_pieces):
        start, n_lines = places[-1]
        stream.seek(start)
        while start < size * piece // n_pieces and (
            block := stream.read(min(_CHUNK, size * piece // n_pieces - start))
        ):
            n_lines += block.count(b"\n")
            start += len(block)
        rest = stream.readline(_LONGEST_OBJECT)
        if start > places[-1][0] and rest.endswith(b"\n") and start + len(rest) < size:
            places.append((start + len(rest), n_lines + 1))
    return cuts_at(places, size)


def excerpt(stream: BinaryIO, number: int) -> Excerpt | None:
    """Cut out the line of a file that is certain to hold one object per line, behind its first."""
    if number < 1:
        return None
    head = peek(stream)
    first, newline, _ = head.partition(b"\n")
    if not newline or not encoding_of(head).startswith("utf-8") or not _is_object(first):
        return None
    line = _line(stream, number)
    if line is None:
        return None
    is_first = number == 1
    content = line if is_first else first + newline + line
    return Excerpt(content=content, number=1 if is_first else 2, is_final=True)


def _is_object(line: bytes) -> bool:
    """Tell whether a line is an object that begins where the line does: then every line is read by itself."""
    text = line.decode("utf-8-sig", "replace")
    if text.startswith((" ", "\t")):
        return False
    try:
        return isinstance(msgspec.json.decode(text.strip().rstrip(",")), dict)
    except (msgspec.DecodeError, RecursionError):
        return False


def _line(stream: BinaryIO, number: int) -> bytes | None:
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
    more = stream.readline(_LONGEST_OBJECT)
    return rest + more if len(more) < _LONGEST_OBJECT else None


SOURCE = Source(title="Windows events as JSON", sniff=sniff, read=read, cut=cut, excerpt=excerpt)
