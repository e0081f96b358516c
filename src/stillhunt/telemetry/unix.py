"""Messages of Unix programs: which Sigma log source they satisfy, and what they say.

The one place where syslog, journald and what collectors make of them meet: all of them name a program and give its
message. Classes follow Sigma's services for Linux: ``auth`` for what ends up in auth.log or secure (by program, or by
facility auth and authpriv), the program's own service where Sigma has one, ``syslog`` for everything else. Mail
servers have services of their own name; what a web server logs here is a request like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from stillhunt.telemetry.audit import AuditEvents, has_audit_record, read_audit_record
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.sysmon_xml import read_sysmon_event
from stillhunt.telemetry.unix_auth import (
    Fields,
    read_account_tool,
    read_cron,
    read_ftp,
    read_pam,
    read_sshd,
    read_su,
    read_sudo,
)
from stillhunt.telemetry.unix_firewall import read_firewall
from stillhunt.telemetry.unix_mail import read_dovecot, read_exim, read_postfix
from stillhunt.telemetry.unix_vpn import read_vpn
from stillhunt.telemetry.weblog import read_web_line

__all__ = ["FACILITIES", "SEVERITIES", "Said", "program_name", "read_message", "service_class"]

FACILITIES = tuple(
    "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp security console solaris-cron "  # noqa: SIM905  # reads better
    "local0 local1 local2 local3 local4 local5 local6 local7".split()
)
SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
"""By their numbers; source: RFC 5424, 6.2.1, in the spelling of syslog.conf."""

_ACCOUNT_TOOLS = frozenset(
    "useradd userdel usermod groupadd groupdel groupmod gpasswd passwd chpasswd chgpasswd chage chfn chsh newusers "  # noqa: SIM905  # reads better
    "adduser deluser addgroup delgroup vipw pw".split()
)
_AUTH = _ACCOUNT_TOOLS | frozenset(
    "sshd dropbear su sudo doas login runuser pkexec polkitd polkit-agent-helper-1 systemd-logind unix_chkpwd "  # noqa: SIM905  # reads better
    "gdm gdm-password gdm-session-worker lightdm sddm kdm xdm sssd sssd_pam winbindd realmd passwdqc groupmems "
    "xrdp-sesman realm remote rlogind rshd telnetd in.telnetd".split()
)
_SERVICES: dict[str, frozenset[str]] = {
    "sshd": frozenset({"sshd", "auth"}),
    "sudo": frozenset({"sudo", "auth"}),
    "cron": frozenset({"cron", "syslog"}),
    "vsftpd": frozenset({"vsftpd", "syslog"}),
    "clamav": frozenset({"clamav", "syslog"}),
    "guacamole": frozenset({"guacamole", "syslog"}),
    "auditd": frozenset({"auditd"}),
    "postfix": frozenset({"postfix", "syslog"}),
    "dovecot": frozenset({"dovecot", "syslog"}),
    "exim": frozenset({"exim", "syslog"}),
}
_FAMILIES = {
    "sshd-session": "sshd",
    "sshd-auth": "sshd",
    "ssh": "sshd",
    "crond": "cron",
    "crontab": "cron",
    "anacron": "cron",
    "fcron": "cron",
    "cronie": "cron",
    "atd": "cron",
    "clamd": "clamav",
    "clamscan": "clamav",
    "clamdscan": "clamav",
    "clamonacc": "clamav",
    "freshclam": "clamav",
    "clamav-daemon": "clamav",
    "clamav-milter": "clamav",
    "clamav-freshclam": "clamav",
    "guacd": "guacamole",
    "guacamole-client": "guacamole",
    "audispd": "auditd",
    "audisp-syslog": "auditd",
    "audit": "auditd",
    "auoms": "auditd",
    "exim4": "exim",
    "apache2": "apache",
    "httpd": "apache",
    "httpd24": "apache",
    "pure-ftpd": "ftp",
    "proftpd": "ftp",
    "login.krb5": "login",
}
"""Program to the family that is read and classed like it."""

_AUTH_FACILITIES = frozenset({"auth", "authpriv", "security"})


@dataclass(frozen=True, slots=True)
class Said:
    """What a message says.

    Attributes:
        event_class: What it is.
        native: Its fields, decoded; without the message itself.
        common: Fields under ECS names.
        at: The time that the message itself gives, where it is a record of its own.
    """

    event_class: EventClass
    native: dict[str, str] = field(default_factory=dict)
    common: dict[str, str] = field(default_factory=dict)
    at: datetime | None = None


@lru_cache(maxsize=8192)
def program_name(logged: str) -> tuple[str, str]:
    """Return the family of a program as logged, lower case, and its part where it is one of many.

    >>> program_name("CRON"), program_name("/usr/sbin/sshd-session"), program_name("postfix/smtps/smtpd")
    (('cron', ''), ('sshd', ''), ('postfix', 'smtps/smtpd'))
    """
    name = logged.lower().strip("()[]<>")
    if name.startswith("/"):
        name = name.rpartition("/")[2]
    family, slash, part = name.partition("/")
    if slash and family.startswith("postfix"):
        return "postfix", part
    name = family if slash else name
    name = name.partition("(")[0].removesuffix(".service")
    return _FAMILIES.get(name, name), part


@lru_cache(maxsize=8192)
def service_class(family: str, facility: str) -> EventClass:
    """Return the class of a program's messages by the facility they came through, empty if that is not known."""
    services = _SERVICES.get(family)
    if services is None:
        is_auth = family in _AUTH or facility in _AUTH_FACILITIES
        services = frozenset({"auth"}) if is_auth else frozenset({"syslog"})
    elif facility in _AUTH_FACILITIES:
        services = (services - {"syslog"}) | {"auth"}
    return EventClass(product="linux", services=services)


