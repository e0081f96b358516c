"""What firewalls say of connections through them: who, where to, how much, how long, let through or not.

Functions take a message as it came through syslog. Read are netfilter (iptables, nftables, ufw), pfSense and OPNsense
(``filterlog``), Cisco's ASA, FortiGate, PAN-OS and whoever writes the Common Event Format; of a connection that is
told when it opens and when it closes, the closing counts, since only it knows how much was carried.

Fields get the names of Sigma's category ``firewall``, beside ``bytes_out``, ``bytes_in``, ``duration`` (seconds),
``protocol``, ``action`` and ``rule``. References: Netfilter, ip6t_LOG; pfSense, "Raw Filter Log Format"; Cisco ASA
Series Syslog Messages (106, 302); FortiOS Log Reference, traffic; PAN-OS, "Traffic Log Fields"; ArcSight,
"Implementing CEF".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping

from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.address import ip_of
from stillhunt.telemetry.event import EventClass

__all__ = ["WallSaid", "read_firewall"]

WallSaid = tuple[EventClass, dict[str, str], dict[str, str]]
"""Class, native fields and ECS fields of a message."""

_Fields = Mapping[str, str]

_PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "47": "gre", "50": "esp", "58": "icmp6", "132": "sctp"}
_STOPPED = ("block", "deny", "denied", "drop", "reject", "reset-", "prevent", "discard", "refused")
_PAIR = re.compile(r'([\w.-]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')
_ASA_ID = re.compile(r"%(?:ASA|FTD)-(?:\w+-)?\d-(?P<id>\d{6}):? *")
_END = r"(?P<{0}_zone>[^:/\s]+):(?P<{0}>[0-9A-Fa-f.:]+)/(?P<{0}_port>\d+)"
_ASA_CLOSED = re.compile(
    rf"Teardown (?P<protocol>TCP|UDP) connection (?P<number>\d+) for {_END.format('one')}(?:\(.*?\))? to "
    rf"{_END.format('two')}(?:\(.*?\))? duration (?P<h>\d+):(?P<m>\d\d):(?P<s>\d\d) bytes (?P<bytes>\d+)"
)
_ASA_DENIED = re.compile(
    r"Deny (?:inbound )?(?P<protocol>\w+)(?: \(no connection\))? (?:src|from) (?:(?P<one_zone>[^:/\s]+):)?"
    r"(?P<one>[0-9A-Fa-f.:]+?)/(?P<one_port>\d+)(?:\(.*?\))? (?:dst|to) (?:(?P<two_zone>[^:/\s]+):)?"
    r"(?P<two>[0-9A-Fa-f.:]+?)/(?P<two_port>\d+)(?:.* by access-group \"(?P<rule>[^\"]*)\")?"
)
_CEF = re.compile(r"(?:CEF:)?\d\|(?P<vendor>(?:[^|\\]|\\.)*)\|(?P<product>(?:[^|\\]|\\.)*)\|[^|]*\|(?P<id>(?:[^|\\]|\\.)*)\|(?P<name>(?:[^|\\]|\\.)*)\|[^|]*\|(?P<rest>.*)")  # fmt: skip # noqa: E501 - reads better on one line
_CEF_PAIR = re.compile(r"(\w+)=((?:[^=\\]|\\.)*?)(?= +\w+=|$)")
_UPTIME = re.compile(r"^\s*\[[\d. ]+\]")
_WORD = re.compile(r"[^a-z0-9]+")


def read_firewall(program: str, message: str) -> WallSaid | None:
    """Read a message of a firewall; None if it tells of no connection.

    Args:
        program: Name of the program as logged, empty if the message has none.
        message: What it says.
    """
    beginning = message[:200]
    if " SRC=" in message and " DST=" in message and "IN=" in message:
        return _netfilter(message)
    if program == "filterlog":
        return _filterlog(message)
    if "%ASA-" in beginning or "%FTD-" in beginning or program.startswith(("%ASA-", "%FTD-")):
        return _asa(program, message)
    if "traffic" in beginning and "srcip=" in message:
        return _fortigate(message)
    if ",TRAFFIC," in beginning:
        return _pan(message)
    return _cef(message) if program == "CEF" or message.startswith("CEF:") else None


def _said(product: str, fields: _Fields, *, native: _Fields | None = None, service: str = "traffic") -> WallSaid | None:
    source, target = ip_of(fields.get("src_ip", "")), ip_of(fields.get("dst_ip", ""))
    if not source or not target:
        return None
    protocol = fields.get("protocol", "").lower()
    own = {**(native or {}), **fields, "src_ip": source, "dst_ip": target}
    own["protocol"] = _PROTOCOLS.get(protocol, protocol)
    action = fields.get("action", "").lower()
    common = {"source.ip": source, "destination.ip": target, "event.action": action}
    common["destination.port"] = fields.get("dst_port", "")
    common["user.name"] = account_name(fields.get("username", ""))
    if action:
        common["event.outcome"] = "failure" if action.startswith(_STOPPED) else "success"
    event_class = EventClass(product=product, categories=frozenset({"firewall"}), services=frozenset({service}))
    return (
        event_class,
        {name: value for name, value in own.items() if value not in {"", "-"}},
        {name: value for name, value in common.items() if value},
    )


def _netfilter(message: str) -> WallSaid | None:
    pairs = {name: quoted or plain for name, quoted, plain in _PAIR.findall(message)}
    label = _UPTIME.sub("", message.partition("IN=")[0]).strip(" :[]")
    words = label.lower()
    action = next((word for word in ("block", "drop", "reject", "deny", "allow", "accept") if word in words), "")
    fields = {
        "src_ip": pairs.get("SRC", ""),
        "src_port": pairs.get("SPT", ""),
        "dst_ip": pairs.get("DST", ""),
        "dst_port": pairs.get("DPT", ""),
        "protocol": pairs.get("PROTO", ""),
        "action": action,
        "rule": label,
    }
    return _said("linux", fields, native=pairs, service="syslog")


def _filterlog(message: str) -> WallSaid | None:
    parts = message.split(",")
    if len(parts) < 20:
        return None
    rule, interface, action, way, version = parts[3] or parts[0], parts[4], parts[6], parts[7], parts[8]
    # Behind what both versions have in common, IPv4 has twelve fields and IPv6 eight before the ports.
    name, ends = (parts[16], 18) if version == "4" else (parts[12], 15)
    ports = parts[ends + 2 : ends + 4] if name in {"tcp", "udp"} else []
    fields = {"src_ip": parts[ends], "dst_ip": parts[ends + 1], "protocol": name, "action": action, "rule": rule}
    if len(ports) == 2:
        fields |= {"src_port": ports[0], "dst_port": ports[1]}
    return _said("pfsense", fields, native={"interface": interface, "direction": way})


def _asa(program: str, message: str) -> WallSaid | None:
    head = f"{program}: {message}" if program.startswith("%") else message
    number = _ASA_ID.search(head[:200])
    if number is None:
        return None
    text = head[number.end() :]
    if found := _ASA_CLOSED.search(text):
        # The first end is the one outside, whoever began.
        is_from_second = int(found["two_port"]) >= int(found["one_port"])
        first, second = ("two", "one") if is_from_second else ("one", "two")
        seconds = 3_600 * int(found["h"]) + 60 * int(found["m"]) + int(found["s"])
        more = {"action": "teardown", "duration": str(seconds), "bytes": found["bytes"]}
    elif found := _ASA_DENIED.search(text):
        first, second, more = "one", "two", {"action": "deny", "rule": found["rule"] or ""}
    else:
        return None
    fields = {
        "src_ip": found[first],
        "src_port": found[f"{first}_port"],
        "dst_ip": found[second],
        "dst_port": found[f"{second}_port"],
        "protocol": found["protocol"],
        **more,
    }
    return _said("cisco", fields, native={"message_id": number["id"]})


def _fortigate(message: str) -> WallSaid | None:
    pairs = {name: quoted or plain for name, quoted, plain in _PAIR.findall(message)}
    if pairs.get("type") != "traffic":
        return None
    names = {
        "src_ip": "srcip",
        "src_port": "srcport",
        "dst_ip": "dstip",
        "dst_port": "dstport",
        "protocol": "proto",
        "username": "user",
        "action": "action",
        "bytes_out": "sentbyte",
        "bytes_in": "rcvdbyte",
        "duration": "duration",
        "rule": "policyid",
    }
    return _said("fortigate", {ours: pairs.get(theirs, "") for ours, theirs in names.items()}, native=pairs)


_PAN_FIELDS = {
    "src_ip": 7,
    "dst_ip": 8,
    "rule": 11,
    "username": 12,
    "application": 14,
    "src_zone": 16,
    "dst_zone": 17,
    "src_port": 24,
    "dst_port": 25,
    "protocol": 29,
    "action": 30,
    "bytes_out": 32,
    "bytes_in": 33,
    "duration": 36,
}
"""Places counted from 0 of a line as every version since PAN-OS 6 begins it."""


def _pan(message: str) -> WallSaid | None:
    parts = next(csv.reader([message]), [])
    # Whoever relays a line may put something before it; the serial number's neighbours stay where they are.
    if len(parts) < 37 or parts[3] != "TRAFFIC" or parts[4] == "start":
        return None
    return _said("paloalto", {name: parts[place] for name, place in _PAN_FIELDS.items()})


def _cef(message: str) -> WallSaid | None:
    found = _CEF.search(message)
    if found is None:
        return None
    pairs = {name: value.strip() for name, value in _CEF_PAIR.findall(found["rest"])}
    fields = {
        "src_ip": pairs.get("src", ""),
        "src_port": pairs.get("spt", ""),
        "dst_ip": pairs.get("dst", ""),
        "dst_port": pairs.get("dpt", ""),
        "protocol": pairs.get("proto", ""),
        "username": pairs.get("suser", ""),
        "action": pairs.get("act", ""),
        "bytes_out": pairs.get("out", ""),
        "bytes_in": pairs.get("in", ""),
    }
    product = _WORD.sub("_", found["vendor"].lower()).strip("_") or "cef"
    return _said(product, fields, native={**pairs, "name": found["name"], "signature": found["id"]})
