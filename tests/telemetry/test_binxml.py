"""Compiled code reads event logs as the reference does, and no damage makes it read what is not there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.source import LogFile
from stillhunt.telemetry.sources import windows_evtx
from stillhunt.telemetry.table import Batches

decode = pytest.importorskip("stillhunt.telemetry.binxml.decode", reason="numba is not installed: stillhunt[fast]")


def chunks_of(folder):
    for path in sorted(folder.rglob("*.evtx")):
        with path.open("rb") as stream:
            for place, chunk in windows_evtx.chunks(LogFile(name=str(path), stream=stream)):
                yield str(path), place, chunk


def rows_of(batches):
    found = {}
    for batch in batches:
        for row in batch.data.to_pylist():
            key = row["event.file"], row["event.place"], row["event.record"], row["@timestamp"], batch.event_class
            found.setdefault(key, []).append(row)
    return found


@pytest.mark.slow
def test_every_field_of_every_record_is_that_of_the_reference(shared_data):
    chunks = list(chunks_of(shared_data / "evtx"))
    decoded = decode.Decoder().decode(chunks)
    batches = Batches()
    for piece in decoded.pieces:
        batches.add(piece)
    own = rows_of(batches.rest())
    log = LogFile(name="", stream=None)
    for name, place, chunk in chunks:
        log.name = name
        windows_evtx._take(log, place, chunk)
    reference = rows_of(log.outlet.rest())
    assert own.keys() <= reference.keys()
    n_odd = sum(map(len, decoded.odd.values()))
    assert n_odd < log.n_events / 100
    assert sum(decoded.counts) + n_odd >= log.n_events
    n_fields, wrong = 0, []
    for key, rows in own.items():
        for row, other in zip(rows, reference[key], strict=True):
            # Of elements that share a name the reference keeps one with all below it, or numbers their names.
            repeated = {name for name, value in row.items() if isinstance(value, str) and "\n" in value}
            for name in row.keys() | other.keys():
                one, two = row.get(name) or None, other.get(name) or None
                n_fields += 1
                is_numbered = name.rpartition("_")[2].isdecimal() and name.rpartition("_")[0] in repeated
                is_broken = isinstance(one, str) and "\ufffd" in one
                is_longer_list = isinstance(one, list) and isinstance(two, list) and set(two) <= set(one)
                is_lost = two is None and bool(repeated)
                is_known = name in repeated or is_numbered or is_broken or is_longer_list or is_lost
                if one != two and not is_known:
                    wrong.append((key[:3], name, two, one))
    assert wrong == []
    assert n_fields > 500_000


# With every access checked, in a process of its own, since the checks are compiled in.
FUZZ = """
import random, sys
from pathlib import Path
from stillhunt.telemetry.binxml.decode import Decoder
from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.source import LogFile
from stillhunt.telemetry.sources.windows_evtx import chunks
sound = []
for path in sorted(Path(sys.argv[1]).rglob("*.evtx"))[::3]:
    with path.open("rb") as stream:
        sound += [chunk for _, chunk in chunks(LogFile(name="x", stream=stream))]
dice = random.Random(20_211_012)
n_events = 0
for _ in range(250):
    batch = []
    for place in range(4):
        chunk = bytearray(dice.choice(sound))
        for _ in range(dice.choice([1, 3, 10, 60])):
            at = dice.randrange(512, 20_000) if dice.random() < 0.8 else dice.randrange(65_536)
            kind = dice.random()
            if kind < 0.5:
                chunk[at] = dice.randrange(256)
            elif kind < 0.8:
                chunk[at : at + 4] = dice.choice([dice.randbytes(4), b"\\xff" * 4, bytes(4), b"\\xf0\\xff\\0\\0"])
            else:
                start, size = dice.randrange(512, 60_000), dice.randrange(1, 200)
                chunk[at : at + size] = chunk[start : start + size]
        batch.append(("x", place, bytes(chunk[:65_536]).ljust(65_536, b"\\0")))
    n_events += sum(Decoder().decode(batch).counts)
print(n_events)
"""


@pytest.mark.slow
def test_no_damage_makes_it_read_beyond_its_bytes(shared_data, tmp_path):
    environment = {**os.environ, "STILLHUNT_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", FUZZ, str(shared_data / "evtx")]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr[-2000:]
    assert int(found.stdout) > 10_000


def test_where_compiled_code_stops_the_package_takes_over(shared_data, monkeypatch):
    def stop(self, chunks):
        raise ValueError

    folder = shared_data / "evtx" / "deepblue"
    monkeypatch.setattr(windows_evtx, "_CHUNKS_WORTH_IT", 1)
    with_compiled_code = Reading([folder])
    n_events = sum(batch.data.num_rows for batch in with_compiled_code.batches())
    monkeypatch.setattr(decode.Decoder, "decode", stop)
    without = Reading([folder])
    assert sum(batch.data.num_rows for batch in without.batches()) == n_events > 1_000
    assert without.coverage() == with_compiled_code.coverage()