_REPEATED = re.compile(r"message repeated (\d+) times: \[ ?(.*?)\]?$", re.DOTALL)
_UNIT = re.compile(
    r"(?:(?P<action>Started|Starting|Stopped|Stopping|Reloaded|Reloading|Failed to start) (?P<what>.+?)\.*$)"
    r"|(?:(?P<unit>\S+\.(?:service|socket|timer|mount|scope|path|target)): )"
)
_SESSION = re.compile(r"New session (?P<session>\S+) of user (?P<user>.+?)\.?$")
_PKEXEC = re.compile(r"(?P<user>\S+): (?P<text>.*?)(?P<fields>(?: \[[A-Z]+=.*)?)$", re.DOTALL)
_PKEXEC_FIELD = re.compile(r"\[([A-Z]+)=(.*?)\](?= \[[A-Z]+=|$)")
_LONGEST_DECODED = 64_000
"""Characters of a message that are looked at; the whole of it is kept."""


def read_message(program: str, message: str, facility: str = "") -> Said:
    """Read the message of a program.

    Args:
        program: Its name as logged, also with a path or as ``postfix/smtpd``.
        message: What it says.
        facility: Through which facility, empty if that is not known.
    """
    family, part = program_name(program)
    text = message if len(message) <= _LONGEST_DECODED else message[:_LONGEST_DECODED]
    if "<Event" in text and (event := read_sysmon_event(text)):
        return Said(event.event_class, event.native, event.common, event.at)
    if family in {"auditd", "kernel"} and has_audit_record(text):
        return _of_audit(text)
    if family in {"nginx", "apache"}:
        found = read_web_line(text, server=family, product="linux")
        if found:
            return Said(found[0], found[1].native, found[1].common)
    event_class = service_class(family, facility)
    native: dict[str, str] = {}
    if text.startswith("message repeated ") and (repeated := _REPEATED.match(text)):
        native["count"] = repeated[1]
        text = repeated[2]
    pam = read_pam(text) if text.startswith(("pam_", "PAM ")) else None
    if pam is not None:
        if "auth" not in event_class.services:
            event_class = service_class(family, "authpriv")
        own, common = pam
    elif family == "postfix":
        own, common = read_postfix(part, text)
    elif wall := read_firewall(program, text):
        return Said(*wall)
    elif reader := _READERS.get(family):
        own, common = reader(text)
    elif found_vpn := read_vpn(program, text):
        return Said(*found_vpn)
    else:
        return Said(event_class, native)
    return Said(event_class, {**own, **native}, common)


def _of_audit(text: str) -> Said:
    events = AuditEvents()
    record = read_audit_record(text)
    if record is not None:
        told = [*events.add(record), *events.rest()]
        if told:
            return Said(told[0].event_class, told[0].record.native, told[0].common, told[0].record.at)
    return Said(service_class("auditd", ""))


def _read_systemd(text: str) -> Fields:
    found = _UNIT.match(text)
    if found is None:
        return {}, {}
    if found["unit"]:
        return {"unit": found["unit"]}, {"service.name": found["unit"]}
    unit, dash, _ = found["what"].partition(" - ")
    common = {"event.action": found["action"]}
    if dash or unit.endswith((".service", ".socket", ".timer")):
        return {"unit": unit, "action": found["action"]}, common | {"service.name": unit}
    return {"unit": found["what"], "action": found["action"]}, common


def _read_logind(text: str) -> Fields:
    found = _SESSION.match(text)
    if found is None:
        return {}, {}
    common = {"event.action": "session opened", "event.outcome": "success", "user.target.name": found["user"].lower()}
    return {"session": found["session"], "user": found["user"]}, common


def _read_pkexec(text: str) -> Fields:
    found = _PKEXEC.match(text)
    if found is None:
        return {}, {}
    native = {"user": found["user"]} | dict(_PKEXEC_FIELD.findall(found["fields"].strip()))
    common = {"user.name": found["user"].lower()}
    if "USER" in native:
        common["user.target.name"] = native["USER"].lower()
    if "COMMAND" in native:
        common["process.command_line"] = native["COMMAND"]
    is_command = found["text"].startswith("Executing command")
    return native, common | {"event.action": "command", "event.outcome": "success" if is_command else "failure"}


_READERS: dict[str, Callable[[str], Fields]] = {
    "sshd": read_sshd,
    "sudo": read_sudo,
    "su": read_su,
    "login": read_su,
    "cron": read_cron,
    "vsftpd": read_ftp,
    "ftp": read_ftp,
    "dovecot": read_dovecot,
    "exim": read_exim,
    "systemd": _read_systemd,
    "systemd-logind": _read_logind,
    "pkexec": _read_pkexec,
    **dict.fromkeys(_ACCOUNT_TOOLS, read_account_tool),
}
