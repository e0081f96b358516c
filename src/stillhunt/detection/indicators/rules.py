"""Indicators to rules: each asks its pattern of every event, and its findings say whom it indicates."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stillhunt.detection.finding import Detector
from stillhunt.detection.indicators.fields import log_fields
from stillhunt.detection.indicators.pattern import compile_pattern
from stillhunt.detection.rule import LogSource, Rule, RuleSet
from stillhunt.errors import RuleError
from stillhunt.telemetry.coverage import RuleState
from stillhunt.terms.level import Level

__all__ = ["Indicator", "indicator_rules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """Something that others say indicates somebody.

    Attributes:
        id: What the knowledge base calls it.
        pattern: STIX pattern.
        indicates: Names of those it indicates.
        source: Title of who says so.
    """

    id: str
    pattern: str
    indicates: tuple[str, ...] = ()
    source: str = ""


def indicator_rules(indicators: Iterable[Indicator]) -> RuleSet:
    """Return indicators as rules, and those that cannot be hunted for with the reason."""
    rules, refused = [], []
    for one in sorted(indicators, key=lambda i: i.id):
        title = f"indicator of {', '.join(one.indicates)}" if one.indicates else "indicator"
        try:
            condition = compile_pattern(one.pattern, log_fields)
        except RuleError as error:
            refused.append(RuleState(id=one.id, title=title, path=one.source, status="inert", reason=error.message))
            continue
        detector = Detector(
            kind="indicator", id=one.id, title=title, description=one.pattern, level=Level.HIGH, path=one.source
        )
        rules.append(Rule(detector=detector, source=LogSource(), condition=condition))
    return RuleSet(rules=tuple(rules), refused=tuple(refused))
