"""Impossible travel: an account used in two places within less time than the way between them takes.

Method: the great-circle distance between the places of two addresses in turn, by a database file of the user's, over
the time between; faster than an airliner over more than a short flight is told. Nothing is looked up online, and
without a file nothing is said. Networks that many accounts come through are a company's own exits, and left out.

Source of the distance: Sinnott, "Virtues of the haversine", Sky and Telescope 68 (1984).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from stillhunt.detection.behaviour.baseline import few_of
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.networks import Whereabouts
from stillhunt.detection.behaviour.sign_ins import SIGN_INS, Use, by_account, uses_of
from stillhunt.detection.behaviour.wording import count_words, day_words, span_words
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC"]

_SPEED_KMH, _LEAST_KM = 1_000, 700
_EARTH_KM = 6_371
_LEAST, _SHARE = 3, 0.02
_HOUR_US = 3_600_000_000


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    if not setting.networks.is_there:
        return
    uses = [use for use in uses_of(tables[SIGN_INS.name]) if use.outcome != "failure" and use.network]
    users: dict[str, set[str]] = {}
    for use in uses:
        users.setdefault(use.network, set()).add(use.account)
    accounts = by_account(uses)
    few = few_of(len(accounts), least=_LEAST, share=_SHARE)
    for account, own in accounts.items():
        rare = [use for use in own if len(users[use.network]) <= few]
        jumps = [jump for jump in _jumps(rare, setting) if jump[2] >= _LEAST_KM]
        by_places: dict[tuple[str, ...], list[tuple[Use, Use, float]]] = {}
        for one, other, distance in jumps:
            by_places.setdefault(tuple(sorted((one.network, other.network))), []).append((one, other, distance))
        for key, found in by_places.items():
            yield _observed(account, key, found, setting)


def _jumps(own: list[Use], setting: Setting) -> Iterator[tuple[Use, Use, float]]:
    """Yield each two uses in turn that are too far apart, with the distance that is certain."""
    moments = sorted(
        [(place.at, number, use) for use in own for number, place in enumerate((use.first, use.last))],
        key=lambda m: (m[0], m[1], m[2].address, m[2].client),
    )
    for (before, _, one), (after, _, other) in pairwise(moments):
        if one.network == other.network:
            continue
        distance = _distance(setting.networks.of(one.address), setting.networks.of(other.address))
        if distance > _SPEED_KMH * (after - before) / _HOUR_US:
            yield one, other, distance


def _distance(one: Whereabouts, other: Whereabouts) -> float:
    """Return how many kilometres lie between two places at least, 0 if one is unknown."""
    if one.latitude is None or one.longitude is None or other.latitude is None or other.longitude is None:
        return 0.0
    north, south = math.radians(one.latitude), math.radians(other.latitude)
    east = math.radians(other.longitude - one.longitude)
    chord = math.sin((south - north) / 2) ** 2 + math.cos(north) * math.cos(south) * math.sin(east / 2) ** 2
    apart = 2 * _EARTH_KM * math.asin(min(1.0, math.sqrt(chord)))
    return max(0.0, apart - (one.radius_km or 0) - (other.radius_km or 0))


def _observed(account: str, key: tuple[str, ...], found: list[tuple[Use, Use, float]], setting: Setting) -> Observation:
    one, other, distance = found[0]
    where = [setting.networks.of(use.address) for use in (one, other)]
    named = [
        f"{use.address} ({place.country or 'unknown country'})" for use, place in zip((one, other), where, strict=True)
    ]
    places = sorted({one.first, one.last, other.first, other.last})
    sentence = (
        f"{account} was used from {named[0]} and within {span_words(places[0].at, places[-1].at)} from "
        f"{named[1]}, at least "
        f"{distance:,.0f} km away, {count_words(len(found), 'time')} from {day_words(places[0].at)} on"
    )
    return Observation(
        identity=(account, *key),
        sentence=sentence,
        why=(
            ("distance", f"{distance:,.0f} km, less what the database is not sure of (threshold {_LEAST_KM:,})"),
            ("speed", f"above {_SPEED_KMH:,} km/h"),
            (
                "networks",
                "; ".join(
                    f"{use.network} {place.owner}".strip() for use, place in zip((one, other), where, strict=True)
                ),
            ),
        ),
        places=tuple(places),
        entities=(
            ("account", account, "subject"),
            *(("address", use.address, "source") for use in (one, other)),
        ),
        count=sum(use.n for pair in found for use in pair[:2]),
        n_days=len({use.day for pair in found for use in pair[:2]}),
        measured={"km": round(distance)},
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-impossible-travel",
        title="An account used in two places too far apart for the time between",
        description="An account succeeds from two places between which nobody can have travelled in the time.",
        level=Level.MEDIUM,
        path="behaviour/impossible_travel",
        tactics=("initial-access", "defense-evasion"),
        techniques=("T1078",),
        false_positives=("Private networks and mobile networks with exits far away", "Errors of the database"),
    ),
    logs="uses of accounts with an address, and a database of places (`--networks FILE.mmdb`)",
    thresholds={
        "speed": f"{_SPEED_KMH:,} km/h, faster than airliners",
        "distance": f"{_LEAST_KM:,} km, after taking away what the database is not sure of",
        "exits": f"networks that more than {_SHARE:.0%} of the accounts, or {_LEAST}, come from are left out",
    },
    aggregates=(SIGN_INS,),
    findings=_findings,
)
