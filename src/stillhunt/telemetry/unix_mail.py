"""What Postfix, Dovecot and Exim say in their messages.

Functions take a message without its syslog header and return native fields under the names the servers use (``queue_id``
where there is none) and ECS ones. A message's sender is known where a queue takes it, its Message-ID where headers are
cleaned up, its recipients where it is delivered: the queue id joins them.

References: Postfix smtpd.c, qmgr, cleanup, bounce; Dovecot login-common, mail-log plugin; Exim specification, chapter 52.
"""

# ruff: noqa: E501 - patterns stand on one line each
from __future__ import annotations

import re

from stillhunt.telemetry.access import address_in

__all__ = ["read_dovecot", "read_exim", "read_postfix"]

Fields = tuple[dict[str, str], dict[str, str]]
"""Native fields and ECS fields of a message."""

_QUEUE = re.compile(r"([0-9A-F]{5,16}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,20}|NOQUEUE): (.*)$", re.DOTALL)
_PAIR = re.compile(r"(?:^|[\s,;(])([a-z][a-z_-]*)=(<[^>]*>|[^,;\s()]*)")
_STATUS = re.compile(r"\bstatus=(\S+)(?: \((.*)\))?$", re.DOTALL)
_PEER = re.compile(r"([^\s\[\],:]*)\[([0-9A-Fa-f:.]+|unknown)\](?::(\d+))?")
_REJECTED = re.compile(
    r"(?:milter-)?(?P<action>reject(?:_warning)?|discard|hold|redirect|warning|filter): (?P<stage>[A-Z][A-Za-z-]+)"
    r"(?: command)? from "
)
_SASL = re.compile(
    r"warning: [^\s\[]*\[[^\]]+\]: SASL (?P<method>\S+) authentication (?P<result>failed|aborted)(?:: (?P<reason>[^,]*))?"
)
_HEADER = re.compile(
    r"(?:warning|info|reject|hold|discard|prepend|replace): header (?P<name>[\w-]+): (?P<value>.*?) from ", re.DOTALL
)
_SMTP = ("connect from ", "disconnect from ", "lost connection after ", "timeout after ", "too many errors after ")
_BY_SMTPD = frozenset({"smtpd", "postscreen", "submission", "smtps"})


def read_postfix(component: str, message: str) -> Fields:
    """Read a message of one of Postfix's programs.

    Args:
        component: What stands behind ``postfix/``, such as ``smtpd`` or ``smtps/smtpd``.
        message: Its message.
    """
    native: dict[str, str] = {}
    text = message
    if queue := _QUEUE.match(message):
        native["queue_id"], text = queue[1], queue[2]
    for name, value in _PAIR.findall(text):
        native.setdefault(name, value.strip("<>"))
    if status := _STATUS.search(text):
        native["status"] = status[1]
        if status[2]:
            native["reason"] = status[2]
    common: dict[str, str] = {}
    if "status" in native:
        common["event.outcome"] = "success" if native["status"] in {"sent", "deliverable"} else "failure"
        common["event.action"] = "deliver"
    is_server = component.rpartition("/")[2] in _BY_SMTPD
    _add_client(native, common, text, is_server=is_server)
    if (relay := native.get("relay")) and (peer := _PEER.match(relay)):
        common["destination.domain"] = peer[1].lower()
        if address := address_in(peer[2]):
            common["destination.ip"] = address
        if peer[3]:
            common["destination.port"] = peer[3]
    if rejected := _REJECTED.match(text):
        native["action"], native["stage"] = rejected["action"], rejected["stage"]
        is_refused = rejected["action"] in {"reject", "discard"}
        common |= {"event.action": rejected["action"], **({"event.outcome": "failure"} if is_refused else {})}
    elif sasl := _SASL.match(message):
        native["sasl_method"] = sasl["method"]
        common |= {"event.action": "SASL authentication", "event.outcome": "failure"}
    elif "sasl_username" in native:
        common |= {"event.action": "SASL authentication", "event.outcome": "success"}
    elif text == "removed":
        common["event.action"] = "removed"
    elif text.startswith(_SMTP):
        common["event.action"] = text.partition(" from ")[0]
    if header := _HEADER.match(text):
        native["header"] = f"{header['name']}: {header['value']}"
        if header["name"].lower() == "subject":
            common["email.subject"] = header["value"]
    if user := native.get("sasl_username"):
        common["user.target.name"] = user.lower()
    _add_mail(native, common)
    return native, common


def _add_client(native: dict[str, str], common: dict[str, str], text: str, *, is_server: bool) -> None:
    said = native.get("client", "")
    peer = _PEER.match(said) if said else (_PEER.search(text) if is_server else None)
    if peer is None:
        return
    native.setdefault("client", f"{peer[1]}[{peer[2]}]")
    if address := address_in(peer[2]):
        common["source.ip"] = address


