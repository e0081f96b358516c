"""Development cases of attribution, each with the knowledge it may be weighed against; and how the model is fitted.

The folder holds ``cases_dev.json`` (cases with their true group) and ``kb/<release>.json.gz`` (ATT&CK releases with
the reports behind every edge). Every case is weighed against the release before it, or one without any of the reports
that describe it. Nothing of it is part of this repository.
"""

from __future__ import annotations

import gzip
import json
import math
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from stillhunt.attribution.calibrate import log_sum_exp
from stillhunt.attribution.consistency import mismatch
from stillhunt.attribution.constants import Constants, CountryLayer, CountryShares, UnknownGroup
from stillhunt.attribution.countries import shares_of
from stillhunt.attribution.evidence.reporting import reporting_line
from stillhunt.attribution.evidence.software import software_lines
from stillhunt.attribution.evidence.techniques import technique_lines
from stillhunt.attribution.profile import Profile, Table
from stillhunt.attribution.seen import Seen

SETS = {"A": ("A", "At"), "L": ("L",), "R": ("R",), "B": ("B1", "B2", "B3", "B4")}
WEIGHTS = (
    "technique",
    "report-share",
    "parent-technique",
    "implied-technique",
    "malware",
    "tool",
    "exclusivity",
    "reporting",
    "breadth",
)
SOFTWARE = ("malware", "tool", "exclusivity")
PRIORS = ("reporting", "breadth")
NOTHING = dict.fromkeys(WEIGHTS, 0.0)
N_FOLDS = 5
REPORTS_COUNT = 3.0  # a case of R or B counts as three of L: they are what the model will be used on


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A case, the knowledge it may be weighed against, and what each kind of evidence adds for each group."""

    id: str
    set: str
    actor: str
    truth: tuple[str, ...]  # empty: nobody in the table
    country: str  # that the true group is said to work from, whether it is in the table or not
    seen: Seen
    table: Table
    groups: tuple[str, ...]
    features: np.ndarray  # groups x WEIGHTS, per unit


def read_trials(data: Path, cases: Path | None = None) -> list[Trial]:
    """Read the cases of a folder, or other cases against its releases."""
    found = json.loads((cases or data / "cases_dev.json").read_text())
    names = {bench: name for name, benches in SETS.items() for bench in benches}
    latest = _release(max((data / "kb").glob("*.json.gz"), key=lambda p: float(p.name[: -len(".json.gz")])))
    kept = found["cases"] if isinstance(found, dict) else found
    return [_trial(case, names[case["bench"]], data, latest) for case in kept if case["bench"] in names]


def _trial(case, name: str, data: Path, latest) -> Trial:
    release = _release(data / "kb" / f"{case['kb']}.json.gz")
    table = _table(release, drop=set(case["drop"]), without=set(case["exclude_campaigns"]))
    seen = seen_of(case["tech"], case["sw"])
    origins = [(r["groups"].get(g) or {}).get("country") for g in case["truth"] for r in (release, latest)]
    return Trial(
        id=case["id"],
        set=name,
        actor=case["truth"][0] if case["truth"] else case["id"],
        truth=tuple(g for g in case["truth"] if g in table.profiles) if case.get("known", True) else (),
        country=next((c for c in origins if c), ""),
        seen=seen,
        table=table,
        groups=tuple(table.profiles),
        features=features_of(seen, table),
    )


@cache
def _release(path: Path):
    return json.loads(gzip.decompress(path.read_bytes()))


def _table(release, *, drop: set[str], without: set[str]) -> Table:
    cited: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    kept = [(c["att"], c) for name, c in release["campaigns"].items() if name not in without]
    for groups, user in [([g], v) for g, v in release["groups"].items()] + kept:
        for item, reports in (*user["tech"].items(), *user["sw"].items()):
            if left := set(reports) - drop:
                for group in groups:
                    cited[group][item] |= left
    return Table(
        (
            Profile(
                group=group,
                techniques={i: len(r) for i, r in cited[group].items() if i.startswith("T")},
                software={i: len(r) for i, r in cited[group].items() if i.startswith("S")},
                n_reports=len(set().union(*cited[group].values())),
                reports={i: frozenset(r) for i, r in cited[group].items()},
            )
            for group in sorted(release["groups"])
        ),
        tools=(s for s, v in release["software"].items() if v["type"] == "tool"),
        abilities={s: v["tech"] for s, v in release["software"].items()},
        origins={g: v.get("country") or "" for g, v in release["groups"].items()},
    )


def seen_of(techniques: Iterable[str], software: Iterable[str]) -> Seen:
    return Seen(
        techniques=dict.fromkeys(sorted(set(techniques)), ()), software=dict.fromkeys(sorted(set(software)), ())
    )


def features_of(seen: Seen, table: Table) -> np.ndarray:
    row = {group: i for i, group in enumerate(table.profiles)}
    sums = np.zeros((len(row), len(WEIGHTS)))
    for column, name in enumerate(WEIGHTS):
        unit = {**NOTHING, name: 1.0}
        if name in PRIORS:
            lines = [reporting_line(table, unit)]
        elif name in SOFTWARE:
            lines = software_lines(seen.software, table, unit)
        else:
            lines = technique_lines(seen.techniques, table, unit)
        for line in lines:
            for group, weight in line.weights.items():
                sums[row[group], column] += weight
    return sums


def folds(trials: Sequence[Trial], *, seed: int = 2026) -> Iterator[tuple[list[Trial], list[Trial]]]:
    """Yield (fitting, testing) parts that share no actor."""
    actors = sorted({t.actor for t in trials})
    random.Random(seed).shuffle(actors)
    fold = {actor: i % N_FOLDS for i, actor in enumerate(actors)}
    for k in range(N_FOLDS):
        yield [t for t in trials if fold[t.actor] != k], [t for t in trials if fold[t.actor] == k]


# ---- fitting ----


def fit(trials: Sequence[Trial], made_from: str = "") -> Constants:
    """Fit everything the model's data file holds."""
    weights = fit_weights(trials)
    reports = [t for t in trials if t.set != "L"]
    unknown = fit_unknown(reports, weights)
    draft = Constants(
        weights=weights,
        unknown=unknown,
        country=fit_country(trials, weights, unknown),
        mismatch=0.0,
        shortlist=0,
        made_from=made_from,
    )
    return Constants(
        weights=draft.weights,
        unknown=draft.unknown,
        country=draft.country,
        mismatch=fit_mismatch(reports, draft),
        shortlist=fit_shortlist(reports, weights),
        made_from=made_from,
    )


