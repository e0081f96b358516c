"""A small store of forty days, and engines that need no other process."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path

import pytest

from stillhunt.engines.engine import Piece
from stillhunt.workflows import plan
from stillhunt.workflows.hunt import hunt

N_DAYS, DAY = 40, 86_400
START = datetime(2023, 1, 2, tzinfo=UTC)


class Here:
    """An engine in this process that divides files, orders pieces and repeats tasks by chance."""

    def __init__(self, seed: int = 0, n_hands: int = 2) -> None:
        self.n_hands, self._chance = n_hands, random.Random(seed)
        self.read: list[str] = []

    def contents(self, folder: str, pattern: str) -> dict[str, bytes]:
        paths = Path(folder.removeprefix("file://")).glob("*")
        return {path.name: path.read_bytes() for path in paths if fnmatch(path.name, pattern)}

    def gathered(self, paths: Sequence[str], work, join, *, n_tasks: int, watch) -> list[Piece]:
        self.read += paths
        order = self._chance.sample(list(paths), len(paths))
        by_subject: dict[str, list[bytes]] = {}
        for number in range(n_tasks):
            files = [(path, Path(path.removeprefix("file://")).read_bytes()) for path in order[number::n_tasks]]
            if self._chance.random() < 0.3:
                # A task that is lost half-way is done again.
                for _ in work(iter(files[: len(files) // 2])):
                    pass
            for subject, body in work(iter(files)):
                by_subject.setdefault(subject, []).append(body)
        found = [
            Piece(subject, body)
            for subject, bodies in by_subject.items()
            for body in join(subject, self._chance.sample(bodies, len(bodies)))
        ]
        return self._chance.sample(found, len(found))


@pytest.fixture(scope="session")
def here() -> Callable[..., Here]:
    return Here


@pytest.fixture(scope="session")
def logs(tmp_path_factory) -> Path:
    """Connections with an implant that calls home, and process starts with a few that rules know; a file a day."""
    folder, chance = tmp_path_factory.mktemp("logs"), random.Random(1)
    for day in range(N_DAYS):
        begin = START.timestamp() + day * DAY
        lines = [_line(begin + n * 7_200 + chance.uniform(0, 900), "10.0.0.5", "203.0.113.9") for n in range(12)]
        for _ in range(60):
            at = begin + chance.uniform(8, 18) * 3_600
            lines.append(_line(at, f"10.0.1.{chance.randint(1, 40)}", f"198.51.100.{chance.randint(1, 9)}"))
        names = "ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\torig_bytes"
        head = "#separator \\x09\n#path\tconn\n#fields\t" + names + "\n"
        (folder / f"conn.{day:02}.log").write_text(head + "".join(sorted(lines)))
        events = [json.dumps(_start(day, number)) for number in range(40)]
        (folder / f"sysmon.{day:02}.json").write_text("\n".join(events) + "\n")
    return folder


@pytest.fixture(scope="session")
def _hunted(logs, tmp_path_factory) -> tuple[Path, object]:
    store = tmp_path_factory.mktemp("stores") / "a store [of] {tests}"
    with pytest.MonkeyPatch.context() as patch:
        # Small units, so that there are more files than tasks.
        patch.setattr(plan, "_LEAST", 40_000)
        return store, hunt([logs], store=store).brief


@pytest.fixture
def store(_hunted, tmp_path) -> Path:
    """A copy of the store in which nothing was hunted yet."""
    copy = tmp_path / _hunted[0].name
    shutil.copytree(_hunted[0], copy)
    for path in (copy / "states").iterdir():
        if path.suffix != ".read":
            path.unlink()
    return copy


@pytest.fixture(scope="session")
def brief(_hunted):
    """What a hunt on this machine finds in it."""
    return _hunted[1]


def _line(at: float, source: str, destination: str) -> str:
    return f"{at:.6f}\tC{at:.0f}\t{source}\t50000\t{destination}\t443\ttcp\t900\n"


_COMMANDS = (
    "C:\\Windows\\System32\\rundll32.exe C:\\Windows\\System32\\comsvcs.dll, MiniDump 640 C:\\Temp\\lsass.dmp full",
    "C:\\Windows\\System32\\vssadmin.exe delete shadows /all /quiet",
    "C:\\Windows\\System32\\svchost.exe -k netsvcs",
)


def _start(day: int, number: int) -> dict[str, object]:
    at = START + timedelta(days=day, minutes=23 * number)
    command = _COMMANDS[day % 3] if number == day else f"{_COMMANDS[2]} -s task{number % 7}"
    return {
        "Event": {
            "System": {
                "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}},
                "EventID": 1,
                "TimeCreated": {"#attributes": {"SystemTime": at.isoformat()}},
                "EventRecordID": day * 1000 + number,
                "Channel": "Microsoft-Windows-Sysmon/Operational",
                "Computer": "ws1.corp.example",
            },
            "EventData": {
                "UtcTime": f"{at:%Y-%m-%d %H:%M:%S}.000",
                "ProcessGuid": f"{{{day:04}{number:04}}}",
                "ParentProcessGuid": f"{{{day:04}{max(0, number - 1):04}}}",
                "Image": command.partition(".exe")[0] + ".exe",
                "CommandLine": command,
                "User": "CORP\\alice",
                "Unheard": f"value {number}",
            },
        }
    }
