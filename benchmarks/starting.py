"""What small questions cost: rules loaded, knowledge opened, a card, an assessment, a mail made to waste time.

    python benchmarks/starting.py --data ../shared/data

Prints Markdown. Every row is a process of its own, measured from its start to its end, the best of three; what is made
once and kept is made in a cache of its own, so the first row of a pair is without it and the second with it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_RULES = "from stillhunt.detection.sigma.load import load_rules; print(len(load_rules([{path!r}]).rules))"
_KNOWLEDGE = "from stillhunt.knowledge import load_knowledge; print(len(load_knowledge().groups))"
_ASSESS = """
import time
from stillhunt.workflows.attribute import Given, attribute
from stillhunt.knowledge import load_knowledge
known = load_knowledge()
group = known.groups["G0007"]
seen = [edge.item for edge in known.edges_of("G0007")]
given = Given(
    techniques=tuple(one for one in seen if one in known.techniques)[:40],
    software=tuple(one for one in seen if one in known.software)[:6],
)
attribute(given, known)
began = time.perf_counter()
attribute(given, known)
print(time.perf_counter() - began)
"""
_NOTHING = "import stillhunt"


def seconds(cache: Path, *words: str, times: int = 3) -> tuple[float, str]:
    """Run a process several times; return the least that it took, and what it said last."""
    environment = {**os.environ, "STILLHUNT_CACHE": str(cache), "STILLHUNT_HOME": str(cache / "home")}
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        done = subprocess.run(words, capture_output=True, text=True, check=True, env=environment)
        taken.append(time.perf_counter() - began)
    return min(taken), done.stdout.strip()


def row(*cells: object) -> None:
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with MANIFEST.md")
    asked = parser.parse_args()
    rules = _RULES.format(path=str(asked.data / "sigma" / "sigma_8eaafff1f.zip"))
    python = (sys.executable, "-c")
    card = (str(Path(sys.executable).with_name("stillhunt")), "know", "card", "APT31")
    row("what", "seconds")
    row("---", "---:")
    with tempfile.TemporaryDirectory(prefix="stillhunt-") as folder:
        cache = Path(folder)
        row("Python and stillhunt, nothing else", f"{seconds(cache, *python, _NOTHING)[0]:.2f}")
        row("all rules of the release, compiled", f"{seconds(cache, *python, rules, times=1)[0]:.2f}")
        row("all rules of the release, from the cache", f"{seconds(cache, *python, rules)[0]:.2f}")
        row("ATT&CK for attribution, joined", f"{seconds(cache, *python, _KNOWLEDGE, times=1)[0]:.2f}")
        row("ATT&CK for attribution, kept", f"{seconds(cache, *python, _KNOWLEDGE)[0]:.2f}")
        row("`stillhunt know card APT31`, base built", f"{seconds(cache, *card, times=1)[0]:.2f}")
        row("`stillhunt know card APT31`", f"{seconds(cache, *card)[0]:.2f}")
        whole, warm = seconds(cache, *python, _ASSESS)
        row("assessment of 40 techniques and 6 tools, process and all", f"{whole:.2f}")
        row("the same again in that process", f"{float(warm):.3f}")


if __name__ == "__main__":
    main()
