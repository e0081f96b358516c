"""How well cases are linked, dated and scoped: two hundred small simulated intrusions, hunted, against their truth.

    python benchmarks/cases.py [--jobs 2] [--only SCENARIO] [--runs N] [--shift N] [--keep DIR] [--json FILE]

Prints Markdown: the bars, one row a group of runs, and the intruders whose break-in was missed. The runs are listed
below: scenario, seed, second intruder, withheld part. Each is written into a temporary folder, hunted through the
public API, compared and deleted.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import stillhunt
from stillhunt.cases.case import Case, Scope
from stillhunt.errors import StillhuntError
from stillhunt.simulation.scenario import simulate
from stillhunt.simulation.truth import Intrusion, Truth
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level

SCRIPTS = ("consent", "electoral", "samltoken", "spearphish", "vpn", "webshell")
PARTS = ("late", "entry", "missing", "retention", "gap")
_KINDS = {EntityKind.HOST: "host", EntityKind.ACCOUNT: "account", EntityKind.MAILBOX: "mailbox"}
_LOW = Level.LOW.rank
_SLACK = timedelta(minutes=1)
"""What an interval may miss the truth by: an entry is several records within seconds, and any of them may be named."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the corpus."""

    scenario: str
    seed: int
    companion: str = ""
    partial: str = ""

    @property
    def group(self) -> str:
        if self.companion:
            return "two intruders"
        if self.scenario == "quiet":
            return "nobody"
        return f"{self.scenario}, {self.partial}" if self.partial else self.scenario


def corpus() -> list[Run]:
    """The two hundred runs: the order and the seeds are part of the benchmark, and never change."""
    whole = [Run(script, 1000 + 37 * n + i) for i, script in enumerate(SCRIPTS) for n in range(10)]
    partial = [
        Run(script, 3000 + 100 * j + 41 * n + i, "", part)
        for i, script in enumerate(SCRIPTS)
        for j, part in enumerate(PARTS)
        for n in range(2)
    ]
    pairs = [(a, b) for a in SCRIPTS for b in SCRIPTS if a != b]
    double = [Run(a, 5000 + 43 * n, b) for n, (a, b) in enumerate(pairs)]
    double += [Run(a, 6000 + 43 * n, b, PARTS[n % 5]) for n, (a, b) in enumerate(pairs[::3])]
    nobody = [Run("quiet", 7000 + n, "", PARTS[n % 5] if n % 4 == 3 else "") for n in range(40)]
    return [*whole, *partial, *double, *nobody]


@dataclass(frozen=True, slots=True)
class Score:
    """What one intruder of a run, or an empty estate, came to."""

    run: Run
    intruder: str
    seconds: float
    n_events: int
    n_read: int
    n_loud: int
    is_found: bool = False
    is_held: bool = False
    width_days: float | None = None
    begins_after: bool = False
    says_no_later: bool = False
    confirmed: int = 0
    right: int = 0
    caught: int = 0
    true: int = 0
    is_separate: bool | None = None
    note: str = ""


def play(run: Run, folder: Path) -> list[Score]:
    """Write, hunt and compare one run."""
    truth = simulate(run.scenario, folder, seed=run.seed, companion=run.companion, partial=run.partial, is_small=True)
    begun = time.perf_counter()
    try:
        found = stillhunt.hunt(folder)
    except StillhuntError as error:
        return [_unread(run, truth, intruder, str(error)) for intruder in truth.intrusions or (None,)]
    took = time.perf_counter() - begun
    loud = [c for c in found.cases if c.level.rank > _LOW]
    head = (took, truth.n_events, found.coverage.n_events, len(loud))
    if not truth.intrusions:
        return [Score(run, "", *head)]
    owners = {i.name: _case_of(i, found.cases) for i in truth.intrusions}
    return [_compare(run, i, owners, truth, head) for i in truth.intrusions]


def _unread(run: Run, truth: Truth, intruder: Intrusion | None, note: str) -> Score:
    return Score(run, intruder.name if intruder else "", 0, truth.n_events, 0, 0, note=note)


