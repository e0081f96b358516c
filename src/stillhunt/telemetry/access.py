r"""One line of a web server's access log: the common log format and what servers make of it.

Apache, nginx, Tomcat, lighttpd, Traefik and many others write ``client ident user [time] "request" status bytes`` and,
combined, ``"referer" "user agent"``; before it may stand a virtual host, behind it anything. Fields get W3C's names,
which Sigma's web rules use. A quote in what the client sent is written ``\"`` or ``\x22``, other bytes ``\xHH``: these
are the log's own spelling and are undone where the result is text that can be printed.

Reference: Apache, mod_log_config; nginx, ngx_http_log_module; Tomcat, Access Log Valve.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from stillhunt.kernel.network import address_of
from stillhunt.telemetry.account import account_name

__all__ = ["Request", "address_in", "first_address", "flavour", "is_access_line", "read_access_line", "unescaped"]

_TIME = r"\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?[+-]\d{4})?)\]"
_STATUS = r'" (\d{3}|-) (\S+)(.*)$'
_REQUEST = r'([^"\\]*(?:\\.[^"\\]*)*)'

_PLAIN = re.compile(rf'"?(\S+) (\S+) (\S+) {_TIME} "{_REQUEST}{_STATUS}', re.DOTALL)
_PREFIXED = re.compile(rf'"?(.{{0,2000}}?) {_TIME} "{_REQUEST}{_STATUS}', re.DOTALL)
_CARELESS = re.compile(rf'"?(.{{0,2000}}?) {_TIME} "(.*?){_STATUS}', re.DOTALL)
"""Some servers write quotes in a request as they are."""
_COMBINED = re.compile(rf' "{_REQUEST}" "{_REQUEST}"$', re.DOTALL)
_TOKEN = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"|(\S+)', re.DOTALL)
_ESCAPE = re.compile(r"(?:\\x[0-9A-Fa-f]{2})+|\\[\"\\tnrbv]")
_METHOD = re.compile(r"[A-Za-z][A-Za-z_-]{1,31}$")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,15}://([^/?#]*)(.*)", re.DOTALL)
_MONTHS = {
    name: number
    for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)  # noqa: SIM905  # reads better
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        at: Its time, with a zone if the log has one; None if it is no time.
        native: Fields under W3C's names.
        common: Fields under ECS names.
    """

    at: datetime | None
    native: dict[str, str]
    common: dict[str, str]


def is_access_line(line: str) -> bool:
    """Tell whether a line is one of an access log."""
    return _PREFIXED.match(line) is not None


def read_access_line(line: str) -> Request | None:
    """Read a line of an access log; None if it is none."""
    if line.startswith('"') and line.endswith('""'):
        # A line that an export has put into quotes as it was.
        line = line[1:-1]
    found = _PLAIN.match(line)
    if found is not None:
        client, ident, user, time, request, status, size, rest = found.groups()
        native = _plain_prefix(client, ident, user) or _prefix(f"{client} {ident} {user}")
    else:
        found = _PREFIXED.match(line) or _CARELESS.match(line)
        if found is None:
            return None
        prefix, time, request, status, size, rest = found.groups()
        native = _prefix(prefix)
    if status != "-":
        native["sc-status"] = status
    if size != "-":
        native["sc-bytes"] = size
    _add_request(native, request)
    if rest:
        _add_rest(native, rest)
    return Request(at=_time(time), native=native, common=_common(native))


def _plain_prefix(client: str, ident: str, user: str) -> dict[str, str] | None:
    """Return the fields of ``client - user``; None if the first may be a list or a virtual host."""
    if ident != "-" or client.endswith(","):
        return None
    native = {} if client == "-" else {"c-ip": client}
    if user not in {"-", '""'}:
        native["cs-username"] = user
    return native


