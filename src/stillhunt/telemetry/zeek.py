"""What the columns of Zeek's logs mean: their common columns, and Sigma's names for them.

A log is known by its path (``conn``, ``dns``, ``http`` ...). Beside Zeek's own names stand those that Sigma's rules
for DNS, proxies and web servers speak, as the same columns. Booleans are ``true`` and ``false`` in every
form of the log, sets and vectors are joined by commas; those that rules compare value by value
(:data:`stillhunt.telemetry.event.LIST_FIELDS`) are lists.

Reference: Zeek manual, "Logs"; Sigma specification, appendix "Taxonomy".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.utils import parseaddr
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.columns import combined, constant, first_filled, mapped
from stillhunt.telemetry.event import COMMON, TEXT, EventClass
from stillhunt.telemetry.instant import instants_of
from stillhunt.telemetry.table import Piece

__all__ = ["LABELS", "path_of", "zeek_pieces"]

Column = Any
"""A column of text, dictionary-encoded."""

LABELS = frozenset({"label", "detailedlabel", "detailed-label", "detailed_label"})
"""Columns that those who share a capture add to say what is malicious: nothing that a sensor knows."""

_CLOCKS = ("ts", "_write_ts")

_CATEGORIES = {"dns": frozenset({"dns"})}

_ENDS: Mapping[str, tuple[str, ...]] = {
    "source.ip": ("id.orig_h", "orig_h", "src", "client_addr"),
    "destination.ip": ("id.resp_h", "resp_h", "dst", "server_addr"),
    "destination.port": ("id.resp_p", "resp_p", "p"),
}
"""The two ends, under the names that one log or another has for them."""

_PLAIN: Mapping[str, Mapping[str, str]] = {
    "dns": {"destination.domain": "query", "event.action": "qtype_name"},
    "http": {
        "event.action": "method",
        "http.request.method": "method",
        "http.response.status_code": "status_code",
        "user_agent.original": "user_agent",
    },
    "ssl": {"destination.domain": "server_name"},
    "quic": {"destination.domain": "server_name"},
    "socks": {"destination.domain": "request.host"},
    "smtp": {"user_agent.original": "user_agent"},
    "sip": {"event.action": "method", "user_agent.original": "user_agent", "url.path": "uri"},
    "kerberos": {"event.action": "request_type"},
    "dce_rpc": {"event.action": "operation"},
    "smb_files": {"event.action": "action"},
    "smb_mapping": {"file.path": "path"},
    "smb_cmd": {"event.action": "command"},
    "ftp": {"event.action": "command"},
    "files": {"file.path": "filename"},
    "notice": {"event.action": "note"},
    "weird": {"event.action": "name"},
    "intel": {"destination.domain": "seen.indicator"},
    "software": {"source.ip": "host"},
    "known_hosts": {"source.ip": "host"},
    "known_services": {"source.ip": "host", "destination.port": "port_num"},
    "mysql": {"event.action": "cmd"},
    "ldap": {"event.action": "opcode"},
    "modbus": {"event.action": "func"},
}
"""Path to common column to the native one that it is."""

_ACCOUNTS = {"http": "username", "ftp": "user", "rdp": "cookie", "socks": "user", "radius": "username", "irc": "user"}
_SUCCESS = {"ssh": "auth_success", "kerberos": "success", "ntlm": "success"}
_NAMES = ("destination.domain",)

_WEB_NAMES: Mapping[str, tuple[str, ...]] = {
    "uri": ("c-uri", "cs-uri"),
    "host": ("cs-host",),
    "method": ("cs-method",),
    "status_code": ("sc-status",),
    "user_agent": ("c-useragent", "cs-user-agent"),
    "referrer": ("cs-referer",),
    "id.orig_h": ("src_ip", "c-ip"),
    "id.resp_h": ("dst_ip",),
    "id.resp_p": ("dst_port",),
}
_SIGMA_NAMES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "http": _WEB_NAMES,
    "dns": {"answers": ("answer",), "qtype_name": ("record_type",)},
}


def zeek_pieces(path: str, columns: Mapping[str, Column], *, file: str, numbers: pa.Array[Any]) -> Iterator[Piece]:
    """Yield records of one log as columns of events.

    Args:
        path: Zeek's name of the log.
        columns: Native columns: text, or lists of text.
        file: The input file.
        numbers: Line of each record.
    """
    native = {name: column for name, column in columns.items() if name not in LABELS and name not in COMMON}
    n_rows = len(numbers)
    at, clock = _times(native, n_rows)
    found: dict[str, Column] = {
        "@timestamp": at,
        "event.clock": clock,
        "event.file": constant(file, n_rows),
        "event.record": numbers,
        **_common(path, native),
        **native,
        **_sigma(path, native),
    }
    if path != "http":
        yield Piece(event_class=_event_class(path, _CATEGORIES.get(path, frozenset())), columns=found)
        return
    yield from _by_direction(found)


@lru_cache(maxsize=10_000)
def _event_class(path: str, categories: frozenset[str]) -> EventClass:
    services = frozenset({path}) if path else frozenset()
    return EventClass(product="zeek", categories=categories, services=services)


def _by_direction(columns: Mapping[str, Column]) -> Iterator[Piece]:
    """Tell requests that a proxy would have seen from those that a web server would have."""
    client, server = columns.get("source.ip"), columns.get("destination.ip")
    n_rows = len(columns["@timestamp"])
    if client is None or server is None:
        yield Piece(event_class=_event_class("http", _BOTH_SIDES), columns=columns)
        return
    kinds = combined([client, server], _side)
    codes = kinds.indices
    for code, kind in enumerate(kinds.dictionary.to_pylist()):
        chosen: Any = pc.equal(codes, pa.scalar(code, codes.type))
        event_class = _event_class("http", _BY_SIDE[kind])
        if pc.all(chosen).as_py():
            yield Piece(event_class=event_class, columns=columns)
            return
        rows: Any = pc.indices_nonzero(pc.fill_null(chosen, _FALSE))
        if len(rows) < n_rows:
            yield Piece(event_class=event_class, columns={name: column.take(rows) for name, column in columns.items()})


_BOTH_SIDES = frozenset({"proxy", "webserver"})
_BY_SIDE = {"out": frozenset({"proxy"}), "in": frozenset({"webserver"}), "?": _BOTH_SIDES}


def _side(client: str | None, server: str | None) -> str:
    """Tell the direction; inside a house, and between strangers, either may be meant."""
    is_from_inside, is_to_inside = (bool(end) and _is_inside(end) for end in (client or "", server or ""))
    return "?" if is_from_inside == is_to_inside else "in" if is_to_inside else "out"


@lru_cache(maxsize=100_000)
def _is_inside(address: str) -> bool:
    try:
        return ip_address(address).is_private
    except ValueError:
        return False


def _times(native: Mapping[str, Column], n_rows: int) -> tuple[Any, Column]:
    for name in _CLOCKS:
        if name in native and native[name].type == TEXT:
            return _instants(native[name].cast(pa.string())), constant(name, n_rows)
    return pa.nulls(n_rows, pa.timestamp("us", tz="UTC")), constant(None, n_rows)


def _instants(texts: Any) -> Any:
    """Read seconds since 1970, which count from zero where a capture was made to, or ISO 8601."""
    try:
        seconds: Any = texts.cast(pa.float64())
    except pa.ArrowInvalid:
        return instants_of(texts)
    micros: Any = pc.round(pc.multiply(seconds, _MICROS))
    usable = pc.and_(pc.greater_equal(micros, _FIRST), pc.less(micros, _LAST))
    return pc.if_else(usable, micros, _NONE).cast(pa.int64()).cast(_TIMES)


# A scalar whose type Arrow has to infer costs more than most steps here: it looks for pandas each time.
_MICROS, _FIRST, _LAST, _NONE = (pa.scalar(value, pa.float64()) for value in (1e6, 0.0, 2e16, None))
_FALSE = pa.scalar(False, pa.bool_())
_TIMES = pa.timestamp("us", tz="UTC")


def _common(path: str, native: Mapping[str, Column]) -> dict[str, Column]:
    text = {name: column for name, column in native.items() if column.type == TEXT}
    found: dict[str, Column] = {}
    for name, candidates in _ENDS.items():
        held = next((candidate for candidate in candidates if candidate in text), None)
        if held is not None:
            found[name] = text[held]
    for name, own in _PLAIN.get(path, {}).items():
        if own in text:
            found[name] = mapped(text[own], _domain) if name in _NAMES else text[own]
    for name, make in _MADE.get(path, {}).items():
        column = make(text)
        if column is not None:
            found[name] = column
    if (own := _ACCOUNTS.get(path, "")) in text:
        found["user.name"] = mapped(text[own], account_name)
    if (own := _SUCCESS.get(path, "")) in text:
        found["event.outcome"] = mapped(text[own], {"true": "success", "false": "failure"}.get)
    return found


def _domain(text: str) -> str:
    """Return a name asked for: lower case, no port, no final dot."""
    name = text.lower()
    if name.count(":") == 1:
        name = name.partition(":")[0]
    return name.rstrip(".")


def _mapped(own: str, change: Callable[[str], str | None]) -> Callable[[Mapping[str, Column]], Column | None]:
    return lambda text: mapped(text[own], change) if own in text else None


def _combined(
    names: Sequence[str], change: Callable[..., str | None]
) -> Callable[[Mapping[str, Column]], Column | None]:
    return lambda text: (
        combined([text[name] for name in names], change) if all(name in text for name in names) else None
    )


def _principal(text: str) -> str:
    """Return Kerberos' client, ``name/REALM``, as an account."""
    name, _, realm = text.rpartition("/")
    return account_name(f"{name}@{realm}" if name else realm)


