"""What an engine does with a store is what this machine does, however files are divided and pieces arrive."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.detection.behaviour.flows import PAIRS
from stillhunt.detection.behaviour.join import bucketed, empty
from stillhunt.engines.spark import url_of
from stillhunt.errors import EngineError, InputError
from stillhunt.workflows import hunt as hunting
from stillhunt.workflows import spread, workspace
from stillhunt.workflows.hunt import hunt

FILES = ("findings.jsonl", "cases.json", "coverage.json", "brief.json", "case.html")


@pytest.fixture
def engine_of(monkeypatch):
    """Puts another engine into the place of Spark."""

    def put(engine, n_tasks: int = 0) -> None:
        @hunting.contextmanager
        def begun(master, *, settings=None):
            yield engine

        monkeypatch.setattr(hunting, "on_spark", begun)
        spread_ = spread.Spread
        monkeypatch.setattr(spread, "Spread", lambda e, url: spread_(e, url, n_tasks=n_tasks))

    return put


@pytest.fixture
def engine(request, here, engine_of):
    """Puts an engine of so many hands into the place of Spark, which has its luck from that number."""
    return lambda n_tasks: engine_of(here(request.param, n_hands=request.param), n_tasks)


def written(brief, folder: Path) -> list[bytes]:
    workspace.save(brief, folder)
    return [(folder / name).read_bytes() for name in FILES]


def on_engine(store, **more):
    return hunt([store], engine="spark", master="here", **more).brief


def test_the_local_hunt_finds_what_was_planted(brief):
    assert {f.detector.kind for f in brief.findings} == {"sigma", "behaviour"}
    assert "behaviour-beaconing" in {f.detector.id for f in brief.findings}


@pytest.mark.parametrize("n_tasks", [1, 2, 7])
@pytest.mark.parametrize("engine", [1, 8], indirect=True)
def test_any_division_among_tasks_gives_the_same_bytes(store, brief, tmp_path, engine, n_tasks):
    engine(n_tasks)
    assert written(on_engine(store), tmp_path / "spread") == written(brief, tmp_path / "local")


def test_what_reading_left_behind_is_found_again_in_the_events(store, brief, tmp_path, here, engine_of):
    shutil.rmtree(store / "states")
    engine_of(here(4), 5)
    assert written(on_engine(store), tmp_path / "spread") == written(brief, tmp_path / "local")
    assert {path.suffix for path in (store / "states").iterdir()} == {".read", ".evidence", ".result"}


def test_a_store_elsewhere_is_hunted_without_a_byte_written_there(store, brief, tmp_path, here, engine_of):
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    engine_of(here(5), 3)
    assert written(on_engine(url_of(str(store))), tmp_path / "spread") == written(brief, tmp_path / "local")
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before


def test_without_the_logs_the_records_come_from_the_store_in_the_same_words(store, logs, tmp_path, here, engine_of):
    hidden = logs.rename(logs.with_name("hidden"))
    try:
        local = written(hunt([store]).brief, tmp_path / "local")
        for path in (store / "states").iterdir():
            if path.suffix != ".read":
                path.unlink()
        engine_of(here(6), 4)
        found = on_engine(store)
    finally:
        hidden.rename(logs)
    assert written(found, tmp_path / "spread") == local
    assert all('"rebuilt"' in one.original for finding in found.findings for one in finding.evidence)


def test_a_second_hunt_needs_no_engine(store, brief, tmp_path, here, engine_of):
    engine = here(7)
    engine_of(engine)
    on_engine(store)
    n_read = len(engine.read)
    assert written(on_engine(store), tmp_path / "again") == written(brief, tmp_path / "local")
    assert len(engine.read) == n_read > 0


def test_a_damaged_file_is_an_error_that_names_it(store, here, engine_of):
    path = min(store.rglob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-100])
    engine_of(here())
    with pytest.raises(InputError, match="cannot be read") as caught:
        on_engine(store)
    assert path.name in caught.value.where


class _Forgetful:
    """An engine that leaves a file out."""

    n_hands = 1

    def __init__(self, other) -> None:
        self._other = other

    def gathered(self, paths, work, join, **more):
        return self._other.gathered(paths[1:], work, join, **more)


def test_events_that_an_engine_passes_over_are_noticed(store, here, engine_of):
    engine_of(_Forgetful(here()))
    with pytest.raises(EngineError, match=r"looked at [\d,]+ events of 4,480"):
        on_engine(store)


def test_workers_with_other_code_are_refused(tmp_path):
    work = spread._Matching(rules=b"", made_by="stillhunt of yesterday", unread=frozenset(), n_buckets=1)
    (piece,) = work(iter([("part-a-0.parquet", b"")]))
    error = spread._raised(piece.body)
    assert isinstance(error, EngineError)
    assert "this machine stillhunt of yesterday" in error.message


def test_a_state_that_did_not_arrive_whole_is_refused():
    with pytest.raises(EngineError, match="did not arrive whole"):
        spread._sound(None)


@pytest.mark.parametrize(
    ("paths", "more", "words"),
    [
        (["logs"], {"master": ""}, "needs the URL of its master"),
        (["a", "b"], {"master": "here"}, "one store"),
        (["logs"], {"master": "here"}, "is no store"),
        (["logs"], {"master": "here", "store": "s"}, "reads no logs"),
        (["file:///no/such/store"], {"master": "here"}, "is no store"),
    ],
)
def test_what_spark_cannot_hunt_is_said_with_a_remedy(engine_of, here, paths, more, words):
    engine_of(here())
    with pytest.raises((EngineError, InputError), match=words) as caught:
        hunt(paths, engine="spark", **more)
    assert caught.value.hint


_TEXTS = st.text("ab\u00e9\ud7ff", max_size=3)


@given(st.lists(st.tuples(_TEXTS, _TEXTS), max_size=30), st.integers(1, 9), st.integers(0, 30))
def test_rows_of_one_key_meet_in_one_bucket(keys, n_buckets, cut):
    rows = [{"source": s, "destination": d, "port": "443", "protocol": "tcp"} for s, d in keys]
    whole = pa.Table.from_pylist(rows, schema=empty(PAIRS).schema) if rows else empty(PAIRS)
    # Divided before or after, every row lands in the same place, and none is lost.
    places: dict[tuple[str, str], set[int]] = {}
    n_rows = 0
    for part in (whole.slice(0, cut), whole.slice(cut)):
        for number, table in bucketed(PAIRS, part, n_buckets).items():
            n_rows += table.num_rows
            for key in zip(table["source"].to_pylist(), table["destination"].to_pylist(), strict=True):
                places.setdefault(key, set()).add(number)
    assert n_rows == len(keys)
    assert all(len(numbers) == 1 and max(numbers) < n_buckets for numbers in places.values())


def test_an_error_of_a_worker_keeps_its_place_and_its_remedy():
    error = InputError("is damaged", where="part-a-0.parquet", hint="hunt again")
    again = spread._raised(spread._told(error).body)
    assert (type(again), str(again), again.hint) == (InputError, "part-a-0.parquet: is damaged", "hunt again")
    assert msgspec.json.decode(spread._told(error).body)[0] is True
