"""Where logs hold what the paths of STIX patterns speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stillhunt.detection.indicators.pattern import Field

__all__ = ["log_fields"]

_ADDRESSES = ("source.ip", "destination.ip", "SourceIp", "DestinationIp", "IpAddress", "c-ip")
_HASHES = ("Hashes", "Hash")


def log_fields(path: str) -> Sequence[Field]:
    """Return the columns that may hold what a path speaks of; none where no log that is read has it.

    >>> [field.name for field in log_fields("domain-name:value")]
    ['destination.domain', 'QueryName', 'DestinationHostname']
    """
    return _FIELDS.get(path.replace('"', "'"), ())


def _plain(*names: str) -> tuple[Field, ...]:
    return tuple(Field(name=name) for name in names)


def _file(*names: str) -> tuple[Field, ...]:
    """A name is the last part of a path, or all of it."""
    ends = [Field(name=name, how="endswith", prefix=sign) for name in names for sign in ("\\", "/")]
    return (*ends, *_plain(*names))


def _hash(algorithm: str, *names: str) -> tuple[Field, ...]:
    return (*(Field(name=n, how="contains", prefix=f"{algorithm}=") for n in _HASHES), *_plain(*names))


_FIELDS: Mapping[str, tuple[Field, ...]] = {
    "domain-name:value": _plain("destination.domain", "QueryName", "DestinationHostname"),
    "email-addr:value": _plain("user.name", "user.target.name"),
    "file:hashes.'SHA-1'": _hash("SHA1"),
    "file:hashes.'SHA-256'": _hash("SHA256", "file.hash.sha256"),
    "file:hashes.MD5": _hash("MD5"),
    "file:name": _file("file.path", "process.executable", "Image", "TargetFilename", "ImageLoaded", "OriginalFileName"),
    "ipv4-addr:value": _plain(*_ADDRESSES),
    "ipv6-addr:value": _plain(*_ADDRESSES),
    "network-traffic:dst_port": _plain("destination.port"),
    "process:command_line": _plain("process.command_line", "CommandLine"),
    "process:name": _file("process.executable", "Image"),
    "url:value": _plain("url.path", "cs-uri-stem"),
    "user-account:account_login": _plain("user.name", "TargetUserName", "SubjectUserName"),
    "windows-registry-key:key": _plain("TargetObject"),
}
