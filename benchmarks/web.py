"""How fast the pages are over a large workspace: 10,000 findings, 500 cases, 5 million events.

    python benchmarks/web.py FOLDER

FOLDER is made if it is not there: the demo's logs are hunted into a store, whose files are then listed under many
names, and its findings and case are repeated with other ids and times. Prints the median of each page, and what
50 readers at once get while a hunt runs.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path

import httpx
import msgspec

from stillhunt.report.brief import Brief
from stillhunt.simulation.scenario import simulate
from stillhunt.telemetry.store.manifest import MARKER, Add
from stillhunt.workflows import workspace
from stillhunt.workflows.hunt import hunt

FINDINGS, CASES, EVENTS = 10_000, 500, 5_000_000


def make(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as logs:
        simulate("electoral", Path(logs), seed=1)
        big = folder / "big"
        brief = hunt([logs], store=big).brief
        workspace.save(_repeated(brief), big, rules=())
    _repeat_events(big)


def _repeated(brief: Brief) -> Brief:
    """Repeat findings and the case, each time a little later, under ids of their own."""
    case, assessment = brief.cases[0], brief.assessments[0]
    own = [f for f in brief.findings if f.id in case.findings]
    per_case = FINDINGS // CASES
    findings, cases, assessments = [], [], []
    for number in range(CASES):
        shift = timedelta(hours=7 * number)
        members = []
        for place in range(per_case):
            finding = own[(number + place) % len(own)]
            name = hashlib.sha256(f"{number} {place}".encode()).hexdigest()[:16]
            first = finding.first_at + shift if finding.first_at else None
            last = finding.last_at + shift if finding.last_at else None
            members.append(dataclasses.replace(finding, id=f"finding-{name}", first_at=first, last_at=last))
        ids = tuple(f.id for f in members)
        findings += members
        stages = tuple(dataclasses.replace(s, findings=ids[:3]) for s in case.stages)
        one = dataclasses.replace(case, id=f"case-{number:012x}", findings=ids, context=(), links=(), stages=stages)
        cases.append(one)
        assessments.append(dataclasses.replace(assessment, case=one.id))
    return dataclasses.replace(brief, findings=tuple(findings), cases=tuple(cases), assessments=tuple(assessments))


def _repeat_events(store: Path) -> None:
    manifest = store / MARKER
    lines = manifest.read_bytes().splitlines()
    units = [msgspec.json.decode(line, type=Add) for line in lines if b'"do":"add"' in line]
    n_events = sum(part.n_rows for unit in units for part in unit.parts)
    with manifest.open("ab") as file:
        for copy in range(1, EVENTS // n_events + 1):
            for unit in units:
                parts = []
                for part in unit.parts:
                    name = part.path.replace(".parquet", f"-{copy}.parquet")
                    os.link(store / part.path, store / name)
                    parts.append(msgspec.structs.replace(part, path=name))
                again = msgspec.structs.replace(unit, unit=f"{unit.unit}-{copy}", parts=tuple(parts), groups=())
                file.write(msgspec.json.encode(again) + b"\n")


def main() -> None:
    folder = Path(sys.argv[1])
    if not (folder / "big").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        make(folder)
    server = subprocess.Popen([sys.executable, "-m", "stillhunt", "serve", str(folder), "--port", "8799"])
    try:
        _measure()
    finally:
        server.terminate()


def _measure() -> None:
    client = httpx.Client(base_url="http://127.0.0.1:8799", timeout=120)
    for _ in range(100):
        try:
            client.get("/")
            break
        except httpx.TransportError:
            time.sleep(0.2)
    begin = time.perf_counter()
    client.get("/w/big")
    print(f"first page of a workspace just opened: {time.perf_counter() - begin:.2f} s")
    case = f"case-{7:012x}"
    finding = client.get(f"/w/big/cases/{case}").text.partition("/findings/finding-")[2][:16]
    pages = [
        "/",
        "/w/big",
        "/w/big?q=mail01&level=critical",
        f"/w/big/cases/{case}",
        f"/w/big/cases/{case}/timeline",
        f"/w/big/cases/{case}/timeline?from=2021-08-25&to=2021-08-30",
        "/w/big/findings",
        "/w/big/findings?q=mailbox&level=high&page=3",
        f"/w/big/findings/finding-{finding}",
        "/w/big/entity?kind=host&value=mail01.corp.elections.example",
        "/w/big/events",
        "/w/big/events?since=2021-08-26&until=2021-08-26",
        "/w/big/events?q=host.name:mail01*&class=windows/process_creation",
        "/w/big/events?q=mimikatz&since=2021-08-26&until=2021-08-27",
        "/w/big/coverage",
        "/w/big/suppressions",
        "/knowledge",
        "/knowledge?q=APT31",
        "/knowledge/card?name=APT28",
        "/reading",
        "/audit",
    ]
    for address in pages:
        client.get(address)
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            answer = client.get(address)
            times.append(time.perf_counter() - begin)
            if sum(times) > 10:
                break
        assert answer.status_code == 200, (address, answer.status_code)
        print(f"{statistics.median(times) * 1000:8.0f} ms {len(answer.content) / 1000:8.0f} kB  {address}", flush=True)
    _readers(pages[:9])


def _readers(pages: list[str]) -> None:
    times: list[float] = []
    failures: list[str] = []

    def read(number: int) -> None:
        with httpx.Client(base_url="http://127.0.0.1:8799", timeout=120) as client:
            for place in range(6):
                begin = time.perf_counter()
                answer = client.get(pages[(number + place) % len(pages)])
                times.append(time.perf_counter() - begin)
                if answer.status_code != 200:
                    failures.append(f"{answer.status_code} {answer.url}")

    begin = time.perf_counter()
    readers = [threading.Thread(target=read, args=(number,)) for number in range(50)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    whole = time.perf_counter() - begin
    print(f"50 readers: {len(times)} pages in {whole:.1f} s, median {statistics.median(times):.2f} s, lost: {failures}")


if __name__ == "__main__":
    main()
