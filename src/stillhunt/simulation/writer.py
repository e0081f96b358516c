"""Puts a played world on disk: several hosts, several shapes, plain and compressed, as a responder would get it.

Web and mail servers come as one compressed file a month in the shape of `evtx_dump`, with their web log beside it; the
domain controller as one compressed file a channel; other servers as one plain file a channel; the workstations
together as one compressed file a month in the shape of Winlogbeat; everything else as its product keeps it.
"""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from stillhunt.simulation.chance import stream
from stillhunt.simulation.clearing import README_NAME, TRUTH_NAME
from stillhunt.simulation.feed import LogFile
from stillhunt.simulation.iis import render
from stillhunt.simulation.shapes import Shape, evtx_dump, winlogbeat
from stillhunt.simulation.truth import Truth
from stillhunt.simulation.windows import WindowsEvent
from stillhunt.simulation.world import World

__all__ = ["log_files", "write"]

_BY_MONTH = frozenset({"MAIL01", "WEB01"})
_README = """\
These logs are SYNTHETIC. Nothing in them ever happened.

They were written by `stillhunt simulate` ({scenario}, seed {seed}): {title}.
The organisation, its people, machines and addresses are invented: domains end in .example, addresses outside come
from the ranges reserved for documentation. Nothing was run, and no system was touched.

{truth} says what is true of them: the moment of the break-in, every stage, every host, account and mailbox.
"""


_Numbered = tuple[WindowsEvent, int]


def log_files(world: World) -> Iterator[LogFile]:
    """Yield the log files of a world, in order of their paths within each kind."""
    for name in sorted(h.name for h in world.estate.hosts if h.is_server):
        if name in _BY_MONTH:
            yield from _windows_files(name, _by_month(_numbered(world, name)), "jsonl.gz", evtx_dump)
        else:
            suffix = "jsonl.gz" if name == "DC01" else "jsonl"
            yield from _windows_files(name, _by_channel(_numbered(world, name)), suffix, evtx_dump)
        if name in world.webs:
            yield from _web_files(world, name)
    seats = [e for host in world.estate.workstations for e in _numbered(world, host.name)]
    seats.sort(key=lambda e: (e[0].at, e[0].host.name, e[1]))
    yield from _windows_files("workstations", _by_month(seats), "ndjson.gz", winlogbeat)
    for feed in world.feeds():
        yield from feed.files()


def write(files: Iterable[LogFile], truth: Truth, folder: Path) -> None:
    """Write log files, their truth and a note that all of it is synthetic."""
    folder.mkdir(parents=True, exist_ok=True)
    encoded = msgspec.json.format(msgspec.json.encode(truth), indent=2)
    # The truth first: what an interrupted run leaves behind is then known to be ours.
    (folder / TRUTH_NAME).write_bytes(encoded + b"\n")
    note = _README.format(scenario=truth.scenario, seed=truth.seed, title=truth.title, truth=TRUTH_NAME)
    (folder / README_NAME).write_text(note, encoding="utf-8")
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)


def _numbered(world: World, name: str) -> list[_Numbered]:
    """A host's events in order of time, each with its record id: rising without a gap in each channel.

    Records that were cleared away keep their ids, so that clearing a log leaves its hole.
    """
    machine = world.machines[name]
    counters: dict[str, int] = {}
    numbered: list[_Numbered] = []
    lost = sorted(machine.cleared, key=lambda e: e.at)
    kept = [(event, True) for event in machine.events]
    for event, is_kept in sorted([*kept, *((event, False) for event in lost)], key=lambda e: e[0].at):
        channel = event.kind.channel
        if channel not in counters:
            counters[channel] = stream(world.seed, f"records {name} {channel}").randrange(1_000, 400_000)
        counters[channel] += 1
        if is_kept:
            numbered.append((event, counters[channel]))
    return numbered


def _by_channel(events: Iterable[_Numbered]) -> dict[str, list[_Numbered]]:
    groups: defaultdict[str, list[_Numbered]] = defaultdict(list)
    for event, number in events:
        groups[event.kind.channel.replace("/", "%4").replace(" ", "-")].append((event, number))
    return groups


def _by_month(events: Iterable[_Numbered]) -> dict[str, list[_Numbered]]:
    groups: defaultdict[str, list[_Numbered]] = defaultdict(list)
    for event, number in events:
        groups[f"{event.at:%Y-%m}"].append((event, number))
    return groups


def _web_files(world: World, name: str) -> Iterator[LogFile]:
    for file, text in render(world.webs[name]).items():
        n_events = sum(not line.startswith("#") for line in text.splitlines())
        yield LogFile(path=f"{name}/inetpub/LogFiles/W3SVC1/{file}", content=text.encode(), n_events=n_events)


def _windows_files(folder: str, groups: dict[str, list[_Numbered]], suffix: str, shape: Shape) -> Iterator[LogFile]:
    for name in sorted(groups):
        lines = b"\n".join([*(shape(event, number) for event, number in groups[name]), b""])
        content = gzip.compress(lines, compresslevel=4, mtime=0) if suffix.endswith(".gz") else lines
        yield LogFile(path=f"{folder}/{name}.{suffix}", content=content, n_events=len(groups[name]))
