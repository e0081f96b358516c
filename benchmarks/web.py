"""How fast the pages are over a large workspace: 10,000 findings, 500 cases, 5 million events.

    python benchmarks/web.py FOLDER --data ../shared/data

FOLDER is made if it is not there. Findings and cases are those of the demo, repeated with other ids and times. Events
are 250,000 real host logs dealt out over a hundred days (`store.py`), and copies of them, each 18 days later, with
other hosts, other GUIDs and hashes, and every third with other command lines. Prints the median of each page, what 50
readers get who log in and read at once while a hunt runs, and whether the audit log has all of it.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.compute as pc
from store import lines_of, write_day

from stillhunt.report.brief import Brief
from stillhunt.simulation.scenario import simulate
from stillhunt.telemetry.event import TEXT, EventBatch
from stillhunt.telemetry.store.manifest import Add, Manifest
from stillhunt.telemetry.store.read import read_part
from stillhunt.telemetry.store.write import PartWriter
from stillhunt.web.accounts import Accounts, Role
from stillhunt.web.audit import Audit
from stillhunt.web.site import STATE
from stillhunt.workflows import workspace
from stillhunt.workflows.hunt import hunt

FINDINGS, CASES, EVENTS = 10_000, 500, 5_000_000
READERS, PAGES_EACH = 50, 6
PASSWORD = "correct horse battery staple"


def make(folder: Path, data: Path, n_events: int) -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as work:
        logs, base, lines = Path(work) / "logs", Path(work) / "base", lines_of(data)
        for day in range(100):
            write_day(logs, day, lines, 2_500)
        hunt(logs, store=base)
        simulate("electoral", Path(work) / "demo", seed=1)
        brief = hunt(Path(work) / "demo").brief
        enlarge(base, folder / "big", n_events)
    workspace.save(_repeated(brief), folder / "big", rules=())
    # What a hunt is to read while there are readers.
    simulate("electoral", folder / "logs", seed=2)


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


_HEX = "0123456789abcdef"
_DAYS = 18


def enlarge(base: Path, target: Path, n_events: int) -> None:
    """Write the events of a store again and again, as if they were others'."""
    units = list(Manifest(base).units.values())
    manifest = Manifest.begin(target, made_by="benchmarks/web.py")
    n_written = copy = 0
    while n_written < n_events:
        for start in range(0, len(units), 5):
            name = f"{copy:03}{start:05}"
            writer = PartWriter(target, name)
            for part in (part for unit in units[start : start + 5] for part in unit.parts):
                for batch in read_part(base / part.path):
                    writer.add(EventBatch(event_class=batch.event_class, data=_other(batch.data, copy)))
            parts, groups = writer.close()
            manifest.append(Add(unit=name, reader="benchmark", inputs=(), parts=parts, groups=groups))
            n_written += sum(part.n_rows for part in parts)
        copy += 1


def _other(data: pa.RecordBatch, copy: int) -> pa.RecordBatch:
    turned = _HEX[copy % 16 :] + _HEX[: copy % 16]
    table = str.maketrans(_HEX + _HEX.upper(), turned + turned.upper())

    def changed(name: str, text: str) -> str:
        if name in {"host.name", "Computer", "Hostname"}:
            head, dot, domain = text.partition(".")
            return f"{head}-{copy}{dot}{domain}"
        if "CommandLine" in name:
            return f"{text} /run:{copy}{len(text) * 7919 % 10007:x}" if copy % 3 == 1 else text
        return text.translate(table) if "guid" in name.lower() or "hash" in name.lower() or "LogonId" in name else text

    columns = []
    for name, own in zip(data.schema.names, data.columns, strict=True):
        column = own
        if name == "@timestamp":
            column = pc.add(column, pa.scalar(timedelta(days=_DAYS * copy), pa.duration("us"))).cast(column.type)
        elif copy and column.type == TEXT and column.null_count < len(column):
            texts = [None if text is None else changed(name, text) for text in column.dictionary.to_pylist()]
            column = pa.DictionaryArray.from_arrays(column.indices, pa.array(texts, pa.string()))
        columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=data.schema.names)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--data", type=Path, default=Path(os.environ.get("STILLHUNT_DATA", "../shared/data")))
    asked.add_argument("--events", type=int, default=EVENTS)
    given = asked.parse_args()
    if not (given.folder / "big").is_dir():
        given.folder.mkdir(parents=True, exist_ok=True)
        make(given.folder, given.data, given.events)
    command = [sys.executable, "-m", "stillhunt", "serve", str(given.folder), "--port", "8799"]
    (given.folder / STATE).mkdir(exist_ok=True, mode=0o700)
    accounts = Accounts(given.folder / STATE / "accounts.db")
    known = {user.name for user in accounts.users()}
    for number in range(READERS):
        if f"reader{number}" not in known:
            accounts.add_user(f"reader{number}", PASSWORD, Role.VIEWER if number else Role.ADMIN)
    server = subprocess.Popen(command)
    try:
        _measure()
    finally:
        server.terminate()
        server.wait()


