"""The staff's mailboxes: messages go in, one mbox file a mailbox comes out, with the headers of the way they came.

Sources of the form: RFC 5322 and MIME, RFC 8601 (Authentication-Results), RFC 2369 and 8058 (list headers), and the
mbox format of RFC 4155.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from random import Random

from stillhunt.simulation.chance import hexadecimal, stream
from stillhunt.simulation.estate import Estate, Person
from stillhunt.simulation.feed import Feed, LogFile, Record, packed

__all__ = ["Attachment", "Postbox", "Sender"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sends from outside.

    Attributes:
        name: As shown.
        address: Mail address.
        relay: Name of the server it comes from.
        relay_address: Its address.
        is_authentic: Whether SPF, DKIM and DMARC agree.
        is_list: Whether it sends to lists, with the headers of one.
    """

    name: str
    address: str
    relay: str
    relay_address: str
    is_authentic: bool = True
    is_list: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file in a message.

    Attributes:
        name: Its name.
        kind: Its MIME type.
        content: Its bytes, which are invented.
    """

    name: str
    kind: str
    content: bytes


@dataclass(slots=True)
class Postbox:
    """The mailboxes of an estate.

    Attributes:
        estate: Whose.
        seed: Seed of the simulation.
        feeds: What they hold, by login.
    """

    estate: Estate
    seed: int
    feeds: dict[str, Feed] = field(init=False)
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = stream(self.seed, "postbox")
        self.feeds = {p.login: Feed(f"mail {p.login}", "", _mbox(p.login)) for p in self.estate.staff}

    def receive(
        self,
        at: datetime,
        person: Person,
        sender: Sender,
        subject: str,
        *,
        text: str,
        html: str = "",
        attachment: Attachment | None = None,
    ) -> None:
        """Put a message into a mailbox.

        Args:
            at: When it arrived.
            person: Whose mailbox.
            sender: From whom.
            subject: Its subject.
            text: Its body as plain text.
            html: Its body as HTML, or empty.
            attachment: A file with it.
        """
        domain = sender.address.partition("@")[2]
        own = self.estate.organisation.domain
        mark = hexadecimal(self._random, 16)
        verdict = "pass" if sender.is_authentic else "none"
        head = [
            f"From {sender.address} {at:%a %b %d %H:%M:%S %Y}",
            f"Return-Path: <{sender.address}>",
            f"Delivered-To: {self.estate.mailbox(person)}",
            f"Received: from {sender.relay} ({sender.relay} [{sender.relay_address}])",
            f"\tby mx.{own} (Postfix) with ESMTPS id {mark[:10].upper()}",
            f"\tfor <{self.estate.mailbox(person)}>; {format_datetime(at)}",
            f"Authentication-Results: mx.{own};",
            f"\tspf={'pass' if sender.is_authentic else 'softfail'} smtp.mailfrom={sender.address};",
            f"\tdkim={verdict} header.d={domain}; dmarc={verdict} header.from={domain}",
            *self._list_headers(sender, person),
            f"Message-ID: <{mark}@{sender.relay}>",
            f"Date: {format_datetime(at.replace(microsecond=0))}",
            f"From: {sender.name} <{sender.address}>",
            f"To: {person.name} <{self.estate.mailbox(person)}>",
            f"Subject: {subject}",
            "MIME-Version: 1.0",
        ]
        body = _body(text, html, attachment, boundary=f"=_{hexadecimal(self._random, 20)}")
        lines = [">" + line if line.lstrip(">").startswith("From ") else line for line in body]
        self.feeds[person.login].note(at, "\n".join([*head, *lines, ""]))

    def _list_headers(self, sender: Sender, person: Person) -> Iterator[str]:
        if not sender.is_list:
            return
        domain = sender.address.partition("@")[2]
        mark = hexadecimal(stream(self.seed, f"subscription {sender.address} {person.login}"), 12)
        yield f"List-Id: <news.{domain}>"
        yield f"List-Unsubscribe: <https://news.{domain}/unsubscribe/{mark}>,"
        yield f"\t<mailto:unsubscribe@{domain}?subject={mark}>"
        yield "List-Unsubscribe-Post: List-Unsubscribe=One-Click"
        yield "Precedence: bulk"


def _body(text: str, html: str, attachment: Attachment | None, *, boundary: str) -> list[str]:
    if not html and attachment is None:
        return ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", text]
    kind = "mixed" if attachment else "alternative"
    lines = [f'Content-Type: multipart/{kind}; boundary="{boundary}"', "", f"--{boundary}"]
    lines += ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", text]
    if html:
        lines += [
            f"--{boundary}",
            "Content-Type: text/html; charset=utf-8",
            "Content-Transfer-Encoding: 8bit",
            "",
            html,
        ]
    if attachment:
        encoded = b64encode(attachment.content).decode()
        lines += [
            f"--{boundary}",
            f'Content-Type: {attachment.kind}; name="{attachment.name}"',
            f'Content-Disposition: attachment; filename="{attachment.name}"',
            "Content-Transfer-Encoding: base64",
            "",
            *(encoded[i : i + 76] for i in range(0, len(encoded), 76)),
        ]
    return [*lines, f"--{boundary}--"]


def _mbox(login: str) -> Callable[[Sequence[Record]], Iterator[LogFile]]:
    def bind(records: Sequence[Record]) -> Iterator[LogFile]:
        yield packed(f"mail/{login}.mbox", "\n".join([*(r.text for r in records), ""]), len(records))

    return bind
