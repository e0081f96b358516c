"""One mail to one event, whatever file it lay in.

Nothing that a mail names is fetched. Fields follow ECS (``email.*``); where a mail has several of a thing the values
stand on lines of their own, and the lines of fields with the same beginning belong together: the third line of
``email.links.host`` is the host of the third line of ``email.links.url``, an empty one where there is nothing to say.

The time is that of the Date header, which is the sender's word. Where it is missing, or more than a week before or 26
hours (the widest that two zones lie apart) after the receiver took the mail, the receiver's own time counts: that of
the topmost Received header, which ``event.clock`` then names.

What it cannot show: what the sender was really called, and what became of the mail after its delivery.

References: RFC 5322, RFC 2045-2049, ECS email fields, RFC 2369 and 2919 (lists).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.errors import MessageError
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32

from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.mail_html import Page, read_page
from stillhunt.telemetry.mail_parts import Attachment, attachment_of, content_of, part_name
from stillhunt.telemetry.mail_route import Hop, handed_in_by, hop_of, verdicts
from stillhunt.telemetry.mail_text import (
    Address,
    addresses,
    body_text,
    header_text,
    hidden_characters,
    mail_date,
    plain_urls,
    split_url,
)
from stillhunt.telemetry.source import LogFile
from stillhunt.telemetry.table import Row, Value

__all__ = ["LARGEST", "MESSAGE", "looks_like_headers", "message_row", "row_of"]

MESSAGE = EventClass(product="mail", categories=frozenset({"message"}))

LARGEST = 100 << 20
"""Bytes of a mail that are read; the rest of a longer one is left, and that is said."""

_MOST_PARTS = 10_000
_MOST_HEADERS = 20_000
_MOST_WORK = 50_000_000
"""Lines times boundaries: the parser of the standard library looks at every line once per boundary that is open."""
_MOST_LINES = 6_000_000
_BOUNDARY = re.compile(rb"boundary", re.IGNORECASE)
_DEEPEST = 60
_LONGEST_ORIGINAL = 1 << 20
_LONGEST_VALUE = 4096
_MOST_VALUES = 500
_LATEST = timedelta(days=7)
"""So long a mail may be on its way; servers give up after five days."""
_EARLIEST = timedelta(hours=26)

_HEADER = re.compile(rb"[!-9;-~]+[ \t]*:")
_NAMES = re.compile(
    rb"^(received|return-path|delivered-to|from|to|cc|subject|date|message-id|mime-version|content-type|sender|reply-to"
    rb"|x-[\w-]+|dkim-signature|arc-[\w-]+|authentication-results|received-spf|list-[\w-]+|envelope-to|in-reply-to"
    rb"|content-transfer-encoding|references|status|importance|thread-[\w-]+|user-agent)[ \t]*:",
    re.IGNORECASE,
)
_TELLING = frozenset({b"from", b"received", b"return-path", b"message-id", b"delivered-to"})


def looks_like_headers(head: bytes) -> bool:
    """Tell whether a text begins as a mail does: header fields, among them two that every mail has and others lack."""
    known: set[bytes] = set()
    for number, line in enumerate(head[:16_384].splitlines()):
        if not line.strip():
            break
        if line[:1] in b" \t" and number:
            continue
        if not _HEADER.match(line):
            break  # some programs break headers without indenting the rest
        name = _NAMES.match(line)
        if name is not None:
            known.add(name[1].lower())
    return len(known) >= 3 and bool(known & _TELLING)


def message_row(content: bytes, log: LogFile, number: int, *, envelope: str = "") -> Row:
    """Return the row of a mail as it lay in a file.

    Args:
        content: Headers and body, at most :data:`LARGEST` bytes.
        log: The file; what is odd about the mail is said there.
        number: The mail's number in it.
        envelope: What an mbox file says above it.
    """
    message, oddities = _parsed(content)
    original = (f"{envelope}\n" if envelope else "") + content[:_LONGEST_ORIGINAL].decode("utf-8", "replace")
    return row_of(message, log, number, original=original, envelope=envelope, oddities=oddities)


class _TooMuchError(MessageError):
    """A mail was made to exhaust its reader."""


class _Policy(Compat32):
    """Headers as they stand, counted. A policy takes no attributes, so the count is a class's own."""

    counted: Counter[str]

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        self.counted["headers"] += 1
        if self.counted["headers"] > _MOST_HEADERS:
            raise _TooMuchError(f"more than {_MOST_HEADERS:,} headers")
        return super().header_source_parse(sourcelines)


