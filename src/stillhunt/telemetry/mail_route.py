"""The way of a mail: its Received headers, who handed it in, and what its receiver found out about the sender.

Every server puts its header above those that are there, so the topmost are the receiver's own and the lower ones the
word of whoever handed the mail in. The address that counts is the one that the receiving organisation itself saw: from
the top down, the first that came from outside. A hop is inside if its address is private or missing, or if the
sending server belongs to the receiving one: a name under the same domain that the receiver looked up itself, or a name
only claimed together with an address of the same wide network, or an address of the same narrow network. A name that
the sender merely said (HELO) is not enough, or a forger could make the search go on into headers of his own; only if
the topmost verdict (Received-SPF, else Authentication-Results) names the address of a lower hop, and servers above it
go by names of one domain, that hop counts. Where no Received header has an address, the verdict's counts.

What it cannot show: behind a mailing list or a forwarder of another organisation it is that one's address.

References: RFC 5321 4.4 (Received), RFC 8601 (Authentication-Results), RFC 7208 9.1 (Received-SPF), RFC 8617 (ARC).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from stillhunt.telemetry.mail_text import mail_date

__all__ = ["Hop", "Verdicts", "handed_in_by", "hop_of", "one_domain", "verdicts"]

_LONGEST = 4096
"""Characters of a header that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One Received header.

    Attributes:
        said: Name that the sending server gave itself.
        looked_up: Its name as the receiving server found it; empty if it did not say.
        address: Its address, normalised; empty if there is none.
        by: Name of the receiving server.
        by_address: Its address, if it says so.
        at: When, with a zone or without; None if it is not told.
    """

    said: str
    looked_up: str
    address: str
    by: str
    by_address: str
    at: datetime | None


_FROM = re.compile(r"^from\s+(\S+)", re.IGNORECASE)
_BY = re.compile(r"(?:^|\s)by\s+(\S+)(?:\s+\(([^()]*)\))?", re.IGNORECASE)
_BRACKETED = re.compile(r"\[(?:IPv6:)?([0-9a-fA-F.:]+)\]", re.IGNORECASE)
_BARE = re.compile(r"\(\s*(?:IPv6:)?([0-9a-fA-F.:]+)(?:%\w+)?\s*\)", re.IGNORECASE)
_SAID = re.compile(r"\b(?:helo|ehlo)[ =]\[?([^\s)\]]+)", re.IGNORECASE)
_LOOKED_UP = re.compile(r"\((?:[^\s()@]*@)?([\w.-]+)\s+\[")


def hop_of(value: str) -> Hop:
    """Take a Received header apart, in the spellings of Postfix, Sendmail, Exim, qmail, Exchange and Google.

    >>> hop = hop_of("from mx (mail.x.example [203.0.113.9]) by in.corp.example; Mon, 2 Oct 2023 11:05:29 +0000")
    >>> hop.said, hop.looked_up, hop.address, hop.by
    ('mx', 'mail.x.example', '203.0.113.9', 'in.corp.example')
    """
    value = " ".join(value[:_LONGEST].split())
    route, _, date = value.rpartition(";")
    route = route or value
    by = _BY.search(route)
    sender = route[: by.start()] if by else route
    named = _FROM.match(sender)
    first = named[1].strip("[]()").lower() if named else ""
    said = _SAID.search(sender)
    looked_up = _LOOKED_UP.search(sender)
    if said is not None:
        name, own = said[1].lower(), first
    else:
        name, own = first, looked_up[1].lower().rstrip(".") if looked_up else ""
    return Hop(
        said=name,
        looked_up="" if own in {"unknown", "localhost"} or _address(own) else own,
        address=_sender_address(sender, first) if named else "",
        by=by[1].strip("[];").lower().rstrip(".") if by else "",
        by_address=_address(by[2].strip("[]").removeprefix("IPv6:")) if by and by[2] else "",
        at=mail_date(date) if date else None,
    )


def _sender_address(sender: str, first: str) -> str:
    for pattern in (_BRACKETED, _BARE):
        for found in pattern.findall(sender):
            address = _address(found)
            if address:
                return address
    return _address(first)


@lru_cache(maxsize=65_536)
def _address(text: str) -> str:
    """Return an address in its one form; empty if the text is none."""
    try:
        found = ip_address(text)
    except ValueError:
        return ""
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(found)


_TWO_LABELS = frozenset({"co", "com", "org", "net", "gov", "edu", "ac", "or", "ne", "go", "gob", "gouv", "mil", "nic"})


def one_domain(name: str, other: str) -> bool:
    """Tell whether two hosts are under one registered domain, as far as their names show that.

    >>> one_domain("a.corp.example", "mx.corp.example"), one_domain("a.co.uk", "b.co.uk")
    (True, False)
    """
    first, second = _registered(name), _registered(other)
    return bool(first) and first == second


def _registered(name: str) -> str:
    labels = name.rstrip(".").lower().split(".")
    if len(labels) < 2:
        return ""
    n_labels = 3 if len(labels[-1]) == 2 and labels[-2] in _TWO_LABELS else 2
    domain = ".".join(labels[-n_labels:]) if len(labels) >= n_labels else ""
    return "outlook.com" if domain in {"office365.com", "exchangelabs.com"} else domain  # servers of one service


def handed_in_by(hops: Sequence[Hop], named: str = "") -> int | None:
    """Return which hop, from the top, brought the mail in from outside; None if no header tells.

    Args:
        hops: Received headers, topmost first.
        named: The sender's address as the receiver's own verdict names it (:attr:`Verdicts.address`).
    """
    first = next((n for n, hop in enumerate(hops) if hop.address and not _is_inside(hop)), None)
    if first is None or not named:
        return first
    for number, hop in enumerate(hops[first:], first):
        if hop.address == named:
            return number
        if not _may_be_inside(hop):
            break
    return first


def _is_inside(hop: Hop) -> bool:
    if _is_internal(hop.address) or one_domain(hop.looked_up, hop.by):
        return True
    if not hop.by_address:
        return False
    if _share_network(hop.address, hop.by_address, narrow=True):
        return True
    return one_domain(hop.said, hop.by) and _share_network(hop.address, hop.by_address, narrow=False)


def _may_be_inside(hop: Hop) -> bool:
    return not hop.address or _is_inside(hop) or one_domain(hop.said, hop.by)


_INTERNAL = tuple(
    ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.168.0.0/16", "::/127", "fc00::/7", "fe80::/10"),
    )
)
"""Addresses that no other organisation has. Those kept for documentation are not among them."""


@lru_cache(maxsize=65_536)
def _is_internal(address: str) -> bool:
    return any(ip_address(address) in network for network in _INTERNAL)


@lru_cache(maxsize=65_536)
def _share_network(one: str, other: str, *, narrow: bool) -> bool:
    first, second = ip_address(one), ip_address(other)
    if first.version != second.version:
        return False
    narrow_width, wide_width = (24, 16) if isinstance(first, IPv4Address) else (32, 24)
    return second in ip_network((first, narrow_width if narrow else wide_width), strict=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """What servers found out about the sender, in their own words; several of one kind in the order they stand.

    Attributes:
        results: Kind (``spf``, ``dkim``, ``dmarc``, ``arc``, ``compauth``) to the words found.
        properties: Name (``smtp.mailfrom``, ``header.d``, ``header.from``, ...) to the values found.
        address: The sender's address as a verdict names it; empty if none does.
    """

    results: dict[str, list[str]]
    properties: dict[str, list[str]]
    address: str


_RESULT = re.compile(r"(?:^|[;\s])(spf|dkim|dmarc|arc|compauth|dkim-adsp|iprev|bimi)\s*=\s*([a-zA-Z]+)", re.IGNORECASE)
_PROPERTY = re.compile(
    r"\b(smtp\.mailfrom|smtp\.helo|header\.[a-z]+|policy\.[a-z.-]+|action|reason)\s*=\s*\"?([^\s;\")]+)", re.IGNORECASE
)
_SENDER_IP = re.compile(r"sender IP is ([0-9a-fA-F.:]+)|client-ip=\"?([0-9a-fA-F.:]+)", re.IGNORECASE)


def verdicts(authentication: Sequence[str], received_spf: Sequence[str]) -> Verdicts:
    """Read Authentication-Results and Received-SPF headers; of several with one kind of result the topmost counts."""
    results: dict[str, list[str]] = {}
    properties: dict[str, list[str]] = {}
    address = ""
    for value in authentication:
        found: dict[str, list[str]] = {}
        for kind, word in _RESULT.findall(value[:_LONGEST]):
            found.setdefault(kind.lower(), []).append(word.lower())
        results = found | results
        for name, text in _PROPERTY.findall(value[:_LONGEST]):
            if text not in properties.setdefault(name.lower(), []):
                properties[name.lower()].append(text)
    for value in received_spf:
        word = value.split(maxsplit=1)[:1]
        results.setdefault("spf", [word[0].strip("(;").lower()] if word else [])
    for value in (*received_spf, *authentication):
        named = _SENDER_IP.search(value[:_LONGEST])
        address = address or (_address((named[1] or named[2]).rstrip(".:")) if named else "")
    return Verdicts(results=results, properties=properties, address=address)
