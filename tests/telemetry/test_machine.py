"""A log that names no machine is of the one whose folder it lies in."""

from __future__ import annotations

import pytest

from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.machine import machine_of
from stillhunt.telemetry.options import ReadOptions

AUDIT = (
    "type=USER_LOGIN msg=audit(1643893616.123:7): pid=1 uid=0 auid=1000 ses=1 msg='op=login acct=\"bob\" res=success'\n"
)
REQUEST = '203.0.113.9 - - [03/Feb/2022:13:06:56 +0000] "GET / HTTP/1.1" 200 12 "-" "x"\n'


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/case/WEB01/var/log/audit/audit.log.1", "web01"),
        ("/case/web01/2023-05/nginx/access.log", "web01"),
        ("/case/all.zip!db01.example/audit.log", "db01.example"),
        ("/case/web01.tar.gz!var/log/audit/audit.log", ""),
        ("/case/logs/audit.log", ""),
        ("/case/two words/audit.log", ""),
        ("/elsewhere/web01/audit.log", ""),
    ],
)
def test_the_innermost_folder_that_is_no_usual_place_is_the_machine(name, expected):
    assert machine_of(name, ["/case"]) == expected


def test_audit_records_and_requests_are_of_their_folders_machine(tmp_path):
    for machine in ("web01", "db01"):
        folder = tmp_path / machine / "var" / "log"
        folder.mkdir(parents=True)
        (folder / "audit.log").write_text(AUDIT.replace(":7)", f":{len(machine)})"))
        (folder / "access.log").write_text(REQUEST.replace("GET /", f"GET /{machine}"))
    reading = Reading([tmp_path], options=ReadOptions(roots=(str(tmp_path),)))
    hosts = [
        (batch.event_class.product, host)
        for batch in reading.batches()
        for host in batch.data.column("host.name").to_pylist()
    ]
    assert sorted(hosts) == [("linux", "db01"), ("linux", "web01"), ("web", "db01"), ("web", "web01")]


def test_a_node_that_a_record_names_is_believed_more_than_its_folder(tmp_path):
    (tmp_path / "web01").mkdir()
    (tmp_path / "web01" / "audit.log").write_text("node=db02 " + AUDIT)
    (batch,) = Reading([tmp_path], options=ReadOptions(roots=(str(tmp_path),))).batches()
    assert batch.data.column("host.name").to_pylist() == ["db02"]
