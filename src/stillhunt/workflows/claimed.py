"""Indicators out of claims: pattern, validity, whom it indicates, how sure, by whom and in which words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from stillhunt.detection.indicators.saying import UNSAID, Said, Saying, confidence_in, instant
from stillhunt.knowledge.claim import Claim, Source, type_of

__all__ = ["METHOD", "Claimed", "claimed_in", "names_in"]

METHOD = "sighting"
"""How claims come into a base that a hunt recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """An indicator out of claims.

    Attributes:
        pattern: STIX pattern.
        said: What is said of it.
    """

    pattern: str
    said: Said


def names_in(claims: Iterable[Claim]) -> dict[str, str]:
    """Return the first name that claims give to each entity."""
    found: dict[str, str] = {}
    for claim in claims:
        if claim.predicate == "name" and not claim.is_denial:
            found.setdefault(claim.subject, claim.value)
    return found


def claimed_in(
    claims: Sequence[Claim], sources: Mapping[str, Source], names: Mapping[str, str], *, file: str
) -> list[Claimed]:
    """Return the indicators that claims give, in order of claim; what is denied counts as not said.

    Args:
        claims: Those of ``pattern``, ``pattern-type``, ``indicates`` and ``confidence``; others do not matter.
        sources: Their sources by id.
        names: Names of entities by id.
        file: What to call the base or file that holds them.
    """
    kinds = {c.subject: c.value for c in claims if c.predicate == "pattern-type"}
    denied = {(c.subject, c.predicate, c.object or c.value) for c in claims if c.is_denial}
    whom: dict[str, dict[str, None]] = {}
    sure: dict[str, list[Claim]] = {}
    for claim in claims:
        if claim.is_denial or (claim.subject, claim.predicate, claim.object or claim.value) in denied:
            continue
        if claim.predicate == "indicates" and type_of(claim.object) != "attack-pattern":
            whom.setdefault(claim.subject, {}).setdefault(names.get(claim.object, claim.object))
        elif claim.predicate == "confidence":
            sure.setdefault(claim.subject, []).append(claim)
    found = []
    for claim in sorted(claims, key=lambda c: c.id):
        is_pattern = claim.predicate == "pattern" and (claim.subject, "pattern", claim.value) not in denied
        if not is_pattern or kinds.get(claim.subject, "stix") != "stix":
            continue
        source = sources[claim.source]
        saying = Saying(
            source=source.title,
            speaker=names.get(claim.speaker, source.publisher),
            file=file,
            url=source.url,
            published=source.published,
            indicates=tuple(sorted(whom.get(claim.subject, ()))),
            confidence=_confidence(claim, sure.get(claim.subject, ())),
            claim=claim.id,
            quote=claim.quote,
            indicator=claim.subject,
            marking=str(max(claim.tlp, source.tlp)),
        )
        since = instant(claim.valid_from) if claim.valid_from else None
        until = instant(claim.valid_until, is_end=True) if claim.valid_until else None
        found.append(Claimed(pattern=claim.value, said=Said(saying=saying, since=since, until=until)))
    return found


def _confidence(claim: Claim, given: Sequence[Claim]) -> int:
    """Return how sure an indicator is: what hunts of ours made of it last, else what its source says."""
    ours = [c for c in given if c.method == METHOD]
    if ours:
        return confidence_in(max(ours, key=lambda c: (c.recorded, c.id)).value)
    said = [c for c in given if c.speaker == claim.speaker] or list(given)
    if said:
        return max(confidence_in(c.value) for c in said)
    return confidence_in(claim.confidence) if claim.confidence else UNSAID
