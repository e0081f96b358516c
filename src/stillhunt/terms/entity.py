"""The things in a log that a finding is about."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Entity", "EntityKind"]


class EntityKind(StrEnum):
    """What kind of thing an entity is."""

    HOST = "host"
    ACCOUNT = "account"
    ADDRESS = "address"
    DOMAIN = "domain"
    PROCESS = "process"  # an executable's path
    PROCESS_ID = "process-id"  # one running process: Sysmon's ProcessGuid
    FILE = "file"
    HASH = "hash"
    SERVICE = "service"
    MAILBOX = "mailbox"
    APPLICATION = "application"  # in a cloud, by its id
    SHARE = "share"
    SITE = "site"  # documents kept in a cloud
    URL = "url"  # the path asked of a web server


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """A host, account, address, process, file or mailbox named in a log.

    Attributes:
        kind: What it is.
        value: Its name as written here, lower case where the system ignores case.
        role: What it does in the event: ``subject``, ``target``, ``source``, ``destination``, or empty.
    """

    kind: EntityKind
    value: str
    role: str = ""
