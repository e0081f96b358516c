"""How serious findings are together, from their evidence and not from the loudest rule.

Stated criteria. Findings that begin within a day of each other are one *episode*; two oddities months apart on one
host do not confirm each other, even though they may belong to one case. An episode has the level of its strongest
detector, one step down if no detector of at least medium level shows another technique beside it: three records of
one memory dump are one act, and so are all indicators of others that are met, since lists repeat each other and name
one thing by its domain, its address and its hash. An analytic of high level that measured its act on several days
stands by itself. Findings that share more than a host (a process tree, an account, an address, a file, a logon), one of
them of high level or above, confirm each other however far apart, low ones too: a lurker sleeps, and what one hand did
beside something grave is seldom by chance. A case has the level of its most serious episode, one step up if at least
two detectors of high level or above span at least four ATT&CK tactics and the level is high already.

Low findings alone make no case unless three detectors over two tactics agree; such a case is low.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from stillhunt.cases.case import Link
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


def case_level(findings: Sequence[Finding], links: Sequence[Link] = ()) -> tuple[Level, str]:
    """Return the level of findings together, and one sentence why.

    Args:
        findings: The findings of a case.
        links: What holds them together.
    """
    judged = [_episode_level(episode, "within a day") for episode in _episodes(findings)]
    judged += [_episode_level(bound, "by the same hand") for bound in _bound(findings, links)]
    level, why = max(judged, key=lambda one: one[0].rank)
    strong = [d for d in _detectors(findings) if d.level.rank >= Level.HIGH.rank]
    tactics = {t for d in strong for t in d.tactics}
    if level is Level.HIGH and len(strong) >= 2 and len(tactics) >= 4:
        return Level.CRITICAL, f"{len(strong)} detectors of high level or above, over {len(tactics)} tactics"
    return level, why


def _bound(findings: Sequence[Finding], links: Sequence[Link]) -> list[list[Finding]]:
    """Return findings that share more than a host, where one of them is of high level or above."""
    group = {finding.id: {finding.id} for finding in findings}
    for link in links:
        if not link.is_weak and link.a in group and link.b in group and group[link.a] is not group[link.b]:
            smaller, larger = sorted((group[link.a], group[link.b]), key=len)
            larger |= smaller
            group |= dict.fromkeys(smaller, larger)
    by_id = {finding.id: finding for finding in findings}
    bound = [[by_id[name] for name in sorted(names)] for names in {id(g): g for g in group.values()}.values()]
    return [found for found in bound if any(f.detector.level.rank >= Level.HIGH.rank for f in found)]


def _episode_level(findings: Sequence[Finding], how: str) -> tuple[Level, str]:
    detectors = sorted(_detectors(findings), key=lambda d: (-d.level.rank, d.title, d.id))
    top = detectors[0].level
    if top.rank <= Level.LOW.rank:
        return Level.LOW, f"detectors of low level only, {len(detectors)} of them"
    least = Level.LOW if top.rank >= Level.HIGH.rank and how == "by the same hand" else Level.MEDIUM
    agreeing = [d for d in detectors if d.level.rank >= least.rank]
    acts = _different_acts(agreeing)
    lasting = [f for f in findings if _lasts(f)]
    if acts == 1 and lasting and lasting[0].detector.level is top:
        return top, f"one act, measured on {max(f.n_days for f in lasting):,} days: {lasting[0].detector.title}"
    if acts == 1:
        return (
            Level.of_rank(top.rank - 1),
            f"one act alone ({detectors[0].title}, {top}), with no other of {least} level or above {_BESIDE[how]}",
        )
    return top, f"{acts} different acts of {least} level or above {how}, the strongest {top}"


def _lasts(finding: Finding) -> bool:
    """Tell whether an analytic of high level or above measured one act on several days, which is no oddity."""
    detector = finding.detector
    return detector.kind == "behaviour" and detector.level.rank >= Level.HIGH.rank and finding.n_days >= _SEVERAL_DAYS


_SEVERAL_DAYS = 2
_BESIDE = {"within a day": "within a day of it", "by the same hand": "by the same hand"}


def _different_acts(detectors: Sequence[Detector]) -> int:
    """Count detectors, strongest first, that share no technique with one counted before; untagged ones by id.

    All indicators count as one.
    """
    seen: set[str] = set()
    acts = 0
    for detector in detectors:
        shown = set(detector.techniques) or {"indicators" if detector.kind == "indicator" else detector.id}
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
