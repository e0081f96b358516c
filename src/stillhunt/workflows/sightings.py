"""Sightings: the indicators of a knowledge base looked for in logs, while they are valid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stillhunt.cases.trail import Trail
from stillhunt.detection.finding import Finding
from stillhunt.detection.indicators.rules import Indicator, indicator_rules
from stillhunt.detection.scan import Scan
from stillhunt.knowledge.claim import Claim
from stillhunt.knowledge.store import View
from stillhunt.progress import Watcher, silent
from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.coverage import Coverage, RuleState
from stillhunt.workflows.workers import read_and_match

__all__ = ["Sightings", "indicators_of", "sight"]


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


def indicators_of(view: View) -> dict[str, tuple[Indicator, Claim]]:
    """Return the indicators that are seen, by the id of the claim that gives their pattern, with that claim."""
    kinds = {c.subject: c.value for c in view.saying("pattern-type")}
    patterns = [c for c in view.saying("pattern") if not c.is_denial and kinds.get(c.subject, "stix") == "stix"]
    links = [c for c in view.saying("indicates") if not c.is_denial]
    names = view.names_of(c.object for c in links if c.object)
    by_indicator: dict[str, set[str]] = {}
    for link in links:
        by_indicator.setdefault(link.subject, set()).add(names.get(link.object, link.value))
    sources = view.sources(c.source for c in patterns)
    return {
        claim.id: (
            Indicator(
                id=claim.id,
                pattern=claim.value,
                indicates=tuple(sorted(by_indicator.get(claim.subject, ()))),
                source=sources[claim.source].title,
            ),
            claim,
        )
        for claim in patterns
    }


def sight(view: View, paths: Sequence[Path], *, jobs: int = 1, watch: Watcher = silent) -> Sightings:
    """Look for the indicators of a base in logs.

    Args:
        view: Whose indicators.
        paths: Files, archives or folders of logs.
        jobs: Processes to read with.
        watch: Told about progress.

    Raises:
        InputError: None of the paths can be read.
    """
    known = indicators_of(view)
    rules = indicator_rules(indicator for indicator, _ in known.values())
    scan, reading = Scan(rules), Reading(list(paths), watch=watch)
    read_and_match(reading, scan, Trail(), rules, n_workers=jobs, watch=watch)
    found = scan.findings(reading.clocks.shift_s, reading.fetch)
    return Sightings(
        findings=tuple(f for f in found if _is_valid(f, known[f.detector.id][1])),
        n_indicators=len(rules.rules),
        refused=rules.refused,
        expired=tuple(f for f in found if not _is_valid(f, known[f.detector.id][1])),
        coverage=reading.coverage(),
    )


def _is_valid(finding: Finding, claim: Claim) -> bool:
    """Say whether a finding overlaps the time in which an indicator is valid; undated findings always do."""
    first = "" if finding.first_at is None else finding.first_at.date().isoformat()
    last = "" if finding.last_at is None else finding.last_at.date().isoformat()
    since, until = claim.valid_from[:10], claim.valid_until[:10]
    is_after = not since or not last or last >= since
    is_before = not until or not first or first[: len(until)] <= until
    return is_after and is_before
