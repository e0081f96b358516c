"""Which Windows events satisfy which Sigma log source: the one table, strict by provider, channel and event id.

Sources: Sigma specification, appendix "Taxonomy"; Microsoft's documentation of Sysmon's event ids; the names of
channels and providers as Windows registers them.
"""

from __future__ import annotations

from functools import lru_cache

from stillhunt.telemetry.event import EventClass

__all__ = ["CATEGORIES", "CHANNELS_BY_SERVICE", "SYSMON", "SYSMON_CHANNEL", "event_class"]

SYSMON = "microsoft-windows-sysmon"
SYSMON_CHANNEL = "microsoft-windows-sysmon/operational"
_AUDITING = "microsoft-windows-security-auditing"
_POWERSHELL = {
    "microsoft-windows-powershell": "microsoft-windows-powershell/operational",
    "powershellcore": "powershellcore/operational",
}
"""Provider to its channel."""

_SYSMON_CATEGORIES: dict[str, tuple[str, ...]] = {
    "1": ("process_creation",),
    "2": ("file_change",),
    "3": ("network_connection",),
    "4": ("sysmon_status",),
    "5": ("process_termination",),
    "6": ("driver_load",),
    "7": ("image_load",),
    "8": ("create_remote_thread",),
    "9": ("raw_access_thread",),
    "10": ("process_access",),
    "11": ("file_event",),
    "12": ("registry_event",),  # and registry_add or registry_delete, by EventType
    "13": ("registry_event", "registry_set"),
    "14": ("registry_event", "registry_rename"),
    "15": ("create_stream_hash",),
    "16": ("sysmon_status",),
    "17": ("pipe_created",),
    "18": ("pipe_created",),
    "19": ("wmi_event",),
    "20": ("wmi_event",),
    "21": ("wmi_event",),
    "22": ("dns_query",),
    "23": ("file_delete",),
    "24": ("clipboard_capture",),
    "25": ("process_tampering",),
    "26": ("file_delete_detected",),
    "27": ("file_block", "file_block_executable"),
    "28": ("file_block", "file_block_shredding"),
    "29": ("file_executable_detected",),
    "255": ("sysmon_error",),
}

_REGISTRY_BY_EVENT_TYPE = {
    "createkey": "registry_add",
    "createvalue": "registry_add",
    "deletekey": "registry_delete",
    "deletevalue": "registry_delete",
}

_AUDITING_CATEGORIES: dict[str, tuple[str, ...]] = {
    "4688": ("process_creation",),
    "4657": ("registry_event", "registry_set"),
}

_CLASSIC_POWERSHELL: dict[str, tuple[str, ...]] = {
    "400": ("ps_classic_start",),
    "600": ("ps_classic_provider_start",),
    "800": ("ps_classic_script",),
}

_KERNEL_FILE: dict[str, tuple[str, ...]] = {"12": ("file_access",), "19": ("file_rename",), "27": ("file_rename",)}

