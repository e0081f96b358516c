r"""Rendered messages of Windows events, in English, back to the fields they were made of.

Exports of the Event Viewer keep the message only. Rules speak the fields, so those of well-known events are read out
of it, under the names the event itself gives them. Texts of other languages stay messages.

A message names values by a section and a name (``Subject:`` and below it ``Account Name:``); the tables say what
they are called in the event. What the message shows in words although the event has a code (``Yes`` for ``%%1842``,
``SYSTEM`` for ``S-1-5-18``) gets its code back where there is only one.

Source: Microsoft, Windows security audit events (the texts of each event); Sysmon's manifest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

__all__ = ["Fields", "fields_of_message"]

Fields = dict[str, "str | list[str]"]
"""Names of EventData or UserData to their values; ``Data`` to the list of unnamed ones."""

_AUDITING, _SYSMON = "microsoft-windows-security-auditing", "microsoft-windows-sysmon"


def fields_of_message(provider: str, event_id: str, message: str) -> Fields:
    r"""Return the fields of an event that its English message shows; none if it is not known.

    >>> fields_of_message("Service Control Manager", "7036", "The Spooler service entered the stopped state.")
    {'param1': 'Spooler', 'param2': 'stopped'}

    Args:
        provider: Provider name.
        event_id: Event id as text.
        message: The message as rendered.
    """
    name = provider.lower()
    text = message.replace("\r\n", "\n").replace("\u200e", "").replace("\u200f", "")
    if name == _SYSMON:
        return _sysmon(text)
    if name == _AUDITING:
        return _audit(event_id, text)
    read = _OTHERS.get((name, event_id))
    return read(text) if read is not None else {}


# --- Sysmon ------------------------------------------------------------------------------------------------------

_SYSMON_WORDS = """
    Archived CallTrace ClientInfo CommandLine Company Configuration ConfigurationFileHash Consumer Contents
    CreationUtcTime CurrentDirectory Description Destination DestinationHostname DestinationIp DestinationIsIpv6
    DestinationPort DestinationPortName Details Device EventNamespace EventType FileVersion Filter GrantedAccess Hash
    Hashes ID Image ImageLoaded Initiated IntegrityLevel IsExecutable LogonGuid LogonId Name NewName NewThreadId
    Operation OriginalFileName ParentCommandLine ParentImage ParentProcessGuid ParentProcessId ParentUser PipeName
    PreviousCreationUtcTime ProcessGuid ProcessId Product Protocol Query QueryName QueryResults QueryStatus RuleName
    SchemaVersion Session Signature SignatureStatus Signed SourceHostname SourceImage SourceIp SourceIsIpv6 SourcePort
    SourcePortName SourceProcessGUID SourceProcessGuid SourceProcessId SourceThreadId SourceUser StartAddress
    StartFunction StartModule State TargetFilename TargetImage TargetObject TargetProcessGUID TargetProcessGuid
    TargetProcessId TargetUser TerminalSessionId Type User UtcTime Version
