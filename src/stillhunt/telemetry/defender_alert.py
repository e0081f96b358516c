"""Alerts of Microsoft's Defenders in all the forms they are exported in, each with the same fields.

Known: Microsoft Graph ``security/alerts_v2`` and ``security/alerts``, the interfaces of Defender for Endpoint and of
its SIEM connector, ``SecurityAlert`` of Sentinel, ``AlertInfo`` and ``AlertEvidence`` of advanced hunting, and the
portal's CSV of the alerts queue. Whatever the form, these native fields stand beside the log's own, under the names
that Graph's ``alerts_v2`` has for them: ``title``, ``category``, ``severity`` (lower case), ``serviceSource``,
``detectionSource``, ``mitreTechniques`` (ids), ``threatDisplayName``; and ``Severity``, ``AlertName``. They are of the
service ``alert`` of the product ``defender``; those of Defender for Cloud Apps of ``m365``, where Sigma's rules look.

Reference: Microsoft Graph, resource types alert (v1 and v2); Microsoft Sentinel, SecurityAlert.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from stillhunt.telemetry.account import account_name, qualified
from stillhunt.telemetry.address import ip_of
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.json_records import decode_json, text_at

__all__ = ["ALERT_TIMES", "alert", "is_alert"]

Record = Mapping[str, Any]

_Words = dict[str, str]

ALERT_TIMES = (
    *("firstActivityDateTime", "eventDateTime", "firstEventTime", "StartTime", "StartTimeUtc", "FirstActivity"),
    *("firstActivity", "Timestamp", "AlertTime", "createdDateTime", "alertCreationTime", "creationTime"),
    *("TimeGenerated", "time"),
)
"""Fields of the time, the first that is there counts: what was done counts, not when it was noticed."""

_FIRST_OF = {
    "title": ("title", "Title", "AlertTitle", "DisplayName", "AlertName", "AlertDisplayName", "Alertname", "alertName"),
    "category": ("category", "Category", "Categories", "Tactics", "AlertType"),
    "severity": ("severity", "Severity", "AlertSeverity"),
    "serviceSource": ("serviceSource", "ServiceSource", "ProductName", "ProviderName", "Source"),
    "detectionSource": ("detectionSource", "DetectionSource", "Detectionsource"),
    "threatDisplayName": ("threatDisplayName", "ThreatName", "threatName", "threatFamilyName", "ThreatFamily"),
    "id": ("id", "AlertId", "alertId", "SystemAlertId"),
}
_TECHNIQUES = ("mitreTechniques", "Techniques", "AttackTechniques", "SubTechniques")
_TECHNIQUE = re.compile(r"\bT\d{4}(?:\.\d{3})?\b")

_SHAPES = (
    frozenset({"title", "severity", "detectionSource", "createdDateTime"}),
    frozenset({"title", "severity", "serviceSource", "createdDateTime"}),
    frozenset({"title", "severity", "vendorInformation"}),
    frozenset({"title", "severity", "alertCreationTime"}),
    frozenset({"title", "severity", "detectionSource", "creationTime"}),
    frozenset({"AlertTitle", "AlertTime", "Severity"}),
    frozenset({"AlertName", "AlertSeverity"}),
    frozenset({"AlertName", "Severity", "ProductName"}),
    frozenset({"AlertId", "Title", "Severity", "ServiceSource"}),
    frozenset({"DisplayName", "AlertSeverity"}),
    frozenset({"AlertId", "ServiceSource", "DetectionSource"}),
    frozenset({"AlertId", "EntityType", "EvidenceRole"}),
    frozenset({"Alertname", "Severity", "Detectionsource"}),
    frozenset({"Alertname", "Severity", "Category"}),
)


def is_alert(names: Record) -> bool:
    """Tell by the names of a record, or of columns, whether it is an alert."""
    return any(shape <= names.keys() for shape in _SHAPES)


def alert(record: Record) -> tuple[EventClass, _Words, _Words]:
    """Return the class of an alert, its fields that are the same in every form, and its common columns.

    Args:
        record: The decoded record, without what it was wrapped in.
    """
    words = {name: _first(record, names) for name, names in _FIRST_OF.items()}
    words["category"] = words["category"].replace(" ", "")
    words["severity"] = words["severity"].lower()
    words |= {"Severity": words["severity"], "AlertName": words["title"], "alert.signature": words["title"]}
    words["mitreTechniques"] = ", ".join(_techniques(record))
    found = _Found()
    for look in _LOOKS:
        look(record, found)
    common = {
        "event.action": words["title"],
        "host.name": found.text["host"].lower().rstrip("."),
        "user.target.name": account_name(found.text["user"]),
        "source.ip": ip_of(found.text["ip"]),
        "destination.domain": found.text["domain"].lower(),
        "file.path": found.text["file"],
        "file.hash.sha256": found.text["sha256"].lower(),
        "process.command_line": found.text["command"],
        "process.executable": found.text["image"],
        "email.sender.address": found.text["sender"].lower(),
        "email.subject": found.text["subject"],
        "email.mailbox": found.text["mailbox"].lower(),
        "email.message_id": found.text["message"].strip("<>"),
        "cloud.account.id": _first(
            record, ("tenantId", "azureTenantId", "aadTenantId", "TenantId", "AadTenantId")
        ).lower(),
    }
    is_virus = words["detectionSource"].lower().replace(" ", "") in _ANTIVIRUS
    is_cloud_app = words["serviceSource"].lower().replace(" ", "") in _CLOUD_APPS
    if is_virus:
        words |= {"Signature": words["threatDisplayName"] or words["title"], "Filename": found.text["file"]}
    if is_cloud_app:
        # As the unified audit log has the same alerts, which is where Sigma's rules look for them.
        words |= {"eventSource": "SecurityComplianceCenter", "eventName": words["title"], "status": "success"}
    return _event_class(is_virus, is_cloud_app), words, common


_ANTIVIRUS = frozenset({"antivirus", "windowsdefenderav", "microsoftdefenderantivirus", "microsoftdefenderav"})
_CLOUD_APPS = frozenset(
    {"microsoftdefenderforcloudapps", "microsoftcloudappsecurity", "mcas", "microsoftappgovernance"}
)


@cache
def _event_class(is_virus: bool, is_cloud_app: bool) -> EventClass:  # noqa: FBT001 - cached, both by position
    services = {"threat_management", "threat_detection"} if is_cloud_app else {"alert"}
    return EventClass(
        product="m365" if is_cloud_app else "defender",
        categories=frozenset({"antivirus"} if is_virus else ()),
        services=frozenset(services),
    )


def _first(record: Record, names: tuple[str, ...]) -> str:
    for name in names:
        value = record.get(name)
        if isinstance(value, str) and value[:1] == "[":
            value = _decoded(value)
        if isinstance(value, list):
            value = ", ".join(item for item in value if isinstance(item, str))
        if text := text_at({"": value}, ""):
            return text
    if names is _FIRST_OF["serviceSource"]:
        return text_at(record, "vendorInformation", "provider")
    return ""


def _decoded(text: str) -> object:
    try:
        return decode_json(text)
    except (ValueError, RecursionError):
        return text


def _techniques(record: Record) -> list[str]:
    said = " ".join(_first(record, (name,)) for name in _TECHNIQUES)
    return list(dict.fromkeys(_TECHNIQUE.findall(said)))


# --- What it is about ------------------------------------------------------------------------------------------------

_KEYS = (
    *("host", "user", "ip", "domain", "file", "sha256", "command", "image"),
    *("sender", "subject", "mailbox", "message"),
)


class _Found:
    """The first of each kind of thing that an alert names."""

    def __init__(self) -> None:
        self.text: dict[str, str] = dict.fromkeys(_KEYS, "")

    def add(self, **found: str) -> None:
        """Take what is not known yet."""
        for key, text in found.items():
            self.text[key] = self.text[key] or text


def _objects(record: Record, name: str) -> Iterator[Record]:
    held = record.get(name)
    if isinstance(held, str):
        held = _decoded(held) if held[:1] in {"[", "{"} else None
    for item in held if isinstance(held, list) else [held]:
        if isinstance(item, dict):
            yield item


def _account(held: object) -> str:
    name = text_at(held, "userPrincipalName") or text_at(held, "UserPrincipalName")
    if name:
        return name
    name, suffix = text_at(held, "accountName") or text_at(held, "Name"), text_at(held, "UPNSuffix")
    return (
        f"{name}@{suffix}"
        if name and suffix
        else qualified(text_at(held, "domainName") or text_at(held, "NTDomain"), name)
    )


def _file(held: object) -> dict[str, str]:
    folder = text_at(held, "filePath") or text_at(held, "path") or text_at(held, "Directory")
    name = text_at(held, "fileName") or text_at(held, "name") or text_at(held, "Name")
    separator = "/" if "/" in folder else "\\"
    is_whole = not folder or not name or folder.lower().endswith(f"{separator}{name.lower()}")
    path = folder or name if is_whole else f"{folder.rstrip(separator)}{separator}{name}"
    return {"path": path, "sha256": text_at(held, "sha256") or _sha256(held)}


def _sha256(held: object) -> str:
    if not isinstance(held, dict):
        return ""
    one = held.get("fileHash")
    if text_at(one, "hashType").lower() == "sha256":
        return text_at(one, "hashValue")
    hashes = (item for item in _objects(held, "FileHashes") if text_at(item, "Algorithm").upper() == "SHA256")
    return next((text_at(item, "Value") for item in hashes), "")


def _graph_evidence(record: Record, found: _Found) -> None:
    for item in _objects(record, "evidence"):
        host = text_at(item, "deviceDnsName") or text_at(item, "hostName")
        found.add(host=host, user=_account(item.get("userAccount")) or _account(item))
        found.add(ip=text_at(item, "ipAddress"), domain=_domain(text_at(item, "url") or text_at(item, "domainName")))
        image, file = _file(item.get("imageFile")), _file(item.get("fileDetails"))
        found.add(image=image["path"], command=text_at(item, "processCommandLine"))
        found.add(file=file["path"] or image["path"], sha256=file["sha256"] or image["sha256"])
        if text_at(item, "entityType") in {"File", "Process"}:
            found.add(file=_file(item)["path"], sha256=text_at(item, "sha256"))
        found.add(sender=text_at(item, "p1Sender", "emailAddress") or text_at(item, "p2Sender", "emailAddress"))
        found.add(subject=text_at(item, "subject"), message=text_at(item, "internetMessageId"))
        found.add(mailbox=text_at(item, "recipientEmailAddress") or text_at(item, "primaryAddress"))


def _endpoint(record: Record, found: _Found) -> None:
    found.add(host=text_at(record, "computerDnsName") or text_at(record, "ComputerDnsName"))
    user = record.get("relatedUser")
    found.add(user=qualified(text_at(user, "domainName"), text_at(user, "userName")) or text_at(record, "UserName"))
    for device in _objects(record, "devices"):
        found.add(host=text_at(device, "deviceDnsName"))
    for item in _objects(record, "entities"):
        found.add(user=_account(item), ip=text_at(item, "ipAddress"), domain=_domain(text_at(item, "url")))
        found.add(file=_file(item)["path"], sha256=text_at(item, "sha256"), command=text_at(item, "processCommandLine"))
    found.add(ip=text_at(record, "IpAddress"), domain=_domain(text_at(record, "Url")))
    if text_at(record, "FileName") and "AlertTitle" in record:
        path = _file({"filePath": text_at(record, "FilePath"), "fileName": text_at(record, "FileName")})["path"]
        found.add(file=path, sha256=text_at(record, "Sha256"))


def _graph_states(record: Record, found: _Found) -> None:
    for item in _objects(record, "hostStates"):
        found.add(host=text_at(item, "fqdn") or text_at(item, "netBiosName"))
    for item in _objects(record, "userStates"):
        found.add(user=_account(item), ip=text_at(item, "logonIp"))
    for item in _objects(record, "fileStates"):
        found.add(file=_file(item)["path"], sha256=_sha256(item))
    for item in _objects(record, "processes"):
        found.add(image=_file(item)["path"], command=text_at(item, "commandLine"))
    for item in _objects(record, "networkConnections"):
        found.add(ip=text_at(item, "sourceAddress"), domain=text_at(item, "destinationDomain"))


def _sentinel(record: Record, found: _Found) -> None:
    for item in _objects(record, "Entities"):
        kind = text_at(item, "Type").lower()
        if kind == "host":
            name, domain = text_at(item, "HostName"), text_at(item, "DnsDomain")
            found.add(host=f"{name}.{domain}" if name and domain else name)
        elif kind == "account":
            found.add(user=_account(item))
        elif kind == "ip":
            found.add(ip=text_at(item, "Address"))
        elif kind == "file":
            found.add(file=_file(item)["path"], sha256=_sha256(item))
        elif kind == "process":
            found.add(command=text_at(item, "CommandLine"))
        elif kind in {"url", "dns", "dnsresolution"}:
            found.add(domain=_domain(text_at(item, "Url") or text_at(item, "DomainName")))
        elif kind == "mailbox":
            found.add(mailbox=text_at(item, "MailboxPrimaryAddress"))
        elif kind == "mailmessage":
            found.add(sender=text_at(item, "Sender"), subject=text_at(item, "Subject"), ip=text_at(item, "SenderIP"))
            found.add(mailbox=text_at(item, "Recipient"), message=text_at(item, "InternetMessageId"))


def _hunted(record: Record, found: _Found) -> None:
    """Look into a row of ``AlertEvidence``, whose host may be nowhere but in the objects it keeps as text."""
    if "EntityType" not in record:
        return
    more = next(_objects(record, "AdditionalFields"), {})
    held = [
        more.get("Host"),
        more.get("ImageFile", {}).get("Host") if isinstance(more.get("ImageFile"), dict) else None,
    ]
    found.add(host=text_at(record, "DeviceName"))
    for host in (more, *held):
        name, domain = text_at(host, "HostName"), text_at(host, "DnsDomain")
        found.add(host=f"{name}.{domain}" if name and domain else name)
    upn = text_at(record, "AccountUpn")
    found.add(user=upn or qualified(text_at(record, "AccountDomain"), text_at(record, "AccountName")))
    found.add(user=_account(more.get("Account")), ip=text_at(record, "RemoteIP"))
    found.add(domain=_domain(text_at(record, "RemoteUrl")), subject=text_at(record, "EmailSubject"))
    file = _file({"filePath": text_at(record, "FolderPath"), "fileName": text_at(record, "FileName")})
    found.add(file=file["path"], sha256=text_at(record, "SHA256"), command=text_at(record, "ProcessCommandLine"))


_LOOKS: tuple[Callable[[Record, _Found], None], ...] = (_graph_evidence, _endpoint, _graph_states, _sentinel, _hunted)


def _domain(url: str) -> str:
    host = url.partition("://")[2] or url
    host = re.split(r"[/:?#]", host.rpartition("@")[2], maxsplit=1)[0]
    return "" if ip_of(host) else host
