"""Messages as records: JSON lines, arrays and exports of messengers, CSV and TSV with a line of names.

A file of any size is read a record at a time. Which fields hold the words, the sender and the time is told by their
names; the first records decide how deep in a JSON file its messages lie.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import msgspec

from stillhunt.reading.dumps.item import LARGEST, Item, first_of, moment, plain

__all__ = ["Columns", "columns_of", "csv_items", "is_lines", "json_depth", "json_items", "json_line_items"]

_WORDS = ("body", "text", "message", "content", "msg", "message_text", "plaintext", "content_text", "words")
_HTML = ("content_html", "summary", "description")
_WHO = (
    *(
        "from",
        "sender",
        "author",
        "authors",
        "user",
        "username",
        "nick",
        "nickname",
        "from_name",
        "sender_name",
        "user_name",
    ),
    *("name", "from_user", "source", "speaker", "who", "from_id", "user_id", "realname", "display_name"),
)
_TO = (
    *("to", "receiver", "recipient", "channel", "room", "chat", "conversation", "group", "target", "chat_name"),
    *("to_name", "thread", "talker"),
)
_WHEN = (
    *("ts", "date", "time", "timestamp", "datetime", "sent", "created_at", "created", "sent_at", "createtime", "at"),
    *("date_published", "published", "pubdate", "date_modified", "send_time", "msg_time", "date_unixtime"),
)
_TITLE = ("title", "subject", "headline")
_INNER = ("name", "username", "display_name", "real_name", "nick", "global_name", "text", "id")
"""Where the name of somebody stands who is an object of their own."""

_SEPARATE = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]', re.DOTALL)
_REST = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_SIP = 1 << 18
_DEEPEST = 12


def _item(record: Mapping[str, object], start: int, stop: int) -> Item | None:
    """Return the message that a record is; None if it has no words."""
    low = {key.casefold().replace(" ", "_").replace("-", "_"): value for key, value in record.items()}
    words = _words(first_of(low, _WORDS)) or plain(_words(first_of(low, _HTML)))
    if not words.strip():
        return None
    sender, to = _name(first_of(low, _WHO)), _name(first_of(low, _TO))
    sent = next((when for name in _WHEN if (when := moment(low.get(name)))), "")
    title = _words(first_of(low, _TITLE)).strip()
    told = " ".join(part for part in (sent, sender) if part)
    return Item(
        start=start,
        stop=stop,
        head=f"{told}: " if told else "",
        text=words if words.endswith("\n") else f"{words}\n",
        sender=sender,
        to=to,
        sent=sent,
        title=title,
    )


def _words(value: object) -> str:
    """Return the words of a field: a string, or a list of strings and of objects that hold some."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(_words(part) for part in value)
    if isinstance(value, dict):
        return _words(first_of(value, ("text", "body", "content")))
    return ""


def _name(value: object) -> str:
    if isinstance(value, dict):
        value = first_of(value, _INNER)
    if isinstance(value, list):
        return ", ".join(name for part in value[:3] if (name := _name(part)))
    return " ".join(str(value).split())[:80] if isinstance(value, str | int) and not isinstance(value, bool) else ""


# -- JSON --------------------------------------------------------------------------------------------------------------


def json_depth(head: bytes) -> int | None:
    """Return how many braces and brackets are open where a message of a JSON file begins; None if it has none.

    Args:
        head: Its first bytes.
    """
    found: dict[int, int] = {}
    for depth, start, stop in _objects(head):
        record = _decoded(head[start:stop])
        if record is not None and _is_message(record):
            found[depth] = found.get(depth, 0) + 1
    return min(found) if found else None


def json_items(file: BinaryIO, depth: int) -> Iterator[Item]:
    """Yield the messages of a JSON file in order.

    Args:
        file: The file, at its beginning.
        depth: As :func:`json_depth` returns it.
    """
    for start, raw in _records(file, depth):
        stop = start + len(raw)
        record = _decoded(raw) if raw else None
        if record is None:
            yield Item(start=start, stop=stop, problem="a record is no JSON object of a size that is read")
            continue
        item = _item(record, start, stop)
        yield item or Item(start=start, stop=stop, problem="a record has no words")


def is_lines(head: bytes) -> bool:
    """Say whether a file holds a message on each line, as far as its first bytes show; a few lines may be torn."""
    lines = [line for line in head.splitlines()[:50] if line.strip()]
    whole = [record for line in lines if line.startswith(b"{") and (record := _decoded(line)) is not None]
    return len(whole) * 2 > len(lines) and any(_is_message(record) for record in whole)


def _is_message(record: Mapping[str, object]) -> bool:
    # A piece of words inside a message is no message: it says neither who nor when.
    item = _item(record, 0, 0)
    return item is not None and bool(item.sender or item.sent or item.title)


