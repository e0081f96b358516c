"""What meeting an indicator says of the indicator: sightings, and a confidence that goes up or down.

The confidence in an indicator, 0 to 100, is read as the probability that a hit means what its source says, and is
updated once per hunt by Bayes' rule in odds: ``odds after = odds before * factor``. The factors are 3 and 1/3, the
least that Kass and Raftery ("Bayes factors", J. Am. Stat. Assoc. 90, 1995) call positive evidence rather than a bare
mention; a hunt moves an even chance to 75 or to 25.

- **Down**, by 1/3: more than half of all machines (of more than four) met it, or 25 where nobody knows how many there
  are, as on a sensor that sees strangers come to a server. What a population meets is how the
  estate is run; with so many innocent machines a hit says next to nothing (Axelsson, "The base-rate fallacy and the
  difficulty of intrusion detection", ACM TISSEC 3, 2000).
- **Up**, by 3: it was met while it was valid, and a case that it is part of holds a finding of medium level or above
  that no indicator made. Other indicators do not count: lists repeat each other.
- **Down**, by 1/3: at least five machines met it, and no case of theirs holds any such finding.
- Otherwise nothing changes: one machine that met it and shows nothing else says neither.

What is known to be shared or everybody's keeps its confidence: the warning already weighs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from stillhunt.cases.case import Case
from stillhunt.detection.behaviour.names import is_inside
from stillhunt.detection.finding import Finding
from stillhunt.detection.indicators.observable import of_pattern
from stillhunt.detection.indicators.saying import Said, confidence_of
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level

__all__ = ["WIDELY", "Sighted", "sighted", "updated"]

WIDELY = 5
"""Machines that make an indicator widely met."""

_MANY = 4
_CROWD = 25
_UP, _DOWN = 3.0, 1 / 3
_FLOOR, _CEILING = 1, 99
"""Nothing becomes certain by hits."""

_HOSTS_TOLD = 50
_NO_INDICATORS = ("indicators:further",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighted:
    """One indicator that was met.

    Attributes:
        pattern: What was looked for, as a STIX pattern.
        title: In a few words.
        indicates: Names of those it indicates.
        sources: Titles of those who say so.
        claims: Ids of their claims; none for lists.
        indicators: Ids of the indicator that these are about; none for lists.
        states: How the events lie to its time: ``valid``, ``expired``, ``early``, ``undated``, sorted.
        count: Events.
        first_at: First of them.
        last_at: Last of them.
        hosts: Machines that met it, by name or address, the first 50.
        n_hosts: How many machines.
        n_machines: How many there are; 0 if that is not known.
        findings: Ids of its findings.
        cases: Ids of the cases that these are part of.
        before: Confidence before this hunt, 0 to 100.
        after: Confidence that this hunt leaves.
        why: One sentence: why it changes, or does not.
        caution: Why it says little, if anything is known against it.
    """

    pattern: str
    title: str
    indicates: tuple[str, ...]
    sources: tuple[str, ...]
    claims: tuple[str, ...]
    indicators: tuple[str, ...]
    states: tuple[str, ...]
    count: int
    first_at: datetime | None
    last_at: datetime | None
    hosts: tuple[str, ...]
    n_hosts: int
    n_machines: int
    findings: tuple[str, ...]
    cases: tuple[str, ...]
    before: int
    after: int
    why: str
    caution: str = ""

    @property
    def delta(self) -> int:
        """What this hunt changes."""
        return self.after - self.before


def updated(before: int, factor: float) -> int:
    """Return a confidence after evidence.

    Args:
        before: 0 to 100.
        factor: How much likelier the evidence is if the indicator is right.

    >>> updated(50, 3), updated(50, 1 / 3), updated(75, 3), updated(100, 3), updated(0, 3)
    (75, 25, 90, 100, 0)
    """
    if before in {0, 100}:
        return before  # certain by its source's word
    odds = before / (100 - before) * factor
    return max(_FLOOR, min(_CEILING, round(100 * odds / (1 + odds))))


def sighted(
    findings: Sequence[Finding],
    cases: Sequence[Case],
    said_of: Callable[[Finding], Sequence[Said]],
    *,
    n_machines: int,
) -> tuple[Sighted, ...]:
    """Return the indicators that were met, those whose confidence changes most first.

    Args:
        findings: All findings.
        cases: All cases.
        said_of: What sources say of the indicator of a finding.
        n_machines: Machines that could have met one.
    """
    by_pattern: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.detector.kind == "indicator" and finding.detector.id not in _NO_INDICATORS:
            by_pattern.setdefault(finding.detector.description, []).append(finding)
    case_of = {name: case for case in cases for name in (*case.findings, *case.context)}
    by_id = {finding.id: finding for finding in findings}
    found = [
        _sighted(pattern, met, said_of(met[0]), case_of, by_id, n_machines=n_machines)
        for pattern, met in by_pattern.items()
    ]
    return tuple(sorted(found, key=lambda one: (-abs(one.delta), -one.count, one.pattern)))


def _sighted(
    pattern: str,
    met: Sequence[Finding],
    said: Sequence[Said],
    case_of: Mapping[str, Case],
    by_id: Mapping[str, Finding],
    *,
    n_machines: int,
) -> Sighted:
    kind = met[0].detector.id.split(":")[1]
    hosts = sorted({name for finding in met for name in _machines(finding)})
    cases = sorted({case_of[f.id].id for f in met if f.id in case_of})
    states = sorted({_state_in(finding) for finding in met})
    before = max((confidence_of(one, kind) for one in said), default=0)
    caution = next((words for f in met for words in f.detector.false_positives), "")
    others = [f for f in met if f.id in case_of and _has_other(case_of[f.id], by_id)]
    n_machines = n_machines if n_machines >= len(hosts) else 0
    factor, why = _evidence(met, others, n_hosts=len(hosts), n_machines=n_machines, caution=caution)
    times = [at for f in met for at in (f.first_at, f.last_at) if at is not None]
    return Sighted(
        pattern=pattern,
        title=met[0].detector.title,
        indicates=tuple(dict.fromkeys(name for one in said for name in one.saying.indicates)),
        sources=tuple(dict.fromkeys(one.saying.source for one in said)),
        claims=tuple(dict.fromkeys(one.saying.claim for one in said if one.saying.claim)),
        indicators=tuple(sorted({one.saying.indicator for one in said} - {""})),
        states=tuple(states),
        count=sum(f.count for f in met),
        first_at=min(times, default=None),
        last_at=max(times, default=None),
        hosts=tuple(hosts[:_HOSTS_TOLD]),
        n_hosts=len(hosts),
        n_machines=n_machines,
        findings=tuple(sorted(f.id for f in met)),
        cases=tuple(cases),
        before=before,
        after=updated(before, factor),
        why=why,
        caution=caution,
    )


def _machines(finding: Finding) -> set[str]:
    """Return who met an indicator: its host, else the address of the house, else the one that is not the indicator."""
    named = {e.value for e in finding.entities if e.kind is EntityKind.HOST and e.role in {"", "subject"}}
    if named:
        return named
    addresses = [(e.value, e.role) for e in finding.entities if e.kind is EntityKind.ADDRESS]
    sources = {value for value, role in addresses if role == "source"}
    others = {value for value, role in addresses if role != "source"}
    for own in ({value for value in sources if is_inside(value)}, {value for value in others if is_inside(value)}):
        if own:
            return own
    indicated = {one.value for one in of_pattern(finding.detector.description) or ()}
    return others if sources & indicated else sources


def _evidence(
    met: Sequence[Finding], others: Sequence[Finding], *, n_hosts: int, n_machines: int, caution: str
) -> tuple[float, str]:
    """Return the factor that the hits are worth, and one sentence why."""
    if caution:
        return 1.0, f"no change: {caution}"
    share = f"{n_hosts:,} of {n_machines:,} machines met it" if n_machines else f"{n_hosts:,} machines met it"
    if n_machines and n_hosts > _MANY and n_hosts * 2 > n_machines:
        return _DOWN, f"down: {share}, most of the population"
    if not n_machines and n_hosts >= _CROWD:
        return _DOWN, f"down: {share} at least, a crowd"
    valid = [finding for finding in others if _state_in(finding) == "valid"]
    if valid:
        return _UP, "up: met while it was valid, and its case holds other evidence that no indicator made"
    if others:
        return 1.0, f"no change: its case holds other evidence, but it was {_OUTSIDE[_state_in(others[0])]}"
    if n_hosts >= WIDELY:
        return _DOWN, f"down: {share}, and nothing else was found of any of them"
    noun = "machine" if n_hosts == 1 else "machines"
    where = f"{n_hosts:,} {noun} met it" if n_hosts else f"it was met in {sum(f.count for f in met):,} events"
    return 1.0, f"no change: {where}, and nothing else was found beside it"


_OUTSIDE = {
    "expired": "no longer valid when it was met",
    "early": "not yet valid when it was met",
    "undated": "met at a time that is not known",
}


def _has_other(case: Case, by_id: Mapping[str, Finding]) -> bool:
    """Tell whether a case holds evidence of weight that no indicator made."""
    return any(
        by_id[name].detector.kind != "indicator" and by_id[name].detector.level.rank >= Level.MEDIUM.rank
        for name in case.findings
        if name in by_id
    )


def _state_in(finding: Finding) -> str:
    tail = finding.detector.id.rpartition(" (")[2].removesuffix(")")
    if tail in {"expired", "early"}:
        return tail
    return "undated" if finding.first_at is None else "valid"
