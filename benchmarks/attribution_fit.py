"""Fit what the attribution model's constants are made of, and measure it against simpler models.

    python benchmarks/attribution_fit.py PATH/TO/attribution-bench

The folder holds ``cases_dev.json`` (cases with their true group) and ``kb/<release>.json.gz`` (ATT&CK releases
with the reports behind every edge). Every case is weighed against the release before it, or one without any of
the reports that describe it. Cross-validation is by actor: no group is in the fitting and the testing part.

Prints Markdown. Same input, same output.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from stillhunt.attribution.abstain import THRESHOLD, exclusive_items, judge
from stillhunt.attribution.assessment import UNKNOWN_GROUP
from stillhunt.attribution.evidence.reporting import reporting_line
from stillhunt.attribution.evidence.software import software_lines
from stillhunt.attribution.evidence.techniques import technique_lines
from stillhunt.attribution.profile import Profile, Table
from stillhunt.attribution.seen import Seen
from stillhunt.attribution.weigh import weigh

SETS = {"L": ("L",), "R": ("R",), "B": ("B1", "B2", "B3", "B4")}
KINDS = ("technique", "parent-technique", "software", "software-exclusivity", "reporting")
N_FOLDS = 5
N_BOOTSTRAP = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A case, the knowledge it may be weighed against, and what each kind of evidence adds for each group."""

    id: str
    set: str
    actor: str
    truth: tuple[str, ...]  # empty: nobody in the table
    seen: Seen
    table: Table
    countries: Mapping[str, str]
    features: Mapping[str, tuple[float, ...]]  # by group, one number per kind, in shipped units


# ---- reading ----


def read_trials(data: Path) -> list[Trial]:
    cases = json.loads((data / "cases_dev.json").read_text())["cases"]
    names = {bench: name for name, benches in SETS.items() for bench in benches}
    return [_trial(case, names[case["bench"]], data) for case in cases if case["bench"] in names]


def _trial(case, name: str, data: Path) -> Trial:
    release = _release(data / "kb" / f"{case['kb']}.json.gz")
    table = _table(release, drop=set(case["drop"]), without=set(case["exclude_campaigns"]))
    seen = _seen(case["tech"], case["sw"])
    return Trial(
        id=case["id"],
        set=name,
        actor=case["truth"][0] if case["truth"] else case["id"],
        truth=tuple(g for g in case["truth"] if g in table.profiles) if case.get("known", True) else (),
        seen=seen,
        table=table,
        countries={g: v.get("country") or "" for g, v in release["groups"].items()},
        features=_features(seen, table),
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
            )
            for group in sorted(release["groups"])
        ),
        tools=(s for s, v in release["software"].items() if v["type"] == "tool"),
    )


def _seen(techniques: Iterable[str], software: Iterable[str]) -> Seen:
    return Seen(
        techniques=dict.fromkeys(sorted(set(techniques)), ()), software=dict.fromkeys(sorted(set(software)), ())
    )


def _features(seen: Seen, table: Table) -> dict[str, tuple[float, ...]]:
    sums = {group: dict.fromkeys(KINDS, 0.0) for group in table.profiles}
    lines = (*technique_lines(seen.techniques, table), *software_lines(seen.software, table), reporting_line(table))
    for line in lines:
        for group, weight in line.weights.items():
            sums[group][line.kind] += weight
    return {group: tuple(s[k] for k in KINDS) for group, s in sums.items()}


# ---- models: trial -> score by group ----


def shipped(trial: Trial) -> dict[str, float]:
    return {g: sum(f) for g, f in trial.features.items()}


def techniques_only(trial: Trial) -> dict[str, float]:
    return {g: f[0] + f[1] + f[4] for g, f in trial.features.items()}


def reweighted(factors: Sequence[float]) -> Callable[[Trial], dict[str, float]]:
    return lambda trial: {g: _dot(factors, f) for g, f in trial.features.items()}


def popularity(trial: Trial) -> dict[str, float]:
    return {g: float(p.n_reports) for g, p in trial.table.profiles.items()}


