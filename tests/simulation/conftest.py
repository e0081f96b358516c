"""Simulations written once for all tests of this room."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from stillhunt.simulation.scenario import SCENARIOS, Truth, simulate


class Written(NamedTuple):
    truth: Truth
    folder: Path


class Record(NamedTuple):
    """What both JSON shapes say, side by side."""

    path: str
    host: str
    channel: str
    event_id: int
    record_id: int
    at: str
    data: dict


def read_bytes(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def windows_records(folder: Path) -> Iterator[Record]:
    for path in sorted(folder.rglob("*json*")):
        if not {".jsonl", ".ndjson"} & set(path.suffixes):
            continue
        for line in read_bytes(path).splitlines():
            raw = json.loads(line)
            yield _beat(path, raw) if "winlog" in raw else _dump(path, raw["Event"])


def _dump(path, event):
    system = event["System"]
    number = system["EventID"]
    return Record(
        path=str(path),
        host=system["Computer"],
        channel=system["Channel"],
        event_id=number["#text"] if isinstance(number, dict) else number,
        record_id=system["EventRecordID"],
        at=system["TimeCreated"]["#attributes"]["SystemTime"],
        data=event.get("EventData") or event["UserData"],
    )


def _beat(path, raw):
    log = raw["winlog"]
    return Record(
        path=str(path),
        host=log["computer_name"],
        channel=log["channel"],
        event_id=log["event_id"],
        record_id=log["record_id"],
        at=raw["@timestamp"],
        data=log.get("event_data", {}),
    )


SCRIPTS = [name for name in SCENARIOS.names() if name != "quiet"]
SEEDS = {"webshell": (1, 3)}
"""Seeds that are tried; those of `webshell` give a web server on Linux and one on Windows."""


def runs() -> list[tuple[str, int]]:
    return [(script, seed) for script in SCRIPTS for seed in SEEDS.get(script, (1, 2))]


def web_lines(folder: Path) -> Iterator[dict[str, str]]:
    for path in sorted(folder.rglob("u_ex*.log")):
        fields = []
        for line in path.read_text().splitlines():
            if line.startswith("#Fields: "):
                fields = line.removeprefix("#Fields: ").split()
            elif not line.startswith("#"):
                yield {"file": path.name, **dict(zip(fields, line.split(" "), strict=True))}


@pytest.fixture(scope="session")
def formats() -> ModuleType:
    """Small strict readers of the formats that simulations write."""
    spec = spec_from_file_location("formats", Path(__file__).with_name("formats.py"))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def digests(formats):
    return formats.digests


@pytest.fixture(scope="session")
def read_windows():
    return windows_records


@pytest.fixture(scope="session")
def electoral(tmp_path_factory):
    folder = tmp_path_factory.mktemp("electoral") / "logs"
    return Written(simulate("electoral", folder), folder)


@pytest.fixture(scope="session")
def quiet(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quiet") / "logs"
    return Written(simulate("quiet", folder), folder)


@pytest.fixture(scope="session")
def records(electoral):
    return list(windows_records(electoral.folder))


@pytest.fixture(scope="session")
def quiet_records(quiet):
    return list(windows_records(quiet.folder))


@pytest.fixture(scope="session")
def requests(electoral):
    return list(web_lines(electoral.folder))


@pytest.fixture(scope="session", params=runs(), ids=lambda run: f"{run[0]}-{run[1]}")
def script(request, tmp_path_factory):
    name, seed = request.param
    folder = tmp_path_factory.mktemp(name) / "logs"
    return Written(simulate(name, folder, seed=seed, is_small=True), folder)