def _account(domain: str | None, name: str | None) -> str:
    return account_name(f"{domain}\\{name}" if domain and name else name or "")


def _share_path(share: str | None, name: str | None) -> str:
    if not share or not name:
        return name or ""
    return f"{share.rstrip(chr(92))}\\{name.lstrip(chr(92))}"


def _sender(text: str) -> str:
    return parseaddr(text)[1].lower()


def _decoded(text: str) -> str:
    try:
        return str(make_header(decode_header(text)))
    except (ValueError, LookupError, HeaderParseError):
        return text


def _message_id(text: str) -> str:
    return text.strip().strip("<>")


def _first_end(is_origin: str | None, sender: str | None, receiver: str | None) -> str:
    """Return who asked for a file, not who sent it."""
    return ((sender if is_origin == "true" else receiver) or "").partition(",")[0]


def _other_end(is_origin: str | None, sender: str | None, receiver: str | None) -> str:
    return ((receiver if is_origin == "true" else sender) or "").partition(",")[0]


def _senders(text: Mapping[str, Column]) -> Column | None:
    return first_filled([mapped(text[name], _sender) for name in ("from", "mailfrom") if name in text])


_FILE_ENDS = ("is_orig", "tx_hosts", "rx_hosts")

_MADE: Mapping[str, Mapping[str, Callable[[Mapping[str, Column]], Column | None]]] = {
    "http": {
        "destination.domain": _mapped("host", _domain),
        "url.path": _mapped("uri", lambda uri: uri.partition("?")[0]),
    },
    "kerberos": {"user.name": _mapped("client", _principal)},
    "ntlm": {"user.name": _combined(("domainname", "username"), _account)},
    "smb_files": {"file.path": _combined(("path", "name"), _share_path)},
    "smtp": {
        "email.sender.address": _senders,
        "email.subject": _mapped("subject", _decoded),
        "email.message_id": _mapped("msg_id", _message_id),
    },
    "files": {
        "file.hash.sha256": _mapped("sha256", str.lower),
        "source.ip": _combined(_FILE_ENDS, _first_end),
        "destination.ip": _combined(_FILE_ENDS, _other_end),
    },
}


