"""Feeds as dumps: RSS, Atom and JSON Feed, each article with its own title, date and author.

Articles are cut out of the file one at a time and parsed alone, so a feed of any size takes the memory of one article,
and no entity that a document type declares is ever expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import html5
from typing import BinaryIO
from xml.etree import ElementTree as ET

from stillhunt.reading.dumps.item import LARGEST, Item, moment, plain

__all__ = ["feed_items", "is_feed"]

_FEED = re.compile(rb"<(?:rss|feed|rdf:RDF)\b|<(?:\w+:)?item\b[^>]*>|<entry\b")
_XML = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:\?xml|!--|rss|feed|rdf:RDF)")
_OPEN = re.compile(rb"<(item|entry)(?=[\s>])")
_NAMESPACE = re.compile(rb"""xmlns:([\w.-]+)\s*=\s*["']([^"'<>]*)["']""")
_PREFIX = re.compile(rb"[<\s/]([A-Za-z_][\w.-]*):[A-Za-z_]")
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);|#)(\w+;)")
_CDATA = re.compile(r"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)
_SIP = 1 << 18
_BODIES = ("encoded", "content", "fulltext", "description", "summary")
_WRITERS = ("creator", "author")
_DAYS = ("pubDate", "published", "date", "issued", "updated", "modified")


def is_feed(head: bytes) -> bool:
    """Say whether a file is an RSS or Atom feed, by its first bytes."""
    return _XML.match(head) is not None and _FEED.search(head) is not None


def feed_items(file: BinaryIO) -> Iterator[Item]:
    """Yield the articles of a feed in order.

    Args:
        file: The file, at its beginning.
    """
    publisher = ""
    for start, raw in _articles(file):
        if not raw:
            yield Item(start=start, stop=start, problem="an article is torn, or larger than is read")
            continue
        if not raw.startswith((b"<item", b"<entry")):
            publisher = _title_of(raw)
            continue
        yield _item(raw, start, publisher)


def _articles(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield (start, bytes): first what stands before all articles, then each of them."""
    content, offset, is_first = b"", 0, True
    while chunk := file.read(_SIP):
        content += chunk
        at = 0
        while opened := _OPEN.search(content, at):
            if is_first:
                yield offset, content[: opened.start()]
                is_first = False
            ending = b"</" + opened[1] + b">"
            stop = content.find(ending, opened.end())
            if stop < 0:
                break
            at = stop + len(ending)
            yield offset + opened.start(), content[opened.start() : at]
        keep = opened.start() if opened is not None else max(at, len(content) - 8)
        if len(content) - keep > LARGEST:
            yield offset + keep, b""
            keep = len(content)
        content, offset = content[keep:], offset + keep
    if _OPEN.match(content):
        yield offset, b""


def _title_of(head: bytes) -> str:
    found = re.search(r"<title[^>]*>(.*?)</title>", head.decode("utf-8", "replace"), re.DOTALL)
    return " ".join(plain(found[1].removeprefix("<![CDATA[").removesuffix("]]>")).split())[:200] if found else ""


def _item(raw: bytes, start: int, publisher: str) -> Item:
    stop = start + len(raw)
    try:
        parts = _parts(_parsed(raw))
    except ET.ParseError as error:
        return Item(start=start, stop=stop, problem=f"an article is no XML: {error}")
    body = next((text for name in _BODIES if (text := plain(parts.get(name, "")))), "")
    title = " ".join(plain(parts.get("title", "")).split())
    if not body and not title:
        return Item(start=start, stop=stop, problem="an article has no words")
    return Item(
        start=start,
        stop=stop,
        text=f"{body or title}\n",
        title=title,
        sender=next((" ".join(parts[name].split()) for name in _WRITERS if parts.get(name)), ""),
        sent=next((when for name in _DAYS if (when := moment(parts.get(name)))), ""),
        publisher=publisher,
    )


def _parsed(raw: bytes) -> ET.Element:
    text = raw.decode("utf-8", "replace")
    pieces = _CDATA.split(text)
    # Entities of HTML that a feed's own document type would declare; not inside CDATA, where they are plain words.
    pieces[::2] = [_ENTITY.sub(lambda m: html5.get(m[1], f"&amp;{m[1]}"), piece) for piece in pieces[::2]]
    declared = {name for name, _ in _NAMESPACE.findall(raw)}
    used = set(_PREFIX.findall(raw)) - declared - {b"xml", b"xmlns"}
    spaces = "".join(f' xmlns:{name.decode()}="urn:{name.decode()}"' for name in sorted(used))
    return ET.fromstring(f"<all{spaces}>{''.join(pieces)}</all>")[0]  # noqa: S314  # no document type in it


def _parts(article: ET.Element) -> dict[str, str]:
    """Return the words of each part of an article by its name without a namespace; the first of a name counts."""
    found: dict[str, str] = {}
    for part in article:
        name = part.tag.rpartition("}")[2]
        if name == "author" and len(part):
            named = next((p for p in part if p.tag.rpartition("}")[2] == "name"), part)
            found.setdefault(name, "".join(named.itertext()).strip())
        elif part.get("type") == "xhtml":
            found.setdefault(name, "\n\n".join(t.strip() for t in part.itertext() if t.strip()))
        else:
            found.setdefault(name, "".join(part.itertext()).strip())
    return found
