"""What every room above sees of a log: batches of events of one class, as Arrow.

The common columns carry ECS names; the native fields follow under the names their log gives them, because
those are what Sigma rules speak. Every native column is ``dictionary<int32, string>``: text exactly as logged.
:data:`LIST_FIELDS` (such as ``Data``, the unnamed values of classic Windows events) are ``list<dictionary<int32,
string>>``.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

__all__ = ["COMMON", "LIST_FIELDS", "TEXT", "TEXT_LIST", "EventBatch", "EventClass"]

TEXT = pa.dictionary(pa.int32(), pa.string())
"""Type of a native field and of every common text column."""

TEXT_LIST = pa.list_(TEXT)
"""Type of a field with several values in one event."""

LIST_FIELDS = frozenset(
    {
        "Data",
        "answer",
        "answers",
        "client_header_names",
        "data.protoPayload.authorizationInfo.granted",
        "data.protoPayload.authorizationInfo.permission",
        "orig_mime_types",
        "protoPayload.authorizationInfo.granted",
        "protoPayload.authorizationInfo.permission",
        "resp_mime_types",
        "server_header_names",
    }
)
"""Native fields of that type, whatever log they are in: rules compare their values one by one."""

COMMON: dict[str, tuple[pa.DataType, str]] = {
    "@timestamp": (
        pa.timestamp("us", tz="UTC"),
        "When it happened, UTC; null where the record has no usable time.",
    ),
    "event.clock": (TEXT, "The field of the record that `@timestamp` was read from."),
    "event.file": (TEXT, "The input file, as given, with `!member` for a member of an archive."),
    "event.record": (pa.int64(), "Record id, or line number, that finds the raw record again in that file."),
    "event.place": (pa.int64(), "Where in the file to look for it first, as its source counts; null if it does not."),
    "host.name": (TEXT, "The machine the event happened on, lower case, as logged (often fully qualified)."),
    "user.name": (TEXT, "The acting account, lower case, as DOMAIN\\\\name where a domain is logged."),
    "user.target.name": (TEXT, "The account acted upon or logged on, in the same form."),
    "source.ip": (TEXT, "The address the action came from."),
    "destination.ip": (TEXT, "The address a connection went to."),
    "destination.domain": (TEXT, "The name asked for or connected to."),
    "process.entity_id": (TEXT, "One running process across events: Sysmon's ProcessGuid with its host."),
    "process.executable": (TEXT, "Path of the acting process's image."),
    "process.command_line": (TEXT, "Its command line."),
    "process.parent.entity_id": (TEXT, "The parent process, in the same form as `process.entity_id`."),
    "process.parent.executable": (TEXT, "Path of the parent's image."),
    "file.path": (TEXT, "The file that the event is about."),
    "file.hash.sha256": (TEXT, "Its SHA-256, lower case."),
    "logon.type": (TEXT, "Windows logon type of a logon event."),
    "service.name": (TEXT, "The service or scheduled task that the event is about."),
    "event.action": (TEXT, "What was done, in the log's own word for it: an operation, an API call, a method."),
    "event.outcome": (TEXT, "`success` or `failure`; null where the log does not say."),
    "destination.port": (TEXT, "The port a connection went to."),
    "url.path": (TEXT, "Path of the address asked for, without its query."),
    "http.request.method": (TEXT, "Method of a web request, as logged."),
    "http.response.status_code": (TEXT, "What a web server answered."),
    "user_agent.original": (TEXT, "What the client said it is."),
    "cloud.account.id": (TEXT, "Account, tenant, subscription or project in a cloud."),
    "email.sender.address": (TEXT, "Who a message says, or its server found, that it is from; lower case."),
    "email.subject": (TEXT, "Its subject, decoded."),
    "email.mailbox": (TEXT, "The mailbox that was opened, searched or changed; lower case."),
    "email.message_id": (TEXT, "Its Message-ID, without angle brackets."),
}
"""Common columns: name to (Arrow type, one sentence). Every batch has all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventClass:
    """What kind of events a batch holds, in the words of a Sigma log source.

    Attributes:
        product: Sigma product, such as ``windows`` or ``iis``.
        categories: Sigma categories its events satisfy, such as ``process_creation``.
        services: Sigma services its events satisfy, such as ``sysmon`` or ``security``.
        channel: Windows channel, or None elsewhere.
        provider: Windows provider, or None elsewhere.
        event_id: Windows event id as text, or None elsewhere.
    """

    product: str
    categories: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    channel: str | None = None
    provider: str | None = None
    event_id: str | None = None

    @property
    def name(self) -> str:
        """``product/category``, else ``product/service``, else the product."""
        narrow = sorted(self.categories) or sorted(self.services)
        return f"{self.product}/{narrow[0]}" if narrow else self.product


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBatch:
    """Events of one class.

    Attributes:
        event_class: What they are.
        data: Columns of :data:`COMMON`, then native columns (:data:`TEXT`; :data:`LIST_FIELDS`: :data:`TEXT_LIST`).
    """

    event_class: EventClass
    data: pa.RecordBatch

    @property
    def native_names(self) -> list[str]:
        """Names of the native columns: what a keyword is looked for in."""
        return [name for name in self.data.schema.names if name not in COMMON]