"""
_SYSMON_NAMES = frozenset(_SYSMON_WORDS.split())
_NAME_VALUE = re.compile(r"([A-Za-z]+):[ \t]?(.*)", re.DOTALL)


def _sysmon(text: str) -> Fields:
    """Read ``Name: value`` lines; a line that begins with no name of Sysmon goes on with the value before it."""
    found: Fields = {}
    last = ""
    for line in text.split("\n")[1:]:
        pair = _NAME_VALUE.match(line)
        if pair is not None and pair[1] in _SYSMON_NAMES and pair[1] not in found:
            last = pair[1]
            found[last] = pair[2].rstrip()
        elif last and line.strip():
            found[last] = f"{found[last]}\n{line.rstrip()}"
    return found


# --- Security ----------------------------------------------------------------------------------------------------

_Names = Mapping[tuple[str, str], str]
"""(section, name), or ("", name) for a name that is clear without its section, to the field."""


def _account(section: str, prefix: str, *, logon: str = "Logon ID") -> dict[tuple[str, str], str]:
    return {
        (section, "Security ID"): f"{prefix}Sid" if prefix in {"Target", "Member"} else f"{prefix}UserSid",
        (section, "Account Name"): f"{prefix}UserName",
        (section, "Account Domain"): f"{prefix}DomainName",
        (section, logon): f"{prefix}LogonId",
    }


_SUBJECT = _account("Subject", "Subject") | {("Subject", "Domain Name"): "SubjectDomainName"}
_PROCESS = {
    ("Process Information", "Process ID"): "ProcessId",
    ("Process Information", "Process Name"): "ProcessName",
    ("Process", "Process ID"): "ProcessId",
    ("Process", "Process Name"): "ProcessName",
}
_LOGON: _Names = (
    _SUBJECT
    | _account("New Logon", "Target")
    | _account("Account For Which Logon Failed", "Target")
    | {
        ("New Logon", "Security ID"): "TargetUserSid",
        ("Account For Which Logon Failed", "Security ID"): "TargetUserSid",
        ("New Logon", "Linked Logon ID"): "TargetLinkedLogonId",
        ("New Logon", "Network Account Name"): "TargetOutboundUserName",
        ("New Logon", "Network Account Domain"): "TargetOutboundDomainName",
        ("New Logon", "Logon GUID"): "LogonGuid",
        ("", "Logon Type"): "LogonType",
        ("", "Restricted Admin Mode"): "RestrictedAdminMode",
        ("", "Remote Credential Guard"): "RemoteCredentialGuard",
        ("", "Virtual Account"): "VirtualAccount",
        ("", "Elevated Token"): "ElevatedToken",
        ("", "Impersonation Level"): "ImpersonationLevel",
        ("", "Caller Process ID"): "ProcessId",
        ("", "Caller Process Name"): "ProcessName",
        ("", "Workstation Name"): "WorkstationName",
        ("", "Source Network Address"): "IpAddress",
        ("", "Source Port"): "IpPort",
        ("", "Logon Process"): "LogonProcessName",
        ("", "Authentication Package"): "AuthenticationPackageName",
        ("", "Transited Services"): "TransmittedServices",
        ("", "Package Name (NTLM only)"): "LmPackageName",
        ("", "Key Length"): "KeyLength",
        ("", "Failure Reason"): "FailureReason",
        ("", "Status"): "Status",
        ("", "Sub Status"): "SubStatus",
    }
    | _PROCESS
)
_LOGOFF: _Names = {
    ("Subject", "Security ID"): "TargetUserSid",
    ("Subject", "Account Name"): "TargetUserName",
    ("Subject", "Account Domain"): "TargetDomainName",
    ("Subject", "Logon ID"): "TargetLogonId",
    ("", "Logon Type"): "LogonType",
}
_EXPLICIT: _Names = (
    _SUBJECT
    | _PROCESS
    | {
        ("Subject", "Logon GUID"): "LogonGuid",
        ("Account Whose Credentials Were Used", "Account Name"): "TargetUserName",
        ("Account Whose Credentials Were Used", "Account Domain"): "TargetDomainName",
        ("Account Whose Credentials Were Used", "Logon GUID"): "TargetLogonGuid",
        ("", "Target Server Name"): "TargetServerName",
        ("", "Additional Information"): "TargetInfo",
        ("", "Network Address"): "IpAddress",
        ("", "Port"): "IpPort",
    }
)
_PROCESS_CREATION: _Names = (
    _account("Subject", "Subject")
    | _account("Creator Subject", "Subject")
    | _account("Target Subject", "Target")
    | {
        ("Target Subject", "Security ID"): "TargetUserSid",
        ("", "New Process ID"): "NewProcessId",
        ("", "New Process Name"): "NewProcessName",
        ("", "Token Elevation Type"): "TokenElevationType",
        ("", "Mandatory Label"): "MandatoryLabel",
        ("", "Creator Process ID"): "ProcessId",
        ("", "Creator Process Name"): "ParentProcessName",
        ("", "Process Command Line"): "CommandLine",
    }
)
_OBJECT: _Names = (
    _SUBJECT
    | _PROCESS
    | {
        ("", "Object Server"): "ObjectServer",
        ("", "Object Type"): "ObjectType",
        ("", "Object Name"): "ObjectName",
        ("", "Object Value Name"): "ObjectValueName",
        ("", "Handle ID"): "HandleId",
        ("", "Resource Attributes"): "ResourceAttributes",
        ("", "Transaction ID"): "TransactionId",
        ("", "Accesses"): "AccessList",
        ("", "Access Reasons"): "AccessReason",
        ("", "Access Mask"): "AccessMask",
        ("", "Operation Type"): "OperationType",
        ("", "Old Value Type"): "OldValueType",
        ("", "Old Value"): "OldValue",
        ("", "New Value Type"): "NewValueType",
        ("", "New Value"): "NewValue",
    }
)
_SERVICE: _Names = _SUBJECT | {
    ("", "Service Name"): "ServiceName",
    ("", "Service File Name"): "ServiceFileName",
    ("", "Service Type"): "ServiceType",
    ("", "Service Start Type"): "ServiceStartType",
    ("", "Service Account"): "ServiceAccount",
}
_TASK: _Names = _SUBJECT | {
    ("", "Task Name"): "TaskName",
    ("", "Task Content"): "TaskContent",
    ("", "Task New Content"): "TaskContentNew",
}
_USER: _Names = (
    _SUBJECT
    | {("Subject", "Account Name"): "SubjectUserName"}
    | {
        (section, name): field
        for section in ("New Account", "Target Account", "Account That Was Locked Out")
        for name, field in (
            ("Security ID", "TargetSid"),
            ("Account Name", "TargetUserName"),
            ("Account Domain", "TargetDomainName"),
            ("Old Account Name", "OldTargetUserName"),
            ("New Account Name", "NewTargetUserName"),
        )
    }
    | {
        ("", "Caller Computer Name"): "TargetDomainName",
        ("", "Privileges"): "PrivilegeList",
        ("", "SAM Account Name"): "SamAccountName",
        ("", "Display Name"): "DisplayName",
        ("", "User Principal Name"): "UserPrincipalName",
        ("", "Home Directory"): "HomeDirectory",
        ("", "Home Drive"): "HomePath",
        ("", "Script Path"): "ScriptPath",
        ("", "Profile Path"): "ProfilePath",
        ("", "User Workstations"): "UserWorkstations",
        ("", "Password Last Set"): "PasswordLastSet",
        ("", "Account Expires"): "AccountExpires",
        ("", "Primary Group ID"): "PrimaryGroupId",
        ("", "AllowedToDelegateTo"): "AllowedToDelegateTo",
        ("", "Allowed To Delegate To"): "AllowedToDelegateTo",
        ("", "Old UAC Value"): "OldUacValue",
        ("", "New UAC Value"): "NewUacValue",
        ("", "User Account Control"): "UserAccountControl",
        ("", "User Parameters"): "UserParameters",
        ("", "SID History"): "SidHistory",
        ("", "Logon Hours"): "LogonHours",
        ("", "DNS Host Name"): "DnsHostName",
        ("", "Service Principal Names"): "ServicePrincipalNames",
    }
)
_GROUP: _Names = _SUBJECT | {
    ("Member", "Security ID"): "MemberSid",
    ("Member", "Account Name"): "MemberName",
    **{
        (section, name): field
        for section in ("Group", "New Group", "Deleted Group")
        for name, field in (
            ("Security ID", "TargetSid"),
            ("Group Name", "TargetUserName"),
            ("Account Name", "TargetUserName"),
            ("Group Domain", "TargetDomainName"),
            ("Account Domain", "TargetDomainName"),
        )
    },
    ("", "Privileges"): "PrivilegeList",
}
_KERBEROS: _Names = {
    ("Account Information", "Security ID"): "TargetSid",
    ("Account Information", "User ID"): "TargetSid",
    ("Account Information", "Account Name"): "TargetUserName",
    ("Account Information", "Account Domain"): "TargetDomainName",
    ("Account Information", "Supplied Realm Name"): "TargetDomainName",
    ("Account Information", "Logon GUID"): "LogonGuid",
    ("", "Service Name"): "ServiceName",
    ("", "Service ID"): "ServiceSid",
    ("", "Client Address"): "IpAddress",
    ("", "Client Port"): "IpPort",
    ("", "Ticket Options"): "TicketOptions",
    ("", "Ticket Encryption Type"): "TicketEncryptionType",
    ("", "Result Code"): "Status",
    ("", "Failure Code"): "Status",
    ("", "Pre-Authentication Type"): "PreAuthType",
    ("", "Transited Services"): "TransmittedServices",
    ("", "Certificate Issuer Name"): "CertIssuerName",
    ("", "Certificate Serial Number"): "CertSerialNumber",
    ("", "Certificate Thumbprint"): "CertThumbprint",
}
_NTLM: _Names = {
    ("", "Authentication Package"): "PackageName",
    ("", "Logon Account"): "TargetUserName",
    ("", "Source Workstation"): "Workstation",
    ("", "Error Code"): "Status",
}
_SHARE: _Names = _SUBJECT | {
    ("", "Object Type"): "ObjectType",
    ("", "Source Address"): "IpAddress",
    ("", "Source Port"): "IpPort",
    ("", "Share Name"): "ShareName",
    ("", "Share Path"): "ShareLocalPath",
    ("", "Relative Target Name"): "RelativeTargetName",
    ("", "Access Mask"): "AccessMask",
    ("", "Accesses"): "AccessList",
    ("", "Access Check Results"): "AccessReason",
}
_POLICY: _Names = _SUBJECT | {
    ("", "Category"): "CategoryId",
    ("", "Subcategory"): "SubcategoryId",
    ("", "Subcategory GUID"): "SubcategoryGuid",
    ("", "Changes"): "AuditPolicyChanges",
}

_AUDIT: dict[str, _Names] = {
    "4624": _LOGON,
    "4625": _LOGON,
    "4634": _LOGOFF,
    "4647": _LOGOFF,
    "4648": _EXPLICIT,
    "4656": _OBJECT,
    "4657": _OBJECT,
    "4660": _OBJECT,
    "4663": _OBJECT,
    "4672": _SUBJECT | {("", "Privileges"): "PrivilegeList"},
    "4673": _SUBJECT | _PROCESS | {("", "Server"): "ObjectServer", ("", "Service Name"): "Service",
                                   ("", "Privileges"): "PrivilegeList"},
    "4688": _PROCESS_CREATION,
    "4689": _SUBJECT | _PROCESS | {("", "Exit Status"): "Status"},
    "4697": _SERVICE,
    **dict.fromkeys(("4698", "4699", "4700", "4701", "4702"), _TASK),
    "4719": _POLICY,
    **dict.fromkeys(("4720", "4722", "4723", "4724", "4725", "4726", "4738", "4740", "4741", "4742", "4743", "4765",
                     "4767", "4781"), _USER),
    **dict.fromkeys(("4727", "4728", "4729", "4730", "4731", "4732", "4733", "4734", "4735", "4737", "4754", "4755",
                     "4756", "4757", "4758"), _GROUP),
    **dict.fromkeys(("4768", "4769", "4770", "4771"), _KERBEROS),
    "4776": _NTLM,
    "5140": _SHARE,
    "5145": _SHARE,
}  # fmt: skip

_LISTS = frozenset({"PrivilegeList", "AccessList", "AccessReason", "UserAccountControl"})
_WHOLE = frozenset({"TaskContent", "TaskContentNew"})
"""Fields whose value is all text that follows."""

_SIDS = {
    "NULL SID": "S-1-0-0",
    "ANONYMOUS LOGON": "S-1-5-7",
    "SYSTEM": "S-1-5-18",
    "LOCAL SERVICE": "S-1-5-19",
    "NETWORK SERVICE": "S-1-5-20",
}
_YES_NO = {"Yes": "%%1842", "No": "%%1843"}
_CODES: dict[str, dict[str, str]] = {
    "ElevatedToken": _YES_NO,
    "VirtualAccount": _YES_NO,
    "ImpersonationLevel": {
        "Anonymous": "%%1831",
        "Identification": "%%1832",
        "Impersonation": "%%1833",
        "Delegation": "%%1840",
    },
    "TokenElevationType": {
        "TokenElevationTypeDefault (1)": "%%1936",
        "TokenElevationTypeFull (2)": "%%1937",
        "TokenElevationTypeLimited (3)": "%%1938",
    },
    "MandatoryLabel": {
        "Mandatory Label\\Untrusted Mandatory Level": "S-1-16-0",
        "Mandatory Label\\Low Mandatory Level": "S-1-16-4096",
        "Mandatory Label\\Medium Mandatory Level": "S-1-16-8192",
        "Mandatory Label\\Medium Plus Mandatory Level": "S-1-16-8448",
        "Mandatory Label\\High Mandatory Level": "S-1-16-12288",
        "Mandatory Label\\System Mandatory Level": "S-1-16-16384",
    },
    "AuditPolicyChanges": {
        "Success removed": "%%8448",
        "Success Added": "%%8449",
        "Success added": "%%8449",
        "Failure removed": "%%8450",
        "Failure Added": "%%8451",
        "Failure added": "%%8451",
    },
}
"""What messages say in words although the event has a code for it. Source: the message table of msobjs.dll."""

_LINE = re.compile(r"^([ \t]*)([A-Z][^:\t\n]{0,60}):[ \t]*([^\n]*)", re.MULTILINE)


def _audit(event_id: str, text: str) -> Fields:
    names = _AUDIT.get(event_id)
    return _named(text, names) if names is not None else {}


def _named(text: str, names: _Names) -> Fields:
    found: Fields = {}
    section = last = ""
    end = 0
    for line in _LINE.finditer(text):
        if last:
            _go_on(found, last, text[end : line.start()])
        end = line.end()
        indent, name, value = line.groups()
        name, value = name.rstrip(), value.rstrip()
        last = ""
        field = names.get((section, name)) or names.get(("", name))
        if field is None:
            section = section if value or indent else name
            continue
        if field in _WHOLE:
            found[field] = text[line.start(3) :].strip()
            return found
        if not value and not indent and field not in _LISTS:
            section = name
        elif field not in found:
            found[field] = _coded(field, value)
            last = field if field in _LISTS else ""
    if last:
        _go_on(found, last, text[end:])
    return found


def _go_on(found: Fields, field: str, text: str) -> None:
    """Add the lines below a list's first; the list ends where a line is empty."""
    for line in text.removeprefix("\n").split("\n"):
        if not line.strip():
            return
        found[field] = f"{found[field]}\n\t\t\t{line.strip()}" if found[field] else line.strip()


