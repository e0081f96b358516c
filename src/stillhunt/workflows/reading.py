"""The reading queue: claims that were read wait in the knowledge base's folder until somebody accepts or rejects them.

The queue is two kinds of files in the folder ``reading`` beside the base: ``<sha256>.txt``, the text of a document, so
that a quote can always be looked up; and ``queue.jsonl``, which only grows: a line for each document, for each claim
that was read, and for each decision. Whoever shows the queue reads it from there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from stillhunt.errors import InputError, MissingExtraError

try:
    import sqlalchemy  # noqa: F401  # resolving names rests on it
except ModuleNotFoundError as error:
    raise MissingExtraError("sqlalchemy", "know") from error

from stillhunt.knowledge.claim import Claims, Source, entity_id, is_date, source_of
from stillhunt.knowledge.marking import Tlp
from stillhunt.knowledge.names import name_key
from stillhunt.knowledge.resolve import resolve, who_may_be
from stillhunt.knowledge.scribe import Scribe, organisation
from stillhunt.knowledge.store import Operation, Store, View
from stillhunt.reading.draft import ARTICLE, ReadClaim, Slot
from stillhunt.reading.hedges import likelihood_of
from stillhunt.reading.quotes import is_verbatim

__all__ = ["Decided", "Meant", "Queue", "Queued", "Read", "accept", "candidates", "reject"]

_BEARERS = ("intrusion-set", "threat-actor", "campaign", "malware", "tool", "identity", "location")
_LINKS = {
    "operated-under": "subordinate-to",
    "subordinate-to": "subordinate-to",
    "work-for": "acts-for",
    "works-for": "employed-by",
    "acted-for": "acts-for",
    "acted-on-behalf-of": "acts-for",
    "acted-in-association-with": "linked-to",
    "spied-for": "acts-for",
    "serves": "acts-for",
    "directed-by": "directed-by",
    "run-by": "directed-by",
    "carried-out-orders-from": "directed-by",
    "sponsored-by": "sponsored-by",
    "supported-by": "sponsored-by",
    "supports": "provides-support-to",
    "attributed-to": "attributed-to",
    "linked-to": "linked-to",
    "affiliated-with": "linked-to",
    "contractor-of": "contractor-of",
    "subcontract-to": "contractor-of",
    "employed-by": "employed-by",
    "employee-of": "employed-by",
    "officers-in": "employed-by",
    "agent-of": "acts-for",
    "member-of": "member-of",
    "part-of": "part-of",
    "overlaps-with": "overlaps-with",
    "front-company-of": "front-for",
    "targeted": "targets",
    "targeted-mostly": "targets",
    "used-malware": "uses",
}
"""Predicates of reading whose object is an entity, and the word the base has for each."""

_HELD_AS = {"name": "its name", "alias": "an alias of it", "id": "an id of it"}
_NAMES = frozenset({"known-as", "stands-for"})
_TURNED = {"charge": "charged", "sanction": "sanctioned"}
"""Kinds that the base keeps with whom they befall: `X sanctioned by Y`."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """Somebody who may be meant by a name in a claim.

    Attributes:
        entity: Its id.
        name: What it goes by in the base.
        reason: Why it may be meant.
        certain: Whether the base has this very name.
    """

    entity: str
    name: str
    reason: str
    certain: bool


class _Line(msgspec.Struct, omit_defaults=True, kw_only=True):
    document: Read | None = None
    of: str = ""
    claim: ReadClaim | None = None
    decides: str = ""
    decided: Decided | None = None


class Queue:
    """The reading queue in a folder.

    Args:
        folder: Of the knowledge base; the queue lies in ``reading`` inside it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "reading"
        self._path = self.folder / "queue.jsonl"

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
        known = {self._key(q.document.sha256, q.claim.id) for q in self.all()}
        fresh = [c for c in listed if self._key(document.sha256, c.id) not in known]
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
        documents: dict[str, Read] = {}
        queued: dict[str, Queued] = {}
        for number, line in enumerate(self._lines(), 1):
            if line.document is not None:
                documents[line.document.sha256] = line.document
            elif line.claim is not None:
                document = documents.get(line.of)
                if document is None:
                    raise InputError(
                        "a claim has no document", where=f"{self._path}:{number}", hint="the queue is damaged"
                    )
                queued[self._key(line.of, line.claim.id)] = Queued(claim=line.claim, document=document)
            elif line.decided is not None and line.decides in queued:
                was = queued[line.decides]
                queued[line.decides] = Queued(claim=was.claim, document=was.document, decided=line.decided)
        return list(queued.values())

    def waiting(self) -> list[Queued]:
        """Return what nobody has decided yet."""
        return [q for q in self.all() if q.decided is None]

    def find(self, ids: Sequence[str]) -> list[Queued]:
        """Return the claims of these ids, or of ids that begin so.

        Raises:
            InputError: There is none, or several.
        """
        everything = self.all()
        out: list[Queued] = []
        for wanted in ids:
            found = [q for q in everything if q.claim.id.startswith(wanted)]
            if len(found) != 1:
                raise InputError(
                    f"{'no' if not found else 'more than one'} claim is `{wanted}`",
                    where=str(self._path),
                    hint="the queue shows ids",
                )
            out.append(found[0])
        return out

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
        self._append([_Line(decides=self._key(q.document.sha256, q.claim.id), decided=d) for q, d in queued])

    @staticmethod
    def _key(document: str, claim: str) -> str:
        return f"{document}:{claim}"

    def _append(self, lines: Iterable[_Line]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as out:
            out.writelines(msgspec.json.encode(line) + b"\n" for line in lines)

    def _lines(self) -> list[_Line]:
        if not self._path.is_file():
            return []
        found = []
        for number, line in enumerate(self._path.read_bytes().splitlines(), 1):
            try:
                found.append(msgspec.json.decode(line, type=_Line))
            except msgspec.MsgspecError as error:
                raise InputError(
                    f"the queue cannot be read: {error}", where=f"{self._path}:{number}", hint="take the line out"
                ) from error
        return found


def candidates(view: View, name: str) -> list[Meant]:
    """Return who may be meant by a name, the likeliest first, each with its reason; nobody for a new one."""
    certain = resolve(view, name, types=_BEARERS)
    found = certain or who_may_be(view, name, types=_BEARERS)
    return [
        Meant(
            entity=c.identity.members[0],
            name=c.name,
            reason=f"the base has `{name}` as {_HELD_AS[c.match]}"
            if c.match in _HELD_AS
            else f"{c.match}: {c.score:.2f} alike",
            certain=c.is_certain,
        )
        for c in found
    ]


def accept(
    store: Store,
    queue: Queue,
    ids: Sequence[str],
    *,
    by: str,
    choices: dict[str, str] | None = None,
    note: str = "",
) -> Operation:
    """Take claims of the queue into the base.

    A name that the base has once is that entity; one that it has never, or several times, becomes a new entity with
    the quote as the source of its name, unless the analyst chooses.

    Args:
        store: The base.
        queue: The reading queue.
        ids: Of claims, or how they begin.
        by: Who accepts.
        choices: Entity by name, where the analyst says who is meant.
        note: Why.

    Raises:
        InputError: There is no such claim, or it was accepted before.
    """
    found = queue.find(ids)
    for queued in found:
        if queued.decided is not None and queued.decided.verdict == "accepted":
            raise InputError("the claim was accepted before", where=queued.claim.id, hint="`know search` shows it")
    taken = Claims()
    decisions: list[tuple[Queued, Decided]] = []
    with store.view() as view:
        for queued in found:
            said = _said(view, queued, queue.text(queued.document), choices or {})
            taken.update([said])
            decisions.append((queued, Decided(verdict="accepted", by=by, note=note, stored=tuple(said.claims))))
    operation = store.add(taken, kind="accept", note=f"{len(found)} claims read, accepted by {by}")
    queue.decide(decisions)
    return operation


def reject(queue: Queue, ids: Sequence[str], *, by: str, note: str) -> list[Queued]:
    """Reject claims of the queue; they stay in it with the reason.

    Raises:
        InputError: There is no such claim, or it is in the base already.
    """
    found = queue.find(ids)
    for queued in found:
        if queued.decided is not None and queued.decided.verdict == "accepted":
            raise InputError("the claim is in the base", where=queued.claim.id, hint="take it back with `know retract`")
    queue.decide((q, Decided(verdict="rejected", by=by, note=note)) for q in found)
    return found


def _said(view: View, queued: Queued, text: str, choices: dict[str, str]) -> Claims:
    """Return the claims of the base that a read claim becomes."""
    claim, document = queued.claim, queued.document
    source = _source(document, text)
    scribe = Scribe(document.publisher or document.title, source, method=f"read:{claim.method}", tlp=document.tlp)
    speaker = scribe.speaker if claim.said_by == ARTICLE else organisation(claim.said_by)
    if claim.said_by != ARTICLE:
        scribe.say(speaker, "name", value=claim.said_by, quote=claim.quote, start=claim.start)

    def meant(slot: Slot, otherwise: str) -> str:
        return _entity(view, scribe, slot, claim, choices, otherwise)

    turned = claim.kind in _TURNED
    subject_slot, object_slot = (claim.object, claim.subject) if turned else (claim.subject, claim.object)
    subject = meant(subject_slot, _sort_of(claim, subject=True))
    predicate = _TURNED.get(claim.kind, _LINKS.get(claim.predicate, claim.predicate))
    linked = claim.predicate in _LINKS and bool(object_slot.text)
    if claim.predicate in _NAMES:
        predicate = "alias"
    target = meant(object_slot, _sort_of(claim, subject=False)) if linked else ""
    scribe.say(
        subject,
        "denies" if claim.kind == "denial" else predicate,
        object=target,
        value="" if target else (object_slot.text or claim.predicate),
        quote=claim.quote,
        start=claim.start,
        speaker=speaker,
        polarity="denies" if claim.polarity == "negated" else "asserts",
        likelihood=likelihood_of(claim.hedge),
        valid_from=_date(claim.time.start if claim.time else ""),
        valid_until=_date(claim.time.end if claim.time else ""),
    )
    return scribe.claims


def _source(document: Read, text: str) -> Source:
    return source_of(
        kind=document.kind,
        title=document.title,
        publisher=document.publisher,
        published=_date(document.published),
        sha256=document.sha256,
        lang=document.lang,
        tlp=document.tlp,
        text=text,
    )


def _entity(  # noqa: PLR0917  # one caller
    view: View, scribe: Scribe, slot: Slot, claim: ReadClaim, choices: dict[str, str], otherwise: str
) -> str:
    if slot.text in choices:
        return choices[slot.text]
    certain = [m for m in candidates(view, slot.text) if m.certain]
    if len(certain) == 1:
        return certain[0].entity
    entity = entity_id(otherwise, f"read:{name_key(slot.text) or slot.text}")
    scribe.say(entity, "name", value=slot.text, quote=claim.quote, start=claim.start)
    return entity


def _sort_of(claim: ReadClaim, *, subject: bool) -> str:
    """Return the STIX type of an entity that the base does not have yet."""
    if subject:
        return (
            "intrusion-set"
            if claim.kind in {"target", "attribution"}
            or (claim.kind == "alias/part-of" and claim.predicate == "known-as")
            else "identity"
        )
    if claim.predicate == "used-malware":
        return "malware"
    return "intrusion-set" if claim.predicate in {"member-of", "overlaps-with", "front-company-of"} else "identity"


def _date(text: str) -> str:
    return text if is_date(text) else ""