def _parsed(content: bytes) -> tuple[Message, list[str]]:
    """Parse a mail; one that would take too much is read as headers and one text."""
    counted: Counter[str] = Counter()
    policy = type("_Counting", (_Policy,), {"counted": counted})()

    def part(*args: object, **kwargs: object) -> Message:
        del args, kwargs
        counted["parts"] += 1
        if counted["parts"] > _MOST_PARTS:
            raise _TooMuchError(f"more than {_MOST_PARTS:,} parts")
        return Message(policy)

    trouble = _too_much(content)
    if not trouble:
        try:
            return BytesParser(part, policy=policy).parsebytes(content), []
        except _TooMuchError as error:
            trouble = str(error)
        except (RecursionError, ValueError, IndexError, TypeError, LookupError, MessageError) as error:
            trouble = "nested too deeply" if isinstance(error, RecursionError) else f"cannot be parsed: {error}"
    head, _, body = content.partition(b"\n\n") if b"\n\n" in content else content.partition(b"\r\n\r\n")
    message = Message()
    for line in _unfolded(head[:_LONGEST_ORIGINAL])[:_MOST_HEADERS]:
        name, colon, value = line.partition(b":")
        if colon and _HEADER.match(line):
            message[name.decode("ascii", "replace").strip()] = value.strip().decode("utf-8", "replace")
    del message["Content-Type"], message["Content-Transfer-Encoding"]
    message.set_payload(body[:_LONGEST_ORIGINAL].decode("latin-1"), "latin-1")
    return message, [f"{trouble}: read as one text"]


def _unfolded(head: bytes) -> list[bytes]:
    return re.sub(rb"\r?\n[ \t]+", b" ", head).splitlines()


def _too_much(content: bytes) -> str:
    n_lines = content.count(b"\n") + content.count(b"\r")
    if n_lines > 2 * _MOST_LINES:
        return "too many lines"
    return "too many boundaries" if n_lines * sum(1 for _ in _BOUNDARY.finditer(content)) > _MOST_WORK else ""


@dataclass(slots=True)
class _Found:
    """What the parts of a mail hold."""

    pages: list[Page] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    nested: list[Message] = field(default_factory=list)
    oddities: dict[str, None] = field(default_factory=dict)


def row_of(
    message: Message, log: LogFile, number: int, *, original: str, envelope: str = "", oddities: Sequence[str] = ()
) -> Row:
    """Return the row of a parsed mail.

    Args:
        message: The mail.
        log: The file it lay in.
        number: Its number there.
        original: Its raw text.
        envelope: What an mbox file says above it.
        oddities: What is odd about it so far.
    """
    headers: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        headers.setdefault(name.lower(), []).append(str(value))
    found = _Found(oddities=dict.fromkeys(oddities))
    _walk(message, found)
    hops = [hop_of(value) for value in headers.get("received", [])[:_MOST_VALUES]]
    at, clock = _time(headers, hops, envelope, log, found.oddities)
    named = _named(headers)
    entry = handed_in_by(hops, named)
    people = {name: addresses(", ".join(headers.get(name, []))) for name in _PEOPLE}
    native = _native(headers, people, found) | _route(hops, entry)
    return Row(
        at=at,
        clock=clock,
        file=log.name,
        record=number,
        original=original,
        common=_common(headers, people, found, source=named if entry is None else hops[entry].address),
        native={name: value for name, value in native.items() if value},
    )


_PEOPLE = {
    "from": "email.from",
    "sender": "email.submitter",
    "to": "email.to",
    "cc": "email.cc",
    "bcc": "email.bcc",
    "reply-to": "email.reply_to",
    "return-path": "email.return_path",
}
"""Header to the field that holds its addresses; ECS keeps ``email.sender`` for who the mail is from."""

_SINGLE = {
    "email.date": "date",
    "email.x_mailer": "x-mailer",
    "email.user_agent": "user-agent",
    "email.content_type": "content-type",
    "email.x_originating_ip": "x-originating-ip",
    "email.list.id": "list-id",
    "email.list.unsubscribe": "list-unsubscribe",
    "email.list.post": "list-post",
    "email.precedence": "precedence",
    "email.auto_submitted": "auto-submitted",
    "email.priority": "x-priority",
    "email.importance": "importance",
    "email.thread_topic": "thread-topic",
    "email.spam_status": "x-spam-status",
    "email.exchange.auth_as": "x-ms-exchange-organization-authas",
    "email.exchange.scl": "x-ms-exchange-organization-scl",
    "email.exchange.directionality": "x-ms-exchange-organization-messagedirectionality",
    "email.received_spf": "received-spf",
}
"""Field to the header whose topmost value it holds."""


