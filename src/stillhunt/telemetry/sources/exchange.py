"""Exchange on an organisation's own servers: what clients asked for, what was sent, who opened whose mailbox.

- HttpProxy, and the EWS, ECP and OWA logs in the same form: every request to the server with account and address.
- Message tracking (``MSGTRK*.LOG``, and what ``Get-MessageTrackingLog`` exports): every message's way.
- IMAP and POP3 protocol logs: logons and commands; SMTP protocol logs: what was said to whom.
- Message trace of Exchange Online, as ``Get-MessageTrace`` and the admin center export it.
- RPC and MAPI client access: Outlook's sessions with mailboxes.
- ECP server logs: cmdlets that the web interface of administrators ran.
- Any other log below ``#Software: Microsoft Exchange`` with its own headings, as service of its ``#Log-type``.
- Mailbox audit (``Search-MailboxAuditLog``) and administrators' cmdlets (``Search-AdminAuditLog``), as CSV.

They lie below ``V15/Logging`` and ``V15/TransportRoles/Logs``. What they cannot show: what was in a message, reading
by the owner of a mailbox (audited only on request), and anything older than 30 days, which is when they are deleted.

Headings stand on top or after ``#Fields:``, and may change in the middle of a file. Native fields carry the log's own
names; requests also those of Sigma's category ``webserver``. Cmdlets are of ``msexchange-management``, as in the event
log; those of ECP are ``Cmdlet``, taken out of ``S:CMD=``. Times are UTC.

Reference: Microsoft, "Message tracking", "Protocol logging", "Mailbox audit logging in Exchange Server".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.address import ip_of
from stillhunt.telemetry.csv_records import CsvRecord, csv_records
from stillhunt.telemetry.encoding import encoding_of
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.instant import has_zone, read_instant
from stillhunt.telemetry.local_time import DateReader
from stillhunt.telemetry.source import LogFile, Source, peek
from stillhunt.telemetry.table import Row

__all__ = ["SOURCE"]

Cells = Mapping[str, str]
"""A record by its headings in lower case, without dashes."""

_LINES_LOOKED_AT = 12
_SESSION_NAMES = (
    *("dateTime", "sessionId", "seqNumber", "sIp", "cIp", "user", "duration", "rqsize", "rpsize"),
    *("command", "parameters", "context"),
)
_SESSION = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z,[0-9A-Fa-f]{16},\d+,[^,]*:\d+,[^,]*:\d+,")
"""A line of a protocol log of IMAP or POP3, of which some collectors drop the headings."""


class _Kind(NamedTuple):
    """One of the logs.

    Attributes:
        event_class: Of its events.
        headings: Those that tell it from others, lower case without dashes.
        clock: Headings of the time, the first that is there counts.
        common: Common columns of a record.
        more: Native fields beside the log's own.
    """

    event_class: EventClass
    headings: frozenset[str]
    clock: tuple[str, ...]
    common: Callable[[Cells], dict[str, str]]
    more: Callable[[Cells], dict[str, str]]


def _plain(heading: str) -> str:
    return heading.replace("-", "").replace(" ", "").lower()


def _no_more(_cells: Cells) -> dict[str, str]:
    return {}


# --- Requests --------------------------------------------------------------------------------------------------------


def _request(cells: Cells) -> dict[str, str]:
    status = cells.get("httpstatus", "") or cells.get("httpstatuscode", "")
    return {
        "host.name": cells.get("serverhostname", "").lower(),
        "source.ip": _client(cells.get("clientipaddress", "")),
        "user.name": account_name(_account(cells.get("authenticateduser", ""))),
        "event.action": cells.get("protocolaction", "") or cells.get("soapaction", "") or cells.get("action", ""),
        "event.outcome": "" if not status.isdecimal() else "failure" if int(status) >= 400 else "success",
        "url.path": cells.get("urlstem", "").partition("?")[0],
        "http.request.method": cells.get("method", ""),
        "http.response.status_code": status,
        "user_agent.original": cells.get("useragent", ""),
        "email.mailbox": _address(cells.get("anchormailbox", "")),
    }


def _web_names(cells: Cells) -> dict[str, str]:
    stem, query = cells.get("urlstem", ""), cells.get("urlquery", "").removeprefix("?")
    return {
        "cs-uri-stem": stem,
        "cs-uri-query": query,
        "cs-uri": f"{stem}?{query}" if query else stem,
        "cs-method": cells.get("method", ""),
        "cs-host": cells.get("urlhost", ""),
        "cs-username": cells.get("authenticateduser", ""),
        "cs-user-agent": cells.get("useragent", ""),
        "c-useragent": cells.get("useragent", ""),
        "c-ip": _client(cells.get("clientipaddress", "")),
        "sc-status": cells.get("httpstatus", "") or cells.get("httpstatuscode", ""),
    }


def _client(text: str) -> str:
    """Return the address of a client; a list of proxies names the client first."""
    return ip_of(text.partition(",")[0].strip())


def _account(text: str) -> str:
    return "" if text.lower() in {"unauthenticated", "anonymous", "-"} else text


_MAILBOX = re.compile(r"[\w.+'%=-]+@[\w.-]+")


def _address(text: str) -> str:
    """Return the mailbox in what names one: ``SMTP:a@b.c``, ``smtp~a@b.c``, a GUID with its domain is none."""
    found = _MAILBOX.search(text.rpartition(":")[2].rpartition("~")[2])
    return found[0].lower() if found else ""


# --- Messages --------------------------------------------------------------------------------------------------------


def _message(cells: Cells) -> dict[str, str]:
    recipients = cells.get("recipientaddress", "") or cells.get("recipients", "")
    first = recipients.replace("{", "").replace("}", "").split(";")[0].split(", ")[0]
    event = cells.get("eventid", "")
    return {
        "host.name": (cells.get("serverhostname", "") or cells.get("serverhost", "")).lower(),
        "source.ip": ip_of(cells.get("originalclientip", "")) or ip_of(cells.get("clientip", "")),
        "event.action": event.lower(),
        "event.outcome": "failure" if event.upper() in {"FAIL", "DROP", "BADMAIL"} else "success" if event else "",
        "email.sender.address": _address(cells.get("senderaddress", "") or cells.get("sender", "")),
        "email.subject": cells.get("messagesubject", ""),
        "email.message_id": cells.get("messageid", ""),
        "email.mailbox": _address(first),
    }


def _trace(cells: Cells) -> dict[str, str]:
    status = cells.get("status", "") or cells.get("recipient_status", "").rpartition("##")[2].partition(",")[0]
    recipient = cells.get("recipientaddress", "") or cells.get("recipient_status", "").partition("##")[0]
    failed = {"failed", "filteredasspam", "quarantined", "fail"}
    return {
        "source.ip": ip_of(cells.get("fromip", "") or cells.get("original_client_ip", "")),
        "event.action": status.strip().lower(),
        "event.outcome": ("failure" if status.strip().lower() in failed else "success") if status else "",
        "email.sender.address": _address(cells.get("senderaddress", "") or cells.get("sender_address", "")),
        "email.subject": cells.get("subject", "") or cells.get("message_subject", ""),
        "email.message_id": (cells.get("messageid", "") or cells.get("message_id", "")).strip("<>"),
        "email.mailbox": _address(recipient),
    }


# --- Sessions --------------------------------------------------------------------------------------------------------


def _session(cells: Cells) -> dict[str, str]:
    said = f"{cells.get('context', '')} {cells.get('parameters', '')}"
    command = cells.get("command", "").lower()
    is_logon = command in {"authenticate", "login", "pass", "auth", "apop"}
    failed = "AuthFailed" in said or "LogonFailed" in said or re.search(r'R="?"?\S* ?(?:NO|BAD|-ERR)\b', said)
    user = account_name(cells.get("user", ""))
    return {
        "source.ip": ip_of(cells.get("cip", "")),
        "destination.ip": ip_of(cells.get("sip", "")),
        "destination.port": cells.get("sip", "").rpartition(":")[2],
        "user.target.name" if is_logon else "user.name": user,
        "event.action": command,
        "event.outcome": ("failure" if failed else "success") if is_logon else "",
    }


_VERB = re.compile(r"(?:AUTH (?:LOGIN|NTLM|GSSAPI|PLAIN|XOAUTH2)|MAIL FROM:|RCPT TO:|DATA|EHLO|HELO)", re.IGNORECASE)


def _smtp(cells: Cells) -> dict[str, str]:
    said = cells.get("data", "")
    verb = _VERB.match(said) if cells.get("event") == "<" else None
    command = verb[0].rstrip(":").lower() if verb else ""
    return {
        "source.ip": ip_of(cells.get("remoteendpoint", "")),
        "destination.ip": ip_of(cells.get("localendpoint", "")),
        "destination.port": cells.get("localendpoint", "").rpartition(":")[2],
        "event.action": command,
        "email.sender.address": _address(said[10:]) if command == "mail from" else "",
        "email.mailbox": _address(said[8:]) if command == "rcpt to" else "",
        "event.outcome": _smtp_outcome(cells.get("event", ""), said),
    }


def _smtp_outcome(event: str, said: str) -> str:
    """Return whether somebody was let in: 235 after the right password, 535 after a wrong one (RFC 4954)."""
    return {"235": "success", "535": "failure"}.get(said[:3], "") if event == ">" else ""


_LEGACY = re.compile(r"^[0-9a-f]{32}-", re.IGNORECASE)
"""What newer versions put before the account, so that names are never used again."""


def _client_access(cells: Cells) -> dict[str, str]:
    # A mailbox by its legacy name: /o=Org/ou=Group/cn=Recipients/cn=1f3a-bob
    user = cells.get("clientname", "").rpartition("=")[2]
    software = (cells.get("clientsoftware", ""), cells.get("clientsoftwareversion", ""))
    status = cells.get("rpcstatus", "")
    return {
        "source.ip": ip_of(cells.get("clientip", "")),
        "destination.ip": ip_of(cells.get("serverip", "")),
        "user.name": account_name(_LEGACY.sub("", user)),
        "user_agent.original": " ".join(filter(None, software)),
        "event.action": cells.get("operation", ""),
        "event.outcome": "success" if status == "0" else "failure" if status else "",
    }


# --- Audit -----------------------------------------------------------------------------------------------------------


def _mailbox_access(cells: Cells) -> dict[str, str]:
    owner = cells.get("mailboxownerupn", "") or cells.get("mailboxresolvedownername", "")
    result = cells.get("operationresult", "").lower()
    return {
        "user.name": account_name(cells.get("logonuserdisplayname", "") or cells.get("logonusersid", "")),
        "user.target.name": account_name(owner),
        "source.ip": ip_of(cells.get("clientipaddress", "").strip("[]")),
        "host.name": cells.get("originatingserver", "").partition(" ")[0].lower(),
        "event.action": cells.get("operation", ""),
        "event.outcome": "success" if result == "succeeded" else "failure" if result else "",
        "email.mailbox": _address(owner),
        "email.subject": cells.get("itemsubject", "") or cells.get("sourceitemsubjectslist", ""),
        "user_agent.original": cells.get("clientinfostring", ""),
    }


def _cmdlet(cells: Cells) -> dict[str, str]:
    succeeded = cells.get("succeeded", "").lower()
    return {
        "user.name": account_name(cells.get("caller", "")),
        "host.name": cells.get("originatingserver", "").partition(" ")[0].lower(),
        "source.ip": ip_of(cells.get("clientip", "")),
        "event.action": cells.get("cmdletname", ""),
        "event.outcome": {"true": "success", "false": "failure"}.get(succeeded, ""),
        "email.mailbox": _address(cells.get("modifiedobjectresolvedname", "") or cells.get("objectmodified", "")),
    }


_WEB_CMDLET = re.compile(r"S:CMD=(?:Pipeline[.]\d+\|)?([A-Za-z]+-[A-Za-z]+)")


def _web_cmdlet(cells: Cells) -> dict[str, str]:
    return {
        "host.name": (cells.get("servername", "") or cells.get("serverhostname", "")).lower(),
        "event.action": _cmdlet_name(cells).get("Cmdlet", ""),
    }


def _cmdlet_name(cells: Cells) -> dict[str, str]:
    cmdlet = _WEB_CMDLET.search(",".join(cells.values()))
    return {"Cmdlet": cmdlet[1]} if cmdlet else {}


def _any(cells: Cells) -> dict[str, str]:
    """Fill what headings that several of Exchange's logs share say."""
    user = cells.get("authenticateduser", "") or cells.get("user", "") or cells.get("username", "")
    return {
        "host.name": (cells.get("serverhostname", "") or cells.get("servername", "")).lower(),
        "source.ip": _client(cells.get("clientipaddress", "") or cells.get("clientip", "") or cells.get("cip", "")),
        "user.name": account_name(_account(user)),
        "event.action": cells.get("action", "") or cells.get("operation", "") or cells.get("eventid", ""),
        "user_agent.original": cells.get("useragent", ""),
    }


