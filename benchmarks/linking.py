"""What linking many findings costs, and that the cost grows with n log n.

    python benchmarks/linking.py [NUMBER...]

The findings are made up, by a fixed seed: of 400 detectors over eighteen months, ten findings a host on average but
many times that on domain controllers; accounts of one person each, of administrators and of services; process trees;
addresses inside and outside; hashes; remote logons between hosts; and where accounts signed in from. One intruder in
twenty thousand findings moves over five hosts. Every number is a process of its own, and one process does all its work.
Prints Markdown: processor seconds for linking and for whole cases (dated, scoped, opened), which other work on the
machine does not change, and memory before and at most.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from stillhunt.cases.investigate import investigate
from stillhunt.cases.link import link
from stillhunt.cases.trail import Logon, Trail
from stillhunt.detection.finding import Clause, Detector, EventRef, Evidence, Finding
from stillhunt.detection.fold import named
from stillhunt.telemetry.coverage import Coverage, HostSpan
from stillhunt.telemetry.event import COMMON
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level

_BEGIN = datetime(2023, 1, 1, tzinfo=UTC)
_SPAN_S = 540 * 86_400
_PER_HOST, _PER_INTRUDER, _HOSTS_OF_ONE = 10, 20_000, 5
_TACTICS = (
    "initial-access",
    "execution",
    "persistence",
    "credential-access",
    "discovery",
    "lateral-movement",
    "exfiltration",
)
_LEVELS = (Level.LOW, Level.LOW, Level.MEDIUM, Level.MEDIUM, Level.MEDIUM, Level.HIGH)


class _Estate:
    """Hosts, people and detectors, as many as the findings ask for."""

    def __init__(self, n_findings: int, seed: int) -> None:
        self.draw = random.Random(seed)
        self.n_hosts = max(10, n_findings // _PER_HOST)
        self.n_controllers = max(2, self.n_hosts // 2_000)
        self.detectors = [self._detector(number) for number in range(400)]

    def _detector(self, number: int) -> Detector:
        return Detector(
            kind="sigma",
            id=f"rule-{number}",
            title=f"Rule {number}",
            description="",
            level=_LEVELS[number % len(_LEVELS)],
            path="",
            tactics=(_TACTICS[number % len(_TACTICS)],),
            techniques=(f"T{1000 + number % 120}",),
        )

    def host(self) -> int:
        """Draw a host: one finding in twenty is on a domain controller."""
        if self.draw.random() < 0.05:
            return self.draw.randrange(self.n_controllers)
        return self.draw.randrange(self.n_hosts)

    def account(self, host: int) -> str:
        """Draw who acts: mostly whoever owns the machine, sometimes an administrator, a service or the system."""
        chance = self.draw.random()
        if chance < 0.5:
            owner = self.draw.randrange(self.n_hosts) if host < self.n_controllers else host
            return f"corp\\user{owner}"
        if chance < 0.6:
            return f"corp\\admin{self.draw.randrange(1 + self.n_hosts // 200)}"
        return "nt authority\\system" if chance < 0.95 else f"corp\\svc{host % 50}"

    def at(self) -> datetime:
        return _BEGIN + timedelta(seconds=self.draw.randrange(_SPAN_S))


def _machine(host: int) -> str:
    return f"host{host}.corp.example"


def _inside(host: int) -> str:
    return f"10.{host >> 16 & 255}.{host >> 8 & 255}.{host & 255}"


def _findings(estate: _Estate, n_findings: int) -> Iterator[Finding]:
    draw = estate.draw
    for number in range(n_findings):
        owner = number % _PER_INTRUDER
        is_theirs = owner < 4 * _HOSTS_OF_ONE
        intruder = number // _PER_INTRUDER
        host = estate.n_controllers + (intruder * 97 + owner % _HOSTS_OF_ONE) % estate.n_hosts if is_theirs else -1
        host = host % estate.n_hosts if is_theirs else estate.host()
        entities = [(EntityKind.HOST, _machine(host), "")]
        account = f"corp\\user{intruder * 97}" if is_theirs else estate.account(host)
        entities.append((EntityKind.ACCOUNT, account, "subject"))
        if draw.random() < 0.5:
            entities.append((EntityKind.PROCESS_ID, f"{{{host}-{draw.randrange(20)}}}", "subject"))
            tool = f"c:\\users\\public\\tool{draw.randrange(5_000)}.exe"
            entities.append((EntityKind.PROCESS, tool, "subject"))
        if is_theirs or draw.random() < 0.1:
            outside = intruder if is_theirs else draw.randrange(50_000)
            entities.append((EntityKind.ADDRESS, f"198.18.{outside >> 8 & 255}.{outside & 255}", "source"))
        elif draw.random() < 0.3:
            entities.append((EntityKind.ADDRESS, _inside(estate.host()), "source"))
        if draw.random() < 0.2:
            entities.append((EntityKind.HASH, f"{draw.randrange(max(100, n_findings // 4)):064x}", ""))
        first = estate.at()
        last = first + timedelta(seconds=draw.randrange(86_400 * 20)) if draw.random() < 0.2 else first
        yield Finding(
            id=f"finding-{number:08x}",
            detector=draw.choice(estate.detectors),
            first_at=first,
            last_at=last,
            count=1,
            entities=named(entities),
            evidence=(Evidence(ref=EventRef(file="log", record=number, at=first), original="{}", matched=_CLAUSE),),
        )


_CLAUSE = Clause(kind="field", label="x")


def _trail(estate: _Estate) -> Trail:
    """Make what the logs remember: process trees of twenty a host, two ways by which each host was logged on to."""
    trail, draw = Trail(), estate.draw
    for first in range(0, estate.n_hosts, 1_000):
        trail.processes.add(_starts(range(first, min(first + 1_000, estate.n_hosts))))
    for host in range(estate.n_hosts):
        address, name = _inside(host), _machine(host)
        trail.own_addresses[name] = {address}
        trail.hosts_by_address[address] = {name}
        for origin in (draw.randrange(estate.n_hosts), estate.n_hosts - 1 - host):
            account = (
                f"corp\\user{origin}"
                if host < estate.n_controllers
                else f"corp\\admin{draw.randrange(1 + host // 200)}"
            )
            at = estate.at()
            key = (name, account, _inside(origin), "3")
            trail.logons[key] = Logon(
                host=name, account=account, address=key[2], logon_type="3", first_at=at, last_at=at, count=1, file="log"
            )
    trail.sightings.add(_arrivals(estate))
    return trail


def _starts(hosts: Iterable[int]) -> pa.Table:
    """Make the process starts of some hosts, as a batch of events tells them."""
    names = ("process.entity_id", "process.parent.entity_id", "process.executable", "process.parent.executable")
    columns: dict[str, list[object]] = {name: [] for name in (*names, "host.name", "user.name", "@timestamp")}
    for host in hosts:
        for number in range(20):
            parent = f"{{{host}-{number // 3}}}" if number > 1 else ""
            image = "c:\\windows\\explorer.exe" if number < 1 else "c:\\windows\\system32\\cmd.exe"
            row = (
                f"{{{host}-{number}}}",
                parent,
                image,
                "c:\\windows\\explorer.exe",
                _machine(host),
                f"corp\\user{host}",
                _BEGIN,
            )
            for column, value in zip(columns.values(), row, strict=True):
                column.append(value)
    columns |= {
        "event.file": ["log"] * len(columns["host.name"]),
        "process.command_line": columns["process.executable"],
    }
    return pa.table(columns, schema=pa.schema([(name, COMMON[name][0]) for name in columns]))


def _arrivals(estate: _Estate) -> pa.Table:
    """Make sign-ins: everybody from their own machine all the time, each tenth once from outside."""
    rows = [(f"corp\\user{host} {_inside(host)}", 0, _SPAN_S, 400) for host in range(estate.n_hosts)]
    rows += [(f"corp\\user{host} 203.0.113.{host % 256}", 9_000, 9_600, 2) for host in range(0, estate.n_hosts, 10)]
    texts = {"kind": ["came from"] * len(rows), "value": [r[0] for r in rows], "host": [""] * len(rows)}
    times = {name: [_BEGIN + timedelta(seconds=r[n]) for r in rows] for n, name in ((1, "first"), (2, "last"))}
    columns = {**texts, "file": ["log"] * len(rows), **times, "n": [r[3] for r in rows]}
    kinds = [pa.string()] * 4 + [pa.timestamp("us", tz="UTC")] * 2 + [pa.int64()]
    return pa.table(columns, schema=pa.schema(list(zip(columns, kinds, strict=True))))


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _measure(n_findings: int) -> dict[str, float]:
    estate = _Estate(n_findings, seed=5)
    trail = _trail(estate)
    findings = list(_findings(estate, n_findings))
    held = _peak_mib()
    gc.disable()  # as hunts do: there are no cycles among findings
    begun = time.process_time()
    components = link(findings, trail, n_hosts=estate.n_hosts)
    linked = time.process_time() - begun
    peak = _peak_mib()
    n_links = sum(len(links) for _, links in components)
    n_components, largest = len(components), max(len(members) for members, _ in components)
    del components
    end = _BEGIN + timedelta(seconds=_SPAN_S)
    spans = tuple(HostSpan(host=_machine(h), first_at=_BEGIN, last_at=end, n_events=1) for h in range(estate.n_hosts))
    begun = time.process_time()
    cases = investigate(findings, trail, Coverage(hosts=spans))
    whole = time.process_time() - begun
    return {
        "findings": n_findings,
        "linked": linked,
        "held": held,
        "peak": peak,
        "components": n_components,
        "largest": largest,
        "links": n_links,
        "whole": whole,
        "peak_whole": _peak_mib(),
        "cases": len(cases),
    }


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numbers", nargs="*", type=int, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--one", type=int, default=0, help=argparse.SUPPRESS)
    chosen = parser.parse_args(argv)
    if chosen.one:
        print(json.dumps(_measure(chosen.one)))
        return 0
    print(
        "| findings | s to link | µs each, over log2 n | MiB before | MiB at most | cases | s for whole cases | MiB |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for n_findings in chosen.numbers:
        command = [sys.executable, __file__, "--one", str(n_findings)]
        said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        each = said["linked"] * 1e6 / n_findings / math.log2(n_findings)
        cells = (
            f"{n_findings:,}",
            f"{said['linked']:.1f}",
            f"{each:.2f}",
            f"{said['held']:,.0f}",
            f"{said['peak']:,.0f}",
        )
        rest = (f"{said['cases']:,.0f}", f"{said['whole']:.1f}", f"{said['peak_whole']:,.0f}")
        print("| " + " | ".join((*cells, *rest)) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