def _coded(field: str, value: str) -> str:
    if field.endswith("Sid"):
        name = value.upper()
        return _SIDS.get(name.removeprefix("NT AUTHORITY\\"), value)
    codes = _CODES.get(field)
    if codes is None:
        return value
    return ", ".join(codes.get(part.strip(), part.strip()) for part in value.split(","))


# --- Others ------------------------------------------------------------------------------------------------------


def _by_names(names: Mapping[str, str]) -> Callable[[str], Fields]:
    return lambda text: _named(text, {("", name): field for name, field in names.items()})


def _by_pattern(pattern: str) -> Callable[[str], Fields]:
    compiled = re.compile(pattern, re.DOTALL)

    def read(text: str) -> Fields:
        found = compiled.match(text.strip())
        return dict(found.groupdict("")) if found is not None else {}

    return read


def _classic(text: str) -> Fields:
    """Give the details of classic PowerShell as the list of unnamed values that the event has."""
    head, details, rest = text.partition("Details:")
    return {"Data": [head.strip(), "", f"\t{rest.strip()}"]} if details else {}


def _cleared(text: str) -> Fields:
    return _named(text, _SUBJECT)


_SCRIPT_BLOCK = _by_pattern(
    r"Creating Scriptblock text \((?P<MessageNumber>\d+) of (?P<MessageTotal>\d+)\):\n(?P<ScriptBlockText>.*?)"
    r"\n\s*\n?ScriptBlock ID: (?P<ScriptBlockId>\S+)\s*\nPath: ?(?P<Path>[^\n]*)\s*$"
)
_MODULE = _by_pattern(r"(?P<Payload>.*?)\n\s*Context:\n(?P<ContextInfo>.*?)\n\s*User Data:\s*(?P<UserData>.*)$")
_SESSION = _by_names({"User": "User", "Session ID": "SessionID", "Source Network Address": "Address"})

