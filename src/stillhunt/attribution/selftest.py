"""Leave one report out: how well attribution does on the very base it is used with.

A report that several edges of one group rest on is played as a case: its techniques and software are what was seen,
and the edges are what they would be without it. It is kinder than real life, since the catalogue's authors choose what
they cite and map a new report to what is there already; it is here so that users can check us on their own base.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from stillhunt.attribution.abstain import THRESHOLD
from stillhunt.attribution.profile import Profile, Table, table_of
from stillhunt.attribution.weigh import weigh
from stillhunt.knowledge import KnowledgeBase
from stillhunt.progress import Step, Watcher, silent

__all__ = ["SelfTest", "Share", "self_test"]

_ENOUGH = 5
_N_BOOTSTRAP = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share of cases, with its 95 % bootstrap interval; all in 0 to 1."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """What came of it.

    Attributes:
        knowledge: Name of the base.
        n_reports: Reports with at least five techniques of one group.
        n_cases: Of these, how many were played: an even sample in order of name.
        n_groups: Groups they are about.
        n_lost: Reports without which the group has nothing left, so that it cannot be ranked.
        rows: Right on top, among five, among ten, mean reciprocal rank: with software, and without.
        n_named: Cases whose leading group reached the threshold.
        n_right: How many of these were right.
        n_removed_named: Cases in which somebody reached it though the true group had been taken out.
    """

    knowledge: str
    n_reports: int
    n_cases: int
    n_groups: int
    n_lost: int
    rows: tuple[Share, ...]
    n_named: int
    n_right: int
    n_removed_named: int


def self_test(knowledge: KnowledgeBase, *, n_cases: int = 300, watch: Watcher = silent) -> SelfTest:
    """Play reports of a base as cases, each against the base without it.

    Args:
        knowledge: The base.
        n_cases: Reports to play at most.
        watch: Told about progress.
    """
    reports = _reports(knowledge)
    step = max(1, math.ceil(len(reports) / n_cases))
    played = reports[::step]
    whole = table_of(knowledge)
    both: list[float] = []
    bare: list[float] = []
    n_lost = n_named = n_right = n_removed = 0
    for n_done, (report, group, items) in enumerate(played):
        watch(Step(task="selftest", subject=report, done=n_done, total=len(played)))
        table = _without(whole, report, knowledge)
        if group not in table.profiles:
            n_lost += 1
            continue
        techniques = sorted(i for i in items if i in knowledge.techniques)
        software = sorted(i for i in items if i in knowledge.software)
        ranking = weigh(techniques, software, table)
        both.append(ranking.known.index(group) + 1)
        bare.append(weigh(techniques, (), table).known.index(group) + 1)
        leader = ranking.known[0]
        n_named += ranking.probabilities[leader] >= THRESHOLD
        n_right += ranking.probabilities[leader] >= THRESHOLD and leader == group
        removed = weigh(techniques, software, table, without=(group,))
        n_removed += removed.probabilities[removed.known[0]] >= THRESHOLD
    return SelfTest(
        knowledge=knowledge.name,
        n_reports=len(reports),
        n_cases=len(both),
        n_groups=len({group for _, group, _ in played}),
        n_lost=n_lost,
        rows=(*_shares("techniques and software", both), *_shares("techniques only", bare)) if both else (),
        n_named=n_named,
        n_right=n_right,
        n_removed_named=n_removed,
    )


def _reports(knowledge: KnowledgeBase) -> list[tuple[str, str, frozenset[str]]]:
    """Return (report, group, items) of reports that show at least five techniques of exactly one group."""
    shown: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for edge in knowledge.edges:
        for citation in edge.citations:
            shown[citation][edge.group].add(edge.item)
    found = []
    for report, by_group in sorted(shown.items()):
        enough = [g for g, items in by_group.items() if sum(i in knowledge.techniques for i in items) >= _ENOUGH]
        if len(enough) == 1:
            found.append((report, enough[0], frozenset(by_group[enough[0]])))
    return found


def _without(table: Table, report: str, knowledge: KnowledgeBase) -> Table:
    """Return the table without what rests on one report alone."""
    profiles = []
    for group, profile in table.profiles.items():
        if not any(report in behind for behind in profile.reports.values()):
            profiles.append(profile)
            continue
        left = {i: r - {report} for i, r in profile.reports.items() if r != {report}}
        profiles.append(
            Profile(
                group=group,
                techniques={i: max(1, len(left[i])) for i in profile.techniques if i in left},
                software={i: max(1, len(left[i])) for i in profile.software if i in left},
                n_reports=profile.n_reports - 1,
                reports=left,
            )
        )
    return Table(profiles, tools=table.tools, abilities=knowledge.abilities, origins=table.origins)


def _shares(title: str, ranks: Sequence[float]) -> list[Share]:
    measures = {
        f"{title}: right on top": [float(r <= 1) for r in ranks],
        f"{title}: among five": [float(r <= 5) for r in ranks],
        f"{title}: among ten": [float(r <= 10) for r in ranks],
        f"{title}: mean reciprocal rank": [1 / r for r in ranks],
    }
    return [_share(name, values) for name, values in measures.items()]


def _share(name: str, values: Sequence[float]) -> Share:
    draw = random.Random(2026)  # noqa: S311  # for an interval that is the same every time
    means = sorted(math.fsum(draw.choices(values, k=len(values))) / len(values) for _ in range(_N_BOOTSTRAP))
    return Share(
        name=name,
        value=math.fsum(values) / len(values),
        low=means[int(0.025 * _N_BOOTSTRAP)],
        high=means[int(0.975 * _N_BOOTSTRAP)],
    )
