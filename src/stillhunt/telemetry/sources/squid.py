"""Squid's access log, in its native form: what machines of a house asked a proxy for.

One line per request: ``time elapsed client action/status bytes method URL user hierarchy/peer type``; the time is
seconds since 1970. Lies in ``/var/log/squid/access.log``; also pfSense and other gateways write it.
What it cannot show: paths inside encrypted connections (only ``CONNECT host:port`` is seen, unless the proxy breaks
them open), how much was sent, and whatever went round the proxy. Squid can write the format of web servers instead;
such a log is read as one.

Fields get the names that Sigma's rules for proxies use; ``elapsed`` is in milliseconds. Reference: Squid wiki,
"Squid Log Files"; Sigma specification, appendix "Taxonomy".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.address import ip_of
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.lines import cut, excerpt, head_lines, lines
from stillhunt.telemetry.source import LogFile, Source
from stillhunt.telemetry.table import Row
from stillhunt.terms.moment import EPOCH

__all__ = ["SOURCE"]

_LINE = re.compile(
    r"(?P<at>\d{9,10}\.\d{1,6}) +(?P<elapsed>-?\d+) (?P<client>\S+) (?P<action>[A-Z_]+)/(?P<status>\d{3}|-) "
    r"(?P<size>-?\d+) (?P<method>[A-Z][A-Z_-]*|NONE|-) (?P<url>.*?) (?P<user>\S+) (?P<hierarchy>[A-Z_]+)/(?P<peer>\S+) "
    r"(?P<type>\S+)(?P<rest>.*)"
)
_URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]{0,15}://)?(?:[^/?#@]*@)?(\[[0-9A-Fa-f:.]+\]|[^/?#:]+)(?::(\d{1,5}))?")
_SCHEME_PORTS = {"http": "80", "https": "443", "ftp": "21"}
_CLASS = EventClass(product="squid", categories=frozenset({"proxy"}), services=frozenset({"access"}))


def sniff(head: bytes) -> bool:
    """Tell by the first lines: one of them is a request as Squid writes it."""
    return b"/" in head and any(_LINE.fullmatch(line) for line in head_lines(head))


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every request; lines that are none are counted."""
    for number, line in lines(log):
        if not log.wants(number):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            log.unread(str(number), "is no request as Squid writes it", hint="the line is cut off or damaged")
            continue
        native = _native(found)
        row = Row(
            at=EPOCH + timedelta(seconds=float(found["at"])),
            clock="time",
            file=log.name,
            record=number,
            original=line,
            common=log.on_machine(_common(found, native)),
            native=native,
        )
        yield _CLASS, row


def _native(found: re.Match[str]) -> dict[str, str]:
    url = found["url"]
    native = {
        "c-ip": found["client"],
        "cs-method": found["method"],
        "c-uri": url,
        "cs-uri": url,
        "sc-status": found["status"],
        "sc-bytes": found["size"],
        "elapsed": found["elapsed"],
        "action": found["action"],
        "hierarchy": found["hierarchy"],
        "content-type": found["type"],
        "cs-username": found["user"],
        "r-ip": found["peer"],
    }
    name, port = _target(found["method"], url)
    if name:
        native |= {"cs-host": name, "r-dns": name}
    if port:
        native["r-port"] = port
    end = url.partition("?")[0].rpartition("/")[2].rpartition(".")[2]
    if "://" in url and "/" in url.partition("://")[2] and 0 < len(end) <= 8 and end.isalnum() and "." in url:
        native["c-uri-extension"] = end.lower()
    return {key: value for key, value in native.items() if value not in {"", "-"}}


def _target(method: str, url: str) -> tuple[str, str]:
    """Return name or address, and port, of what was asked for."""
    found = _URL.match(url)
    if found is None or (method != "CONNECT" and "://" not in url):
        return "", ""
    scheme = url.partition("://")[0].lower() if "://" in url else "https"
    return found[1].strip("[]").lower().rstrip("."), found[2] or _SCHEME_PORTS.get(scheme, "")


def _common(found: re.Match[str], native: dict[str, str]) -> dict[str, str]:
    common = {"event.action": native.get("cs-method", ""), "http.request.method": native.get("cs-method", "")}
    common["http.response.status_code"] = native.get("sc-status", "")
    common["source.ip"] = ip_of(found["client"])
    common["user.name"] = account_name(native.get("cs-username", ""))
    name = native.get("cs-host", "")
    # Behind a parent proxy the peer is that proxy, and who was reached is not known.
    common["destination.ip"] = ip_of(name) or (ip_of(found["peer"]) if _is_direct(found) else "")
    common["destination.domain"] = "" if ip_of(name) else name
    common["destination.port"] = native.get("r-port", "")
    common["event.outcome"] = "failure" if "DENIED" in found["action"] else ""
    return {key: value for key, value in common.items() if value}


def _is_direct(found: re.Match[str]) -> bool:
    return found["hierarchy"].endswith("DIRECT")


SOURCE = Source(title="Proxy access log (Squid)", sniff=sniff, read=read, cut=cut, excerpt=excerpt)