def _prefix(prefix: str) -> dict[str, str]:
    """Return the fields of what stands before the time: virtual host, client, ident, user, in many shapes."""
    tokens = prefix.split()
    native: dict[str, str] = {}
    is_address = [address_in(token) != "" for token in tokens]
    first = is_address.index(True) if True in is_address else min(1, max(0, len(tokens) - 3))
    if first == 0 and len(tokens) > 3 and is_address[1] and not tokens[0].endswith(","):
        first = 1  # the server's own address as a virtual host
    if first:
        native["cs-host"] = tokens[first - 1]
    last = first
    while last < len(tokens) - 1 and tokens[last].endswith(","):
        last += 1
    client = " ".join(tokens[first : last + 1])
    rest = tokens[last + 1 :]
    if client and client != "-":
        native["c-ip"] = client
    if len(rest) > 1:
        if rest[0] != "-":
            native["cs-ident"] = rest[0]
        rest = rest[1:]
    if rest and rest[-1] not in {"-", '""'}:
        native["cs-username"] = " ".join(rest)
    elif len(rest) > 1:
        native["extra"] = " ".join(rest[:-1])
    return native


def _add_request(native: dict[str, str], request: str) -> None:
    """Add the fields of a request line; of one that is none, its whole text as the address asked for."""
    request = unescaped(request)
    method, space, target = request.partition(" ")
    if not space or not _METHOD.match(method):
        if request and request != "-":
            native["cs-uri"] = request
        return
    native["cs-method"] = method
    before, _, version = target.rpartition(" ")
    if version.startswith("HTTP/"):
        native["cs-version"], target = version, before
    if not target:
        return
    native["cs-uri"] = target
    absolute = _ABSOLUTE.match(target) if target[0] not in "/*" else None
    if absolute:
        native["cs-host"] = absolute[1]
        target = absolute[2] or "/"
    stem, mark, query = target.partition("?")
    native["cs-uri-stem"] = stem
    if mark:
        native["cs-uri-query"] = query


def _add_rest(native: dict[str, str], rest: str) -> None:
    """Add what stands behind the size: referer and user agent are the first two in quotes."""
    found = _COMBINED.match(rest)
    quoted, bare = ([found[1], found[2]] if found else []), list[str]()
    if found is None:
        for in_quotes, without in _TOKEN.findall(rest):
            if without:
                bare.append(without)
            else:
                quoted.append(in_quotes)
    if len(quoted) == 1 and address_in(quoted[0].rpartition(",")[2]):
        # Common format with a forwarding proxy's word alone.
        quoted = ["-", "-", *quoted]
    for name, value in zip(("cs-referer", "cs-user-agent"), quoted, strict=False):
        if value not in {"-", ""}:
            native[name] = unescaped(value)
    if "cs-user-agent" in native:
        native["c-useragent"] = native["cs-user-agent"]
    for value in quoted[2:]:
        if "x-forwarded-for" not in native and address_in(value.rpartition(",")[2]):
            native["x-forwarded-for"] = value
        elif value not in {"-", ""}:
            bare.append(unescaped(value))
    if bare:
        native["extra"] = " ".join([native["extra"], *bare] if "extra" in native else bare)


_ECS = {
    "cs-uri-stem": "url.path",
    "cs-method": "http.request.method",
    "sc-status": "http.response.status_code",
    "cs-user-agent": "user_agent.original",
}


def _common(native: dict[str, str]) -> dict[str, str]:
    common = {ecs: native[name] for name, ecs in _ECS.items() if name in native}
    source = _client(native.get("c-ip", ""), native.get("x-forwarded-for", ""))
    if source:
        common["source.ip"] = source
    if "cs-username" in native:
        common["user.name"] = account_name(native["cs-username"])
    if "cs-host" in native:
        host, port = _host_and_port(native["cs-host"])
        common["destination.domain"] = host
        if port:
            common["destination.port"] = port
    return common


@lru_cache(maxsize=65_536)
def _client(client: str, forwarded: str) -> str:
    """Return the client's address; behind a proxy of the house, what that proxy itself says about its client.

    Only the last address of a list is the proxy's own; those before it are the client's word.
    """
    address = address_in(client.rpartition(",")[2])
    if not forwarded:
        return address
    own = address_of(address) if address else None
    said = address_in(forwarded.rpartition(",")[2])
    return said if said and (own is None or own.is_private) else address