def fit_weights(trials: Sequence[Trial]) -> dict[str, float]:
    """Fit the weight of each kind of evidence."""
    known = [t for t in trials if t.truth]
    weights = conditional_logit([(t.features, [t.groups.index(g) for g in t.truth], _count(t)) for t in known])
    return {name: round(float(w), 4) for name, w in zip(WEIGHTS, weights, strict=True)}


def conditional_logit(cases: Sequence[tuple[np.ndarray, list[int], float]], *, pull: float = 10.0) -> np.ndarray:
    """Fit a conditional logit by Newton's method with halved steps; no weight is negative.

    Args:
        cases: Features (groups x kinds), rows of the true groups, and how much the case counts.
        pull: Strength of the ridge, over features in units of their standard deviation.
    """
    scale = np.concatenate([features for features, _, _ in cases]).std(0) + 1e-9
    data = [(features / scale, truth, count) for features, truth, count in cases]
    point = np.zeros(len(scale))
    best = _loss(point, data, pull)
    for _ in range(25):
        gradient, hessian = -pull * point, pull * np.eye(len(scale))
        for features, truth, count in data:
            share = _softmax(features @ point)
            own = np.zeros(len(share))
            own[truth] = _softmax((features @ point)[truth])
            mean = share @ features
            gradient += count * (own @ features - mean)
            hessian += count * ((features * share[:, None]).T @ features - np.outer(mean, mean))
        step, size = np.linalg.solve(hessian, gradient), 1.0
        while size > 1e-3 and _loss(np.maximum(0, point + size * step), data, pull) > best:
            size /= 2
        moved = np.maximum(0, point + size * step)
        done = np.abs(moved - point).max() < 1e-5
        point, best = moved, _loss(moved, data, pull)
        if done:
            break
    return point / scale


