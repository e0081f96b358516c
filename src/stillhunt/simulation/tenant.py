"""A cloud tenant: what people and applications do goes in, audit records come out as their services write them.

Three logs: Microsoft 365's unified audit log (rows of Search-UnifiedAuditLog, or a list of its AuditData objects),
Entra ID's sign-ins and its directory audit (lists of Graph's ``signIn`` and ``directoryAudit`` resources). Sources of
the forms: Microsoft's schema documentation (Office 365 Management Activity API; Graph's auditLogs), and public samples.
Application ids are Microsoft's published ones or invented; everything else is invented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from random import Random
from typing import Any
from zlib import crc32

import msgspec

from stillhunt.simulation.chance import guid, hexadecimal, stream
from stillhunt.simulation.entra import (
    Change,
    SignIn,
    audited_change,
    audited_sign_in,
    change_resource,
    location,
    sign_in_resource,
)
from stillhunt.simulation.feed import Feed
from stillhunt.simulation.identities import EXCHANGE_ONLINE, GRAPH, Application, Subscriber
from stillhunt.simulation.listings import audit_rows, json_list

__all__ = ["Tenant"]

_encode = msgspec.json.encode
_DIRECTORY = "AzureActiveDirectory"
_SIZES = {"\\Inbox": 260, "\\Sent Items": 140}
"""At most so many messages lie in a folder; elsewhere 60."""


@dataclass(slots=True)
class Tenant:
    """The logs of one tenant.

    Attributes:
        domain: Its domain.
        seed: Seed of the simulation.
        tenant_id: Its id.
        is_csv: Whether the unified audit log comes as CSV or as JSON.
        audit: The unified audit log.
        sign_ins: The directory's sign-ins.
        directory: The directory's audit log.
    """

    domain: str
    seed: int
    tenant_id: str = field(init=False)
    is_csv: bool = field(init=False)
    audit: Feed = field(init=False)
    sign_ins: Feed = field(init=False)
    directory: Feed = field(init=False)
    _subscribers: dict[str, Subscriber] = field(default_factory=dict)
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = stream(self.seed, "tenant")
        self.tenant_id = guid(self._random)
        self.is_csv = self._random.random() < 0.5
        self.audit = Feed("m365 audit", "", audit_rows if self.is_csv else json_list("m365/unified-audit-{month}.json"))
        self.sign_ins = Feed("entra sign-ins", "", json_list("entra/signIns-{month}.json"))
        self.directory = Feed("entra audit", "", json_list("entra/directoryAudits-{month}.json"))

    def subscriber(self, upn: str, name: str) -> Subscriber:
        """Return the account of a user principal name, the same every time."""
        if upn not in self._subscribers:
            random = stream(self.seed, f"subscriber {upn}")
            domain_sid = "-".join(str(stream(self.seed, f"exchange {i}").randrange(10**9, 4 * 10**9)) for i in range(3))
            self._subscribers[upn] = Subscriber(
                upn=upn,
                name=name,
                object_id=guid(random),
                passport=f"10032{hexadecimal(random, 11).upper()}",
                mailbox=guid(random),
                sid=f"S-1-5-21-{domain_sid}-{random.randrange(10**6, 3 * 10**7)}",
            )
        return self._subscribers[upn]

    def application(self, title: str) -> Application:
        """Return the invented application of a name, the same every time."""
        random = stream(self.seed, f"application {title}")
        return Application(app_id=guid(random), title=title, object_id=guid(random))

    def sign_in(
        self,
        at: datetime,
        who: Subscriber,
        application: Application,
        *,
        address: str,
        agent: str,
        place: tuple[str, str] = ("London", "GB"),
        error: int = 0,
        has_mfa: bool = False,
        is_federated: bool = False,
        is_interactive: bool = True,
        session: str = "",
        resource: Application = EXCHANGE_ONLINE,
    ) -> str:
        """Log a sign-in in the directory and in the unified audit log; returns its id.

        Args:
            at: When.
            who: Who.
            application: Into what.
            address: Where from.
            agent: With which browser or program.
            place: City and country that the service made of the address.
            error: The service's error code, 0 for success.
            has_mfa: Whether a second factor was asked for in this sign-in.
            is_federated: Whether the house's own federation server vouched for the account.
            is_interactive: False where a token was renewed without anybody there.
            session: Session id that later mailbox records carry.
            resource: What it was for.
        """
        sign_in = SignIn(
            at=at,
            tenant_id=self.tenant_id,
            domain=self.domain,
            number=guid(self._random),
            correlation=guid(self._random),
            took_ms=self._random.randrange(60, 900),
            who=who,
            application=application,
            resource=resource,
            address=address,
            agent=agent,
            place=place,
            error=error,
            has_mfa=has_mfa,
            is_federated=is_federated,
            is_interactive=is_interactive,
            session=session,
        )
        self.sign_ins.note(at, _encode(sign_in_resource(sign_in)).decode())
        if is_interactive:
            operation, status = ("UserLoginFailed", "Failed") if error else ("UserLoggedIn", "Success")
            body, key = audited_sign_in(sign_in), who.object_id
            self._audit(at, operation, 15, _DIRECTORY, user_key=key, body=body, status=status, number=sign_in.number)
        return sign_in.number

    def app_sign_in(self, at: datetime, application: Application, *, address: str, place: tuple[str, str]) -> None:
        """Log that an application signed in as itself, with a key of its own."""
        record = {
            "id": guid(self._random),
            "createdDateTime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "appId": application.app_id,
            "appDisplayName": application.title,
            "ipAddress": address,
            "clientAppUsed": "",
            "correlationId": guid(self._random),
            "conditionalAccessStatus": "notApplied",
            "isInteractive": False,
            "resourceDisplayName": GRAPH.title,
            "resourceId": GRAPH.app_id,
            "servicePrincipalId": application.object_id,
            "servicePrincipalName": application.title,
            "servicePrincipalCredentialKeyId": guid(stream(self.seed, f"key {application.app_id}")),
            "signInEventTypes": ["servicePrincipal"],
            "status": {"errorCode": 0, "failureReason": "Other.", "additionalDetails": None},
            "location": location(place),
        }
        self.sign_ins.note(at, _encode(record).decode())

    def read_mail(
        self,
        at: datetime,
        owner: Subscriber,
        *,
        address: str,
        client: str,
        app_id: str = "",
        session: str = "",
        folders: Mapping[str, Sequence[str]],
        is_sync: bool = False,
        is_throttled: bool = False,
        by: Application | None = None,
        reader: Subscriber | None = None,
    ) -> None:
        """Log access to a mailbox (MailItemsAccessed).

        Args:
            at: When.
            owner: Whose mailbox.
            address: Where from.
            client: What the client said of itself.
            app_id: Application that read it, or empty for Outlook and the web.
            session: Session of the sign-in, or empty.
            folders: Message ids read, by folder path.
            is_sync: True if a whole folder was synchronised, where messages are not named.
            is_throttled: True if the service has logged too much of this mailbox today, and now stops for a day.
            by: The application that acts as itself, without a user.
            reader: Who reads it as a delegate, if it is not the owner.
        """
        person = reader or owner
        actor = by.object_id if by else person.upn
        listed = [
            {
                "Id": _folder_id(owner, path),
                "Path": path,
                **(
                    {} if is_sync else {"FolderItems": [{"InternetMessageId": m, "SizeInBytes": _size(m)} for m in ids]}
                ),
            }
            for path, ids in folders.items()
        ]
        body = {
            **self._mailbox(owner, actor, address=address, client=client, app_id=app_id, session=session),
            "LogonType": 2 if reader else 0,
            "LogonUserSid": person.sid,
            "OperationProperties": [
                {"Name": "MailAccessType", "Value": "Sync" if is_sync else "Bind"},
                {"Name": "IsThrottled", "Value": "True" if is_throttled else "False"},
            ],
        }
        if is_sync:
            (only,) = listed
            body["Item"] = {
                "Id": only["Id"],
                "ParentFolder": {"Id": only["Id"], "Name": only["Path"][1:], "Path": only["Path"]},
            }
        else:
            body |= {"Folders": listed, "OperationCount": sum(len(ids) for ids in folders.values())}
        kind, key = 2 if is_sync else 50, by.app_id if by else person.passport
        self._audit(at, "MailItemsAccessed", kind, "Exchange", user_key=key, body=body, user_type=5 if by else 0)

    def send_mail(
        self, at: datetime, who: Subscriber, *, address: str, client: str, subject: str, session: str = ""
    ) -> None:
        """Log that a message was sent (Send)."""
        body = {
            **self._mailbox(who, who.upn, address=address, client=client, app_id="", session=session),
            "LogonType": 0,
            "Item": {"Id": "Unknown", "InternetMessageId": self.message_id(), "Subject": subject},
        }
        self._audit(at, "Send", 2, "Exchange", user_key=who.passport, body=body)

    def run_cmdlet(
        self, at: datetime, who: Subscriber, cmdlet: str, target: str, parameters: Mapping[str, str], *, address: str
    ) -> None:
        """Log a cmdlet of the mail service, such as New-InboxRule."""
        body = {
            "ClientIP": f"{address}:{self._random.randrange(1024, 65535)}"
            if ":" not in address
            else f"[{address}]:443",
            "ObjectId": target,
            "UserId": who.upn,
            "AppId": "",
            "ClientAppId": "",
            "ExternalAccess": False,
            "OrganizationName": self.domain,
            "OriginatingServer": self._server(),
            "Parameters": [{"Name": name, "Value": value} for name, value in parameters.items()],
            "SessionId": guid(self._random),
        }
        self._audit(at, cmdlet, 1, "Exchange", user_key=who.passport, body=body, status="True", user_type=2)

    def open_file(
        self, at: datetime, who: Subscriber, name: str, *, address: str, agent: str, operation: str = "FileAccessed"
    ) -> None:
        """Log access to a file in the cloud."""
        site = f"https://files.{self.domain}/personal/{who.upn.replace('@', '_').replace('.', '_')}/"
        body = {
            "ClientIP": address,
            "ObjectId": f"{site}Documents/{name}",
            "UserId": who.upn,
            "CorrelationId": guid(self._random),
            "EventSource": "SharePoint",
            "ItemType": "File",
            "Site": guid(stream(self.seed, f"site {who.upn}")),
            "UserAgent": agent,
            "SourceFileExtension": name.rpartition(".")[2],
            "SiteUrl": site,
            "SourceFileName": name,
            "SourceRelativeUrl": "Documents",
        }
        self._audit(
            at,
            operation,
            6,
            "OneDrive",
            user_key=f"i:0h.f|membership|{who.passport.lower()}@live.example",
            body=body,
            status="",
        )

    def change_directory(
        self,
        at: datetime,
        who: Subscriber,
        operation: str,
        *,
        category: str,
        kind: str,
        target_id: str,
        target_name: str,
        changes: Mapping[str, tuple[str, str]],
        address: str,
        agent: str = "EvoSTS",
        as_audited: str = "",
    ) -> None:
        """Log a change to the directory, in its own audit log and in the unified one.

        Args:
            at: When.
            who: Who did it.
            operation: What the directory calls it, such as ``Consent to application``.
            category: The directory's category, such as ``ApplicationManagement``.
            kind: What was changed: ``ServicePrincipal``, ``Application``, ``User``, ``Domain`` ...
            target_id: Its id.
            target_name: Its name.
            changes: Property to (old, new).
            address: Where from.
            agent: What the client said of itself.
            as_audited: The operation's name in the unified log, if it is not the same with a full stop.
        """
        correlation = guid(self._random)
        change = Change(
            at=at,
            tenant_id=self.tenant_id,
            correlation=correlation,
            suffix=f"{hexadecimal(self._random, 5).upper()}_{self._random.randrange(10**6, 10**8)}",
            intra=guid(self._random),
            who=who,
            operation=operation,
            category=category,
            kind=kind,
            target_id=target_id,
            target_name=target_name,
            changes=changes,
            address=address,
            agent=agent,
        )
        self.directory.note(at, _encode(change_resource(change)).decode())
        name, key = as_audited or f"{operation}.", f"{who.passport}@{self.domain}"
        self._audit(at, name, 8, _DIRECTORY, user_key=key, body=audited_change(change), status="Success")

    def letters(self, random: Random, owner: Subscriber, folder: str, n: int) -> list[str]:
        """Draw the ids of ``n`` messages of a mail folder, or of all it has; it has the same ones every time."""
        size = _SIZES.get(folder, 60)
        n_letters = size // 2 + crc32(f"{owner.mailbox} {folder}".encode()) % (size // 2)
        chosen = random.sample(range(n_letters), min(n, n_letters))
        return [f"<{_mark(owner.mailbox, folder, number)}@post.{self.domain}>" for number in chosen]

    def message_id(self) -> str:
        """Return a new message id, as the mail service makes them."""
        return f"<{hexadecimal(self._random, 30).upper()}@{self._server().partition(' ')[0]}.prod.mail.example>"

    def _mailbox(
        self, owner: Subscriber, actor: str, *, address: str, client: str, app_id: str, session: str
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "UserId": actor,
            "AppId": app_id or EXCHANGE_ONLINE.app_id,
            "ClientAppId": app_id,
            "ClientIPAddress": address,
            "ClientInfoString": client,
            "ExternalAccess": False,
            "InternalLogonType": 0,
            "LogonUserSid": owner.sid,
            "MailboxGuid": owner.mailbox,
            "MailboxOwnerSid": owner.sid,
            "MailboxOwnerUPN": owner.upn,
            "OrganizationName": self.domain,
            "OriginatingServer": f"{self._server()}\r\n",
        }
        if session:
            body["SessionId"] = session
        return body

    def _audit(
        self,
        at: datetime,
        operation: str,
        kind: int,
        workload: str,
        *,
        user_key: str,
        body: Mapping[str, Any],
        status: str = "Succeeded",
        user_type: int = 0,
        number: str = "",
    ) -> None:
        head = {
            "CreationTime": f"{at:%Y-%m-%dT%H:%M:%S}",
            "Id": number or guid(self._random),
            "Operation": operation,
            "OrganizationId": self.tenant_id,
            "RecordType": kind,
            **({"ResultStatus": status} if status else {}),
            "UserKey": user_key,
            "UserType": user_type,
            "Version": 1,
            "Workload": workload,
        }
        self.audit.note(at, _encode({**head, **body}).decode())

    def _server(self) -> str:
        return f"SAMPLE{self._random.randrange(40):02}MB{self._random.randrange(1000, 9999)} (15.20.4065.026)"


def _mark(mailbox: str, folder: str, number: int) -> str:
    return blake2b(f"{mailbox} {folder} {number}".encode(), digest_size=12).hexdigest()


def _folder_id(owner: Subscriber, path: str) -> str:
    return f"LgAAAAB{hexadecimal(stream(0, f'{owner.mailbox} {path}'), 40)}AAAB"


def _size(message: str) -> int:
    return 4000 + sum(message.encode()) * 37 % 90_000
