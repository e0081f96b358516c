"""The layer between a resemblance and a name: the country that the case points to.

A country can be told more often than a group. Two cases are kept apart. If somebody known did it, each group counts
with its score, and with the reports on it: whoever is much reported on is often met. If somebody new did it, he is
like others of his country, but how much is written about *them* says nothing of him; so the evidence alone counts,
corrected for the number of groups, since among fifty groups one always fits a little. The two are added, each by how
probable it is that this is somebody known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from stillhunt.attribution.assessment import UNKNOWN_GROUP
from stillhunt.attribution.calibrate import log_sum_exp, probabilities_of, scores_of
from stillhunt.attribution.constants import CountryLayer, CountryShares
from stillhunt.attribution.evidence.line import Line
from stillhunt.attribution.profile import Table
from stillhunt.attribution.weigh import Ranking

__all__ = ["Origin", "origins_of", "shares_of"]

_PRIOR = frozenset({"reporting"})
_HELD_BACK = frozenset({"restraint"})


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


def origins_of(ranking: Ranking, table: Table, of: CountryLayer) -> tuple[Origin, ...]:
    """Weigh the countries that groups are said to work from; none, if no origins are known.

    Args:
        ranking: The groups, weighed; what held the leading one back is undone, since it is about naming a group.
        table: Where groups are said to work from.
        of: The numbers of the layer.
    """
    scores = _without(_HELD_BACK, ranking.lines)
    if not any(group in scores for group in table.origins):
        return ()
    evidence = _without(_HELD_BACK | _PRIOR, ranking.lines)
    unknown = probabilities_of(scores)[UNKNOWN_GROUP]
    known = shares_of(scores, table.origins, of.known)
    new = shares_of({g: evidence.get(g, 0.0) for g in scores}, table.origins, of.new)
    shares = {country: (1 - unknown) * known[country] + unknown * new[country] for country in known}
    groups: dict[str, list[str]] = {}
    for group, country in table.origins.items():
        if group in scores:
            groups.setdefault(country, []).append(group)
    return tuple(
        Origin(
            country=country,
            probability=shares[country],
            groups=tuple(sorted(groups[country], key=lambda g: (-scores[g], g))),
        )
        for country in sorted(shares, key=lambda c: (-shares[c], c))
    )


def shares_of(scores: Mapping[str, float], origins: Mapping[str, str], of: CountryShares) -> dict[str, float]:
    """Return each country's share by the scores of its groups.

    >>> shares_of({"G1": 1.0, "G2": 1.0}, {"G1": "RU", "G2": "CN"}, CountryShares(factor=1.0, per_size=0.0))
    {'CN': 0.5, 'RU': 0.5}
    """
    by_country: dict[str, list[float]] = {}
    for group in sorted(origins):
        if group in scores:
            by_country.setdefault(origins[group], []).append(scores[group])
    return probabilities_of(
        {
            country: of.factor * log_sum_exp(found) - of.per_size * math.log(len(found))
            for country, found in sorted(by_country.items())
        }
    )


def _without(kinds: frozenset[str], lines: tuple[Line, ...]) -> dict[str, float]:
    return scores_of([line for line in lines if line.kind not in kinds])
