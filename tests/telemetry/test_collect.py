"""Whatever lies in a folder is read, or said not to have been read."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import tarfile
import zipfile
from pathlib import Path

import pytest
from backports import zstd

from stillhunt.errors import InputError
from stillhunt.progress import Recorder
from stillhunt.telemetry import content
from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.share import Share


def _zip(content: bytes, name: str = "events.json") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return out.getvalue()


def _tar(content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as file:
        info = tarfile.TarInfo("events.json")
        info.size = len(content)
        file.addfile(info, io.BytesIO(content))
    return out.getvalue()


PACKED = {
    "plain": lambda c: c,
    "gzip": gzip.compress,
    "gzip with something behind": lambda c: gzip.compress(c) + b"\nrubbish",
    "zstd": zstd.compress,
    "zip": _zip,
    "tar": _tar,
    "tar.gz": lambda c: gzip.compress(_tar(c)),
    "zip in a zip": lambda c: _zip(_zip(c), "inner.zip"),
    "gz in a zip": lambda c: _zip(gzip.compress(c), "inner.gz"),
}


@pytest.mark.parametrize("how", PACKED)
def test_a_log_is_read_however_it_is_packed_and_whatever_it_is_called(evtx_dump, read, tmp_path, how):
    content = "".join(json.dumps(evtx_dump(record=i)) + "\n" for i in range(50)).encode()
    path = tmp_path / "notes.txt"
    path.write_bytes(PACKED[how](content))
    rows, coverage = read(path)
    assert [r["EventRecordID"] for r in rows] == [str(i) for i in range(50)]
    assert [r["event.record"] for r in rows] == list(range(1, 51))
    assert (coverage.n_events, coverage.n_unread, coverage.problems) == (50, 0, ())
    assert [f.source for f in coverage.files] == ["windows_json"]


WRITTEN = {
    "an array on one line": json.dumps,
    "an array over many lines": lambda rs: json.dumps(rs, indent=2),
    "objects in a row": lambda rs: "\n".join(json.dumps(r, indent=4) for r in rs),
    "an array by line": lambda rs: "[\n" + ",\n".join(json.dumps(r) for r in rs) + "\n]\n",
    "lines with blanks between": lambda rs: "\r\n\r\n".join(json.dumps(r) for r in rs),
    "lines after a mark": lambda rs: "\ufeff" + "\n".join(json.dumps(r) for r in rs),
}


@pytest.mark.parametrize("how", WRITTEN)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_json_is_read_by_line_in_an_array_or_in_a_row(evtx_dump, read, tmp_path, how, encoding):
    path = tmp_path / "x"
    path.write_bytes(WRITTEN[how]([evtx_dump(record=i, Name="Zoë") for i in range(3)]).encode(encoding))
    rows, coverage = read(path)
    assert [(r["EventRecordID"], r["Name"]) for r in rows] == [(str(i), "Zoë") for i in range(3)]
    assert coverage.n_unread == 0


def test_a_damaged_first_line_hides_nothing(evtx_dump, read, tmp_path):
    path = tmp_path / "x"
    lines = ['{"Event": {"Sys', *[json.dumps(evtx_dump(record=i)) for i in range(2)], "not json", "{}"]
    path.write_text("\n".join(lines))
    rows, coverage = read(path)
    assert len(rows) == 2
    assert coverage.n_unread == 3
    assert {p.where for p in coverage.problems} == {f"{path}:1", f"{path}:4", f"{path}:5"}


def test_a_damaged_object_in_a_row_costs_only_itself(evtx_dump, read, tmp_path):
    path = tmp_path / "x"
    good = [json.dumps(evtx_dump(record=i), indent=1) for i in range(3)]
    path.write_text(good[0] + '\n{"broken": tru}\n' + good[1] + "\n" + good[2])
    rows, coverage = read(path)
    assert len(rows) == 3
    assert coverage.n_unread == 1


def test_channels_may_change_from_line_to_line(evtx_dump, read, write_lines):
    path = write_lines([evtx_dump(1, channel="Application"), evtx_dump(4688), evtx_dump(7045, channel="System")])
    rows, _ = read(path)
    assert sorted(r["class"].channel for r in rows) == ["Application", "Security", "System"]


def test_a_folder_is_walked_and_what_is_no_log_is_said(evtx_dump, read, write_lines, tmp_path):
    write_lines([evtx_dump()])
    (tmp_path / "logs" / "deep").mkdir()
    (tmp_path / "logs" / "deep" / "x.pcap").write_bytes(b"\xd4\xc3\xb2\xa1\x02\x00")
    (tmp_path / "logs" / "empty.json").write_text("")
    (tmp_path / "logs" / "photo.png").write_bytes(b"\x89PNG....")
    rows, coverage = read(tmp_path / "logs")
    assert len(rows) == 1
    notes = {Path(f.path).name: f.note for f in coverage.files if f.source is None}
    assert notes == {
        "x.pcap": "a packet capture (pcap): no source reads it",
        "empty.json": "an empty file, no log",
        "photo.png": "an image, no log",
    }
    assert [p.hint is not None for p in coverage.problems] == [True]


def test_a_file_reached_twice_is_read_once_and_that_is_said(evtx_dump, read, write_lines, tmp_path):
    path = write_lines([evtx_dump()])
    (tmp_path / "logs" / "again.json").symlink_to(path)
    rows, coverage = read(tmp_path / "logs", path)
    assert len(rows) == 1
    assert sum("read once" in f.note for f in coverage.files) == 1


def test_a_loop_of_links_ends(evtx_dump, read, write_lines, tmp_path):
    write_lines([evtx_dump()])
    (tmp_path / "logs" / "loop").symlink_to(tmp_path / "logs")
    assert len(read(tmp_path / "logs")[0]) == 1


def test_a_link_out_of_the_folder_is_said_and_not_followed(evtx_dump, read, write_lines, tmp_path):
    write_lines([evtx_dump()])
    write_lines([evtx_dump()], "elsewhere/more.json")
    (tmp_path / "logs" / "out").symlink_to(tmp_path / "elsewhere")
    rows, coverage = read(tmp_path / "logs")
    assert len(rows) == 1
    assert any("not followed" in p.message and p.hint for p in coverage.problems)


def test_a_pipe_does_not_hang(evtx_dump, read, write_lines, tmp_path):
    write_lines([evtx_dump()])
    os.mkfifo(tmp_path / "logs" / "pipe")
    rows, coverage = read(tmp_path / "logs")
    assert len(rows) == 1
    assert any("a pipe" in p.message and p.hint for p in coverage.problems)


def test_a_desktops_own_files_are_noted_and_no_problem(evtx_dump, read, write_lines, tmp_path):
    write_lines([evtx_dump()])
    for name in (".DS_Store", "._events.json"):
        (tmp_path / "logs" / name).write_bytes(b"\x00\x05\x16\x07")
    _, coverage = read(tmp_path / "logs")
    assert sum("desktop's own" in f.note for f in coverage.files) == 2
    assert coverage.problems == ()


def _nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize("depth", [50, 400, 900, 2_000, 100_000])
def test_nesting_is_read_or_counted_and_never_fatal(evtx_dump, read, tmp_path, depth):
    event = json.dumps(evtx_dump(record=1, Deep="@")).replace('"@"', _nested(depth))
    (tmp_path / "x").write_text("\n".join([json.dumps(evtx_dump()), event, _nested(depth), json.dumps(evtx_dump())]))
    rows, coverage = read(tmp_path / "x")
    assert len(rows) + coverage.n_unread == 4
    assert len(rows) >= 2


def test_new_field_names_in_every_event_stay_cheap(evtx_dump, read, write_lines):
    path = write_lines([evtx_dump(record=i, **{f"n{i}": "x"}) for i in range(5_000)])
    batches = list(Reading([path]).batches())
    assert sum(b.data.num_rows for b in batches) == 5_000
    assert max(b.data.num_rows * b.data.num_columns for b in batches) < 5_000_000


def test_an_event_of_very_many_fields_is_read_in_part_and_that_is_said(evtx_dump, read, write_lines):
    rows, coverage = read(write_lines([evtx_dump(**{f"n{i:05}": "x" for i in range(20_000)})]))
    assert "n00000" in rows[0]
    assert "n19999" not in rows[0]
    assert any("fields" in p.message for p in coverage.problems)


def test_a_first_line_longer_than_what_is_looked_at_hides_nothing(evtx_dump, read, write_lines):
    rows, _ = read(write_lines([evtx_dump(ScriptBlockText="x" * 200_000), evtx_dump()]))
    assert len(rows) == 2


def test_halves_of_characters_and_huge_numbers_are_read(evtx_dump, read, tmp_path):
    line = json.dumps(evtx_dump(**{"\ud800": "\udfff", "Big": "@"})).replace('"@"', "9" * 400)
    (tmp_path / "x").write_text(line)
    rows, coverage = read(tmp_path / "x")
    assert rows[0]["Big"] == "9" * 400
    assert coverage.n_unread == 0


@pytest.mark.parametrize(
    "wrap",
    [lambda rs: {"records": rs}, lambda rs: {"hits": {"hits": [{"_source": r} for r in rs]}}],
    ids=["records", "hits"],
)
@pytest.mark.parametrize("indent", [None, 1])
def test_events_wrapped_in_one_object_are_read(evtx_dump, read, tmp_path, wrap, indent):
    events = [evtx_dump(record=i) for i in range(3)]
    (tmp_path / "x").write_text(json.dumps(wrap(events), indent=indent))
    rows, _ = read(tmp_path / "x")
    assert [r["EventRecordID"] for r in rows] == ["0", "1", "2"]


def test_a_workspace_is_not_read_as_logs(evtx_dump, read, write_lines, tmp_path):
    write_lines([evtx_dump()])
    write_lines([evtx_dump()], "logs/stillhunt-out/findings.jsonl")
    write_lines([], "logs/stillhunt-out/stillhunt-workspace.json")
    rows, coverage = read(tmp_path / "logs")
    assert len(rows) == 1
    assert any("results of stillhunt" in f.note for f in coverage.files)


def test_a_missing_path_beside_a_good_one_is_a_problem(evtx_dump, read, write_lines, tmp_path):
    rows, coverage = read(tmp_path / "nowhere", write_lines([evtx_dump()]))
    assert len(rows) == 1
    assert [(p.where, p.message) for p in coverage.problems] == [
        (str(tmp_path / "nowhere"), "there is no such file or folder")
    ]


@pytest.mark.parametrize("content", [None, b"", b"\x00\x01\x02" * 99, b"just text\n"])
def test_nothing_readable_at_all_is_an_error_with_a_hint(read, tmp_path, content):
    path = tmp_path / "x"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read(path)
    assert caught.value.hint
    assert str(path) in str(caught.value)


def test_a_cut_gzip_gives_what_it_has_and_says_so(evtx_dump, read, tmp_path):
    lines = [json.dumps(evtx_dump(record=i, Noise=random.Random(i).randbytes(40).hex())) for i in range(5000)]
    packed = gzip.compress("\n".join(lines).encode())
    (tmp_path / "x.gz").write_bytes(packed[: len(packed) // 2])
    rows, coverage = read(tmp_path / "x.gz")
    assert 1000 < len(rows) < 5000
    assert "cannot be read to its end" in coverage.files[0].note
    assert coverage.problems


@pytest.mark.parametrize("mtime", [0, 1_300_000_000])
def test_a_log_knows_when_it_was_last_written(evtx_dump, tmp_path, monkeypatch, mtime):
    line = json.dumps(evtx_dump()).encode()
    (tmp_path / "a").write_bytes(line)
    (tmp_path / "b.gz").write_bytes(gzip.compress(line, mtime=mtime))
    for name in ("a", "b.gz"):
        os.utime(tmp_path / name, (1_400_000_000, 1_400_000_000))
    kept: list[float] = []
    monkeypatch.setattr(
        Reading, "_account", lambda self: kept.extend(log.modified.timestamp() for log, *_ in self._logs)
    )
    list(Reading([tmp_path]).part([Share(path=tmp_path / name, n_bytes=1) for name in ("a", "b.gz")]))
    assert kept == [1_400_000_000, mtime or 1_400_000_000]


def test_what_follows_a_gzip_is_noted_and_no_problem(evtx_dump, read, tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(json.dumps(evtx_dump()).encode()) + b"rubbish")
    rows, coverage = read(tmp_path / "x.gz")
    assert len(rows) == 1
    assert "no gzip data follows" in coverage.files[0].note
    assert coverage.problems == ()


def test_a_bomb_is_stopped_and_named(evtx_dump, read, tmp_path, monkeypatch):
    monkeypatch.setattr(content, "_ALWAYS_ALLOWED", 1 << 20)
    monkeypatch.setattr(content, "_MAX_RATIO", 2)
    line = json.dumps(evtx_dump()).encode() + b"\n"
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(line * 20_000))
    rows, coverage = read(tmp_path / "bomb.gz")
    assert 0 < len(rows) < 20_000
    assert any("archive bomb" in p.message for p in coverage.problems)


def test_a_member_behind_a_password_is_named_with_its_remedy(evtx_dump, read, write_lines, tmp_path):
    packed = bytearray(_zip(b"secret"))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(signature) + offset] |= 1
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "locked.zip").write_bytes(packed)
    write_lines([evtx_dump()])
    _, coverage = read(tmp_path / "logs")
    assert any("password" in f.note for f in coverage.files)
    assert any("password" in p.message for p in coverage.problems)


def test_the_order_of_paths_does_not_matter(evtx_dump, read, write_lines):
    paths = [write_lines([evtx_dump(record=i)], f"logs/{i}.json") for i in range(3)]
    assert read(*paths)[0] == read(*reversed(paths))[0]


def test_progress_is_told_in_bytes_and_ends_at_the_total(evtx_dump, write_lines):
    watch = Recorder()
    list(Reading([write_lines([evtx_dump()] * 10)], watch=watch).batches())
    assert watch.steps[-1].done == watch.steps[-1].total > 0
    assert watch.steps[-1].events == 10


def test_batches_stay_small(evtx_dump, write_lines):
    path = write_lines([evtx_dump(record=i, Noise=f"{i:08}" * 800) for i in range(40_000)])
    batches = [b.data for b in Reading([path]).batches()]
    assert sum(b.num_rows for b in batches) == 40_000
    assert max(b.nbytes for b in batches) < 128 << 20


def test_records_are_read_again_with_their_text(evtx_dump, write_lines):
    path = write_lines([{"records": [evtx_dump(record=9), evtx_dump(record=8)]}, evtx_dump(record=7)])
    reading = Reading([path])
    assert sum(b.data.num_rows for b in reading.batches()) == 3
    ((batch, originals),) = reading.fetch({str(path): {1: frozenset({-1})}})
    assert batch.data["EventRecordID"].to_pylist() == ["9", "8"]
    assert json.loads(originals[str(path), 1])["Event"]["System"]["EventRecordID"] == 9


def test_a_file_that_is_gone_gives_nothing_again(evtx_dump, write_lines):
    path = write_lines([evtx_dump()])
    reading = Reading([path])
    list(reading.batches())
    path.unlink()
    assert list(reading.fetch({str(path): {1: frozenset({-1})}})) == []