_OTHERS: dict[tuple[str, str], Callable[[str], Fields]] = {
    ("microsoft-windows-eventlog", "1102"): _cleared,
    ("microsoft-windows-eventlog", "104"): _by_pattern(r"The (?P<Channel>.+) log file was cleared"),
    ("service control manager", "7045"): _by_names(
        {
            "Service Name": "ServiceName",
            "Service File Name": "ImagePath",
            "Service Type": "ServiceType",
            "Service Start Type": "StartType",
            "Service Account": "AccountName",
        }
    ),
    ("service control manager", "7036"): _by_pattern(
        r"The (?P<param1>.+) service entered the (?P<param2>\w+) state\.?$"
    ),
    ("service control manager", "7040"): _by_pattern(
        r"The start type of the (?P<param1>.+) service was changed from (?P<param2>.+) to (?P<param3>.+?)\.?$"
    ),
    ("microsoft-windows-powershell", "4104"): _SCRIPT_BLOCK,
    ("powershellcore", "4104"): _SCRIPT_BLOCK,
    ("microsoft-windows-powershell", "4103"): _MODULE,
    ("powershellcore", "4103"): _MODULE,
    ("powershell", "400"): _classic,
    ("powershell", "403"): _classic,
    ("powershell", "600"): _classic,
    ("powershell", "800"): _classic,
    ("microsoft-windows-taskscheduler", "106"): _by_pattern(
        r'User "(?P<UserContext>[^"]*)"\s+registered Task Scheduler task "(?P<TaskName>[^"]*)"'
    ),
    ("microsoft-windows-taskscheduler", "140"): _by_pattern(
        r'User "(?P<UserName>[^"]*)"\s+updated Task Scheduler task "(?P<TaskName>[^"]*)"'
    ),
    ("microsoft-windows-taskscheduler", "141"): _by_pattern(
        r'User "(?P<UserName>[^"]*)"\s+deleted Task Scheduler task "(?P<TaskName>[^"]*)"'
    ),
    **{("microsoft-windows-terminalservices-localsessionmanager", event_id): _SESSION
       for event_id in ("21", "22", "23", "24", "25")},
    ("microsoft-windows-terminalservices-remoteconnectionmanager", "1149"): _by_names(
        {"User": "Param1", "Domain": "Param2", "Source Network Address": "Param3"}
    ),
}  # fmt: skip
