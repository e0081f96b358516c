"""One line of a web server's error log: what nginx and Apache complain about, and whom they blame.

nginx writes ``2021/12/01 13:53:33 [error] 31#31: *46 message, client: ..., request: "..."``, Apache
``[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 1:tid 2] [client 192.0.2.1:1234] message``, before 2.4 without
module, process and port. Neither names a zone.

Reference: nginx, ngx_log.c; Apache, ErrorLogFormat.
"""

# ruff: noqa: E501 - patterns stand on one line each
from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

from stillhunt.telemetry.access import Request, address_in, unescaped

__all__ = ["read_apache_error", "read_nginx_error", "server_of_error"]

_NGINX = re.compile(r"(\d{4})/(\d\d)/(\d\d) (\d\d:\d\d:\d\d) \[([a-z]+)\] (\d+)#(\d+): (?:\*(\d+) )?(.*)$", re.DOTALL)
_NGINX_FIELD = re.compile(
    r', (client|server|request|upstream|host|referrer|login|proxied|subrequest): ("(?:[^"\\]|\\.)*"|[^,]*)(?=, [a-z]+: |$)'
)
_APACHE = re.compile(
    r"\[(?:[A-Z][a-z]{2} )?([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d(?:\.\d{1,6})?) (\d{4})\] (\[.*)$", re.DOTALL
)
_APACHE_LEVEL = re.compile(r"\[(?:([a-z0-9_]*):)?(emerg|alert|crit|error|warn|notice|info|debug|trace\d)\] ?")
_APACHE_PROCESS = re.compile(r"\[pid (\d+)(?::tid (\d+))?\] ?")
_APACHE_CLIENT = re.compile(r"(.*?)\[(?:client|remote) ([^\]\s]+)\] ?(.*)$", re.DOTALL)
_APACHE_CODE = re.compile(r"(AH\d{5}): ")
_APACHE_REFERER = re.compile(r", referer: (\S+)$")
_REQUEST_LINE = re.compile(r"([A-Za-z_-]{2,32}) ([^ ?]*)(?:\?(\S*))?")
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"


def server_of_error(line: str) -> str:
    """Return which server wrote a line of an error log, ``apache`` or ``nginx``; empty if it is none."""
    if line[:1] == "[":
        found = _APACHE.match(line)
        return "apache" if found and _APACHE_LEVEL.match(found[5]) else ""
    return "nginx" if _NGINX.match(line) else ""


def read_nginx_error(line: str) -> Request | None:
    """Read a line of nginx's error log; None if it is none. Its time has no zone."""
    found = _NGINX.match(line)
    if found is None:
        return None
    year, month, day, clock, level, pid, thread, connection, message = found.groups()
    native = {"level": level, "pid": pid, "tid": thread, "message": message}
    if connection:
        native["connection"] = connection
    common: dict[str, str] = {}
    if ", client: " in message:
        for name, value in _NGINX_FIELD.findall(message[message.index(", client: ") :]):
            native[name] = unescaped(value.strip('"'))
    if client := address_in(native.get("client", "")):
        common["source.ip"] = client
    _add_asked(common, native.get("request", ""))
    if host := native.get("host", ""):
        common["destination.domain"] = host.lower().partition(":")[0]
    return Request(at=_local(f"{year}-{month}-{day}T{clock}"), native=native, common=common)


def read_apache_error(line: str) -> Request | None:
    """Read a line of Apache's error log; None if it is none. Its time has no zone."""
    found = _APACHE.match(line)
    if found is None:
        return None
    month, day, clock, year, rest = found.groups()
    level = _APACHE_LEVEL.match(rest)
    if level is None:
        return None
    native = {"level": level[2]}
    if level[1]:
        native["module"] = level[1]
    rest = rest[level.end() :]
    if process := _APACHE_PROCESS.match(rest):
        native["pid"] = process[1]
        if process[2]:
            native["tid"] = process[2]
        rest = rest[process.end() :]
    common: dict[str, str] = {}
    # The client stands first, or behind what the operating system said.
    if client := _APACHE_CLIENT.match(rest[:500]):
        native["client"] = client[2]
        rest = client[1] + client[3] + rest[500:]
        if address := address_in(client[2]):
            common["source.ip"] = address
    if code := _APACHE_CODE.match(rest):
        native["code"] = code[1]
    if referer := _APACHE_REFERER.search(rest[-2000:]):
        native["referer"] = unescaped(referer[1])
    native["message"] = unescaped(rest)
    digits = _MONTHS.find(month)
    at = _local(f"{year}-{digits // 3 + 1:02d}-{int(day):02d}T{_six_digits(clock)}") if digits % 3 == 0 else None
    return Request(at=at, native=native, common=common)


def _six_digits(clock: str) -> str:
    whole, point, fraction = clock.partition(".")
    return f"{whole}.{fraction:0<6}" if point else whole


def _add_asked(common: dict[str, str], request: str) -> None:
    asked = _REQUEST_LINE.match(request)
    if asked:
        common["http.request.method"] = asked[1]
        if asked[2]:
            common["url.path"] = asked[2]


@lru_cache(maxsize=4096)
def _local(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
