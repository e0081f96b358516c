"""Mailboxes read by somebody else: strange clients and networks, copied sessions, applications, delegates, silence."""

from __future__ import annotations

import pytest

from stillhunt.detection.behaviour.clients import client_of
from stillhunt.detection.behaviour.whereabouts import gathered, is_rare

from .conftest import CHROME, FIREFOX

VICTIM = "user3@corp.example"
SPY = "203.0.113.66"


def test_a_strange_browser_from_a_strange_network_is_told_of(house):
    for day in (40, 47, 61):
        house.read(day, VICTIM, address=SPY, agent=FIREFOX.format(115), hour=3)
    (found,) = house.observe("mailbox_door")
    assert found.sentence.startswith(f"The mailbox {VICTIM} was read 3 times on 3 days from 2024-02-17 to 2024-03-09")
    assert ("address", SPY, "source") in found.entities
    assert found.level == "high"
    assert len(found.places) == 2


@pytest.mark.parametrize(
    ("address", "agent"),
    [
        ("203.0.113.66", CHROME.format(121)),  # a journey with the own computer
        ("198.51.3.7", FIREFOX.format(115)),  # another browser at home
        ("192.0.2.10", FIREFOX.format(115)),  # or in the office
        ("203.0.113.66", None),  # Outlook does not say which Outlook it is
    ],
)
def test_one_strangeness_alone_is_life(house, address, agent):
    house.read(40, VICTIM, address=address, agent=agent)
    house.read(41, VICTIM, address=address, agent=agent)
    assert house.observe("mailbox_door") == []


def test_a_hotels_computer_beside_the_own_laptop_is_the_owners(house):
    house.read(40, VICTIM, address=SPY, agent=CHROME.format(121))
    house.read(40, VICTIM, address=SPY, agent=FIREFOX.format(115), hour=20)
    house.read(41, VICTIM, address=SPY, agent=FIREFOX.format(115), hour=20)
    assert house.observe("mailbox_door") == []


def test_an_older_version_of_the_owners_browser_is_not_the_owners(house):
    for day in (60, 70):
        house.read(day, VICTIM, address=SPY, agent=CHROME.format(110), hour=3)
    assert len(house.observe("mailbox_door")) == 1


def test_who_moves_and_gets_a_new_computer_is_not_told_of(house):
    for day in range(84, 140):
        house.read(day, VICTIM, address="198.51.100.99", agent=FIREFOX.format(122))
    assert house.observe("mailbox_door") == []


def test_without_a_history_nothing_is_strange(empty):
    for day in range(5):
        empty.read(day, VICTIM, address="192.0.2.10", agent=CHROME.format(120))
    empty.read(5, VICTIM, address=SPY, agent=FIREFOX.format(115))
    empty.read(6, VICTIM, address=SPY, agent=FIREFOX.format(115))
    assert empty.observe("mailbox_door") == []


@pytest.mark.parametrize("split", [1, 7, 1000])
def test_what_is_found_does_not_depend_on_how_events_come(house, split):
    for day in (40, 47):
        house.read(day, VICTIM, address=SPY, agent=FIREFOX.format(115), session="session-3-5")
    for name in ("mailbox_door", "mailbox_session"):
        assert house.observe(name, split=split) == house.observe(name)


def test_a_session_with_two_browsers_was_copied(house):
    house.read(40, VICTIM, address=SPY, agent=FIREFOX.format(115), session="session-3-5")
    (found,) = house.observe("mailbox_session")
    assert "firefox 115 on linux from 203.0.113.66" in found.sentence
    assert found.count == 1


def test_a_session_that_gets_younger_was_copied(house):
    house.read(40, VICTIM, address=SPY, agent=CHROME.format(110), session="session-3-5")
    assert "chrome 110" in house.observe("mailbox_session")[0].sentence


@pytest.mark.parametrize(
    ("address", "agent"), [(SPY, CHROME.format(121)), ("192.0.2.10", FIREFOX.format(115)), (SPY, CHROME.format(123))]
)
def test_a_session_that_is_carried_along_or_updated_is_not(house, address, agent):
    house.read(40, VICTIM, address=address, agent=agent, session="session-3-5", hour=12)
    assert house.observe("mailbox_session") == []


def test_a_rare_application_that_reads_from_elsewhere_is_told_of(house):
    for day in (40, 47):
        house.read(day, VICTIM, address=SPY, app="aaaaaaaa-0000")
    (found,) = house.observe("mail_application")
    assert found.techniques == ("T1528", "T1114.002")
    assert "aaaaaaaa-0000" in found.sentence