def _count(trial: Trial) -> float:
    return 1.0 if trial.set == "L" else REPORTS_COUNT


def _loss(point: np.ndarray, data, pull: float) -> float:
    total = pull / 2 * float(point @ point)
    for features, truth, count in data:
        scores = features @ point
        total += count * (_lse(scores) - _lse(scores[truth]))
    return total


def _lse(scores: np.ndarray) -> float:
    highest = float(scores.max())
    return highest + math.log(float(np.exp(scores - highest).sum()))


def _softmax(scores: np.ndarray) -> np.ndarray:
    odds = np.exp(scores - scores.max())
    return odds / odds.sum()


def scores_by(trial: Trial, weights: Mapping[str, float]) -> dict[str, float]:
    summed = trial.features @ np.array([weights[w] for w in WEIGHTS])
    return dict(zip(trial.groups, summed.tolist(), strict=True))


def prior_by(trial: Trial, weights: Mapping[str, float]) -> dict[str, float]:
    columns = [WEIGHTS.index(name) for name in PRIORS]
    summed = trial.features[:, columns] @ np.array([weights[name] for name in PRIORS])
    return dict(zip(trial.groups, summed.tolist(), strict=True))


def _state(trial: Trial, weights: Mapping[str, float], without: Sequence[str] = ()) -> tuple[float, float, float]:
    """Return log size, uplift, and the log-share of the truth among the known groups (0 if it is nobody)."""
    scores = scores_by(trial, weights)
    starts = prior_by(trial, weights)
    kept = [g for g in trial.groups if g not in without]
    total = log_sum_exp([scores[g] for g in kept])
    uplift = total - log_sum_exp([starts[g] for g in kept])
    truth = [g for g in trial.truth if g not in without]
    share = log_sum_exp([scores[g] for g in truth]) - total if truth else 0.0
    return math.log(1 + max(len(trial.seen.techniques), 4)), uplift, share


def fit_unknown(trials: Sequence[Trial], weights: Mapping[str, float], *, removed: float = 0.3) -> UnknownGroup:
    """Fit the unknown group by logistic regression, known and unknown actors one half each.

    Cases of known actors count once more as unknown ones with their true group taken out of the table, at a part of
    the weight of the real ones.
    """
    known = [t for t in trials if t.truth]
    unknown = [t for t in trials if not t.truth]
    n_unknown = len(unknown) + removed * len(known)
    rows = [(_state(t, weights), 0, 1 / len(known)) for t in known]
    rows += [(_state(t, weights), 1, 1 / n_unknown) for t in unknown]
    rows += [(_state(t, weights, t.truth), 1, removed / n_unknown) for t in known]
    x = np.array([[1.0, size, uplift] for (size, uplift, _), _, _ in rows])
    y = np.array([label for _, label, _ in rows], float)
    w = np.array([weight for _, _, weight in rows]) * len(known)
    point = np.zeros(3)
    for _ in range(40):
        p = 1 / (1 + np.exp(-(x @ point)))
        gradient = x.T @ (w * (y - p)) - 0.3 * np.array([0, 1, 1]) * point
        hessian = (x * (w * p * (1 - p))[:, None]).T @ x + np.diag([1e-6, 0.3, 0.3])
        point += np.linalg.solve(hessian, gradient)
    base, size, uplift = (round(float(v), 4) for v in point)
    return UnknownGroup(base=base, per_size=size, per_uplift=uplift)


