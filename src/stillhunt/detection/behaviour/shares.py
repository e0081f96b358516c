"""Who opens how many files on whose shares, on which day; archives that are written; programs that start programs.

Reference: Microsoft, events 5140 and 5145 (network shares), 4663 (objects), 4688; SharePoint file operations of the
unified audit log; Sysmon 1 and 11; Zeek smb_files.
"""

from __future__ import annotations

import re

import pyarrow as pa

from stillhunt.detection.behaviour.join import hashed
from stillhunt.detection.behaviour.model import Aggregate
from stillhunt.detection.behaviour.pages import base_name
from stillhunt.detection.behaviour.taking import DAYS, Taken, taken
from stillhunt.telemetry.event import EventBatch, EventClass

__all__ = ["ARCHIVES", "SHARE_DAYS", "STARTS", "folder_kind"]

_SHARE_EVENTS = frozenset({"5140", "5145", "4663"})
_IGNORED = re.compile(r"(?:^|\\)(?:ipc\$|sysvol|netlogon|print\$)$", re.IGNORECASE)


_CLOUD_READS = frozenset(
    {"fileaccessed", "fileaccessedextended", "filedownloaded", "filepreviewed", "filesyncdownloadedfull"}
)


def _is_share(event_class: EventClass) -> bool:
    is_zeek = event_class.product == "zeek" and "smb_files" in event_class.services
    is_cloud = event_class.product == "m365" and "exchange" not in event_class.services
    return event_class.event_id in _SHARE_EVENTS or is_zeek or is_cloud


def _share_rows(batch: EventBatch) -> pa.Table | None:
    return _cloud_rows(batch) if batch.event_class.product == "m365" else _file_server_rows(batch)


def _cloud_rows(batch: EventBatch) -> pa.Table | None:
    """Return files opened in the sites of a cloud, each site as a share."""
    took = taken(batch, "event.action", _CLOUD_READS)
    if took is None:
        return None
    sites, actors = took.texts("SiteUrl"), took.texts("user.name")
    table = took.table(
        {
            "actor": took.column("user.name"),
            "server": took.column("SiteUrl", lambda site: site.partition("://")[2].partition("/")[0].lower()),
            "share": took.column("SiteUrl", str.lower),
            "address": took.column("source.ip"),
            "day": took.days()["days"].cast(pa.string()),
            "files": hashed(took.coded("ObjectId")),
            "named": pa.array([1] * took.n_rows, pa.int64()),
        }
    )
    # What the service itself reads, to index or to search it, is nobody's reading.
    kept = [bool(site) and "\\" in actor for site, actor in zip(sites, actors, strict=True)]
    return None if table is None else table.filter(pa.array(kept, pa.bool_()))


def _file_server_rows(batch: EventBatch) -> pa.Table | None:
    took = Taken(batch)
    names = ("ShareName", "RelativeTargetName", "ObjectName", "path", "name", "user.name", "source.ip", "IpAddress")
    rows = zip(*(took.texts(name) for name in names), strict=True)
    is_zeek = batch.event_class.product == "zeek"
    shares, files, actors, addresses = [], [], [], []
    for share, relative, opened, path, name, user, source, address in rows:
        place = share or (path if is_zeek else "") or re.split(r"(?<=[^\\])\\", opened, maxsplit=1)[0]
        shares.append("" if _IGNORED.search(place.rstrip("\\")) else place.lower().rstrip("\\"))
        files.append(relative or opened or (name if is_zeek else ""))
        addresses.append(source or address)
        actors.append(user or (source if is_zeek else ""))
    hosts = took.column("destination.ip" if is_zeek else "host.name")
    table = took.table(
        {
            "actor": pa.array(actors, pa.string()),
            "server": hosts,
            "share": pa.array(shares, pa.string()),
            "address": pa.array(addresses, pa.string()),
            "day": took.days()["days"].cast(pa.string()),
            "files": hashed(pa.array(files, pa.string()).dictionary_encode()),
            "named": pa.array([int(bool(file)) for file in files], pa.int64()),
        }
    )
    if table is None:
        return None
    kept = [
        bool(actor) and bool(share) and not actor.endswith("$") for actor, share in zip(actors, shares, strict=True)
    ]
    return table.filter(pa.array(kept, pa.bool_()))