CHANNELS_BY_SERVICE: dict[str, tuple[str, ...]] = {
    "application": ("Application",),
    "security": ("Security",),
    "system": ("System",),
    "sysmon": ("Microsoft-Windows-Sysmon/Operational",),
    "powershell": ("Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational"),
    "powershell-classic": ("Windows PowerShell",),
    "taskscheduler": ("Microsoft-Windows-TaskScheduler/Operational",),
    "wmi": ("Microsoft-Windows-WMI-Activity/Operational",),
    "windefend": ("Microsoft-Windows-Windows Defender/Operational",),
    "terminalservices-localsessionmanager": ("Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",),
    "terminalservices-remoteconnectionmanager": (
        "Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational",
    ),
    "msexchange-management": ("MSExchange Management",),
    "bits-client": ("Microsoft-Windows-Bits-Client/Operational",),
    "dns-client": ("Microsoft-Windows-DNS Client Events/Operational", "Microsoft-Windows-DNS-Client/Operational"),
    "dns-server": ("DNS Server",),
    "dns-server-audit": ("Microsoft-Windows-DNS-Server/Audit",),
    "dns-server-analytic": ("Microsoft-Windows-DNS-Server/Analytical",),
    "driver-framework": ("Microsoft-Windows-DriverFrameworks-UserMode/Operational",),
    "firewall-as": ("Microsoft-Windows-Windows Firewall With Advanced Security/Firewall",),
    "ntlm": ("Microsoft-Windows-NTLM/Operational",),
    "applocker": (
        "Microsoft-Windows-AppLocker/EXE and DLL",
        "Microsoft-Windows-AppLocker/MSI and Script",
        "Microsoft-Windows-AppLocker/Packaged app-Deployment",
        "Microsoft-Windows-AppLocker/Packaged app-Execution",
    ),
    "appmodel-runtime": ("Microsoft-Windows-AppModel-Runtime/Admin",),
    "appxdeployment-server": ("Microsoft-Windows-AppXDeploymentServer/Operational",),
    "appxpackaging-om": ("Microsoft-Windows-AppxPackaging/Operational",),
    "capi2": ("Microsoft-Windows-CAPI2/Operational",),
    "certificateservicesclient-lifecycle-system": (
        "Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational",
    ),
    "codeintegrity-operational": ("Microsoft-Windows-CodeIntegrity/Operational",),
    "diagnosis-scripted": ("Microsoft-Windows-Diagnosis-Scripted/Operational",),
    "iis-configuration": ("Microsoft-IIS-Configuration/Operational",),
    "ldap": ("Microsoft-Windows-LDAP-Client/Debug",),
    "ldap_debug": ("Microsoft-Windows-LDAP-Client/Debug",),
    "lsa-server": ("Microsoft-Windows-LSA/Operational",),
    "microsoft-servicebus-client": ("Microsoft-ServiceBus-Client",),
    "openssh": ("OpenSSH/Operational",),
    "printservice-admin": ("Microsoft-Windows-PrintService/Admin",),
    "printservice-operational": ("Microsoft-Windows-PrintService/Operational",),
    "security-mitigations": (
        "Microsoft-Windows-Security-Mitigations/Kernel Mode",
        "Microsoft-Windows-Security-Mitigations/User Mode",
    ),
    "shell-core": ("Microsoft-Windows-Shell-Core/Operational",),
    "smbclient-connectivity": ("Microsoft-Windows-SmbClient/Connectivity",),
    "smbclient-security": ("Microsoft-Windows-SmbClient/Security",),
    "smbserver-connectivity": ("Microsoft-Windows-SMBServer/Connectivity",),
    "vhdmp": ("Microsoft-Windows-VHDMP-Operational",),
    "application-experience": (
        "Microsoft-Windows-Application-Experience/Program-Telemetry",
        "Microsoft-Windows-Application-Experience/Program-Compatibility-Assistant",
    ),
    "bitlocker": ("Microsoft-Windows-BitLocker/BitLocker Management",),
    "dhcp": ("Microsoft-Windows-DHCP-Server/Operational",),
    "hyper-v-worker": ("Microsoft-Windows-Hyper-V-Worker",),
    "kernel-event-tracing": ("Microsoft-Windows-Kernel-EventTracing",),
    "kernel-shimengine": (
        "Microsoft-Windows-Kernel-ShimEngine/Operational",
        "Microsoft-Windows-Kernel-ShimEngine/Diagnostic",
    ),
    "ntfs": ("Microsoft-Windows-Ntfs/Operational",),
    "sense": ("Microsoft-Windows-SENSE/Operational",),
    "servicebus-client": ("Microsoft-ServiceBus-Client",),
    "winrm": ("Microsoft-Windows-WinRM/Operational",),
}
"""Sigma service to the channels that it stands for."""


_SERVICES_BY_CHANNEL: dict[str, frozenset[str]] = {
    channel.lower(): frozenset(
        service
        for service, channels in CHANNELS_BY_SERVICE.items()
        if channel.lower() in {other.lower() for other in channels}
    )
    for channels in CHANNELS_BY_SERVICE.values()
    for channel in channels
}


@lru_cache(maxsize=65_536)
def event_class(provider: str, channel: str, event_id: str, event_type: str = "") -> EventClass:
    """Return the class of a Windows event.

    Args:
        provider: Provider name as logged.
        channel: Channel of the record itself, as logged; for a forwarded event that of its origin.
        event_id: Event id as text.
        event_type: Sysmon's ``EventType`` of registry events, else empty.
    """
    return EventClass(
        product="windows",
        provider=provider or None,
        channel=channel or None,
        event_id=event_id or None,
        services=_SERVICES_BY_CHANNEL.get(channel.lower(), frozenset()),
        categories=frozenset(_categories(provider.lower(), channel.lower(), event_id, event_type.lower())),
    )


_POWERSHELL_CATEGORIES: dict[str, tuple[str, ...]] = {"4103": ("ps_module",), "4104": ("ps_script",)}

CATEGORIES: frozenset[str] = frozenset(_REGISTRY_BY_EVENT_TYPE.values()).union(
    *_SYSMON_CATEGORIES.values(),
    *_AUDITING_CATEGORIES.values(),
    *_CLASSIC_POWERSHELL.values(),
    *_POWERSHELL_CATEGORIES.values(),
    *_KERNEL_FILE.values(),
)
"""Every Sigma category that some Windows event satisfies."""


def _categories(provider: str, channel: str, event_id: str, event_type: str) -> tuple[str, ...]:
    if provider == SYSMON and channel == SYSMON_CHANNEL:
        found = _SYSMON_CATEGORIES.get(event_id, ())
        narrower = _REGISTRY_BY_EVENT_TYPE.get(event_type) if event_id == "12" else None
        return (*found, narrower) if narrower else found
    if provider == _AUDITING and channel == "security":
        return _AUDITING_CATEGORIES.get(event_id, ())
    if _POWERSHELL.get(provider) == channel:
        return _POWERSHELL_CATEGORIES.get(event_id, ())
    if provider == "powershell" and channel == "windows powershell":
        return _CLASSIC_POWERSHELL.get(event_id, ())
    if provider == "microsoft-windows-kernel-file":
        return _KERNEL_FILE.get(event_id, ())
    return ()
