"""Texts of mail: headers and bodies in whatever encoding they claim, dates, addresses, and links.

Whoever wrote a mail chose all of it, so nothing here trusts a claim: an unknown or wrong encoding gives a readable
text and a word about it, never an error.

References: RFC 2047 (encoded words), RFC 5322 (dates, addresses), RFC 3986 (links) as browsers read them.
"""

from __future__ import annotations

import binascii
import codecs
import quopri
import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import getaddresses, parsedate_tz
from functools import lru_cache
from typing import NamedTuple

__all__ = [
    "Address",
    "Url",
    "addresses",
    "body_text",
    "header_text",
    "hidden_characters",
    "mail_date",
    "plain_urls",
    "split_url",
]

_NO_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7", "mbcs"})
"""Codecs of Python that no mail is written in; a sender would only name them to make a reader slow or blind."""

_LONGEST_ADDRESSES = 1 << 16
_LONGEST_URL = 4096


@lru_cache(maxsize=1024)
def _codec(charset: str) -> str | None:
    try:
        name = codecs.lookup(charset.strip().strip("\"'")).name
    except (LookupError, ValueError):
        return None
    return None if name.replace("_", "-") in _NO_CHARSETS else name


def body_text(content: bytes, charset: str) -> tuple[str, str]:
    r"""Decode a text, and say what is odd about its encoding; an empty word if nothing is.

    >>> body_text(b"caf\xe9", "iso-8859-1"), body_text(b"caf\xe9", "x-none"), body_text(b"caf\xe9", "utf-8")
    (('café', ''), ('café', 'unknown charset x-none'), ('café', 'bytes that are no utf-8'))
    """
    codec = _codec(charset) if charset else "utf-8"
    if codec is not None:
        try:
            return content.decode(codec), ""
        except (UnicodeError, LookupError, ValueError):
            odd = f"bytes that are no {codec}" if charset else "bytes without a charset"
    else:
        odd = f"unknown charset {charset[:40]}"
    try:
        return content.decode("utf-8"), odd
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace"), odd


_WORD = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]+(?==\?[^?\s]{1,80}\?[bBqQ]\?)")
_FOLDS = re.compile(r"[ \t]*[\r\n]+[ \t]*")


def header_text(value: str) -> str:
    """Decode a header as the parser gives it: on one line, encoded words decoded, stray bytes read as UTF-8 or Latin.

    >>> header_text("=?utf-8?B?w6k=?= =?utf-8?Q?t=C3=A9?= 1")
    'été 1'
    """
    value = _FOLDS.sub(" ", value).strip()
    if not value.isascii():
        value = body_text(value.encode("utf-8", "surrogateescape"), "")[0]
    if "=?" not in value:
        return value
    return _decoded_words(_BETWEEN_WORDS.sub(r"\1", value))


def _decoded_words(value: str) -> str:
    parts: list[str] = []
    at, charset, held = 0, "", b""
    for word in _WORD.finditer(value):
        # Bytes of one character may be spread over two words.
        if held and (word.start() != at or word[1].lower() != charset):
            parts.append(body_text(held, charset)[0])
            held = b""
        parts.append(value[at : word.start()])
        at, charset = word.end(), word[1].lower().partition("*")[0]
        held += _word_bytes(word[2], word[3])
    if held:
        parts.append(body_text(held, charset)[0])
    return _FOLDS.sub(" ", "".join(parts) + value[at:])


def _word_bytes(encoding: str, text: str) -> bytes:
    content = text.encode("ascii", "replace")
    if encoding in "qQ":
        return quopri.decodestring(content, header=True)
    try:
        return binascii.a2b_base64(content + b"==")
    except binascii.Error:
        return content


class Address(NamedTuple):
    """One address of a header, with the name shown beside it."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """What stands behind the last ``@``."""
        return self.address.rpartition("@")[2]


def addresses(value: str) -> list[Address]:
    """Return the addresses of a header as the parser gives it, lower case, with decoded names.

    >>> addresses("=?utf-8?Q?Zo=C3=AB?= <ZOE@Example.org>, b@x.example")
    [Address(name='Zoë', address='zoe@example.org'), Address(name='', address='b@x.example')]
    """
    if not value.isascii():
        value = body_text(value.encode("utf-8", "surrogateescape"), "")[0]
    value = _FOLDS.sub(" ", value[:_LONGEST_ADDRESSES])
    try:
        pairs = getaddresses([value])
    except (ValueError, IndexError, TypeError, RecursionError):
        return []
    return [Address(header_text(name), address.strip().lower()) for name, address in pairs if name or address]


_MINUS_ZERO = re.compile(r"-0000\b")


def mail_date(value: str) -> datetime | None:
    """Return the time of a header, without a zone if it has none; None if it is none.

    >>> mail_date("Mon, 2 Oct 2023 13:05:15 +0200 (CEST)").isoformat()
    '2023-10-02T13:05:15+02:00'
    """
    try:
        parsed = parsedate_tz(value[:200])
        if parsed is None:
            return None
        offset = parsed[9]
        at = datetime(*parsed[:6])  # noqa: DTZ001 - the zone follows
        if offset is None:
            return at.replace(tzinfo=UTC) if _MINUS_ZERO.search(value) else at
        zoned = at.replace(tzinfo=timezone(timedelta(seconds=offset)))
        zoned.astimezone(UTC)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    return zoned


class Url(NamedTuple):
    """A link taken apart; the host is lower case, without user and port."""

    scheme: str
    host: str
    path: str
    query: str


_URL = re.compile(r"(?:([a-zA-Z][a-zA-Z0-9+.-]{0,40}):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?", re.DOTALL)
_IGNORED_IN_URLS = re.compile(r"[\t\r\n\x00]+")


def split_url(url: str) -> Url:
    """Take a link apart as a browser would, whatever is wrong with it.

    >>> split_url("HTTPS://user@Evil.example:8443/a?b=1#c")
    Url(scheme='https', host='evil.example', path='/a', query='b=1')
    """
    url = _IGNORED_IN_URLS.sub("", url.strip()[:_LONGEST_URL])
    if not url.lower().startswith(("data:", "javascript:", "mailto:")):
        url = url.replace("\\", "/")
    found = _URL.match(url)
    if found is None:
        return Url("", "", url, "")
    scheme, authority, path, query = (part or "" for part in found.groups())
    host = authority.rpartition("@")[2].strip().lower()
    host = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return Url(scheme.lower(), host.rstrip("."), path, query)


_PLAIN = re.compile(
    r"(?:\b(?:https?|ftp|file)://|\bwww\.(?=[\w-]+\.))[^\s<>\"'|\\^`{}\x00-\x1f]{1,4000}", re.IGNORECASE
)
_BEHIND = ".,;:!?)]*_"


def plain_urls(text: str) -> list[str]:
    """Return the links that mail programs find in a text without marks.

    >>> plain_urls("see http://x.example/a, or (www.y.example).")
    ['http://x.example/a', 'www.y.example']
    """
    if "://" not in text and "www." not in text.lower():
        return []
    return [found.rstrip(_BEHIND) for found in _PLAIN.findall(text)]


_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_ZERO_WIDTH = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")


def hidden_characters(text: str) -> list[str]:
    """Say which characters that nobody sees a short text has: those that turn its direction, those without width."""
    if text.isascii():
        return []
    found = ["turned direction"] if _BIDI.search(text) else []
    return [*found, "invisible characters"] if _ZERO_WIDTH.search(text) else found
