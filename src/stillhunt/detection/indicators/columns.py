"""Where events hold observables, and how they are read out of a column's text.

Every distinct text of a column is read once and gives candidates: the address itself, the name of a host that was
asked for, the hashes in ``SHA1=…,MD5=…``, whatever a command line mentions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from stillhunt.detection.indicators.observable import Observable, canonical, host_and_path

__all__ = ["COLUMNS", "NATIVE", "Reader", "shown_by"]

Reader = Callable[[str], Iterator[Observable]]
"""Text of a column to the observables that it names."""

_LONGEST = 20_000
"""Letters of a text that are looked through."""

_TOKEN = re.compile(r"[0-9a-f]{32,128}", re.IGNORECASE)
_MAIL = re.compile(r"[^\s<>,;:\"'()]{1,64}@[^\s<>,;:\"'()]{1,253}")
_URL = re.compile(r"\b[a-z][a-z0-9+.-]{2,8}://[^\s\"'<>|`]{3,2000}", re.IGNORECASE)
_NAME = re.compile(r"(?<![\w.@-])(?:[a-z0-9_][a-z0-9_-]{0,62}\.)+[a-z0-9-]{2,63}(?![\w-])", re.IGNORECASE)
_ADDRESS_6 = re.compile(
    r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})(?![\w:])", re.IGNORECASE
)
_NO_DOMAINS = frozenset(
    [
        *(
            "aspx",
            "bat",
            "bin",
            "cmd",
            "config",
            "cpl",
            "csv",
            "dat",
            "dll",
            "doc",
            "docx",
            "dmp",
            "exe",
            "htm",
            "html",
        ),
        *(
            "html",
            "ini",
            "jar",
            "js",
            "json",
            "lnk",
            "local",
            "log",
            "msc",
            "msi",
            "ocx",
            "pdf",
            "php",
            "png",
            "ps1",
            "psd1",
        ),
        *("psm1", "rtf", "sys", "tmp", "txt", "vbs", "xls", "xlsx", "xml", "yml"),
    ]
)
"""Last labels of dotted words in command lines that are files; no domain ends like this, or next to none."""


def _one(kind: str, text: str) -> Iterator[Observable]:
    found = canonical(kind, text) if text else None
    if found is not None:
        yield found


def _host(text: str) -> Iterator[Observable]:
    """Read the name of a host, with or without a port, or a whole URL."""
    if "/" in text:
        yield from _url(text)
        return
    yield from _one("domain", text.partition(":")[0] if text.count(":") == 1 else text)


def _url(text: str) -> Iterator[Observable]:
    """Read whole URLs, each with its host, out of lines or words."""
    for word in text[:_LONGEST].split():
        host, path = host_and_path(word)
        if host:
            yield Observable("url", host + path)
            yield from _one("domain", re.sub(r":\d{1,5}$", "", host))


def _hashes(text: str) -> Iterator[Observable]:
    for token in _TOKEN.findall(text[:_LONGEST]):
        yield from _one("hash", token)


def _mails(text: str) -> Iterator[Observable]:
    """Read mail addresses, each with its domain."""
    if "@" not in text:
        return
    for word in _MAIL.findall(text[:_LONGEST]):
        yield from _one("mail", word)
        yield from _one("domain", word.rpartition("@")[2])


def _accounts(text: str) -> Iterator[Observable]:
    """Read mail addresses by which people sign in; their domain is the house's own more often than not."""
    if "@" in text:
        yield from _one("mail", text)


def _file(text: str) -> Iterator[Observable]:
    """Read a path, and the file name at its end."""
    path = text.lower().replace("\\", "/")
    if path:
        yield Observable("file", path)
        name = path.rpartition("/")[2]
        if name and name != path:
            yield Observable("file", name)


def _files(text: str) -> Iterator[Observable]:
    for line in text[:_LONGEST].splitlines():
        yield from _file(line)


