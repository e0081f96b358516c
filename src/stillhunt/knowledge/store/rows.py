"""Claims to rows and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from sqlalchemy import Row

from stillhunt.knowledge.claim import Claim, Confidence, Likelihood, Source
from stillhunt.knowledge.names import name_key
from stillhunt.terms.marking import Tlp

__all__ = ["NAMING", "claim_row", "last_day", "now", "source_row", "to_claim", "to_source"]

NAMING = frozenset({"name", "alias", "external-id"})
"""Predicates whose value is a name of the subject."""


def now() -> str:
    """Return this moment as claims write it, in UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def last_day(written: str) -> str:
    """Return the last day of a date that may say a year or a month only: by then it was so at the latest.

    >>> last_day("2024-02"), last_day("2023"), last_day("2024-03-25T10:00:00Z")
    ('2024-02-29', '2023-12-31', '2024-03-25')
    """
    if len(written) == 4:
        return f"{written}-12-31"
    if len(written) == 7:
        year, month = int(written[:4]), int(written[5:])
        following = date(year + month // 12, month % 12 + 1, 1)
        return (following - timedelta(days=1)).isoformat()
    return written[:10]


def source_row(source: Source) -> dict[str, Any]:
    """Return a source as a row without its number."""
    return {
        "id": source.id,
        "kind": source.kind,
        "title": source.title,
        "publisher": source.publisher,
        "published": source.published,
        "url": source.url,
        "sha256": source.sha256,
        "lang": source.lang,
        "tlp": int(source.tlp),
        "reliability": source.reliability,
        "text": source.text,
    }


def to_source(row: Row[Any]) -> Source:
    """Return a row of ``source`` as what it was."""
    return Source(
        id=row.id,
        kind=row.kind,
        title=row.title,
        publisher=row.publisher,
        published=row.published,
        url=row.url,
        sha256=row.sha256,
        lang=row.lang,
        tlp=Tlp(row.tlp),
        reliability=row.reliability,
        text=row.text,
    )


def claim_row(claim: Claim, source: Source, *, entities: Mapping[str, int], source_n: int, at: str) -> dict[str, Any]:
    """Return a claim as a row without its number.

    Args:
        claim: What is said.
        source: Where.
        entities: Number of every entity by id.
        source_n: Number of the source.
        at: When it is taken in, if the claim does not say.
    """
    likelihood = claim.likelihood
    recorded = claim.recorded or at
    return {
        "id": claim.id,
        "subject": entities[claim.subject],
        "predicate": claim.predicate,
        "object": entities[claim.object] if claim.object else None,
        "value": claim.value,
        "key": name_key(claim.value) or None if claim.predicate in NAMING else None,
        "polarity": -1 if claim.is_denial else 1,
        "speaker": entities[claim.speaker],
        "source": source_n,
        "quote": claim.quote,
        "start": claim.start,
        "term": likelihood.term if likelihood else None,
        "scale": likelihood.scale if likelihood else None,
        "low": likelihood.low if likelihood else None,
        "high": likelihood.high if likelihood else None,
        "confidence": claim.confidence,
        "credibility": claim.credibility,
        "valid_from": claim.valid_from,
        "valid_until": claim.valid_until,
        "tlp": int(claim.tlp),
        "marking": int(max(claim.tlp, source.tlp)),
        "method": claim.method,
        "known": last_day(source.published or recorded),
        "recorded": recorded,
        "retracted": "",
    }


def to_claim(row: Row[Any]) -> Claim:
    """Return a row of ``claim``, joined with the ids of its entities and source, as what it was."""
    return Claim(
        id=row.id,
        subject=row.subject_id,
        predicate=row.predicate,
        object=row.object_id or "",
        value=row.value,
        polarity="denies" if row.polarity < 0 else "asserts",
        speaker=row.speaker_id,
        source=row.source_id,
        quote=row.quote,
        start=row.start,
        end=None if row.start is None else row.start + len(row.quote),
        likelihood=None if row.term is None else Likelihood(term=row.term, scale=row.scale, low=row.low, high=row.high),
        confidence=cast("Confidence", row.confidence),
        credibility=row.credibility,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        tlp=Tlp(row.tlp),
        method=row.method,
        recorded=row.recorded,
        retracted=row.retracted,
    )
