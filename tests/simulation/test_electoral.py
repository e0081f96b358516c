"""What the truth of the electoral scenario says stands in its logs, at the time it says."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from stillhunt.simulation.scenario import simulate

SYSMON = "Microsoft-Windows-Sysmon/Operational"


def at(text):
    return datetime.fromisoformat(text)


def logged_at(request):
    return at(f"{request['date']}T{request['time']}Z")


def commands(records, host, event_id):
    return [(at(r.at), r.data["CommandLine"]) for r in records if r.host.startswith(host) and r.event_id == event_id]


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_the_story_keeps_its_outline_for_every_seed(seed, tmp_path):
    truth = simulate("electoral", tmp_path, seed=seed)
    assert (truth.first_break_in.year, truth.first_break_in.month) == (2021, 8)
    assert (truth.noticed_at.year, truth.noticed_at.month) == (2022, 10)
    assert 12.5 < (truth.last_sign - truth.first_break_in).days / 30.4 < 14
    assert truth.starts_at < truth.first_break_in < truth.last_sign < truth.noticed_at < truth.ends_at
    signs = sorted(t for s in truth.stages for t in (s.first_at, s.last_at))
    silences = [b - a for a, b in pairwise(signs) if b - a > timedelta(days=50)]
    assert len(silences) == 3
    assert max(silences) > timedelta(days=150)
    # Five that were read, and the drafts of the administrator whom they passed for.
    assert len(truth.mailboxes_confirmed) == 6


def test_the_first_request_is_in_the_web_log_at_that_second(electoral, requests):
    truth = electoral.truth
    forged = [r for r in requests if truth.domains[0] in r["cs-uri-query"]]
    assert logged_at(forged[0]) == truth.first_break_in
    assert forged[0]["c-ip"] == truth.addresses[0]
    assert "/mapi/nspi" in forged[0]["cs-uri-query"]
    assert {r["sc-status"] for r in forged} == {"200", "401", "500"}


def test_no_address_or_domain_of_the_intruder_is_seen_before_the_break_in(electoral, requests, records):
    truth = electoral.truth
    early = [r for r in requests if logged_at(r) < truth.first_break_in]
    assert len(early) > 1000
    assert not {r["c-ip"] for r in early} & set(truth.addresses)
    before = [r for r in records if at(r.at) < truth.first_break_in]
    assert len(before) > 1000
    text = json.dumps([r.data for r in before])
    assert not any(domain in text for domain in truth.domains)


def test_every_web_shell_is_written_before_it_is_asked_for(electoral, requests, records):
    truth = electoral.truth
    for page in truth.web_shells:
        asked = [logged_at(r) for r in requests if r["cs-uri-stem"] == page]
        name = page.rpartition("/")[2]
        written = [at(r.at) for r in records if r.event_id == 11 and r.data["TargetFilename"].endswith(name)]
        assert asked
        assert min(written) < min(asked) + timedelta(seconds=1)


def test_the_web_server_starts_shells_that_ask_who_they_are(electoral, records):
    for event_id, twin in ((1, "ParentImage"), (4688, "ParentProcessName")):
        shells = [r for r in records if r.event_id == event_id and r.data.get(twin, "").lower().endswith("w3wp.exe")]
        assert {r.host for r in shells} == {electoral.truth.hosts_confirmed[0]}
        assert min(at(r.at) for r in shells) > electoral.truth.first_break_in
        assert any("whoami" in r.data["CommandLine"] for r in shells)


def test_every_mailbox_was_exported(electoral, records):
    exports = [
        r.data["Data"]["#text"][1]
        for r in records
        if r.channel == "MSExchange Management" and r.data["Data"]["#text"][0] == "New-MailboxExportRequest"
    ]
    for mailbox in electoral.truth.mailboxes_confirmed:
        names = (mailbox, mailbox.partition("@")[0])
        assert any(f'-Mailbox "{name}"' in parameters for parameters in exports for name in names)


def test_the_stolen_account_comes_from_the_mail_server_only_when_the_intruder_uses_it(electoral, records):
    mail = next(r.data["SourceIp"] for r in records if r.host.startswith("MAIL01") and r.event_id == 3)
    logons = [r for r in records if r.event_id == 4624 and r.data.get("IpAddress") == mail]
    assert {r.host for r in logons} == set(electoral.truth.hosts_confirmed[1:])
    accounts = {f"{r.data['TargetDomainName']}\\{r.data['TargetUserName']}" for r in logons}
    assert accounts <= set(electoral.truth.accounts_confirmed)
    assert min(at(r.at) for r in logons) > electoral.truth.first_break_in


def test_the_directory_database_is_copied_on_the_domain_controller(electoral, records):
    dumps = [(when, line) for when, line in commands(records, "DC01", 4688) if "ntdsutil" in line]
    stage = next(s for s in electoral.truth.stages if "T1003.003" in s.techniques)
    assert dumps
    assert all(stage.first_at <= when <= stage.last_at for when, _ in dumps)


def test_the_register_is_read_by_the_intruder(electoral, records):
    read = {f"D:\\{r.data['ShareName'][4:]}\\{r.data['RelativeTargetName']}" for r in records if r.event_id == 5145}
    assert set(electoral.truth.files_read) <= read


def test_clearing_the_log_leaves_its_record_and_its_hole(electoral, records):
    (cleared,) = electoral.truth.cleared
    security = [r for r in records if r.host == cleared.host and r.channel == cleared.channel]
    assert not [r for r in security if cleared.since <= at(r.at) < cleared.cleared_at]
    index = next(i for i, r in enumerate(security) if r.event_id == 1102)
    assert at(security[index].at) == cleared.cleared_at
    assert security[index].record_id - security[index - 1].record_id - 1 == cleared.n_lost > 0


def test_after_the_intrusion_was_noticed_the_web_server_is_silent(electoral, requests, records):
    noticed = electoral.truth.noticed_at
    assert max(logged_at(r) for r in requests) < noticed + timedelta(hours=1)
    assert any(r.event_id == 4724 and at(r.at) > noticed for r in records)
    assert max(at(r.at) for r in records) > noticed + timedelta(days=3)


def test_every_stage_has_a_record_at_its_beginning_and_end(electoral, records, requests):
    times = {at(r.at).replace(microsecond=0) for r in records} | {logged_at(r) for r in requests}
    second = timedelta(seconds=1)
    for stage in electoral.truth.stages:
        for sign in (stage.first_at, stage.last_at):
            near = sign.replace(microsecond=0)
            assert {near, near - second, near + second} & times or "cleared" in stage.title, stage.title


def test_the_truth_file_says_what_the_call_returned(electoral):
    told = json.loads((electoral.folder / "truth.json").read_text())
    assert at(told["first_break_in"]) == electoral.truth.first_break_in
    assert told["n_events"] == electoral.truth.n_events == sum(told["inputs"].values())
    assert tuple(told["hosts_confirmed"]) == electoral.truth.hosts_confirmed