@lru_cache(maxsize=65_536)
def address_in(text: str) -> str:
    """Return an address in its usual form, without port, brackets or zone; empty for what is none.

    >>> address_in("203.0.113.9:4711"), address_in("[2001:DB8::1]:443"), address_in("::ffff:10.0.0.1")
    ('203.0.113.9', '2001:db8::1', '10.0.0.1')
    >>> address_in("mail.example"), address_in("1:2")
    ('', '')
    """
    text = text.strip()
    if not text or (text[-1] not in "0123456789abcdefABCDEF:.])" and "%" not in text):
        return ""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    found = address_of(text)
    return "" if found is None else str(found)


def _host_and_port(text: str) -> tuple[str, str]:
    host, colon, port = text.rpartition(":")
    is_with_port = colon and port.isdecimal() and (":" not in host or host.endswith("]"))
    return (host.lower(), port) if is_with_port else (text.lower(), "")


@lru_cache(maxsize=4096)
def _time(text: str) -> datetime | None:
    """Read ``10/Oct/2000:13:55:36 -0700``."""
    month = _MONTHS.get(text[3:6])
    if month is None:
        return None
    zone = text[20:].lstrip(" ")
    second, _, zone_behind = text[18:].partition(" ")
    zone = zone_behind or (zone if zone[:1] in {"+", "-"} else "")
    try:
        stamp = f"{text[7:11]}-{month:02d}-{text[0:2]}T{text[12:17]}:{second[:2]}{_fraction(second)}{zone}"
        return datetime.fromisoformat(stamp)
    except ValueError:
        return None


def _fraction(second: str) -> str:
    digits = re.match(r"\d\d[.,](\d+)", second)
    return f".{digits[1][:6]:0<6}" if digits else ""


def unescaped(text: str) -> str:
    r"""Undo how servers write quotes and bytes; bytes that are no printable text stay as logged.

    >>> unescaped(r"a\"b\x22c\xc3\xa9"), unescaped(r"\x16\x03")
    ('a"b"cé', '\\x16\\x03')
    """
    return _ESCAPE.sub(_unescape, text) if "\\" in text else text


def _unescape(found: re.Match[str]) -> str:
    text = found[0]
    if text[1] != "x":
        return text[1] if text[1] in {'"', "\\"} else text
    try:
        decoded = bytes.fromhex(text.replace("\\x", "")).decode()
    except UnicodeDecodeError:
        return text
    return decoded if decoded.isprintable() else text


_OF_NGINX = re.compile(r'\\x(?:[0-9A-F]?[A-F][0-9A-F]?)(?![a-f])|\\x22|"" 400 |" (?:499|444) \d')
_OF_APACHE = re.compile(r'\\"|\\x[0-9a-f]?[a-f][0-9a-f]?(?![A-F])|"-" 408 ')
_HOST_WITH_PORT = re.compile(r'[^\s":]+:\d{2,5} \S+ \S+ \S+ \[')


def flavour(line: str) -> str:
    r"""Return which server wrote a line of an access log, ``apache`` or ``nginx``; empty where nothing in it tells.

    Apache escapes a quote as ``\"`` and bytes in small letters, nginx as ``\x22`` and in capitals; nginx alone has the
    status 499, and an empty request where Apache writes ``-``. Debian's Apache puts virtual host and port in front.
    """
    if "\\" not in line and '" 4' not in line:
        return "apache" if _HOST_WITH_PORT.match(line) else ""
    is_nginx = _OF_NGINX.search(line) is not None
    is_apache = _OF_APACHE.search(line) is not None or _HOST_WITH_PORT.match(line) is not None
    if is_nginx == is_apache:
        return ""
    return "nginx" if is_nginx else "apache"


_ADDRESS = re.compile(
    r"(?<![0-9A-Fa-f:.])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{2,39})(?![0-9A-Za-z])"
)


def first_address(text: str) -> str:
    """Return the first address that a text names; empty for none."""
    for found in _ADDRESS.finditer(text):
        if address := address_in(found[0]):
            return address
    return ""