def _of(product: str, service: str, *categories: str) -> EventClass:
    return EventClass(product=product, categories=frozenset(categories), services=frozenset({service}))


_KINDS = (
    _Kind(
        _of("exchange", "httpproxy", "webserver"),
        frozenset({"datetime", "requestid", "clientipaddress"}),
        ("datetime",),
        _request,
        _web_names,
    ),
    _Kind(
        _of("exchange", "ews"),
        frozenset({"datetime", "requestid", "authenticateduser"}),
        ("datetime",),
        _request,
        _no_more,
    ),
    _Kind(
        _of("exchange", "messagetracking"),
        frozenset({"datetime", "eventid", "messageid", "senderaddress"}),
        ("datetime",),
        _message,
        _no_more,
    ),
    _Kind(
        _of("exchange", "messagetracking"),
        frozenset({"timestamp", "eventid", "messageid", "sender", "recipients"}),
        ("timestamp",),
        _message,
        _no_more,
    ),
    _Kind(
        _of("exchange", "messagetracking"),
        frozenset({"received", "senderaddress", "recipientaddress", "messagetraceid"}),
        ("received",),
        _trace,
        _no_more,
    ),
    _Kind(
        _of("exchange", "messagetracking"),
        frozenset({"origin_timestamp_utc", "sender_address", "recipient_status"}),
        ("origin_timestamp_utc",),
        _trace,
        _no_more,
    ),
    _Kind(
        _of("exchange", "protocol"),
        frozenset({"datetime", "sessionid", "sip", "cip", "command"}),
        ("datetime",),
        _session,
        _no_more,
    ),
    _Kind(
        _of("exchange", "smtp"),
        frozenset({"datetime", "connectorid", "sessionid", "remoteendpoint", "event", "data"}),
        ("datetime",),
        _smtp,
        _no_more,
    ),
    _Kind(
        _of("exchange", "clientaccess"),
        frozenset({"datetime", "sessionid", "clientname", "clientip", "operation"}),
        ("datetime",),
        _client_access,
        _no_more,
    ),
    _Kind(
        _of("exchange", "mailboxaudit"),
        frozenset({"operation", "logontype", "mailboxguid"}),
        ("lastaccessed", "rundate", "createdtime"),
        _mailbox_access,
        _no_more,
    ),
    _Kind(
        _of("windows", "msexchange-management"),
        frozenset({"cmdletname", "cmdletparameters", "caller"}),
        ("rundate", "lastaccessed"),
        _cmdlet,
        _no_more,
    ),
)


