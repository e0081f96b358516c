"""Measure attribution on development cases, against simpler models in the same run.

    python benchmarks/attribution.py PATH/TO/attribution-bench [--cases FILE] [--shipped]

Every number of the model is fitted anew in each of five folds that share no actor with what is measured. With
``--shipped`` the numbers that come with stillhunt are used as they are; that is how to judge them on cases they were
not fitted on, named with ``--cases``. Prints Markdown. Same input, same output.
"""

# ruff: noqa: E501  # rows of Markdown tables are long
from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from attribution_cases import (
    SETS,
    Trial,
    conditional_logit,
    features_of,
    fit,
    fit_weights,
    folds,
    plant,
    rank_of_truth,
    read_trials,
    scores_by,
    seen_of,
)

from stillhunt.attribution.abstain import THRESHOLD, judge
from stillhunt.attribution.assessment import UNKNOWN_GROUP
from stillhunt.attribution.constants import Constants, constants
from stillhunt.attribution.countries import origins_of
from stillhunt.attribution.profile import Table
from stillhunt.attribution.seen import Seen
from stillhunt.attribution.weigh import weigh
from stillhunt.terms.technique import parent_of

N_BOOTSTRAP = 2_000
ADD5 = {"technique": 0.289, "parent": 0.013, "software": 0.354, "exclusivity": 3.456, "reporting": 0.611}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A case weighed with numbers that were fitted without its actor."""

    trial: Trial
    of: Constants


Scores = Mapping[str, float]
Model = Callable[[Judged], Scores]


# ---- models ----


def stillhunt(judged: Judged) -> Scores:
    return scores_by(judged.trial, judged.of.weights)


def popularity(judged: Judged) -> Scores:
    return {g: float(p.n_reports) for g, p in judged.trial.table.profiles.items()}


def jaccard(*, with_software: bool) -> Model:
    def model(judged: Judged) -> Scores:
        ours = _items(judged.trial.seen, with_software=with_software)
        return {
            g: len(ours & theirs) / max(1, len(ours | theirs))
            for g, theirs in _profiles(judged.trial.table, with_software=with_software).items()
        }

    return model


def tf_idf(*, with_parents: bool, with_software: bool) -> Model:
    def model(judged: Judged) -> Scores:
        ours = _items(judged.trial.seen, with_parents=with_parents, with_software=with_software)
        profiles = _profiles(judged.trial.table, with_parents=with_parents, with_software=with_software)
        rarity = _rarity(profiles)
        scores = {}
        for group, items in profiles.items():
            length = math.sqrt(sum(rarity[i] ** 2 for i in items)) or 1.0
            scores[group] = sum(rarity[i] ** 2 for i in ours & items) / length
        return scores

    return model


def naive_bayes(*, with_parents: bool, with_software: bool) -> Model:
    """Multinomial with Laplace smoothing over items seen or not in a profile."""

    def model(judged: Judged) -> Scores:
        ours = _items(judged.trial.seen, with_parents=with_parents, with_software=with_software)
        profiles = _profiles(judged.trial.table, with_parents=with_parents, with_software=with_software)
        n_items = len(set().union(*profiles.values()) | ours)
        return {
            g: math.log(len(items) + 1) + sum(math.log((2 if i in items else 1) / (len(items) + n_items)) for i in ours)
            for g, items in profiles.items()
        }

    return model


def bm25(*, with_parents: bool, with_software: bool) -> Model:
    def model(judged: Judged) -> Scores:
        table, seen = judged.trial.table, judged.trial.seen
        scores = dict.fromkeys(table.profiles, 0.0)
        parts = [(table.techniques, sorted(seen.techniques))]
        if with_parents:
            parts.append((table.parents, sorted({parent_of(t) for t in seen.techniques})))
        if with_software:
            parts.append((table.software, sorted(seen.software)))
        for usage, items in parts:
            for item in items:
                for group, weight in usage.weights(item).items():
                    scores[group] += weight
        return scores

    return model


def add5(*, with_software: bool) -> Model:
    """The model of the research note, with its published weights, which were fitted on these very cases."""
    weights = [w if with_software or name not in {"software", "exclusivity"} else 0.0 for name, w in ADD5.items()]

    def model(judged: Judged) -> Scores:
        found = _add5_features(judged.trial.seen, judged.trial.table) @ np.array(weights)
        return dict(zip(judged.trial.groups, found.tolist(), strict=True))

    return model


def add5_refitted(cases: Sequence[Judged]) -> Model:
    """The model of the research note, its weights fitted anew in the folds that ours are fitted in."""
    by_id: dict[str, np.ndarray] = {}
    for fitting, testing in folds([c.trial for c in cases]):
        known = [t for t in fitting if t.truth]
        weights = conditional_logit(
            [(_add5_features(t.seen, t.table), [t.groups.index(g) for g in t.truth], 1.0) for t in known], pull=1.0
        )
        by_id |= {t.id: weights for t in testing}

    def model(judged: Judged) -> Scores:
        found = _add5_features(judged.trial.seen, judged.trial.table) @ by_id[judged.trial.id]
        return dict(zip(judged.trial.groups, found.tolist(), strict=True))

    return model


def _add5_features(seen: Seen, table: Table) -> np.ndarray:
    row = {g: i for i, g in enumerate(table.profiles)}
    sums = np.zeros((len(row), len(ADD5)))
    sums[:, 4] = [math.log(p.n_reports + 1) for p in table.profiles.values()]
    parents = {parent_of(t) for t in seen.techniques}
    parts = ((table.techniques, seen.techniques), (table.parents, parents), (table.software, seen.software))
    for column, (usage, items) in enumerate(parts):
        for item in sorted(items):
            for group, weight in usage.weights(item).items():
                sums[row[group], column] += weight
    for item in seen.software:
        users = table.software.users(item)
        for group in users:
            sums[row[group], 3] += 1 / len(users)
    return sums


def _items(seen: Seen, *, with_parents: bool = False, with_software: bool = False) -> set[str]:
    found = set(seen.techniques)
    if with_parents:
        found |= {f"parent:{parent_of(t)}" for t in seen.techniques}
    return found | set(seen.software) if with_software else found


@cache
def _profiles(table: Table, *, with_parents: bool = False, with_software: bool = False) -> dict[str, set[str]]:
    return {
        g: _items(seen_of(p.techniques, p.software), with_parents=with_parents, with_software=with_software)
        for g, p in table.profiles.items()
    }


def _rarity(profiles: Mapping[str, set[str]]) -> dict[str, float]:
    users = Counter(i for items in profiles.values() for i in items)
    return {i: math.log(len(profiles) / n) for i, n in users.items()}


# ---- ranking ----


def changed(judged: Judged, seen: Seen) -> Judged:
    trial = judged.trial
    return replace(judged, trial=replace(trial, seen=seen, features=features_of(seen, trial.table)))


def techniques_only(judged: Judged) -> Judged:
    return changed(judged, seen_of(judged.trial.seen.techniques, ()))


def print_ranking(cases: Sequence[Judged], *, is_refitted: bool) -> None:
    with_software: list[tuple[str, Model]] = [
        ("**stillhunt**", stillhunt),
        ("ADD5 of the research note, as published (fitted on these cases)", add5(with_software=True)),
        *([("ADD5, refitted without the actor", add5_refitted(cases))] if is_refitted else []),
        ("BM25 + parents + software", bm25(with_parents=True, with_software=True)),
        ("naive Bayes + parents + software", naive_bayes(with_parents=True, with_software=True)),
        ("TF-IDF cosine + parents + software", tf_idf(with_parents=True, with_software=True)),
        ("Jaccard + software", jaccard(with_software=True)),
        ("most-reported groups first", popularity),
    ]
    without: list[tuple[str, Model]] = [
        ("**stillhunt**", stillhunt),
        ("ADD3 of the research note", add5(with_software=False)),
        ("BM25", bm25(with_parents=False, with_software=False)),
        ("naive Bayes", naive_bayes(with_parents=False, with_software=False)),
        ("TF-IDF cosine", tf_idf(with_parents=False, with_software=False)),
        ("Jaccard", jaccard(with_software=False)),
        ("most-reported groups first", popularity),
    ]
    print(
        "Techniques and software: top-1 [95 % interval] / top-5 / top-10 in %, mean reciprocal rank [95 % interval]\n"
    )
    _ranking_table(cases, with_software)
    print("\nTechniques only\n")
    _ranking_table([techniques_only(c) for c in cases if c.trial.truth], without)


def _ranking_table(cases: Sequence[Judged], models: Sequence[tuple[str, Model]]) -> None:
    present = [name for name in SETS if any(c.trial.set == name and c.trial.truth for c in cases)]
    columns = {name: [c for c in cases if c.trial.truth and c.trial.set == name] for name in present}
    columns["all but L"] = [c for c in cases if c.trial.truth and c.trial.set != "L"]
    print("| model |", " | ".join(f"{n} (n={len(c)})" for n, c in columns.items()), "|")
    print("|---|" + "---|" * len(columns))
    for title, model in models:
        cells = [_ranking_cell([rank_of_truth(c.trial, model(c)) for c in of]) for of in columns.values()]
        print(f"| {title} |", " | ".join(cells), "|")


def _ranking_cell(ranks: Sequence[float]) -> str:
    array, draw = np.array(ranks), np.random.default_rng(2026)
    samples = array[draw.integers(0, len(array), (N_BOOTSTRAP, len(array)))]
    top_low, top_high = np.quantile((samples <= 1).mean(1) * 100, (0.025, 0.975))
    mrr_low, mrr_high = np.quantile((1 / samples).mean(1), (0.025, 0.975))
    at = [f"{100 * (array <= k).mean():.1f}" for k in (1, 5, 10)]
    mrr = f"{(1 / array).mean():.3f} [{mrr_low:.2f}-{mrr_high:.2f}]"
    return f"{at[0]} [{top_low:.0f}-{top_high:.0f}] / {at[1]} / {at[2]}, {mrr}"


def print_better(cases: Sequence[Judged], *, is_refitted: bool) -> None:
    """Paired bootstrap of the difference to the best baselines: the cases are the same, so the interval is tighter."""
    known = [c for c in cases if c.trial.truth and c.trial.set != "L"]
    ours = np.array([rank_of_truth(c.trial, stillhunt(c)) for c in known])
    draw = np.random.default_rng(2026).integers(0, len(known), (N_BOOTSTRAP, len(known)))
    for title, model in (
        ("ADD5 as published", add5(with_software=True)),
        *([("ADD5 refitted without the actor", add5_refitted(cases))] if is_refitted else []),
        ("BM25 + parents + software", bm25(with_parents=True, with_software=True)),
    ):
        theirs = np.array([rank_of_truth(c.trial, model(c)) for c in known])
        told = []
        for name, value in (
            ("top-1", lambda r: (r <= 1) * 100.0),
            ("top-5", lambda r: (r <= 5) * 100.0),
            ("MRR", lambda r: 1 / r),
        ):
            gains = value(ours) - value(theirs)
            low, high = np.quantile(gains[draw].mean(1), (0.025, 0.975))
            told.append(f"{name} {gains.mean():+.3g} [{low:+.3g} to {high:+.3g}]")
        print(f"- against {title}, all but L: {', '.join(told)}")


def print_repeated(cases: Sequence[Judged]) -> None:
    """Repeat the ranking with five other divisions of the actors: what division alone does to the numbers."""
    trials = [c.trial for c in cases]
    known = [t for t in trials if t.truth]
    theirs = {t.id: _add5_features(t.seen, t.table) for t in known}
    print("| division of the actors, all but L | stillhunt | ADD5, refitted |\n|---|---|---|")
    sums: list[list[list[float]]] = [[], []]
    for seed in range(1, 6):
        ranks: list[list[float]] = [[], []]
        for fitting, testing in folds(trials, seed=seed):
            ours = fit_weights(fitting)
            rows = [(theirs[t.id], [t.groups.index(g) for g in t.truth], 1.0) for t in fitting if t.truth]
            weights = conditional_logit(rows, pull=1.0)
            for t in (t for t in testing if t.truth and t.set != "L"):
                ranks[0].append(rank_of_truth(t, scores_by(t, ours)))
                ranks[1].append(rank_of_truth(t, dict(zip(t.groups, (theirs[t.id] @ weights).tolist(), strict=True))))
        print(f"| {seed} | {_short(ranks[0])} | {_short(ranks[1])} |")
        for whole, part in zip(sums, ranks, strict=True):
            whole.append(part)
    means = [_short([r for part in whole for r in part]) for whole in sums]
    print(f"| mean | **{means[0]}** | {means[1]} |")


def print_by_software(cases: Sequence[Judged]) -> None:
    known = [c for c in cases if c.trial.truth and c.trial.set != "L"]
    groups: defaultdict[str, list[float]] = defaultdict(list)
    for c in known:
        n = sum(1 for s in c.trial.seen.software if c.trial.table.software.users(s))
        is_exclusive = any(
            c.trial.table.software.users(s) == (g,) for s in c.trial.seen.software for g in c.trial.truth
        )
        key = (
            "malware that the true group alone has"
            if is_exclusive
            else f"{min(n, 2)}{' or more' if n > 1 else ''} software known of somebody"
        )
        groups[key].append(rank_of_truth(c.trial, stillhunt(c)))
    print("| case has | n | top-1 % | top-5 % |\n|---|---|---|---|")
    for key in sorted(groups):
        ranks = np.array(groups[key])
        print(f"| {key} | {len(ranks)} | {100 * (ranks <= 1).mean():.0f} | {100 * (ranks <= 5).mean():.0f} |")


# ---- degradation ----


def print_degradation(cases: Sequence[Judged], tagged: Mapping[str, int]) -> None:
    known = [c for c in cases if c.trial.truth and c.trial.set != "L"]
    plans = [
        ("all that was reported", False, 0.0, 0.0),
        ("only techniques that a Sigma rule is tagged with", True, 0.0, 0.0),
        ("20 % missed", False, 0.2, 0.0),
        ("50 % missed", False, 0.5, 0.0),
        ("20 % false added", False, 0.0, 0.2),
        ("50 % false added", False, 0.0, 0.5),
        ("Sigma-tagged, 50 % missed, 50 % false added", True, 0.5, 0.5),
    ]
    print("| evidence seen | with software: top-1 / top-5 %, MRR | without | ADD3, without |\n|---|---|---|---|")
    for title, only_tagged, missed, false in plans:
        draw = random.Random(2026)
        degraded = [
            changed(
                c,
                _degraded(
                    c.trial.seen, tagged if only_tagged else None, missed=missed, false=false, tagged=tagged, draw=draw
                ),
            )
            for c in known
            for _ in range(3)
        ]
        bare = [techniques_only(c) for c in degraded]
        cells = [_short([rank_of_truth(c.trial, stillhunt(c)) for c in of]) for of in (degraded, bare)]
        cells.append(_short([rank_of_truth(c.trial, add5(with_software=False)(c)) for c in bare]))
        print(f"| {title} | {' | '.join(cells)} |")


def _degraded(seen: Seen, only, *, missed: float, false: float, tagged: Mapping[str, int], draw: random.Random) -> Seen:
    techniques = [t for t in seen.techniques if only is None or t in only or parent_of(t) in only]
    kept = [t for t in techniques if draw.random() >= missed]
    n_false = round(false * len(techniques))
    added = draw.choices(sorted(tagged), weights=[tagged[t] for t in sorted(tagged)], k=n_false) if n_false else []
    return seen_of([*kept, *added], seen.software)


def _short(ranks: Sequence[float]) -> str:
    array = np.array(ranks)
    return f"{100 * (array <= 1).mean():.1f} / {100 * (array <= 5).mean():.1f}, {(1 / array).mean():.3f}"


# ---- open set ----


def print_open_set(cases: Sequence[Judged]) -> None:
    reports = [c for c in cases if c.trial.set != "L"]
    rankings = [_weighed(c) for c in reports]
    removed = {
        c.trial.id: max(p for g, p in _weighed(c, without=c.trial.truth).probabilities.items() if g != UNKNOWN_GROUP)
        for c in reports
        if c.trial.truth
    }
    n_known = sum(1 for c in reports if c.trial.truth)
    n_unknown = len(reports) - n_known
    share = [1 / (2 * n_known) if c.trial.truth else 1 / (2 * n_unknown) for c in reports]
    leaders = [(r.known[0], r.probabilities[r.known[0]]) for r in rankings]
    hits = [g in c.trial.truth for (g, _), c in zip(leaders, reports, strict=True)]
    unknown = [r.probabilities[UNKNOWN_GROUP] for r in rankings]
    on_truth = [
        sum(r.probabilities[g] for g in c.trial.truth) if c.trial.truth else r.probabilities[UNKNOWN_GROUP]
        for c, r in zip(reports, rankings, strict=True)
    ]
    nll = sum(-math.log(max(1e-12, p)) * w for p, w in zip(on_truth, share, strict=True))
    brier = sum(
        w * (sum(p * p for p in r.probabilities.values()) - 2 * q + 1)
        for r, q, w in zip(rankings, on_truth, share, strict=True)
    )
    ece = _ece([p for _, p in leaders], hits, share)
    ece_low, ece_high = _ece_interval([p for _, p in leaders], hits, share)
    ece_unknown = _ece(unknown, [not c.trial.truth for c in reports], share)
    print(
        f"Known ({n_known}) and unknown actors ({n_unknown}) weighted to one half each. ECE of the leading group "
        f"{ece:.3f} [{ece_low:.3f}-{ece_high:.3f}], of the unknown group {ece_unknown:.3f}; multiclass Brier {brier:.3f}; NLL {nll:.2f}\n"
    )
    print("| stated probability of the leading group | n | mean stated | right |\n|---|---|---|---|")
    for low, high in ((0, 0.05), (0.05, 0.2), (0.2, 0.35), (0.35, 0.55), (0.55, 0.8), (0.8, 0.95), (0.95, 1.01)):
        within = [(p, h) for (_, p), h in zip(leaders, hits, strict=True) if low <= p < high]
        if within:
            mean, right = (sum(x[i] for x in within) / len(within) for i in (0, 1))
            print(f"| {low:.2f} to {min(high, 1):.2f} | {len(within)} | {mean:.2f} | {right:.2f} |")
    print("\nProbability of the leading group, with and without the restraint for too few kinds of evidence:\n")
    print(
        "| probability at least | known named | right when named | unknown wrongly named | true group removed, named |"
    )
    print("|---|---|---|---|---|")
    free = [(g, r.unrestrained) for (g, _), r in zip(leaders, rankings, strict=True)]
    for title, said in (("", leaders), (" (unrestrained)", free)):
        for least in (0.55, 0.8, 0.95):
            named = [(c, h) for (_, p), c, h in zip(said, reports, hits, strict=True) if p >= least]
            known = [h for c, h in named if c.trial.truth]
            n_removed = sum(p >= least for p in removed.values())
            gone = _of(n_removed, n_known) if not title else ""
            print(
                f"| {least:.2f}{title} | {_of(len(known), n_known)} | {_of(sum(h for _, h in named), len(named))} "
                f"| {_of(len(named) - len(known), n_unknown)} | {gone} |"
            )


def _weighed(judged: Judged, without: Sequence[str] = ()):
    seen = judged.trial.seen
    return weigh(seen.techniques, seen.software, judged.trial.table, of=judged.of, without=without)


def _ece(stated: Sequence[float], hits: Sequence[bool], share: Sequence[float]) -> float:
    """Expected calibration error over ten equal bins."""
    gaps: defaultdict[int, float] = defaultdict(float)
    for p, hit, w in zip(stated, hits, share, strict=True):
        gaps[min(9, int(10 * p))] += w * (p - hit)
    return sum(abs(gap) for gap in gaps.values()) / sum(share)


def _ece_interval(stated: Sequence[float], hits: Sequence[bool], share: Sequence[float]) -> tuple[float, float]:
    draw = random.Random(2026)
    indices = range(len(stated))
    found = []
    for _ in range(500):
        chosen = draw.choices(indices, k=len(stated))
        found.append(_ece([stated[i] for i in chosen], [hits[i] for i in chosen], [share[i] for i in chosen]))
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)


def print_verdicts(cases: Sequence[Judged]) -> None:
    for title, part in (
        ("R and B", [c for c in cases if c.trial.set != "L"]),
        ("L", [c for c in cases if c.trial.set == "L"]),
    ):
        counts: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        for c in part:
            verdict = judge(c.trial.seen, _weighed(c), c.trial.table, of=c.of)
            side = "known" if c.trial.truth else "unknown"
            counts[side] += 1
            counts[f"{side} named"] += verdict.named is not None
            counts["right"] += verdict.named in c.trial.truth
            counts["hanging"] += verdict.named is not None and bool(verdict.fragile)
            counts["flagged"] += verdict.named is not None and verdict.is_inconsistent
            reasons[verdict.reason or "named"] += 1
        if not part:
            continue
        n_named = counts["known named"] + counts["unknown named"]
        print(
            f"{title}: known actors named {_of(counts['known named'], counts['known'])}, unknown ones "
            f"{_of(counts['unknown named'], counts['unknown'])}; right {_of(counts['right'], n_named)}; of the namings "
            f"{_of(counts['hanging'], n_named)} said to rest on single items, {_of(counts['flagged'], n_named)} flagged inconsistent\n"
        )
        print("| verdict | cases |\n|---|---|")
        for reason, n in reasons.most_common():
            print(f"| {reason} | {n} |")
        print()


# ---- planted ----


def print_planted(cases: Sequence[Judged]) -> None:
    known = [c for c in cases if c.trial.truth and c.trial.set != "L"]
    print(
        "| planted, of another country's group | planted group on top | unrestrained P >= .80 | P >= .55 | named | named at .80 | flagged inconsistent | of those named |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for n_malware, n_techniques in ((0, 0), (1, 0), (1, 5), (2, 5)):
        draw, counts = random.Random(2026), Counter()
        for c in known:
            planted = plant(c.trial, n_malware, n_techniques, draw)
            if planted is None:
                continue
            culprit, seen = planted
            ranking = weigh(seen.techniques, seen.software, c.trial.table, of=c.of)
            verdict = judge(seen, ranking, c.trial.table, of=c.of)
            is_named = verdict.named == culprit
            counts["n"] += 1
            counts["top"] += ranking.known[0] == culprit
            counts["free"] += ranking.known[0] == culprit and ranking.unrestrained >= 0.8
            counts["likely"] += ranking.probabilities[culprit] >= THRESHOLD
            counts["named"] += is_named
            counts["strong"] += is_named and ranking.probabilities[culprit] >= 0.8
            counts["flagged"] += verdict.is_inconsistent
            counts["named flagged"] += is_named and verdict.is_inconsistent
        cells = [_of(counts[k], counts["n"]) for k in ("top", "free", "likely", "named", "strong", "flagged")]
        cells.append(_of(counts["named flagged"], counts["named"]))
        print(f"| {n_malware} exclusive malware, {n_techniques} techniques | {' | '.join(cells)} |")


# ---- country, shortlist ----


def print_countries(cases: Sequence[Judged]) -> None:
    print(
        "| cases | n | top country right [95 %] | ADD5, summed | most frequent country | P >= .55 right | P >= .80 right | ECE |"
    )
    print("|---|---|---|---|---|---|---|---|")
    labelled = [c for c in cases if c.trial.country and c.trial.country in c.trial.table.origins.values()]
    parts = (
        ("actor known", [c for c in labelled if c.trial.truth and c.trial.set != "L"]),
        ("actor not in the base", [c for c in labelled if not c.trial.truth and c.trial.set != "L"]),
        ("L, actor known", [c for c in labelled if c.trial.truth and c.trial.set == "L"]),
    )
    for title, part in parts:
        if not part:
            continue
        found = [origins_of(_weighed(c), c.trial.table, c.of.country)[0] for c in part]
        hits = [o.country == c.trial.country for o, c in zip(found, part, strict=True)]
        plain = [_summed_country(c) == c.trial.country for c in part]
        usual = Counter(c.trial.country for c in part).most_common(1)[0]
        draw = np.random.default_rng(2026).integers(0, len(hits), (N_BOOTSTRAP, len(hits)))
        low, high = np.quantile(np.array(hits)[draw].mean(1) * 100, (0.025, 0.975))
        at = [
            _of(
                sum(h for o, h in zip(found, hits, strict=True) if o.probability >= p),
                sum(o.probability >= p for o in found),
            )
            for p in (0.55, 0.8)
        ]
        ece = _ece([o.probability for o in found], hits, [1.0] * len(hits))
        print(
            f"| {title} | {len(part)} | {100 * sum(hits) / len(hits):.1f} % [{low:.0f}-{high:.0f}] | {100 * sum(plain) / len(plain):.1f} % "
            f"| {usual[0]} {100 * usual[1] / len(part):.0f} % | {at[0]} | {at[1]} | {ece:.3f} |"
        )


def _summed_country(judged: Judged) -> str:
    scores = add5(with_software=True)(judged)
    highest = max(scores.values())
    sums: defaultdict[str, float] = defaultdict(float)
    for group, country in sorted(judged.trial.table.origins.items()):
        sums[country] += math.exp((scores[group] - highest) / 1.2)
    return max(sorted(sums), key=lambda c: sums[c])


def print_shortlist(cases: Sequence[Judged]) -> None:
    known = [c for c in cases if c.trial.truth and c.trial.set != "L"]
    for title, of in (("techniques and software", known), ("techniques only", [techniques_only(c) for c in known])):
        ranks = np.array([rank_of_truth(c.trial, stillhunt(c)) for c in of])
        theirs = np.array([rank_of_truth(c.trial, add5(with_software=True)(c)) for c in of])
        size = math.ceil(float(np.quantile(ranks, 0.8)))
        held = np.mean([r <= c.of.shortlist for r, c in zip(ranks, of, strict=True)])
        print(
            f"- {title}: {size} groups hold the true one in 80 % (ADD5: {math.ceil(float(np.quantile(theirs, 0.8)))}); "
            f"the shortlist of fitted length holds it in {100 * held:.0f} %"
        )


def _of(part: int, whole: int) -> str:
    return f"{part}/{whole} ({100 * part / whole:.0f} %)" if whole else "0/0"


def judged_cases(trials: Sequence[Trial], *, shipped: bool) -> list[Judged]:
    if shipped:
        return [Judged(trial=t, of=constants()) for t in trials]
    by_id = {
        t.id: Judged(trial=t, of=of) for fitting, testing in folds(trials) for of in [fit(fitting)] for t in testing
    }
    return [by_id[t.id] for t in trials]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the development cases")
    parser.add_argument("--cases", type=Path, help="other cases, to be weighed against the same releases")
    parser.add_argument("--shipped", action="store_true", help="use the numbers that come with stillhunt")
    arguments = parser.parse_args()
    cases = judged_cases(read_trials(arguments.data, arguments.cases), shipped=arguments.shipped)
    tagged = json.loads((arguments.data / "sigma_techniques.json").read_text())["n_rules_by_technique"]
    how = (
        "the numbers that come with stillhunt" if arguments.shipped else "numbers fitted without the actor, five folds"
    )
    print(f"{len(cases)} cases; {how}.\n\n## Ranking, actors in the knowledge base\n")
    print_ranking(cases, is_refitted=not arguments.shipped)
    print()
    print_better(cases, is_refitted=not arguments.shipped)
    if not arguments.shipped:
        print("\nRepeated with other divisions: top-1 / top-5 %, mean reciprocal rank\n")
        print_repeated(cases)
    print("\nBy the software that a case shows, all but L:\n")
    print_by_software(cases)
    print("\n## Degradation, all but L, three draws each\n")
    print_degradation(cases, tagged)
    print("\n## Calibration and the unknown group, all but L\n")
    print_open_set(cases)
    print("\n## The verdict with its guard rails\n")
    print_verdicts(cases)
    print("## Planted evidence, all but L\n")
    print_planted(cases)
    print("\n## Country\n")
    print_countries(cases)
    print("\n## Shortlist, all but L\n")
    print_shortlist(cases)
    began = time.perf_counter()
    for c in cases[:50]:
        judge(c.trial.seen, _weighed(c), c.trial.table, of=c.of)
    is_quick = (time.perf_counter() - began) / min(50, len(cases)) < 0.3
    print(f"\nWeighing and judging one case took {'less' if is_quick else 'MORE'} than 0.3 s on average.")


if __name__ == "__main__":
    main()
