"""How serious findings are together, from their evidence and not from the loudest rule.

Stated criteria. Findings that begin within a day of each other are one *episode*; two oddities months apart on one
host do not confirm each other, even though they may belong to one case. An episode has the level of its strongest
detector, one step down if no detector of at least medium level shows another technique or tactic beside it: three
records of one memory dump are one act, and so are all indicators of others that are met, since lists repeat each other
and name one thing by its domain, its address and its hash. An analytic of high level that measured its act on several
days stands by itself. Findings that share more than a host (a process tree, an account, an address, a file, a logon),
one of them of high level or above or two of them from an address where their account is not usually, confirm each other
however far apart, low ones too beside a high one: a lurker sleeps, and what one hand did beside something grave is
seldom by chance; three different acts of medium level that do so, over two tactics, are as much as a high one. A
connection from outside through a gateway, from where its account never came, counts as an act beside what was done
through it, and so does one address outside that acts as several accounts which are not usually there. A case has the
level of its most serious episode, one step up if at least two detectors of high level or above span at least four
ATT&CK tactics and the level is high already; one step down if all of it was done by accounts from where they usually
are.

Low findings alone make no case unless three detectors over two tactics agree; such a case is low.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from stillhunt.cases.case import Link
from stillhunt.cases.outside import Outside
from stillhunt.cases.whereabouts import is_in_usual_place
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


def case_level(
    findings: Sequence[Finding], links: Sequence[Link] = (), *, known: Outside | None = None
) -> tuple[Level, str]:
    """Return the level of findings together, and one sentence why.

    Args:
        findings: The findings of a case.
        links: What holds them together.
        known: What connects the inside with addresses outside.
    """
    level, why = _evident_level(findings, links, known)
    places = known.places if known is not None else None
    strong = [f for f in findings if f.detector.level.rank >= Level.MEDIUM.rank]
    if places is not None and strong and all(is_in_usual_place(f, places) for f in strong):
        lower = Level.of_rank(max(Level.LOW.rank, level.rank - 1))
        return lower, f"{why}; one step down, since all of it was done by accounts from where they usually are"
    return level, why


def _evident_level(findings: Sequence[Finding], links: Sequence[Link], known: Outside | None) -> tuple[Level, str]:
    judged = [_episode_level(episode, "within a day", known) for episode in _episodes(findings)]
    bound = _bound(findings, links)
    judged += [
        _episode_level(one, "by the same hand", known)
        for one in bound
        if _has_strong(one) or _from_elsewhere(one, known)
    ]
    level, why = max(judged, key=lambda one: one[0].rank)
    if level is Level.MEDIUM:
        n_acts, n_tactics = max((_medium_acts(one) for one in bound), default=(0, 0))
        if n_acts >= _MANY_ACTS and n_tactics >= _MANY_TACTICS:
            return Level.HIGH, f"{n_acts} different acts of medium level by the same hand, over {n_tactics} tactics"
    strong = [d for d in _detectors(findings) if d.level.rank >= Level.HIGH.rank]
    tactics = {t for d in strong for t in d.tactics}
    if level is Level.HIGH and len(strong) >= 2 and len(tactics) >= 4:
        return Level.CRITICAL, f"{len(strong)} detectors of high level or above, over {len(tactics)} tactics"
    return level, why


def _bound(findings: Sequence[Finding], links: Sequence[Link]) -> list[list[Finding]]:
    """Return findings that share more than a host."""
    group = {finding.id: {finding.id} for finding in findings}
    for link in links:
        if not link.is_weak and link.a in group and link.b in group and group[link.a] is not group[link.b]:
            smaller, larger = sorted((group[link.a], group[link.b]), key=len)
            larger |= smaller
            group |= dict.fromkeys(smaller, larger)
    by_id = {finding.id: finding for finding in findings}
    return [[by_id[name] for name in sorted(names)] for names in {id(g): g for g in group.values()}.values()]


def _has_strong(findings: Sequence[Finding]) -> bool:
    return any(f.detector.level.rank >= Level.HIGH.rank for f in findings)


def _from_elsewhere(findings: Sequence[Finding], known: Outside | None) -> bool:
    """Tell whether two findings of medium level or above were made of somebody who is not usually where they were."""
    if known is None:
        return False
    strong = [f for f in findings if f.detector.level.rank >= Level.MEDIUM.rank]
    return sum(bool(known.addresses([f])) for f in strong) >= _TWICE


_TWICE = 2
_MANY_ACTS, _MANY_TACTICS = 3, 2


def _medium_acts(findings: Sequence[Finding]) -> tuple[int, int]:
    """Return how many different acts of medium level findings show, and over how many tactics."""
    medium = sorted((d for d in _detectors(findings) if d.level.rank >= Level.MEDIUM.rank), key=lambda d: d.id)
    return _different_acts(medium), len({tactic for d in medium for tactic in d.tactics})


def _episode_level(findings: Sequence[Finding], how: str, known: Outside | None) -> tuple[Level, str]:
    detectors = sorted(_detectors(findings), key=lambda d: (-d.level.rank, d.title, d.id))
    top = detectors[0].level
    if top.rank <= Level.LOW.rank:
        return Level.LOW, f"detectors of low level only, {len(detectors)} of them"
    least = Level.LOW if top.rank >= Level.HIGH.rank and how == "by the same hand" else Level.MEDIUM
    agreeing = [d for d in detectors if d.level.rank >= least.rank]
    acts = _different_acts(agreeing)
    if known is not None and any(known.sessions_of(finding) for finding in findings):
        # To come in from where an account never came from, through a gateway, is an act of its own.
        acts += 1
    if known is not None and _as_several(findings, known):
        # One who is several people from one strange place is neither of them on a journey.
        acts += 1
    lasting = [f for f in findings if _lasts(f)]
    if acts == 1 and lasting and lasting[0].detector.level is top:
        return top, f"one act, measured on {max(f.n_days for f in lasting):,} days: {lasting[0].detector.title}"
    if acts == 1:
        return (
            Level.of_rank(top.rank - 1),
            f"one act alone ({detectors[0].title}, {top}), with no other of {least} level or above {_BESIDE[how]}",
        )
    return top, f"{acts} different acts of {least} level or above {how}, the strongest {top}"


def _as_several(findings: Sequence[Finding], known: Outside) -> bool:
    """Tell whether findings of medium level or above show one address outside acting as accounts that are not there."""
    acted: dict[str, set[str]] = {}
    for finding in findings:
        if finding.detector.level.rank >= Level.MEDIUM.rank:
            for address in known.addresses([finding]):
                acted.setdefault(address, set()).update(known.acting(finding))
    return any(len(accounts) >= _TWICE for accounts in acted.values())


def _lasts(finding: Finding) -> bool:
    """Tell whether an analytic of high level or above measured one act on several days, which is no oddity."""
    detector = finding.detector
    return detector.kind == "behaviour" and detector.level.rank >= Level.HIGH.rank and finding.n_days >= _SEVERAL_DAYS


_SEVERAL_DAYS = 2
_BESIDE = {"within a day": "within a day of it", "by the same hand": "by the same hand"}


def _different_acts(detectors: Sequence[Detector]) -> int:
    """Count detectors, strongest first, that share no technique with one counted before, or show a further tactic.

    Those without a technique differ by their ids; all indicators count as one.
    """
    seen: set[str] = set()
    reached: set[str] = set()
    acts = 0
    for detector in detectors:
        shown = set(detector.techniques) or {"indicators" if detector.kind == "indicator" else detector.id}
        if not shown & seen or not reached.issuperset(detector.tactics):
            acts += 1
        seen |= shown
        reached.update(detector.tactics)
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
