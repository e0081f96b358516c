"""Events are kept in Parquet as they were read, and every engine reads the same there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.errors import InputError
from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.event import LIST_FIELDS, EventBatch, EventClass
from stillhunt.telemetry.store import manifest as manifests
from stillhunt.telemetry.store import schema
from stillhunt.telemetry.store.manifest import Add, Drop, Input, Manifest, synced
from stillhunt.telemetry.store.read import read_part, records
from stillhunt.telemetry.store.search import count_by, query, search, summary
from stillhunt.telemetry.store.sql import run_sql
from stillhunt.telemetry.store.write import PartWriter
from stillhunt.telemetry.table import Piece, build_batch

REPOSITORY = Path(__file__).parents[2]
SYSMON = {"provider": "Microsoft-Windows-Sysmon", "channel": "Microsoft-Windows-Sysmon/Operational"}


def rows_of(batches) -> Counter:
    """Every event with its class and what it holds, whatever the order."""
    return Counter(
        (batch.event_class, repr(sorted((k, v) for k, v in row.items() if v is not None)))
        for batch in batches
        for row in batch.data.to_pylist()
    )


def kept(folder, batches, unit="u") -> Manifest:
    writer = PartWriter(folder, unit)
    for batch in batches:
        writer.add(batch)
    parts, groups = writer.close()
    manifest = Manifest.begin(folder, made_by="test")
    inputs = (Input("logs", 1, 1, "hash"),)
    manifest.append(Add(unit=unit, reader="test", inputs=inputs, parts=parts, groups=groups))
    return manifest


def parts_of(manifest):
    return [part for unit in manifest.units.values() for part in unit.parts]


@pytest.fixture
def records_of(evtx_dump):
    return [
        evtx_dump(4688, record=1, CommandLine="whoami /all", NewProcessName="C:\\Windows\\whoami.exe"),
        evtx_dump(4688, record=2, at="2021-09-01T00:00:00Z", CommandLine="", SomeNewField="only here"),
        evtx_dump(1, record=3, computer="WS2", Image="C:\\a.exe", ProcessGuid="{1}", processid="7", **SYSMON),
        evtx_dump(7045, record=4, provider="Service Control Manager", channel="System", ServiceName="x\x1b[2J"),
        {
            "Event": {
                "System": {"EventID": 400, "Channel": "Windows PowerShell", "Computer": "ws3", "EventRecordID": 9},
                "EventData": {"Data": ["one", "two"]},
            }
        },
    ]


@pytest.fixture
def batches(records_of, write_lines):
    return list(Reading([write_lines(records_of)]).batches())


@pytest.fixture
def store(tmp_path, batches):
    return tmp_path / "store", kept(tmp_path / "store", batches)


def test_events_come_back_class_by_class_and_field_by_field(store, batches):
    folder, manifest = store
    back = [batch for part in parts_of(manifest) for batch in read_part(folder / part.path)]
    assert rows_of(back) == rows_of(batches)
    assert all(batch.data.schema.field("event.file").type == pa.dictionary(pa.int32(), pa.string()) for batch in back)


def test_only_what_is_asked_for_is_read(store):
    folder, manifest = store
    names = {
        name
        for part in parts_of(manifest)
        for batch in read_part(folder / part.path, lambda _: ("SomeNewField",))
        for name in batch.native_names
    }
    assert "SomeNewField" in names
    assert "CommandLine" not in names


def test_every_file_of_a_product_has_the_same_columns(store):
    folder, manifest = store
    schemas = [pq.read_schema(folder / part.path) for part in parts_of(manifest)]
    assert len(schemas) > 2
    assert all(found.equals(schemas[0]) for found in schemas)
    assert tuple(schemas[0].names) == schema.columns("windows")


@pytest.mark.parametrize("product", sorted(schema.NATIVE))
def test_no_two_columns_differ_in_case_alone(product):
    names = [*schema.columns(product), *schema.PARTITIONS]
    assert [name for name, n in Counter(name.lower() for name in names).items() if n > 1] == []


def test_a_name_has_one_type_in_all_products():
    lists = {name.lower() for name in LIST_FIELDS}
    named = {name for product in schema.NATIVE for name in schema.native_columns(product)}
    assert {name for name in named if name.lower() in lists} <= LIST_FIELDS


def test_files_lie_by_product_and_month_and_without_a_time_by_neither(store):
    _, manifest = store
    folders = {part.path.rpartition("/")[0] for part in parts_of(manifest)}
    assert folders == {f"events/sigma_product=windows/month={m}" for m in ("2021-08", "2021-09", "unknown")}


def test_rows_lie_by_class_host_and_time(tmp_path, evtx_dump, write_lines):
    dumps = [evtx_dump(4624 + n % 2, record=n, computer=f"ws{n % 3}") for n in (5, 3, 8, 1, 9, 2)]
    manifest = kept(tmp_path / "s", Reading([write_lines(dumps)]).batches())
    (part,) = parts_of(manifest)
    table = pq.read_table(
        tmp_path / "s" / part.path, columns=["EventID", "host.name", "event.record"], partitioning=None
    )
    rows = [tuple(row.values()) for row in table.to_pylist()]
    assert rows == sorted(rows)


def test_a_record_is_found_by_log_and_number(store):
    folder, manifest = store
    (file,) = {
        str(f) for p in parts_of(manifest) for b in read_part(folder / p.path) for f in b.data["event.file"].to_pylist()
    }
    found = [b for p in parts_of(manifest) for b in records(folder / p.path, {file}, {3})]
    assert [b.data["Image"].to_pylist() for b in found] == [["C:\\a.exe"]]


text = st.text(st.characters(blacklist_categories=["Cs"]), max_size=12)


@settings(max_examples=15, deadline=None)
@given(
    rows=st.lists(
        st.dictionaries(st.sampled_from(["Image", "image", "Odd", "_rest x", "Data"]), text), min_size=1, max_size=6
    ),
    product=st.sampled_from(["windows", "iis", "unheard-of", "../x"]),
)
def test_whatever_fields_and_texts_there_are_come_back(tmp_path_factory, rows, product):
    names = sorted({name for row in rows for name in row})
    columns = {
        name: pa.array([row.get(name) for row in rows], pa.dictionary(pa.int32(), pa.string()))
        for name in names
        if name != "Data"
    }
    if "Data" in names:
        values = [[row["Data"]] if "Data" in row else None for row in rows]
        columns["Data"] = pa.array(values, pa.list_(pa.dictionary(pa.int32(), pa.string())))
    n = len(rows)
    columns |= {
        "@timestamp": pa.array([None] * n, pa.timestamp("us", tz="UTC")),
        "event.clock": pa.array([None] * n, pa.dictionary(pa.int32(), pa.string())),
        "event.file": pa.array(["f"] * n, pa.dictionary(pa.int32(), pa.string())),
        "event.record": pa.array(range(n), pa.int64()),
    }
    batch = build_batch(EventClass(product=product), [Piece(event_class=EventClass(product=product), columns=columns)])
    folder = tmp_path_factory.mktemp("store")
    manifest = kept(folder, [batch])
    back = [found for part in parts_of(manifest) for found in read_part(folder / part.path)]
    assert rows_of(back) == rows_of([batch])
    assert all(
        (folder / part.path).resolve().is_relative_to((folder / "events").resolve()) for part in parts_of(manifest)
    )


def test_half_a_line_of_the_manifest_counts_for_nothing_and_is_written_over(store):
    folder, _ = store
    path = folder / manifests.MARKER
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"do":"drop","unit":"u","wh')
    again = Manifest(folder)
    assert set(again.units) == {"u"}
    again.append(Drop(unit="u", why="test"))
    assert path.read_bytes() == whole + b'{"do":"drop","unit":"u","why":"test"}\n'
    assert Manifest(folder).units == {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"do":"store","format":99,"made_by":"x"}\n', "format 99"),
        (b'{"do":"store","format":1,"made_by":"x"}\nnonsense\n', "damaged"),
        (b'{"do":"add","unit":7}\n', "damaged"),
    ],
)
def test_a_manifest_that_is_not_understood_is_refused(tmp_path, content, said):
    (tmp_path / manifests.MARKER).write_bytes(content)
    with pytest.raises(InputError, match=said):
        Manifest(tmp_path)


def test_a_folder_that_is_no_store_is_refused(tmp_path):
    with pytest.raises(InputError, match="is no store"):
        Manifest(tmp_path)


def test_a_file_that_could_not_be_written_leaves_nothing(tmp_path):
    def fail():
        with synced(tmp_path / "x") as beside:
            beside.write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_an_error_that_names_it(store):
    folder, manifest = store
    part = parts_of(manifest)[0]
    (folder / part.path).write_bytes(b"PAR1 nonsense PAR1")
    with pytest.raises(InputError, match="cannot be read") as caught:
        list(read_part(folder / part.path))
    assert part.path.rpartition("/")[2] in str(caught.value.where)


def test_a_strangers_parquet_file_is_refused(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "x.parquet")
    with pytest.raises(InputError, match="no file of a store"):
        list(read_part(tmp_path / "x.parquet"))


@pytest.mark.parametrize(
    ("terms", "records_"),
    [
        (["CommandLine:whoami*"], [1]),
        (["commandline:WHOAMI?/ALL"], [1]),
        (["CommandLine:whoami"], []),
        (['CommandLine:"whoami /all"'], [1]),
        (["whoami"], [1]),
        (["-whoami"], [2, 3, 4, 5]),
        (["SomeNewField:only*"], [2]),
        (["somenewfield:*"], [2]),
        (["Data:two"], [5]),
        (["host.name:ws2"], [3]),
        (["event.class:windows/process_creation"], [1, 2, 3]),
        (["whoami CommandLine:*all"], [1]),
        (["whoami", "EventID:1"], []),
        (["event.record:4"], [4]),
        (["ProcessGuid:{1}"], [3]),
        (["CommandLine: EventID:4688"], [2]),
    ],
)
def test_terms_find_the_events_that_fit(store, terms, records_):
    folder, manifest = store
    found = search(folder, manifest, query(terms), limit=10)
    assert sorted(row["event.record"] for row in found.rows) == sorted(records_)
    assert found.total == len(records_)


def test_what_is_found_comes_in_order_of_time_and_the_undated_last(store):
    folder, manifest = store
    found = search(folder, manifest, query([]), limit=4)
    assert found.total == 5
    assert [row.get("@timestamp", "")[:10] for row in found.rows] == ["2021-08-24"] * 3 + ["2021-09-01"]
    assert search(folder, manifest, query([]), limit=5).rows[-1]["event.record"] == 5


@pytest.mark.parametrize(
    ("since", "until", "n"),
    [
        ("2021-08-25", None, 1),
        (None, "2021-08-24", 3),
        (None, "2021-08-23", 0),
        ("2021-08-24T03:12:00Z", "2021-08-24T03:12:01Z", 3),
        ("2021-08-24T05:12:01+02:00", None, 1),
    ],
)
def test_times_bound_a_search_and_a_day_ends_with_its_end(store, since, until, n):
    folder, manifest = store
    assert search(folder, manifest, query([], since=since, until=until), limit=9).total == n


@pytest.mark.parametrize(
    ("name", "n"), [("windows/process_creation", 3), ("security", 2), ("windows", 5), ("iis", 0), ("s*", 4)]
)
def test_a_class_is_named_as_sigma_does(store, name, n):
    folder, manifest = store
    assert search(folder, manifest, query([], classes=[name]), limit=9).total == n


def test_values_are_counted_the_most_frequent_first(store):
    folder, manifest = store
    assert count_by(folder, manifest, query([]), "eventid") == [("4688", 2), ("1", 1), ("400", 1), ("7045", 1)]
    assert count_by(folder, manifest, query([]), "Data") == [("", 4), ("one\ntwo", 1)]


@pytest.mark.parametrize("texts", [['a:"b'], ['x"y"'], ['a:b"c"']])
def test_a_quote_that_is_not_closed_is_said(texts):
    with pytest.raises(InputError, match="cannot be understood"):
        query(texts)


def test_what_is_no_time_is_said():
    with pytest.raises(InputError, match="is no time"):
        query([], since="yesterday")


def test_wildcards_of_a_search_cost_linear_time(tmp_path, evtx_dump, write_lines):
    manifest = kept(tmp_path / "s", Reading([write_lines([evtx_dump(CommandLine="a" * 30_000)])]).batches())
    assert search(tmp_path / "s", manifest, query(["CommandLine:" + "*a" * 30 + "b"]), limit=1).total == 0


def test_the_overview_reads_no_event(store):
    folder, manifest = store
    for part in parts_of(manifest):
        (folder / part.path).unlink()
    counts = summary(manifest)
    assert [(c.name, c.n_events) for c in counts][:1] == [("windows/process_creation", 3)]
    assert counts[0].n_hosts == 2


def test_duckdb_reads_a_store_as_it_lies(store):
    duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")
    folder, _ = store
    found = duckdb.sql(
        f"SELECT month, count(*), count(CommandLine) FROM read_parquet('{folder}/events/**/*.parquet', "
        "hive_partitioning = true, union_by_name = true) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert found == [("2021-08", 3, 1), ("2021-09", 1, 1), ("unknown", 1, 0)]


def test_polars_reads_a_store_as_it_lies(store):
    polars = pytest.importorskip("polars", reason="Polars is not installed")
    folder, _ = store
    frame = polars.scan_parquet(f"{folder}/events/**/*.parquet", hive_partitioning=True)
    assert frame.select(polars.len()).collect().item() == 5
    assert frame.filter(polars.col("EventID") == "400").select("Data").collect().item().to_list() == ["one", "two"]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("COPY (SELECT 1) TO 'x.csv'", "not a single SELECT"),
        ("DROP VIEW events", "not a single SELECT"),
        ("SELECT 1; SELECT 2", "not a single SELECT"),
        ("SET enable_external_access = true", "not a single SELECT"),
        ("SELECT * FROM read_text('/etc/hostname')", "fails"),
        ("SELECT * FROM read_csv('https://example.com/x.csv')", "fails"),
        ("SELECT nothing FROM events", "fails"),
    ],
)
def test_sql_reads_the_store_and_nothing_else(store, sql, said):
    pytest.importorskip("duckdb", reason="DuckDB is not installed")
    with pytest.raises(InputError, match=said):
        list(run_sql(*store, sql))


def test_sql_sees_all_events(store):
    pytest.importorskip("duckdb", reason="DuckDB is not installed")
    found = [
        row
        for batch in run_sql(*store, 'SELECT count(*) AS n, min("@timestamp") AS at FROM events')
        for row in batch.to_pylist()
    ]
    assert [(row["n"], row["at"].isoformat()) for row in found] == [(5, "2021-08-24T03:12:00.123456+00:00")]


def test_the_reference_page_is_that_of_the_declaration():
    assert (REPOSITORY / "docs/reference/events.md").read_text() == schema.documentation()


def test_identities_name_fields_that_have_a_column():
    assert all(set(names) <= set(schema.native_columns(product)) for product, names in schema.IDENTITY.items())


def test_a_unit_written_in_several_goes_is_whole(tmp_path, batches, monkeypatch):
    monkeypatch.setattr("stillhunt.telemetry.store.write._ROWS_AT_ONCE", 1)
    manifest = kept(tmp_path / "s", batches)
    paths = [part.path for part in parts_of(manifest)]
    assert len(paths) == len(set(paths)) > 3
    assert sum(part.n_rows for part in parts_of(manifest)) == 5


def test_no_events_are_no_file(tmp_path, batches):
    empty = [EventBatch(event_class=b.event_class, data=b.data.slice(0, 0)) for b in batches]
    assert parts_of(kept(tmp_path / "s", empty)) == []


def test_a_line_says_what_it_is(store):
    folder, _ = store
    lines = (folder / manifests.MARKER).read_bytes().splitlines()
    assert [msgspec.json.decode(line)["do"] for line in lines] == ["store", "add"]
