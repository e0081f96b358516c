"""What sshd, PAM, sudo, su, login, cron, the account tools and FTP servers say in their messages.

Functions take a message without its syslog header and return fields: native ones under names of our own where the
program gives none (PAM's as Sigma's rules call them), and ECS ones. What a program quotes from a client may hold
anything, also words that look like the rest of the message: an account is therefore read up to the last address, never
to the first.

References: OpenSSH auth.c, auth2.c, packet.c, sshd.c; Linux-PAM pam_unix; sudo logging.c; shadow's useradd.c and others.
"""

# ruff: noqa: E501 - patterns stand on one line each
from __future__ import annotations

import re

from stillhunt.telemetry.access import address_in

__all__ = ["Fields", "read_account_tool", "read_cron", "read_ftp", "read_pam", "read_sshd", "read_su", "read_sudo"]

Fields = tuple[dict[str, str], dict[str, str]]
"""Native fields and ECS fields of a message."""

_PEER = r"(?P<ip>\S+)(?: port (?P<port>\d+))?"
_SSHD: tuple[tuple[str, re.Pattern[str], str, str], ...] = tuple(
    (beginning, re.compile(pattern, re.DOTALL), action, outcome)
    for beginning, pattern, action, outcome in (
        ("Accepted ", rf"Accepted (?P<method>\S+) for (?P<user>.*) from {_PEER}(?: (?P<protocol>ssh\d?))?(?:: (?P<key>.*))?$", "accepted", "success"),
        ("Failed ", rf"Failed (?P<method>\S+) for (?P<invalid>invalid user )?(?P<user>.*) from {_PEER}(?: (?P<protocol>ssh\d?))?(?:: (?P<key>.*))?$", "failed", "failure"),
        ("Failed ", r"Failed (?P<method>\S+) for (?P<invalid>invalid user )?(?P<user>\S*) (?P<ip>\S+) port (?P<port>\d+)", "failed", "failure"),
        ("Postponed ", rf"Postponed (?P<method>\S+) for (?P<invalid>invalid user )?(?P<user>.*) from {_PEER}", "postponed", ""),
        ("Partial ", rf"Partial (?P<method>\S+) for (?P<user>.*) from {_PEER}", "partial", ""),
        ("Invalid user ", rf"Invalid user (?P<user>.*?)(?: from)? {_PEER}$", "invalid user", "failure"),
        ("Illegal user ", rf"Illegal user (?P<user>.*) from {_PEER}$", "invalid user", "failure"),
        ("input_userauth_request: ", r"input_userauth_request: (?:invalid|illegal) user (?P<user>.*?)(?: \[preauth\])?$", "invalid user", "failure"),
        ("Connection closed", rf"Connection closed by (?:(?:authenticating|(?P<invalid>invalid)) user (?P<user>.*) )?{_PEER}(?: \[preauth\])?$", "disconnect", ""),
        ("Connection reset", rf"Connection reset by (?:(?:authenticating|(?P<invalid>invalid)) user (?P<user>.*) )?{_PEER}(?: \[preauth\])?$", "disconnect", ""),
        ("Disconnected from", rf"Disconnected from (?:(?:authenticating |(?P<invalid>invalid) )?user (?P<user>.*) )?{_PEER}(?: \[preauth\])?$", "disconnect", ""),
        ("Disconnecting", rf"Disconnecting (?:(?:authenticating|(?P<invalid>invalid)) user (?P<user>.*) )?{_PEER}: ?(?P<reason>.*?)(?: \[preauth\])?$", "disconnect", ""),
        ("Disconnecting", r"Disconnecting: (?P<reason>Too many authentication failures)(?: for (?P<user>.*?))?(?: \[preauth\])?$", "disconnect", "failure"),
        ("Received disconnect", r"Received disconnect from (?P<ip>[^\s:]+|[0-9A-Fa-f:]+)(?: port (?P<port>\d+))?: ?(?P<reason>.*?)(?: \[preauth\])?$", "disconnect", ""),
        ("Connection from ", rf"Connection from {_PEER}(?: on (?P<server>\S+) port (?P<server_port>\d+))?", "connection", ""),
        ("banner exchange", rf"banner exchange: Connection from {_PEER}: (?P<reason>.*)$", "bad handshake", "failure"),
        ("ssh_dispatch_run_fatal", rf"ssh_dispatch_run_fatal: Connection from {_PEER}: (?P<reason>.*?)(?: \[preauth\])?$", "bad handshake", "failure"),
        ("Unable to negotiate", rf"Unable to negotiate with {_PEER}: (?P<reason>.*?)(?: \[preauth\])?$", "bad handshake", "failure"),
        ("Bad protocol version", rf"Bad protocol version identification (?P<reason>.*) from {_PEER}$", "bad handshake", "failure"),
        ("Did not receive", rf"Did not receive identification string from {_PEER}$", "bad handshake", "failure"),
        ("Magic value", rf"(?P<reason>Magic value check failed.*) from {_PEER}$", "bad handshake", "failure"),
        ("Timeout before", rf"Timeout before authentication for (?:connection from )?{_PEER}", "timeout", "failure"),
        ("maximum authentication", rf"maximum authentication attempts exceeded for (?P<invalid>invalid user )?(?P<user>.*) from {_PEER}", "failed", "failure"),
        ("User ", rf"User (?P<user>.*) from {_PEER} not allowed because (?P<reason>.*)$", "not allowed", "failure"),
        ("User ", r"User (?P<user>.*) not allowed because (?P<reason>.*)$", "not allowed", "failure"),
        ("ROOT LOGIN REFUSED", rf"(?P<reason>ROOT LOGIN REFUSED) FROM {_PEER}", "not allowed", "failure"),
        ("Starting session", rf"Starting session: (?P<session>.*) for (?P<user>.*) from {_PEER}", "session", ""),
        ("Close session", rf"Close session: user (?P<user>.*) from {_PEER}", "session closed", ""),
        ("subsystem request", r"subsystem request for (?P<session>\S+)(?: by user (?P<user>.*))?$", "session", ""),
        ("reverse mapping", r"reverse mapping checking getaddrinfo for (?P<rhost>\S+) \[(?P<ip>[^\]]+)\] failed", "reverse mapping failed", ""),
        ("Address ", r"Address (?P<ip>\S+) maps to (?P<rhost>\S+), but this does not map back", "reverse mapping failed", ""),
        ("refused connect", r"refused connect from (?P<rhost>.*) \((?P<ip>[^()]+)\)$", "refused", "failure"),
    )
)  # fmt: skip
_BY_FIRST_WORD: dict[str, list[tuple[re.Pattern[str], str, str]]] = {}
for _beginning, _pattern, _action, _outcome in _SSHD:
    _BY_FIRST_WORD.setdefault(_beginning.split(" ")[0].rstrip(":"), []).append((_pattern, _action, _outcome))

