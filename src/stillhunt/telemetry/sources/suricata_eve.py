"""Suricata's EVE log: alerts and what was seen of DNS, web, TLS, files and flows, as JSON by lines.

Lies in ``/var/log/suricata/eve.json``. Every record names its kind in ``event_type``. What it cannot show: what did not
pass by the sensor, content (unless payloads are logged), and kinds of records that are not turned on.

Native fields carry Suricata's names, nested ones with dots (``alert.signature``); those of DNS also stand under the
names that Sigma's rules for DNS have. Counters of the sensor itself (``stats``) are no events and left out.

Reference: Suricata user guide, "EVE JSON format".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from email.utils import parseaddr
from functools import lru_cache
from typing import Any

from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.address import ip_of
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.instant import has_zone, read_instant
from stillhunt.telemetry.json_records import (
    JsonRecord,
    cut_json_lines,
    excerpt_json_line,
    flatten,
    json_records,
    sample_records,
    says,
    text_at,
)
from stillhunt.telemetry.source import LogFile, Source
from stillhunt.telemetry.table import Row, Value

__all__ = ["SOURCE"]

_CATEGORIES = {"dns": frozenset({"dns"})}

_ACTIONS: Mapping[str, tuple[str, ...]] = {
    "alert": ("alert", "signature"),
    "anomaly": ("anomaly", "event"),
    "http": ("http", "http_method"),
    "dns": ("dns", "type"),
    "smb": ("smb", "command"),
    "ftp": ("ftp", "command"),
    "dcerpc": ("dcerpc", "request"),
    "krb5": ("krb5", "msg_type"),
    "rdp": ("rdp", "event_type"),
    "nfs": ("nfs", "procedure"),
    "sip": ("sip", "method"),
    "dhcp": ("dhcp", "dhcp_type"),
}
"""Kind of record to the path of what was done."""

Record = Mapping[str, Any]


def sniff(head: bytes) -> bool:
    """Tell by records that name their kind and are dated as Suricata does."""
    if not says(head, b'"event_type"', b'"timestamp"'):
        return False
    return any(_is_record(sample) for sample in sample_records(head))


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every record; objects that are none are counted."""
    for record in json_records(log):
        if not _is_record(record.value):
            log.unread(str(record.number), "is JSON but no record of Suricata", hint="it names no `event_type`")
        elif record.value["event_type"] != "stats":
            yield _event_class(record.value["event_type"]), _row(log, record)


def _is_record(record: Record) -> bool:
    kind = record.get("event_type")
    if not isinstance(kind, str) or not isinstance(record.get("timestamp"), str):
        return False
    return any(name in record for name in ("flow_id", "src_ip", "in_iface", "pcap_cnt", kind))


@lru_cache(maxsize=1_000)
def _event_class(kind: str) -> EventClass:
    return EventClass(product="suricata", categories=_CATEGORIES.get(kind, frozenset()), services=frozenset({kind}))


def _row(log: LogFile, record: JsonRecord) -> Row:
    event = record.value
    native: dict[str, Value] = dict(flatten(event))
    if event["event_type"] == "dns":
        native |= _dns(native)
    said = event["timestamp"]
    at = read_instant(said)
    if at is not None and not has_zone(said):
        at = log.utc(at.replace(tzinfo=None))
    return Row(
        at=at,
        clock="timestamp",
        file=log.name,
        record=record.number,
        original=record.text,
        common={name: value for name, value in _common(event, native).items() if value},
        native=native,
    )


_DNS_NAMES: Mapping[str, tuple[str, ...]] = {
    "query": ("dns.rrname", "dns.queries.rrname", "dns.query.rrname", "dns.answers.rrname"),
    "record_type": ("dns.rrtype", "dns.queries.rrtype", "dns.query.rrtype", "dns.answers.rrtype"),
    "answer": ("dns.rdata", "dns.answers.rdata"),
}
"""Sigma's name to those that one version of Suricata or another has."""


def _dns(native: Mapping[str, Value]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, candidates in _DNS_NAMES.items():
        held = next((native[candidate] for candidate in candidates if candidate in native), None)
        if held is not None:
            found[name] = held[0] if isinstance(held, list) and name != "answer" else held
    return found


def _common(event: Record, native: Mapping[str, Value]) -> dict[str, str]:
    kind: str = event["event_type"]
    asked = native.get("query")
    found = {
        "source.ip": ip_of(text_at(event, "src_ip")),
        "destination.ip": ip_of(text_at(event, "dest_ip")),
        "destination.port": text_at(event, "dest_port"),
        "destination.domain": _domain(asked) if isinstance(asked, str) else "",
        "event.action": text_at(event, *_ACTIONS[kind]) if kind in _ACTIONS else "",
    }
    for name, fill in _PARTS.items():
        if isinstance(part := event.get(name), dict):
            found |= {column: text for column, text in fill(part).items() if text}
    return found


def _tls(part: Record) -> dict[str, str]:
    return {"destination.domain": _domain(text_at(part, "sni"))}


def _web(part: Record) -> dict[str, str]:
    return {
        "destination.domain": _domain(text_at(part, "hostname")),
        "url.path": text_at(part, "url").partition("?")[0],
        "http.request.method": text_at(part, "http_method"),
        "http.response.status_code": text_at(part, "status"),
        "user_agent.original": text_at(part, "http_user_agent"),
    }


def _file(part: Record) -> dict[str, str]:
    return {"file.path": text_at(part, "filename"), "file.hash.sha256": text_at(part, "sha256").lower()}


def _share(part: Record) -> dict[str, str]:
    domain, name = text_at(part, "ntlmssp", "domain"), text_at(part, "ntlmssp", "user")
    user = account_name(f"{domain}\\{name}" if domain and name else name)
    return {"file.path": text_at(part, "filename"), "user.name": user}


def _kerberos(part: Record) -> dict[str, str]:
    client, realm = text_at(part, "cname"), text_at(part, "realm")
    return {"user.name": account_name(f"{client}@{realm}" if client and realm and client != "<empty>" else "")}


def _envelope(part: Record) -> dict[str, str]:
    return {"email.sender.address": text_at(part, "mail_from").strip("<> ").lower()}


def _mail(part: Record) -> dict[str, str]:
    return {
        "email.sender.address": parseaddr(text_at(part, "from"))[1].lower(),
        "email.subject": text_at(part, "subject"),
        "email.message_id": text_at(part, "message_id").strip("<> "),
    }


_PARTS: Mapping[str, Callable[[Record], dict[str, str]]] = {
    "tls": _tls,
    "quic": _tls,
    "http": _web,
    "fileinfo": _file,
    "smb": _share,
    "krb5": _kerberos,
    "smtp": _envelope,
    "email": _mail,
}
"""Part of a record to what it fills; an alert carries those of the connection that it is about."""


def _domain(text: str) -> str:
    return text.lower().rstrip(".")


SOURCE = Source(title="Suricata EVE log", sniff=sniff, read=read, cut=cut_json_lines, excerpt=excerpt_json_line)
