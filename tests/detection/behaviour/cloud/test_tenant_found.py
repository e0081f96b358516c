"""Twenty planted intrusions in a simulated tenant are found, and nobody else is accused."""

from __future__ import annotations

import pytest

from stillhunt.detection.behaviour.watch import Watch
from stillhunt.simulation.population import simulate_tenant
from stillhunt.telemetry.collect import Reading

NAMES = ("delegate_read", "mail_application", "mailbox_door", "mailbox_mass_read", "mailbox_session", "mailbox_silence")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tenant") / "logs"
    truth = simulate_tenant(folder, seed=5, n_users=120, n_days=100)
    watch = Watch(NAMES)
    for batch in Reading([folder]).batches():
        watch.feed(batch)
    return truth, [one.observation for one in watch.observed(lambda file, host: 0)]


def test_nine_tenths_of_the_planted_intrusions_are_found(told):
    truth, found = told
    named = {value for one in found for _, value, _ in one.entities}
    seen = [intrusion for intrusion in truth.intrusions if named & set(intrusion.addresses)]
    assert len(seen) >= 0.9 * len(truth.intrusions)


def test_hardly_anybody_else_is_accused(told):
    truth, found = told
    addresses = {address for intrusion in truth.intrusions for address in intrusion.addresses}
    false = [one.sentence for one in found if not addresses & {value for _, value, _ in one.entities}]
    assert len(false) <= 1


def test_each_finding_is_one_plain_sentence_with_its_records(told):
    for one in told[1]:
        assert one.sentence.endswith(".")
        assert one.places
        assert one.count >= 1