def _kind_of(headings: Sequence[str]) -> _Kind | None:
    names = {_plain(heading.removeprefix("#Fields:")) for heading in headings}
    return next((kind for kind in _KINDS if kind.headings <= names), None)


# --- Reading ---------------------------------------------------------------------------------------------------------


def sniff(head: bytes) -> bool:
    """Tell by headings of one of the logs among the first lines, by its preamble, or by a line of a session."""
    lines = _first_lines(head)
    return any(_kind_of(_cells(line)) or _SESSION.match(line) for line in lines) or _by_preamble(lines) is not None


_CLOCKS = frozenset({"datetime", "timestamp"})


def _by_preamble(lines: Sequence[str]) -> _Kind | None:
    """Return the kind of a log that Exchange itself begins with its name and headings; None if it is none of its."""
    software = next((line for line in lines if line.startswith("#Software:")), "")
    log_type = next((line for line in lines if line.startswith("#Log-type:")), "")
    headings = next((line for line in lines if line.startswith("#Fields:")), "")
    clock = _plain(_cells(headings.removeprefix("#Fields:"))[0])
    if "Microsoft Exchange" not in software or clock not in _CLOCKS:
        return None
    said = log_type.partition(":")[2].strip().lower()
    if said.startswith("ecp server"):
        return _Kind(_of("windows", "msexchange-management"), frozenset(), (clock,), _web_cmdlet, _cmdlet_name)
    service = "".join(letter for letter in said.removesuffix("logs").removesuffix("log") if letter.isalnum())
    return _Kind(_of("exchange", service or "other"), frozenset(), (clock,), _any, _no_more)


