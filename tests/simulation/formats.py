"""Small readers of the formats that simulations write, strict where a product is: the reference for the tests."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import mailbox
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

RFC3164 = re.compile(r"<(\d{1,3})>([A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}) (\S+) (%ASA-([0-7])-(\d{6})): (.+)")
RFC5424 = re.compile(r"<(\d{1,3})>1 (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z) (\S+) - - - - (.+)")
KEYED = re.compile(r'(\w+)=("[^"]*"|\S+)(?: |$)')
AUTH = re.compile(r"([A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}) (\S+) (sshd|sudo|CRON|systemd-logind)(?:\[\d+\])?: +(.+)")
AUDIT = re.compile(r"type=([A-Z]+) msg=audit\((\d+\.\d{3}):(\d+)\): (.+)")
COMBINED = re.compile(
    r'(\S+) - - \[(\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} \+0000)\] "([A-Z]+) (\S+) HTTP/1\.1" (\d{3}) (\d+|-)'
    r' "([^"]*)" "([^"]*)"'
)


def text_of(path: Path) -> str:
    raw = path.read_bytes()
    return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()


def digests(folder: Path) -> dict[str, str]:
    found = (p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


def count(path: Path) -> int:
    """How many records a written file holds, by the rules of its format; an unknown format is an error."""
    name = path.as_posix()
    if re.search(r"json[l]?(\.gz)?$", name) and "/m365/" not in name and "/entra/" not in name:
        return len(text_of(path).splitlines())
    for mark, read in _READERS:
        if mark in name:
            return len(list(read(path)))
    raise AssertionError(f"no reader for {name}")


def zeek(path: Path) -> Iterator[dict[str, str]]:
    lines = text_of(path).split("\n")
    assert lines[:4] == ["#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-"]
    assert lines[4] == f"#path\t{path.name.partition('.')[0]}"
    assert re.fullmatch(r"#open\t\d{4}(-\d{2}){5}", lines[5])
    names, kinds = lines[6].split("\t")[1:], lines[7].split("\t")[1:]
    assert lines[6].startswith("#fields\tts\tuid\tid.orig_h")
    assert lines[7].startswith("#types\ttime\tstring\taddr")
    assert len(names) == len(kinds)
    assert lines[-2].startswith("#close\t")
    assert lines[-1] == ""
    for line in lines[8:-2]:
        row = dict(zip(names, line.split("\t"), strict=True))
        for name, kind in zip(names, kinds, strict=True):
            assert row[name] != ""
            if row[name] == "-":
                continue
            if kind in {"time", "interval"}:
                assert re.fullmatch(r"\d+\.\d{6}", row[name]), (name, row[name])
            elif kind in {"count", "port"}:
                assert row[name].isdigit(), (name, row[name])
            elif kind == "bool":
                assert row[name] in {"T", "F"}
        yield row


def objects(path: Path) -> Iterator[dict]:
    read = json.loads(text_of(path))
    assert isinstance(read, list)
    yield from read


def audit_rows(path: Path) -> Iterator[dict]:
    text = text_of(path)
    if text.startswith("["):
        yield from json.loads(text)
        return
    assert "\r\n" in text
    for row in csv.DictReader(io.StringIO(text, newline="")):
        data = json.loads(row["AuditData"])
        assert (row["Identity"], row["Operations"], row["UserIds"]) == (data["Id"], data["Operation"], data["UserId"])
        shown = datetime.strptime(row["CreationDate"], "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=UTC)
        assert shown == datetime.fromisoformat(f"{data['CreationTime']}+00:00")
        yield data


def syslog(path: Path) -> Iterator[dict[str, str]]:
    for line in text_of(path).splitlines():
        old, new = RFC3164.fullmatch(line), RFC5424.fullmatch(line)
        assert old or new, line
        if old:
            priority, _, host, _, severity, number, text = old.groups()
            assert int(priority) % 8 == int(severity)
            yield {"host": host, "number": number, "text": text}
        elif new:
            keyed = dict(KEYED.findall(new[4]))
            assert f"{keyed['date']}T{keyed['time']}Z" == new[2]
            assert int(keyed["eventtime"]) // 10**9 == int(datetime.fromisoformat(new[2]).timestamp())
            yield {"host": new[3], "number": keyed["logid"].strip('"'), "text": new[4]}


def auth(path: Path) -> Iterator[tuple[str, ...]]:
    for line in text_of(path).splitlines():
        found = AUTH.fullmatch(line)
        assert found, line
        yield found.groups()


def auditd(path: Path) -> Iterator[tuple[str, float, int, str]]:
    for line in text_of(path).splitlines():
        found = AUDIT.fullmatch(line)
        assert found, line
        yield found[1], float(found[2]), int(found[3]), found[4]


def combined(path: Path) -> Iterator[tuple[str, ...]]:
    for line in text_of(path).splitlines():
        found = COMBINED.fullmatch(line)
        assert found, line
        yield found.groups()


def iis(path: Path) -> Iterator[str]:
    yield from (line for line in text_of(path).splitlines() if not line.startswith("#"))


def mbox(path: Path) -> Iterator[mailbox.mboxMessage]:
    box = mailbox.mbox(path, create=False)
    yield from box
    box.close()


_READERS = (
    ("/zeek/", zeek),
    ("/m365/", audit_rows),
    ("/entra/", objects),
    ("/vpn-", syslog),
    ("/auth-", auth),
    ("/audit/", auditd),
    ("/apache2/", combined),
    ("/LogFiles/", iis),
    (".mbox", mbox),
)
