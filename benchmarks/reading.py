"""Score what is read in a text against gold claims: python benchmarks/reading.py TEXT GOLD [--verbose].

The scorer is not part of this repository: `--scorer PATH`, or `tools/score_claims.py` beside the folder that
STILLHUNT_DATA names. Prints its report, what of the claims is accepted, and the speed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stillhunt.reading.claims import as_gold, claims_in


def scorer(given):
    if given:
        return Path(given)
    data = os.environ.get("STILLHUNT_DATA")
    found = Path(data).parent / "tools" / "score_claims.py" if data else None
    if found is None or not found.is_file():
        sys.exit("say where the scorer is: --scorer PATH, or STILLHUNT_DATA")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", type=Path)
    parser.add_argument("gold", type=Path)
    parser.add_argument("--scorer")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--all", action="store_true", help="score proposals too")
    options = parser.parse_args()
    text = options.text.read_text("utf-8")
    begun = time.process_time()
    claims = claims_in(text)
    spent = time.process_time() - begun
    wrong = sum(text[c.start : c.end] != c.quote for c in claims)
    scored = [c for c in claims if options.all or c.accepted]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "read.json"
        path.write_text(json.dumps(as_gold(scored)), "utf-8")
        command = [
            sys.executable,
            str(scorer(options.scorer)),
            str(path),
            str(options.gold),
            *(["v"] if options.verbose else []),
        ]
        subprocess.run(command, check=True)
    print(f"{len(claims)} claims, {sum(c.accepted for c in claims)} accepted, {wrong} quotes not verbatim")
    print(f"{spent:.2f} s, {len(text) / max(spent, 1e-9):,.0f} characters a second")


if __name__ == "__main__":
    main()