def _first_lines(head: bytes) -> list[str]:
    text = head[: 1 << 14].decode(encoding_of(head), "replace").lstrip("\ufeff")
    return text.replace("\x00", "").split("\n")[:_LINES_LOOKED_AT]


def _cells(line: str) -> list[str]:
    return [cell.strip().strip('"') for cell in line.strip().split(",")]


def read(log: LogFile) -> Iterator[tuple[EventClass, Row]]:
    """Yield every record; what stands above all headings is counted."""
    lines = _first_lines(peek(log.stream))
    is_known = any(_kind_of(_cells(line)) for line in lines)
    other = None if is_known else _by_preamble(lines)
    names = () if is_known or other else _SESSION_NAMES
    kind: _Kind | None = other or _kind_of(names)
    dates = _dates(peek(log.stream))

    def is_heading(cells: Sequence[str]) -> bool:
        nonlocal kind
        found = _kind_of(cells)
        if found is None and other is not None and cells and _plain(cells[0]) in _CLOCKS:
            found = other
        kind = found or kind
        return found is not None

    for record in csv_records(log, is_heading=is_heading, comment="#", names=names):
        if kind is not None:
            yield _event(log, record, kind, dates)


def _dates(head: bytes) -> DateReader:
    """Learn from the beginning of a log in which order its dates are written."""
    dates = DateReader()
    for cells in csv.reader(head.decode(encoding_of(head), "replace").replace("\x00", "").splitlines()):
        for cell in cells:
            dates.learn(cell)
    dates.decide(is_english=True)
    return dates


def _event(log: LogFile, record: CsvRecord, kind: _Kind, dates: DateReader) -> tuple[EventClass, Row]:
    cells = {_plain(name): cell.strip() for name, cell in record.cells.items()}
    clock = next((name for name in kind.clock if cells.get(name)), "")
    said = cells.get(clock, "")
    at = read_instant(said)
    if at is None:
        # Shells write the dates of exported objects as their user's country does.
        local = dates.read(said)
        at = None if local is None else log.utc(local)
    elif not has_zone(said):
        at = log.utc(at.replace(tzinfo=None))
    common = kind.common(cells)
    more = kind.more(cells)
    return kind.event_class, Row(
        at=at,
        clock=next((name for name in record.cells if _plain(name) == clock), clock),
        file=log.name,
        record=record.number,
        original=record.text,
        common={column: value for column, value in common.items() if value},
        native={
            **{name: value for name, value in more.items() if value},
            **{name: cell for name, cell in record.cells.items() if name},
        },
    )


SOURCE = Source(title="Exchange Server logs and audit exports (CSV)", sniff=sniff, read=read)