_LEVELS = ("error: ", "fatal: ")


def read_sshd(message: str) -> Fields:
    """Read a message of OpenSSH's server: who tried to log on to which account, from where, how, and whether it worked.

    The account is ``user.target.name``; ``event.action`` is one of accepted, failed, invalid user, not allowed,
    postponed, partial, connection, bad handshake, timeout, refused, session, session closed and disconnect.
    """
    text = message
    for level in _LEVELS:
        text = text.removeprefix(level)
    for pattern, action, outcome in _BY_FIRST_WORD.get(text.partition(" ")[0].rstrip(":"), ()):
        found = pattern.match(text)
        if found is not None:
            return _of_sshd(found.groupdict(), action, outcome)
    return {}, {}


def _of_sshd(said: dict[str, str | None], action: str, outcome: str) -> Fields:
    native = {"action": action}
    common = {"event.action": action}
    if outcome:
        common["event.outcome"] = outcome
    native |= {name: value for name, value in said.items() if value and name not in {"ip", "invalid"}}
    if said.get("invalid"):
        native["invalid_user"] = "true"
    if user := said.get("user"):
        common["user.target.name"] = user.lower()
    if ip := said.get("ip"):
        native["src_ip"] = ip
        if address := address_in(ip):
            common["source.ip"] = address
    return native, common


_PAM = re.compile(r"(?:PAM |pam_)(\w+)\((?:([\w.@-]+):)?([\w-]+)\): (?P<text>.*)$", re.DOTALL)
_PAM_MORE = re.compile(r"PAM (\d+) more authentication failures?; ")
_PAM_FIELD = re.compile(r"\b(logname|uid|euid|tty|ruser|rhost|user)=(\S*)")
_PAM_OPENED = re.compile(r"session opened for user ([^\s(]+)(?:\(uid=\d+\))?(?: by ([^\s(]*)(?:\(uid=\d+\))?)?")
_PAM_CLOSED = re.compile(r"session closed for user (\S+)")
_PAM_USER = re.compile(r"(?:for user |user \[|user `|for )([^\s\]';(]+)")


