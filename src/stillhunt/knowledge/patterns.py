"""Observables to STIX patterns: what an indicator list says in one word, written so that everybody can match it."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["TYPES", "pattern_of"]

TYPES: Mapping[str, str] = {
    "domain": "domain-name:value",
    "email": "email-addr:value",
    "filename": "file:name",
    "hostname": "domain-name:value",
    "ip": "ipv4-addr:value",
    "ipv4": "ipv4-addr:value",
    "ipv6": "ipv6-addr:value",
    "md5": "file:hashes.MD5",
    "mutex": "mutex:name",
    "registry-key": "windows-registry-key:key",
    "sha1": "file:hashes.'SHA-1'",
    "sha256": "file:hashes.'SHA-256'",
    "sha512": "file:hashes.'SHA-512'",
    "url": "url:value",
    "user-agent": "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'",
}
"""Type of an observable, as lists write it, to its path in a pattern."""

_OTHER_NAMES: Mapping[str, str] = {
    "domain-name": "domain",
    "email-addr": "email",
    "email-dst": "email",
    "email-src": "email",
    "fqdn": "domain",
    "hash-md5": "md5",
    "hash-sha1": "sha1",
    "hash-sha256": "sha256",
    "ip-dst": "ip",
    "ip-src": "ip",
    "ipv4-addr": "ip",
    "ipv6-addr": "ipv6",
    "regkey": "registry-key",
    "sha-1": "sha1",
    "sha-256": "sha256",
    "uri": "url",
}


def pattern_of(kind: str, value: str) -> str | None:
    """Return the pattern of an observable, or None for a type that is not known.

    >>> pattern_of("ip-dst", "192.0.2.7")
    "[ipv4-addr:value = '192.0.2.7']"
    >>> pattern_of("domain", "evil[.]example")
    "[domain-name:value = 'evil.example']"
    """
    name = kind.strip().casefold().replace("_", "-")
    path = TYPES.get(_OTHER_NAMES.get(name, name))
    if path is None:
        return None
    written = value.strip().replace("[.]", ".").replace("(.)", ".").replace("hxxp", "http")
    if path == TYPES["ip"] and ":" in written:
        path = TYPES["ipv6"]
    escaped = written.replace("\\", "\\\\").replace("'", "\\'")
    return f"[{path} = '{escaped}']"
