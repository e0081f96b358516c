"""With what program an action was done, put so that one person's habit is one value.

Versions change every month; what stays is the program and the system it runs on.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Client", "client_of", "client_read", "client_text"]


class Client(NamedTuple):
    """A program that speaks to a service.

    Attributes:
        program: Its name, lower case; empty if it said nothing.
        major: First number of its version; 0 if none is said.
        system: What it runs on; empty if none is said.
    """

    program: str
    major: int
    system: str

    @property
    def shown(self) -> str:
        """How people are told of it."""
        version = f" {self.major}" if self.major else ""
        return f"{self.program or 'an unnamed program'}{version}{f' on {self.system}' if self.system else ''}"


_BROWSERS = (
    ("edge", re.compile(r"edg(?:e|a|ios)?/(\d+)")),
    ("opera", re.compile(r"opr/(\d+)")),
    ("firefox", re.compile(r"(?:firefox|fxios)/(\d+)")),
    ("chrome", re.compile(r"(?:chrome|crios|chromium)/(\d+)")),
    ("safari", re.compile(r"version/(\d+)\S* (?:mobile/\S+ )?safari")),
    ("internet explorer", re.compile(r"(?:msie |trident/.*rv:)(\d+)")),
)
"""In the order to be asked: every browser says it is also those behind it."""

_SYSTEMS = (
    ("android", "android"),
    ("iphone", "ios"),
    ("ipad", "ios"),
    ("ios/", "ios"),
    ("windows", "windows"),
    ("darwin", "macos"),
    ("macintosh", "macos"),
    ("mac os", "macos"),
    ("cros", "chromeos"),
    ("linux", "linux"),
)
_PRODUCT = re.compile(r"([a-z][\w .+-]{0,60}?)(?:[/ ]v?(\d+)[\w.+-]*)?(?:[ ;,(]|$)")
_PROTOCOL = re.compile(r"client=([^;]*);?", re.IGNORECASE)


@lru_cache(maxsize=65_536)
def client_of(text: str) -> Client:
    """Read what a client says of itself: a ``User-Agent``, or Exchange's ``Client=...;...``.

    >>> client_of("Client=OWA;Mozilla/5.0 (Windows NT 10.0; rv:102.0) Gecko/20100101 Firefox/102.0;")
    Client(program='firefox', major=102, system='windows')
    >>> client_of("aws-cli/2.2.23 Python/3.8.8 Linux/4.14"), client_of("Client=MSExchangeRPC")
    (Client(program='aws-cli', major=2, system='linux'), Client(program='msexchangerpc', major=0, system=''))
    """
    said = text.lower().strip().strip("[]")[:2000]
    protocol = _PROTOCOL.match(said)
    rest = said[protocol.end() :].strip("; ") if protocol else said
    system = next((name for sign, name in _SYSTEMS if sign in rest), "")
    for name, pattern in _BROWSERS:
        found = pattern.search(rest)
        if found:
            return Client(name, int(found[1]), system)
    if protocol and (not rest or rest.startswith("client=")):
        return Client(protocol[1].strip(), 0, system)
    product = _PRODUCT.match(rest.removeprefix("useragent="))
    if product is None:
        return Client(rest[:40], 0, system)
    return Client(product[1].strip(), int(product[2] or 0), system)


def client_text(text: str) -> str:
    """Write a client as one word of a key; :func:`str.split` with ``|`` takes it apart.

    >>> client_text("curl/8.4.0")
    'curl|8|'
    """
    client = client_of(text)
    program = client.program.replace("|", "/")
    return f"{program}|{client.major}|{client.system}"


@lru_cache(maxsize=65_536)
def client_read(word: str) -> Client:
    """Return what :func:`client_text` wrote.

    >>> client_read(client_text("curl/8.4.0")).shown
    'curl 8'
    """
    program, _, rest = word.partition("|")
    major, _, system = rest.partition("|")
    return Client(program, int(major or 0), system)