def _add_mail(native: dict[str, str], common: dict[str, str]) -> None:
    if sender := native.get("from"):
        common["email.sender.address"] = sender.lower()
    if message_id := native.get("message-id"):
        common["email.message_id"] = message_id.strip("<>")


_DOVECOT_PROCESS = re.compile(
    r"(?P<process>[a-z][a-z0-9-]*(?:-login|-worker)?)"
    r"(?:\((?P<user>[^)\s]*)\))?(?:<(?P<pid>\d+)>)?(?:<(?P<session>[^>]*)>)?: (?:(?P<level>Info|Error|Warning|Debug|Fatal|Panic): )?(?P<text>.*)$",
    re.DOTALL,
)
_DOVECOT_PAIR = re.compile(r"(?:^|[\s,(])([a-z][a-z_]*)=(<[^>]*>|[^,\s)]*)")
_DOVECOT_LOOKUP = re.compile(
    r"(?:.*?: )?(?P<backend>[a-z][a-z0-9_-]*)\((?P<user>[^,()]*),(?P<ip>[^,()]+)(?:,(?P<session><[^>]*>))?\): (?P<reason>.*)$",
    re.DOTALL,
)
_FAILED = ("auth failed", "unknown user", "failed", "mismatch", "Aborted login", "disallowed", "tried to use")


def read_dovecot(message: str) -> Fields:
    """Read a message of Dovecot: logins, and what the mail log plugin says was done to messages."""
    found = _DOVECOT_PROCESS.match(message)
    if found is None:
        return {}, {}
    text = found["text"]
    native = {"process": found["process"]}
    common: dict[str, str] = {}
    for name, value in _DOVECOT_PAIR.findall(text):
        native.setdefault(name, value.strip("<>"))
    if found["session"]:
        native["session"] = found["session"]
    is_worker = found["process"].startswith("auth")
    if found["user"] and not is_worker:
        native.setdefault("user", found["user"])
    lookup = _DOVECOT_LOOKUP.match(text) if is_worker else None
    if lookup:
        native |= {name: value for name, value in lookup.groupdict().items() if value}
        native["rip"] = native.pop("ip")
    action = re.split(r"[:(]", text, maxsplit=1)[0].strip() if not lookup else "lookup"
    if action and len(action) < 40:
        common["event.action"] = action
    if text.startswith("Login: "):
        common["event.outcome"] = "success"
    elif ("login" in found["process"] or lookup) and any(w in text for w in _FAILED) and "no auth attempts" not in text:
        common["event.outcome"] = "failure"
    if user := native.get("user", ""):
        common["user.target.name" if "login" in found["process"] or is_worker else "user.name"] = user.lower()
    if address := address_in(native.get("rip", "")):
        common["source.ip"] = address
    if message_id := native.get("msgid"):
        common["email.message_id"] = message_id
    if subject := native.get("subject"):
        common["email.subject"] = subject
    return native, common


_EXIM_FAILED = re.compile(r"(?P<method>\S+) authenticator failed for .*\[(?P<ip>[0-9A-Fa-f:.]+)\]")
_EXIM_ID = re.compile(r"(?P<id>\w{6}-\w{6,11}-\w{2,4}) (?P<flag><=|=>|->|\*\*|==|Completed)(?: (?P<who>\S+))?")
_EXIM_HOST = re.compile(r"\bH=[^\[]*\[(?P<ip>[0-9A-Fa-f:.]+)\]")
_EXIM_PAIR = re.compile(r"(?:^|[\s(])(set_id|id|A|F|R|T|S|P|X)=(\S+)")


def read_exim(message: str) -> Fields:
    """Read a message of Exim: arrivals, deliveries, refusals."""
    native = {name: value.rstrip(")") for name, value in _EXIM_PAIR.findall(message)}
    common: dict[str, str] = {}
    found = _EXIM_FAILED.search(message)
    if found:
        native["method"] = found["method"]
        common = {"event.action": "authentication", "event.outcome": "failure"}
        if "set_id" in native:
            common["user.target.name"] = native["set_id"].lower()
    else:
        found = _EXIM_HOST.search(message)
    if found and (address := address_in(found["ip"])):
        common["source.ip"] = address
    if "rejected" in message:
        common |= {"event.action": "reject", "event.outcome": "failure"}
    if passed := _EXIM_ID.match(message):
        native["queue_id"], native["flag"] = passed["id"], passed["flag"]
        who = (passed["who"] or "").strip("<>")
        if passed["flag"] == "<=" and who:
            native["from"] = who
            common["email.sender.address"] = who.lower()
            if "id" in native:
                common["email.message_id"] = native["id"]
        elif who:
            native["to"] = who
            common["event.outcome"] = "success" if passed["flag"] in {"=>", "->"} else "failure"
    if sender := native.get("F", "").strip("<>"):
        common.setdefault("email.sender.address", sender.lower())
    return native, common
