"""Which observations of several analytics tell one happening: what one account did, or had done to it, from one place.

Somebody who signs in as another from a strange network, with a strange client, in a copied session, and makes a rule
there, is seen by four analytics. That is one finding with four parts, since an analyst has one question to answer.

Method: observations that name the same outside address as a source, and the same account or its mailbox, belong
together if one of them says that the address is strange to that account; and so does what belongs to one of them. What
somebody does from their own desk is not one happening. What names very many accounts, such as a spray, ties nothing
together: else one wave of guesses would hold everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stillhunt.detection.behaviour.model import Analytic, Observation, Place
from stillhunt.detection.behaviour.names import is_outside
from stillhunt.telemetry.account import account_name

__all__ = ["Happening", "happenings"]

_MOST_ACCOUNTS = 12
"""Accounts and mailboxes that an observation may name to tie others to it."""


@dataclass(frozen=True, slots=True)
class Happening:
    """What one or several analytics saw of the same.

    Attributes:
        parts: Analytics with their observations, what leads first: the highest level, then the earliest.
    """

    parts: tuple[tuple[Analytic, Observation], ...]

    def observation_at(self, place: Place) -> Observation:
        """Return the first observation that a record shows."""
        return next(seen for _, seen in self.parts if place in seen.places)


def happenings(found: Sequence[tuple[Analytic, Observation]]) -> list[Happening]:
    """Put together what tells one happening.

    Args:
        found: Analytics with their observations.

    Returns:
        One for each happening, in order of the analytic that leads and of its observation.
    """
    parent = list(range(len(found)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    first: dict[tuple[str, str], int] = {}
    strange = {tie for _, seen in found for tie in _ties(seen) if tie[0] in seen.strange}
    for number, (_, seen) in enumerate(found):
        for tie in _ties(seen):
            if tie in strange:
                parent[root(number)] = root(first.setdefault(tie, number))
    groups: dict[int, list[tuple[Analytic, Observation]]] = {}
    for number, one in enumerate(found):
        groups.setdefault(root(number), []).append(one)
    whole = [Happening(tuple(sorted(parts, key=_rank))) for parts in groups.values()]
    return sorted(whole, key=lambda one: (one.parts[0][0].detector.path, one.parts[0][1].identity))


def _rank(one: tuple[Analytic, Observation]) -> tuple[int, int, str, tuple[str, ...]]:
    analytic, seen = one
    level = seen.level or analytic.detector.level
    return -level.rank, min(place.at for place in seen.places), analytic.detector.path, seen.identity


def _ties(seen: Observation) -> Iterator[tuple[str, str]]:
    accounts = _accounts(seen)
    if len(accounts) <= _MOST_ACCOUNTS:
        yield from ((address, account) for address in sorted(_addresses(seen)) for account in sorted(accounts))


def _addresses(seen: Observation) -> set[str]:
    return {value for kind, value, role in seen.entities if (kind, role) == ("address", "source") and is_outside(value)}


def _accounts(seen: Observation) -> set[str]:
    named = ((kind, value) for kind, value, _ in seen.entities if kind in {"account", "mailbox"})
    return {account_name(value) if kind == "mailbox" else value.lower() for kind, value in named}
