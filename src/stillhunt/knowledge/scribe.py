"""Writes claims down as importers read: who speaks, where, in which words; repeated statements once."""

from __future__ import annotations

from typing import Literal

import msgspec

from stillhunt.knowledge.claim import (
    Claim,
    Claims,
    Confidence,
    Likelihood,
    Polarity,
    Source,
    claim_of,
    entity_id,
    source_of,
)
from stillhunt.knowledge.names import name_key
from stillhunt.knowledge.places import Place
from stillhunt.terms.marking import Tlp

__all__ = ["Scribe", "organisation", "record"]

_GAZETTEER = source_of(
    kind="catalogue", title="ISO 3166-1 codes and M49 regions", publisher="United Nations Statistics Division"
)


def organisation(name: str) -> str:
    """Return the entity that an organisation of this name is, in whatever spelling."""
    return entity_id("identity", f"organization:{name_key(name)}")


def record(**fields: object) -> str:
    """Return fields of a record as a quote.

    >>> record(country="CN")
    '{"country":"CN"}'
    """
    return msgspec.json.encode(fields).decode()


class Scribe:
    """Takes down what one speaker says in one source, or in the sources that it cites.

    Args:
        speaker: Name of the organisation that speaks.
        source: Where it speaks, unless a claim says otherwise.
        method: How the claims come here, such as ``import:attack``.
        speaker_id: Entity that speaks, if it has an id of its own.
        recorded: When the claims were taken in; the store's own time if empty.
        tlp: How far the claims may travel.
    """

    def __init__(
        self,
        speaker: str,
        source: Source,
        *,
        method: str,
        speaker_id: str = "",
        recorded: str = "",
        tlp: Tlp = Tlp.CLEAR,
    ) -> None:
        self.speaker = speaker_id or organisation(speaker)
        self.source = source
        self._method = method
        self._recorded = recorded
        self._tlp = tlp
        self.claims = Claims()
        self._organisation(self.speaker, speaker)

    def say(
        self,
        subject: str,
        predicate: str,
        *,
        quote: str,
        object: str = "",  # noqa: A002  # the word of the model
        value: str = "",
        source: Source | None = None,
        speaker: str = "",
        polarity: Polarity = "asserts",
        start: int | None = None,
        likelihood: Likelihood | None = None,
        confidence: Confidence | Literal[""] = "",
        credibility: int | None = None,
        valid_from: str = "",
        valid_until: str = "",
        tlp: Tlp | None = None,
    ) -> Claim:
        """Write a claim down. Arguments are those of :class:`Claim`."""
        where = source or self.source
        claim = claim_of(
            subject=subject,
            predicate=predicate,
            object=object,
            value=value,
            polarity=polarity,
            speaker=speaker or self.speaker,
            source=where,
            quote=quote,
            start=start,
            likelihood=likelihood,
            confidence=confidence,
            credibility=credibility,
            valid_from=valid_from,
            valid_until=valid_until,
            tlp=self._tlp if tlp is None else tlp,
            method=self._method,
            recorded=self._recorded,
        )
        self.claims.sources.setdefault(where.id, where)
        return self.claims.claims.setdefault(claim.id, claim)

    def organisation(self, name: str) -> str:
        """Return the entity that an organisation of this name is, and write its name down."""
        entity = organisation(name)
        self._organisation(entity, name)
        return entity

    def sector(self, name: str) -> str:
        """Return the entity that stands for a sector, and write its name down."""
        entity = entity_id("identity", f"class:{name_key(name)}")
        self.say(entity, "name", value=name, quote=name)
        self.say(entity, "identity-class", value="class", quote=name)
        return entity

    def place(self, place: Place) -> str:
        """Return the entity that a country is, and write its name, code and region down."""
        quote = record(code=place.code, name=place.name, region=place.region)
        speaker = organisation(_GAZETTEER.publisher)
        said = (("name", place.name), ("country-code", place.code), ("region", place.region))
        for predicate, value in said:
            self.say(place.entity, predicate, value=value, quote=quote, source=_GAZETTEER, speaker=speaker)
        self._organisation(speaker, _GAZETTEER.publisher, source=_GAZETTEER)
        return place.entity

    def _organisation(self, entity: str, name: str, source: Source | None = None) -> None:
        self.say(entity, "name", value=name, quote=name, speaker=entity, source=source)
        self.say(entity, "identity-class", value="organization", quote=name, speaker=entity, source=source)
