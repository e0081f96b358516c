"""What a domain controller logs when accounts are made and removed, secrets replicated, and weak tickets asked for."""

from __future__ import annotations

from datetime import datetime, timedelta

from stillhunt.simulation import kinds
from stillhunt.simulation.estate import Person
from stillhunt.simulation.machine import Machine
from stillhunt.simulation.windows import NO_GUID, Session, subject

__all__ = ["add_to_group", "create_account", "delete_account", "read_object", "replicate_secrets", "weak_ticket"]

_DOMAIN_OBJECT = "19195a5b-6da0-11d0-afd3-00c04fd930c9"
_REPLICATION_RIGHTS = ("1131f6aa-9c07-11d1-f79f-00c04fc2dcd2", "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2")


def weak_ticket(dc: Machine, at: datetime, person: Person, service: Person, address: str) -> None:
    """Log a service ticket with RC4 for a service account (4769), which can be cracked at leisure."""
    realm = dc.estate.windows_domain.upper()
    data = {
        "TargetUserName": f"{person.login}@{realm}",
        "TargetDomainName": realm,
        "ServiceName": service.login,
        "ServiceSid": service.sid,
        "TicketOptions": "0x40810000",
        "TicketEncryptionType": "0x17",
        "IpAddress": f"::ffff:{address}",
        "IpPort": str(dc.port()),
        "Status": "0x0",
        "LogonGuid": NO_GUID,
        "TransmittedServices": "-",
    }
    dc.log(at, kinds.KERBEROS_SERVICE, data)


def replicate_secrets(dc: Machine, at: datetime, session: Session) -> None:
    """Log that somebody who is no domain controller asked for replication of secrets (4662, twice)."""
    for number, right in enumerate(_REPLICATION_RIGHTS):
        when = at + timedelta(microseconds=700 * number)
        read_object(dc, when, session, kind=_DOMAIN_OBJECT, properties=(right, _DOMAIN_OBJECT), mask="0x100")


def read_object(
    dc: Machine, at: datetime, session: Session, *, kind: str, properties: tuple[str, ...], mask: str = "0x10"
) -> None:
    """Log access to an object of the directory (4662).

    Args:
        dc: The domain controller.
        at: When.
        session: Whose.
        kind: GUID of the object's class.
        properties: GUIDs of the rights or properties.
        mask: Access mask: 0x10 to read a property, 0x100 for a control right.
    """
    right = "%%7688" if mask == "0x100" else "%%7684"
    listed = "\r\n\t\t".join(f"{{{p}}}" for p in properties)
    data = {
        **subject(session),
        "ObjectServer": "DS",
        "ObjectType": f"%{{{kind}}}",
        "ObjectName": "%{c6faf700-bfe4-452a-a766-424f84c29583}",
        "OperationType": "Object Access",
        "HandleId": "0x0",
        "AccessList": f"{right}\r\n\t\t\t\t",
        "AccessMask": mask,
        "Properties": f"{right}\r\n\t\t{listed}\r\n",
        "AdditionalInfo": "-",
        "AdditionalInfo2": "",
    }
    dc.log(at, kinds.DIRECTORY_ACCESS, data)


def create_account(dc: Machine, at: datetime, session: Session, person: Person) -> None:
    """Log that an account was made and enabled (4720, 4722)."""
    target = _target(dc, person)
    data = {
        **target,
        **subject(session),
        "PrivilegeList": "-",
        "SamAccountName": person.login,
        "DisplayName": person.name,
        "UserPrincipalName": f"{person.login}@{dc.estate.windows_domain}",
        "HomeDirectory": "-",
        "HomePath": "-",
        "ScriptPath": "-",
        "ProfilePath": "-",
        "UserWorkstations": "-",
        "PasswordLastSet": "%%1794",
        "AccountExpires": "%%1794",
        "PrimaryGroupId": "513",
        "AllowedToDelegateTo": "-",
        "OldUacValue": "0x0",
        "NewUacValue": "0x15",
        "UserAccountControl": "\r\n\t\t%%2080\r\n\t\t%%2082\r\n\t\t%%2084",
        "UserParameters": "%%1793",
        "SidHistory": "-",
        "LogonHours": "%%1793",
    }
    dc.log(at, kinds.ACCOUNT_CREATED, data)
    dc.log(at + timedelta(milliseconds=40), kinds.ACCOUNT_ENABLED, {**target, **subject(session)})


def delete_account(dc: Machine, at: datetime, session: Session, person: Person) -> None:
    """Log that an account was deleted (4726)."""
    dc.log(at, kinds.ACCOUNT_DELETED, {**_target(dc, person), **subject(session), "PrivilegeList": "-"})


def add_to_group(dc: Machine, at: datetime, session: Session, person: Person, group: str, *, rid: int) -> None:
    """Log that an account was made a member of a group of the domain (4728)."""
    estate = dc.estate
    parts = ",".join(f"DC={p}" for p in estate.windows_domain.split("."))
    data = {
        "MemberName": f"CN={person.name},CN=Users,{parts}",
        "MemberSid": person.sid,
        "TargetUserName": group,
        "TargetDomainName": estate.organisation.netbios,
        "TargetSid": f"{estate.domain_sid}-{rid}",
        **subject(session),
        "PrivilegeList": "-",
    }
    dc.log(at, kinds.GROUP_MEMBER_ADDED, data)


def _target(dc: Machine, person: Person) -> dict[str, str]:
    return {
        "TargetUserName": person.login,
        "TargetDomainName": dc.estate.organisation.netbios,
        "TargetSid": person.sid,
    }
