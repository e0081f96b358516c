"""A rule ready to run, the log source it is about, and what became of the rules that are not."""

from __future__ import annotations

from dataclasses import dataclass

from stillhunt.detection.correlation.model import Correlation
from stillhunt.detection.finding import Detector
from stillhunt.errors import Problem
from stillhunt.kernel.program import Node
from stillhunt.telemetry.coverage import RuleState
from stillhunt.telemetry.event import EventClass

__all__ = ["LogSource", "Rule", "RuleSet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSource:
    """What a rule is about, in Sigma's words, lower case; empty where the rule leaves it open.

    >>> str(LogSource(product="windows", category="process_creation"))
    'windows/process_creation'
    """

    product: str = ""
    category: str = ""
    service: str = ""

    def covers(self, event_class: EventClass) -> bool:
        """Say whether events of a class are what the rule is about: all that it names must agree."""
        return (
            self.product in {"", event_class.product}
            and (not self.category or self.category in event_class.categories)
            and (not self.service or self.service in event_class.services)
        )

    def __str__(self) -> str:
        return "/".join(part for part in (self.product, self.category, self.service) if part) or "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule ready to run.

    Attributes:
        detector: What its findings say of it.
        source: The logs it is about.
        condition: What must hold of an event.
    """

    detector: Detector
    source: LogSource
    condition: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """Rules, and everything that was found beside them.

    Attributes:
        rules: Rules that can run, sorted by path.
        refused: Rules that cannot, with reasons, sorted by path.
        filters: Rule filters in force, sorted by path; the reason says how many rules each is part of.
        correlations: Correlations that can run, each after those that it refers to.
        problems: Files that could not be read, folders left out, rules with careless metadata.
        analytics: Names of the analytics that run beside the rules.
        networks: Database files that say where addresses are, as (path, SHA-256).
        watchlist: File of indicators to look for beside the rules, named by its content; empty for none.
    """

    rules: tuple[Rule, ...]
    refused: tuple[RuleState, ...] = ()
    filters: tuple[RuleState, ...] = ()
    correlations: tuple[Correlation, ...] = ()
    problems: tuple[Problem, ...] = ()
    analytics: tuple[str, ...] = ()
    networks: tuple[tuple[str, str], ...] = ()
    watchlist: str = ""
