"""A search reads what may fit, finds what a look at every event finds, and goes on where a page ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.errors import InputError
from stillhunt.telemetry.event import COMMON, TEXT, EventBatch, EventClass
from stillhunt.telemetry.store import search as searching
from stillhunt.telemetry.store import write as writing
from stillhunt.telemetry.store.manifest import Add, Manifest
from stillhunt.telemetry.store.query import Term
from stillhunt.telemetry.store.search import count_by, query, search
from stillhunt.telemetry.store.words import FOLDER, index_path, load_index, save_index, sought
from stillhunt.telemetry.store.write import PartWriter

START = datetime(2021, 8, 1, tzinfo=UTC)
GREEK = "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2"
WINDOWS = EventClass(product="windows", categories=frozenset({"process_creation"}))


def batch_of(rows: list[dict[str, object]]) -> EventBatch:
    names = [*COMMON, *sorted({name for row in rows for name in row if name not in COMMON})]
    columns = [pa.array([row.get(name) for row in rows], COMMON[name][0] if name in COMMON else TEXT) for name in names]
    return EventBatch(event_class=WINDOWS, data=pa.RecordBatch.from_arrays(columns, names=names))


def row_of(number: int, **fields: object) -> dict[str, object]:
    common = {"@timestamp": START + timedelta(hours=number), "event.file": "log", "event.record": number}
    return {**common, "host.name": f"ws-{number % 3}.example", "CommandLine": f"tool{number}.exe -x", **fields}


def kept(folder: Path, *units: list[dict[str, object]]) -> Manifest:
    manifest = Manifest.begin(folder, made_by="test")
    for number, rows in enumerate(units):
        writer = PartWriter(folder, f"u{number}")
        writer.add(batch_of(rows))
        parts, groups = writer.close()
        manifest.append(Add(unit=f"u{number}", reader="test", inputs=(), parts=parts, groups=groups))
    return manifest


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Forty days of events in three files that overlap in time, of many row groups; some have no time."""
    monkeypatch.setattr(writing, "_ROW_GROUP", 50)
    rows = [row_of(number, Odd=f"rare {number}" if number % 100 == 7 else None) for number in range(960)]
    rows += [row_of(number, **{"@timestamp": None}) for number in range(960, 980)]
    return tmp_path, kept(tmp_path, rows[::3], rows[1::3], rows[2::3])


def numbers(found) -> list[int]:
    return [row["event.record"] for row in found.rows]


@pytest.mark.parametrize("newest", [False, True])
@pytest.mark.parametrize("terms", [[], ["ws-1*"], ["host.name:ws-1.example -tool7.exe"]])
def test_pages_follow_each_other_and_lose_nothing(store, terms, newest):
    folder, manifest = store
    wanted = query(terms)
    whole = search(folder, manifest, wanted, limit=2_000, newest=newest)
    assert (whole.total, whole.next) == (len(whole.rows), "")
    pages, after = [], ""
    while True:
        page = search(folder, manifest, wanted, limit=70, counts_all=False, newest=newest, after=after)
        pages += page.rows
        after = page.next
        if not after:
            break
    assert pages == list(whole.rows)
    dated = [row["@timestamp"] for row in pages if "@timestamp" in row]
    assert dated == sorted(dated, reverse=newest)
    assert all("@timestamp" in row for row in pages[: len(dated)])


def test_what_is_counted_on_a_later_page_is_what_is_left(store):
    folder, manifest = store
    first = search(folder, manifest, query([]), limit=100)
    assert (first.total, search(folder, manifest, query([]), limit=5, after=first.next).total) == (980, 880)


def test_events_of_one_time_are_told_apart_by_where_they_are_from(tmp_path):
    manifest = kept(tmp_path, [row_of(n, **{"@timestamp": START}) for n in range(0, 40, 2)], [row_of(0)])
    first = search(tmp_path, manifest, query([]), limit=7)
    second = search(tmp_path, manifest, query([]), limit=50, after=first.next)
    assert len(first.rows) + len(second.rows) == 21
    assert numbers(first) == [0, 0, 2, 4, 6, 8, 10]


@pytest.mark.parametrize(
    ("terms", "n"),
    [
        (["rare"], 10),
        (['"rare 107"'], 1),
        (["are"], 10),
        (["odd:rare*"], 10),
        (["Odd:rare"], 0),
        (["host.name:WS-2.example"], 326),
        (["tool95?.exe"], 10),
        (["CommandLine:*5.exe*"], 98),
        (["-rare"], 970),
        (["nowhere"], 0),
    ],
)
def test_with_an_index_or_without_the_same_is_found(store, terms, n):
    folder, manifest = store
    assert search(folder, manifest, query(terms), limit=1).total == n
    for path in (folder / FOLDER).rglob("*.words"):
        path.write_bytes(path.read_bytes()[:-1])
    assert search(folder, manifest, query(terms), limit=1).total == n
    for path in (folder / FOLDER).rglob("*.words"):
        path.unlink()
    assert search(folder, manifest, query(terms), limit=1).total == n


def test_a_file_whose_index_says_no_is_not_opened(store):
    folder, manifest = store
    for path in (folder / "events").rglob("*.parquet"):
        path.write_bytes(b"")
    for term in ("nowhere", "Odd:nowhere", "host.name:ws-9*", "nowhere tool1.exe"):
        assert search(folder, manifest, query([term]), limit=5).total == 0
    with pytest.raises(InputError, match="cannot be read"):
        search(folder, manifest, query(["rare"]), limit=5)


