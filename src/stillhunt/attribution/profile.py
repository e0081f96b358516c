"""The knowledge as the model sees it: per group, how many reports say that it uses what."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from stillhunt.knowledge import KnowledgeBase
from stillhunt.terms.technique import parent_of

__all__ = ["Profile", "Table", "Usage", "table_of"]

_K1 = 1.2
_B = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one group is known for.

    Attributes:
        group: Group id.
        techniques: Number of reports by technique id; at least 1.
        software: Number of reports by software id; at least 1.
        n_reports: Distinct reports behind all of it.
        reports: Names of the reports by item, where held.
    """

    group: str
    techniques: Mapping[str, int]
    software: Mapping[str, int]
    n_reports: int
    reports: Mapping[str, frozenset[str]] = field(default_factory=dict)


class Usage:
    """Who uses which item, and how much a sighting of it speaks for each of them: Okapi BM25.

    A group takes the place of a document, the number of reports that of a term's frequency; a group that
    everything was written about gets less from each item. Source: Robertson and Zaragoza, The Probabilistic
    Relevance Framework: BM25 and Beyond, 2009; with the inverse frequency that never turns negative.

    Args:
        reports: Number of reports by item, by group.
    """

    def __init__(self, reports: Mapping[str, Mapping[str, int]]) -> None:
        users: defaultdict[str, list[str]] = defaultdict(list)
        for group, items in reports.items():
            for item in items:
                users[item].append(group)
        self._reports = reports
        self._users = {item: tuple(sorted(groups)) for item, groups in users.items()}
        lengths = {group: sum(items.values()) for group, items in reports.items()}
        mean = sum(lengths.values()) / max(1, sum(1 for n in lengths.values() if n)) or 1.0
        self._norms = {group: _K1 * (1 - _B + _B * length / mean) for group, length in lengths.items()}
        self._weights = {item: self._weigh(item) for item in self._users}

    def users(self, item: str) -> tuple[str, ...]:
        """Return the groups known to use an item, sorted."""
        return self._users.get(item, ())

    def weights(self, item: str) -> Mapping[str, float]:
        """Return how much a sighting of an item speaks for each of its users; always above 0."""
        return self._weights.get(item, {})

    def rarity(self, item: str) -> float:
        """Return the logarithm of how few groups use an item: the more, the more it tells apart."""
        n_users = len(self.users(item))
        return math.log(1 + (len(self._reports) - n_users + 0.5) / (n_users + 0.5))

    def _weigh(self, item: str) -> dict[str, float]:
        users = self._users[item]
        rarity = self.rarity(item)
        return {g: rarity * self._saturated(g, item) for g in users}

    def _saturated(self, group: str, item: str) -> float:
        n_reports = self._reports[group][item]
        return n_reports * (_K1 + 1) / (n_reports + self._norms[group])


class Table:
    """All profiles, and the usage of techniques, their parents and software over them.

    Args:
        profiles: One per group; groups without any technique or software are no candidates and left out.
        tools: Ids of software of the kind ``tool``.
        abilities: Technique ids by the software that can do them.
        origins: Country that each group is said to work from, as a code of ISO 3166-1.
    """

    def __init__(
        self,
        profiles: Iterable[Profile],
        *,
        tools: Iterable[str],
        abilities: Mapping[str, Collection[str]] | None = None,
        origins: Mapping[str, str] | None = None,
    ) -> None:
        kept = sorted((p for p in profiles if p.techniques or p.software), key=lambda p: p.group)
        self.profiles: Mapping[str, Profile] = {p.group: p for p in kept}
        self.tools = frozenset(tools)
        self.origins: Mapping[str, str] = {g: c for g, c in (origins or {}).items() if g in self.profiles and c}
        self.techniques = Usage({p.group: p.techniques for p in kept})
        self.parents = Usage({p.group: _by_parent(p.techniques) for p in kept})
        self.software = Usage({p.group: p.software for p in kept})
        self._n_reports = sum(p.n_reports for p in kept)
        self._tellings: defaultdict[str, int] = defaultdict(int)
        for profile in kept:
            for technique, n_reports in profile.techniques.items():
                self._tellings[technique] += n_reports
        self._implied = self._implications(abilities or {})

    def rate(self, technique: str) -> float:
        """Return the share of all reports, on whatever group, that tell of a technique; above 0."""
        return (self._tellings.get(technique, 0) + 0.5) / (self._n_reports + 1)

    def implied(self, technique: str) -> Mapping[str, float]:
        """Return the groups not known for a technique themselves whose malware can do it, and how telling that is.

        Malware of one group says more about it than malware of ten; and of a group with an arsenal that can do
        everything, one ability says little.
        """
        return self._implied.get(technique, {})

    def _implications(self, abilities: Mapping[str, Collection[str]]) -> dict[str, dict[str, float]]:
        found: dict[str, dict[str, float]] = {}
        for group, profile in self.profiles.items():
            shares: dict[str, float] = {}
            for software in profile.software:
                share = 0.0 if software in self.tools else 1 / len(self.software.users(software))
                for technique in abilities.get(software, ()):
                    shares[technique] = max(share, shares.get(technique, 0.0))
            breadth = math.log(3 + math.fsum(shares.values()))
            for technique, share in shares.items():
                if share and technique not in profile.techniques:
                    found.setdefault(technique, {})[group] = share * self.techniques.rarity(technique) / breadth
        return found

    def users(self, item: str) -> tuple[str, ...]:
        """Return the groups known to use a technique or a software, sorted."""
        return self.techniques.users(item) or self.software.users(item)


@lru_cache(maxsize=8)
def table_of(knowledge: KnowledgeBase) -> Table:
    """Build the table of a knowledge base; the same base gives the same table without building it again.

    A campaign attributed to a group counts as the group's own. An edge for which no report is held counts one.
    """
    cited: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for edge in knowledge.edges:
        cited[edge.group, edge.item].update(edge.citations)
    reports: dict[str, dict[str, int]] = {group: {} for group in knowledge.groups}
    for (group, item), names in sorted(cited.items()):
        reports[group][item] = max(1, len(names))
    return Table(
        (
            Profile(
                group=group,
                techniques={i: n for i, n in items.items() if i in knowledge.techniques},
                software={i: n for i, n in items.items() if i in knowledge.software},
                n_reports=len(knowledge.reports_of(group)),
                reports={i: frozenset(cited[group, i]) for i in items},
            )
            for group, items in reports.items()
        ),
        tools=(s.id for s in knowledge.software.values() if s.kind == "tool"),
        abilities=knowledge.abilities,
        origins={group: knowledge.origin_of(group) for group in knowledge.groups},
    )


def _by_parent(techniques: Mapping[str, int]) -> dict[str, int]:
    parents: defaultdict[str, int] = defaultdict(int)
    for technique, n_reports in techniques.items():
        parents[parent_of(technique)] += n_reports
    return dict(parents)
