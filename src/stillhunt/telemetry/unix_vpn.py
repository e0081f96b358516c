"""What VPN gateways say of who came in, from where, and who was turned away.

Functions take a message as it came through syslog. Read are Cisco's ASA, FortiGate, OpenVPN, Ivanti (Pulse) Connect
Secure and Citrix NetScaler Gateway; messages of theirs that name no account are left as they are.
The native field ``session`` says that a connection was ``opened``, given an address inside (``assigned``) or ``closed``;
``assigned_ip`` is that address.

References: Cisco ASA Series Syslog Messages (113, 611, 716, 722); Fortinet FortiOS Log Reference, event/vpn; OpenVPN
ssl_verify.c and multi.c; Ivanti Connect Secure, user access log; Citrix NetScaler syslog messages, SSLVPN.
"""

# ruff: noqa: E501 - patterns stand on one line each
from __future__ import annotations

import re
from collections.abc import Callable

from stillhunt.telemetry.access import address_in
from stillhunt.telemetry.event import EventClass

__all__ = ["VpnSaid", "read_vpn"]

VpnSaid = tuple[EventClass, dict[str, str], dict[str, str]]
"""Class, native fields and ECS fields of a message."""


def _class(product: str, *services: str) -> EventClass:
    return EventClass(product=product, services=frozenset({*services, "auth"}))


_ASA, _FORTI = _class("cisco", "asa", "aaa"), _class("fortigate", "event", "vpn")
_OPENVPN, _PULSE, _NETSCALER = _class("openvpn"), _class("pulsesecure"), _class("netscaler", "sslvpn")

_ASA_ID = re.compile(r"%(?:ASA|FTD)-(?:\w+-)?(?P<severity>\d)-(?P<id>\d{6})", re.IGNORECASE)
_ASA_TEXTS: dict[str, tuple[re.Pattern[str], str, str]] = {
    number: (re.compile(pattern), action, outcome)
    for numbers, pattern, action, outcome in (
        ("113004 113012", r"(?:server = +(?P<server>\S+) : )?.*user = (?P<user>.+)$", "authentication", "success"),
        ("113005 113015 113006", r".*user = (?P<user>.*?)(?: : user IP = (?P<ip>\S+))?$", "authentication", "failure"),
        ("113008", r".*user = (?P<user>.+)$", "accept", "success"),
        ("113019", r"Group = (?P<group>[^,]*), Username = (?P<user>[^,]*), IP = (?P<ip>[^,]+), Session disconnected", "disconnect", ""),
        ("113039 722022 722023 722051 722055 716001 716002 716038 716039 734001", r"(?:DAP: User (?P<dap>\S+), Addr (?P<addr>\S+)|TunnelGroup <(?P<tunnel>[^>]*)> )?.*?(?:Group(?:Policy)? <(?P<group>[^>]*)> )?User <(?P<user>[^>]*)> IP <(?P<ip>[^>]*)>", "session", ""),
        ("605004", r"Login denied from (?P<ip>[^/\s]+)/\S+ to \S+ for user \"(?P<user>[^\"]*)\"", "login", "failure"),
        ("605005", r"Login permitted from (?P<ip>[^/\s]+)/\S+ to \S+ for user \"(?P<user>[^\"]*)\"", "login", "success"),
        ("611101", r"User authentication succeeded: (?:IP address: (?P<ip>[^,\s]+), )?Uname: (?P<user>\S+)", "authentication", "success"),
        ("611102", r"User authentication failed: (?:IP address: (?P<ip>[^,\s]+), )?Uname: (?P<user>\S+)", "authentication", "failure"),
    )
    for number in numbers.split()
}  # fmt: skip
_ASA_OPENED = {
    "113039": "success",
    "722022": "success",
    "722051": "success",
    "716001": "success",
    "716038": "success",
    "716039": "failure",
}

_ASA_SESSIONS = {
    **dict.fromkeys(("113039", "716001", "722022"), "opened"),
    "722051": "assigned",
    **dict.fromkeys(("113019", "716002", "722023"), "closed"),
}
_ASA_INSIDE = re.compile(r"\bAddress <([^>]*)>")

_PAIR = re.compile(r'(\w+)=(?:"([^"]*)"|(\S+))')
_FORTI_OUTCOMES = {
    "tunnel-up": "success",
    "ssl-new-con": "",
    "tunnel-down": "",
    "ssl-login-fail": "failure",
    "ssl-exit-fail": "failure",
}

_OPENVPN_TEXTS = (
    (re.compile(r"(?:(?P<before>\S+)/)?(?P<ip>[0-9A-Fa-f.:\[\]]+?)(?::\d+)? \[(?P<user>[^\]]+)\] Peer Connection Initiated"), "connection", "success"),
    (re.compile(r"(?P<user>[^\s/]+)/(?P<ip>[0-9A-Fa-f.:\[\]]+?):\d+ MULTI: Learn: (?P<assigned>[0-9A-Fa-f.:]+) -> "), "address", "success"),
    (re.compile(r"(?P<ip>[0-9A-Fa-f.:\[\]]+?):\d+ TLS: Username/Password authentication succeeded for username '(?P<user>[^']*)'"), "authentication", "success"),
    (re.compile(r"(?P<ip>[0-9A-Fa-f.:\[\]]+?):\d+ TLS Auth Error: Auth Username/Password verification failed for peer"), "authentication", "failure"),
)  # fmt: skip

_PULSE_TEXT = re.compile(
    r"\[(?P<ip>[0-9A-Fa-f.:]+)\] (?P<user>[^\[(]*)\((?P<realm>[^)]*)\)\[(?P<role>[^\]]*)\] - (?P<text>.*)$"
)
_PULSE_OUTCOMES = (
    ("Login succeeded", "success"),
    ("authentication successful", "success"),
    ("Login failed", "failure"),
    ("authentication failed", "failure"),
)

