"""What a knowledge base says of groups beside techniques and software, as the lines of evidence need it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from stillhunt.attribution.circumstances import Circumstances
from stillhunt.attribution.evidence.hours import hours_lines
from stillhunt.attribution.evidence.infrastructure import indicator_lines
from stillhunt.attribution.evidence.language import language_lines
from stillhunt.attribution.evidence.line import Line
from stillhunt.attribution.evidence.names import name_lines
from stillhunt.attribution.evidence.targeting import targeting_lines
from stillhunt.attribution.evidence.vulnerabilities import vulnerability_lines
from stillhunt.attribution.profile import Table, table_of
from stillhunt.knowledge import KnowledgeBase
from stillhunt.knowledge.places import country_name

__all__ = ["Surroundings", "lines_beside", "surroundings_of"]

_CVE = re.compile(r"\bCVE-\d{4}-\d{4,7}\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, eq=False)
class Surroundings:
    """What is known beside.

    Attributes:
        sectors: Sectors that a group is said to attack, by its id.
        countries: Countries that it is said to attack, likewise.
        exploiters: Groups said to have used a vulnerability, by CVE id.
        indicators: Groups by indicator, with the last day it was in their hands.
    """

    sectors: Mapping[str, frozenset[str]]
    countries: Mapping[str, frozenset[str]]
    exploiters: Mapping[str, frozenset[str]]
    indicators: Mapping[str, Mapping[str, str]]


@lru_cache(maxsize=8)
def surroundings_of(knowledge: KnowledgeBase) -> Surroundings:
    """Gather what a base says beside; the same base gives the same without gathering again."""
    exploiters: defaultdict[str, set[str]] = defaultdict(set)
    for edge in knowledge.edges:
        for found in _CVE.findall(edge.quote):
            exploiters[found.upper()].add(edge.group)
    indicators: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for group in knowledge.traits:
        for trait in knowledge.traits_of(group, "indicator"):
            indicators[trait.value][group] = max(trait.dated, indicators[trait.value].get(group, ""))
    return Surroundings(
        sectors=_victims(knowledge, "victim-sector"),
        countries=_victims(knowledge, "victim-country"),
        exploiters={cve: frozenset(exploiters[cve]) for cve in sorted(exploiters)},
        indicators={value: indicators[value] for value in sorted(indicators)},
    )


def lines_beside(of: Circumstances, knowledge: KnowledgeBase) -> list[Line]:
    """Return the lines of everything that is known of a case beside techniques and software."""
    table, known = table_of(knowledge), surroundings_of(knowledge)
    bearers = {n.name: tuple(g.id for g in knowledge.find_groups(n.name)) for n in of.named}
    lines = [
        *targeting_lines("victim-sector", of.sectors, known.sectors, told={}),
        *targeting_lines(
            "victim-country", of.countries, known.countries, told={c: country_name(c) for c in of.countries}
        ),
        *hours_lines(of.hours, table.origins),
        *vulnerability_lines(of.exploited, known.exploiters, n_groups=len(table.profiles)),
        *language_lines(of.languages, table.origins),
        *indicator_lines(of.indicators, known.indicators),
        *name_lines(of.named, bearers),
    ]
    return [_of_candidates(line, table) for line in lines]


def _of_candidates(line: Line, table: Table) -> Line:
    kept = {g: w for g, w in line.weights.items() if g in table.profiles}
    return Line(kind=line.kind, item=line.item, weights=kept, told=line.told)


def _victims(knowledge: KnowledgeBase, kind: str) -> dict[str, frozenset[str]]:
    victims = {
        group: frozenset(t.value for t in knowledge.traits_of(group, kind)) for group in sorted(knowledge.traits)
    }
    return {group: found for group, found in victims.items() if found}