SHARE_DAYS = Aggregate(
    name="share days",
    wants=_is_share,
    fields=("ShareName", "RelativeTargetName", "ObjectName", "path", "name", "IpAddress", "SiteUrl", "ObjectId"),
    keys=("actor", "server", "share", "address", "day"),
    measures={"files": "least", "named": "sum"},
    rows=_share_rows,
)
"""Which different files an account opened on a share, or in a site of a cloud, on a day; machines are left out."""

_ARCHIVE = re.compile(r"\.(?:rar|r\d\d|7z|7z\.\d{3}|zip|z\d\d|tar|tgz|tar\.gz|cab|ace|arj|lzh|part\d+\.rar|00\d)$")
_VOLUME = re.compile(r"(?:\.part\d+|\.r\d\d|\.z\d\d|\.\d{3})(?:\.rar)?$")
_PERSON = re.compile(r"^([a-z]:)?[\\/](users|home|documents and settings)[\\/][^\\/]+", re.IGNORECASE)
_DRAWN = re.compile(r"\{?[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\}?|\d{2,}", re.IGNORECASE)


def folder_kind(path: str) -> str:
    r"""Return the folder of a file with what differs from person to person and time to time left out.

    >>> folder_kind(r"C:\Users\ann\AppData\Local\Temp\12345678\x.zip")
    'c:\\users\\*\\appdata\\local\\temp\\*'
    """
    folder = path.lower().rpartition("\\" if "\\" in path else "/")[0]
    return _DRAWN.sub("*", _PERSON.sub(lambda m: f"{m[1] or ''}\\{m[2].lower()}\\*", folder))


def _is_write(event_class: EventClass) -> bool:
    return "file_event" in event_class.categories


def _archive_rows(batch: EventBatch) -> pa.Table | None:
    took = Taken(batch)
    paths = [path.lower() for path in took.texts("file.path")]
    table = took.table(
        {
            "host": took.column("host.name"),
            "folder": took.column("file.path", folder_kind),
            "process": took.column("process.executable", base_name),
            "user": took.column("user.name"),
            "files": hashed(pa.array(paths, pa.string()).dictionary_encode()),
            "volumes": pa.array([int(bool(_VOLUME.search(path))) for path in paths], pa.int64()),
            **took.days(),
        }
    )
    return (
        None if table is None else table.filter(pa.array([bool(_ARCHIVE.search(path)) for path in paths], pa.bool_()))
    )


ARCHIVES = Aggregate(
    name="archives written",
    wants=_is_write,
    fields=(),
    keys=("host", "folder", "process", "user"),
    measures={"files": "least", "volumes": "sum", **DAYS},
    rows=_archive_rows,
)
"""Archives that a program wrote, by kind of folder."""


def _starts(event_class: EventClass) -> bool:
    return "process_creation" in event_class.categories


def _start_rows(batch: EventBatch) -> pa.Table | None:
    took = Taken(batch)
    parents, children = (
        took.column("process.parent.executable", base_name),
        took.column("process.executable", base_name),
    )
    table = took.table({"host": took.column("host.name"), "parent": parents, "child": children, **took.days()})
    if table is None:
        return None
    kept = [bool(a) and bool(b) for a, b in zip(parents.to_pylist(), children.to_pylist(), strict=True)]
    return table.filter(pa.array(kept, pa.bool_()))


STARTS = Aggregate(
    name="program starts", wants=_starts, fields=(), keys=("host", "parent", "child"), measures=DAYS, rows=_start_rows
)
"""Which program started which, on which machine, and on which days."""
