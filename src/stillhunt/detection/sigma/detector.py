"""What the findings of a Sigma rule or correlation say of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sigma.rule.base import SigmaRuleBase

from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level
from stillhunt.terms.technique import parse_tag, tactic_rank
from stillhunt.terms.vulnerability import vulnerability_of_tag

__all__ = ["detector_of", "tagged"]


def detector_of(rule: SigmaRuleBase, *, kind: str, detector_id: str, path: str) -> Detector:
    """Return what findings say of a rule.

    Args:
        rule: As pySigma read it.
        kind: ``sigma`` or ``sigma-correlation``.
        detector_id: Its id among all rules.
        path: Where it was read from.
    """
    tags = [str(tag) for tag in rule.tags]
    kinds = tagged(tags)
    return Detector(
        kind=kind,
        id=detector_id,
        title=str(rule.title or Path(path).stem),
        description=str(rule.description or ""),
        # Sigma leaves the level open; one that is not given says neither harmless nor alarming.
        level=Level(str(rule.level)) if rule.level else Level.MEDIUM,
        path=path,
        tactics=kinds["tactic"],
        techniques=kinds["technique"],
        software=kinds["software"],
        groups=kinds["group"],
        false_positives=tuple(str(text) for text in rule.falsepositives),
        references=tuple(str(text) for text in rule.references),
        author=str(rule.author or ""),
        vulnerabilities=tuple(sorted({v for v in map(vulnerability_of_tag, tags) if v is not None})),
    )


def tagged(tags: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Sort ATT&CK tags by kind; tactics in the order of the matrix, the rest by id."""
    kinds: dict[str, set[str]] = {"tactic": set(), "technique": set(), "software": set(), "group": set()}
    for parsed in map(parse_tag, tags):
        if parsed:
            kinds[parsed[0]].add(parsed[1])
    return {kind: tuple(sorted(ids, key=tactic_rank)) for kind, ids in kinds.items()}
