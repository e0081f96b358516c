"""A whole tenant: repeatable, every planted record is where the truth says, and nobody else's."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from stillhunt.errors import InputError
from stillhunt.simulation.population import simulate_tenant


@pytest.fixture(scope="module")
def tenant(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tenant") / "logs"
    return simulate_tenant(folder, n_users=80, n_days=40), folder


def records(folder, formats):
    names = {"m365": "m365 audit", "signIns": "entra sign-ins", "directoryAudits": "entra audit"}
    for path in sorted(folder.rglob("*.json.gz")):
        source = names["m365" if path.parent.name == "m365" else path.name.partition("-")[0]]
        for record in formats.objects(path):
            yield source, record.get("Id") or record["id"], record


def test_the_same_seed_gives_the_same_bytes(tenant, tmp_path, digests):
    truth, folder = tenant
    assert simulate_tenant(tmp_path, n_users=80, n_days=40) == truth
    assert digests(tmp_path) == digests(folder)
    assert digests(tmp_path) != digests(folder) or simulate_tenant(tmp_path, seed=2, n_users=80, n_days=40) != truth


def test_twenty_intrusions_are_planted(tenant):
    truth, _ = tenant
    assert len(truth.intrusions) == 20
    assert Counter(i.kind for i in truth.intrusions) == {
        "consent": 5,
        "password": 5,
        "session": 3,
        "application key": 2,
        "forwarding": 2,
        "delegate": 3,
    }
    addresses = [a for i in truth.intrusions for a in i.addresses]
    assert len(set(addresses)) == len(addresses)


def test_every_planted_record_is_in_its_log_with_its_id(tenant, formats):
    truth, folder = tenant
    found = {(source, number) for source, number, _ in records(folder, formats)}
    for intrusion in truth.intrusions:
        assert intrusion.events
        assert {(e.source, e.id) for e in intrusion.events} <= found
        assert intrusion.first_at == min(e.at for e in intrusion.events)


def test_an_intruders_address_is_in_planted_records_only(tenant, formats):
    truth, folder = tenant
    planted = {(e.source, e.id) for i in truth.intrusions for e in i.events}
    addresses = {a for i in truth.intrusions for a in i.addresses}
    for source, number, record in records(folder, formats):
        if (source, number) not in planted:
            assert not addresses & {record.get("ClientIPAddress"), record.get("ipAddress"), record.get("ClientIP")}


def test_files_hold_what_the_truth_counts(tenant, formats):
    truth, folder = tenant
    assert {name: formats.count(folder / name) for name in truth.inputs} == truth.inputs
    assert truth.n_events == sum(truth.inputs.values()) > 5_000
    told = json.loads((folder / "truth.json").read_text())
    assert told["scenario"] == "tenant"
    assert len(told["intrusions"]) == 20


def test_a_delegate_reads_in_their_own_name(tenant, formats):
    _, folder = tenant
    read = [
        r for _, _, r in records(folder, formats) if r.get("Operation") == "MailItemsAccessed" and r["LogonType"] == 2
    ]
    assert read
    assert all(r["UserId"] != r["MailboxOwnerUPN"] and r["LogonUserSid"] != r["MailboxOwnerSid"] for r in read)


def test_a_tenant_too_small_is_refused(tmp_path):
    with pytest.raises(InputError, match="too small"):
        simulate_tenant(tmp_path / "out", n_users=10)
    assert not (tmp_path / "out").exists()


def test_what_an_interrupted_run_left_is_replaced(tenant, tmp_path, digests):
    _, folder = tenant
    simulate_tenant(tmp_path, n_users=60, n_days=30)
    simulate_tenant(tmp_path, n_users=80, n_days=40)
    assert digests(tmp_path) == digests(folder)
