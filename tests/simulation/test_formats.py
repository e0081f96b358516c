"""Records are written as their products write them: field by field, against what is documented of each."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, datetime
from email import message_from_bytes, policy
from ipaddress import ip_address, ip_network
from itertools import pairwise

import pytest

from stillhunt.simulation.scenario import simulate

INVENTED = [
    ip_network(n)
    for n in ("10.0.0.0/8", "127.0.0.0/8", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_invented(text):
    address = ip_address(text)
    return any(address in network for network in INVENTED if network.version == address.version)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Every part of an estate once: two scripts for each of three folders."""
    found = {}
    for first, second, seed in (("spearphish", "webshell", 1), ("samltoken", "consent", 2), ("vpn", "consent", 1)):
        folder = tmp_path_factory.mktemp(first) / "logs"
        found[first] = (simulate(first, folder, seed=seed, companion=second, is_small=True), folder)
    return found


def test_every_domain_and_address_is_reserved(written, formats):
    for truth, folder in written.values():
        for name in list(truth.inputs)[::3]:
            text = formats.text_of(folder / name)
            for address in set(re.findall(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])", text)):
                if all(int(part) < 256 for part in address.split(".")) and not _is_version(address):
                    assert is_invented(address), (name, address)
            hosts = set(re.findall(r"https?://([a-z0-9.-]+)", text)) - {
                "www.w3.org",
                "schemas.microsoft.com",
                "curl.se",
                "manifests.microsoft.com",
            }
            assert all(host.endswith(".example") for host in hosts), (name, hosts)
            mailed = re.findall(r"[\w.+-]+@([\w-]+\.[\w.-]*\w)", text)
            assert all(host.lower().endswith(".example") for host in mailed), name


def _is_version(text):
    """Four numbers that are a program's version in what these logs show, not an address."""
    return text.startswith(
        ("10.0.14393.", "10.0.15063.", "4.18.", "91.0.", "16.0.", "15.20.", "109.0.", "102.0.", "96.0.")
    )


def test_zeek_connections_and_handshakes_share_their_uid(written, formats):
    _, folder = written["spearphish"]
    rows = defaultdict(list)
    for month in sorted((folder / "zeek").iterdir()):
        assert {path.name.partition(".")[0] for path in month.iterdir()} == {"conn", "dns", "http", "ssl"}
        for path in month.iterdir():
            rows[path.name.partition(".")[0]] += formats.zeek(path)
    uids = {row["uid"]: row for row in rows["conn"]}
    assert len(uids) == len(rows["conn"])
    assert all(re.fullmatch(r"C[0-9A-Za-z]{17}", uid) for uid in uids)
    for name in ("dns", "http", "ssl"):
        for row in rows[name]:
            conn = uids[row["uid"]]
            assert (row["id.orig_h"], row["id.orig_p"]) == (conn["id.orig_h"], conn["id.orig_p"])
            assert conn["service"] == name
    ends = [float(row["ts"]) + float(row["duration"]) for row in rows["conn"]]
    assert all(b - a > -1e-3 for a, b in pairwise(ends)), "a connection is written when it ends"
    for row in rows["conn"]:
        assert int(row["orig_ip_bytes"]) > int(row["orig_bytes"])
        assert (row["local_orig"], row["local_resp"]) in {("T", "F"), ("F", "T"), ("T", "T")}


def test_a_beacon_is_a_name_asked_for_and_a_handshake(written, formats):
    truth, folder = written["spearphish"]
    channel = truth.intrusions[0].domains[1]
    asked = [r for p in sorted(folder.rglob("dns.log.gz")) for r in formats.zeek(p) if r["query"] == channel]
    shaken = [r for p in sorted(folder.rglob("ssl.log.gz")) for r in formats.zeek(p) if r["server_name"] == channel]
    assert len(asked) == len(shaken) > 40
    assert {r["answers"] for r in asked} == {r["id.resp_h"] for r in shaken}
    silences = [float(b["ts"]) - float(a["ts"]) for a, b in pairwise(shaken)]
    assert max(silences) > 14 * 86_400


def test_messages_are_whole_and_arrive_in_order(written, formats):
    _, folder = written["spearphish"]
    subjects = set()
    for path in sorted((folder / "mail").iterdir()):
        dates = []
        for raw in formats.mbox(path):
            message = message_from_bytes(raw.as_bytes(), policy=policy.default)
            assert not message.defects
            assert message["To"].addresses[0].addr_spec.startswith(path.stem)
            assert message["Authentication-Results"]
            assert raw.get_from().split()[0] == message["Return-Path"].strip("<>")
            dates.append(message["Date"].datetime)
            subjects.add(message["Subject"])
            for part in message.walk():
                if part.get_filename():
                    assert part.get_payload(decode=True)
        assert dates == sorted(dates)
    assert "A question in advance" in subjects


def test_counting_images_have_one_token_a_recipient(written, formats):
    _, folder = written["spearphish"]
    found = re.findall(r'<img src="http://img\.[\w.-]+/i/(\w+)\.png" width="1"', _all_mail(folder, formats))
    assert len(found) == len(set(found)) >= 3
    assert {len(token) for token in found} == {32}


def _all_mail(folder, formats):
    return "\n".join(formats.text_of(path) for path in sorted((folder / "mail").iterdir()))


