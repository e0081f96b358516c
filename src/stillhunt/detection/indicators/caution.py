"""What an indicator may well be that is nobody's in particular: private addresses, shared hosts, well-known services.

Lists of others carry such things by mistake: an address that malware asked for its own, the name by which it looked
whether there is an Internet, the front of a delivery network behind which thousands of customers stand. A hit of one
says little; it is told, with this as the reason why it weighs less.

Sources: IANA special-purpose address registries (RFC 6890); the operators' own published ranges and names of public
resolvers, delivery networks and update services, as of 2025. Kept short on purpose: what is missing here is told
without a warning, never left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple

from stillhunt.detection.behaviour.names import is_outside, is_suffix
from stillhunt.detection.indicators.observable import Observable
from stillhunt.kernel.network import is_inside
from stillhunt.terms.level import Level

__all__ = ["Caution", "caution_of", "covers_names_below"]


class Caution(NamedTuple):
    """Why an indicator says little.

    Attributes:
        kind: ``private``, ``resolver``, ``delivery``, ``shared`` or ``well-known``.
        most: Highest level of a finding of it.
        sentence: In words.
    """

    kind: str
    most: Level
    sentence: str


_RESOLVERS = {
    **dict.fromkeys(("1.1.1.1", "1.0.0.1", "2606:4700:4700::1111", "2606:4700:4700::1001"), "Cloudflare"),
    **dict.fromkeys(("8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844"), "Google"),
    **dict.fromkeys(("9.9.9.9", "149.112.112.112", "2620:fe::fe"), "Quad9"),
    **dict.fromkeys(("208.67.222.222", "208.67.220.220"), "OpenDNS"),
    **dict.fromkeys(("4.2.2.1", "4.2.2.2"), "Level 3"),
    **dict.fromkeys(("94.140.14.14", "94.140.15.15"), "AdGuard"),
}

_DELIVERY: Mapping[str, tuple[str, ...]] = {
    "Cloudflare": (
        *("103.21.244.0/22", "103.22.200.0/22", "103.31.4.0/22", "104.16.0.0/13", "104.24.0.0/14", "108.162.192.0/18"),
        *("131.0.72.0/22", "141.101.64.0/18", "162.158.0.0/15", "172.64.0.0/13", "173.245.48.0/20", "188.114.96.0/20"),
        *("190.93.240.0/20", "197.234.240.0/22", "198.41.128.0/17", "2400:cb00::/32", "2606:4700::/32"),
    ),
    "Fastly": (
        "23.235.32.0/20",
        "146.75.0.0/17",
        "151.101.0.0/16",
        "157.52.64.0/18",
        "199.232.0.0/16",
        "2a04:4e40::/32",
    ),
    "Google front ends": ("142.250.0.0/15", "172.217.0.0/16", "216.58.192.0/19", "2607:f8b0::/32"),
    "GitHub Pages": ("185.199.108.0/22",),
}

_WELL_KNOWN = frozenset(
    [
        *(
            "adobe.com",
            "akadns.net",
            "akamai.net",
            "akamaiedge.net",
            "amazon.com",
            "apple.com",
            "bing.com",
            "cisco.com",
        ),
        *("cisco.com", "cloudflare.com", "debian.org", "digicert.com", "edgesuite.net", "facebook.com", "fastly.net"),
        *("gmail.com", "google.com", "googleapis.com", "gstatic.com", "icloud.com", "instagram.com", "letsencrypt.org"),
        *("linkedin.com", "live.com", "microsoft.com", "microsoftonline.com", "mozilla.org", "msftconnecttest.com"),
        *("msftncsi.com", "msn.com", "office.com", "office365.com", "outlook.com", "pki.goog", "python.org"),
        *("redhat.com", "sectigo.com", "skype.com", "sentry.io", "ubuntu.com", "verisign.com", "wikipedia.org"),
        *("windows.com", "windows.net", "windowsupdate.com", "yahoo.com", "youtube.com"),
    ]
)
"""Registered domains whose names below are all their owner's, and that most machines meet every day."""