def _first(headers: dict[str, list[str]], name: str) -> str:
    return header_text(headers[name][0])[:_LONGEST_VALUE] if name in headers else ""


def _lines(values: Sequence[str]) -> str:
    """Put values on lines of their own; nothing if all are empty."""
    kept = [" ".join(value.split()) if "\n" in value or "\r" in value else value for value in values[:_MOST_VALUES]]
    return "\n".join(kept) if any(kept) else ""


def _common(
    headers: dict[str, list[str]], people: dict[str, list[Address]], found: _Found, *, source: str
) -> dict[str, str]:
    sender = next((a.address for name in ("from", "sender", "return-path") for a in people[name] if a.address), "")
    files = found.attachments
    common = {
        "email.sender.address": sender,
        "email.subject": _first(headers, "subject"),
        "email.message_id": _first(headers, "message-id").strip("<> "),
        "source.ip": source,
        "user.target.name": account_name(_recipient(headers, people)),
        "user_agent.original": _first(headers, "user-agent") or _first(headers, "x-mailer"),
        "event.action": "message",
        "file.path": files[0].name if len(files) == 1 else "",
        "file.hash.sha256": files[0].sha256 if len(files) == 1 else "",
    }
    return {name: value for name, value in common.items() if value}


def _named(headers: dict[str, list[str]]) -> str:
    """Return the sender's address as the topmost verdict names it."""
    return verdicts(headers.get("authentication-results", [])[:1], headers.get("received-spf", [])[:1]).address


def _recipient(headers: dict[str, list[str]], people: dict[str, list[Address]]) -> str:
    """Return whose mailbox it lies in, as far as one can tell."""
    for name in ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to"):
        named = addresses(headers[name][0]) if name in headers else []
        if named and "@" in named[0].address:
            return named[0].address
    named = [address for name in ("to", "cc") for address in people[name] if "@" in address.address]
    return named[0].address if len(named) == 1 else ""


def _time(
    headers: dict[str, list[str]], hops: Sequence[Hop], envelope: str, log: LogFile, oddities: dict[str, None]
) -> tuple[datetime | None, str]:
    received = _utc(hops[0].at, log) if hops else None
    written = mail_date(headers["date"][0]) if "date" in headers else None
    if "date" not in headers:
        oddities["no Date"] = None
    elif written is None:
        oddities["a Date that is none"] = None
    if written is not None:
        sent = _utc(written, log)
        if sent is not None and (received is None or -_EARLIEST <= received - sent <= _LATEST):
            return sent, "Date"
        if received is not None:
            oddities["Date is far from Received"] = None
    if received is not None:
        return received, "Received"
    at = mail_date(" ".join(envelope.split()[2:])) if envelope else None
    return (_utc(at, log), "From_") if at is not None else (None, "")


def _utc(at: datetime | None, log: LogFile) -> datetime | None:
    if at is None:
        return None
    try:
        return log.utc(at) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        return None


def _native(headers: dict[str, list[str]], people: dict[str, list[Address]], found: _Found) -> dict[str, Value]:
    native: dict[str, Value] = {name: _first(headers, header) for name, header in _SINGLE.items()}
    for header, named in people.items():
        native[f"{_PEOPLE[header]}.address"] = _lines([a.address for a in named])
        native[f"{_PEOPLE[header]}.name"] = _lines([a.name for a in named])
    native["email.from.domain"] = _lines([a.domain for a in people["from"] if "@" in a.address])
    n_recipients = sum(len(people[name]) for name in ("to", "cc", "bcc"))
    native["email.recipients.count"] = str(n_recipients)
    native["email.in_reply_to"] = _lines(_ids(headers.get("in-reply-to", [])))
    native["email.references"] = _lines(_ids(headers.get("references", [])))
    native |= _authentication(headers)
    native["email.is_bulk"] = "true" if _is_bulk(headers) else ""
    _judge_headers(headers, people, found.oddities)
    native |= _bodies(found) | _attachments(found)
    native["email.oddities"] = _lines(list(found.oddities))
    return native


def _ids(values: Sequence[str]) -> list[str]:
    return [text.strip("<>,") for value in values for text in header_text(value)[:65_536].split()][:_MOST_VALUES]


def _is_bulk(headers: dict[str, list[str]]) -> bool:
    if any(
        name.startswith("list-") or name in {"feedback-id", "x-campaign-id", "x-csa-complaints"} for name in headers
    ):
        return True
    return _first(headers, "precedence").lower() in {"bulk", "list", "junk"}


