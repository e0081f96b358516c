"""How many of twenty planted espionage intrusions the analytics find in a simulated tenant, and what else they say.

    python benchmarks/tenant.py --users 2000 --days 180 --seeds 1 2
    python benchmarks/tenant.py --logs FOLDER        # written by `stillhunt simulate --scenario tenant` before

An intrusion is found if a finding names an address or an application of the intruder's, which no other record of the
tenant has. A finding that names none is counted as false. Rules are not run: this measures behaviour alone.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from stillhunt.detection.behaviour import ANALYTICS
from stillhunt.detection.behaviour.watch import Observed, Watch
from stillhunt.simulation.population import simulate_tenant
from stillhunt.telemetry.collect import Reading

LEAST_RECALL = 0.9
MOST_FALSE = 5.0
"""Findings that are about no intrusion, for 1,000 people and 90 days."""


def observe(folder: Path, names: Sequence[str]) -> tuple[list[Observed], dict[str, float]]:
    """Read a folder of logs and return what the analytics say, with what it cost."""
    watch, reading = Watch(names), Reading([folder])
    started, folding, n_events = time.perf_counter(), 0.0, 0
    for batch in reading.batches():
        before = time.perf_counter()
        watch.feed(batch)
        folding += time.perf_counter() - before
        n_events += batch.data.num_rows
    read = time.perf_counter()
    found = watch.observed(reading.clocks.shift_s)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cost = {"events": n_events, "read_s": read - started, "fold_s": folding, "find_s": time.perf_counter() - read}
    return found, {**cost, "peak_mb": peak}


def _written(value: str) -> str:
    """Write an address in the one way of RFC 5952; anything else stays."""
    try:
        return str(ip_address(value))
    except ValueError:
        return value


def judge(found: Sequence[Observed], truth: dict[str, Any]) -> dict[str, Any]:
    """Compare findings with the truth of a tenant."""
    marks = {i["name"]: {*map(_written, i["addresses"]), *i["applications"]} for i in truth["intrusions"]}
    seen: Counter[str] = Counter()
    false: list[str] = []
    by_analytic: dict[str, Counter[str]] = {}
    for one in found:
        named = {_written(value) for _, part in one.parts for _, value, _ in part.entities}
        words = " ".join(part.sentence for _, part in one.parts).replace(",", " ").split()
        named |= {word for word in words if len(word) == 36}
        about = [name for name, own in marks.items() if own & named]
        seen.update(about)
        analytics = {analytic.detector.path.rpartition("/")[2] for analytic, _ in one.parts}
        for analytic in analytics:
            by_analytic.setdefault(analytic, Counter())["true" if about else "false"] += 1
        if not about:
            false.append(f"{' + '.join(sorted(analytics))}: {one.observation.sentence}")
    scale = truth["n_users"] / 1000 * truth["n_days"] / 90
    kinds = Counter(i["kind"] for i in truth["intrusions"])
    found_kinds = Counter(i["kind"] for i in truth["intrusions"] if seen[i["name"]])
    return {
        "recall": sum(name in seen for name in marks) / len(marks),
        "by_kind": {kind: f"{found_kinds[kind]} of {n}" for kind, n in kinds.items()},
        "findings": len(found),
        "false": len(false),
        "false_per_1000_users_90_days": len(false) / scale,
        "findings_per_1000_users_90_days": len(found) / scale,
        "by_analytic": {name: dict(counts) for name, counts in sorted(by_analytic.items())},
        "false_ones": false,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--days", type=int, default=180)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--logs", type=Path, help="a tenant that was written before")
    parser.add_argument("--analytics", nargs="*", help="which; all if not given")
    chosen = parser.parse_args()
    names = chosen.analytics or list(ANALYTICS.names())
    has_passed = True
    for seed in [0] if chosen.logs else chosen.seeds:
        with tempfile.TemporaryDirectory() as folder:
            logs = chosen.logs or Path(folder) / "tenant"
            if not chosen.logs:
                simulate_tenant(logs, seed=seed, n_users=chosen.users, n_days=chosen.days)
            truth = json.loads((logs / "truth.json").read_text())
            found, cost = observe(logs, names)
        verdict = judge(found, truth)
        has_passed &= verdict["recall"] >= LEAST_RECALL
        has_passed &= verdict["false_per_1000_users_90_days"] <= MOST_FALSE
        told = {"seed": truth["seed"], "users": truth["n_users"], "days": truth["n_days"], **cost, **verdict}
        print(json.dumps(told, indent=1))
    print("passed" if has_passed else "NOT passed", f"(recall {LEAST_RECALL}, false {MOST_FALSE})")
    return 0 if has_passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