def jaccard(trial: Trial) -> dict[str, float]:
    ours = set(trial.seen.items)
    return {
        g: len(ours & theirs) / len(ours | theirs)
        for g, theirs in ((g, {*p.techniques, *p.software}) for g, p in trial.table.profiles.items())
    }


def tf_idf(trial: Trial) -> dict[str, float]:
    table, n = trial.table, len(trial.table.profiles)
    rarity = {i: math.log(n / len(u)) for i in _all_items(table) if (u := table.users(i))}
    scores = {}
    for group, p in table.profiles.items():
        vector = {i: rarity[i] for i in (*p.techniques, *p.software)}
        length = math.sqrt(sum(w * w for w in vector.values())) or 1.0
        scores[group] = sum(vector[i] * rarity[i] for i in trial.seen.items if i in vector) / length
    return scores


def _all_items(table: Table) -> set[str]:
    return {i for p in table.profiles.values() for i in (*p.techniques, *p.software)}


# ---- fitting ----


def fit_factors(trials: Sequence[Trial]) -> list[float]:
    """Refit the weight of each kind, as factors of the shipped ones, by Newton's method on the conditional logit.

    A weak pull towards 1 keeps kinds that hardly matter where they are.
    """
    factors, pull = [1.0] * len(KINDS), 1.0
    for _ in range(6):
        gradient = [pull * (1.0 - w) for w in factors]
        hessian = [[pull * (i == j) for j in range(len(KINDS))] for i in range(len(KINDS))]
        for trial in trials:
            if trial.truth:
                _add_logit(trial, factors, gradient, hessian)
        factors = [w + d for w, d in zip(factors, _solve(hessian, gradient), strict=True)]
    return factors


def _add_logit(trial: Trial, factors: Sequence[float], gradient: list[float], hessian: list[list[float]]) -> None:
    share = _softmax(reweighted(factors)(trial))
    own = _mean({g: 1 / len(trial.truth) for g in trial.truth}, trial.features)
    expected = _mean(share, trial.features)
    for i in range(len(KINDS)):
        gradient[i] += own[i] - expected[i]
        for j in range(len(KINDS)):
            second = sum(p * trial.features[g][i] * trial.features[g][j] for g, p in share.items())
            hessian[i][j] += second - expected[i] * expected[j]


@dataclass(frozen=True, slots=True)
class Calibration:
    """The constants of ``calibrate.py``."""

    temperature: float
    per_technique: float
    per_software: float

    def probabilities(self, trial: Trial, *, without: Sequence[str] = ()) -> dict[str, float]:
        known = {g: f for g, f in trial.features.items() if g not in without}
        scores = {g: self.temperature * sum(f) for g, f in known.items()}
        prior = _log_sum_exp([self.temperature * f[-1] for f in known.values()])
        size = self.per_technique * len(trial.seen.techniques) + self.per_software * len(trial.seen.software)
        return _softmax({**scores, UNKNOWN_GROUP: prior + size})


def fit_calibration(trials: Sequence[Trial]) -> Calibration:
    weights = prior_half(trials)

    def loss(point: Sequence[float]) -> float:
        calibration = Calibration(math.exp(point[0]), point[1], point[2])
        return sum(
            -w * math.log(max(1e-300, _share_of_truth(t, calibration.probabilities(t))))
            for t, w in zip(trials, weights, strict=True)
        )

    best = _descend(loss, [0.0, 0.1, 0.1])
    return Calibration(math.exp(best[0]), best[1], best[2])


def prior_half(trials: Sequence[Trial]) -> list[float]:
    """Weight trials so that known and unknown actors count one half each."""
    n_known = sum(1 for t in trials if t.truth)
    n = len(trials)
    return [n / (2 * n_known) if t.truth else n / (2 * (n - n_known)) for t in trials]


def folds(trials: Sequence[Trial]) -> Iterator[tuple[list[Trial], list[Trial]]]:
    actors = sorted({t.actor for t in trials})
    random.Random(2026).shuffle(actors)
    fold = {actor: i % N_FOLDS for i, actor in enumerate(actors)}
    for k in range(N_FOLDS):
        yield [t for t in trials if fold[t.actor] != k], [t for t in trials if fold[t.actor] == k]


