"""What a file that no source reads looks like, and how a mapping for it begins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillhunt.telemetry.guess import guess_format
from stillhunt.telemetry.mapping import load_mappings
from stillhunt.telemetry.recognition import mapping_of

TABLE = b"\xef\xbb\xbfts;who;what\r\n2024-01-02 03:04:05;bob;open\r\n2024-01-02 03:04:06;eve;close\r\n"
LINES = b'{"who":{"name":"bob"},"at":"2024-01-02T03:04:05Z","n":7}\n'
WRAPPED = b'{"page": 1, "items": [{"id": "1", "created": 1704164645000}]}'


@pytest.mark.parametrize(
    ("head", "what", "names", "time"),
    [
        (TABLE, "a table of an unknown kind (ts, who, what)", ("ts", "who", "what"), "ts"),
        (LINES, "JSON of an unknown shape (who.name, at, n)", ("who.name", "at", "n"), "at"),
        (WRAPPED, "JSON of an unknown shape (id, created)", ("id", "created"), "created"),
        (b"[1, 2]", "JSON of an unknown shape", (), ""),
        (b"hello, you, there\nwell\nok, then\n", "text of no known log format", (), ""),
        (b"one,two\n1,2\n", "text of no known log format", (), ""),
    ],
)
def test_what_could_be_described_is_told_by_its_names(head, what, names, time):
    guess = guess_format(head)
    assert (guess.what, guess.names, guess.time, guess.is_mappable) == (what, names, time, True)


@pytest.mark.parametrize("head", [TABLE, LINES, WRAPPED])
def test_the_mapping_that_is_proposed_fits_the_file(head, tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text(guess_format(head).mapping.replace("...", "x"), "utf-8")
    (mapping,) = load_mappings([path])
    assert mapping_of(head, [mapping]) is mapping
    assert mapping.time == guess_format(head).time


@given(st.binary(max_size=400))
def test_any_content_is_guessed_at(head):
    assert guess_format(head).what
    assert guess_format(b'{"' + head).what
    assert guess_format(b"a,b,c\n" + head).what


def test_a_file_without_a_mapping_is_counted_and_shown_with_the_remedy(tmp_path, read, write_lines, evtx_dump):
    write_lines([evtx_dump()])
    (tmp_path / "logs" / "door.csv").write_bytes(TABLE)
    rows, coverage = read(tmp_path / "logs")
    (problem,) = coverage.problems
    assert len(rows) == 1
    assert problem.message == "a table of an unknown kind (ts, who, what), 3 lines: no source reads it"
    assert '{recognise: ["ts", "who", "what"], time: "ts"' in problem.hint
    assert [file.source for file in coverage.files] == [None, "windows_json"]