def fit_country(trials: Sequence[Trial], weights: Mapping[str, float], unknown: UnknownGroup) -> CountryLayer:
    """Fit the layer of countries on a grid: four numbers, by likelihood, R and B counting more.

    Actors that are in no table count twice, since they are few and every second case is of one.
    """
    grid = [CountryShares(factor=f, per_size=s) for f in (0.6, 0.8, 1.0, 1.2) for s in (0.0, 0.2, 0.4, 0.6)]
    found = []
    for trial in (t for t in trials if t.country and t.country in set(t.table.origins.values())):
        scores, priors = scores_by(trial, weights), prior_by(trial, weights)
        evidence = {g: scores[g] - priors[g] for g in scores}
        shares = [
            [shares_of(of, trial.table.origins, numbers)[trial.country] for numbers in grid]
            for of in (scores, evidence)
        ]
        found.append((shares, _unknown_share(trial, weights, unknown), _count(trial) * (1 if trial.truth else 2)))
    known = np.array([shares[0] for shares, _, _ in found])[:, :, None]
    new = np.array([shares[1] for shares, _, _ in found])[:, None, :]
    share = np.array([u for _, u, _ in found])[:, None, None]
    counts = np.array([c for _, _, c in found])[:, None, None]
    loss = -(counts * np.log(np.maximum(1e-9, (1 - share) * known + share * new))).sum(0)
    one, other = np.unravel_index(int(loss.argmin()), loss.shape)
    return CountryLayer(known=grid[one], new=grid[other])


def _unknown_share(trial: Trial, weights: Mapping[str, float], of: UnknownGroup) -> float:
    size, uplift, _ = _state(trial, weights)
    return 1 / (1 + math.exp(-(of.base + of.per_size * size + of.per_uplift * uplift)))


def fit_mismatch(trials: Sequence[Trial], of: Constants) -> float:
    """Return the mismatch that four in five planted cases exceed, found with three plants per case."""
    draw, found = random.Random(7), []
    for trial in (t for t in trials if t.truth):
        for _ in range(3):
            planted = plant(trial, 2, 5, draw)
            if planted is not None and (m := mismatch(planted[0], planted[1], trial.table, of=of)) is not None:
                found.append(m.by)
    return round(float(np.quantile(found, 0.15)), 2)


def fit_shortlist(trials: Sequence[Trial], weights: Mapping[str, float]) -> int:
    ranks = [rank_of_truth(t, scores_by(t, weights)) for t in trials if t.truth]
    return math.ceil(float(np.quantile(ranks, 0.8)))


def rank_of_truth(trial: Trial, scores: Mapping[str, float]) -> float:
    """Rank of the true group; among equals the middle place."""
    best = max(scores[g] for g in trial.truth)
    above = sum(1 for s in scores.values() if s > best)
    equal = sum(1 for s in scores.values() if s == best)
    return above + (equal + 1) / 2


def plant(trial: Trial, n_malware: int, n_techniques: int, draw: random.Random) -> tuple[str, Seen] | None:
    """Lay exclusive malware and techniques of another country's group into a case."""
    table = trial.table
    own = {table.origins.get(g, "") for g in trial.truth}
    hoards = {
        g: sorted(s for s in p.software if len(table.software.users(s)) == 1 and s not in table.tools)
        for g, p in table.profiles.items()
        if table.origins.get(g, "") not in own and len(p.techniques) >= 5
    }
    culprits = sorted(g for g, hoard in hoards.items() if len(hoard) >= 2)
    if not culprits:
        return None
    culprit = draw.choice(culprits)
    malware = draw.sample(hoards[culprit], n_malware)
    techniques = draw.sample(sorted(table.profiles[culprit].techniques), n_techniques)
    return culprit, seen_of([*trial.seen.techniques, *techniques], [*trial.seen.software, *malware])
