"""FollowTheMoney's words for persons, organisations and what lies between them, and ours for the same.

Source: FollowTheMoney model 4, schemata Person, Organization, Company, LegalEntity and the intervals between them.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["CLASSES", "COLUMNS", "INTERVALS", "LITERALS", "REVERSED", "SCHEMATA"]

COLUMNS = (
    "id",
    "entity_id",
    "canonical_id",
    "prop",
    "schema",
    "value",
    "dataset",
    "lang",
    "original_value",
    "external",
    "first_seen",
    "last_seen",
    "origin",
)
"""Of a CSV file of statements."""

SCHEMATA: Mapping[str, str] = {
    "Airplane": "aircraft",
    "Company": "organization",
    "LegalEntity": "organization",
    "Organization": "organization",
    "Person": "individual",
    "PublicBody": "organization",
    "Vessel": "vessel",
}
"""Schema to the identity class of what it describes."""

CLASSES: Mapping[str, str] = {
    "aircraft": "Airplane",
    "individual": "Person",
    "organization": "Organization",
    "vessel": "Vessel",
}
"""Identity class to schema; everything else is a ``LegalEntity``."""

LITERALS: Mapping[str, str] = {
    "name": "name",
    "alias": "alias",
    "weakAlias": "alias",
    "previousName": "alias",
    "birthDate": "birth-date",
    "position": "position",
    "summary": "description",
    "notes": "note",
    "sourceUrl": "reference",
    "idNumber": "identifier",
    "registrationNumber": "identifier",
    "passportNumber": "identifier",
    "incorporationDate": "founded",
}
"""Property to predicate."""

INTERVALS: Mapping[str, tuple[str, str, str]] = {
    "Directorship": ("director", "organization", "directorship"),
    "Employment": ("employee", "employer", "employment"),
    "Family": ("person", "relative", "family"),
    "Membership": ("member", "organization", "membership"),
    "Ownership": ("owner", "asset", "ownership"),
    "Representation": ("agent", "client", "representation"),
    "Succession": ("predecessor", "successor", "succession"),
    "UnknownLink": ("subject", "object", "linked-to"),
}
"""Schema to (property of the subject, property of the object, predicate)."""

REVERSED: Mapping[str, tuple[str, str, str]] = {
    predicate: (schema, one, other) for schema, (one, other, predicate) in INTERVALS.items()
}
"""Predicate to (schema, property of the subject, property of the object)."""
