"""Shapes of STIX 2.1 that more than one export of a case writes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid5

import msgspec

from stillhunt.knowledge.claim import NAMESPACE
from stillhunt.knowledge.stix import PRODUCER
from stillhunt.report.escape import for_html
from stillhunt.terms.marking import MARKING_EXTENSION, Tlp

__all__ = ["base", "bundle", "encoded", "instant", "marking", "own_id", "producer", "said"]

_EPOCH = "2026-01-01T00:00:00.000Z"
_TLP_MADE = "2022-10-01T00:00:00.000Z"
"""When the marking objects of TLP 2.0 were made; part of what every producer shares."""

_LONGEST = 5_000


def own_id(kind: str, *seed: str) -> str:
    """Return an id that is the same for the same content."""
    return f"{kind}--{uuid5(NAMESPACE, ':'.join((kind, *seed)))}"


def instant(at: datetime | None) -> str:
    """Write a time as STIX does; for none, the day our own definitions were made."""
    if at is None:
        return _EPOCH
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def said(text: str) -> str:
    """Return a string of a log with what cannot be seen as marks, and at most some thousand characters."""
    shown = for_html(text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]} ... ({len(text):,} characters in all)"


def encoded(value: object, *, indent: int | None = 1) -> bytes:
    """Return a document as JSON with a line feed; what cannot be seen in any of its strings becomes a mark."""
    content = msgspec.json.encode(_shown(value))
    return (content if indent is None else msgspec.json.format(content, indent=indent)) + b"\n"


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shown(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shown(one) for one in value]
    return for_html(value) if isinstance(value, str) else value


def base(kind: str, object_id: str, made: str, mark: Tlp) -> dict[str, Any]:
    """Return what every domain object and relationship begins with."""
    return {
        "type": kind,
        "spec_version": "2.1",
        "id": object_id,
        "created_by_ref": PRODUCER,
        "created": made,
        "modified": made,
        "object_marking_refs": [mark.stix_id],
    }


def producer() -> dict[str, Any]:
    """Return who made a bundle."""
    return {
        "type": "identity",
        "spec_version": "2.1",
        "id": PRODUCER,
        "created": _EPOCH,
        "modified": _EPOCH,
        "name": "stillhunt",
        "identity_class": "system",
    }


def marking(mark: Tlp) -> dict[str, Any]:
    """Return the marking object that every producer shares."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": mark.stix_id,
        "created": _TLP_MADE,
        "name": str(mark),
        "extensions": {
            MARKING_EXTENSION: {
                "extension_type": "property-extension",
                "tlp_2_0": str(mark).removeprefix("TLP:").lower(),
            }
        },
    }


def bundle(objects: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return objects as a bundle, each id once."""
    once = {one["id"]: one for one in objects}
    return {"type": "bundle", "id": own_id("bundle", *sorted(once)), "objects": list(once.values())}
