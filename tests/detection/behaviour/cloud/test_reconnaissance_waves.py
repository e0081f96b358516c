"""Waves of mail that tell who opened them, and newsletters that do too."""

from __future__ import annotations

import base64
import hashlib

import pytest

from stillhunt.detection.behaviour.alike import like, skeleton
from stillhunt.detection.behaviour.messages import token_of
from stillhunt.detection.behaviour.watch import Watch
from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.event import EventClass

from .conftest import CHROME, FIREFOX, at

MAIL = EventClass(product="mail", categories=frozenset({"message"}))
PROXY = EventClass(product="zeek", categories=frozenset({"dns"}), services=frozenset({"dns"}))
PIXEL = "https://img.news-desk.example/o/{}.gif"


def mail(told, day, sender, recipient, *, url="", bulk=False, name="", verdict="", hidden=True, hour=9.0, number=None):
    fields = {
        "event.action": "message",
        "email.sender.address": sender,
        "email.from.domain": sender.partition("@")[2],
        "email.from.name": name,
        "email.to.address": recipient,
        "email.is_bulk": "true" if bulk else None,
        "email.images.url": url or None,
        "email.images.hidden": "true" if url and hidden else None,
        "email.authentication.dmarc": verdict or None,
        "email.message_id": number,
    }
    told.add(MAIL, at(day, hour), **fields)


def token(number):
    return hashlib.sha256(str(number).encode()).hexdigest()[:20]


@pytest.fixture
def post(empty):
    """A house of twelve whose people write to each other and to a partner, with a newsletter each week."""
    for day in range(40):
        mail(empty, day, f"user{day % 12}@corp.example", f"user{(day + 5) % 12}@corp.example")
        mail(empty, day, "ann@partner.example", f"user{day % 12}@corp.example")
        mail(empty, day, f"user{day % 12}@corp.example", "ann@partner.example")
        for person in range(12):
            if day % 7 == 2:
                url = f"https://open.shop.example/p/{token((day, person))}.gif"
                mail(empty, day, "news@shop.example", f"user{person}@corp.example", url=url, bulk=True)
    return empty


def wave(told, day=50, *, sender="editor@news-desk.example", n=8, **more):
    for person in range(n):
        url = PIXEL.format(token(person))
        number = f"{person}.{day}@{sender.partition('@')[2]}"
        mail(told, day + person % 3, sender, f"user{person}@corp.example", url=url, number=number, **more)


def test_newsletters_and_letters_are_no_wave(post):
    assert post.observe("reconnaissance_mail") == []


def test_a_wave_of_an_unknown_sender_is_told_of(post):
    wave(post)
    (found,) = post.observe("reconnaissance_mail")
    assert "editor@news-desk.example sent 8 people mail with 8 different images or links" in found.sentence
    assert ("domain", "img.news-desk.example", "destination") in found.entities
    assert ("mailbox", "user3@corp.example", "") in found.entities
    assert found.count == 8


def test_several_senders_with_one_host_are_one_wave(post):
    for person in range(8):
        sender = f"editor@desk{person % 4}.example"
        mail(post, 50, sender, f"user{person}@corp.example", url=PIXEL.format(token(person)))
    (found,) = post.observe("reconnaissance_mail")
    assert "editor@desk0.example, editor@desk1.example" in found.sentence


@pytest.mark.parametrize(
    "more",
    [
        {"n": 4},  # too few people
        {"bulk": True},  # says that it is a list's
        {"sender": "ann@partner.example"},  # somebody the house writes to
    ],
)
def test_what_is_no_wave(post, more):
    wave(post, **more)
    assert post.observe("reconnaissance_mail") == []


def test_one_image_for_all_tells_nothing_of_a_reader(post):
    for person in range(8):
        mail(post, 50, "x@news-desk.example", f"user{person}@corp.example", url=PIXEL.format(token(1)))
    assert post.observe("reconnaissance_mail") == []


def test_what_goes_on_for_months_is_a_subscription(post):
    for week in range(8):
        wave(post, 50 + 7 * week, n=8)
    assert post.observe("reconnaissance_mail") == []


def test_a_mailing_service_in_a_partners_name_is_a_wave(post):
    wave(post, sender="ann@partner-mail.example", bulk=True)
    (found,) = post.observe("reconnaissance_mail")
    assert "written like partner.example" in found.sentence