def json_line_items(file: BinaryIO) -> Iterator[Item]:
    """Yield the messages of a file of JSON lines in order; a line that is torn costs no other."""
    at = 0
    while raw := file.readline(LARGEST):
        start, at = at, at + len(raw)
        if not raw.strip():
            continue
        record = _decoded(raw)
        if record is None:
            yield Item(start=start, stop=at, problem="a line is no JSON object of a size that is read")
            continue
        item = _item(record, start, at)
        yield item or Item(start=start, stop=at, problem="a record has no words")


def _decoded(raw: bytes) -> dict[str, object] | None:
    try:
        return msgspec.json.decode(raw.decode("utf-8", "replace").encode(), type=dict[str, object])
    except msgspec.MsgspecError:
        return None


def _objects(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (depth, start, stop) of every object that ends in a piece of JSON."""
    open_: list[tuple[bytes, int]] = []
    for token in _SEPARATE.finditer(content):
        sign = token.group()
        if sign in {b"{", b"["} and len(open_) < _DEEPEST:
            open_.append((sign, token.start()))
        elif sign in {b"}", b"]"} and open_:
            began, start = open_.pop()
            if began == b"{" and token.end() - start <= LARGEST:
                yield len(open_), start, token.end()


def _records(file: BinaryIO, depth: int) -> Iterator[tuple[int, bytes]]:
    """Yield (start, bytes) of the objects at a depth; no bytes for one that is torn or larger than is read."""
    kept, offset, level, begun = b"", 0, 0, -1
    is_lost = is_quoted = False
    while chunk := file.read(_SIP):
        content = kept + chunk
        at = 0
        if is_quoted:
            closed = _REST.match(content)
            at, is_quoted = (closed.end(), False) if closed is not None else (len(content), True)
        for token in _SEPARATE.finditer(content, at):
            sign, at = token.group(), token.end()
            if sign in {b"{", b"["}:
                if level == depth and sign == b"{":
                    begun = offset + token.start()
                level += 1
            elif sign in {b"}", b"]"}:
                level = max(level - 1, 0)
                if level == depth and begun >= 0 and sign == b"}":
                    yield begun, b"" if is_lost else content[begun - offset : at]
                    begun, is_lost = -1, False
        if begun >= 0 and not is_lost and offset + len(content) - begun <= LARGEST:
            # The record goes on in the next chunk, and is looked at from its beginning.
            keep, level, begun = begun - offset, depth, -1
        else:
            is_lost = begun >= 0
            is_quoted = is_quoted or content.find(b'"', at) >= 0
            keep = len(content) - (len(content) - len(content.rstrip(b"\\"))) % 2
        kept, offset = content[keep:], offset + keep
    if kept.startswith(b"{") or is_lost:
        yield (begun if is_lost else offset), b""


# -- CSV ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The line of names of a CSV file.

    Attributes:
        names: Of the columns.
        delimiter: What stands between them.
    """

    names: tuple[str, ...]
    delimiter: str


def columns_of(line: str) -> Columns | None:
    """Return the columns that a first line names; None if none of them holds words and none who or when."""
    for delimiter in ("\t", ";", ",", "|"):
        if delimiter not in line:
            continue
        names = tuple(name.strip().lstrip("\ufeff") for name in next(csv.reader([line], delimiter=delimiter), []))
        low = {name.casefold().replace(" ", "_").replace("-", "_") for name in names}
        if low & {*_WORDS, *_HTML} and low & {*_WHO, *_WHEN, *_TITLE}:
            return Columns(names=names, delimiter=delimiter)
    return None


def csv_items(file: BinaryIO, columns: Columns, *, encoding: str) -> Iterator[Item]:
    """Yield the messages of a CSV file in order.

    Args:
        file: The file, at its beginning.
        columns: As its first line names them.
        encoding: Of its text.
    """
    at = len(file.readline())
    while True:
        raw = _record(file)
        if not raw:
            return
        start, at = at, at + len(raw)
        if not raw.strip():
            continue
        values = _values(raw.decode(encoding, "replace"), columns.delimiter)
        if len(values) != len(columns.names):
            yield Item(start=start, stop=at, problem=f"a record has {len(values)} of {len(columns.names)} columns")
            continue
        item = _item(dict(zip(columns.names, values, strict=True)), start, at)
        yield item or Item(start=start, stop=at, problem="a record has no words")


def _record(file: BinaryIO) -> bytes:
    """Return the lines up to where all quotation marks are closed; the first alone if they never are."""
    begin = file.tell()
    line = file.readline()
    if line.count(b'"') % 2 == 0:
        return line
    lines, size, odd = [line], len(line), True
    while odd and size < LARGEST and (more := file.readline()):
        lines.append(more)
        size += len(more)
        odd ^= more.count(b'"') % 2 == 1
    if odd:
        file.seek(begin + len(line))
        return line
    return b"".join(lines)


def _values(text: str, delimiter: str) -> Sequence[str]:
    limit = csv.field_size_limit(LARGEST)
    try:
        return next(csv.reader(text.splitlines(keepends=True), delimiter=delimiter), [])
    except csv.Error:
        return []
    finally:
        csv.field_size_limit(limit)
