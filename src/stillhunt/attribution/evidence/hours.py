"""When the operator sits at the keyboard: hours of day, weekend and holidays against those of each country.

Only hands-on activity counts: interactive logons, commands typed, mail read. Beacons and services never sleep. What
comes out is a range of UTC offsets, and a weight that sorts a shortlist; it never names anybody, because 53 groups of
ATT&CK share UTC+8, and because working at night in another zone is the cheapest of all false flags.

Days of one spell of activity say the same thing again, so that activity counts by distinct hours, tempered, and no
more than forty of them.

Sources of the shape of a working day: FireEye, APT28 (2014), 89 % of compile times in 8 to 18 h; Mandiant, APT1
(2013), 75 % in 8 to 12 and 14 to 18 h; PwC, Operation Cloud Hopper (2017), two hours of lunch.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

from stillhunt.attribution.evidence.line import Line, capped

__all__ = ["CAP", "ENOUGH", "OFFSETS_OF", "Rhythm", "hours_lines", "rhythm_of"]

CAP = 2.0
ENOUGH = 20
"""Distinct hours of activity below which nothing is weighed."""

_MOST = 40
_TEMPER = 0.15
_FLAT = 0.1  # share of activity that keeps no hours
_OFFSETS = tuple(h / 2 for h in range(-24, 29))

OFFSETS_OF: Mapping[str, tuple[float, ...]] = {
    "BR": (-3,),
    "BY": (3,),
    "CN": (8,),
    "FR": (1, 2),
    "ID": (7,),
    "IL": (2, 3),
    "IN": (5.5,),
    "IR": (3.5, 4.5),
    "KP": (9, 8.5),
    "KR": (9,),
    "LB": (2, 3),
    "NG": (1,),
    "PK": (5,),
    "PS": (2, 3),
    "RO": (2, 3),
    "RU": (3, 4),
    "SY": (2, 3),
    "TN": (1,),
    "TR": (3, 2),
    "UA": (2, 3),
    "AE": (4,),
    "US": (-8, -7, -6, -5, -4),
    "UZ": (5,),
    "VN": (7,),
}
"""UTC offsets in hours in use where groups are said to sit, with summer time and those of the last fifteen years."""

_WEEKENDS: Mapping[str, frozenset[int]] = {
    "IR": frozenset({3, 4}),  # Thursday and Friday; Friday is the day off wherever only one is
    "IL": frozenset({4, 5}),
    "AE": frozenset({5, 6}),
    "PS": frozenset({4, 5}),
    "KP": frozenset({6}),
}
_USUAL_WEEKEND = frozenset({5, 6})

_HOLIDAYS: Mapping[str, tuple[tuple[int, int], ...]] = {
    "CN": ((1, 1), (5, 1), *((10, d) for d in range(1, 8))),
    "IR": (*((3, d) for d in range(20, 26)), (2, 11), (4, 1), (4, 2)),
    "KP": ((2, 16), (4, 15), (9, 9), (10, 10)),
    "RU": (*((1, d) for d in range(1, 9)), (2, 23), (3, 8), (5, 1), (5, 9), (6, 12), (11, 4)),
    "VN": ((4, 30), (5, 1), (9, 2)),
    "IN": ((1, 26), (8, 15), (10, 2)),
    "PK": ((3, 23), (8, 14)),
    "TR": ((4, 23), (5, 19), (8, 30), (10, 29)),
    "UA": ((1, 1), (8, 24)),
    "US": ((1, 1), (7, 4), (12, 25)),
}
"""Public holidays on fixed days (month, day); those of the moon are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """What hours of activity say.

    Attributes:
        n_hours: Distinct hours in which somebody was active.
        offsets: UTC offsets that hold four fifths of the likelihood, lowest and highest; None if too few hours.
        likelihoods: Log-likelihood by offset, tempered, relative to the mean over offsets.
    """

    n_hours: int
    offsets: tuple[float, float] | None
    likelihoods: Mapping[float, float]