def test_who_opened_and_who_was_read_afterwards_is_said(post):
    for day in (d for d in range(60) if d % 7 < 5):
        post.read(day, "user3@corp.example", address="192.0.2.10", agent=CHROME.format(120))
    wave(post, sender="ann@partner-mail.example", bulk=False)
    fields = {"destination.domain": "img.news-desk.example", "user.name": "corp\\user3", "source.ip": "10.0.0.3"}
    post.add(PROXY, at(53, 11), **fields)
    for day in (70, 75):
        post.read(day, "user3@corp.example", address="203.0.113.66", agent=FIREFOX.format(115))
    (found,) = post.observe("reconnaissance_mail")
    assert "user3@corp.example fetched it." in found.sentence
    assert "Later user3@corp.example was read from where the owner never works." in found.sentence
    assert found.level == "high"


def opens(told, day, mailbox, *numbers, **more):
    items = {"Folders.FolderItems.InternetMessageId": "\n".join(f"<{number}>" for number in numbers)}
    told.read(day, mailbox, address="192.0.2.10", agent=CHROME.format(120), **items, **more)


def test_who_opened_it_in_the_mailbox_is_said(post):
    wave(post)
    opens(post, 51, "user2@corp.example", "7@partner.example", "2.50@news-desk.example")
    opens(post, 51, "user4@corp.example", "7@partner.example")  # another message
    opens(post, 51, "user5@corp.example", "6.50@news-desk.example")  # one that somebody else received
    opens(post, 51, "user6@corp.example", "6.50@news-desk.example", actor="corp\\deputy", LogonType="2")
    (found,) = post.observe("reconnaissance_mail")
    assert "user2@corp.example opened it in the mailbox." in found.sentence
    assert dict(found.why)["opened in the mailbox by"] == "user2@corp.example"


def test_who_opened_it_and_what_came_after_is_said_together(post):
    for day in (d for d in range(60) if d % 7 < 5):
        post.read(day, "user3@corp.example", address="192.0.2.10", agent=CHROME.format(120))
    wave(post)
    opens(post, 52, "user3@corp.example", "3.50@news-desk.example")
    for day in (70, 75):
        post.read(day, "user3@corp.example", address="203.0.113.66", agent=FIREFOX.format(115))
    (found,) = post.observe("reconnaissance_mail")
    assert dict(found.why)["opened by, and read from elsewhere later"] == "user3@corp.example"
    assert found.level == "high"


def test_mails_without_a_number_were_opened_by_nobody(post):
    for person in range(8):
        mail(post, 50, "x@news-desk.example", f"user{person}@corp.example", url=PIXEL.format(token(person)))
    opens(post, 51, "user2@corp.example", "")
    (found,) = post.observe("reconnaissance_mail")
    assert dict(found.why)["opened in the mailbox by"] == "nobody in these logs"


def test_who_asked_for_the_host_before_the_wave_did_not_open_it(post):
    fields = {"destination.domain": "img.news-desk.example", "user.name": "corp\\user3", "source.ip": "10.0.0.3"}
    post.add(PROXY, at(3, 11), **fields)
    wave(post)
    assert "fetched" not in post.observe("reconnaissance_mail")[0].sentence


ANN = "ann@corp.example"


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://t.example/o/4f2a9c0d17be.gif", ("4f2a9c0d17be.gif", False)),
        ("https://t.example/open?id=Zk81xPq72LmA", ("Zk81xPq72LmA", False)),
        ("https://t.example/i?m=ann%40corp.example", (ANN, True)),
        (f"https://t.example/{hashlib.md5(ANN.encode(), usedforsecurity=False).hexdigest()}/a.png", None),
        (f"https://t.example/{base64.b64encode(ANN.encode()).decode()}", None),
        ("https://t.example/images/header-logo.png", ("", False)),
        ("https://t.example/b.gif", ("", False)),
        ("https://t.example/img/icon_600x200.png", ("", False)),
        ("https://t.example/2024/newsletter.html", ("", False)),
    ],
)
def test_tokens_are_told_from_names(url, found):
    assert token_of(url, [ANN]) == found if found else token_of(url, [ANN])[1]


@pytest.mark.parametrize(
    ("domain", "other"),
    [
        ("rninistry.example", "ministry.example"),
        ("minstry.example", "ministry.example"),
        ("ministry-post.example", "ministry.example"),
        ("ministry.example", ""),
        ("history.example", ""),
        ("post.example", ""),
    ],
)
def test_domains_that_are_written_like_others(domain, other):
    assert like(domain, {"ministry.example", "post.example"} - ({domain} if not other else set())) == other


def test_skeletons_join_what_looks_alike():
    assert skeleton("rnodern-vvays") == skeleton("Modern Ways")
    assert skeleton("modern") != skeleton("madam")


def test_real_newsletters_ham_and_phish_are_no_waves(shared_data):
    for name in sorted((shared_data / "mail").glob("spamassassin*")):
        watch = Watch(["reconnaissance_mail"])
        for batch in Reading([name]).batches():
            watch.feed(batch)
        assert watch.observed(lambda file, host: 0) == []
