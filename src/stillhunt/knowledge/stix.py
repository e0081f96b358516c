"""What our STIX 2.1 says of claims and sources that STIX has no words for: one extension, and its shapes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Literal

import msgspec

from stillhunt.knowledge.claim import Claim, Confidence, Likelihood, Polarity, Source, claim_of, entity_id, source_of
from stillhunt.terms.marking import parse_tlp

__all__ = [
    "EXTENSION",
    "FROM_STIX",
    "PRODUCER",
    "TO_STIX",
    "claim_fields",
    "claim_from",
    "end_of",
    "source_fields",
    "source_from",
    "start_of",
]

EXTENSION = "extension-definition--" + entity_id("identity", "stillhunt claim extension").partition("--")[2]
"""Id of the extension that carries every column of a claim and of a source."""

PRODUCER = entity_id("identity", "organization:stillhunt")
"""Who made a bundle; not who says what is in it."""

TO_STIX = {"same-as": "duplicate-of"}
"""Predicates that STIX has another word for."""

FROM_STIX = {theirs: ours for ours, theirs in TO_STIX.items()}


def claim_fields(claim: Claim) -> dict[str, Any]:
    """Return the columns of a claim that are not at their default, without what follows from the rest."""
    fields: dict[str, Any] = {
        "subject": claim.subject,
        "predicate": claim.predicate,
        "speaker": claim.speaker,
        "source": claim.source,
        "quote": claim.quote,
    }
    rest = {
        "object": claim.object,
        "value": claim.value,
        "polarity": "denies" if claim.is_denial else "",
        "confidence": claim.confidence,
        "valid_from": claim.valid_from,
        "valid_until": claim.valid_until,
        "method": claim.method,
        "recorded": claim.recorded,
    }
    fields |= {name: value for name, value in rest.items() if value}
    if claim.start is not None:
        fields["start"] = claim.start
    if claim.credibility is not None:
        fields["credibility"] = claim.credibility
    if claim.tlp:
        fields["tlp"] = str(claim.tlp)
    if claim.likelihood is not None:
        words = claim.likelihood
        bounds = {"low": words.low, "high": words.high}
        fields["likelihood"] = {"term": words.term, "scale": words.scale} | {
            name: bound for name, bound in bounds.items() if bound is not None
        }
    return fields


class _ClaimFields(msgspec.Struct, forbid_unknown_fields=True):
    """The columns of a claim as :func:`claim_fields` writes them."""

    subject: str
    predicate: str
    speaker: str
    source: str
    quote: str
    object: str = ""
    value: str = ""
    polarity: Polarity = "asserts"
    confidence: Confidence | Literal[""] = ""
    valid_from: str = ""
    valid_until: str = ""
    method: str = "human"
    recorded: str = ""
    start: int | None = None
    credibility: int | None = None
    tlp: str = "TLP:CLEAR"
    likelihood: Likelihood | None = None


def claim_from(fields: object, source: Source) -> Claim:
    """Return the claim that some columns make.

    Raises:
        ClaimError: They make none.
        msgspec.ValidationError: One is missing, unknown, or of another type.
    """
    given = msgspec.convert(fields, _ClaimFields)
    return claim_of(
        subject=given.subject,
        predicate=given.predicate,
        object=given.object,
        value=given.value,
        polarity=given.polarity,
        speaker=given.speaker,
        source=source,
        quote=given.quote,
        start=given.start,
        likelihood=given.likelihood,
        confidence=given.confidence,
        credibility=given.credibility,
        valid_from=given.valid_from,
        valid_until=given.valid_until,
        tlp=parse_tlp(given.tlp),
        method=given.method,
        recorded=given.recorded,
    )


def source_fields(source: Source) -> dict[str, Any]:
    """Return the columns of a source that are not at their default."""
    fields: dict[str, Any] = {"kind": source.kind, "title": source.title}
    for name in ("publisher", "published", "url", "sha256", "lang", "reliability", "text"):
        value = getattr(source, name)
        if value:
            fields[name] = value
    if source.tlp:
        fields["tlp"] = str(source.tlp)
    return fields


class _SourceFields(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    title: str
    publisher: str = ""
    published: str = ""
    url: str = ""
    sha256: str = ""
    lang: str = ""
    reliability: str = ""
    text: str = ""
    tlp: str = "TLP:CLEAR"


def source_from(fields: object) -> Source:
    """Return the source that some columns make.

    Raises:
        ClaimError: They make none.
        msgspec.ValidationError: One is missing, unknown, or of another type.
    """
    given = msgspec.convert(fields, _SourceFields)
    return source_of(
        kind=given.kind,
        title=given.title,
        publisher=given.publisher,
        published=given.published,
        url=given.url,
        sha256=given.sha256,
        lang=given.lang,
        tlp=parse_tlp(given.tlp),
        reliability=given.reliability,
        text=given.text,
    )


def start_of(written: str) -> str:
    """Return the first instant of a date, as STIX writes it.

    >>> start_of("2024-03")
    '2024-03-01T00:00:00.000Z'
    """
    if "T" in written:
        head, _, tail = written.rstrip("Z").partition(".")
        return f"{head}.{tail[:3]:0<3}Z"
    return f"{written}{'2000-01-01'[len(written) :]}T00:00:00.000Z"


def end_of(written: str) -> str:
    """Return the last instant of a date, as STIX writes it.

    >>> end_of("2024-02")
    '2024-02-29T23:59:59.999Z'
    """
    if "T" in written:
        return start_of(written)
    if len(written) == 10:
        return f"{written}T23:59:59.999Z"
    year, month = int(written[:4]), int(written[5:7] or 12)
    if year == date.max.year and month == 12:
        return "9999-12-31T23:59:59.999Z"
    following = date(year + month // 12, month % 12 + 1, 1)
    return f"{(following - timedelta(days=1)).isoformat()}T23:59:59.999Z"
