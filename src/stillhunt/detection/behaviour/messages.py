"""Mails that tell their sender who opened them, who writes to whom, and who asked for which name: shared views.

A remote image is fetched when a mail is shown; if its address holds something that no other mail's has, the fetch says
who opened the mail, when, from where and with what. Newsletters do that too; these views keep what tells them apart.
Nothing is fetched or looked up here.

Reference: Englehardt, Han and Narayanan, "I never signed up for this! Privacy implications of email tracking" (2018):
images of one pixel, recipients' addresses or their hashes in the address; RFC 2369, 2919, 8058 (headers of lists);
RFC 8601 (authentication results).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

import pyarrow as pa

from stillhunt.detection.behaviour.join import hash_of, places
from stillhunt.detection.behaviour.model import Aggregate, How
from stillhunt.detection.behaviour.names import entropy, registered_domain
from stillhunt.detection.behaviour.taking import DAY_US, DAYS, Taken
from stillhunt.telemetry.event import EventBatch, EventClass

__all__ = ["ASKERS", "LETTERS", "TRACKED", "Tracker", "token_of", "trackers_of"]

_LEAST_TOKEN = 8
_LEAST_ENTROPY = 2.5
_MOST_RECIPIENTS = 50
_PIECE = re.compile(r"[^/?&=;#]+")
_HEX = re.compile(r"[0-9a-f-]{12,}", re.IGNORECASE)
_WORDY = re.compile(r"[a-z]+(?:[-_. ][a-z]+)*(?:\.[a-z]{2,5})?", re.IGNORECASE)
_SIZED = re.compile(r"[a-z-]*[_-]?\d{2,4}(?:x\d{2,4})?(?:@2x)?(?:\.[a-z]{3,4})?", re.IGNORECASE)


class Tracker(NamedTuple):
    """What a mail fetches, or asks to be clicked, that names its reader.

    Attributes:
        kind: ``image`` or ``link``.
        host: From whom.
        template: The address with the token left out.
        token: What differs from mail to mail.
        is_hidden: Whether it is declared as a pixel, or not to be shown.
        is_addressed: Whether the token is the recipient's address, or a hash of it.
    """

    kind: str
    host: str
    template: str
    token: str
    is_hidden: bool
    is_addressed: bool


@lru_cache(maxsize=8_192)
def _spellings(address: str) -> frozenset[str]:
    """Return the ways in which an address is put into a link."""
    raw = address.lower().encode()
    plain = base64.b64encode(raw).decode().rstrip("=")
    hashes = {hashlib.new(name, raw, usedforsecurity=False).hexdigest() for name in ("md5", "sha1", "sha256")}
    return frozenset({address.lower(), raw.hex(), plain, plain.replace("+", "-").replace("/", "_"), *hashes})


def token_of(url: str, recipients: Sequence[str]) -> tuple[str, bool]:
    """Return what in an address may stand for a reader, and whether it is a recipient's own address.

    >>> token_of("https://img.example/o/7f3a9c21d4e8.gif", ())
    ('7f3a9c21d4e8.gif', False)
    >>> token_of("https://img.example/logo/banner.gif", ())
    ('', False)
    >>> token_of("https://img.example/i?u=ann@b.example", ["ann@b.example"])
    ('ann@b.example', True)
    """
    rest = url.partition("://")[2].partition("/")[2] or url.partition("?")[2]
    pieces = [unquote(piece) for piece in _PIECE.findall(rest)]
    for recipient in recipients:
        if recipient:
            spelt = _spellings(recipient)
            for piece in pieces:
                if piece.lower() in spelt or piece.rstrip("=") in spelt or recipient.lower() in piece.lower():
                    return piece, True
    tokens = [piece for piece in pieces if _is_token(piece)]
    return (max(tokens, key=len), False) if tokens else ("", False)


def _is_token(piece: str) -> bool:
    """Tell whether a part of an address looks drawn, not written."""
    if len(piece) < _LEAST_TOKEN or _WORDY.fullmatch(piece) or _SIZED.fullmatch(piece):
        return False
    stem = piece.rpartition(".")[0] or piece
    if _HEX.fullmatch(stem):
        return True
    has_digit, has_letter = any(c.isdigit() for c in stem), any(c.isalpha() for c in stem)
    is_mixed = has_digit and has_letter and sum(c.isdigit() for c in stem) >= 2
    return (is_mixed or len(stem) >= 2 * _LEAST_TOKEN) and entropy(stem) >= _LEAST_ENTROPY and " " not in stem


def trackers_of(mail: Mapping[str, str], recipients: Sequence[str]) -> Iterator[Tracker]:
    """Yield what of a mail names its reader, each host once.

    Args:
        mail: Native fields of a mail.
        recipients: Addresses it went to.
    """
    seen: set[tuple[str, str]] = set()
    hidden = mail.get("email.images.hidden", "").split("\n")
    for place, url in enumerate(mail.get("email.images.url", "").split("\n")):
        found = _tracker("image", url, recipients, is_hidden=place < len(hidden) and hidden[place] == "true")
        if found and (found.kind, found.host) not in seen:
            seen.add((found.kind, found.host))
            yield found
    for url in mail.get("email.links.url", "").split("\n"):
        found = _tracker("link", url, recipients, is_hidden=False)
        if found and (found.kind, found.host) not in seen:
            seen.add((found.kind, found.host))
            yield found


def _tracker(kind: str, url: str, recipients: Sequence[str], *, is_hidden: bool) -> Tracker | None:
    scheme, _, rest = url.partition("://")
    if scheme.lower() not in {"http", "https"} or not rest:
        return None
    token, is_addressed = token_of(url, recipients)
    if not token:
        return None
    host = re.split(r"[/?#:]", rest.lower(), maxsplit=1)[0].rpartition("@")[2]
    template = unquote(rest).replace(token, "*")[:200]
    return Tracker(kind, host, template, token, is_hidden, is_addressed)


def _is_mail(event_class: EventClass) -> bool:
    return event_class.product == "mail"


_FIELDS = (
    "email.to.address",
    "email.cc.address",
    "email.bcc.address",
    "email.from.name",
    "email.from.domain",
    "email.is_bulk",
    "email.images.url",
    "email.images.hidden",
    "email.links.url",
    "email.authentication.spf",
    "email.authentication.dkim",
    "email.authentication.dmarc",
    "email.message_id",
)


def _mails(batch: EventBatch, names: Sequence[str]) -> Iterator[tuple[int, dict[str, str], list[str]]]:
    """Yield the number of each mail, its fields and the addresses it went to."""
    took = Taken(batch)
    fields = [took.texts(name) for name in names]
    senders, at = took.texts("email.sender.address"), batch.data.column("@timestamp").is_valid().to_pylist()
    for place, values in enumerate(zip(*fields, strict=True)):
        mail = dict(zip(names, values, strict=True))
        mail["sender"] = senders[place].lower()
        said = "\n".join(mail[f"email.{kind}.address"] for kind in ("to", "cc", "bcc"))
        recipients = [address.lower() for address in dict.fromkeys(said.split("\n")) if "@" in address]
        if at[place]:
            yield place, mail, recipients[:_MOST_RECIPIENTS]


def _verdict(mail: Mapping[str, str]) -> str:
    """Say in a word whether the sender is who it says it is: ``passed``, ``failed`` or ``unknown``."""
    said = {kind: mail[f"email.authentication.{kind}"].split("\n")[0] for kind in ("dmarc", "spf", "dkim")}
    if said["dmarc"] in {"pass", "bestguesspass"} or (not said["dmarc"] and said["dkim"] == "pass"):
        return "passed"
    if said["dmarc"] == "fail" or said["spf"] in {"fail", "softfail"} or said["dkim"] == "fail":
        return "failed"
    return "passed" if said["dkim"] == "pass" else "unknown"


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big") >> 1


def _tracked_rows(batch: EventBatch) -> pa.Table | None:
    rows: list[int] = []
    columns: dict[str, list[Any]] = {name: [] for name in (*_TRACKED_KEYS, *_TRACKED)}
    for place, mail, recipients in _mails(batch, _FIELDS):
        is_bulk = mail["email.is_bulk"] == "true"
        for tracker in trackers_of(mail, recipients):
            # Newsletters have too many readers to name them; how many there are is enough.
            for recipient in recipients or [""]:
                rows.append(place)
                columns["sender"].append(mail["sender"][:200])
                columns["shown"].append(mail["email.from.name"].split("\n")[0].lower()[:100])
                columns["tracker"].append(tracker.host[:200])
                columns["kind"].append(tracker.kind)
                columns["bulk"].append("bulk" if is_bulk else "")
                columns["verdict"].append(_verdict(mail))
                columns["recipient"].append("" if is_bulk else recipient)
                columns["readers"].append(_hash(recipient))
                columns["tokens"].append(_hash(tracker.token))
                columns["messages"].append(hash_of(mail["email.message_id"]))
                columns["hidden"].append(int(tracker.is_hidden))
                columns["addressed"].append(int(tracker.is_addressed))
    if not rows:
        return None
    arrays = {
        name: pa.array(values, pa.string() if name in _TRACKED_KEYS else pa.int64()) for name, values in columns.items()
    }
    return pa.table({**arrays, **places(batch, pa.array(rows, pa.int64()))})


_TRACKED: Mapping[str, How] = {
    "tokens": "least",
    "readers": "least",
    "messages": "least",
    "hidden": "sum",
    "addressed": "sum",
}
_TRACKED_KEYS = ("sender", "shown", "tracker", "kind", "bulk", "verdict", "recipient")

TRACKED = Aggregate(
    name="tracked mail",
    wants=_is_mail,
    fields=_FIELDS,
    keys=_TRACKED_KEYS,
    measures=_TRACKED,
    rows=_tracked_rows,
)
"""Mails that name their reader to a host: by whom, what it says of itself, whether as a list's, and to whom."""


