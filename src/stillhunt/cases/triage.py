"""How serious findings are together, from their evidence and not from the loudest rule.

Stated criteria. Findings that begin within a day of each other are one *episode*; two oddities months apart on one
host do not confirm each other, even though they may belong to one case. An episode has the level of its strongest
detector, one step down if no detector of at least medium level shows another technique beside it: three records of
one memory dump are one act. A case has the level of its most serious episode, one step up if at least two detectors
of high level or above span at least four ATT&CK tactics and the level is high already.

Low findings alone make no case unless three detectors over two tactics agree; such a case is low.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from stillhunt.detection.finding import Detector, Finding
from stillhunt.terms.level import Level

__all__ = ["case_level", "is_case"]

_EPISODE = timedelta(days=1)


def is_case(findings: Sequence[Finding]) -> bool:
    """Tell whether findings are enough to open a case."""
    detectors = _detectors(findings)
    if any(d.level.rank >= Level.MEDIUM.rank for d in detectors):
        return True
    low = [d for d in detectors if d.level is Level.LOW]
    return len(low) >= 3 and len({t for d in low for t in d.tactics}) >= 2


def case_level(findings: Sequence[Finding]) -> tuple[Level, str]:
    """Return the level of findings together, and one sentence why."""
    level, why = max((_episode_level(e) for e in _episodes(findings)), key=lambda judged: judged[0].rank)
    strong = [d for d in _detectors(findings) if d.level.rank >= Level.HIGH.rank]
    tactics = {t for d in strong for t in d.tactics}
    if level is Level.HIGH and len(strong) >= 2 and len(tactics) >= 4:
        return Level.CRITICAL, f"{len(strong)} detectors of high level or above, over {len(tactics)} tactics"
    return level, why


def _episode_level(findings: Sequence[Finding]) -> tuple[Level, str]:
    detectors = sorted(_detectors(findings), key=lambda d: (-d.level.rank, d.title, d.id))
    top = detectors[0].level
    if top.rank <= Level.LOW.rank:
        return Level.LOW, f"detectors of low level only, {len(detectors)} of them"
    agreeing = [d for d in detectors if d.level.rank >= Level.MEDIUM.rank]
    acts = _different_acts(agreeing)
    if acts == 1:
        return (
            Level.of_rank(top.rank - 1),
            f"one act alone ({detectors[0].title}, {top}), with no other of medium level or above within a day of it",
        )
    return top, f"{acts} different acts of medium level or above within a day, the strongest {top}"


def _different_acts(detectors: Sequence[Detector]) -> int:
    """Count detectors, strongest first, that share no technique with one counted before; untagged ones by id."""
    seen: set[str] = set()
    acts = 0
    for detector in detectors:
        shown = set(detector.techniques) or {detector.id}
        if not shown & seen:
            acts += 1
        seen |= shown
    return acts


def _episodes(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Split findings where none begins for a day; those without a time are an episode of their own."""
    timed = sorted((f.first_at, f.id, f) for f in findings if f.first_at is not None)
    episodes: list[list[Finding]] = []
    previous = None
    for at, _, finding in timed:
        if previous is None or at - previous > _EPISODE:
            episodes.append([])
        episodes[-1].append(finding)
        previous = at
    untimed = [f for f in findings if f.first_at is None]
    return [*episodes, *([untimed] if untimed else [])]


def _detectors(findings: Sequence[Finding]) -> list[Detector]:
    return list({f.detector.id: f.detector for f in findings}.values())