def test_an_application_that_all_use_or_that_reads_from_home_is_not(house):
    for day in (40, 47):
        house.read(day, VICTIM, address="198.51.3.7", app="aaaaaaaa-0000")
        for person in range(8):
            house.read(day, f"user{person}@corp.example", address=SPY, app="bbbbbbbb-0000")
    assert house.observe("mail_application") == []


def test_the_houses_archive_from_elsewhere_has_lost_its_key(house):
    archive = {"actor": "11111111-2222-3333-4444-555555555555", "app": "cccccccc-0000", "UserType": "5"}
    for day in range(60):
        house.read(day, f"user{day % 12}@corp.example", address="198.51.200.5", hour=1, **archive)
    assert house.observe("mail_application") == []
    house.read(50, VICTIM, address=SPY, hour=4, **archive)
    (found,) = house.observe("mail_application")
    assert found.level == "high"
    assert "somebody else may hold a key of it" in found.sentence


def test_a_delegate_from_elsewhere_is_told_of_and_a_deputy_is_not(house):
    for day in (d for d in range(60) if d % 7 < 5):
        house.read(day, "user5@corp.example", address="192.0.2.10", actor="corp\\user4", LogonType="2")
    assert house.observe("delegate_read") == []
    for day, owner in ((40, 6), (41, 7), (55, 8)):
        house.read(day, f"user{owner}@corp.example", address=SPY, actor="corp\\user4", LogonType="2", hour=2)
    (found,) = house.observe("delegate_read")
    assert found.level == "high"
    assert "3 mailboxes of others" in found.sentence


def test_three_mailboxes_read_from_the_own_desk_are_many(house):
    for owner in (6, 7, 8):
        house.read(40, f"user{owner}@corp.example", address="192.0.2.10", actor="corp\\user4", LogonType="2")
    (found,) = house.observe("delegate_read")
    assert found.identity == ("many", "corp\\user4")


def test_one_day_of_ten_times_as_much_mail_is_mass(house):
    house.read(61, VICTIM, address="192.0.2.10", agent=CHROME.format(122), items=900)
    (found,) = house.observe("mailbox_mass_read")
    assert "read 900 messages of 1 mailbox on 2024-03-09" in found.sentence
    assert "on a usual day it is 12" in found.sentence


def test_a_busy_day_is_none(house):
    house.read(40, VICTIM, address="192.0.2.10", agent=CHROME.format(121), items=150)
    assert house.observe("mailbox_mass_read") == []


def test_a_mailbox_that_falls_silent_while_its_owner_works_is_told_of(house):
    for day in range(84, 120):
        house.act(day, "FileAccessed", user="corp\\user3", address="192.0.2.10")
        for person in (0, 1, 2, 4, 5, 6, 7, 8):
            house.read(day, f"user{person}@corp.example", address="192.0.2.10", agent=CHROME.format(123))
    (found,) = house.observe("mailbox_silence")
    assert found.sentence.startswith("Since 2024-03-29 no reading of corp\\user3's mailbox is recorded")


def test_who_leaves_and_a_log_that_ends_are_not(house):
    for day in range(84, 120):
        for person in range(12):
            house.act(day, "FileAccessed", user=f"corp\\user{person}", address="192.0.2.10")
    assert house.observe("mailbox_silence") == []


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (CHROME.format(120), "chrome 120 on windows"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0",
            "edge 120 on windows",
        ),
        ("Client=WebServices;ExchangeServicesClient/15.00.0913.015;", "exchangeservicesclient 15"),
        ("Client=MSExchangeRPC", "msexchangerpc"),
        ("", "an unnamed program"),
    ],
)
def test_clients_are_read_as_people_name_them(said, shown):
    assert client_of(said).shown == shown


def test_an_address_that_several_use_daily_is_the_houses_even_for_who_never_came():
    days = set(range(60))
    rows = [(f"user{n}", "192.0.2.10", days) for n in range(3)]
    habits = gathered([*rows, ("boss", "198.51.100.1", days), ("boss", "192.0.2.10", {50})])
    assert not habits.is_strange("boss", "192.0.2.10")
    assert habits.is_strange("boss", SPY)


def test_an_intruder_who_visits_many_does_not_become_the_house():
    days = set(range(60))
    rows = [(f"user{n}", f"198.51.{n}.1", days) for n in range(9)]
    habits = gathered([*rows, *((f"user{n}", SPY, {50}) for n in range(9))])
    assert all(habits.is_strange(f"user{n}", SPY) for n in range(9))


def test_rare_is_a_share_of_days_since_the_first():
    assert is_rare({50, 51}, set(range(60)))
    assert not is_rare(set(range(50, 60)), set(range(60)))
    assert not is_rare({3}, {1, 2, 3})
