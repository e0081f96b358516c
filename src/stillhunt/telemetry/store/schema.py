"""What the Parquet files of a store hold: the declaration that writing, searching and the reference page share.

Every file of one product has the same columns, whatever its logs brought: the common ones, the native fields listed
here, and ``_rest``. Listed are the fields that published Sigma rules ask for, and those that most events of the
product carry anyway; a field that is not listed is in ``_rest``, by its own name.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import pyarrow as pa

from stillhunt.telemetry.event import COMMON, LIST_FIELDS, TEXT

__all__ = [
    "CLASS",
    "FORMAT",
    "IDENTITY",
    "NATIVE",
    "PARTITIONS",
    "REST",
    "columns",
    "documentation",
    "native_columns",
    "stored_type",
]

FORMAT = 1
"""Version of everything that a store consists of."""

CLASS, REST = "event.class", "_rest"

PARTITIONS = {
    "sigma_product": "Sigma's product, such as `windows`.",
    "month": "Month of `@timestamp` as logged, in UTC, such as `2021-08`; `unknown` where there is no time.",
}
"""Columns that are in the names of folders: read by every engine that knows Hive's way of naming them."""

_SPECIAL = {
    CLASS: "What the event is, in Sigma's words: `product/category`, else `product/service`, else the product.",
    REST: "All native fields that have no column of their own, as a JSON object; null if there are none.",
}

IDENTITY: dict[str, tuple[str, ...]] = {
    "windows": ("EventRecordID",),
    "m365": ("Id",),
    "aws": ("eventID",),
    "gcp": ("insertId",),
}
"""Product to the native fields that, with class, host and time, tell an event from every other.

An event without a value there, and events of other products, are told apart by their file and their place in it.
"""

