"""What every log source must do, also those added tomorrow."""

from __future__ import annotations

import contextlib
import importlib
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillhunt.errors import SourceError
from stillhunt.telemetry.event import COMMON, LIST_FIELDS, TEXT, TEXT_LIST
from stillhunt.telemetry.source import SOURCES, LogFile

SAMPLES = {path.stem: path.read_bytes() for path in sorted((Path(__file__).parent / "samples").iterdir())}
SAMPLES["outlook_msg"] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "__substg1.0_".encode("utf-16-le") + b"\x00" * 5000
SAMPLES["windows_evtx"] = b"ElfFile\x00" + b"\x00" * 5000


def batches_of(name, log):
    for _ in SOURCES[name].into_outlet(log):
        pass
    return list(log.outlet.rest())


def test_every_source_has_a_sample_here():
    assert sorted(SAMPLES) == SOURCES.names()


@pytest.mark.parametrize("name", SOURCES.names())
def test_a_source_knows_its_own_and_no_others(name):
    # What a mapping describes is no source's own.
    expected = [] if name == "mapped" else [name]
    assert [sample for sample, head in SAMPLES.items() if SOURCES[name].sniff(head)] == expected


@pytest.mark.parametrize("name", SOURCES.names())
@settings(max_examples=60, deadline=None)
@given(rubbish=st.binary(max_size=600), keep=st.integers(0, 300))
def test_rubbish_raises_nothing_but_a_source_error(name, rubbish, keep):
    content = SAMPLES[name][:keep] + rubbish
    SOURCES[name].sniff(content)
    log = LogFile(name="x", stream=io.BufferedReader(io.BytesIO(content)))
    with contextlib.suppress(SourceError):
        batches_of(name, log)


@pytest.mark.parametrize("name", [n for n in SOURCES.names() if n not in {"windows_evtx", "outlook_msg"}])
def test_batches_have_the_common_columns_and_text_after_them(name):
    log = LogFile(name="x", stream=io.BufferedReader(io.BytesIO(SAMPLES[name])))
    for batch in batches_of(name, log):
        schema = batch.data.schema
        assert set(schema.names[: len(COMMON)]) == set(COMMON)
        for field in schema:
            native = TEXT_LIST if field.name in LIST_FIELDS else TEXT
            assert field.type == (COMMON[field.name][0] if field.name in COMMON else native), field.name


@pytest.mark.parametrize("name", SOURCES.names())
def test_a_source_says_what_it_is_and_what_it_cannot_show(name):
    doc = importlib.import_module(f"stillhunt.telemetry.sources.{name}").__doc__
    assert SOURCES[name].title
    assert "cannot show" in doc
