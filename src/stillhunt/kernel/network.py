"""Addresses and the networks that hold them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

__all__ = ["address_of", "is_inside"]


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address as logs write it: with a zone behind ``%``, or an IPv4 address in IPv6 form.

    >>> address_of("::ffff:10.1.2.3"), address_of("fe80::1%eth0"), address_of("LOCAL")
    (IPv4Address('10.1.2.3'), IPv6Address('fe80::1'), None)
    """
    try:
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def is_inside(address: IPv4Address | IPv6Address | None, network: IPv4Network | IPv6Network) -> bool:
    """Say whether a network holds an address.

    >>> from ipaddress import ip_network
    >>> is_inside(address_of("10.1.2.3"), ip_network("10.0.0.0/8"))
    True
    """
    return address is not None and address.version == network.version and address in network