# ---- measuring ----


def rank_of_truth(trial: Trial, scores: Mapping[str, float]) -> float:
    """Rank of the true group; among equals the middle place."""
    best = max(scores[g] for g in trial.truth)
    above = sum(1 for s in scores.values() if s > best)
    equal = sum(1 for s in scores.values() if s == best)
    return above + (equal + 1) / 2


def print_ranking(trials: Sequence[Trial]) -> None:
    refitted: dict[str, list[float]] = {}
    for fitting, testing in folds(trials):
        factors = fit_factors(fitting)
        refitted |= {t.id: factors for t in testing}
    models: list[tuple[str, Callable[[Trial], Mapping[str, float]]]] = [
        ("stillhunt, as shipped", shipped),
        ("stillhunt, weights refitted without the actor", lambda t: reweighted(refitted[t.id])(t)),
        ("stillhunt, techniques only", techniques_only),
        ("TF-IDF cosine, techniques + software", tf_idf),
        ("Jaccard, techniques + software", jaccard),
        ("most-reported groups first", popularity),
    ]
    known = {name: [t for t in trials if t.set == name and t.truth] for name in SETS}
    print("| top-1 / top-5 / top-10 % / MRR |", " | ".join(f"{n} (n={len(c)})" for n, c in known.items()), "|")
    print("|---|" + "---|" * len(known))
    for title, model in models:
        cells = [_ranking_cell([rank_of_truth(t, model(t)) for t in c]) for c in known.values()]
        print(f"| {title} |", " | ".join(cells), "|")
    print("\nFactors of the shipped weights when refitted on all:", _kinds_text(fit_factors(trials)))


def _ranking_cell(ranks: Sequence[float]) -> str:
    draw = random.Random(2026)
    tops = sorted(sum(r <= 1 for r in draw.choices(ranks, k=len(ranks))) / len(ranks) for _ in range(N_BOOTSTRAP))
    low, high = tops[int(0.025 * N_BOOTSTRAP)], tops[int(0.975 * N_BOOTSTRAP)]
    at = [f"{100 * sum(r <= k for r in ranks) / len(ranks):.1f}" for k in (1, 5, 10)]
    interval = f"{100 * low:.0f}-{100 * high:.0f}"
    return f"{at[0]} [{interval}] / {at[1]} / {at[2]} / {sum(1 / r for r in ranks) / len(ranks):.3f}"


def print_calibration(trials: Sequence[Trial]) -> None:
    stated: list[tuple[Trial, dict[str, float], dict[str, float]]] = []
    for fitting, testing in folds(trials):
        calibration = fit_calibration(fitting)
        stated += [(t, calibration.probabilities(t), calibration.probabilities(t, without=t.truth)) for t in testing]
    weights = prior_half([t for t, _, _ in stated])
    leaders = [(_leader(p), t, w) for (t, p, _), w in zip(stated, weights, strict=True)]
    known_leader = [(p, g in t.truth, w) for (g, p), t, w in leaders]
    unknown = [(p[UNKNOWN_GROUP], not t.truth, w) for (t, p, _), w in zip(stated, weights, strict=True)]
    nll = _mean_of(
        (-math.log(max(1e-300, _share_of_truth(t, p))), w) for (t, p, _), w in zip(stated, weights, strict=True)
    )
    print(f"ECE of the leading group {_ece(known_leader):.3f}, of the unknown group {_ece(unknown):.3f}; NLL {nll:.2f}")
    print("(known and unknown actors weighted to one half each)\n")
    print("| stated probability of the leading group | n | mean stated | right |\n|---|---|---|---|")
    for low, high in ((0, 0.05), (0.05, 0.2), (0.2, 0.35), (0.35, 0.55), (0.55, 0.8), (0.8, 0.95), (0.95, 1.01)):
        within = [(p, hit) for p, hit, _ in known_leader if low <= p < high]
        if within:
            mean, right = (sum(x[i] for x in within) / len(within) for i in (0, 1))
            print(f"| {low:.2f} to {min(high, 1):.2f} | {len(within)} | {mean:.2f} | {right:.2f} |")
    print(
        "\n| probability at least | known named | of them right | unknown wrongly named | true group removed, named |"
    )
    print("|---|---|---|---|---|")
    for at_least in (THRESHOLD, 0.8):
        named = [(g, t) for (g, p), t, _ in leaders if p >= at_least]
        n_known = sum(1 for t, _, _ in stated if t.truth)
        right = sum(1 for g, t in named if g in t.truth)
        n_removed = sum(1 for t, _, q in stated if t.truth and _leader(q)[1] >= at_least)
        known_named = [t for _, t in named if t.truth]
        print(
            f"| {at_least:.2f} | {_of(len(known_named), n_known)} | {_of(right, len(known_named))} "
            f"| {_of(len(named) - len(known_named), len(stated) - n_known)} | {_of(n_removed, n_known)} |"
        )
    fitted = fit_calibration(trials)
    print(
        f"\nFitted on all: temperature {fitted.temperature:.2f}, unknown per technique {fitted.per_technique:.2f}, "
        f"per software {fitted.per_software:.2f}"
    )


