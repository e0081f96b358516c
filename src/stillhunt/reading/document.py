"""A document as it is read: its text, in which all offsets count, and what is known of where it comes from."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass

__all__ = ["Document", "Message", "Published"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """When a document was published, and how that is known.

    Attributes:
        date: ``2024``, ``2024-03`` or ``2024-03-25``; empty if nothing says.
        grounds: Where that stands, in a few words.
        is_inferred: Whether it only follows from what the text speaks of.
    """

    date: str = ""
    grounds: str = ""
    is_inferred: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a chat, in the text of its document.

    Attributes:
        start: Where its words begin.
        end: Where they end.
        sender: Who sent it; empty if nothing says.
        to: To whom, or in which room.
        sent: When: ``2022-03-01T10:22:33`` or ``2022-03-01``; empty if nothing says.
    """

    start: int
    end: int
    sender: str = ""
    to: str = ""
    sent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document.

    Attributes:
        name: The file, with ``!member`` for one inside an archive.
        text: Its text; claims quote it by offsets in code points.
        title: Its title, else the name of its file.
        publisher: Who published it; empty if nothing says.
        author: Who wrote it; likewise.
        published: When, with grounds.
        pages: Offset at which each page begins; empty if it has none.
        messages: Where it is a stretch of a chat, its messages in order.
        notes: What could not be read, in sentences.
    """

    name: str
    text: str
    title: str = ""
    publisher: str = ""
    author: str = ""
    published: Published = Published()
    pages: tuple[int, ...] = ()
    messages: tuple[Message, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Hash of the text in UTF-8."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def page(self, offset: int) -> int | None:
        """Return the number of the page on which an offset lies, from one; None if there are no pages."""
        return bisect_right(self.pages, offset) or None