def _route(hops: Sequence[Hop], entry: int | None) -> dict[str, Value]:
    return {
        "email.received.count": str(len(hops)) if hops else "",
        "email.received.from": _lines([hop.said for hop in hops]),
        "email.received.looked_up": _lines([hop.looked_up for hop in hops]),
        "email.received.ip": _lines([hop.address for hop in hops]),
        "email.received.by": _lines([hop.by for hop in hops]),
        "email.received.at": _lines([hop.at.isoformat() if hop.at else "" for hop in hops]),
        "email.delivery_timestamp": hops[0].at.isoformat() if hops and hops[0].at else "",
        "email.handed_in.ip": hops[entry].address if entry is not None else "",
        "email.handed_in.from": hops[entry].said if entry is not None else "",
        "email.handed_in.looked_up": hops[entry].looked_up if entry is not None else "",
        "email.handed_in.by": hops[entry].by if entry is not None else "",
    }


def _authentication(headers: dict[str, list[str]]) -> dict[str, Value]:
    results = headers.get("authentication-results", [])[:20]
    said = verdicts(results, headers.get("received-spf", [])[:20])
    fields: dict[str, Value] = {
        f"email.authentication.{kind}": _lines(words) for kind, words in said.results.items() if words
    }
    for name, texts in said.properties.items():
        fields[f"email.authentication.{name}"] = _lines(texts)
    fields["email.authentication.results"] = _lines([" ".join(value.split())[:_LONGEST_VALUE] for value in results])
    tags = [_tags(value) for value in headers.get("dkim-signature", [])[:20]]
    fields["email.dkim.domain"] = _lines([tag.get("d", "").lower() for tag in tags])
    fields["email.dkim.selector"] = _lines([tag.get("s", "") for tag in tags])
    seals = [_tags(value) for value in headers.get("arc-seal", [])[:20]]
    fields["email.arc.domain"] = _lines([tag.get("d", "").lower() for tag in seals])
    fields["email.arc.chain"] = _lines([tag.get("cv", "").lower() for tag in seals])
    arc = [" ".join(value.split())[:_LONGEST_VALUE] for value in headers.get("arc-authentication-results", [])[:20]]
    fields["email.arc.results"] = _lines(arc)
    return fields


def _tags(value: str) -> dict[str, str]:
    """Take a list of ``tag=value`` apart, as DKIM and ARC headers are."""
    pairs = (part.partition("=") for part in value[:16_384].split(";"))
    return {name.strip().lower(): "".join(text.split()) for name, _, text in pairs}


_ONCE = ("from", "subject", "date", "message-id", "to", "reply-to")
_ADDRESS_IN_NAME = re.compile(r"[\w.+-]{1,64}@((?:[\w-]{1,63}\.)+[a-z]{2,24})", re.IGNORECASE)


def _judge_headers(headers: dict[str, list[str]], people: dict[str, list[Address]], oddities: dict[str, None]) -> None:
    """Say what is odd about the headers."""
    oddities |= {f"more than one {name.title()}": None for name in _ONCE if len(headers.get(name, [])) > 1}
    if not people["from"]:
        oddities["no From"] = None
    for sender in people["from"]:
        named = _ADDRESS_IN_NAME.search(sender.name)
        if named is not None and named[1].lower() != sender.domain:
            oddities["the sender's name holds another address"] = None
        oddities |= {f"sender's name: {what}": None for what in hidden_characters(sender.name)}
    oddities |= {f"subject: {what}": None for what in hidden_characters(_first(headers, "subject"))}


def _walk(message: Message, found: _Found) -> None:
    """Look at every part once, in order, without recursion."""
    waiting: list[tuple[Message, str, int]] = [(message, "", 0)]
    while waiting:
        part, within, depth = waiting.pop()
        found.oddities |= {f"defect: {type(defect).__name__}": None for defect in part.defects}
        payload = part.get_payload() if part.is_multipart() else None
        if isinstance(payload, list):
            inner = [child for child in payload if isinstance(child, Message)]
            if part.get_content_maintype() == "message" and part is not message:
                name = part_name(part) or (header_text(str(inner[0].get("Subject", ""))) if inner else "")
                within = f"{within}{name or 'message'}!"
                found.nested += inner[:1]
            if depth >= _DEEPEST:
                found.oddities["parts nested too deeply"] = None
                continue
            waiting += [(child, within, depth + 1) for child in reversed(inner)]
            continue
        _take(part, within, found)