_SERVICES = frozenset(
    [
        *(
            "api.ipify.org",
            "api.telegram.org",
            "bit.ly",
            "bitbucket.org",
            "cdn.discordapp.com",
            "checkip.amazonaws.com",
        ),
        *("discord.com", "discordapp.com", "docs.google.com", "drive.google.com", "dropbox.com", "graph.microsoft.com"),
        *("github.com", "gitlab.com", "icanhazip.com", "ifconfig.me", "ipinfo.io", "mediafire.com", "mega.nz"),
        *("ngrok.com", "notion.so", "onedrive.live.com", "pastebin.com", "raw.githubusercontent.com", "slack.com"),
        *("t.me", "telegram.org", "tinyurl.com", "transfer.sh", "trello.com", "wetransfer.com", "whatismyip.com"),
    ]
)
"""Services through which intruders work and everybody else does, too: file shares, shorteners, messengers."""


@lru_cache(maxsize=65_536)
def caution_of(one: Observable) -> Caution | None:
    """Return why an indicator says little; None if nothing is known against it.

    >>> caution_of(Observable("address", "10.1.2.3")).kind, caution_of(Observable("domain", "www.microsoft.com")).kind
    ('private', 'well-known')
    >>> caution_of(Observable("domain", "evil.workers.dev")) is None
    True
    """
    match one.kind:
        case "address":
            return _of_address(one.value)
        case "network":
            return _of_network(one.value)
        case "domain":
            return _of_domain(one.value)
        case "hash":
            return _EMPTY if one.value in _EMPTY_FILES else None
    return None


def covers_names_below(domain: str) -> bool:
    """Say whether a listed domain stands for the names below it, too; not where strangers get names there.

    >>> covers_names_below("evil.example"), covers_names_below("co.uk"), covers_names_below("workers.dev")
    (True, False, False)
    """
    return not is_suffix(domain) and domain not in _SERVICES


def _of_address(value: str) -> Caution | None:
    if value in _RESOLVERS:
        return Caution("resolver", Level.INFORMATIONAL, f"a public resolver of {_RESOLVERS[value]}, which many ask")
    if not is_outside(value):
        return _PRIVATE
    address = ip_address(value)
    for owner, network in _networks():
        if is_inside(address, network):
            return _delivered(owner)
    return None


def _of_network(value: str) -> Caution | None:
    network = ip_network(value)
    if not is_outside(str(network.network_address)) and not is_outside(str(network.broadcast_address)):
        return _PRIVATE
    least = 16 if network.version == 4 else 32
    if network.prefixlen < least:
        return Caution(
            "shared", Level.LOW, f"a network of {network.num_addresses:,} addresses, which many owners share"
        )
    for owner, other in _networks():
        if network.version == other.version and network.overlaps(other):
            return _delivered(owner)
    return None


def _of_domain(value: str) -> Caution | None:
    labels = value.split(".")
    above = {".".join(labels[place:]) for place in range(len(labels))}
    if value.removeprefix("www.") in _SERVICES:
        return Caution("shared", Level.LOW, "a service that intruders use and everybody else does, too")
    if is_suffix(value):
        return Caution("shared", Level.LOW, "a domain under which strangers get names of their own")
    if above & _WELL_KNOWN:
        return Caution("well-known", Level.INFORMATIONAL, "a name of a well-known service that most machines meet")
    return None


@lru_cache(maxsize=1)
def _networks() -> tuple[tuple[str, IPv4Network | IPv6Network], ...]:
    return tuple((owner, ip_network(network)) for owner, networks in _DELIVERY.items() for network in networks)


def _delivered(owner: str) -> Caution:
    return Caution("delivery", Level.LOW, f"a front of a delivery network ({owner}), behind which many customers stand")


_PRIVATE = Caution("private", Level.INFORMATIONAL, "an address that houses use inside, and so everybody's")
_EMPTY = Caution("well-known", Level.INFORMATIONAL, "the hash of an empty file")
_EMPTY_FILES = frozenset(
    [
        "d41d8cd98f00b204e9800998ecf8427e",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ]
)
