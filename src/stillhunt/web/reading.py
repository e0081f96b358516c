"""The queue of claims that were read out of documents and wait for somebody to accept them.

Pages know the queue by its protocol. :class:`FolderQueue` keeps one in a folder: ``<name>.json`` holds claims with
their sources, as :class:`~stillhunt.knowledge.claim.Claims`; ``decisions.jsonl`` what was decided, line by line. A
claim that is accepted enters the knowledge base; one that is rejected stays here, and says why.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from stillhunt.errors import InputError, UnknownNameError
from stillhunt.knowledge.claim import Claim, Claims, Source
from stillhunt.knowledge.marking import Tlp

__all__ = ["FolderQueue", "Proposal", "Queue", "State"]

State = Literal["waiting", "accepted", "rejected"]

_DECISIONS = "decisions.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A claim that was read, with the document that it was read in.

    Attributes:
        claim: What would be recorded.
        source: The document; its text holds the quote where the claim says.
        subject: Name of who it is about.
        object: Name of what it leads to, or its value.
        state: What became of it.
        by: Who decided.
        why: What they said.
    """

    claim: Claim
    source: Source
    subject: str
    object: str
    state: State = "waiting"
    by: str = ""
    why: str = ""

    @property
    def marking(self) -> Tlp:
        """The stricter of the claim's and its document's."""
        return max(self.claim.tlp, self.source.tlp)

    def around(self, width: int = 1_500) -> tuple[str, str, str]:
        """Return the document's text before the quote, the quote, and the text after it."""
        text, start, end = self.source.text, self.claim.start, self.claim.end
        if start is None or end is None or text[start:end] != self.claim.quote:
            return "", self.claim.quote, ""
        return text[max(0, start - width) : start], self.claim.quote, text[end : end + width]


class Queue(Protocol):
    """What pages need of a queue."""

    def proposals(self, state: State, *, ceiling: Tlp) -> Sequence[Proposal]:
        """Return the proposals of a state up to a marking, in order of document and place."""
        ...

    def decide(self, claim: str, *, accept: bool, by: str, why: str, ceiling: Tlp) -> Proposal:
        """Accept or reject a proposal that waits.

        Raises:
            UnknownNameError: None that may be seen has that id.
            InputError: It was decided before.
        """
        ...


class _Decided(msgspec.Struct, kw_only=True):
    claim: str
    state: State
    by: str
    why: str
    at: str


class FolderQueue:
    """A queue in a folder.

    Args:
        folder: Where it is; it need not exist.
        accept: Takes an accepted claim with its source into the knowledge base.
    """

    def __init__(self, folder: Path, accept: Callable[[Claims], None]) -> None:
        self._folder, self._accept = folder, accept
        self._lock = threading.Lock()
        self._kept: tuple[tuple[tuple[str, int, int], ...], list[Proposal]] = ((), [])

    def proposals(self, state: State, *, ceiling: Tlp) -> list[Proposal]:
        """Return the proposals of a state up to a marking, in order of document and place."""
        return [p for p in self._all() if p.state == state and p.marking <= ceiling]

    def decide(self, claim: str, *, accept: bool, by: str, why: str, ceiling: Tlp) -> Proposal:
        """Accept or reject a proposal that waits.

        Raises:
            UnknownNameError: None that may be seen has that id.
            InputError: It was decided before.
        """
        with self._lock:
            found = next((p for p in self._all() if p.claim.id == claim and p.marking <= ceiling), None)
            if found is None:
                raise UnknownNameError("no proposal has that id")
            if found.state != "waiting":
                raise InputError(f"it was {found.state} already by {found.by}", hint="look at it again")
            if accept:
                self._accept(Claims(sources={found.source.id: found.source}, claims={found.claim.id: found.claim}))
            state: State = "accepted" if accept else "rejected"
            at = datetime.now(UTC).isoformat(timespec="seconds")
            line = msgspec.json.encode(_Decided(claim=claim, state=state, by=by, why=why[:1_000], at=at)) + b"\n"
            with (self._folder / _DECISIONS).open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        return found

    def _all(self) -> list[Proposal]:
        if not self._folder.is_dir():
            return []
        stamp = tuple((p.name, p.stat().st_mtime_ns, p.stat().st_size) for p in sorted(self._folder.glob("*.json*")))
        if self._kept[0] != stamp:
            self._kept = stamp, self._read()
        return self._kept[1]

    def _read(self) -> list[Proposal]:
        decided = self._decided()
        found: dict[str, Proposal] = {}
        for path in sorted(self._folder.glob("*.json")):
            try:
                claims = msgspec.json.decode(path.read_bytes(), type=Claims)
            except (OSError, msgspec.MsgspecError) as error:
                raise InputError(f"is no file of proposals: {error}", where=str(path)) from error
            names = _names(claims)
            order = sorted(claims.claims.values(), key=lambda c: (c.source, c.start or 0, c.id))
            for claim in order:
                was = decided.get(claim.id)
                found[claim.id] = Proposal(
                    claim=claim,
                    source=claims.sources[claim.source],
                    subject=names.get(claim.subject, claim.subject),
                    object=names.get(claim.object, claim.object) if claim.object else claim.value,
                    state=was.state if was else "waiting",
                    by=was.by if was else "",
                    why=was.why if was else "",
                )
        return list(found.values())

    def _decided(self) -> dict[str, _Decided]:
        path = self._folder / _DECISIONS
        if not path.is_file():
            return {}
        lines = (msgspec.json.decode(line, type=_Decided) for line in path.read_bytes().splitlines() if line)
        return {line.claim: line for line in lines}


def _names(claims: Claims) -> dict[str, str]:
    named = [c for c in claims.claims.values() if c.predicate in {"name", "alias"} and not c.is_denial]
    return {c.subject: c.value for c in sorted(named, key=lambda c: (c.predicate != "alias", c.id))}
