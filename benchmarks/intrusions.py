"""Recorded intrusions against what is known of them: when they began, and which machines they reached.

    python benchmarks/intrusions.py [DATA]

DATA is the folder with ``truth/intrusions.json``, ``truth/ait_phases.json``, ``intrusions`` and ``alerts/ait-ads``; it
is taken from STILLHUNT_DATA if it is not given. Prints Markdown: for each intrusion the interval of the break-in that
its loudest case above low gives, beside the truth with a tolerance of a minute, and hosts found, missed and too many.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import stillhunt
from stillhunt.cases.case import Case, Scope
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level

_TOLERANCE = timedelta(minutes=1)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
_BEFORE_ENTRY = frozenset({"network_scans", "service_scans", "wpscan", "dirb", "false_positive_test"})
_NOT_THEIRS = frozenset({"false_positive_test", "false_positive_same_day"})


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=Path(os.environ.get("STILLHUNT_DATA", ".")))
    data: Path = parser.parse_args(argv).data
    print("| intrusion | truth | said | holds it | hosts found | missed | too many | cases above low |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, path, begins, hosts in (*_recorded(data), *_networks(data)):
        print(_row(name, path, begins, hosts))
    return 0


def _recorded(data: Path) -> Iterator[tuple[str, Path, list[datetime], set[str]]]:
    for told in json.loads((data / "truth/intrusions.json").read_text()):
        if told["path"].startswith("intrusions/"):
            begins = [datetime.fromisoformat(at) for at in _INSTANT.findall(told["first_break_in"])]
            yield told["id"], data / told["path"], begins, {_short(h) for h in told["hosts_compromised"]}


def _networks(data: Path) -> Iterator[tuple[str, Path, list[datetime], set[str]]]:
    """Yield networks of which only alerts are known: their truth names phases, and no machines."""
    phases: dict[str, dict[str, Any]] = json.loads((data / "truth/ait_phases.json").read_text())
    for name, told in sorted(phases.items()):
        path = data / f"alerts/ait-ads/{name}_alerts.csv.gz"
        if path.exists():
            theirs = {phase: span for phase, span in told.items() if phase not in _NOT_THEIRS | _BEFORE_ENTRY}
            yield f"ait {name}", path, [min(datetime.fromisoformat(span[0]) for span in theirs.values())], set()


def _row(name: str, path: Path, begins: list[datetime], hosts: set[str]) -> str:
    loud = [case for case in stillhunt.hunt(path).cases if case.level.rank > Level.LOW.rank]
    told = {_short(t.entity.value) for c in loud for t in c.entities if _is_held_host(t.entity.kind, t.scope)}
    held = all(any(_holds(case, at) for case in loud) for at in begins)
    cells = (
        name,
        ", ".join(f"{at:%Y-%m-%d %H:%M}" for at in begins),
        "; ".join(_said(case) for case in loud[:3]) or "nothing above low",
        "yes" if held and loud else "no",
        ", ".join(sorted(told & hosts)) or "-",
        ", ".join(sorted(hosts - told)) or "-",
        (", ".join(sorted(told - hosts)) or "-") if hosts else f"({len(told)} told)",
        str(len(loud)),
    )
    return "| " + " | ".join(cells) + " |"


def _is_held_host(kind: EntityKind, scope: Scope) -> bool:
    return kind is EntityKind.HOST and scope is Scope.CONFIRMED


def _holds(case: Case, at: datetime) -> bool:
    earliest, latest = case.break_in.earliest, case.break_in.latest
    return latest is not None and (earliest is None or earliest - _TOLERANCE <= at) and at <= latest + _TOLERANCE


def _said(case: Case) -> str:
    earliest, latest = case.break_in.earliest, case.break_in.latest
    last = f"{latest:%Y-%m-%d %H:%M}" if latest else "no time"
    return f"no later than {last}" if earliest is None else f"{earliest:%Y-%m-%d %H:%M} to {last}"


def _short(host: str) -> str:
    return host.partition(".")[0].lower()


if __name__ == "__main__":
    sys.exit(main())
