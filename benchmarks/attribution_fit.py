"""Fit the numbers of the attribution model on development cases, and write them into the package.

    python benchmarks/attribution_fit.py PATH/TO/attribution-bench

Writes ``src/stillhunt/attribution/data/calibration.json``: parameters only, nothing of the cases. Same input, same
output. What the numbers are worth is measured by ``benchmarks/attribution.py``, with each actor left out of the
fitting of the numbers it is judged with.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import msgspec
from attribution_cases import fit, read_trials

TARGET = Path(__file__).parents[1] / "src" / "stillhunt" / "attribution" / "data" / "calibration.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the development cases")
    parser.add_argument("--to", type=Path, default=TARGET, help="file to write")
    arguments = parser.parse_args()
    trials = read_trials(arguments.data)
    counts = Counter((t.set, bool(t.truth)) for t in trials)
    told = ", ".join(
        f"{n} of set {name} ({'known' if known else 'unknown'} actors)" for (name, known), n in sorted(counts.items())
    )
    fitted = fit(trials, made_from=f"{len(trials)} development cases: {told}")
    arguments.to.write_bytes(msgspec.json.format(msgspec.json.encode(fitted), indent=2) + b"\n")
    print(arguments.to.read_text())


if __name__ == "__main__":
    main()
