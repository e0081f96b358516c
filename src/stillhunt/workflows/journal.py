"""What was read of a large dump, kept until all of it is read: a reading that was killed goes on where it was.

A journal belongs to the content of a file and to the reader: another file, another version, other names in the base or
another model have another one. Each line holds what was read in one document of the dump; a line counts when it is on
the disk with its line feed. The documents are cut anew when the dump is read again, which costs a second or two, so
nothing but the claims and mentions has to be remembered, and the result is the same as in one go.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import BinaryIO

import msgspec

import stillhunt.reading
from stillhunt.reading.draft import ReadClaim
from stillhunt.reading.llm import Rejected
from stillhunt.reading.mention import Meant, Mention

__all__ = ["Journal", "Noted", "journal_key"]

_SIP = 1 << 20


class Noted(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What was read in a document.

    Attributes:
        sha256: Hash of its text.
        done: Bytes of the dump up to its end.
        mentions: Names in it.
        meant: Who may be meant, by name.
        claims: Its claims.
        rejected: What a second reader proposed and was dropped.
    """

    sha256: str
    done: int
    mentions: tuple[Mention, ...] = ()
    meant: dict[str, tuple[Meant, ...]] = msgspec.field(default_factory=dict)
    claims: tuple[ReadClaim, ...] = ()
    rejected: tuple[Rejected, ...] = ()


def journal_key(path: Path, reader: Iterable[str]) -> str:
    """Return what the journal of a file is called: a hash of its content and of what reads it.

    Args:
        path: The file.
        reader: What else the claims depend on: names of the base, model.
    """
    content = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_SIP):
            content.update(chunk)
    for part in (_of_grammar(), *reader):
        content.update(b"\x1f" + part.encode())
    return content.hexdigest()[:32]


@cache
def _of_grammar() -> str:
    """Return a hash of the grammar itself: another version of it finds other claims."""
    folder = Path(stillhunt.reading.__path__[0])
    own = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        own.update(path.read_bytes())
    return own.hexdigest()


class Journal:
    """The journal of one dump.

    Args:
        folder: Where journals are kept; it need not exist.
        key: As :func:`journal_key` returns it.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._path = folder / f"{key}.jsonl"
        self._file: BinaryIO | None = None
        self._at = 0
        self._is_behind = True

    def next(self, sha256: str) -> Noted | None:
        """Return what was read in the next document before; None from the first on that was not read.

        Args:
            sha256: Hash of the document's text.
        """
        if not self._is_behind:
            return None
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a+b")
            self._file.seek(0)
        line = self._file.readline()
        noted = _decoded(line)
        if noted is None or noted.sha256 != sha256:
            # What is behind this is torn, or of another file: it is cut off, and read anew.
            self._is_behind = False
            os.truncate(self._path, self._at)
            self._file.seek(0, os.SEEK_END)
            return None
        self._at += len(line)
        return noted

    def note(self, noted: Noted) -> None:
        """Keep what was read in the next document."""
        assert self._file is not None, "asked for before"
        self._file.write(msgspec.json.encode(noted) + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Leave it for the next time."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def end(self) -> None:
        """Throw it away: everything was read."""
        self.close()
        self._path.unlink(missing_ok=True)


def _decoded(line: bytes) -> Noted | None:
    if not line.endswith(b"\n"):
        return None
    try:
        return msgspec.json.decode(line, type=Noted)
    except msgspec.MsgspecError:
        return None
