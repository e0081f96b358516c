"""Sentences of findings: dates, lists and numbers as people say them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from stillhunt.detection.behaviour.model import Place
from stillhunt.detection.behaviour.taking import DAY_US
from stillhunt.terms.moment import moment

__all__ = ["N_PLACES", "among", "day_text", "days_text", "number", "shown_places", "time_text"]

N_PLACES = 5
"""Records shown of one finding."""

_NAMED = 3


def time_text(at: int) -> str:
    """Write an instant given in microseconds since 1970.

    >>> time_text(1_673_250_000_000_000)
    '2023-01-09 07:40'
    """
    return f"{moment(at):%Y-%m-%d %H:%M}"


def day_text(day: int) -> str:
    """Write a day given in days since 1970."""
    return f"{moment(day * DAY_US):%Y-%m-%d}"


def days_text(days: Collection[int]) -> str:
    """Say when something happened.

    >>> days_text({19366}), days_text({19366, 19370, 19400})
    ('on 2023-01-09', 'on 3 days from 2023-01-09 to 2023-02-12')
    """
    if len(days) == 1:
        return f"on {day_text(min(days))}"
    return f"on {len(days)} days from {day_text(min(days))} to {day_text(max(days))}"


def among(values: Iterable[str]) -> str:
    """Name a few of some values.

    >>> among(["b", "a"]), among("edcba")
    ('a and b', 'a, b, c and 2 more')
    """
    ordered = sorted(set(values))
    if len(ordered) == _NAMED + 1:
        return f"{', '.join(ordered[:_NAMED])} and {ordered[_NAMED]}"
    shown, more = ordered[:_NAMED], len(ordered) - _NAMED
    if more > 0:
        return f"{', '.join(shown)} and {more:,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def number(count: int, one: str, many: str = "") -> str:
    """Write a number of things.

    >>> number(1, "message"), number(1200, "mailbox", "mailboxes")
    ('1 message', '1,200 mailboxes')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def shown_places(places: Iterable[Place]) -> tuple[Place, ...]:
    """Choose of some records the first ones and the last."""
    ordered: Sequence[Place] = sorted(set(places))
    return tuple(ordered if len(ordered) <= N_PLACES else [*ordered[: N_PLACES - 1], ordered[-1]])
