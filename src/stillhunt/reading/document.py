"""A document as it is read: its text, in which all offsets count, and what is known of where it comes from."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass

__all__ = ["Document", "Published"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """When a document was published, and how that is known.

    Attributes:
        date: ``2024``, ``2024-03`` or ``2024-03-25``; empty if nothing says.
        grounds: Where that stands, in a few words.
    """

    date: str = ""
    grounds: str = ""


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
        notes: What could not be read, in sentences.
    """

    name: str
    text: str
    title: str = ""
    publisher: str = ""
    author: str = ""
    published: Published = Published()
    pages: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Hash of the text in UTF-8."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def page(self, offset: int) -> int | None:
        """Return the number of the page on which an offset lies, from one; None if there are no pages."""
        return bisect_right(self.pages, offset) or None