def print_guard_rails(trials: Sequence[Trial], title: str) -> None:
    """Measure the verdict itself, with the shipped constants (three numbers, fitted on these cases)."""
    counts: defaultdict[str, int] = defaultdict(int)
    reasons: defaultdict[str, int] = defaultdict(int)
    for trial in trials:
        verdict = judge(trial.seen, weigh(trial.seen.techniques, trial.seen.software, trial.table), trial.table)
        side = "known" if trial.truth else "unknown"
        counts[side] += 1
        counts[f"{side} named"] += verdict.named is not None
        counts["right"] += verdict.named in trial.truth
        counts["inconsistent"] += len(exclusive_items(trial.seen, trial.table)) > 1
        reasons[verdict.reason or "named"] += 1
    print(
        f"{title}: known actors named {_of(counts['known named'], counts['known'])}, right "
        f"{_of(counts['right'], counts['known named'])}; unknown actors named "
        f"{_of(counts['unknown named'], counts['unknown'])}; "
        f"flagged inconsistent {_of(counts['inconsistent'], len(trials))}\n"
    )
    print("| verdict | cases |\n|---|---|")
    for reason, n in sorted(reasons.items(), key=lambda item: -item[1]):
        print(f"| {reason} | {n} |")
    print()


def print_planted(trials: Sequence[Trial]) -> None:
    print("| planted, of another country's group | planted group on top | P >= .80 | named | flagged inconsistent |")
    print("|---|---|---|---|---|")
    for n_malware, n_techniques in ((1, 0), (1, 5), (2, 5)):
        draw = random.Random(2026)
        on_top = confident = named = flagged = n = 0
        for trial in (t for t in trials if t.truth):
            culprit, seen = _plant(trial, n_malware, n_techniques, draw)
            ranking = weigh(seen.techniques, seen.software, trial.table)
            n += 1
            on_top += ranking.known[0] == culprit
            confident += ranking.probabilities[culprit] >= 0.8
            named += judge(seen, ranking, trial.table).named == culprit
            flagged += len(exclusive_items(seen, trial.table)) > 1
        cells = " | ".join(_of(x, n) for x in (on_top, confident, named, flagged))
        print(f"| {n_malware} exclusive malware, {n_techniques} techniques | {cells} |")


def _plant(trial: Trial, n_malware: int, n_techniques: int, draw: random.Random) -> tuple[str, Seen]:
    table = trial.table
    own = {trial.countries.get(g, "") for g in trial.truth}
    hoards = {
        g: sorted(s for s in p.software if len(table.software.users(s)) == 1 and s not in table.tools)
        for g, p in table.profiles.items()
        if trial.countries.get(g, "") not in own and len(p.techniques) >= 5
    }
    culprit = draw.choice(sorted(g for g, hoard in hoards.items() if len(hoard) >= 2))
    malware = draw.sample(hoards[culprit], n_malware)
    techniques = draw.sample(sorted(table.profiles[culprit].techniques), n_techniques)
    return culprit, _seen([*trial.seen.techniques, *techniques], [*trial.seen.software, *malware])


