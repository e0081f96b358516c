"""How much was opened is told by account, address and share; and whether it was them who opened it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from stillhunt.cases.access import Accesses
from stillhunt.cases.case import Scope
from stillhunt.cases.scope import scope
from stillhunt.cases.trail import Trail
from stillhunt.telemetry.event import COMMON, TEXT, EventBatch, EventClass
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level

BEGIN = datetime(2021, 9, 1, tzinfo=UTC)
CLASS = EventClass(product="windows", services=frozenset({"security"}), channel="Security", event_id="5145")


def batch_of(*opened):
    rows = [
        {
            "@timestamp": BEGIN + timedelta(days=day),
            "event.file": "log",
            "host.name": "fs1",
            "user.name": account,
            "source.ip": address,
            "ShareName": share,
            "RelativeTargetName": name,
        }
        for day, account, address, share, name in opened
    ]
    kinds = {name: kind for name, (kind, _) in COMMON.items()} | {"ShareName": TEXT, "RelativeTargetName": TEXT}
    columns = {name: pa.array([row.get(name) for row in rows], kind) for name, kind in kinds.items()}
    return EventBatch(event_class=CLASS, data=pa.RecordBatch.from_pydict(columns))


OPENED = (
    (1, "corp\\anna", "10.0.0.5", "\\\\*\\Members", "a.csv"),
    (2, "corp\\anna", "10.0.0.5", "\\\\*\\Members", "a.csv"),
    (3, "corp\\anna", "10.0.0.5", "\\\\*\\Members", "b.csv"),
    (3, "corp\\anna", "10.0.0.9", "\\\\*\\Minutes", "c.docx"),
    (3, "corp\\anna", "10.0.0.5", "\\\\*\\IPC$", "srvsvc"),
    (3, "corp\\bert", "10.0.0.5", "\\\\*\\Members", "d.csv"),
    (-9, "corp\\anna", "10.0.0.5", "\\\\*\\Members", "e.csv"),
)


@pytest.mark.parametrize("n_workers", [1, 2])
def test_different_things_are_counted_from_a_time_on(n_workers):
    workers = [Accesses() for _ in range(n_workers)]
    for number, one in enumerate(OPENED):
        workers[number % n_workers].observe(batch_of(one))
    for other in workers[1:]:
        workers[0].take(other)
    found = workers[0].by({"corp\\anna"}, since=BEGIN)
    assert [(a.container, a.address, a.n_items) for a in found] == [
        ("\\\\fs1\\Members", "10.0.0.5", 2),
        ("\\\\fs1\\Minutes", "10.0.0.9", 1),
    ]
    assert (found[0].first_at, found[0].last_at) == (BEGIN + timedelta(days=1), BEGIN + timedelta(days=3))


def test_a_share_is_confirmed_only_from_an_address_of_the_case(make_finding):
    trail = Trail()
    trail.accesses.observe(batch_of(*OPENED))
    finding = make_finding("dump", BEGIN, account="corp\\anna", address="10.0.0.5", tactics=("collection",))
    told = {
        t.entity.value: (t.scope, t.why)
        for t in scope([finding], trail, Level.HIGH)
        if t.entity.kind is EntityKind.SHARE
    }
    assert told == {
        "\\\\fs1\\Members": (Scope.CONFIRMED, "2 files opened by corp\\anna from 10.0.0.5"),
        "\\\\fs1\\Minutes": (Scope.POTENTIAL, "1 file opened by corp\\anna from 10.0.0.9"),
    }
    lesser = make_finding(
        "dump", BEGIN, account="corp\\anna", address="10.0.0.5", tactics=("collection",), level=Level.MEDIUM
    )
    weak = {t.scope for t in scope([lesser], trail, Level.MEDIUM) if t.entity.kind is EntityKind.SHARE}
    assert weak == {Scope.POTENTIAL}
