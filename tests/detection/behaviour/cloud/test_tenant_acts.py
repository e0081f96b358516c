"""Changes of a tenant: rules, grants, keys, searches, trust, auditing, and names made to be overlooked."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from stillhunt.detection.behaviour.analytics.imitating_names import imitated
from stillhunt.detection.behaviour.watch import Watch
from stillhunt.detection.desk import Desk, table_of
from stillhunt.detection.sigma.load import load_rules
from stillhunt.kernel.run import run
from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.collect import Reading

from .conftest import DIRECTORY

ADMIN = "corp\\user0"
SPY = "203.0.113.66"


@pytest.mark.parametrize(
    ("analytic", "action", "fields"),
    [
        ("mail_forwarding", "New-InboxRule", {"Parameters.ForwardTo": "x@mail.example.net"}),
        ("mail_forwarding", "Set-Mailbox", {"Parameters.ForwardingSmtpAddress": "smtp:x@mail.example.net"}),
        ("mailbox_grants", "Add-MailboxPermission", {"Parameters.User": "user5@corp.example"}),
        ("application_powers", "Add service principal credentials.", {}),
        ("application_powers", "Update application \N{EN DASH} Certificates and secrets management ", {}),
        ("mail_exports", "New-ComplianceSearch", {}),
        ("trust_changes", "Set domain authentication.", {}),
        ("audit_changes", "Set-MailboxAuditBypassAssociation", {}),
    ],
)
def test_an_act_from_elsewhere_is_told_of_and_from_the_desk_it_is_not(house, analytic, action, fields):
    house.act(40, action, user=ADMIN, address="192.0.2.10", **fields)
    assert house.observe(analytic) == []
    house.act(41, action, user=ADMIN, address=SPY, **fields)
    (found,) = house.observe(analytic)
    assert f"from {SPY}, a network from which that account hardly ever works" in found.sentence
    assert found.level == "high"


def test_a_refused_act_is_none(house):
    house.act(41, "New-ComplianceSearch", user=ADMIN, address=SPY, **{"event.outcome": "failure"})
    assert house.observe("mail_exports") == []


def test_a_rule_that_only_files_newsletters_is_nobodys_concern(house):
    house.act(41, "New-InboxRule", user=ADMIN, address=SPY, **{"Parameters.MoveToFolder": "News"})
    assert house.observe("mail_forwarding") == []


def test_a_newcomer_is_told_of_where_it_is_somebody_elses_work(house):
    house.act(41, "New-ComplianceSearch", user="corp\\user7", address="192.0.2.10")
    assert house.observe("mail_exports") == []
    for day in (10, 20, 30):
        house.act(day, "New-ComplianceSearch", user=ADMIN, address="192.0.2.10")
    (found,) = house.observe("mail_exports")
    assert found.sentence.startswith("corp\\user7, who never did so before, searched or exported mail of others")


def test_one_who_is_let_into_three_mailboxes_collects_them(house):
    for number in (1, 2):
        fields = {"Parameters.User": "user5@corp.example", "Parameters.Identity": f"user{number}@corp.example"}
        house.act(41, "Add-MailboxPermission", user=ADMIN, address="192.0.2.10", **fields)
    assert house.observe("mailbox_grants") == []
    fields = {"Parameters.User": "user5@corp.example", "Parameters.Identity": "user3@corp.example"}
    house.act(44, "Add-MailboxPermission", user=ADMIN, address="192.0.2.10", **fields)
    (found,) = house.observe("mailbox_grants")
    assert "was let into 3 mailboxes" in found.sentence


def test_grants_spread_over_months_are_deputies(house):
    for number in range(1, 5):
        fields = {"Parameters.User": "user5@corp.example", "Parameters.Identity": f"user{number}@corp.example"}
        house.act(number * 15, "Add-MailboxPermission", user=ADMIN, address="192.0.2.10", **fields)
    assert house.observe("mailbox_grants") == []


def test_rules_of_several_that_send_to_one_place_outside_are_told_of(house):
    for number in (1, 2):
        fields = {"Parameters.ForwardTo": "drop@mail.example.net", "ObjectId": f"user{number}@corp.example\\x"}
        house.act(40 + number, "New-InboxRule", user=f"corp\\user{number}", address="192.0.2.10", **fields)
        inside = {"Parameters.ForwardTo": "user9@corp.example", "ObjectId": f"user{number}@corp.example\\y"}
        house.act(40 + number, "New-InboxRule", user=f"corp\\user{number}", address="192.0.2.10", **inside)
    (found,) = house.observe("mail_forwarding")
    assert "send mail to drop@mail.example.net outside" in found.sentence


def fail(house, n, *, accounts=1, reasons=1, day=40):
    for number in range(n):
        error = {"LogonError": f"Reason{number % reasons}", "event.outcome": "failure"}
        user = f"corp\\user{number % accounts}"
        house.act(day, "UserLoginFailed", user=user, address=SPY, hour=9 + number / 100, **error)


def test_a_burst_of_failures_at_several_accounts_is_told_of(house):
    fail(house, 12, accounts=4)
    (found,) = house.observe("failed_sign_in_burst")
    assert found.sentence == (f"From {SPY} 12 sign-ins to 4 accounts failed within 1 hour on 2024-02-17, for 1 reason.")


@pytest.mark.parametrize(("n", "accounts", "reasons"), [(60, 1, 1), (8, 4, 2), (20, 2, 1)])
def test_a_telephone_with_an_old_password_is_none(house, n, accounts, reasons):
    fail(house, n, accounts=accounts, reasons=reasons)
    assert house.observe("failed_sign_in_burst") == []


def test_an_office_on_monday_and_a_service_set_wrongly_are_none(house):
    fail(house, 12, accounts=4)
    for number in range(10):
        house.act(40, "UserLoggedIn", user=f"corp\\user{number}", address=SPY, hour=9.05)
    assert house.observe("failed_sign_in_burst") == []
    for day in range(8):
        fail(house, 12, accounts=4, day=day)
    assert house.observe("failed_sign_in_burst") == []


@pytest.mark.parametrize(
    ("name", "kind", "what"),
    [
        ("rnicrosoft office", "application", "microsoft"),
        ("ITCornpany", "user", "company"),
        ("0utlook Sync", "serviceprincipal", "outlook"),
        ("M\N{CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I}crosoft Teams", "application", "microsoft"),
        ("SharePoint", "application", "sharepoint"),
        ("SharePoint", "serviceprincipal", ""),  # Microsoft's own principal
        ("Cornwall Office", "group", ""),
        ("Bernard Marner", "user", ""),
        ("Microsoft Connector of Sales", "application", ""),
        ("Word", "application", ""),
    ],
)
def test_names_are_compared_by_what_they_look_like(name, kind, what):
    assert imitated(name, kind) == what


def test_an_account_written_like_a_colleagues_is_told_of(house):
    for day, name in ((3, "alina.lim@corp.example"), (40, "allna.lim@corp.example")):
        fields = {"Workload": "AzureActiveDirectory", "Target.ID": f"User_1\n1\nUser\n{name}"}
        house.act(day, "Add user.", user=ADMIN, address="192.0.2.10", event_class=DIRECTORY, **fields)
    found = house.observe("imitating_names")
    assert len(found) == 2  # each is written like the other; which came first is said
    assert any("allna.lim" in one.sentence for one in found)


@pytest.fixture(scope="module")
def real(shared_data):
    """What is told of a real tenant, the labels of its records, and which of them rules matched."""
    truth = [json.loads(line) for line in (shared_data / "truth" / "m365_events.jsonl").read_text().splitlines()]
    rules = load_rules(()).rules
    desk, watch = Desk(rules, "m365"), Watch(_OURS)
    records, matched = {}, set()
    for batch in Reading([shared_data / "m365" / "invictus_ual_2021-03-23_2021-04-30.csv.gz"]).batches():
        watch.feed(batch)
        ids = batch.data.column("Id").to_pylist()
        records |= dict(zip(batch.data.column("event.record").to_pylist(), ids, strict=True))
        for _, rows in run(table_of(batch, desk, desk.scope(batch.event_class))):
            matched |= {ids[row] for row in rows}
    told = [seen for one in watch.observed(lambda file, host: 0) for _, seen in one.parts]
    return told, {event["Id"]: event for event in truth}, records, matched


def test_of_a_real_tenant_hardly_anything_unlabelled_is_told(real):
    told, truth, records, _ = real
    labels = Counter()
    for one in told:
        found = {truth[records[place.number]]["label"] for place in one.places if records[place.number] in truth}
        labels[min(found, default="unlabelled")] += 1
    assert labels["unlabelled"] <= 1  # the session of the break-in, whose records of reading nobody labelled
    assert labels["look-alike-app"] == 5
    assert {"look-alike-admin", "inbox-rule", "mailbox-delegation"} <= set(labels)


def test_rules_and_analytics_together_cover_nine_tenths_of_what_is_certain(real):
    told, truth, _, matched = real
    certain = [event for event in truth.values() if event["confidence"] == "certain"]
    covered = [event for event in certain if event["Id"] in matched or any(_covers(one, event) for one in told)]
    assert len(covered) >= 0.9 * len(certain)


def _covers(one, event):
    """Whether an event is of the time of a finding and done by its account, or from its address if it names none."""
    at = datetime.fromisoformat(event["t"]).replace(tzinfo=UTC).timestamp() * 1_000_000
    if not min(place.at for place in one.places) <= at <= max(place.at for place in one.places):
        return False
    accounts = {value for kind, value, role in one.entities if kind == "account" and role == "subject"}
    addresses = {value for kind, value, _ in one.entities if kind == "address"}
    return account_name(event["user"]) in accounts if accounts else event["ip"] in addresses


_OURS = (
    *("application_powers", "audit_changes", "delegate_read", "failed_sign_in_burst", "imitating_names"),
    *("mail_application", "mail_exports", "mail_forwarding", "mailbox_door", "mailbox_grants", "mailbox_mass_read"),
    *("mailbox_session", "mailbox_silence", "trust_changes"),
)