def test_unified_audit_rows_have_the_fields_of_their_record_type(written, formats):
    wanted = {
        1: {"ClientIP", "ObjectId", "Parameters"},
        2: {"ClientIPAddress", "MailboxOwnerUPN", "Item"},
        6: {"SiteUrl", "SourceFileName", "ObjectId"},
        8: {"Actor", "Target", "ModifiedProperties", "AzureActiveDirectoryEventType"},
        15: {"ActorIpAddress", "ApplicationId", "ErrorNumber", "ExtendedProperties"},
        50: {"Folders", "OperationCount", "OperationProperties", "ClientInfoString"},
    }
    seen = set()
    for name in ("samltoken", "vpn"):
        _, folder = written[name]
        for path in sorted((folder / "m365").iterdir()):
            rows = list(formats.audit_rows(path))
            assert [r["CreationTime"] for r in rows] == sorted(r["CreationTime"] for r in rows)
            for row in rows:
                assert GUID.fullmatch(row["Id"])
                assert wanted[row["RecordType"]] <= row.keys(), row["Operation"]
                seen.add(row["RecordType"])
                if row["RecordType"] == 50:
                    assert row["OperationCount"] == sum(len(f["FolderItems"]) for f in row["Folders"])
    assert seen == wanted.keys()


def test_the_two_shapes_of_the_audit_log_are_both_written(tmp_path):
    shapes = set()
    for seed in range(1, 7):
        truth = simulate("consent", tmp_path, seed=seed, is_small=True)
        shapes.add(next(name.rpartition(".")[2] for name in truth.inputs if name.startswith("m365/")))
    assert shapes == {"csv", "json"}


def test_the_same_sign_in_stands_in_both_logs(written, formats):
    _, folder = written["samltoken"]
    sign_ins = {r["id"]: r for p in sorted(folder.glob("entra/signIns-*")) for r in formats.objects(p)}
    audited = [r for p in sorted((folder / "m365").iterdir()) for r in formats.audit_rows(p) if r["RecordType"] == 15]
    assert audited
    for row in audited:
        twin = sign_ins[row["Id"]]
        assert twin["createdDateTime"] == f"{row['CreationTime']}Z"
        assert (twin["ipAddress"], twin["userPrincipalName"]) == (row["ClientIP"], row["UserId"])
        assert str(twin["status"]["errorCode"]) == row["ErrorNumber"]


def test_forged_sign_ins_have_no_token_at_the_federation_server(written, formats, read_windows):
    truth, folder = written["samltoken"]
    tokens = [
        datetime.fromisoformat(r.at)
        for r in read_windows(folder)
        if r.host.startswith("ADFS01") and r.event_id == 1200 and r.channel == "Security"
    ]
    (since,) = [c.since for c in truth.cleared if c.host.startswith("ADFS01")] or [datetime.max.replace(tzinfo=UTC)]
    addresses = set(truth.intrusions[0].addresses)
    forged = honest = 0
    for path in sorted(folder.glob("entra/signIns-*")):
        for record in formats.objects(path):
            at = datetime.fromisoformat(record["createdDateTime"])
            if record.get("tokenIssuerType") != "ADFederationServices" or record["status"]["errorCode"]:
                continue
            near = any(abs((at - token).total_seconds()) < 12 for token in tokens)
            if record["ipAddress"] in addresses:
                forged += 1
                assert not near
            elif at < since:
                honest += 1
                assert near
    assert forged >= 5
    assert honest > 30


def test_firewalls_speak_both_dialects(tmp_path, formats):
    numbers = defaultdict(set)
    for seed in range(1, 7):
        simulate("vpn", tmp_path, seed=seed, is_small=True)
        for path in sorted((tmp_path / "fw01").iterdir()):
            for record in formats.syslog(path):
                numbers[len(record["number"])].add(record["number"])
    assert numbers[6] == {"113008", "113012", "113015", "113019", "113039", "722051"}
    assert numbers[10] == {"0101039426", "0101039947", "0101039948"}


def test_auditd_records_of_one_event_share_their_serial(written, formats):
    _, folder = written["spearphish"]
    for path in sorted(folder.rglob("audit-*.log.gz")):
        events = defaultdict(list)
        for kind, at, serial, text in formats.auditd(path):
            events[serial].append((kind, at, text))
        for records in events.values():
            assert len({at for _, at, _ in records}) == 1
            kinds = [kind for kind, _, _ in records]
            assert kinds[0] == "SYSCALL"
            assert kinds[-1] == "PROCTITLE"
            n_items = int(re.search(r" items=(\d+) ", records[0][2])[1])
            assert kinds.count("PATH") == n_items
            if "EXECVE" in kinds:
                text = records[1][2]
                n_arguments = int(re.match(r"argc=(\d+)", text)[1])
                assert len(re.findall(r"a\d+=", text)) == n_arguments


def test_process_titles_are_the_arguments_in_hexadecimal(written, formats):
    _, folder = written["spearphish"]
    titles = set()
    for path in sorted(folder.rglob("audit-*.log.gz")):
        for kind, _, _, text in formats.auditd(path):
            if kind == "PROCTITLE":
                titles.add(bytes.fromhex(text.partition("=")[2]).decode())
    assert "id" in titles
    assert any(title.startswith("sh\0-c\0curl") for title in titles)
    assert any("mysqldump" in title for title in titles)


def test_an_apache_log_is_in_order(written, formats):
    _, folder = written["spearphish"]
    for path in sorted(folder.rglob("access-*.log.gz")):
        times = [datetime.strptime(row[1], "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC) for row in formats.combined(path)]
        assert times == sorted(times)
