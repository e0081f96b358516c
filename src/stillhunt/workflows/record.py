"""Sightings into a knowledge base: claims like any other, with the confidence that they leave, undone like any other.

A sighting is a claim ``sighted`` of an indicator: how many events, from when to when, on how many machines. Where it
changes the confidence, a claim ``confidence`` says what it is since, what it was, and why; what the source itself said
stays beside it. Both are marked TLP:AMBER+STRICT, since they tell of one's own house.

The same hunt recorded twice changes nothing, and what was sighted within the last thirty days of an earlier sighting
does not move the confidence again: it is the same evidence, a day longer.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from stillhunt.cases.sighted import Sighted
from stillhunt.knowledge.claim import Claim, Source, entity_id, source_of
from stillhunt.knowledge.scribe import Scribe, record
from stillhunt.knowledge.store import Operation, Store, View
from stillhunt.report.brief import Brief
from stillhunt.report.marking import floor_of
from stillhunt.terms.marking import Tlp
from stillhunt.workflows.claimed import METHOD

__all__ = ["Change", "Recorded", "record_sightings"]

_ANEW = timedelta(days=30)
"""Time after an earlier sighting from which on another one is evidence of its own."""

_MARK = Tlp.AMBER_STRICT
_SPEAKER = "stillhunt"
_HOSTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A confidence that a sighting changed.

    Attributes:
        pattern: The indicator's.
        title: What it names, in short.
        before: 0 to 100.
        after: 0 to 100.
        why: One sentence.
    """

    pattern: str
    title: str
    before: int
    after: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What recording sightings did.

    Attributes:
        sightings: Indicators whose sighting is new.
        changes: Confidences that changed.
        n_known: Sightings that were recorded before.
        operation: What was done to the base; None if nothing was new.
    """

    sightings: tuple[str, ...]
    changes: tuple[Change, ...]
    n_known: int
    operation: Operation | None


def record_sightings(brief: Brief, store: Store, *, tlp: Tlp = _MARK) -> Recorded:
    """Record the sightings of a hunt.

    Args:
        brief: The hunt.
        store: The knowledge base.
        tlp: How far the claims may travel; no further than what the hunt quotes.

    Raises:
        EngineError: The base cannot be written.
    """
    tlp = max(tlp, floor_of(brief))
    scribe = Scribe(_SPEAKER, _source_of(brief, tlp), method=METHOD, tlp=tlp)
    sightings: list[str] = []
    changes: list[Change] = []
    n_known = 0
    with store.view() as view:
        for one in brief.sighted:
            subjects = one.indicators or (entity_id("indicator", one.pattern),)
            new = [subject for subject in subjects if _is_new(one, subject, scribe, view)]
            n_known += len(subjects) - len(new)
            sightings += [one.pattern] if new else []
            found = [_changed(one, subject, scribe, view) for subject in new]
            changes += [change for change in found[:1] if change is not None]
    if not sightings:
        return Recorded(sightings=(), changes=(), n_known=n_known, operation=None)
    note = f"hunt of {', '.join(brief.inputs)}: {len(sightings):,} sightings"
    operation = store.add(scribe.claims, kind="sight", note=note)
    return Recorded(sightings=tuple(sightings), changes=tuple(changes), n_known=n_known, operation=operation)


def _source_of(brief: Brief, tlp: Tlp) -> Source:
    """Return the hunt as a source: the same logs are the same source, wherever they lie."""
    logs = sorted((Path(file.path).name, file.sha256) for file in brief.origin.inputs)
    sha256 = hashlib.sha256(msgspec.json.encode(logs)).hexdigest()
    title = f"Hunt of {', '.join(Path(name).name for name in brief.inputs)}"
    return source_of(kind="hunt", title=title, publisher=_SPEAKER, sha256=sha256, tlp=tlp)


def _is_new(one: Sighted, subject: str, scribe: Scribe, view: View) -> bool:
    """Write a sighting down, and the indicator if the base lacks it; say whether the base lacked the sighting."""
    if not view.about([subject], "pattern"):
        quote = record(pattern=one.pattern, listed_by=list(one.sources))
        scribe.say(subject, "pattern", value=one.pattern, quote=quote)
        scribe.say(subject, "confidence", value=str(one.before), quote=record(confidence=one.before, why=_GIVEN))
    quote = record(
        pattern=one.pattern,
        events=one.count,
        machines=one.n_hosts,
        of=one.n_machines,
        hosts=list(one.hosts[:_HOSTS]),
        states=list(one.states),
        findings=list(one.findings[:_HOSTS]),
    )
    claim = scribe.say(
        subject,
        "sighted",
        value=f"{one.count}",
        quote=quote,
        valid_from=_instant(one.first_at),
        valid_until=_instant(one.last_at),
    )
    return not view.claims([claim.id])


_GIVEN = "as its list says, or as is usual for its kind"


def _changed(one: Sighted, subject: str, scribe: Scribe, view: View) -> Change | None:
    """Write down what a sighting makes of the confidence, unless an earlier one says the same."""
    if not one.delta:
        return None
    before = [c for c in view.about([subject], "sighted") if c.method == METHOD]
    if any(not _is_anew(one, earlier) for earlier in before):
        return None
    scribe.say(
        subject,
        "confidence",
        value=str(one.after),
        quote=record(before=one.before, after=one.after, why=one.why),
        valid_from=_instant(one.last_at),
    )
    title = one.title.rpartition(": ")[2]
    return Change(pattern=one.pattern, title=title, before=one.before, after=one.after, why=one.why)


def _is_anew(one: Sighted, earlier: Claim) -> bool:
    if one.last_at is None or not earlier.valid_until:
        return False
    return one.last_at - datetime.fromisoformat(earlier.valid_until) >= _ANEW


def _instant(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