def test_who_does_not_wait_gets_what_is_sure_and_where_to_go_on(tmp_path):
    days = [[row_of(24 * day + hour) for hour in range(24)] for day in range(12)]
    manifest = kept(tmp_path, *days)
    answers = iter([True, True, False])
    found = search(tmp_path, manifest, query([]), limit=200, counts_all=False, goes_on=lambda: next(answers))
    assert (numbers(found), found.is_partial, found.n_left) == (list(range(48)), True, 0)
    assert numbers(search(tmp_path, manifest, query([]), limit=2, after=found.next)) == [48, 49]


def test_who_does_not_wait_is_told_what_was_not_looked_into(store):
    folder, manifest = store
    found = search(folder, manifest, query([]), limit=5, counts_all=False, goes_on=lambda: False)
    assert (found.rows, found.is_partial, found.n_left, found.next) == ((), True, 9, "")


@pytest.mark.parametrize("after", ["x", "gA==", "not base64!", "é"])
def test_a_place_that_no_search_said_is_refused(store, after):
    folder, manifest = store
    with pytest.raises(InputError, match="no place in a search"):
        search(folder, manifest, query([]), limit=5, after=after)


def test_a_place_in_one_order_is_none_in_the_other(store):
    folder, manifest = store
    after = search(folder, manifest, query([]), limit=5).next
    with pytest.raises(InputError, match="other way round"):
        search(folder, manifest, query([]), limit=5, newest=True, after=after)


def test_values_are_counted_where_they_may_be(store):
    folder, manifest = store
    assert count_by(folder, manifest, query(["rare"]), "host.name") == [
        ("ws-1.example", 4),
        ("ws-0.example", 3),
        ("ws-2.example", 3),
    ]


def test_few_files_are_looked_into_for_the_first_page(tmp_path, monkeypatch):
    manifest = kept(tmp_path, *[[row_of(24 * day + hour) for hour in range(24)] for day in range(20)])
    looked = []
    real = searching.matching
    monkeypatch.setattr(searching, "matching", lambda *given: looked.append(given) or real(*given))
    search(tmp_path, manifest, query(["ws-1*"]), limit=5, counts_all=False)
    assert len(looked) <= 4


WORDS = st.text(alphabet='aAbKZ1-_.@ \\/:\n"*?\u00e9\u0130\u212a\u03a3\u03c3\u03c2\u00df', max_size=12)


@given(
    st.lists(st.tuples(WORDS, st.one_of(st.none(), WORDS)), min_size=1, max_size=12),
    WORDS.filter(bool),
    st.sampled_from(["", "CommandLine", "image"]),
)
@settings(max_examples=300, deadline=None)
def test_an_index_never_says_no_where_something_fits(tmp_path_factory, rows, value, field):
    folder = tmp_path_factory.mktemp("index")
    named = [{"CommandLine": command, "Image": image} for command, image in rows]
    table = pa.table({name: pa.array([row[name] for row in named], pa.string()) for name in ("CommandLine", "Image")})
    save_index(folder / "x.words", table, 3)
    index = load_index(folder / "x.words")
    term = Term(field=field, value=value)
    where = index.where(sought(field, value))
    fits = term.fits()
    for number, row in enumerate(named):
        for name, text in row.items():
            if text is not None and field.lower() in {"", name.lower()} and fits(text):
                assert where.groups >> (number // 3) & 1
                assert field or where.fields is None or name in where.fields


@given(
    st.lists(st.fixed_dictionaries({"CommandLine": st.one_of(st.none(), WORDS), "Odd": WORDS}), min_size=1, max_size=8),
    WORDS.filter(bool),
    st.sampled_from(["", "commandline", "Odd"]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_a_search_finds_what_a_look_at_every_event_finds(tmp_path_factory, rows, value, field, is_negated):
    folder = tmp_path_factory.mktemp("store")
    manifest = kept(folder, [row_of(number, **row) for number, row in enumerate(rows)])
    term = Term(field=field, value=value, is_negated=is_negated)
    fits = term.fits()
    wanted = [
        number
        for number, row in enumerate(rows)
        if is_negated
        != any(
            text is not None and fits(text)
            for name, text in {"a": "log", "b": f"ws-{number % 3}.example", **row}.items()
            if field.lower() in {"", name.lower()}
        )
    ]
    found = search(folder, manifest, searching.Query(terms=(term,)), limit=9)
    assert numbers(found) == wanted


def test_fields_without_a_column_are_in_the_index(tmp_path):
    manifest = kept(tmp_path, [row_of(1, Strange=f'say "hello"\n{GREEK} \x01'), row_of(2)])
    for term in ('strange:"say ?hello?*"', "hello", GREEK, "strange:*\x01", GREEK[1:4].upper()):
        assert numbers(search(tmp_path, manifest, query([term]), limit=5)) == [1], term
    (part,) = (part for unit in manifest.units.values() for part in unit.parts)
    assert load_index(index_path(tmp_path, part.path)).where(sought("CommandLine", "hello*")).groups == 0


def test_a_part_of_very_many_rows_has_an_index_of_few_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "_ROW_GROUP", 1)
    manifest = kept(tmp_path, [row_of(number % 300, **{"event.record": number}) for number in range(1_000)])
    assert search(tmp_path, manifest, query(["tool299.exe"]), limit=9).total == 3
