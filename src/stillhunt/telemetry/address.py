"""Addresses as logs write them: with a port, in brackets, mapped into IPv6."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

__all__ = ["ip_of"]

_BYTE = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"{_BYTE}(?:[.]{_BYTE}){{3}}\Z", re.ASCII)
"""The usual case, decided at once."""


@lru_cache(maxsize=65_536)
def ip_of(text: str) -> str:
    """Return the address without port, brackets and zone; empty for what is none.

    >>> ip_of("203.0.113.9:443"), ip_of("[2001:DB8::1]:443"), ip_of("::ffff:203.0.113.9"), ip_of("ec2.amazonaws.com")
    ('203.0.113.9', '2001:db8::1', '203.0.113.9', '')
    """
    if _IPV4.match(text):
        return text
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
