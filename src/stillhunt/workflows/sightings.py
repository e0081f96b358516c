"""Sightings: the indicators of a knowledge base looked for in logs, while they are valid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stillhunt.cases.trail import Trail
from stillhunt.detection.finding import Finding
from stillhunt.detection.rule import RuleSet
from stillhunt.detection.scan import Scan
from stillhunt.knowledge.store import View
from stillhunt.progress import Watcher, silent
from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.coverage import Coverage, RuleState
from stillhunt.workflows.intelligence import indicators_of
from stillhunt.workflows.workers import read_and_match

__all__ = ["Sightings", "sight"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """What became of looking for indicators.

    Attributes:
        findings: Where they were seen, in order of time.
        n_indicators: Indicators that were looked for.
        refused: Those that were not, each with its reason.
        expired: Findings of an indicator outside the time it was valid, left out of ``findings``.
        coverage: What was read and what was not.
    """

    findings: tuple[Finding, ...]
    n_indicators: int
    refused: tuple[RuleState, ...]
    expired: tuple[Finding, ...]
    coverage: Coverage


def sight(view: View, paths: Sequence[Path], *, jobs: int = 1, watch: Watcher = silent) -> Sightings:
    """Look for the indicators of a base in logs, and for nothing else.

    Args:
        view: Whose indicators.
        paths: Files, archives or folders of logs.
        jobs: Processes to read with.
        watch: Told about progress.

    Raises:
        InputError: None of the paths can be read.
    """
    known = indicators_of(view, name="the knowledge base")
    rules = known.added_to(RuleSet(rules=()))
    scan, reading = Scan(rules), Reading(list(paths), watch=watch)
    read_and_match(reading, scan, Trail(), rules, n_workers=jobs, watch=watch)
    found = known.judged(scan.findings(reading.clocks.shift_s, reading.fetch))
    return Sightings(
        findings=tuple(f for f in found if _is_valid(f)),
        n_indicators=sum(one.n_indicators for one in known.taken) - len(known.refused),
        refused=known.refused,
        expired=tuple(f for f in found if not _is_valid(f)),
        coverage=reading.coverage(),
    )


def _is_valid(finding: Finding) -> bool:
    return not finding.detector.id.endswith((" (expired)", " (early)"))
