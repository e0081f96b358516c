"""A MISP event: indicators for detection, a report for people, and every claim whole, to be read again without loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid5

import msgspec

from stillhunt.knowledge.claim import NAMESPACE, Claim, Claims, type_of
from stillhunt.knowledge.exporter import Exporter, chosen
from stillhunt.knowledge.stix import PRODUCER, claim_fields, source_fields
from stillhunt.knowledge.store import View
from stillhunt.terms.marking import Tlp

__all__ = ["EXPORTER", "event_of"]

_OWN = "stillhunt-claims"
_EPOCH = "2026-01-01"
_SAID = 200
"""Lines of the report for people."""


def event_of(claims: Claims, names: dict[str, str], *, info: str, ceiling: Tlp) -> dict[str, Any]:
    """Return claims as a MISP event.

    Args:
        claims: With all their sources. What must not leave must not be among them.
        names: Of all entities.
        info: What to call the event.
        ceiling: Strictest marking among them; the event is tagged with it.
    """
    seed = "".join(sorted(claims.claims))
    uuid = str(uuid5(NAMESPACE, f"event:{seed}"))
    dates = sorted(c.recorded[:10] for c in claims.claims.values() if c.recorded)
    day = dates[-1] if dates else _EPOCH
    objects = [_object(entity, names, said, claims) for entity, said in _by_subject(claims)]
    return {
        "Event": {
            "uuid": uuid,
            "info": info,
            "date": day,
            "threat_level_id": "4",
            "analysis": "2",
            "distribution": "0",
            "published": False,
            "Orgc": {"name": "stillhunt", "uuid": PRODUCER.partition("--")[2]},
            "Tag": [{"name": str(ceiling).lower()}],
            "Attribute": list(_indicators(claims)),
            "Object": objects,
            "EventReport": [_report(claims, names, info, uuid)],
        }
    }


def _by_subject(claims: Claims) -> list[tuple[str, list[Claim]]]:
    found: dict[str, list[Claim]] = {}
    for claim in claims.claims.values():
        found.setdefault(claim.subject, []).append(claim)
    return sorted(found.items())


def _object(entity: str, names: dict[str, str], said: Sequence[Claim], claims: Claims) -> dict[str, Any]:
    sources = {c.source: claims.sources[c.source] for c in said}
    uuid = str(uuid5(NAMESPACE, f"misp:{entity}:{''.join(c.id for c in said)}"))
    kept = [("source", s.id, source_fields(s)) for _, s in sorted(sources.items())]
    kept += [("claim", c.id, claim_fields(c)) for c in said]
    return {
        "uuid": uuid,
        "name": "annotation",
        "meta-category": "misc",
        "description": f"What is said of {names.get(entity, entity)}",
        "template_uuid": "5d8dc046-15a1-4ca3-a09f-ed4ede7c4487",
        "template_version": "3",
        "distribution": "5",
        "comment": _OWN,
        "Attribute": [
            {
                "uuid": str(uuid5(NAMESPACE, f"{uuid}:{own_id}")),
                "type": "text",
                "object_relation": "text",
                "category": "Other",
                "comment": kind,
                "to_ids": False,
                "disable_correlation": True,
                "distribution": "5",
                "value": msgspec.json.encode(fields).decode(),
            }
            for kind, own_id, fields in kept
        ],
    }


def _indicators(claims: Claims) -> Iterator[dict[str, Any]]:
    for claim in claims.claims.values():
        if claim.predicate == "pattern" and type_of(claim.subject) == "indicator" and not claim.is_denial:
            shown = {
                "uuid": str(uuid5(NAMESPACE, f"misp:pattern:{claim.id}")),
                "type": "stix2-pattern",
                "category": "Payload delivery",
                "comment": claims.sources[claim.source].title,
                "to_ids": True,
                "distribution": "5",
                "value": claim.value,
            }
            if claim.valid_from[10:]:
                shown["first_seen"] = claim.valid_from
            yield shown


def _report(claims: Claims, names: dict[str, str], info: str, event: str) -> dict[str, Any]:
    lines = []
    for claim in sorted(claims.claims.values(), key=lambda c: (c.subject, c.predicate, c.id))[:_SAID]:
        end = names.get(claim.object, claim.object) or claim.value
        verb = f"NOT {claim.predicate}" if claim.is_denial else claim.predicate
        source = claims.sources[claim.source]
        lines.append(
            f"- {names.get(claim.subject, claim.subject)} -- {verb} -- {end}"
            f" ({names.get(claim.speaker, claim.speaker)}, {source.title} {source.published})\n  > {claim.quote}"
        )
    left = len(claims) - len(lines)
    more = f"\n\nand {left:,} further claims in the objects of this event" if left else ""
    return {
        "uuid": str(uuid5(NAMESPACE, f"{event}:report")),
        "name": info,
        "content": "\n".join(lines) + more,
        "distribution": "5",
    }


def _write(view: View, entities: Sequence[str]) -> bytes:
    claims = chosen(view, entities)
    names = view.names_of(claims.entities())
    info = ", ".join(sorted({names.get(e, e) for e in entities})) if entities else "what is known"
    marks = [max(c.tlp, claims.sources[c.source].tlp) for c in claims.claims.values()]
    event = event_of(claims, names, info=info, ceiling=max(marks, default=Tlp.CLEAR))
    return msgspec.json.encode(event) + b"\n"


EXPORTER = Exporter(title="MISP event", suffix=".json", write=_write)
