"""Web shells, break-in chains, mass reading on shares, staged archives, programs that start what they never start."""

from __future__ import annotations

import pytest

from stillhunt.detection.behaviour.analytics.process_tree import roles
from stillhunt.detection.behaviour.shares import folder_kind
from stillhunt.telemetry.event import EventClass

from .conftest import DIRECTORY, at

IIS = EventClass(product="iis", categories=frozenset({"webserver"}), services=frozenset({"iis"}))
SHARE = EventClass(product="windows", services=frozenset({"security"}), event_id="5145")
FILE = EventClass(
    product="windows", categories=frozenset({"file_event"}), services=frozenset({"sysmon"}), event_id="11"
)
START = EventClass(product="windows", categories=frozenset({"process_creation"}), event_id="1")
SPY = "203.0.113.66"


def ask(told, day, path, *, address, method="GET", code="200", referer="", query="", hour=9.0):
    fields = {
        "host.name": "web01",
        "url.path": path,
        "source.ip": address,
        "http.request.method": method,
        "http.response.status_code": code,
    }
    optional = {"cs-referer": referer or None, "cs-uri-query": query or None}
    told.add(IIS, at(day, hour), **fields, **{k: v for k, v in optional.items() if v})


def wrote(told, day, path, process, *, host="web01", hour=8.9, user=None):
    executable = f"c:\\windows\\{process}"
    fields = {"host.name": host, "file.path": path, "process.executable": executable}
    told.add(FILE, at(day, hour), **fields, **({"user.name": user} if user else {}))


@pytest.fixture
def site(empty):
    """Thirty guests of a mail server, for thirty days."""
    for day in range(30):
        for guest in range(day % 3, 30, 3):
            address = f"198.51.100.{guest}"
            ask(empty, day, "/owa/auth/logon.aspx", address=address, referer="https://web01/owa")
            ask(empty, day, "/owa/service.svc", address=address, method="POST", referer="https://web01/owa")
            ask(empty, day, "/ews/exchange.asmx", address=address, method="POST")
    return empty


def shell(told, path="/aspnet_client/err.aspx"):
    for number in range(5):
        ask(told, 20 + number, path, address=SPY, method="POST", hour=3)


def test_an_ordinary_site_says_nothing(site):
    assert site.observe("web_shell") == []
    assert site.observe("exchange_chain") == []


def test_a_page_of_one_guest_who_only_sends_data_is_told_of(site):
    shell(site)
    (found,) = site.observe("web_shell")
    assert (
        f"asked for 5 times by {SPY} only, 5 of them to send data, while 31 addresses use that server" in found.sentence
    )


def test_a_file_written_by_the_server_just_before_is_paired_with_it(site):
    shell(site)
    wrote(site, 20, "C:\\inetpub\\wwwroot\\aspnet_client\\err.aspx", "w3wp.exe", hour=2)
    (found,) = site.observe("web_shell")
    assert "It was written by w3wp.exe on web01 at 2024-01-28 02:00." in found.sentence
    assert found.level == "high"


def test_a_page_with_many_guests_or_never_answered_is_none(site):
    for guest in range(5):
        ask(site, 20, "/new/form.aspx", address=f"198.51.100.{guest}", method="POST")
        ask(site, 20, "/aspnet_client/x.aspx", address=SPY, method="POST", code="404")
    assert site.observe("web_shell") == []


def test_a_page_of_a_partner_from_the_first_day_with_referrer_is_none(site):
    for day in range(30):
        ask(site, day, "/owa/partner.aspx", address="198.51.100.3", method="POST", referer="https://partner.example")
    assert site.observe("web_shell") == []


def test_steps_of_a_break_in_make_a_chain(site):
    ask(site, 20, "/autodiscover/autodiscover.json", query="@x/powershell", address=SPY, hour=3)
    ask(site, 20, "/aspnet_client/err.aspx", address=SPY, method="POST", hour=3.1)
    wrote(site, 20, "C:\\inetpub\\wwwroot\\aspnet_client\\err.aspx", "w3wp.exe", hour=3.05)
    (found,) = site.observe("exchange_chain")
    assert "deceived web01 with a request for /autodiscover/autodiscover.json" in found.sentence
    assert "then used /aspnet_client/err.aspx" in found.sentence
    assert found.level == "critical"


def test_a_scan_that_is_refused_is_no_chain(site):
    ask(site, 20, "/autodiscover/autodiscover.json", query="@x/powershell", address=SPY, code="404")
    ask(site, 20, "/aspnet_client/err.aspx", address=SPY, method="POST")
    assert site.observe("exchange_chain") == []


def test_the_servers_own_pages_are_no_step(site):
    ask(site, 20, "/autodiscover/autodiscover.json", query="@x/powershell", address=SPY)
    ask(site, 20, "/owa/auth/logon.aspx", address=SPY)
    assert site.observe("exchange_chain") == []


def opened(told, day, user, n, *, share="\\\\*\\files", host="fs01"):
    for number in range(n):
        fields = {"ShareName": share, "RelativeTargetName": f"a\\{day}-{number}.docx", "IpAddress": "10.0.0.5"}
        told.add(SHARE, at(day, 9 + number / 1000), **{"host.name": host, "user.name": user}, **fields)


