"""The reading queue: claims that were read wait in the knowledge base's folder until somebody accepts or rejects them.

The queue is two kinds of files in the folder ``reading`` beside the base: ``<sha256>.txt``, the text of a document, so
that a quote can always be looked up; and ``queue.jsonl``, which only grows: a line for each document, for each claim
that was read, and for each decision. The command and the pages show and decide the same lines. A line counts when it
is on the disk with its line feed; what a killed process left behind it is no line, and the next who writes cuts it off.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from stillhunt.errors import InputError
from stillhunt.reading.draft import ReadClaim
from stillhunt.reading.quotes import is_verbatim
from stillhunt.terms.marking import Tlp

__all__ = ["Decided", "Queue", "Queued", "Read", "State"]

T = TypeVar("T")

State = Literal["waiting", "accepted", "rejected"]

_SIP = 1 << 20
"""Bytes of the queue read at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A document that was read.

    Attributes:
        sha256: Of its text.
        title: Its title, or the name of its file.
        kind: ``press``, ``indictment``, ``advisory`` ...
        publisher: Who published it; empty if unknown.
        published: When, as far as known.
        lang: Language.
        tlp: How far it may travel.
    """

    sha256: str
    title: str
    kind: str = "report"
    publisher: str = ""
    published: str = ""
    lang: str = "en"
    tlp: Tlp = Tlp.CLEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What somebody decided about a claim.

    Attributes:
        verdict: ``accepted`` or ``rejected``.
        by: Who.
        note: Why.
        stored: Ids of the claims that the base got.
    """

    verdict: Literal["accepted", "rejected"]
    by: str
    note: str = ""
    stored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A claim in the queue.

    Attributes:
        claim: The claim.
        document: Where it was read.
        decided: What was decided; None while it waits.
    """

    claim: ReadClaim
    document: Read
    decided: Decided | None = None

    @property
    def key(self) -> str:
        """What it is found by: hash of the document and id of the claim; two documents may say the same."""
        return f"{self.document.sha256}:{self.claim.id}"

    @property
    def state(self) -> State:
        """What became of it."""
        return "waiting" if self.decided is None else self.decided.verdict


class _Line(msgspec.Struct, omit_defaults=True, kw_only=True):
    document: Read | None = None
    of: str = ""
    claim: ReadClaim | None = None
    decides: str = ""
    decided: Decided | None = None


class _Id(msgspec.Struct):
    id: str


class _Short(msgspec.Struct, kw_only=True):
    """A line without what only those need who show it."""

    of: str = ""
    claim: _Id | None = None


class Queue:
    """The reading queue in a folder.

    What was read of it once is not read again: only lines that were added since, by whatever process.

    Args:
        folder: Of the knowledge base; the queue lies in ``reading`` inside it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "reading"
        self._path = self.folder / "queue.jsonl"
        self._lock = threading.RLock()
        self._documents: dict[str, Read] = {}
        self._queued: dict[str, Queued] = {}
        self._shown_to = _Place()
        self._keys: set[bytes] = set()
        self._known_to = _Place()

    def add(self, text: str, document: Read, claims: Iterable[ReadClaim]) -> int:
        """Put claims into the queue; those that are in it stay as they are.

        Args:
            text: The document's text.
            document: What it is; its hash is that of the text.
            claims: What was read in it.

        Returns:
            How many are new.

        Raises:
            InputError: A claim quotes what the text does not say, or the hash is another text's.
        """
        if hashlib.sha256(text.encode()).hexdigest() != document.sha256:
            raise InputError("the hash is not that of the text", where=document.title, hint="hash the text in UTF-8")
        listed = list(claims)
        for claim in listed:
            if not is_verbatim(text, claim):
                raise InputError(
                    "a claim quotes what the text does not say",
                    where=f"{document.title}: {claim.id}",
                    hint="read the document again",
                )
        with self._lock:
            known = self._known()
            fresh = [c for c in listed if _short(document.sha256, c.id) not in known]
            if not fresh:
                return 0
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / f"{document.sha256}.txt").write_bytes(text.encode())
            self._append([_Line(document=document), *(_Line(of=document.sha256, claim=c) for c in fresh)])
        return len(fresh)

    def all(self) -> list[Queued]:
        """Return everything that is in the queue, decided or not, in the order in which it was read.

        Raises:
            InputError: A line of the queue cannot be read.
        """
        with self._lock:
            if self._shown_to.is_past(self._path):
                self._shown_to = _Place()
                self._documents, self._queued = {}, {}
            for number, raw in self._lines(self._shown_to):
                self._take(_decoded(raw, _Line, f"{self._path}:{number}"), number)
            return list(self._queued.values())

    def waiting(self) -> list[Queued]:
        """Return what nobody has decided yet."""
        return self.proposals("waiting")

    def proposals(self, state: State, *, ceiling: Tlp = Tlp.RED) -> list[Queued]:
        """Return the claims of a state that may be seen up to a marking, in the order in which they were read."""
        return [q for q in self.all() if q.state == state and q.document.tlp <= ceiling]

    def find(self, ids: Sequence[str], *, ceiling: Tlp = Tlp.RED) -> list[Queued]:
        """Return the claims of these ids or keys, or of ids that begin so.

        Raises:
            InputError: There is none that may be seen, or several.
        """
        everything = [q for q in self.all() if q.document.tlp <= ceiling]
        out: list[Queued] = []
        for wanted in ids:
            found = [q for q in everything if q.claim.id.startswith(wanted) or q.key == wanted]
            if len(found) != 1:
                several = ", ".join(q.key for q in found[:3])
                raise InputError(
                    f"{'no' if not found else 'more than one'} claim is `{wanted}`",
                    where=str(self._path),
                    hint=f"say which: {several}" if found else "the queue shows ids",
                )
            out.append(found[0])
        return out

    def called(self, claim: str, *, ceiling: Tlp = Tlp.RED) -> list[Queued]:
        """Return the claims of a key or id; an id has one for each document that says so at the same place."""
        return [q for q in self.all() if claim in {q.key, q.claim.id} and q.document.tlp <= ceiling]

    def at(self, key: str) -> Queued | None:
        """Return the claim of a key; None if there is none."""
        with self._lock:
            self.all()
            return self._queued.get(key)

    def text(self, document: Read) -> str:
        """Return the text of a document.

        Raises:
            InputError: It is not kept any more.
        """
        path = self.folder / f"{document.sha256}.txt"
        try:
            return path.read_bytes().decode()
        except OSError as error:
            raise InputError(
                "the text of the document is not kept", where=str(path), hint="read the document again"
            ) from error

    def decide(self, queued: Iterable[tuple[Queued, Decided]]) -> None:
        """Write decisions down."""
        with self._lock:
            self._append([_Line(decides=q.key, decided=d) for q, d in queued])

    def _take(self, line: _Line, number: int) -> None:
        if line.document is not None:
            self._documents[line.document.sha256] = line.document
        elif line.claim is not None:
            document = self._documents.get(line.of)
            if document is None:
                raise InputError("a claim has no document", where=f"{self._path}:{number}", hint="the queue is damaged")
            found = Queued(claim=line.claim, document=document)
            self._queued.setdefault(found.key, found)
        elif line.decided is not None and line.decides in self._queued:
            self._queued[line.decides] = replace(self._queued[line.decides], decided=line.decided)

    def _known(self) -> set[bytes]:
        """Return what is in the queue, eight bytes for each claim: the claims of a large dump are many."""
        if self._known_to.is_past(self._path):
            self._known_to, self._keys = _Place(), set()
        for number, raw in self._lines(self._known_to):
            line = _decoded(raw, _Short, f"{self._path}:{number}")
            if line.claim is not None:
                self._keys.add(_short(line.of, line.claim.id))
        return self._keys

    def _append(self, lines: Iterable[_Line]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as out:
            _hold(out.fileno())
            whole = _end_of_lines(self._path)
            if whole < out.tell():
                os.truncate(self._path, whole)
            out.write(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
            out.flush()
            os.fsync(out.fileno())

    def _lines(self, place: _Place) -> Iterator[tuple[int, bytes]]:
        """Yield the whole lines behind a place with their numbers, and move the place behind each."""
        if not self._path.is_file():
            return
        with self._path.open("rb") as file:
            file.seek(place.offset)
            for raw in file:
                if not raw.endswith(b"\n"):
                    return
                yield place.n_lines + 1, raw
                place.offset += len(raw)
                place.n_lines += 1


class _Place:
    """How far a file was read.

    Attributes:
        offset: In bytes.
        n_lines: In lines.
    """

    __slots__ = ("n_lines", "offset")

    def __init__(self) -> None:
        self.offset = self.n_lines = 0

    def is_past(self, path: Path) -> bool:
        """Say whether a file is shorter than what was read of it: somebody has put another in its place."""
        return self.offset > (path.stat().st_size if path.is_file() else 0)


def _decoded(raw: bytes, sort: type[T], where: str) -> T:
    try:
        return msgspec.json.decode(raw, type=sort)
    except msgspec.MsgspecError as error:
        raise InputError(f"the queue cannot be read: {error}", where=where, hint="take the line out") from error


def _short(document: str, claim: str) -> bytes:
    return hashlib.blake2b(f"{document}:{claim}".encode(), digest_size=8).digest()


def _end_of_lines(path: Path) -> int:
    """Return where the last whole line of a file ends."""
    with path.open("rb") as file:
        at = file.seek(0, os.SEEK_END)
        while at > 0:
            begin = max(0, at - _SIP)
            file.seek(begin)
            found = file.read(at - begin).rfind(b"\n")
            if found >= 0:
                return begin + found + 1
            at = begin
    return 0


def _hold(descriptor: int) -> None:
    """Let nobody else write until the file is closed."""
    try:
        import fcntl  # noqa: PLC0415 - not on Windows
    except ModuleNotFoundError:
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX)
