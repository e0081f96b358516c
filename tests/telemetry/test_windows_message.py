"""English messages of well-known events give back the fields that the events have."""

# ruff: noqa: E501 - records stand here as logs have them

from __future__ import annotations

import pytest

from stillhunt.telemetry.windows_message import fields_of_message

AUDITING, EVENTLOG = "Microsoft-Windows-Security-Auditing", "Microsoft-Windows-Eventlog"
SUBJECT = (
    "Subject:\n\tSecurity ID:\t\tSYSTEM\n\tAccount Name:\t\tDC1$\n\tAccount Domain:\t\tCORP\n\tLogon ID:\t\t0x3E7\n\n"
)
SYSTEM = {
    "SubjectUserSid": "S-1-5-18",
    "SubjectUserName": "DC1$",
    "SubjectDomainName": "CORP",
    "SubjectLogonId": "0x3E7",
}

CASES = {
    "a logon": (
        (AUDITING, "4624"),
        (
            f"An account was successfully logged on.\n\n{SUBJECT}Logon Information:\n\tLogon Type:\t\t3\n\tElevated Token:\t\tYes\n\n"
            "Impersonation Level:\t\tImpersonation\n\nNew Logon:\n\tSecurity ID:\t\tCORP\\bob\n\tAccount Name:\t\tbob\n"
            "\tAccount Domain:\t\tCORP\n\tLogon ID:\t\t0x9\n\tLogon GUID:\t\t{0}\n\nProcess Information:\n\tProcess ID:\t\t0x1c\n"
            "\tProcess Name:\t\tC:\\lsass.exe\n\nNetwork Information:\n\tWorkstation Name:\tWS1\n\tSource Network Address:\t10.0.0.1\n"
            "\tSource Port:\t\t5000\n\nDetailed Authentication Information:\n\tLogon Process:\t\tKerberos\n"
            "\tPackage Name (NTLM only):\t-\n\tKey Length:\t\t0\n\nThis event is generated when a logon session is created."
        ),
        SYSTEM
        | {
            "LogonType": "3",
            "ElevatedToken": "%%1842",
            "ImpersonationLevel": "%%1833",
            "TargetUserSid": "CORP\\bob",
            "TargetUserName": "bob",
            "TargetDomainName": "CORP",
            "TargetLogonId": "0x9",
            "LogonGuid": "{0}",
            "ProcessId": "0x1c",
            "ProcessName": "C:\\lsass.exe",
            "WorkstationName": "WS1",
            "IpAddress": "10.0.0.1",
            "IpPort": "5000",
            "LogonProcessName": "Kerberos",
            "LmPackageName": "-",
            "KeyLength": "0",
        },
    ),
    "a logon that failed, as older Windows says it": (
        (AUDITING, "4625"),
        (
            f"An account failed to log on.\n\n{SUBJECT}Logon Type:\t\t\t10\n\nAccount For Which Logon Failed:\n\tSecurity ID:\t\tNULL SID\n"
            "\tAccount Name:\t\teve\n\tAccount Domain:\t\tCORP\n\nFailure Information:\n\tFailure Reason:\t\tUnknown user name or bad password.\n"
            "\tStatus:\t\t\t0xC000006D\n\tSub Status:\t\t0xC0000064\n"
        ),
        SYSTEM
        | {
            "LogonType": "10",
            "TargetUserSid": "S-1-0-0",
            "TargetUserName": "eve",
            "TargetDomainName": "CORP",
            "FailureReason": "Unknown user name or bad password.",
            "Status": "0xC000006D",
            "SubStatus": "0xC0000064",
        },
    ),
    "privileges below each other": (
        (AUDITING, "4672"),
        f"Special privileges assigned to new logon.\n\n{SUBJECT}Privileges:\t\tSeSecurityPrivilege\n\t\t\tSeDebugPrivilege\n\n",
        SYSTEM | {"PrivilegeList": "SeSecurityPrivilege\n\t\t\tSeDebugPrivilege"},
    ),
    "a service, by the auditor": (
        (AUDITING, "4697"),
        (
            f"A service was installed in the system.\n\n{SUBJECT}Service Information:\n\tService Name: \t\tevil\n"
            "\tService File Name:\tcmd /c x\n\tService Type: \t\t0x10\n\tService Start Type:\t3\n\tService Account: \t\tLocalSystem\n"
        ),
        SYSTEM
        | {
            "ServiceName": "evil",
            "ServiceFileName": "cmd /c x",
            "ServiceType": "0x10",
            "ServiceStartType": "3",
            "ServiceAccount": "LocalSystem",
        },
    ),
    "a service, by its manager": (
        ("Service Control Manager", "7045"),
        (
            "A service was installed in the system.\r\n\r\nService Name:  evil\r\nService File Name:  C:\\x.exe -k\r\n"
            "Service Type:  user mode service\r\nService Start Type:  demand start\r\nService Account:  LocalSystem"
        ),
        {
            "ServiceName": "evil",
            "ImagePath": "C:\\x.exe -k",
            "ServiceType": "user mode service",
            "StartType": "demand start",
            "AccountName": "LocalSystem",
        },
    ),
    "a log cleared": (
        (EVENTLOG, "1102"),
        "The audit log was cleared.\nSubject:\n\tSecurity ID:\tCORP\\eve\n\tAccount Name:\teve\n\tDomain Name:\tCORP\n\tLogon ID:\t0x1",
        {"SubjectUserSid": "CORP\\eve", "SubjectUserName": "eve", "SubjectDomainName": "CORP", "SubjectLogonId": "0x1"},
    ),
    "a new account": (
        (AUDITING, "4720"),
        (
            f"A user account was created.\n\n{SUBJECT}New Account:\n\tSecurity ID:\t\tCORP\\eve\n\tAccount Name:\t\teve\n"
            "\tAccount Domain:\t\tCORP\n\nAttributes:\n\tSAM Account Name:\teve\n\tDisplay Name:\t\tEve\n"
        ),
        SYSTEM
        | {
            "TargetSid": "CORP\\eve",
            "TargetUserName": "eve",
            "TargetDomainName": "CORP",
            "SamAccountName": "eve",
            "DisplayName": "Eve",
        },
    ),
    "a member of a group": (
        (AUDITING, "4732"),
        (
            f"A member was added to a security-enabled local group.\n\n{SUBJECT}Member:\n\tSecurity ID:\t\tCORP\\eve\n"
            "\tAccount Name:\t\tCN=eve,DC=corp\n\nGroup:\n\tSecurity ID:\t\tBUILTIN\\Administrators\n\tGroup Name:\t\tAdministrators\n"
            "\tGroup Domain:\t\tBuiltin\n\nAdditional Information:\n\tPrivileges:\t\t-"
        ),
        SYSTEM
        | {
            "MemberSid": "CORP\\eve",
            "MemberName": "CN=eve,DC=corp",
            "TargetSid": "BUILTIN\\Administrators",
            "TargetUserName": "Administrators",
            "TargetDomainName": "Builtin",
            "PrivilegeList": "-",
        },
    ),
    "a ticket-granting ticket": (
        (AUDITING, "4768"),
        (
            "A Kerberos authentication ticket (TGT) was requested.\n\nAccount Information:\n\tAccount Name:\t\tbob\n"
            "\tSupplied Realm Name:\tCORP\n\tUser ID:\t\t\tCORP\\bob\n\nService Information:\n\tService Name:\t\tkrbtgt\n"
            "\tService ID:\t\tCORP\\krbtgt\n\nNetwork Information:\n\tClient Address:\t\t::ffff:10.0.0.1\n\tClient Port:\t\t5000\n\n"
            "Additional Information:\n\tTicket Options:\t\t0x40810010\n\tResult Code:\t\t0x0\n\tTicket Encryption Type:\t0x17\n"
            "\tPre-Authentication Type:\t2\n"
        ),
        {
            "TargetUserName": "bob",
            "TargetDomainName": "CORP",
            "TargetSid": "CORP\\bob",
            "ServiceName": "krbtgt",
            "ServiceSid": "CORP\\krbtgt",
            "IpAddress": "::ffff:10.0.0.1",
            "IpPort": "5000",
            "TicketOptions": "0x40810010",
            "Status": "0x0",
            "TicketEncryptionType": "0x17",
            "PreAuthType": "2",
        },
    ),
    "a service ticket": (
        (AUDITING, "4769"),
        (
            "A Kerberos service ticket was requested.\n\nAccount Information:\n\tAccount Name:\t\tbob@CORP\n\tAccount Domain:\t\tCORP\n"
            "\tLogon GUID:\t\t{0}\n\nService Information:\n\tService Name:\t\tsql\n\nAdditional Information:\n\tFailure Code:\t\t0x0\n"
        ),
        {
            "TargetUserName": "bob@CORP",
            "TargetDomainName": "CORP",
            "LogonGuid": "{0}",
            "ServiceName": "sql",
            "Status": "0x0",
        },
    ),
    "NTLM": (
        (AUDITING, "4776"),
        (
            "The computer attempted to validate the credentials for an account.\n\nAuthentication Package:\tMSV1_0\n"
            "Logon Account:\tbob\nSource Workstation:\tWS1\nError Code:\t0xC000006A"
        ),
        {"PackageName": "MSV1_0", "TargetUserName": "bob", "Workstation": "WS1", "Status": "0xC000006A"},
    ),
    "auditing switched off": (
        (AUDITING, "4719"),
        (
            f"System audit policy was changed.\n\n{SUBJECT}Audit Policy Change:\n\tCategory:\t\tLogon/Logoff\n"
            "\tSubcategory GUID:\t{0}\n\tChanges:\t\tSuccess removed, Failure removed"
        ),
        SYSTEM | {"CategoryId": "Logon/Logoff", "SubcategoryGuid": "{0}", "AuditPolicyChanges": "%%8448, %%8450"},
    ),
    "a task with all of its definition": (
        (AUDITING, "4698"),
        f"A scheduled task was created.\n\n{SUBJECT}Task Information:\n\tTask Name: \t\t\\evil\n\tTask Content: \t\t<?xml?>\n<Task>\n a: b\n</Task>",
        SYSTEM | {"TaskName": "\\evil", "TaskContent": "<?xml?>\n<Task>\n a: b\n</Task>"},
    ),
    "Sysmon, with a command over two lines": (
        ("Microsoft-Windows-Sysmon", "1"),
        'Process Create:\r\nRuleName: -\r\nCommandLine: powershell "a\r\nb: c\r\nC:\\x"\r\nUser: CORP\\bob\r\nHashes: SHA256=00',
        {"RuleName": "-", "CommandLine": 'powershell "a\nb: c\nC:\\x"', "User": "CORP\\bob", "Hashes": "SHA256=00"},
    ),
    "a script block": (
        ("Microsoft-Windows-PowerShell", "4104"),
        "Creating Scriptblock text (1 of 2):\nGet-Foo\n\nbar\n\nScriptBlock ID: abc\nPath: C:\\x.ps1",
        {
            "MessageNumber": "1",
            "MessageTotal": "2",
            "ScriptBlockText": "Get-Foo\n\nbar",
            "ScriptBlockId": "abc",
            "Path": "C:\\x.ps1",
        },
    ),
    "another language": ((AUDITING, "4688"), "Ein neuer Prozess wurde erstellt.\n\nErsteller:\n\tSID:\t\tx", {}),
    "an event that is not known": (("Contoso", "1"), "Subject:\n\tAccount Name:\tx", {}),
}


@pytest.mark.parametrize("what", CASES)
def test_a_message_gives_back_the_fields(what):
    (provider, event_id), message, expected = CASES[what]
    assert fields_of_message(provider, event_id, message) == expected
    assert fields_of_message(provider, event_id, message.replace("\r\n", "\n").replace("\n", "\r\n")) == expected