def test_a_day_of_ten_times_as_many_files_is_told_of(empty):
    for day in range(20):
        for person in range(4):
            opened(empty, day, f"corp\\user{person}", 12)
        opened(empty, day, "corp\\backup$", 300)
    assert empty.observe("share_mass_read") == []
    opened(empty, 20, "corp\\user1", 240)
    (found,) = empty.observe("share_mass_read")
    assert found.sentence.startswith(
        "On 2024-01-28 corp\\user1 opened about 240 files on shares; on a usual day it is 12"
    )


def test_sites_of_a_cloud_are_shares_too(empty):
    for day, n in [*((day, 5) for day in range(15)), (15, 260)]:
        for number in range(n):
            fields = {"SiteUrl": "https://files.example/sites/hr/", "ObjectId": f"{day}-{number}"}
            empty.act(day, "FileDownloaded", user="corp\\ann", address=SPY, event_class=DIRECTORY, **fields)
    (found,) = empty.observe("share_mass_read")
    assert found.techniques == ("T1213.002",)
    assert "the servers were files.example" in found.sentence


def test_who_does_so_daily_works_so(empty):
    for day in range(20):
        opened(empty, day, "corp\\indexer", 240)
    assert empty.observe("share_mass_read") == []


def test_shares_of_many_servers_in_a_day_are_a_walk(empty):
    for day in range(20):
        opened(empty, day, "corp\\user1", 3)
    for number in range(12):
        opened(empty, 20, "corp\\user1", 1, share=f"\\\\*\\s{number}", host=f"fs{number:02}")
    (found,) = empty.observe("share_mass_read")
    assert "opened 12 shares of 12 servers" in found.sentence
    assert found.techniques == ("T1135",)


def test_volumes_where_no_archives_are_kept_are_staged(empty):
    for part in range(1, 5):
        wrote(empty, 10, f"C:\\ProgramData\\Office\\d.part{part}.rar", "svchost.exe", host="fs01", user="corp\\adm")
    (found,) = empty.observe("staging_archive")
    assert "svchost.exe wrote 4 archives, 4 of them volumes to c:\\programdata\\office of fs01" in found.sentence
    assert ("account", "corp\\adm", "subject") in found.entities


def test_one_archive_where_a_web_server_serves_it_is_enough(empty):
    wrote(empty, 10, "C:\\inetpub\\wwwroot\\aspnet_client\\it.zip", "w3wp.exe")
    (found,) = empty.observe("staging_archive")
    assert found.level == "high"


def test_downloads_and_folders_of_habit_are_not(empty):
    for number in range(6):
        wrote(empty, 10, f"C:\\Users\\ann\\Downloads\\{number}.zip", "chrome.exe", host="pc1")
        for host in ("pc1", "pc2", "pc3"):
            wrote(empty, 10, f"C:\\Program Files\\Tool\\cache\\{number}.zip", "tool.exe", host=host)
        wrote(empty, number * 3, f"D:\\Backup\\{number}.zip", "backup.exe", host="fs01")
    assert empty.observe("staging_archive") == []


def test_folders_are_compared_without_people_and_numbers():
    assert folder_kind("C:\\Users\\ann\\AppData\\1234\\x.zip") == folder_kind("C:\\Users\\bob\\AppData\\99\\y.zip")


def start(told, day, host, parent, child, *, n=1):
    fields = {
        "host.name": host,
        "process.parent.executable": f"c:\\w\\{parent}",
        "process.executable": f"c:\\w\\{child}",
    }
    for number in range(n):
        told.add(START, at(day, 9 + number / 100), **fields)


@pytest.fixture
def servers(empty):
    """Five web servers and five clients, each kind alike."""
    for number in range(5):
        for child in ("csc.exe", "conhost.exe"):
            start(empty, number, f"web{number}", "w3wp.exe", child, n=10)
        start(empty, number, f"web{number}", "services.exe", "svchost.exe", n=10)
        start(empty, number, f"web{number}", "explorer.exe", "cmd.exe", n=2)
        start(empty, number, f"pc{number}", "outlook.exe", "winword.exe", n=10)
        start(empty, number, f"pc{number}", "winlogon.exe", "userinit.exe", n=10)
    return empty


def test_a_shell_below_a_web_worker_is_strange_where_it_never_is(servers):
    assert servers.observe("process_tree") == []
    start(servers, 6, "web3", "w3wp.exe", "cmd.exe", n=3)
    (found,) = servers.observe("process_tree")
    assert found.sentence == (
        "On web3 w3wp.exe started cmd.exe on 2024-01-14, which it does on none of 4 other machines like it."
    )


def test_a_new_program_is_no_new_relation(servers):
    start(servers, 6, "web3", "w3wp.exe", "newtool.exe")
    assert servers.observe("process_tree") == []


def test_what_recurs_on_a_machine_is_its_habit(servers):
    for day in range(8):
        start(servers, day, "web3", "w3wp.exe", "cmd.exe")
    assert servers.observe("process_tree") == []


def test_machines_are_put_together_by_what_they_run():
    rows = [{"host": f"web{n}", "parent": p, "child": "x"} for n in range(2) for p in ("a", "b", "c")]
    rows += [{"host": f"pc{n}", "parent": p, "child": "x"} for n in range(2) for p in ("d", "e")]
    found = roles(rows)
    assert found["web0"] == found["web1"] != found["pc0"] == found["pc1"]