def _compare(
    run: Run, intruder: Intrusion, owners: dict[str, Case | None], truth: Truth, head: tuple[float, int, int, int]
) -> Score:
    case = owners[intruder.name]
    others = [other for name, other in owners.items() if name != intruder.name]
    separate = None if not others else case is not None and all(o is not None and o.id != case.id for o in others)
    begins_after = _begins_after(intruder, truth)
    visible = _true(intruder, visible_only=True)
    if case is None:
        return Score(run, intruder.name, *head, true=len(visible), begins_after=begins_after, is_separate=separate)
    earliest, latest = case.break_in.earliest, case.break_in.latest
    entered = intruder.first_break_in or latest
    is_held = (earliest is None or earliest - _SLACK <= entered) and entered <= latest + _SLACK
    told, true = _told(case), _true(intruder)
    return Score(
        run,
        intruder.name,
        *head,
        is_found=True,
        is_held=is_held,
        width_days=(latest - earliest).total_seconds() / 86_400 if earliest else None,
        begins_after=begins_after,
        says_no_later=case.break_in.is_censored,
        confirmed=len(told),
        right=len(told & true),
        caught=len(told & visible),
        true=len(visible),
        is_separate=separate,
    )


def _begins_after(intruder: Intrusion, truth: Truth) -> bool:
    """Whether every log that shows this intruder begins after they came in."""
    entered = intruder.first_break_in
    begins = [truth.begins[s] for s in intruder.visible_by_source if s in truth.begins]
    return entered is not None and bool(begins) and min(begins) > entered


def _case_of(intruder: Intrusion, cases: Sequence[Case]) -> Case | None:
    """The case above low that names most of what is this intruder's own, or None."""
    marks = _true(intruder) | {("address", a) for a in intruder.addresses} | {("domain", d) for d in intruder.domains}
    marks |= {("file", p.lower()) for p in intruder.paths}
    best, most = None, 0
    for case in cases:
        named = _told(case, confirmed_only=False) | {
            (t.entity.kind.value, t.entity.value.lower()) for t in case.entities
        }
        shared = len(named & marks)
        if case.level.rank > _LOW and shared > most and _is_of_their_time(case, intruder):
            best, most = case, shared
    return best


def _is_of_their_time(case: Case, intruder: Intrusion) -> bool:
    """Whether the case's signs and the intruder's written records overlap in time."""
    if None in {case.first_at, case.last_at, intruder.first_visible, intruder.last_visible}:
        return False
    return case.first_at <= intruder.last_visible and intruder.first_visible <= case.last_at


def _told(case: Case, *, confirmed_only: bool = True) -> set[tuple[str, str]]:
    return {
        (_KINDS[t.entity.kind], _short(t.entity.kind, t.entity.value))
        for t in case.entities
        if t.entity.kind in _KINDS and (t.scope is Scope.CONFIRMED or not confirmed_only)
    }


def _true(intruder: Intrusion, *, visible_only: bool = False) -> set[tuple[str, str]]:
    """What was compromised; or what of it the written records of the intruder show at all."""
    named: Iterable[tuple[EntityKind, tuple[str, ...]]] = (
        (EntityKind.HOST, intruder.hosts_visible if visible_only else intruder.hosts_confirmed),
        (EntityKind.ACCOUNT, intruder.accounts_visible if visible_only else intruder.accounts_confirmed),
        (EntityKind.MAILBOX, intruder.mailboxes_visible if visible_only else intruder.mailboxes_confirmed),
    )
    return {(_KINDS[kind], _short(kind, value)) for kind, values in named for value in values}


def _short(kind: EntityKind, value: str) -> str:
    """A host without its domain, an account without its realm: the same thing under either name."""
    lowered = value.lower()
    if kind is EntityKind.HOST:
        return lowered.partition(".")[0]
    if kind is EntityKind.ACCOUNT:
        return lowered.rpartition("\\")[2].partition("@")[0]
    # A mailbox by its alias or its address; one that was read is told with the folder behind it.
    return lowered.partition(": ")[0].partition("@")[0]


def _work(task: tuple[Run, str, bool]) -> list[Score]:
    run, place, keeps = task
    if keeps:
        name = "-".join(filter(None, (run.scenario, str(run.seed), run.companion, run.partial)))
        return play(run, Path(place) / name)
    folder = Path(tempfile.mkdtemp(dir=place))
    try:
        return play(run, folder)
    finally:
        shutil.rmtree(folder)


def share(part: int, whole: int) -> str:
    return f"{part / whole:.0%} ({part}/{whole})" if whole else "-"


