"""An assessment in the sentences that more than one renderer says: layers, robustness, whom the evidence is about."""

from __future__ import annotations

from collections.abc import Iterator

from stillhunt.attribution.assessment import UNKNOWN_GROUP, Assessment, EvidenceItem, Hypothesis, WhatIf

__all__ = ["INCONSISTENT", "grade_words", "layers", "leader_of", "names_of", "standing_words", "what_if_words"]

INCONSISTENT = "Possible false flag: parts of the evidence point to different groups; see the cautions."


def layers(assessment: Assessment) -> list[tuple[str, str]]:
    """Return the three answers, each harder than the one before, with the question each is to."""
    said = (
        ("What it resembles", assessment.resemblance),
        ("Which country", assessment.origin),
        ("Which group", assessment.statement),
    )
    return [(question, answer) for question, answer in said if answer]


def leader_of(assessment: Assessment) -> Hypothesis | None:
    """Return the most probable known group, if any was weighed."""
    return next((h for h in assessment.hypotheses if h.group != UNKNOWN_GROUP), None)


def names_of(assessment: Assessment) -> dict[str, str]:
    """Return the names of the groups that an assessment tells of, by id."""
    return {h.group: h.name for h in assessment.hypotheses}


def what_if_words(assessment: Assessment, *, most: int) -> list[str]:
    """Say what becomes of the leading group without each item, those that cost most first."""
    leader = leader_of(assessment)
    if leader is None:
        return []
    names = names_of(assessment)
    return [_what_if(one, leader, names) for one in assessment.what_if[:most]]


def standing_words(assessment: Assessment) -> str:
    """Say in one sentence how much the leading group hangs on single items; empty if it was not looked at."""
    leader = leader_of(assessment)
    single = [one for one in assessment.what_if if one.item != "software"]
    if leader is None or not single:
        return ""
    worst = min(single, key=lambda one: (one.probability, one.item))
    fall = _percent(leader.probability), _percent(worst.probability)
    return f"without {_called(worst)} {leader.name} falls from {fall[0]} to {fall[1]}"


def grade_words(item: EvidenceItem) -> str:
    """Say how good a line of evidence is: the claim's Admiralty grade, and how much the item tells groups apart."""
    return ", ".join(_grades(item))


def _grades(item: EvidenceItem) -> Iterator[str]:
    if item.grade:
        yield item.grade
    if item.family:
        yield f"tells apart {item.diagnosticity:.2f}"


def _what_if(one: WhatIf, leader: Hypothesis, names: dict[str, str]) -> str:
    then = "" if one.leader == leader.group else f"; {names.get(one.leader, one.leader)} would lead"
    return f"without {_called(one)} the assessment falls to {_percent(one.probability)}{then}"


def _called(one: WhatIf) -> str:
    return one.title if one.item in {one.title, "software"} else f"{one.title} ({one.item})"


def _percent(probability: float) -> str:
    return f"{probability:.0%}".replace("%", " %")