_NETSCALER_TEXT = re.compile(
    r"\bSSLVPN (?P<event>LOGIN|LOGOUT|LOGIN_FAILED|TCPCONNSTAT|ICASTART)\b.*?(?:Context (?P<context>[^@\s]+)@(?P<at>[0-9A-Fa-f.:]+))?(?:.*?\bUser (?P<user>[^\s-]+))?(?:.*?\bClient_ip (?P<ip>[0-9A-Fa-f.:]+))?(?:.*?\bBrowser_type \"(?P<agent>[^\"]*)\")?(?:.*?\bFailure_reason \"(?P<reason>[^\"]*)\")?"
)  # fmt: skip


def read_vpn(program: str, message: str) -> VpnSaid | None:
    """Read a message of a VPN gateway; None if it is of none, or names no account.

    Args:
        program: Name of the program as logged, empty if the message has none.
        message: What it says.
    """
    for reads in _READERS:
        if found := reads(program, message):
            return found
    return None


def _said(
    event_class: EventClass,
    native: dict[str, str | None],
    *,
    user: str,
    address: str,
    action: str,
    outcome: str,
    session: str = "",
    inside: str = "",
) -> VpnSaid | None:
    if not user.strip("*- "):
        return None
    common = {"user.target.name": user.lower(), "event.action": action}
    if outcome:
        common["event.outcome"] = outcome
    if found := address_in(address):
        common["source.ip"] = found
    native = {**native, "session": session, "assigned_ip": address_in(inside)}
    return event_class, {name: value for name, value in native.items() if value}, common


def _read_asa(program: str, message: str) -> VpnSaid | None:
    head = f"{program}: {message}" if program.startswith("%") else message
    number = _ASA_ID.search(head[:200])
    if number is None:
        return None
    text = head[number.end() :].lstrip(": ")
    pattern, action, outcome = _ASA_TEXTS.get(number["id"], (None, "", ""))
    found = pattern.search(text) if pattern else None
    if found is None:
        return None
    named = found.groupdict()
    native = {
        "message_id": number["id"],
        "severity": number["severity"],
        "group": named.get("group") or named.get("tunnel"),
    }
    user, address = named.get("user") or named.get("dap") or "", named.get("ip") or named.get("addr") or ""
    outcome = outcome or _ASA_OPENED.get(number["id"], "")
    session, inside = _ASA_SESSIONS.get(number["id"], ""), _ASA_INSIDE.search(text)
    return _said(
        _ASA,
        native,
        user=user,
        address=address,
        action=action,
        outcome=outcome,
        session=session,
        inside=inside[1] if inside and session == "assigned" else "",
    )


def _read_fortigate(program: str, message: str) -> VpnSaid | None:
    del program
    if "subtype=" not in message or "vpn" not in message:
        return None
    fields = {name: quoted or plain for name, quoted, plain in _PAIR.findall(message)}
    if fields.get("type") != "event" or fields.get("subtype") != "vpn":
        return None
    action = fields.get("action", "")
    outcome = _FORTI_OUTCOMES.get(action, "")
    address = fields.get("remip") or fields.get("srcip") or ""
    user = fields.get("user") or fields.get("xauthuser") or ""
    return _said(
        _FORTI,
        dict(fields),
        user=user if user != "N/A" else "",
        address=address,
        action=action,
        outcome=outcome,
        session={"tunnel-up": "opened", "tunnel-down": "closed"}.get(action, ""),
        inside=fields.get("tunnelip") or fields.get("assignip") or "",
    )


def _read_openvpn(program: str, message: str) -> VpnSaid | None:
    if not program.lower().startswith(("openvpn", "ovpn")):
        return None
    for pattern, action, outcome in _OPENVPN_TEXTS:
        if found := pattern.search(message):
            user = found.groupdict().get("user") or ""
            inside = found.groupdict().get("assigned") or ""
            session = {"connection": "opened", "address": "assigned"}.get(action, "")
            return _said(
                _OPENVPN,
                {},
                user=user,
                address=found["ip"].strip("[]"),
                action=action,
                outcome=outcome,
                session=session,
                inside=inside,
            )
    return None


def _read_pulse(program: str, message: str) -> VpnSaid | None:
    if "pulsesecure" not in f"{program} {message[:80]}".lower() and " - ive - " not in message[:120]:
        return None
    found = _PULSE_TEXT.search(message)
    if found is None:
        return None
    outcome = next((outcome for words, outcome in _PULSE_OUTCOMES if words in found["text"]), "")
    native = {"realm": found["realm"], "role": found["role"]}
    action = "authentication" if outcome else "session"
    return _said(_PULSE, dict(native), user=found["user"].strip(), address=found["ip"], action=action, outcome=outcome)


def _read_netscaler(program: str, message: str) -> VpnSaid | None:
    if "SSLVPN " not in message:
        return None
    found = _NETSCALER_TEXT.search(f"{program} {message}")
    if found is None:
        return None
    outcome = {"LOGIN": "success", "LOGIN_FAILED": "failure"}.get(found["event"], "")
    native = {"event": found["event"], "reason": found["reason"], "browser": found["agent"]}
    user, address = found["user"] or found["context"] or "", found["ip"] or found["at"] or ""
    return _said(_NETSCALER, native, user=user, address=address, action=found["event"].lower(), outcome=outcome)


_READERS: tuple[Callable[[str, str], VpnSaid | None], ...] = (
    _read_asa,
    _read_fortigate,
    _read_openvpn,
    _read_pulse,
    _read_netscaler,
)
