"""From the reading queue into the knowledge base: who may be meant by a name, accepting, rejecting."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from stillhunt.errors import InputError, MissingExtraError

try:
    import sqlalchemy  # noqa: F401  # resolving names rests on it
except ModuleNotFoundError as error:
    raise MissingExtraError("sqlalchemy", "know") from error

from stillhunt.knowledge.claim import Claim, Claims, Source, entity_id, is_date, source_of
from stillhunt.knowledge.names import name_key
from stillhunt.knowledge.resolve import resolve, who_may_be
from stillhunt.knowledge.scribe import Scribe, organisation
from stillhunt.knowledge.store import Operation, Store, View
from stillhunt.reading.draft import ARTICLE, ReadClaim, Slot
from stillhunt.reading.hedges import likelihood_of
from stillhunt.reading.mention import Meant
from stillhunt.workflows.queue import Decided, Queue, Queued, Read
from stillhunt.workflows.reading_facts import say_indicator, say_technique

__all__ = ["accept", "candidates", "reject"]

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
    batch = {queued.key for queued in found}
    with store.view() as view:
        for queued in found:
            said, _ = _said(view, queued, queue.text(queued.document), choices or {})
            for denial, denied in _denials(queue, queued, batch):
                said.update([_contested(view, denial, denied, queue.text(queued.document), choices or {})])
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


def _denials(queue: Queue, queued: Queued, batch: Collection[str]) -> Iterator[tuple[Queued, Queued]]:
    """Yield each denial with what it denies, where one is this claim and the other is, or becomes, accepted."""
    for relation in queued.claim.relations:
        other = queue.at(f"{queued.document.sha256}:{relation.to}")
        if other is None or (other.state != "accepted" and other.key not in batch):
            continue
        if relation.kind == "denies":
            yield queued, other
        elif relation.kind == "denied-by":
            yield other, queued


def _contested(view: View, denial: Queued, denied: Queued, text: str, choices: dict[str, str]) -> Claims:
    """Return that a speaker denies what another one says, so that the base shows both as a contradiction."""
    claims, said = _said(view, denied, text, choices)
    contested = Claims()
    contested.update([claims])
    del contested.claims[said.id]
    source = _source(denial.document, text)
    scribe = Scribe(
        denial.document.publisher or denial.document.title,
        source,
        method=f"read:{denial.claim.method}",
        tlp=denial.document.tlp,
    )
    speaker = scribe.speaker if denial.claim.said_by == ARTICLE else organisation(denial.claim.said_by)
    scribe.say(
        said.subject,
        said.predicate,
        object=said.object,
        value=said.value,
        quote=denial.claim.quote,
        start=denial.claim.start,
        speaker=speaker,
        polarity="denies",
    )
    contested.update([scribe.claims])
    return contested


def _said(view: View, queued: Queued, text: str, choices: dict[str, str]) -> tuple[Claims, Claim]:
    """Return the claims of the base that a read claim becomes, and which of them is the statement itself."""
    claim, document = queued.claim, queued.document
    source = _source(document, text)
    scribe = Scribe(document.publisher or document.title, source, method=f"read:{claim.method}", tlp=document.tlp)
    speaker = scribe.speaker if claim.said_by == ARTICLE else organisation(claim.said_by)
    if claim.said_by != ARTICLE:
        scribe.say(speaker, "name", value=claim.said_by, quote=claim.quote, start=claim.start)

    def meant(slot: Slot, otherwise: str) -> str:
        return _entity(view, scribe, slot, claim, choices, otherwise)

    if claim.kind == "indicator":
        return say_indicator(scribe, claim)
    if claim.kind == "technique":
        return say_technique(scribe, view, claim, meant=meant, document=document.sha256)
    turned = claim.kind in _TURNED
    subject_slot, object_slot = (claim.object, claim.subject) if turned else (claim.subject, claim.object)
    subject = meant(subject_slot, _sort_of(claim, subject=True))
    predicate = _TURNED.get(claim.kind, _LINKS.get(claim.predicate, claim.predicate))
    linked = claim.predicate in _LINKS and bool(object_slot.text)
    if claim.predicate in _NAMES:
        predicate = "alias"
    target = meant(object_slot, _sort_of(claim, subject=False)) if linked else ""
    said = scribe.say(
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
    return scribe.claims, said


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
