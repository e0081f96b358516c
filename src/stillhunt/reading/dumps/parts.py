"""Dumps to documents: an article is one, and of a chat as many messages as make some pages.

Where a document of a chat ends depends on the file alone, so a dump that is read twice gives the same documents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import BinaryIO

from stillhunt.reading.document import Document, Message, Published
from stillhunt.reading.dumps.chat import chat_items, chat_style
from stillhunt.reading.dumps.feeds import feed_items, is_feed
from stillhunt.reading.dumps.item import Item
from stillhunt.reading.dumps.records import columns_of, csv_items, is_lines, json_depth, json_items, json_line_items

__all__ = ["HEAD", "Dump", "Part", "dump_of", "encoding_of", "parts_of"]

HEAD = 1 << 20
"""Bytes of the beginning that tell what a file is."""

_PAGES = 32_000
"""Letters of a document of a chat."""

_ARTICLE = 2_000
"""Letters from which on a record with a title is an article of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dump:
    """What a file of messages or articles is.

    Attributes:
        what: In words: ``chat``, ``feed``, ``CSV of messages`` ...
        are_articles: Whether each item is a document.
        items: Reads them.
    """

    what: str
    are_articles: bool
    items: Callable[[BinaryIO], Iterator[Item]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stretch of a dump, as a document.

    Attributes:
        start: Where it begins in the file, in bytes.
        stop: Where it ends.
        document: The document; without text where nothing of the stretch could be read.
    """

    start: int
    stop: int
    document: Document


def dump_of(head: bytes) -> Dump | None:
    """Return what sort of dump a file is; None for one that is none.

    Args:
        head: Its first bytes, :data:`HEAD` of them.
    """
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in head[:4_096]:
        return None
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start == b"<":
        return Dump(what="feed", are_articles=True, items=feed_items) if is_feed(head) else None
    encoding = encoding_of(head)
    if start in {b"{", b"["}:
        found = _json(head)
        if found is not None or start == b"{":
            return found
    lines = head.decode(encoding, "replace").splitlines()
    columns = columns_of(lines[0]) if len(lines) > 1 else None
    if columns is not None:
        return Dump(
            what="CSV of messages", are_articles=False, items=partial(csv_items, columns=columns, encoding=encoding)
        )
    style = chat_style(lines)
    if style is None:
        return None
    return Dump(what="chat", are_articles=False, items=partial(chat_items, style=style, encoding=encoding))


def encoding_of(head: bytes) -> str:
    """Return how a text is encoded: UTF-8, or what Chinese text is in that is not.

    >>> encoding_of("公司".encode("gb18030")), encoding_of("caf\u00e9".encode())
    ('gb18030', 'utf-8')
    """
    head = head[:HEAD]
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start >= len(head) - 3:  # a letter that is cut in two
            return "utf-8"
        try:
            chinese = head[: error.start + 65_536].decode("gb18030")
        except UnicodeDecodeError as other:
            if other.start < min(len(head), error.start + 65_536) - 4:
                return "utf-8"
            chinese = head[: other.start].decode("gb18030")
        n_han = sum("\u4e00" <= c <= "\u9fff" for c in chinese)
        return "gb18030" if n_han * 2 > sum(not c.isascii() for c in chinese) else "utf-8"
    return "utf-8"


def _json(head: bytes) -> Dump | None:
    if is_lines(head):
        return _records(head, "JSON lines of messages", json_line_items)
    depth = json_depth(head)
    return None if depth is None else _records(head, "JSON of messages", partial(json_items, depth=depth))


def _records(head: bytes, what: str, items: Callable[[BinaryIO], Iterator[Item]]) -> Dump:
    is_articles = b"jsonfeed.org" in head[:4_096]
    return Dump(what="JSON feed" if is_articles else what, are_articles=is_articles, items=items)


def parts_of(name: str, file: BinaryIO, dump: Dump) -> Iterator[Part]:
    """Yield the documents of a dump in order.

    Args:
        name: Of the file.
        file: It, at its beginning.
        dump: What it is.
    """
    kept: list[Item] = []
    size = 0
    for item in dump.items(file):
        alone = not item.problem and (dump.are_articles or (bool(item.title) and len(item.text) >= _ARTICLE))
        if kept and (alone or size + len(item.text) > _PAGES):
            yield _part(name, dump, kept)
            kept, size = [], 0
        if alone:
            yield _article(name, dump, item)
            continue
        kept.append(item)
        size += len(item.head) + len(item.text)
    if kept:
        yield _part(name, dump, kept)


def _article(name: str, dump: Dump, item: Item) -> Part:
    document = Document(
        name=f"{name}#{item.start}",
        text=item.text,
        title=item.title or f"{PurePath(name).name}#{item.start}",
        author=item.sender,
        publisher=item.publisher,
        published=Published(date=item.sent[:10], grounds=f"the {dump.what} says so") if item.sent else Published(),
    )
    return Part(start=item.start, stop=item.stop, document=document)


def _part(name: str, dump: Dump, items: list[Item]) -> Part:
    texts: list[str] = []
    messages: list[Message] = []
    at = 0
    for item in items:
        if item.problem:
            continue
        texts += (item.head, item.text)
        begin = at + len(item.head)
        at = begin + len(item.text)
        messages.append(Message(start=begin, end=at, sender=item.sender, to=item.to, sent=item.sent))
    days = sorted(message.sent[:10] for message in messages if message.sent)
    when = f", {days[0]} to {days[-1]}" if days else ""
    problems = Counter(item.problem for item in items if item.problem)
    document = Document(
        name=f"{name}#{items[0].start}",
        text="".join(texts),
        title=f"{PurePath(name).name}, bytes {items[0].start}-{items[-1].stop}{when}",
        published=Published(date=days[-1], grounds=f"the last message of this part of the {dump.what}")
        if days
        else Published(),
        messages=tuple(messages),
        notes=tuple(f"not read: {why} ({n} times)" for why, n in sorted(problems.items())),
    )
    return Part(start=items[0].start, stop=items[-1].stop, document=document)
