"""The one sentence a case opens with: who, since when, how far, how sure."""

from __future__ import annotations

from collections.abc import Sequence

from stillhunt.cases.case import Case, Scope, ScopedEntity
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level
from stillhunt.terms.period import duration_words, instant_words
from stillhunt.terms.technique import tactic_title

__all__ = ["in_list", "opening"]

_HOW_SURE = {
    Level.CRITICAL: "An intruder was",
    Level.HIGH: "There is strong evidence that somebody unwelcome was",
    Level.MEDIUM: "There is some evidence that somebody unwelcome was",
    Level.LOW: "Something worth a look happened",
}
"""What there is of evidence: a level is no probability, so no term of the yardstick stands here."""

_COUNTED = (
    (EntityKind.HOST, "host"),
    (EntityKind.ACCOUNT, "account"),
    (EntityKind.MAILBOX, "mailbox"),
    (EntityKind.SHARE, "share"),
    (EntityKind.SITE, "site"),
)


def opening(case: Case) -> str:
    """Say in one sentence where, since when, how far and how sure."""
    parts = [f"{_HOW_SURE[case.level]} {_place(case)} {_since(case)}"]
    if case.stages:
        parts.append("reaching " + in_list([tactic_title(s.tactic).lower() for s in case.stages]))
    parts.append(_extent(case.entities))
    return "; ".join(parts) + "."


def in_list(words: Sequence[str]) -> str:
    """Join words as a sentence does.

    >>> in_list(["execution", "persistence", "impact"])
    'execution, persistence and impact'
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _place(case: Case) -> str:
    if case.break_in.is_from_outside:
        return _from_outside(case)
    where = case.break_in.host or "an unnamed host"
    others = [
        t
        for t in case.entities
        if t.entity.kind is EntityKind.HOST and t.scope is Scope.CONFIRMED and t.entity.value != where
    ]
    return f"on {where} and {_plural(len(others), 'more host')}" if others else f"on {where}"


def _from_outside(case: Case) -> str:
    """Say whose accounts were used and from where: the machine is the provider's, or logs no name of its own."""
    held = sorted(
        t.entity.value for t in case.entities if t.entity.kind is EntityKind.ACCOUNT and t.scope is Scope.CONFIRMED
    )
    came_from = f"from {case.break_in.host}"
    if held:
        return f"in {f'the account {held[0]}' if len(held) == 1 else f'{len(held):,} accounts'}, {came_from},"
    return came_from if case.level is Level.LOW else f"at work {came_from}"


def _since(case: Case) -> str:
    started, last = case.break_in, case.last_at
    if started.latest is None or last is None:
        return "at a time the records do not give"
    if started.is_censored:
        since = f"no later than {instant_words(started.latest)}"
    elif started.earliest == started.latest:
        since = f"from {instant_words(started.latest)}"
    else:
        since = f"by {instant_words(started.latest)}"
    if case.dwell_s is None or case.dwell_s < 60:
        return since
    until = "the end of the logs" if case.is_active_at_end else instant_words(last)
    return f"{since} until {until} ({duration_words(case.dwell_s)})"


def _extent(touched: Sequence[ScopedEntity]) -> str:
    confirmed = _counts(touched, Scope.CONFIRMED)
    potential = _counts(touched, Scope.POTENTIAL)
    said = f"{in_list(confirmed)} confirmed compromised" if confirmed else "no compromise confirmed"
    return f"{said}, {in_list(potential)} potentially" if potential else said


def _counts(touched: Sequence[ScopedEntity], how_sure: Scope) -> list[str]:
    numbers = [(sum(t.entity.kind is kind and t.scope is how_sure for t in touched), noun) for kind, noun in _COUNTED]
    return [_plural(number, noun) for number, noun in numbers if number]


def _plural(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun}es" if noun.endswith("x") else f"{number:,} {noun}s"
