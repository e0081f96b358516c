"""Programs that run on the simulated machines: where they lie and what their version resource says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import md5, sha256

__all__ = ["EXCHANGE", "SYSTEM32", "Program", "program_of"]

SYSTEM32 = "C:\\Windows\\System32\\"
EXCHANGE = "C:\\Program Files\\Microsoft\\Exchange Server\\V15\\"

_WINDOWS = "Microsoft® Windows® Operating System"
_MICROSOFT = "Microsoft Corporation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What Sysmon says of an image.

    Attributes:
        original: OriginalFileName of its version resource.
        description: Description of its version resource.
        product: Product of its version resource.
        company: Company of its version resource.
        version: File version.
        hashes: Its hashes in Sysmon's form; made up from its name, so no real file has them.
    """

    original: str
    description: str
    product: str
    company: str
    version: str
    hashes: str


_KNOWN: dict[str, tuple[str, str, str, str]] = {
    "backupagent.exe": ("backupagent.exe", "Sample Backup Agent", "Sample Backup", "Sample Software"),
    "certutil.exe": ("CertUtil.exe", "CertUtil.exe", _WINDOWS, _MICROSOFT),
    "cmd.exe": ("Cmd.Exe", "Windows Command Processor", _WINDOWS, _MICROSOFT),
    "conhost.exe": ("CONHOST.EXE", "Console Window Host", _WINDOWS, _MICROSOFT),
    "curl.exe": ("curl.exe", "The curl executable", "The curl executable", "curl, https://curl.se/"),
    "defrag.exe": ("Defrag.EXE", "Disk Defragmenter Module", _WINDOWS, _MICROSOFT),
    "explorer.exe": ("EXPLORER.EXE", "Windows Explorer", _WINDOWS, _MICROSOFT),
    "excel.exe": ("Excel.exe", "Microsoft Excel", "Microsoft Office", _MICROSOFT),
    "gpupdate.exe": ("GPUpdate.exe", "Microsoft® Group Policy Update Utility", _WINDOWS, _MICROSOFT),
    "hostname.exe": ("hostname.exe", "Hostname APP", _WINDOWS, _MICROSOFT),
    "ipconfig.exe": ("ipconfig.exe", "IP Configuration Utility", _WINDOWS, _MICROSOFT),
    "makecab.exe": ("makecab.exe", "Microsoft® Cabinet Maker", _WINDOWS, _MICROSOFT),
    "mmc.exe": ("mmc.exe", "Microsoft Management Console", _WINDOWS, _MICROSOFT),
    "mpcmdrun.exe": ("MpCmdRun.exe", "Microsoft Malware Protection Command Line Utility", _WINDOWS, _MICROSOFT),
    "msedge.exe": ("msedge.exe", "Microsoft Edge", "Microsoft Edge", _MICROSOFT),
    "msmpeng.exe": ("MsMpEng.exe", "Antimalware Service Executable", _WINDOWS, _MICROSOFT),
    "net.exe": ("net.exe", "Net Command", _WINDOWS, _MICROSOFT),
    "net1.exe": ("net1.exe", "Net Command", _WINDOWS, _MICROSOFT),
    "nltest.exe": ("nltestrk.exe", "Microsoft® Logon Server Test Utility", _WINDOWS, _MICROSOFT),
    "notepad.exe": ("NOTEPAD.EXE", "Notepad", _WINDOWS, _MICROSOFT),
    "ntdsutil.exe": ("ntdsutil.exe", "NT5DS", _WINDOWS, _MICROSOFT),
    "outlook.exe": ("Outlook.exe", "Microsoft Outlook", "Microsoft Outlook", _MICROSOFT),
    "powershell.exe": ("PowerShell.EXE", "Windows PowerShell", _WINDOWS, _MICROSOFT),
    "rundll32.exe": ("RUNDLL32.EXE", "Windows host process (Rundll32)", _WINDOWS, _MICROSOFT),
    "schtasks.exe": ("schtasks.exe", "Task Scheduler Configuration Tool", _WINDOWS, _MICROSOFT),
    "svchost.exe": ("svchost.exe", "Host Process for Windows Services", _WINDOWS, _MICROSOFT),
    "systeminfo.exe": ("sysinfo.exe", "Displays system information", _WINDOWS, _MICROSOFT),
    "taskhostw.exe": ("taskhostw.exe", "Host Process for Windows Tasks", _WINDOWS, _MICROSOFT),
    "tasklist.exe": ("tasklist.exe", "Lists the current running tasks", _WINDOWS, _MICROSOFT),
    "teams.exe": ("Teams.exe", "Microsoft Teams", "Microsoft Teams", _MICROSOFT),
    "tiworker.exe": ("TiWorker.exe", "Windows Modules Installer Worker", _WINDOWS, _MICROSOFT),
    "trustedinstaller.exe": ("TrustedInstaller.exe", "Windows Modules Installer", _WINDOWS, _MICROSOFT),
    "userinit.exe": ("USERINIT.EXE", "Userinit Logon Application", _WINDOWS, _MICROSOFT),
    "w3wp.exe": ("w3wp.exe", "IIS Worker Process", "Internet Information Services", _MICROSOFT),
    "viewhelper.exe": ("ViewHelper.exe", "Sample Document Viewer Helper", "Sample Viewer", "Sample Software"),
    "printsvc.exe": ("PrintSvc.exe", "Sample Print Companion", "Sample Print", "Sample Software"),
    "callassist.exe": ("CallAssist.exe", "Sample Call Assistant", "Sample Calls", "Sample Software"),
    "ssh.exe": ("ssh.exe", "OpenSSH for Windows", "OpenSSH for Windows", _MICROSOFT),
    "reg.exe": ("reg.exe", "Registry Console Tool", _WINDOWS, _MICROSOFT),
    "robocopy.exe": ("robocopy.exe", "Microsoft Robocopy", _WINDOWS, _MICROSOFT),
    "wbadmin.exe": ("WBADMIN.EXE", "Command Line Interface for Microsoft® BLB Backup", _WINDOWS, _MICROSOFT),
    "wevtutil.exe": ("wevtutil.exe", "Eventing Command Line Utility", _WINDOWS, _MICROSOFT),
    "whoami.exe": ("whoami.exe", "whoami - displays logged on user information", _WINDOWS, _MICROSOFT),
    "winword.exe": ("WinWord.exe", "Microsoft Word", "Microsoft Office", _MICROSOFT),
    "wmic.exe": ("wmic.exe", "WMI Commandline Utility", _WINDOWS, _MICROSOFT),
    "wmiprvse.exe": ("Wmiprvse.exe", "WMI Provider Host", _WINDOWS, _MICROSOFT),
}


