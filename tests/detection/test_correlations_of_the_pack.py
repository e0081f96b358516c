"""Correlations of the built-in pack: what they count, and a near miss of each."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from stillhunt.workflows.hunt import hunt

BEGIN = datetime(2024, 3, 5, 9, tzinfo=UTC)


def record(number: int, event_id: int, after_s: float, **fields: str) -> str:
    """One event of the Security log, as Winlogbeat writes it."""
    return json.dumps(
        {
            "@timestamp": (BEGIN + timedelta(seconds=after_s)).isoformat(),
            "winlog": {
                "channel": "Security",
                "provider_name": "Microsoft-Windows-Security-Auditing",
                "event_id": event_id,
                "record_id": number,
                "computer_name": "dc1.corp.example",
                "event_data": fields,
            },
        }
    )


def guess(n: int, every_s: float):
    told = {"LogonType": "3", "SubStatus": "0xc000006a", "TargetUserName": "ann", "IpAddress": "10.0.0.9"}
    return [record(k + 1, 4625, k * every_s, **told) for k in range(n)]


def fill(n: int, every_s: float):
    told = {"SubjectUserName": "adm", "TargetUserName": "Operators", "MemberSid": "S-1-5-21-1-2-3-4"}
    return [record(k + 1, 4728, k * every_s, **told) for k in range(n)]


def ask(n: int, n_computers: int):
    told = {"TargetUserName": "ann@CORP.EXAMPLE", "Status": "0x0", "IpAddress": "10.0.0.9"}
    return [record(k + 1, 4769, k * 2.0, ServiceName=f"FS{k % n_computers:02}$", **told) for k in range(n)]


GUESSED = "Passwords are guessed over the network"
FILLED = "Many members are added to groups within minutes"
ASKED = "One account asks for tickets to many computers within minutes"


@pytest.mark.parametrize(
    ("records", "title", "is_told"),
    [
        (guess(60, 2.0), GUESSED, True),
        (guess(60, 30.0), GUESSED, False),
        (fill(10, 1.0), FILLED, True),
        (fill(10, 60.0), FILLED, False),
        (ask(30, 15), ASKED, True),
        (ask(30, 8), ASKED, False),
    ],
)
def test_a_correlation_tells_what_one_event_does_not(tmp_path, records, title, is_told):
    (tmp_path / "security.jsonl").write_text("\n".join(records) + "\n")
    found = {f.detector.title: f for f in hunt([tmp_path], behaviour=False).brief.findings}
    assert (title in found) == is_told