def table(scores: list[Score]) -> None:
    """Print the table of the corpus."""
    print("| runs | intruders | found | break-in held | median width | no later than | precision | recall | separate |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    groups = list(dict.fromkeys(s.run.group for s in scores if s.run.group != "nobody"))
    for group in groups:
        row(group, [s for s in scores if s.run.group == group])
    row("**all**", [s for s in scores if s.intruder])
    print()


def bars(scores: list[Score]) -> None:
    """Print what was asked for beside what was reached."""
    all_of = [s for s in scores if s.intruder]
    found = [s for s in all_of if s.is_found]
    widths = [math.inf if s.width_days is None else s.width_days for s in found if not s.begins_after]
    late, double = [s for s in all_of if s.begins_after], [s for s in all_of if s.is_separate is not None]
    empty = [s for s in scores if not s.intruder]
    told, right = sum(s.confirmed for s in found), sum(s.right for s in found)
    caught, true = sum(s.caught for s in found), sum(s.true for s in all_of)
    lines = (
        ("break-in interval holds the truth, at least 90%", share(sum(s.is_held for s in all_of), len(all_of))),
        ("its median width where logs reach back far enough, at most 3 d", median(widths)),
        ("'no later than' where they do not, always", share(sum(s.says_no_later for s in late), len(late))),
        ("scope precision, at least 90%", share(right, told)),
        ("scope recall of what the logs show, at least 85%", share(caught, true)),
        ("empty estates without a case above low, at least 90%", share(sum(not s.n_loud for s in empty), len(empty))),
        ("two intruders kept apart, at least 80%", share(sum(bool(s.is_separate) for s in double), len(double))),
    )
    print("| asked for | reached |\n| --- | --- |")
    for asked, reached in lines:
        print(f"| {asked} | {reached} |")
    print()


def median(widths: list[float]) -> str:
    return f"{statistics.median_low(widths):.2f} d" if widths else "-"


def row(title: str, scores: list[Score]) -> None:
    found = [s for s in scores if s.is_found]
    widths = [math.inf if s.width_days is None else s.width_days for s in found if not s.begins_after]
    late = [s for s in scores if s.begins_after]
    double = [s for s in scores if s.is_separate is not None]
    told, right = sum(s.confirmed for s in found), sum(s.right for s in found)
    caught, true = sum(s.caught for s in found), sum(s.true for s in scores)
    cells = (
        title,
        str(len(scores)),
        share(len(found), len(scores)),
        share(sum(s.is_held for s in scores), len(scores)),
        median(widths),
        share(sum(s.says_no_later for s in late), len(late)),
        share(right, told),
        share(caught, true),
        share(sum(bool(s.is_separate) for s in double), len(double)),
    )
    print("| " + " | ".join(cells) + " |")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="only runs whose group begins with this")
    parser.add_argument("--runs", type=int, default=0, help="only every n-th run, so that about this many are left")
    parser.add_argument("--shift", type=int, default=0, help="added to every seed: runs that nobody has looked at")
    parser.add_argument("--keep", default="", help="a folder in which the runs' logs are kept")
    parser.add_argument("--json", default="", help="write every score into this file")
    chosen = parser.parse_args(argv)
    runs = [replace(r, seed=r.seed + chosen.shift) for r in corpus() if r.group.startswith(chosen.only)]
    if chosen.runs:
        runs = runs[:: max(1, len(runs) // chosen.runs)]
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as place, multiprocessing.get_context("spawn").Pool(chosen.jobs) as pool:
        tasks = [(run, chosen.keep or place, bool(chosen.keep)) for run in runs]
        scores = [s for found in pool.imap(_work, tasks, chunksize=4) for s in found]
    bars(scores)
    table(scores)
    missed = [s for s in scores if s.intruder and not s.is_held]
    for s in missed[:60]:
        print(
            f"- {s.run.scenario} {s.run.seed} {s.run.companion} {s.run.partial}: {s.intruder}"
            f" {'break-in outside the interval' if s.is_found else s.note or 'no case'}"
        )
    once = list({s.run: s for s in scores}.values())
    n_read, n_events = sum(s.n_read for s in once), sum(s.n_events for s in once)
    print(
        f"\n{len(runs)} runs, {n_events:,} events ({share(n_read, n_events)} read), {time.perf_counter() - begun:.0f} s"
    )
    if chosen.json:
        Path(chosen.json).write_text(json.dumps([asdict(s) for s in scores], indent=1, default=_plain))
    return 0


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


if __name__ == "__main__":
    sys.exit(main())