# ---- arithmetic ----


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _log_sum_exp(values: Sequence[float]) -> float:
    highest = max(values)
    return highest + math.log(sum(math.exp(v - highest) for v in values))


def _softmax(scores: Mapping[str, float]) -> dict[str, float]:
    total = _log_sum_exp(list(scores.values()))
    return {g: math.exp(s - total) for g, s in scores.items()}


def _mean(share: Mapping[str, float], features: Mapping[str, tuple[float, ...]]) -> list[float]:
    return [sum(p * features[g][i] for g, p in share.items()) for i in range(len(KINDS))]


def _mean_of(pairs: Iterable[tuple[float, float]]) -> float:
    pairs = list(pairs)
    return sum(v * w for v, w in pairs) / sum(w for _, w in pairs)


def _share_of_truth(trial: Trial, probabilities: Mapping[str, float]) -> float:
    return sum(probabilities[g] for g in trial.truth) if trial.truth else probabilities[UNKNOWN_GROUP]


def _leader(probabilities: Mapping[str, float]) -> tuple[str, float]:
    group = max((g for g in probabilities if g != UNKNOWN_GROUP), key=lambda g: (probabilities[g], g))
    return group, probabilities[group]


def _ece(stated: Sequence[tuple[float, bool, float]]) -> float:
    """Expected calibration error over ten equal bins; triples of probability, truth, weight."""
    bins: defaultdict[int, list[tuple[float, bool, float]]] = defaultdict(list)
    for p, hit, w in stated:
        bins[min(9, int(10 * p))].append((p, hit, w))
    gaps = [abs(sum(w * (p - hit) for p, hit, w in b)) for b in bins.values()]
    return sum(gaps) / sum(w for _, _, w in stated)


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Solve a small symmetric positive system by elimination."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    n = len(rows)
    for i in range(n):
        for j in range(i + 1, n):
            factor = rows[j][i] / rows[i][i]
            rows[j] = [a - factor * b for a, b in zip(rows[j], rows[i], strict=True)]
    solution = [0.0] * n
    for i in reversed(range(n)):
        solution[i] = (rows[i][n] - _dot(rows[i][i + 1 : n], solution[i + 1 :])) / rows[i][i]
    return solution


def _descend(loss: Callable[[Sequence[float]], float], start: Sequence[float]) -> list[float]:
    """Minimise by coordinate search with shrinking steps: slow, but three numbers need no more."""
    point, step = list(start), 0.1
    best = loss(point)
    while step > 0.002:
        moved = False
        for i in range(len(point)):
            for sign in (1, -1):
                trial = [x + sign * step * (i == j) for j, x in enumerate(point)]
                if (value := loss(trial)) < best:
                    point, best, moved = trial, value, True
                    break
        if not moved:
            step /= 2
    return point


def _of(part: int, whole: int) -> str:
    return f"{part}/{whole} ({100 * part / whole:.0f} %)" if whole else "0/0"


def _kinds_text(factors: Sequence[float]) -> str:
    return ", ".join(f"{kind} {factor:.2f}" for kind, factor in zip(KINDS, factors, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the development cases")
    trials = read_trials(parser.parse_args().data)
    reports = [t for t in trials if t.set != "L"]
    print(f"## Ranking, actors in the knowledge base ({N_FOLDS} actor-disjoint folds where refitted)\n")
    print_ranking(trials)
    print(f"\n## Calibration and the unknown group, sets R and B ({N_FOLDS} actor-disjoint folds)\n")
    print_calibration(reports)
    print("\n## The verdict with its guard rails\n")
    print_guard_rails(reports, "R and B")
    print_guard_rails([t for t in trials if t.set == "L"], "L")
    print("## Planted evidence, sets R and B\n")
    print_planted(reports)


if __name__ == "__main__":
    main()