def _take(part: Message, within: str, found: _Found) -> None:
    mime_type = part.get_content_type()
    is_text = mime_type in {"text/plain", "text/html"} and part.get_content_disposition() != "attachment"
    if not is_text or (part_name(part) and mime_type == "text/plain"):
        attachment = attachment_of(part, within)
        if attachment.form == "tnef" or mime_type == "application/ms-tnef":
            found.oddities["an attachment in Outlook's own format (TNEF), not looked into"] = None
        found.attachments.append(attachment)
        return
    text, odd = body_text(content_of(part), part.get_content_charset() or "")
    if odd:
        found.oddities[f"body: {odd}"] = None
    if mime_type == "text/html":
        if part_name(part):
            found.attachments.append(attachment_of(part, within))
        found.pages.append(read_page(text))
    else:
        found.plain += plain_urls(text[: _LONGEST_ORIGINAL * 2])


def _bodies(found: _Found) -> dict[str, Value]:
    links = [link for page in found.pages for link in page.links]
    in_pages = {link.url for link in links}
    plain = [url for url in dict.fromkeys(found.plain) if url not in in_pages]
    rows = [(link.url, link.host, link.text, link.kind, "true" if link.differs else "") for link in links]
    rows += [(url[:_LONGEST_VALUE], _plain_host(url), "", "plain", "") for url in plain]
    urls, hosts, texts, kinds, differ = (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 5
    pictures = [fetched for page in found.pages for fetched in page.fetched if fetched.is_image]
    others = [fetched for page in found.pages for fetched in page.fetched if not fetched.is_image]
    forms = [form for page in found.pages for form in page.forms]
    traits = dict.fromkeys(trait for page in found.pages for trait in page.traits)
    n_links = sum(page.n_links for page in found.pages) + len(plain)
    return {
        "email.links.url": _lines(urls),
        "email.links.host": _lines(hosts),
        "email.links.text": _lines(texts),
        "email.links.kind": _lines(kinds),
        "email.links.differs": _lines(differ),
        "email.links.count": str(n_links) if n_links else "",
        "email.images.url": _lines([p.url for p in pictures]),
        "email.images.host": _lines([p.parts.host for p in pictures]),
        "email.images.path": _lines([p.parts.path for p in pictures]),
        "email.images.query": _lines([p.parts.query for p in pictures]),
        "email.images.width": _lines([p.width for p in pictures]),
        "email.images.height": _lines([p.height for p in pictures]),
        "email.images.hidden": _lines(["true" if p.is_hidden else "" for p in pictures]),
        "email.images.count": str(len(pictures)) if pictures else "",
        "email.fetched.url": _lines([o.url for o in others]),
        "email.fetched.host": _lines([o.parts.host for o in others]),
        "email.fetched.tag": _lines([o.tag for o in others]),
        "email.forms.action": _lines([form.action for form in forms]),
        "email.forms.host": _lines([form.host for form in forms]),
        "email.forms.method": _lines([form.method for form in forms]),
        "email.forms.count": str(len(forms)) if forms else "",
        "email.html.traits": _lines(list(traits)),
    }


def _plain_host(url: str) -> str:
    return split_url(url if "://" in url else f"//{url}").host


def _attachments(found: _Found) -> dict[str, Value]:
    files = found.attachments
    inside = [f"{file.name}!{name}" for file in files for name in file.inside]
    nested = [{name.lower(): str(value) for name, value in m.raw_items()} for m in found.nested[:_MOST_VALUES]]
    return {
        "email.attachments.count": str(len(files)) if files else "",
        "email.attachments.file.name": _lines([file.name for file in files]),
        "email.attachments.file.extension": _lines([file.extension for file in files]),
        "email.attachments.file.mime_type": _lines([file.mime_type for file in files]),
        "email.attachments.file.size": _lines([str(file.size) for file in files]),
        "email.attachments.file.hash.sha256": _lines([file.sha256 for file in files]),
        "email.attachments.form": _lines([file.form for file in files]),
        "email.attachments.disposition": _lines([file.disposition for file in files]),
        "email.attachments.traits": _lines([" ".join(t.replace(" ", "-") for t in file.traits) for file in files]),
        "email.attachments.inside": _lines(inside),
        "email.nested.subject": _lines([header_text(headers.get("subject", "")) for headers in nested]),
        "email.nested.from": _lines([_one(headers.get("from", "")) for headers in nested]),
    }


def _one(value: str) -> str:
    return next((a.address for a in addresses(value)), "")
