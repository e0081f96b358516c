"""How fast a knowledge base of a million claims answers: cards and full-text search, at the 95th percentile.

    python benchmarks/knowledge.py --claims 1000000
    python benchmarks/knowledge.py --claims 1000000 --url postgresql+psycopg://user@host/base

The claims are made up: groups of 20 to 400 claims each, drawn so that few groups have many, about as many entities per
claim as in the embedded base, with quotes of sentences built from some thousand words. A card is asked for by name,
as `stillhunt know card` does, without starting Python.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from stillhunt.knowledge.card import card_of
from stillhunt.knowledge.claim import Claim, Claims, claim_of, entity_id, source_of
from stillhunt.knowledge.resolve import resolve
from stillhunt.knowledge.store import Store

_PER_BATCH = 50_000
_ASKED = 400
_SYLLABLES = (
    "ba",
    "dor",
    "el",
    "fi",
    "gran",
    "hu",
    "iv",
    "kem",
    "lo",
    "mar",
    "nes",
    "op",
    "qui",
    "ros",
    "ta",
    "ul",
    "ve",
)
_PREDICATES = ("uses", "uses", "uses", "targets", "attributed-to", "originates-from")
_KINDS = {"uses": "malware", "targets": "identity", "attributed-to": "identity", "originates-from": "location"}


def _word(rng: random.Random) -> str:
    return "".join(rng.choices(_SYLLABLES, k=rng.randint(2, 4)))


def made_up(n_claims: int, rng: random.Random) -> Iterator[tuple[Claims, list[str]]]:
    """Yield batches of claims, each with the names of the groups in it."""
    words = [_word(rng) for _ in range(5_000)]
    reports = [
        source_of(kind="report", title=f"Report {n}", publisher=f"vendor {n % 40}", published=f"{2010 + n % 15}")
        for n in range(2_000)
    ]
    speakers = [entity_id("identity", f"vendor {n}") for n in range(40)]
    sizes = {"location": 250, "malware": n_claims // 25, "identity": n_claims // 25}
    things = {kind: [entity_id(kind, f"{kind} {n}") for n in range(size)] for kind, size in sizes.items()}
    claims: dict[str, Claim] = {}
    names: list[str] = []
    n_made = group = 0
    while n_made < n_claims:
        group += 1
        subject, name = entity_id("intrusion-set", f"group {group}"), f"{_word(rng)} {_word(rng)} {group}"
        names.append(name)
        for at in range(min(400, int(20 / (1 - rng.random())))):
            number = rng.randrange(len(reports))
            quote = " ".join(rng.choices(words, k=rng.randint(8, 30)))
            said = {"subject": subject, "speaker": speakers[number % 40], "source": reports[number], "quote": quote}
            if at == 0:
                claim = claim_of(predicate="name", value=name, **said)  # type: ignore[arg-type]
            else:
                predicate = rng.choice(_PREDICATES)
                claim = claim_of(predicate=predicate, object=rng.choice(things[_KINDS[predicate]]), **said)  # type: ignore[arg-type]
            claims[claim.id] = claim
            n_made += 1
        if len(claims) >= _PER_BATCH or n_made >= n_claims:
            yield Claims(sources={s.id: s for s in reports}, claims=claims), names
            claims, names = {}, []


def measured(ask: Callable[[], object], asked: int) -> str:
    """Return the median and the 95th percentile of asking, in milliseconds."""
    took = []
    for _ in range(asked):
        begun = time.perf_counter()
        ask()
        took.append((time.perf_counter() - begun) * 1_000)
    return f"median {statistics.median(took):.1f} ms, p95 {statistics.quantiles(took, n=20)[-1]:.1f} ms"


def main() -> None:
    """Build the base and ask it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--claims", type=int, default=1_000_000)
    parser.add_argument("--url", default="")
    given = parser.parse_args()
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(given.url or Path(folder) / "base.db")
        names: list[str] = []
        begun = time.perf_counter()
        for claims, some in made_up(given.claims, rng):
            store.add(claims, kind="import", note="made up")
            names += some
        print(f"{given.claims:,} claims about {len(names):,} groups written in {time.perf_counter() - begun:.0f} s")
        with store.view() as view:
            print("card:", measured(lambda: card_of(view, resolve(view, rng.choice(names))[0]), _ASKED))
            print("search, one word:", measured(lambda: view.search(_word(rng)), _ASKED))
            two = lambda: view.search(f"{_word(rng)} {_word(rng)}")  # noqa: E731 - a name for what is measured
            print("search, two words:", measured(two, _ASKED))
        store.close()


if __name__ == "__main__":
    main()
