"""What an importer is: a reader of one of other people's formats; all of them by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stillhunt.errors import InputError, Problem
from stillhunt.knowledge.claim import Claims
from stillhunt.registry import Registry
from stillhunt.terms.marking import Tlp

__all__ = ["IMPORTERS", "Imported", "Importer", "Terms", "sniff"]

_SNIFFED = 8_192
"""Bytes of a file that tell its format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the user says about what is imported.

    Attributes:
        speaker: Who speaks, where the format does not say; empty for the importer's own word.
        tlp: How far it may travel at most, whatever the file says.
        title: What to call the source; empty for the importer's own word.
        published: When it was published, where the file does not say.
        recorded: When it was taken in; the store's own time if empty.
    """

    speaker: str = ""
    tlp: Tlp = Tlp.CLEAR
    title: str = ""
    published: str = ""
    recorded: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an importer read.

    Attributes:
        claims: Claims with their sources.
        problems: Records that could not be read, with the reason.
    """

    claims: Claims
    problems: Sequence[Problem] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """A reader of one format.

    Attributes:
        title: What it reads, in words.
        sniff: (path, first bytes) to whether it is ours; of a folder the bytes are empty.
        read: (path, terms) to claims; raises ``InputError`` for a file that is not what it claims to be.
    """

    title: str
    sniff: Callable[[Path, bytes], bool]
    read: Callable[[Path, Terms], Imported]


IMPORTERS: Registry[Importer] = Registry(
    "importer", package="stillhunt.knowledge.importers", constant="IMPORTER", group="stillhunt.importers"
)


def sniff(path: Path) -> str:
    """Return the name of the importer for a file or folder.

    Raises:
        InputError: There is none, or the path cannot be read.
    """
    try:
        head = b""
        if not path.is_dir():
            with path.open("rb") as file:
                head = file.read(_SNIFFED)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    for name in IMPORTERS.names():
        if IMPORTERS[name].sniff(path, head):
            return name
    known = ", ".join(IMPORTERS.names())
    raise InputError("is of no format that is known here", where=str(path), hint=f"say which with --as: {known}")