def _names(text: str) -> Iterator[Observable]:
    """Read answers of name servers: addresses and names in any mixture."""
    for word in re.split(r"[\s;,]+", text[:_LONGEST]):
        if (word and "." in word) or ":" in word:
            yield from (_one("address", word) if canonical("address", word) else _one("domain", word))


def _text(text: str) -> Iterator[Observable]:
    """Read URLs, names, addresses and hashes that a command line or a script mentions."""
    head = text[:_LONGEST]
    if "." not in head and ":" not in head:
        return
    if "://" in head:
        for url in _URL.findall(head):
            yield from _url(url.rstrip(").,;]}"))
    for name in _NAME.findall(head):
        if name.rpartition(".")[2].lower() not in _NO_DOMAINS:
            yield from _one("domain", name)
    if head.count(":") > 2:
        for address in _ADDRESS_6.findall(head):
            yield from _one("address", address)


_address: Reader = partial(_one, "address")

NATIVE: Mapping[str, tuple[frozenset[str], Reader]] = {
    "Hash": (frozenset({"hash"}), _hashes),
    "Hashes": (frozenset({"hash"}), _hashes),
    "ImageLoaded": (frozenset({"file"}), _file),
    "OriginalFileName": (frozenset({"file"}), _file),
    "QueryResults": (frozenset({"address", "domain", "network"}), _names),
    "ScriptBlockText": (frozenset({"address", "domain", "network", "url"}), _text),
    "answer": (frozenset({"address", "domain", "network"}), _names),
    "answers": (frozenset({"address", "domain", "network"}), _names),
    "c-uri": (frozenset({"domain", "url"}), _url),
    "cs-uri": (frozenset({"domain", "url"}), _url),
    "email.attachments.file.hash.sha256": (frozenset({"hash"}), _hashes),
    "email.attachments.file.name": (frozenset({"file"}), _files),
    "email.from": (frozenset({"domain", "mail"}), _mails),
    "email.links.host": (frozenset({"domain", "address", "network"}), _names),
    "email.links.url": (frozenset({"domain", "url"}), _url),
    "email.reply_to": (frozenset({"domain", "mail"}), _mails),
    "fileinfo.md5": (frozenset({"hash"}), _hashes),
    "fileinfo.sha1": (frozenset({"hash"}), _hashes),
    "http.url": (frozenset({"domain", "url"}), _url),
    "md5": (frozenset({"hash"}), _hashes),
    "sha1": (frozenset({"hash"}), _hashes),
}
"""Native columns: name to the kinds that it may hold, and how they are read."""

COLUMNS: Mapping[str, tuple[frozenset[str], Reader]] = {
    "destination.domain": (frozenset({"address", "domain", "network", "url"}), _host),
    "destination.ip": (frozenset({"address", "network"}), _address),
    "email.mailbox": (frozenset({"mail"}), _accounts),
    "email.sender.address": (frozenset({"domain", "mail"}), _mails),
    "file.hash.sha256": (frozenset({"hash"}), _hashes),
    "file.path": (frozenset({"file"}), _file),
    "process.command_line": (frozenset({"address", "domain", "network", "url"}), _text),
    "process.executable": (frozenset({"file"}), _file),
    "process.parent.executable": (frozenset({"file"}), _file),
    "source.ip": (frozenset({"address", "network"}), _address),
    "user.name": (frozenset({"mail"}), _accounts),
    "user.target.name": (frozenset({"mail"}), _accounts),
    **NATIVE,
}
"""Columns by name, the common ones first."""

_PATHS = frozenset({"c-uri", "cs-uri", "http.url"})
"""Columns that hold paths as often as whole URLs."""


def shown_by(name: str, text: str) -> frozenset[str]:
    """Return the kinds of observables that a text could have named, whatever it does name.

    >>> sorted(shown_by("cs-uri", "/owa/")), sorted(shown_by("cs-uri", "http://evil.example/"))
    ([], ['domain', 'url'])
    """
    kinds, _ = COLUMNS[name]
    if "://" in text:
        return kinds
    return frozenset() if name in _PATHS else kinds - {"url"}
