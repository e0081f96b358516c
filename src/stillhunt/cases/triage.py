"""How serious findings are together, from their evidence and not from the loudest rule.

Stated criteria: the level of the strongest detector, then
- one step down if no second detector of at least medium level agrees with it;
- one step up if at least two detectors of high level or above span at least four ATT&CK tactics.
Low findings alone make no case unless three detectors over two tactics agree; such a case is low.
"""

from __future__ import annotations

from collections.abc import Sequence

from stillhunt.detection.finding import Detector, Finding
from stillhunt.terms.level import Level

__all__ = ["case_level", "is_case"]


def is_case(findings: Sequence[Finding]) -> bool:
    """Tell whether findings are enough to open a case."""
    detectors = _detectors(findings)
    if any(d.level.rank >= Level.MEDIUM.rank for d in detectors):
        return True
    low = [d for d in detectors if d.level is Level.LOW]
    return len(low) >= 3 and len({t for d in low for t in d.tactics}) >= 2


def case_level(findings: Sequence[Finding]) -> tuple[Level, str]:
    """Return the level of findings together, and one sentence why."""
    detectors = sorted(_detectors(findings), key=lambda d: (-d.level.rank, d.title, d.id))
    top = detectors[0].level
    agreeing = [d for d in detectors if d.level.rank >= Level.MEDIUM.rank]
    strong = [d for d in detectors if d.level.rank >= Level.HIGH.rank]
    tactics = {t for d in agreeing for t in d.tactics}
    if top.rank <= Level.LOW.rank:
        return Level.LOW, f"{len(detectors)} detectors of low level over {len(tactics) or 'few'} tactics"
    if len(agreeing) == 1:
        return (
            Level.of_rank(top.rank - 1),
            f"one detector alone ({detectors[0].title}, {top}) with nothing of medium level or above beside it",
        )
    if len(strong) >= 2 and len(tactics) >= 4:
        return (
            Level.of_rank(top.rank + 1),
            f"{len(strong)} detectors of high level or above, over {len(tactics)} tactics",
        )
    return top, f"{len(agreeing)} detectors of medium level or above, the strongest {top}, over {_tactics(tactics)}"


def _detectors(findings: Sequence[Finding]) -> list[Detector]:
    return list({f.detector.id: f.detector for f in findings}.values())


def _tactics(tactics: set[str]) -> str:
    return "1 tactic" if len(tactics) == 1 else f"{len(tactics)} tactics"
