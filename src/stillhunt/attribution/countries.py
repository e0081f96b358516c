"""The layer between a resemblance and a name: the country that the case points to.

A country can be told far more often than a group. Its score is made of those of its groups, tempered, and corrected
for their number: a country with fifty groups of which each fits a little is no better explanation than one that fits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from stillhunt.attribution.assessment import UNKNOWN_GROUP
from stillhunt.attribution.calibrate import log_sum_exp, probabilities_of
from stillhunt.attribution.constants import CountryLayer
from stillhunt.attribution.profile import Table

__all__ = ["Origin", "origins_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A country and how probable it is that whoever did this works from it.

    Attributes:
        country: Code of ISO 3166-1.
        probability: Share among the countries that any group of the knowledge base is said to work from.
        groups: Its groups, the best fitting first.
    """

    country: str
    probability: float
    groups: tuple[str, ...]


def origins_of(scores: Mapping[str, float], table: Table, of: CountryLayer) -> tuple[Origin, ...]:
    """Weigh the countries that groups are said to work from; none, if no origins are known."""
    by_country: dict[str, list[str]] = {}
    for group, country in table.origins.items():
        if group in scores and group != UNKNOWN_GROUP:
            by_country.setdefault(country, []).append(group)
    if not by_country:
        return ()
    shares = probabilities_of(
        {
            country: of.factor * log_sum_exp([of.inner * scores[g] for g in sorted(groups)])
            - of.per_size * math.log(len(groups))
            for country, groups in sorted(by_country.items())
        }
    )
    return tuple(
        Origin(
            country=country,
            probability=shares[country],
            groups=tuple(sorted(by_country[country], key=lambda g: (-scores[g], g))),
        )
        for country in sorted(shares, key=lambda c: (-shares[c], c))
    )