def _letter_rows(batch: EventBatch) -> pa.Table | None:
    rows: list[int] = []
    senders, receivers, days = [], [], []
    at: list[Any] = batch.data.column("@timestamp").cast(pa.int64()).to_pylist()
    names = ("email.to.address", "email.cc.address", "email.bcc.address")
    for place, mail, recipients in _mails(batch, names):
        domains = {registered_domain(address.rpartition("@")[2]) for address in recipients}
        for domain in sorted(domains - {""}):
            rows.append(place)
            senders.append(registered_domain(mail["sender"].rpartition("@")[2]))
            receivers.append(domain)
            days.append(at[place] // DAY_US)
    if not rows:
        return None
    return pa.table(
        {
            "sender": pa.array(senders, pa.string()),
            "receiver": pa.array(receivers, pa.string()),
            "days": pa.array(days, pa.int64()),
            "late_days": pa.array([-day for day in days], pa.int64()),
            **places(batch, pa.array(rows, pa.int64())),
        }
    )


LETTERS = Aggregate(
    name="letters",
    wants=_is_mail,
    fields=("email.to.address", "email.cc.address", "email.bcc.address"),
    keys=("sender", "receiver"),
    measures=DAYS,
    rows=_letter_rows,
)
"""Which registered domain wrote to which, and on which days."""


def _asks(event_class: EventClass) -> bool:
    return bool({"dns", "dns_query", "proxy"} & event_class.categories) or (
        event_class.product in {"zeek", "suricata"} and bool({"dns", "http", "ssl", "tls"} & event_class.services)
    )


def _asker_rows(batch: EventBatch) -> pa.Table | None:
    took = Taken(batch)
    names = took.column("destination.domain", lambda name: name.lower().rstrip("."))
    people = zip(took.texts("user.name"), took.texts("host.name"), took.texts("source.ip"), strict=True)
    is_sensor = batch.event_class.product in {"zeek", "suricata"}
    who = [user or (source or host if is_sensor else host or source) for user, host, source in people]
    table = took.table({"name": names, "who": pa.array(who, pa.string())})
    if table is None:
        return None
    kept = [bool(name) and "." in name and bool(one) for name, one in zip(names.to_pylist(), who, strict=True)]
    return table.filter(pa.array(kept, pa.bool_()))


ASKERS = Aggregate(name="askers", wants=_asks, fields=(), keys=("name", "who"), rows=_asker_rows)
"""Who asked for a name, in DNS, at a proxy or on the wire: the account if it is logged, else machine or address."""
