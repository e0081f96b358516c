"""How a pile of files from as many laboratories falls into cases: few of them, and hardly an attack outside all.

    python benchmarks/pile.py FOLDER... [--jobs 2]

Every file under the folders is hunted in one go, as somebody would who was handed a box of disks. Prints Markdown: how
many cases come of the files, and which of the files are in none. A file is in a case if one of the case's findings was
made in it. A finding shows but five of its records, so a file that none shows is hunted alone: its findings have the
same ids there.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import stillhunt
from stillhunt.terms.level import Level


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    chosen = parser.parse_args(argv)
    begun = time.perf_counter()
    found = stillhunt.hunt(chosen.folders, jobs=chosen.jobs)
    took = time.perf_counter() - begun
    by_id = {finding.id: finding for finding in found.brief.findings}
    files = {record.path.partition("!")[0] for record in found.coverage.files}
    in_cases: set[str] = set()
    for case in found.cases:
        for name in (*case.findings, *case.context):
            in_cases.update(shown.ref.file for shown in by_id[name].evidence)
    held = {name for case in found.cases for name in (*case.findings, *case.context)}
    unshown = sorted(files - {name.partition("!")[0] for name in in_cases})
    left = {path: count for path in unshown if (count := _outside(path, held)) is not None}
    loud = [case for case in found.cases if case.level.rank > Level.LOW.rank]
    n_files, n_in = len(files), len(files) - len(left)
    print("| what | how many |\n| --- | --- |")
    print(f"| files | {n_files:,} |")
    print(f"| of them in a case | {n_in:,} ({n_in / max(1, n_files):.0%}) |")
    print(f"| cases | {len(found.cases):,} ({n_files / max(1, len(found.cases)):.1f} files each) |")
    print(f"| of them above low | {len(loud):,} |")
    print(f"| seconds | {took:.0f} |\n")
    for path, n_outside in left.items():
        print(f"- {path}: {n_outside or 'no'} findings of low level or above")
    return 0


def _outside(path: str, held: AbstractSet[str]) -> int | None:
    """Return how many findings above informational a file holds that are in no case, None if one of all is in some."""
    alone = stillhunt.hunt(path).brief.findings
    if any(finding.id in held for finding in alone):
        return None
    return sum(finding.detector.level is not Level.INFORMATIONAL for finding in alone)


if __name__ == "__main__":
    sys.exit(main())
