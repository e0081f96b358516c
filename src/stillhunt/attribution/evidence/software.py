"""Software seen: the strongest evidence there is in logs, and the easiest to plant."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from stillhunt.attribution.evidence.line import Line
from stillhunt.attribution.profile import Table

__all__ = ["CAP", "software_lines"]

CAP = 12.0
"""Most log-odds that software may add, however much of it is seen."""


def software_lines(software: Iterable[str], table: Table, weights: Mapping[str, float]) -> list[Line]:
    """Weigh software by who is known to use it, and add to malware that few have.

    Tools, which have honest users too, count by their own lower weight and are never exclusive: that ATT&CK knows
    one user of a tool that anybody can download is an artefact of what was written about.

    Exclusivity is one over the number of groups that use a malware. A group gets the square root of the sum over its
    malware, and of all malware that one and the same report names only the most exclusive counts: the second piece of
    one piece of news is hardly news.
    """
    seen = sorted(set(software))
    usage = [
        Line(
            kind="tool" if item in table.tools else "software",
            item=item,
            weights={
                g: weights["tool" if item in table.tools else "malware"] * w
                for g, w in table.software.weights(item).items()
            },
        )
        for item in seen
    ]
    shares = _shares([item for item in seen if item not in table.tools], table)
    factors = {g: weights["exclusivity"] / math.sqrt(math.fsum(of.values())) for g, of in shares.items() if of}
    exclusive = [
        Line(
            kind="software-exclusivity",
            item=item,
            weights={g: factors[g] * of[item] for g, of in shares.items() if item in of},
        )
        for item in seen
        if item not in table.tools
    ]
    return [*usage, *(line for line in exclusive if line.weights)]


def _shares(malware: Iterable[str], table: Table) -> dict[str, dict[str, float]]:
    """Return, by group, the exclusivity of each malware that counts."""
    found: dict[str, dict[str, float]] = {}
    for item in malware:
        users = table.software.users(item)
        for group in users:
            found.setdefault(group, {})[item] = 1 / len(users)
    return {group: _once_per_report(shares, table.profiles[group].reports) for group, shares in sorted(found.items())}


def _once_per_report(shares: Mapping[str, float], reports: Mapping[str, frozenset[str]]) -> dict[str, float]:
    kept: dict[str, float] = {}
    told: set[frozenset[str]] = set()
    for item in sorted(shares, key=lambda i: (-shares[i], i)):
        behind = reports.get(item, frozenset())
        if len(behind) == 1 and behind in told:
            continue
        told.add(behind)
        kept[item] = shares[item]
    return kept