def read_pam(message: str) -> Fields | None:
    """Read what a PAM module says on behalf of any program; None if none does."""
    found = _PAM.match(message)
    if found is None:
        more = _PAM_MORE.match(message)
        if more is None:
            return None
        native, common = _pam_failure(message)
        native["count"] = more[1]
        return native, common
    text = found["text"]
    service, kind = found[2] or found[3], found[3] if found[2] else ""
    own = {"pam_module": found[1], "pam_service": service} | ({"pam_type": kind} if kind else {})
    if "authentication failure" in text:
        native, common = _pam_failure(text)
        return own | native, common
    native, common = own | {"pam_message": text}, {}
    if opened := _PAM_OPENED.match(text):
        native["pam_message"] = "session opened"
        native["pam_user"] = opened[1]
        common = {"event.action": "session opened", "event.outcome": "success", "user.target.name": opened[1].lower()}
        if opened[2]:
            native["pam_ruser"] = opened[2]
            common["user.name"] = opened[2].lower()
    elif closed := _PAM_CLOSED.match(text):
        native["pam_message"] = "session closed"
        native["pam_user"] = closed[1]
        common = {"event.action": "session closed", "user.target.name": closed[1].lower()}
    elif user := _PAM_USER.search(text):
        native["pam_user"] = user[1]
        common = {"user.target.name": user[1].lower()}
        if text.startswith("password changed"):
            common["event.action"] = "password changed"
    return native, common


def _pam_failure(text: str) -> Fields:
    said = {name: value for name, value in _PAM_FIELD.findall(text) if value}
    native = {"pam_message": "authentication failure"} | {f"pam_{name}": value for name, value in said.items()}
    common = {"event.action": "authentication failure", "event.outcome": "failure"}
    if user := said.get("user"):
        common["user.target.name"] = user.lower()
    if logname := said.get("ruser") or said.get("logname"):
        common["user.name"] = logname.lower()
    if address := address_in(said.get("rhost", "")):
        common["source.ip"] = address
    return native, common


_SUDO = re.compile(r"\s*(\S+) : (.*)$", re.DOTALL)
_SUDO_FIELD = re.compile(r"(HOST|TTY|CHROOT|PWD|USER|GROUP|TSID|ENV)=(.*)$", re.DOTALL)


def read_sudo(message: str) -> Fields:
    """Read a command run, or not allowed, through sudo."""
    found = _SUDO.match(message)
    if found is None:
        return {}, {}
    user, rest = found.groups()
    native, common = {"user": user}, {"user.name": user.lower(), "event.action": "command"}
    before, mark, command = rest.partition("COMMAND=")
    reasons = []
    for part in before.split(" ; "):
        said = _SUDO_FIELD.match(part.strip())
        if said:
            native[said[1]] = said[2]
        elif part.strip():
            reasons.append(part.strip())
    reason = "; ".join(reasons)
    if reason and not reason.startswith("("):
        native["reason"] = reason
    if "USER" in native:
        common["user.target.name"] = native["USER"].lower()
    if mark:
        native["COMMAND"] = command
        common["process.command_line"] = command
        common["process.executable"] = command.partition(" ")[0]
    if mark or reason:
        common["event.outcome"] = "failure" if "reason" in native else "success"
    return native, common


_SU: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"Successful su for (?P<target>\S+) by (?P<user>\S+)"), "success"),
    (re.compile(r"FAILED su for (?P<target>\S+) by (?P<user>\S+)"), "failure"),
    (re.compile(r"FAILED SU \(to (?P<target>[^)]+)\) (?P<user>\S+) on (?P<tty>\S+)"), "failure"),
    (re.compile(r"\(to (?P<target>[^)]+)\) (?P<user>\S+) on (?P<tty>\S+)"), "success"),
    (re.compile(r"BAD SU (?P<user>\S+) to (?P<target>\S+) on (?P<tty>\S+)"), "failure"),
    (re.compile(r"\+ (?P<tty>\S+) (?P<user>[^:\s]+):(?P<target>\S+)$"), "success"),
    (re.compile(r"- (?P<tty>\S+) (?P<user>[^:\s]+):(?P<target>\S+)$"), "failure"),
    (re.compile(r"FAILED LOGIN (?:SESSION FROM|\(\d+\) on) '?(?P<tty>[^\s']+)'?(?: from '?(?P<rhost>[^\s']+)'?)? FOR '?(?P<target>[^\s',]*)'?"), "failure"),
    (re.compile(r"ROOT LOGIN +(?:ON|on) '?(?P<tty>[^\s']+)'?(?: FROM (?P<rhost>\S+))?"), "success"),
    (re.compile(r"LOGIN ON (?P<tty>\S+) BY (?P<target>\S+)(?: FROM (?P<rhost>\S+))?"), "success"),
    (re.compile(r"(?P<target>\S+) (?:is|was) authenticated"), "success"),
)  # fmt: skip


