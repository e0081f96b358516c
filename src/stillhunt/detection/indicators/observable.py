"""Observables: the plain things that most indicators name, each written in one way only.

An address, a network, a domain, a URL, a mail address, a hash or a file name. However a list or a log writes one, its
canonical form is the same, so finding it is one look-up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import NamedTuple

from stillhunt.detection.indicators.pattern import Field, compile_pattern
from stillhunt.errors import RuleError
from stillhunt.kernel.network import address_of
from stillhunt.kernel.program import Node

__all__ = [
    "KINDS",
    "Observable",
    "canonical",
    "guess",
    "host_and_path",
    "of_path",
    "of_pattern",
    "pattern_of",
    "refanged",
]

KINDS = ("address", "domain", "file", "hash", "mail", "network", "url")
"""What an observable may be."""


class Observable(NamedTuple):
    """A plain thing: its kind, one of :data:`KINDS`, and its canonical form."""

    kind: str
    value: str


_OF_PATH: Mapping[str, str] = {
    "artifact:hashes": "hash",
    "domain-name:value": "domain",
    "email-addr:value": "mail",
    "email-message:from_ref.value": "mail",
    "email-message:sender_ref.value": "mail",
    "file:hashes": "hash",
    "file:name": "file",
    "ipv4-addr:value": "address",
    "ipv6-addr:value": "address",
    "network-traffic:dst_ref.value": "address",
    "network-traffic:src_ref.value": "address",
    "url:value": "url",
}
_HASH_PATHS: Mapping[int, str] = {32: "MD5", 40: "'SHA-1'", 64: "'SHA-256'", 128: "'SHA-512'"}
_HASH = re.compile(r"^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})$")
_NAME = re.compile(r"^(?=.{1,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,62})[.])*[a-z0-9_-]{1,63}$")
_PORT = re.compile(r":\d{1,5}$")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://")
_USUAL_PORTS = {"http": ":80", "https": ":443", "ftp": ":21"}
_MAIL = re.compile(r"^[^@\s<>]{1,64}@[^@\s<>]{1,253}$")
_SIMPLE = re.compile(r"^\[\s*([a-z0-9-]+:[A-Za-z0-9_.'-]+)\s*=\s*'((?:[^'\\]|\\.)*)'\s*\]$")


def canonical(kind: str, value: str) -> Observable | None:
    """Return an observable in its canonical form, or None if the value is no such thing.

    An address with a prefix is a network, a network of one address an address, a domain that is an address an address.

    >>> canonical("domain", "*.Evil.EXAMPLE."), canonical("address", "192.0.2.0/24"), canonical("hash", "xyz")
    (Observable(kind='domain', value='evil.example'), Observable(kind='network', value='192.0.2.0/24'), None)
    """
    text = value.strip()
    if kind in {"address", "network"}:
        return _network(text) if "/" in text else _address(text)
    if kind == "domain":
        return _domain(text)
    if kind == "hash":
        lower = text.lower()
        return Observable("hash", lower) if _HASH.match(lower) else None
    if kind == "mail":
        lower = text.strip("<>").lower()
        return Observable("mail", lower) if _MAIL.match(lower) else None
    if kind == "file":
        path = text.lower().replace("\\", "/")
        return Observable("file", path) if path and "\n" not in path else None
    host, path = host_and_path(text)
    return Observable("url", host + path) if kind == "url" and host else None


def host_and_path(url: str) -> tuple[str, str]:
    """Return the host of a URL with its port, unless that is the usual one, and its path; nothing for what is none.

    The query and the fragment are left out: logs often lack them, and they change with every victim.

    >>> host_and_path("HTTP://Evil.example:80/a/B.php?id=1#x"), host_and_path("evil.example/x"), host_and_path("x")
    (('evil.example', '/a/B.php'), ('evil.example', '/x'), ('', ''))
    """
    text = url.strip()
    match = _SCHEME.match(text.lower())
    scheme = match[0][:-3] if match else ""
    rest = text[match.end() if match else 0 :]
    if not match and "/" not in rest:
        return "", ""
    at = min((place for place in map(rest.find, "/?#") if place >= 0), default=len(rest))
    host = rest[:at].rpartition("@")[2].lower()
    path = re.split(r"[?#]", rest[at:], maxsplit=1)[0]
    for port in (_USUAL_PORTS.get(scheme, ""), *((":80", ":443") if not scheme else ())):
        host = host.removesuffix(port) if port else host
    name = _PORT.sub("", host)
    if _address(name.strip("[]")) is None and _domain(name) is None:
        return "", ""
    return host.rstrip("."), path or "/"


def guess(text: str) -> Observable | None:
    """Return what a line of a plain list names, by its form.

    >>> guess("hxxps://evil[.]example/a"), guess("198.51.100.7"), guess("d41d8cd98f00b204e9800998ecf8427e").kind
    (Observable(kind='url', value='evil.example/a'), Observable(kind='address', value='198.51.100.7'), 'hash')
    """
    plain = refanged(text.strip())
    if _SCHEME.match(plain.lower()):
        return canonical("url", plain)
    for kind in ("hash", "address", "mail"):
        found = canonical(kind, plain)
        if found is not None:
            return found
    if "/" in plain:
        return canonical("url", plain)
    found = canonical("domain", plain)
    return found if found is not None and "." in found.value else None


def refanged(text: str) -> str:
    """Return text without the brackets by which indicators are kept from being clicked.

    >>> refanged("hxxp://evil[.]example"), refanged("me[at]evil(.)example")
    ('http://evil.example', 'me@evil.example')
    """
    for written, meant in (("[.]", "."), ("(.)", "."), ("[dot]", "."), ("[:]", ":"), ("[at]", "@"), ("[@]", "@")):
        if written in text:
            text = text.replace(written, meant)
    return "http" + text[4:] if text[:4].lower() == "hxxp" else text


def of_path(path: str, value: str) -> Observable | None:
    """Return what a pattern compares with, or None if that is no plain thing.

    >>> of_path("file:hashes.'SHA-256'", "AB" * 32).kind
    'hash'
    """
    whole = path.replace('"', "'")
    kind = _OF_PATH.get(whole) or _OF_PATH.get(whole.partition(".")[0])
    if kind is None or (kind in {"domain", "file", "url"} and whole not in _OF_PATH):
        return None
    return canonical(kind, refanged(value) if kind != "file" else value)


def of_pattern(pattern: str) -> tuple[Observable, ...] | None:
    """Return the plain things any of which satisfies a pattern, or None if it asks for more than that.

    >>> of_pattern("[domain-name:value = 'a.example' OR ipv4-addr:value = '192.0.2.7']")
    (Observable(kind='address', value='192.0.2.7'), Observable(kind='domain', value='a.example'))
    >>> of_pattern("[file:name = 'a.exe' AND file:size > 7]") is None
    True
    """
    simple = _SIMPLE.match(pattern.strip())
    if simple is not None:
        only = of_path(simple[1], re.sub(r"\\(.)", r"\1", simple[2]))
        return None if only is None else (only,)
    try:
        node = compile_pattern(pattern, lambda path: (Field(name=path, is_cased=True),))
    except RuleError:
        return None
    found = set(_of_node(node))
    return None if None in found or not found else tuple(sorted(one for one in found if one is not None))


def _of_node(node: Node) -> Iterator[Observable | None]:
    """Yield what satisfies a part by itself, and None for whatever else it asks for."""
    if node.kind not in {"or", "test"}:
        yield None
    for child in node.children if node.kind == "or" else ():
        yield from _of_node(child)
    for predicate in node.predicates:
        is_plain = predicate.kind in {"equals", "cidr"} and predicate.field is not None
        yield of_path(predicate.field or "", predicate.text) if is_plain else None


def pattern_of(one: Observable) -> str:
    """Return the STIX pattern of an observable.

    >>> pattern_of(Observable("network", "192.0.2.0/24"))
    "[ipv4-addr:value ISSUBSET '192.0.2.0/24']"
    """
    value = one.value.replace("\\", "\\\\").replace("'", "\\'")
    version = "ipv6-addr" if ":" in one.value else "ipv4-addr"
    match one.kind:
        case "network":
            return f"[{version}:value ISSUBSET '{value}']"
        case "address":
            return f"[{version}:value = '{value}']"
        case "hash":
            return f"[file:hashes.{_HASH_PATHS[len(one.value)]} = '{value}']"
        case "url":
            return f"[url:value = '{value}']"
    path = {"domain": "domain-name:value", "mail": "email-addr:value", "file": "file:name"}[one.kind]
    return f"[{path} = '{value}']"


def _address(text: str) -> Observable | None:
    found = _parsed(text)
    if found is None and _PORT.search(text) and text.count(":") == 1:
        found = _parsed(_PORT.sub("", text))
    return None if found is None else Observable("address", str(found))


@lru_cache(maxsize=65_536)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    if not text or text[0] not in "0123456789abcdefABCDEF:":
        return None
    return address_of(text)


def _network(text: str) -> Observable | None:
    with suppress(ValueError):
        network = ip_network(text, strict=False)
        if network.num_addresses == 1:
            return Observable("address", str(network.network_address))
        return Observable("network", str(network))
    return None


def _domain(text: str) -> Observable | None:
    name = text.lower().removeprefix("*.").strip(".")
    if not name.isascii():
        with suppress(UnicodeError):
            name = name.encode("idna").decode()
    if name and name[-1].isdigit():
        return _address(name)
    return Observable("domain", name) if _NAME.match(name) else None