def _sigma(path: str, native: Mapping[str, Column]) -> dict[str, Column]:
    found = {
        name: native[own]
        for own, names in _SIGMA_NAMES.get(path, {}).items()
        for name in names
        if own in native and name not in native
    }
    if path == "http" and "uri" in native and native["uri"].type == TEXT:
        uri = native["uri"]
        found["cs-uri-stem"] = mapped(uri, lambda text: text.partition("?")[0])
        found["cs-uri-query"] = found["c-uri-query"] = mapped(uri, lambda text: text.partition("?")[2])
        found["c-uri-extension"] = mapped(uri, _extension)
    return found


def _extension(uri: str) -> str:
    match = _EXTENSION.search(uri.partition("?")[0])
    return match[1].lower() if match else ""


_EXTENSION = re.compile(r"[.]([A-Za-z0-9]{1,8})$")


_BY_FIELDS: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (path, frozenset(names.split()))
    for path, names in {
        "conn": "conn_state history",
        "quic": "client_initial_dcid server_scid",
        "dns": "qclass qtype rcode rejected",
        "smtp": "helo mailfrom rcptto msg_id last_reply tls",
        "sip": "call_id request_from request_path seq",
        "http": "trans_depth request_body_len response_body_len",
        "ssl": "established resumed ssl_history cert_chain_fuids cert_chain_fps",
        "x509": "certificate.serial certificate.subject certificate.version",
        "ssh": "auth_attempts auth_success kex_alg hassh",
        "rdp": "security_protocol keyboard_layout cert_count requested_color_depth",
        "kerberos": "request_type forwardable renewable",
        "ntlm": "domainname server_nb_computer_name server_dns_computer_name",
        "smb_mapping": "share_type native_file_system",
        "smb_files": "times.modified times.accessed prev_name",
        "dce_rpc": "endpoint named_pipe",
        "ldap": "message_id opcode",
        "pe": "compile_ts is_exe subsystem",
        "ocsp": "hashAlgorithm issuerNameHash certStatus",
        "intel": "seen.indicator",
        "notice": "note",
        "software": "software_type",
        "dhcp": "assigned_addr msg_types lease_time client_fqdn",
        "tunnel": "tunnel_type",
        "ftp": "data_channel.passive reply_code",
        "socks": "request.host bound.host bound_p",
        "radius": "framed_addr tunnel_client",
        "snmp": "community get_bulk_requests",
        "syslog": "facility",
        "ntp": "stratum root_delay",
        "mysql": "cmd",
        "irc": "nick",
        "modbus": "func",
        "dnp3": "fc_request fc_reply",
        "analyzer": "analyzer_kind",
        "dpd": "failure_reason",
        "arp": "orig_hw src_mac",
        "files": "fuid seen_bytes tx_hosts",
        "known_services": "port_num",
        "packet_filter": "filter",
        "capture_loss": "percent_lost",
        "stats": "pkts_proc",
        "weird": "notice peer addl",
    }.items()
)
"""Fields that only one log has; unset ones are left out of JSON, so any of them tells. Asked in this order."""


@lru_cache(maxsize=10_000)
def path_of(names: frozenset[str]) -> str:
    """Return which log a record of these fields is of; empty if it is none that Zeek has.

    >>> path_of(frozenset({"ts", "uid", "conn_state"})), path_of(frozenset({"ts", "x"}))
    ('conn', '')
    """
    return next((path for path, known in _BY_FIELDS if not known.isdisjoint(names)), "")