def rhythm_of(instants: Sequence[datetime]) -> Rhythm:
    """Weigh every UTC offset against hours of activity."""
    hours = sorted({i.astimezone(UTC).replace(minute=0, second=0, microsecond=0) for i in instants})
    if len(hours) < ENOUGH:
        return Rhythm(n_hours=len(hours), offsets=None, likelihoods={})
    by_hour = Counter(h.hour for h in hours)
    scale = _TEMPER * min(_MOST, len(hours)) / len(hours)
    raw = {
        offset: scale
        * math.fsum(n * math.log(_share((hour + 0.5 + offset) % 24)) for hour, n in sorted(by_hour.items()))
        for offset in _OFFSETS
    }
    mean = _log_mean(list(raw.values()))
    return Rhythm(
        n_hours=len(hours), offsets=_credible(raw), likelihoods={offset: value - mean for offset, value in raw.items()}
    )


def hours_lines(instants: Sequence[datetime], origins: Mapping[str, str]) -> list[Line]:
    """Weigh hours, weekend and holidays for each group whose country is known; others get nothing.

    Args:
        instants: Interactive activity, with zones.
        origins: Country code by group.
    """
    rhythm = rhythm_of(instants)
    if rhythm.offsets is None:
        return []
    countries = sorted({c for c in origins.values() if c in OFFSETS_OF})
    low, high = rhythm.offsets
    by_kind = {
        "hours": {c: _log_mean([rhythm.likelihoods[float(o)] for o in OFFSETS_OF[c]]) for c in countries},
        "weekend": {c: _weekend(instants, c) for c in countries},
        "holiday": {c: _holidays(instants, c) for c in countries},
    }
    told = {
        "hours": f"{rhythm.n_hours} hours of activity look like a working day at {_zone(low)} to {_zone(high)}",
        "weekend": "days of the week that were quiet",
        "holiday": "activity on public holidays",
    }
    lines = [
        Line(
            kind=kind,
            item="hours",
            weights={g: by_country[c] for g, c in origins.items() if by_country.get(c)},
            told=told[kind],
        )
        for kind, by_country in by_kind.items()
    ]
    return capped((line for line in lines if line.weights), CAP)


def _share(hour: float) -> float:
    """Return how much of a working day's activity falls into the hour around this local time, on average 1/24."""
    if 8 <= hour < 12 or 14 <= hour < 18:
        busy = 0.097
    elif 12 <= hour < 14:
        busy = 0.065
    elif 7 <= hour < 8 or 18 <= hour < 20:
        busy = 0.03
    else:
        busy = 0.0004
    return (1 - _FLAT) * busy + _FLAT / 24


def _weekend(instants: Sequence[datetime], country: str) -> float:
    """Return the log-likelihood of the days of activity under a country's weekend, against no weekend at all."""
    days = _local_days(instants, country)
    if len(days) < 10 or max(days) - min(days) < timedelta(days=14):
        return 0.0
    free = _WEEKENDS.get(country, _USUAL_WEEKEND)
    n_free = sum(1 for d in days if d.weekday() in free)
    usual = len(free) / 7
    rate = 0.25 * usual  # a quarter of what would fall there by chance
    scale = _TEMPER * min(_MOST, len(days)) / len(days) * 2
    worked = (len(days) - n_free) * math.log((1 - rate) / (1 - usual)) + n_free * math.log(rate / usual)
    return max(-1.0, min(1.0, scale * worked))


def _holidays(instants: Sequence[datetime], country: str) -> float:
    """Return what activity on a country's holidays takes away; quiet ones prove nothing."""
    n_worked = sum(1 for d in _local_days(instants, country) if (d.month, d.day) in _HOLIDAYS.get(country, ()))
    return max(-1.0, -0.35 * n_worked)


def _local_days(instants: Sequence[datetime], country: str) -> list[date]:
    zone = timezone(timedelta(hours=OFFSETS_OF[country][0]))
    return sorted({i.astimezone(zone).date() for i in instants})


def _credible(raw: Mapping[float, float]) -> tuple[float, float]:
    highest = max(raw.values())
    odds = {o: math.exp(v - highest) for o, v in raw.items()}
    total, held, kept = math.fsum(odds.values()), 0.0, []
    for offset in sorted(odds, key=lambda o: (-odds[o], o)):
        kept.append(offset)
        held += odds[offset]
        if held >= 0.8 * total:
            break
    return min(kept), max(kept)


def _log_mean(values: Sequence[float]) -> float:
    highest = max(values)
    return highest + math.log(math.fsum(math.exp(v - highest) for v in values) / len(values))


def _zone(offset: float) -> str:
    hours, half = divmod(abs(offset), 1)
    return f"UTC{'-' if offset < 0 else '+'}{int(hours)}{':30' if half else ''}"
