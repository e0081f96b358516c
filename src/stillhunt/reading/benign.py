"""Warning lists: what stands in a report without being an indicator, and why.

Own lists in ``data/benign.txt``: sites of vendors, press and authorities, hosts that everybody uses, public resolvers,
hashes of nothing, files that come with a system. Ranges are those of IANA's special-purpose registries, which
:mod:`ipaddress` knows (RFC 6890, 5737, 3849).
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

__all__ = ["address_reason", "file_reason", "hash_reason", "host_reason"]

_PART = re.compile(r"\[(\w+): (.+)\]")


@cache
def _lists() -> dict[str, dict[str, str]]:
    """Return the reason by value, by kind of list."""
    found: dict[str, dict[str, str]] = {}
    kind = reason = ""
    for raw in resources.files("stillhunt.reading").joinpath("data/benign.txt").read_text("utf-8").splitlines():
        line = raw.strip()
        part = _PART.fullmatch(line)
        if part is not None:
            kind, reason = part.groups()
        elif line and not line.startswith("#"):
            found.setdefault(kind, {})[line] = reason
    return found


def host_reason(host: str) -> str:
    """Say why a host name is probably no indicator; empty if nothing says so.

    >>> host_reason("blog.talosintelligence.com"), host_reason("www.google.com"), host_reason("c2.example.cn")
    ("a site: a security vendor's", 'a host: used by everybody', '')
    """
    low = host.casefold().rstrip(".")
    sites = _lists()["site"]
    labels = low.split(".")
    for n in range(len(labels)):
        reason = sites.get(".".join(labels[n:]))
        if reason is not None:
            return f"a site: {reason}"
    if labels[-1] in {"gov", "mil"}:
        return "a site: an authority's"
    shared = _lists()["host"].get(low.removeprefix("www."))
    return f"a host: {shared}" if shared is not None else ""


def address_reason(value: str) -> str:
    """Say why an address or network is probably no indicator; empty if nothing says so.

    >>> address_reason("192.168.1.7"), address_reason("198.51.100.4"), address_reason("8.8.8.8")
    ('not a public address', 'an address for documentation', 'an address: a public resolver')
    """
    resolver = _lists()["address"].get(value.casefold())
    if resolver is not None:
        return f"an address: {resolver}"
    network = ip_network(value, strict=False)
    address = network.network_address
    if any(address.version == n.version and address in n for n in _DOCUMENTATION):
        return "an address for documentation"
    return "" if _is_public(address) and not network.is_private else "not a public address"


_DOCUMENTATION = tuple(
    ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")
)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return ip_address(address).is_global and not address.is_multicast


def hash_reason(value: str) -> str:
    """Say why a hash is no indicator; empty if nothing says so."""
    reason = _lists()["hash"].get(value)
    return f"a hash: {reason}" if reason is not None else ""


def file_reason(name: str) -> str:
    """Say why a file's name alone is no indicator; empty if nothing says so.

    >>> file_reason("CMD.EXE")
    'a file: comes with the system'
    """
    reason = _lists()["file"].get(name.casefold())
    return f"a file: {reason}" if reason is not None else ""
