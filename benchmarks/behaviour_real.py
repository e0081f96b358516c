"""What all analytics say of real logs that others published, as a table.

    python benchmarks/behaviour_real.py --data ../shared/data

A row is a folder or file of the data. Findings are counted, and where the publisher says what happened, it is said what
of that was found. Rules are not run, but for the one row that asks for both.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from stillhunt.detection.behaviour import ANALYTICS
from stillhunt.detection.behaviour.model import Observation
from stillhunt.detection.behaviour.watch import Observed, Watch
from stillhunt.detection.desk import Desk, table_of
from stillhunt.detection.sigma.load import load_rules
from stillhunt.kernel.run import run
from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.collect import Reading

_TENANT = "m365/invictus_ual_2021-03-23_2021-04-30.csv.gz"
_ROWS = (
    *("zeek/rita-missing_host", "zeek/stratosphere/001-zeek-scenario-malicious", "zeek/stratosphere/008-zeek-mixed"),
    *("zeek/stratosphere/010-zeek-mixed", "zeek/slips", _TENANT, "mail", "aws/sans504-s3", "aws/stratus-detonations"),
    *("linux", "web", "alerts/ait-ads"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=_ROWS, help="rows, by the path in the data")
    chosen = parser.parse_args()
    sys.stdout.write("| logs | events | s | findings | what they say |\n|---|---|---|---|---|\n")
    for name in chosen.only:
        path = chosen.data / name
        if not path.exists():
            sys.stdout.write(f"| {name} | | | | not there |\n")
            continue
        started = time.process_time()
        found, n_events = _observed(path)
        spent = time.process_time() - started
        said = "; ".join(_said(name, chosen.data, found))
        sys.stdout.write(f"| {name} | {n_events:,} | {spent:.0f} | {len(found)} | {said} |\n")
        sys.stdout.flush()
    return 0


def _observed(path: Path) -> tuple[list[Observed], int]:
    watch, reading, n_events = Watch(ANALYTICS.names()), Reading([path]), 0
    for batch in reading.batches():
        watch.feed(batch)
        n_events += batch.data.num_rows
    return watch.observed(reading.clocks.shift_s), n_events


def _said(name: str, data: Path, found: Sequence[Observed]) -> Iterator[str]:
    counts = Counter(one.analytic.detector.path.rpartition("/")[2] for one in found)
    yield ", ".join(f"{analytic} {n}" for analytic, n in sorted(counts.items())) or "nothing"
    seen = [part for one in found for _, part in one.parts]
    if name.startswith("zeek/rita"):
        periods = [
            one.measured["period"] / 1e6 for one in seen if one.identity[:2] == ("73.54.23.243", "64.225.56.201")
        ]
        yield f"RITA's beacon: {', '.join(f'{period:.0f} s' for period in periods) or 'not found'}"
    if name == _TENANT:
        yield from _tenant(data, found)


def _tenant(data: Path, found: Sequence[Observed]) -> Iterator[str]:
    lines = (data / "truth" / "m365_events.jsonl").read_text().splitlines()
    truth = {event["Id"]: event for event in map(json.loads, lines)}
    desk, records, matched = Desk(load_rules(()).rules, "m365"), {}, set()
    for batch in Reading([data / _TENANT]).batches():
        ids = batch.data.column("Id").to_pylist()
        records |= dict(zip(batch.data.column("event.record").to_pylist(), ids, strict=True))
        for _, rows in run(table_of(batch, desk, desk.scope(batch.event_class))):
            matched |= {ids[row] for row in rows}
    parts = [part for one in found for _, part in one.parts]
    certain = [event for event in truth.values() if event["confidence"] == "certain"]
    n_covered = sum(event["Id"] in matched or any(_covers(one, event) for one in parts) for event in certain)
    yield f"of {len(certain)} certain events {n_covered} are covered by rules or analytics"
    unlabelled = [
        one for one in found if not any(records[place.number] in truth for _, p in one.parts for place in p.places)
    ]
    yield f"{len(unlabelled)} findings of 39 days about nothing that is labelled"


def _covers(one: Observation, event: dict[str, str]) -> bool:
    """Tell whether an event is of the time of a finding and done by its account, or from its address without one."""
    at = datetime.fromisoformat(event["t"]).replace(tzinfo=UTC).timestamp() * 1_000_000
    if not min(place.at for place in one.places) <= at <= max(place.at for place in one.places):
        return False
    accounts = {value for kind, value, role in one.entities if kind == "account" and role == "subject"}
    addresses = {value for kind, value, _ in one.entities if kind == "address"}
    return account_name(event["user"]) in accounts if accounts else event["ip"] in addresses


if __name__ == "__main__":
    raise SystemExit(main())
