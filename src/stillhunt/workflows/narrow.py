"""A brief of one case: what was decided about it applied, and everything left out that is not about it."""

from __future__ import annotations

from dataclasses import replace

from stillhunt.attribution.assessment import Assessment
from stillhunt.cases.case import Case
from stillhunt.report.brief import Brief
from stillhunt.report.marking import least_of
from stillhunt.terms.marking import Tlp
from stillhunt.workflows.casework import Desk

__all__ = ["assessment_of", "narrowed"]


def narrowed(desk: Desk, named: str) -> Brief:
    """Return the brief of one case, as it stands after merging and splitting.

    Raises:
        UnknownNameError: There is no such case.
    """
    case = desk.view(named).case
    findings = tuple(desk.findings(case))
    shown, brief = {finding.id for finding in findings}, desk.brief
    # What is quoted of others beside the case is no part of it, and may be marked more strictly.
    rules = tuple(rule for rule in brief.coverage.rules if not rule.marking)
    floor = least_of(findings)
    return replace(
        brief,
        coverage=replace(brief.coverage, rules=rules),
        cases=(case,),
        assessments=(assessment_of(desk, case),),
        findings=findings,
        habits=(),
        sighted=tuple(one for one in brief.sighted if not shown.isdisjoint(one.findings)),
        tlp=str(floor) if floor > Tlp.CLEAR else "",
    )


def assessment_of(desk: Desk, case: Case) -> Assessment:
    """Return who a case most likely is; for a case that an analyst made by splitting, that nobody was weighed."""
    found = next((a for a in desk.brief.assessments if a.case == case.id), None)
    return found or Assessment(
        case=case.id,
        statement="Nobody was weighed: this case was made by splitting another.",
        is_abstention=True,
        threshold=1.0,
        confidence="low",
        confidence_why="Its findings were taken out of a case by hand.",
        hypotheses=(),
        n_candidates=0,
    )