@cache
def program_of(image: str, disguises: str = "") -> Program:
    r"""Return what is known of an image.

    Args:
        image: Its path.
        disguises: File name of the program that it really is, if it was renamed.

    >>> program_of("C:\\Windows\\System32\\cmd.exe").original
    'Cmd.Exe'
    """
    name = image.rpartition("\\")[2]
    known = _RENAMED.get(disguises.lower()) or _KNOWN.get(name.lower())
    original, description, product, company = known or ("-", "-", "-", "-")
    is_system = company == _MICROSOFT
    identity = f"synthetic:{(disguises or name).lower()}"
    return Program(
        original=original,
        description=description,
        product=product,
        company=company,
        version="10.0.14393.4046 (rs1_release.201028-1803)" if is_system else "-" if known is None else "6.2.0",
        hashes=_hashes(identity),
    )


_RENAMED: dict[str, tuple[str, str, str, str]] = {
    "rar.exe": ("Rar.exe", "Command line RAR", "WinRAR", "Alexander Roshal"),
}


def _hashes(identity: str) -> str:
    raw = identity.encode()
    short = md5(raw, usedforsecurity=False).hexdigest()
    imphash = md5(raw[::-1], usedforsecurity=False).hexdigest()
    return f"MD5={short},SHA256={sha256(raw).hexdigest()},IMPHASH={imphash}".upper()