@contextmanager
def _logged_in(number: int) -> Iterator[httpx.Client]:
    with httpx.Client(base_url="http://127.0.0.1:8799", timeout=120) as client:
        answer = client.post("/login", data={"name": f"reader{number}", "password": PASSWORD, "to": "/"})
        assert answer.status_code == 303, answer.status_code
        yield client


def _measure() -> None:
    for _ in range(100):
        try:
            httpx.get("http://127.0.0.1:8799/login")
            break
        except httpx.TransportError:
            time.sleep(0.2)
    with _logged_in(0) as client:
        pages = _pages(client)
    _readers(pages[:16])


def _pages(client: httpx.Client) -> list[str]:
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
        "/w/big/events?since=2021-08-26&order=newest",
        "/w/big/events?q=host.name:workstation5-1*&class=windows/process_creation",
        "/w/big/events?q=Image:*cmd.exe",
        "/w/big/events?q=EventID:4104&since=2022-01-01",
        "/w/big/events?q=mimikatz",
        "/w/big/events?q=mimikatz&since=2021-08-26&until=2021-08-27",
        "/w/big/events?q=nowhereatall",
        "/w/big/events?q=destination.ip:10.9.8.7",
        "/w/big/events?q=powershell+-EventID:4104&order=newest",
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
    return pages


def _readers(pages: list[str]) -> None:
    times: list[float] = []
    failures: list[str] = []

    def read(number: int) -> None:
        with _logged_in(number) as client:
            for place in range(PAGES_EACH):
                begin = time.perf_counter()
                answer = client.get(pages[(number + place) % len(pages)])
                times.append(time.perf_counter() - begin)
                if answer.status_code != 200:
                    failures.append(f"{answer.status_code} {answer.url}")

    with _logged_in(0) as admin:
        logs = Path(sys.argv[1]) / "logs"
        form = {"name": f"beside-{time.time():.0f}", "paths": str(logs), "store": "yes", "csrf": _csrf(admin)}
        started = admin.post("/hunts", data=form)
        assert started.status_code == 303, started.text
        begin = time.perf_counter()
        readers = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        whole = time.perf_counter() - begin
        print(f"{READERS} readers: {len(times)} pages in {whole:.1f} s, median {statistics.median(times):.2f} s")
        print(f"not answered as they should be: {failures or 'none'}")
        state = ""
        while state not in {"done", "failed"} and time.perf_counter() - begin < 300:
            time.sleep(1)
            page = admin.get(started.headers["location"]).text
            state = page.partition('data-state="')[2].partition('"')[0]
        found = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.partition("<dl")[2].partition("</dl")[0]))
        print(f"the hunt beside them: {state} after {time.perf_counter() - begin:.0f} s, {found}")
    lines = (Path(sys.argv[1]) / STATE / "audit.jsonl").read_text("utf-8").splitlines()
    n_logins = sum(json.loads(line)["what"] == "log-in" for line in lines)
    broken = Audit(Path(sys.argv[1]) / STATE / "audit.jsonl").broken_at()
    print(f"audit log: {len(lines)} lines, {n_logins} log-ins, chain broken at {broken}")


def _csrf(client: httpx.Client) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/").text)
    assert found is not None
    return found[1]


if __name__ == "__main__":
    main()