NATIVE: dict[str, str] = {
    "windows": """
        EventID Channel Provider_Name ProviderGuid Computer EventRecordID Level Task Opcode Keywords Version
        Execution_ProcessID Execution_ThreadID ExecutionProcessID ThreadID Security_UserID AccountType Domain Message
        TimeCreated EventTime EventReceivedTime Severity SeverityValue OpcodeValue Category SourceModuleName
        SourceModuleType
        UtcTime RuleName ProcessGuid ProcessId Image CommandLine OriginalFileName ParentImage ParentCommandLine
        ParentProcessGuid ParentProcessId ParentUser ParentIntegrityLevel ParentOfParentImage GrandParentImage
        CurrentDirectory User UserID LogonGuid LogonId IntegrityLevel TerminalSessionId Hashes Hash Company Product
        Description FileVersion AppVersion
        TargetObject Details EventType NewName NewValue OldValue ObjectValueName HiveName
        TargetFilename CreationUtcTime PreviousCreationUtcTime Contents FileName FileNameBuffer FileMagicBytes
        ImageLoaded Signed Signature SignatureStatus ImageName ImagePath
        SourceImage SourceProcessId SourceProcessGUID SourceThreadId SourceUser SourceParentImage SourceFilename
        SourceCommandLine TargetImage TargetProcessId TargetProcessGUID TargetUser TargetParentProcessId
        GrantedAccess CallTrace StartAddress StartFunction StartModule
        Protocol Initiated SourceIp SourcePort SourceHostname SourceIsIpv6 DestinationIp DestinationPort
        DestinationHostname DestinationIsIpv6 SourceAddress DestAddress DestPort RemoteAddress LayerRTID FilterOrigin
        QueryName QueryStatus QueryResults PipeName Device DeviceName DeviceDescription
        ScriptBlockText ScriptBlockId MessageNumber MessageTotal Path Payload ContextInfo Data
        ServiceName ServiceFileName ServiceType ServiceStartType StartType Service AccountName
        SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId SubjectAccountName
        TargetUserSid TargetUserName TargetDomainName TargetLogonId TargetLogonGuid TargetSid TargetName TargetInfo
        TargetServerName TargetOutboundUserName NewTargetUserName OldTargetUserName
        LogonType LogonProcessName AuthenticationPackageName LmPackageName KeyLength PackageName
        ImpersonationLevel ElevatedToken RestrictedAdminMode TransmittedServices
        WorkstationName Workstation IpAddress IpPort ProcessName NewProcessName NewProcessId TokenElevationType
        Status SubStatus FailureReason ErrorCode Reason
        TicketOptions TicketEncryptionType PreAuthType CertThumbprint ServicePrincipalNames
        ObjectServer ObjectType ObjectName ObjectClass ObjectDN HandleId AccessMask AccessList AccessReason
        PrivilegeList Properties OperationType Operation AttributeLDAPDisplayName AttributeValue Attributes
        AdditionalInfo ShareName ShareLocalPath RelativeTargetName
        SamAccountName DisplayName PasswordLastSet NewUacValue OldUacValue AllowedToDelegateTo SidHistory SidList
        AuditPolicyChanges SubcategoryGuid AuditSourceName CallerProcessName ClientProcessId
        TaskName TaskContent TaskContentNew TemplateContent NewTemplateContent ActionName
        param1 param2 param3 Binary Origin SourceName ComputerName Application ApplicationPath AppName AppID
        ModifyingApplication ModuleName PackageFullName PackagePath PackageSourceUri HasFullTrust CallingProcess
        ProcessPath ProcessNameBuffer RequestedPolicy ProviderContextName ExceptionCode FilterName
        RemoteName LocalName ServerName ServerAddress ClientAddress Address UserName Name Value Type State
        Action Configuration Caption IsatapRouter ClassName Destination Query PossibleCause Flags QNAME
        SearchFilter DistinguishedName ThreatName Feature_Name EncyptionUsed SigningUsed subjectName
    """,
    "linux": """
        Image CommandLine ParentImage ParentCommandLine CurrentDirectory User LogonId ProcessId ProcessGuid
        ParentProcessId TargetFilename DestinationHostname DestinationIp DestinationPort Initiated Hashes
        type msg SYSCALL a0 a1 a2 a3 a4 a5 a6 a7 name nametype exe comm cwd key auid uid euid pid ppid unit
        proctitle cmdline pam_user pam_rhost pam_message message
    """,
    "zeek": """
        _path uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state
        name operation path query qtype_name answers rejected Z uri method user_agent host status_code
        request_body_len client_header_names endpoint resp_mime_types mime_type filetype cipher certificate.serial
        request_type server_name
    """,
    "aws": """
        eventID eventName eventSource eventType awsRegion sourceIPAddress userAgent errorCode errorMessage
        userIdentity.type userIdentity.arn userIdentity.userName userIdentity.accountId userIdentity.accessKeyId
        userIdentity.sessionContext.sessionIssuer.type requestParameters responseElements
        requestParameters.attribute requestParameters.enable requestParameters.layers
        requestParameters.containerDefinitions.command responseElements.ConsoleLogin
        responseElements.publiclyAccessible responseElements.pendingModifiedValues.masterUserPassword
        additionalEventData.MFAUsed
    """,
    "azure": """
        operationName properties.message riskEventType ResultType ResultDescription Category
        AuthenticationRequirement Location userAgent LoggedByService DeviceDetail.isCompliant
        DeviceDetail.deviceId DeviceDetail.trusttype CategoryValue OperationNameValue ResourceProviderValue
        ResourceId ActivityDisplayName IPaddress properties.initiatedBy properties.appId
        properties.authenticationRequirement properties.deviceDetail.deviceId properties.targetResources
        properties.result callerIpAddress homeTenantId resourceTenantId TargetResources
        TargetResources.modifiedProperties TargetResources.modifiedProperties.newValue targetResources.type
        activityType additionalDetails.additionalInfo ConsentContext.IsAdminConsent ResourceDisplayName
        conditionalAccessStatus RiskState ClientApp Username Status
    """,
    "m365": """
        Id Operation Workload RecordType ResultStatus UserId ClientIP ObjectId ApplicationId OperationProperties
        Parameters RequestType DeliveryAction Directionality eventSource eventName status Payload
    """,
    "gcp": """
        insertId gcp.audit.method_name protoPayload.methodName protoPayload.serviceName eventService eventName
        protoPayload.metadata.event.eventName data.protoPayload.serviceName data.protoPayload.methodName
        data.protoPayload.authorizationInfo.granted data.protoPayload.authorizationInfo.permission
        data.protoPayload.resource.type data.protoPayload.logName setting_name new_value
    """,
    "iis": """
        date time s-sitename s-computername s-ip s-port cs-method cs-uri-stem cs-uri-query cs-uri cs-username c-ip
        c-useragent cs-user-agent cs-referer cs-host cs-cookie cs-version cs-content-type sc-status sc-substatus
        sc-win32-status sc-bytes cs-bytes time-taken
    """,
    "apache": """
        cs-method cs-uri cs-uri-stem cs-uri-query cs-version cs-username cs-host c-ip c-useragent cs-user-agent
        cs-referer sc-status sc-bytes
    """,
    "nginx": """
        cs-method cs-uri cs-uri-stem cs-uri-query cs-version cs-username cs-host c-ip c-useragent cs-user-agent
        cs-referer sc-status sc-bytes
    """,
}
"""Product to the native fields with a column of their own. A product that is not listed has none."""


