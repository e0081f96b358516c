"""How far a brief may travel: what is asked for, between what it quotes of others and what may leave.

An unmarked brief stays in the organisation whose logs it tells of. A brief that quotes an indicator of others travels
no further than the strictest of these may (FIRST, Traffic Light Protocol 2.0: who shares on keeps the marking).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stillhunt.detection.finding import Finding
from stillhunt.errors import InputError
from stillhunt.report.brief import Brief
from stillhunt.telemetry.coverage import RuleState
from stillhunt.terms.marking import Tlp, parse_tlp, strictest

__all__ = ["floor_of", "least_of", "marked", "marking_of"]

_UNMARKED = Tlp.AMBER_STRICT
"""What logs say of an organisation stays in it unless somebody says otherwise."""


def least_of(findings: Iterable[Finding], rules: Iterable[RuleState] = ()) -> Tlp:
    """Return the laxest marking that what quotes these findings and rules may have."""
    return strictest({*(f.detector.marking for f in findings), *(rule.marking for rule in rules)})


def floor_of(brief: Brief) -> Tlp:
    """Return the laxest marking that a brief may have."""
    return least_of(brief.findings, brief.coverage.rules)


def marking_of(brief: Brief) -> Tlp:
    """Return how far a brief may travel; one that nobody marked stays in the organisation."""
    return max(parse_tlp(brief.tlp) if brief.tlp else _UNMARKED, floor_of(brief))


def marked(brief: Brief, tlp: Tlp | None = None, *, ceiling: Tlp = Tlp.RED) -> Brief:
    """Return a brief that says how far it may travel.

    Args:
        brief: What is told.
        tlp: The marking asked for; None for what the brief says.
        ceiling: Strictest marking that may leave.

    Raises:
        InputError: The marking lies above the ceiling, or below that of what the brief quotes.
    """
    mark, floor = marking_of(brief) if tlp is None else tlp, floor_of(brief)
    # Nothing of the case is in these messages: whoever may not have it may not have a word of it.
    if mark > ceiling:
        raise InputError(f"{mark} may not leave where {ceiling} is the ceiling", hint="ask for a lower marking")
    if mark < floor:
        message = f"{mark} is too lax: an indicator that is quoted is {floor}"
        raise InputError(message, hint=f"mark it {floor} or stricter, or hunt without that indicator")
    return replace(brief, tlp=str(mark))