def read_su(message: str) -> Fields:
    """Read a message of su or login."""
    for pattern, outcome in _SU:
        found = pattern.match(message)
        if found is not None:
            native = {name: value for name, value in found.groupdict().items() if value}
            common = {"event.outcome": outcome, "event.action": "su" if "user" in native else "login"}
            if "user" in native:
                common["user.name"] = native["user"].lower()
            if target := native.get("target", "root" if message.startswith("ROOT") else ""):
                common["user.target.name"] = target.lower()
            if address := address_in(native.get("rhost", "")):
                common["source.ip"] = address
            return native, common
    return {}, {}


_CRON = re.compile(r"\(([^)]*)\) ([A-Z][A-Z ]+?) \((.*)\)?$", re.DOTALL)


def read_cron(message: str) -> Fields:
    """Read what cron ran, or what was done to a table of its."""
    found = _CRON.match(message)
    if found is None:
        return {}, {}
    user, action, what = found[1], found[2], found[3].removesuffix(")").strip()
    native, common = {"user": user, "action": action}, {"event.action": action}
    if user and not user.startswith("*") and user != "CRON":
        common["user.name"] = user.lower()
    if action == "CMD":
        native["command"] = common["process.command_line"] = what
    elif action in {"REPLACE", "LIST", "BEGIN EDIT", "END EDIT", "DELETE"}:
        native["target"] = what
        common["user.target.name"] = what.lower()
    return native, common


_PAIR = re.compile(r"(?:^|[\s,])(name|UID|GID|home|shell|from|gid|uid)=([^,\s]*)")
_QUOTED = re.compile(r"'([^']*)'")
_NAMED = re.compile(r"(?:for|user|account|group) ([^\s':,]+)")


def read_account_tool(message: str) -> Fields:
    """Read a message of useradd, usermod, groupadd, passwd and their like."""
    native = {name: value for name, value in _PAIR.findall(message) if value}
    quoted = _QUOTED.findall(message)
    account = native.get("name") or (quoted[0] if quoted else "")
    if not account and (named := _NAMED.search(message)):
        account = named[1]
    if len(quoted) > 1 and " group " in message:
        native["group"] = quoted[-1]
    action = re.split(r"[:'=]| for ", message, maxsplit=1)[0].strip()
    common = {"event.action": action, "event.outcome": "failure" if "fail" in message else "success"}
    if account:
        native["account"] = account
        common["user.target.name"] = account.lower()
    return native, common


_FTP: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r'(?:\[[^\]]*\] )*?\[(?P<user>[^\]]+)\] (?:OK|FAIL) LOGIN: Client "(?P<ip>[^"]+)"'), "login", ""),
    (re.compile(r'.*?CONNECT: Client "(?P<ip>[^"]+)"'), "connection", ""),
    (re.compile(r"\((?P<own>[^@]*)@(?P<ip>[^)\s]+)\) \[\w+\] Authentication failed for user \[(?P<user>.*)\]"), "login", "failure"),
    (re.compile(r"\((?P<own>[^@]*)@(?P<ip>[^)\s]+)\) \[\w+\] (?P<user>\S+) is now logged in"), "login", "success"),
    (re.compile(r"\((?P<user>[^@]*)@(?P<ip>[^)\s]+)\) \[\w+\] "), "", ""),
    (re.compile(r".* \([^\s\[]*\[(?P<ip>[^\]]+)\]\).* USER (?P<user>.*?): (?:Login successful|no such user|.*Login failed)"), "login", ""),
    (re.compile(r".*\(Login failed\): .*\[(?P<ip>[^\]]+)\]"), "login", "failure"),
)  # fmt: skip


def read_ftp(message: str) -> Fields:
    """Read a message of vsftpd, Pure-FTPd or ProFTPD."""
    message = message[:4000]
    for pattern, action, outcome in _FTP:
        found = pattern.match(message)
        if found is None:
            continue
        native = {name: value for name, value in found.groupdict().items() if value and name not in {"ip", "own"}}
        native["src_ip"] = found["ip"]
        common = {"event.action": action} if action else {}
        if action == "login":
            is_good = outcome == "success" or (not outcome and ("OK LOGIN" in message or "successful" in message))
            common["event.outcome"] = "success" if is_good else "failure"
        if (user := native.get("user", "?")) != "?":
            common["user.target.name"] = user.lower()
        if address := address_in(found["ip"]):
            common["source.ip"] = address
        return native, common
    return {}, {}