@lru_cache
def native_columns(product: str) -> tuple[str, ...]:
    """Return the native fields that have a column of their own."""
    return tuple(NATIVE.get(product, "").split())


@lru_cache
def columns(product: str) -> tuple[str, ...]:
    """Return the columns of every file of a product, in order.

    >>> columns("windows")[0], columns("windows")[-1]
    ('@timestamp', '_rest')
    """
    return (*COMMON, CLASS, *native_columns(product), REST)


def stored_type(name: str) -> pa.DataType:
    """Return the type a column is written with; text is dictionary-encoded in memory and plain text for readers."""
    if name in COMMON and COMMON[name][0] != TEXT:
        return COMMON[name][0]
    return pa.list_(pa.string()) if name in LIST_FIELDS else pa.string()


def documentation() -> str:
    """Return the reference page of what a store holds, as Markdown."""
    common = {**{name: sentence for name, (_, sentence) in COMMON.items()}, **_SPECIAL}
    rows = [(f"`{name}`", str(stored_type(name)), sentence) for name, sentence in common.items()]
    folders = [(f"`{name}`", "string", sentence) for name, sentence in PARTITIONS.items()]
    products = [line for product in sorted(NATIVE) for line in _product(product)]
    identities = [(f"`{product}`", ", ".join(f"`{n}`" for n in names)) for product, names in sorted(IDENTITY.items())]
    lines = [
        *_HEAD,
        *_table(("column", "type", "what it holds"), [*rows, *folders]),
        "",
        "## What tells an event from every other",
        "",
        "An event that is in the store is not stored again, whatever file brings it.",
        "Two events are the same if class, host, time and these fields agree; where a product is not listed, or the",
        "field is empty, the same content of a file and the same place in it.",
        "",
        *_table(("product", "native fields"), identities),
        "",
        "## Native fields",
        "",
        "Under the names that the log and Sigma's rules give them, as text exactly as logged; `Data`, the unnamed",
        "values of classic Windows events, is a list of text. A field that is not listed is in `_rest`.",
        *products,
    ]
    return "\n".join(lines) + "\n"


_HEAD = (
    "# Events in a store",
    "",
    "Generated from `telemetry/store/schema.py`: `stillhunt events --schema`.",
    "",
    "`stillhunt hunt LOGS --store DIR` keeps all events in `DIR/events/sigma_product=P/month=YYYY-MM/part-*.parquet`.",
    "Every file of a product has the same columns, so that any engine reads them as they lie:",
    "",
    "```sql",
    "SELECT \"event.class\", count(*) FROM read_parquet('DIR/events/**/*.parquet',",
    "       hive_partitioning = true, union_by_name = true) GROUP BY ALL;",
    "```",
    "",
    "```python",
    'polars.scan_parquet("DIR/events/sigma_product=windows/**/*.parquet", hive_partitioning=True)',
    'spark.read.option("basePath", "DIR/events").parquet("DIR/events/sigma_product=windows")',
    "```",
    "",
    "Times are as logged; a correction of clocks that a hunt finds is in its findings and in its coverage.",
    "",
    "## Columns of every event",
    "",
)


def _product(product: str) -> list[str]:
    names = ", ".join(f"`{name}`" for name in native_columns(product))
    return ["", f"### {product}", "", names]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = ["| " + " | ".join(row) + " |" for row in (head, *rows)]
    return [lines[0], "|" + "---|" * len(head), *lines[1:]]
