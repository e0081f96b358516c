"""Who may act in a cloud tenant: people with an account, and applications."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EXCHANGE_ONLINE", "GRAPH", "OFFICE", "OUTLOOK", "OUTLOOK_MOBILE", "Application", "Subscriber"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application that may act in the tenant.

    Attributes:
        app_id: Its application id.
        title: Its name.
        object_id: Id of its service principal in the tenant.
    """

    app_id: str
    title: str
    object_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """Somebody with an account in the tenant.

    Attributes:
        upn: User principal name, which is also the mail address.
        name: Name in the directory.
        object_id: Id in the directory.
        passport: The number by which Exchange knows the account.
        mailbox: GUID of the mailbox.
        sid: Security identifier in Exchange.
    """

    upn: str
    name: str
    object_id: str
    passport: str
    mailbox: str
    sid: str


EXCHANGE_ONLINE = Application(
    app_id="00000002-0000-0ff1-ce00-000000000000",
    title="Office 365 Exchange Online",
    object_id="5f6b0f0a-6a3c-4f53-9d18-000000000001",
)
OUTLOOK = Application(
    app_id="d3590ed6-52b3-4102-aeff-aad2292ab01c",
    title="Microsoft Office",
    object_id="5f6b0f0a-6a3c-4f53-9d18-000000000002",
)
OUTLOOK_MOBILE = Application(
    app_id="27922004-5251-4030-b22d-91ecd9a37ea4",
    title="Outlook Mobile",
    object_id="5f6b0f0a-6a3c-4f53-9d18-000000000003",
)
OFFICE = Application(
    app_id="4765445b-32c6-49b0-83e6-1d93765276ca",
    title="OfficeHome",
    object_id="5f6b0f0a-6a3c-4f53-9d18-000000000004",
)
GRAPH = Application(
    app_id="00000003-0000-0000-c000-000000000000",
    title="Microsoft Graph",
    object_id="5f6b0f0a-6a3c-4f53-9d18-000000000005",
)
