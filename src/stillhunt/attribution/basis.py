"""What an assessment rests on, told in sentences: also what was handed over and could not be used, and why."""

from __future__ import annotations

from collections.abc import Sequence

from stillhunt.attribution.circumstances import Circumstances
from stillhunt.attribution.evidence.hours import ENOUGH, rhythm_of
from stillhunt.attribution.evidence.line import Line
from stillhunt.attribution.seen import Seen
from stillhunt.knowledge.places import country_name

__all__ = ["basis"]


def basis(seen: Seen, of: Circumstances, lines: Sequence[Line]) -> tuple[str, ...]:
    """Return what was weighed, a sentence per kind of evidence.

    Args:
        seen: Techniques and software.
        of: What was known beside.
        lines: What became of it: items without a line speak for nobody in particular.
    """
    told = [f"techniques: {len(seen.techniques)}", f"software: {len(seen.software)}"]
    weighed = {line.item for line in lines if line.weights}
    victim = [*of.sectors, *map(country_name, of.countries)]
    told.append(f"victim: {', '.join(victim)}" if victim else "victim: nobody said who it is (--sector, --country)")
    told.append(_hours(of))
    told.append(_counted("vulnerabilities", [e.vulnerability for e in of.exploited], weighed, of_nobody="used by"))
    told.append(_counted("indicators", [i.value for i in of.indicators], weighed, of_nobody="said to be of"))
    if of.languages:
        told.append(_counted("languages", of.languages, weighed, of_nobody="spoken by"))
    if of.named:
        names = ", ".join(dict.fromkeys(n.name for n in of.named))
        told.append(f"names in the evidence: {names}; quoted, not weighed")
    return tuple(told)


def _hours(of: Circumstances) -> str:
    if not of.hours:
        return "hours: no hands-on activity could be told from that of programs"
    rhythm = rhythm_of(of.hours)
    if rhythm.offsets is None:
        return f"hours: hands-on activity in {rhythm.n_hours} different hours; {ENOUGH} are needed to weigh them"
    return f"hours: hands-on activity in {rhythm.n_hours} different hours"


def _counted(noun: str, items: Sequence[str], weighed: set[str], *, of_nobody: str) -> str:
    if not items:
        return f"{noun}: none"
    n_known = sum(1 for item in items if item in weighed)
    if n_known == len(items):
        return f"{noun}: {len(items)}"
    return f"{noun}: {len(items)}, of which {len(items) - n_known} are {of_nobody} nobody known"
