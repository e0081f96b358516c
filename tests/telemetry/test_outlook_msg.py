"""A message that Outlook saved is read as the mail it was."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime

import compressed_rtf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillhunt.telemetry.sources import outlook_msg
from stillhunt.telemetry.sources.outlook_msg import page_in_rtf

_SECTOR, _MINI = 512, 64
_END, _FREE = 0xFFFFFFFE, 0xFFFFFFFF


@dataclass
class Storage:
    """A folder in a compound file: streams and folders by name."""

    streams: dict[str, bytes] = field(default_factory=dict)
    storages: dict[str, Storage] = field(default_factory=dict)


def compound(root: Storage) -> bytes:
    """Write a compound file: all streams small ones or large ones by their size, the tree as lists."""
    names: list[str] = ["Root Entry"]
    nodes: list[Storage | bytes] = [root]
    child, following = {0: _FREE}, {0: _FREE}
    waiting = [0]
    while waiting:
        at = waiting.pop()
        node = nodes[at]
        if isinstance(node, bytes):
            continue
        last = _FREE
        for name, inner in (*node.streams.items(), *node.storages.items()):
            names.append(name)
            nodes.append(inner)
            child[len(nodes) - 1] = _FREE
            following[len(nodes) - 1] = last
            last = len(nodes) - 1
            waiting.append(last)
        child[at] = last
    fat: list[int] = []
    sectors: list[bytes] = []

    def large(data: bytes) -> int:
        if not data:
            return _END
        n = -(-len(data) // _SECTOR)
        first = len(sectors)
        fat.extend([*range(first + 1, first + n), _END])
        sectors.extend(data[k * _SECTOR : (k + 1) * _SECTOR].ljust(_SECTOR, b"\0") for k in range(n))
        return first

    mini, mini_fat, starts = b"", [], {}
    for at, node in enumerate(nodes):
        if isinstance(node, bytes) and 0 < len(node) < 4096:
            n = -(-len(node) // _MINI)
            starts[at] = len(mini_fat)
            mini_fat += [*range(len(mini_fat) + 1, len(mini_fat) + n), _END]
            mini += node.ljust(n * _MINI, b"\0")
        elif isinstance(node, bytes):
            starts[at] = large(node)
    starts[0] = large(mini)
    table = large(
        struct.pack(f"<{len(mini_fat)}I", *mini_fat).ljust(-(-len(mini_fat) * 4 // _SECTOR) * _SECTOR, b"\xff")
    )
    entries = b""
    for at, (name, node) in enumerate(zip(names, nodes, strict=True)):
        raw = name.encode("utf-16-le") + b"\0\0"
        kind = 5 if at == 0 else 2 if isinstance(node, bytes) else 1
        size = len(mini) if at == 0 else len(node) if isinstance(node, bytes) else 0
        entries += raw.ljust(64, b"\0") + struct.pack("<HBB3I", len(raw), kind, 1, _FREE, following[at], child[at])
        entries += bytes(16) + struct.pack("<I2QIQ", 0, 0, 0, starts.get(at, 0 if kind == 1 else _END), size)
    directory = large(entries.ljust(-(-len(entries) // _SECTOR) * _SECTOR, b"\0"))
    n_fat = -(-(len(fat) + 1) // 127)
    first_fat = len(fat)
    fat += [0xFFFFFFFD] * n_fat
    packed = struct.pack(f"<{len(fat)}I", *fat).ljust(n_fat * _SECTOR, b"\xff")
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    n_table = -(-len(mini_fat) * 4 // _SECTOR)
    header += struct.pack("<9I", 0, n_fat, directory, 0, 4096, table, n_table, _END, 0)
    header += struct.pack("<109I", *range(first_fat, first_fat + n_fat), *[_FREE] * (109 - n_fat))
    return header + b"".join(sectors) + packed


def text(number: int, value: str) -> dict[str, bytes]:
    return {f"__substg1.0_{number:04X}001F": value.encode("utf-16-le")}


def binary(number: int, value: bytes) -> dict[str, bytes]:
    return {f"__substg1.0_{number:04X}0102": value}


def fixed(n_header: int, **values: bytes) -> dict[str, bytes]:
    rows = b"".join(struct.pack("<HHI", 3, int(n[1:], 16), 6) + v.ljust(8, b"\0") for n, v in values.items())
    return {"__properties_version1.0": bytes(n_header) + rows}


def filetime(at: datetime) -> bytes:
    return struct.pack("<Q", int((at - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000)


HEADERS = """\
Received: from out.example (out.example [203.0.113.9]) by mx.corp.example; Tue, 24 Aug 2021 03:12:10 +0000
From: "Zoe" <zoe@bank.example>
To: alice@corp.example
Subject: =?utf-8?B?Q2Fmw6k=?=
Date: Tue, 24 Aug 2021 03:12:09 +0000
Message-ID: <1@bank.example>
Content-Type: multipart/mixed; boundary="gone"
MIME-Version: 1.0
"""
RTF = (
    rb"{\rtf1\ansi\fromhtml1 {\fonttbl{\f0 Arial;}}{\*\htmltag64 <a href='https://evil.example/?a=1'>}"
    rb"\htmlrtf {\b \htmlrtf0 www.bank.example{\*\htmltag72 </a>}\htmlrtf }\htmlrtf0 {\*\mhtmltag64 <b>}}"
)


def incoming() -> Storage:
    program = Storage(
        text(0x3707, "Rechnung für.exe") | text(0x370E, "application/x-msdownload") | binary(0x3701, b"MZ" * 3000)
    )
    inner = Storage(text(0x0037, "inside") | text(0x0C1A, "Eve") | text(0x5D01, "eve@evil.example") | fixed(24))
    return Storage(
        text(0x0037, "Café")
        | text(0x007D, HEADERS)
        | text(0x1000, "see https://plain.example/x")
        | binary(0x1009, compressed_rtf.compress(RTF))
        | fixed(32),
        {
            "__attach_version1.0_#00000000": program,
            "__attach_version1.0_#00000001": Storage(text(0x3001, "fwd"), {"__substg1.0_3701000D": inner}),
        },
    )


@pytest.fixture
def one(read, tmp_path):
    def row(content: bytes):
        (tmp_path / "x.msg").write_bytes(content)
        rows, coverage = read(tmp_path / "x.msg")
        assert [f.source for f in coverage.files] == ["outlook_msg"]
        (found,) = rows
        return found

    return row


def test_a_message_from_the_internet_has_its_headers(one):
    row = one(compound(incoming()))
    expected = {
        "email.subject": "Café",
        "email.sender.address": "zoe@bank.example",
        "email.message_id": "1@bank.example",
        "source.ip": "203.0.113.9",
        "event.clock": "Date",
        "email.links.url": "https://evil.example/?a=1\nhttps://plain.example/x",
        "email.links.differs": "true\n",
        "email.attachments.file.name": "Rechnung für.exe",
        "email.attachments.file.hash.sha256": hashlib.sha256(b"MZ" * 3000).hexdigest(),
        "email.attachments.form": "windows-program",
        "email.nested.subject": "inside",
        "email.nested.from": "eve@evil.example",
    }
    assert {name: row[name] for name in expected} == expected


def test_a_message_without_headers_has_those_of_its_properties(one):
    person = Storage(text(0x3001, "Bob") | text(0x39FE, "bob@corp.example") | fixed(8, x0C15=struct.pack("<i", 2)))
    content = compound(
        Storage(
            text(0x0037, "internal")
            | text(0x0C1A, "Alice")
            | text(0x0C1F, "/O=CORP/CN=ALICE")
            | text(0x1035, "<7@corp>")
            | fixed(32, x0039=filetime(datetime(2021, 8, 24, 3, 12, 9, tzinfo=UTC))),
            {"__recip_version1.0_#00000000": person},
        )
    )
    row = one(content)
    assert row["@timestamp"].isoformat() == "2021-08-24T03:12:09+00:00"
    assert row["email.subject"] == "internal"
    assert row["email.from.name"] == "Alice"
    assert row["email.sender.address"] == "/o=corp/cn=alice"
    assert row["email.cc.address"] == "bob@corp.example"
    assert row["email.message_id"] == "7@corp"


def test_without_the_extra_it_is_named_with_the_remedy(read, write_lines, evtx_dump, tmp_path, monkeypatch):
    monkeypatch.setattr(outlook_msg, "find_spec", lambda _: None)
    write_lines([evtx_dump()])
    (tmp_path / "logs" / "x.msg").write_bytes(compound(incoming()))
    rows, coverage = read(tmp_path / "logs")
    assert len(rows) == 1
    (problem,) = coverage.problems
    assert "Outlook" in problem.message
    assert "stillhunt[msg]" in problem.hint


@pytest.mark.parametrize("rtf", [b"", b"{\\rtf1 plain}", b"{" * 9999, rb"{\rtf1\fromhtml1 " + rb"{\*\x" * 3000])
def test_rtf_that_holds_no_page_gives_none(rtf):
    assert page_in_rtf(rtf) == b""


def test_other_compound_files_are_no_messages():
    assert not outlook_msg.SOURCE.sniff(compound(Storage({"WordDocument": bytes(5000)})))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=40), st.integers(0, 20_000))
def test_damage_is_never_fatal(read, tmp_path, rubbish, at):
    (tmp_path / "logs").mkdir(exist_ok=True)
    (tmp_path / "logs" / "y.eml").write_text("From: a@b.example\nTo: c@d.example\nSubject: s\n\nx")
    content = bytearray(compound(incoming()))
    content[8 + at % len(content) : 8 + at % len(content) + len(rubbish)] = rubbish
    (tmp_path / "logs" / "x.msg").write_bytes(bytes(content))
    rows, _ = read(tmp_path / "logs")
    assert 1 <= len(rows) <= 2
