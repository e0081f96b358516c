"""What the rest of the logs remembers about processes, logons and addresses, beside the findings.

A finding shows one moment. To say where a process came from, who logged on from where, and how common an
address is, linking and dating look back through every event; this keeps the little of each that they need.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.cases.access import Accesses
from stillhunt.cases.sessions import Sessions
from stillhunt.cases.sightings import Sightings
from stillhunt.telemetry.event import COMMON, EventBatch
from stillhunt.terms.moment import moment

__all__ = ["Logon", "Process", "ProcessStarts", "Trail", "file_name"]

ShiftOf = Callable[[str, str], int]
"""Seconds to add to the logged times of (file, host): what the clock ledger found."""

_REMOTE_LOGON_TYPES = frozenset({"3", "8", "9", "10"})
"""Network, network in clear text, new credentials, remote interactive."""

_REMOTE = "10"
"""Remote interactive: what a shell over the network is, in the numbers of Windows."""

_COMMAND_LINE_KEPT = 400

_OF_A_DOMAIN = "s-1-5-21-"
"""How identifiers of accounts of a domain or machine begin, in lower case."""

_SID_AT = 3
"""Where Exchange writes the identifier: cmdlet, parameters, caller, its identifier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process start.

    Attributes:
        id: ``process.entity_id``.
        parent: The parent's id, or empty.
        parent_image: The parent's image as logged with the child, or empty.
        image: Path of its image.
        command_line: Its command line, cut at 400 characters.
        user: Its account.
        host: Its machine.
        at: When it started, as logged.
        file: The input file that says so.
    """

    id: str
    parent: str
    parent_image: str
    image: str
    command_line: str
    user: str
    host: str
    at: datetime
    file: str


@dataclass(slots=True, kw_only=True)
class Logon:
    """All remote logons of one account from one address to one host.

    Attributes:
        host: The machine logged on to.
        account: The account.
        address: The address it came from.
        logon_type: Windows logon type.
        first_at: First of them, as logged.
        last_at: Last of them, as logged.
        count: How many.
        file: Input file of the first.
    """

    host: str
    account: str
    address: str
    logon_type: str
    first_at: datetime
    last_at: datetime
    count: int
    file: str


class ProcessStarts(Mapping[str, Process]):
    """Process starts by ``process.entity_id``; of several the earliest. Kept as columns until one is asked for."""

    def __init__(self) -> None:
        self._tables: list[pa.Table] = []
        self._places: dict[str, tuple[int, int]] | None = None
        self._shift_s: ShiftOf | None = None
        self._known: dict[str, Process] = {}
        self._absent: set[str] = set()

    def add(self, table: pa.Table) -> None:
        """Take the starts that a batch, or another worker, knows: columns of :data:`_START`."""
        if table.num_rows:
            self._tables.append(table)
            self._places = None
            self._known, self._absent = {}, set()

    def tables(self) -> list[pa.Table]:
        """Return all that was taken, for :meth:`add` elsewhere."""
        return self._tables

    def take(self, other: ProcessStarts) -> None:
        """Take in what another worker saw."""
        for table in other._tables:
            self.add(table)

    def shift(self, shift_s: ShiftOf) -> None:
        """Correct the times of what is returned from now on."""
        self._shift_s = shift_s
        self._known = {}

    def __getitem__(self, process: str) -> Process:
        if process not in self._known:
            self._known[process] = self._made(process)
        return self._known[process]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._index()))

    def __len__(self) -> int:
        return len(self._index())

    def started_by(self, parents: Collection[str]) -> list[Process]:
        """Return the processes that some processes started, in order of their ids."""
        if not parents:
            return []
        children = self._where("process.parent.entity_id", sorted(parents))["process.entity_id"].to_pylist()
        return self.fetch(sorted({process for process in children if process}))

    def fetch(self, processes: Collection[str]) -> list[Process]:
        """Return those of some processes that are known; to ask for many at once costs far less than one by one."""
        asked = [process for process in processes if process not in self._known and process not in self._absent]
        if asked:
            earliest: dict[str, tuple[int, str]] = {}
            texts = _Texts((process, process) for process in asked)
            for found in _rows(self._where("process.entity_id", asked)):
                us, process, file = found[:3]
                start = (us or 0, file or "")
                if process not in earliest or start < earliest[process]:
                    earliest[process] = start
                    self._known[texts[process]] = self._of(found, texts)
            self._absent.update(process for process in asked if process not in earliest)
        return [self._known[process] for process in processes if process in self._known]

    def __contains__(self, process: object) -> bool:
        return process in self._known or (process not in self._absent and process in self._index())

    def _made(self, process: str) -> Process:
        table, row = self._index()[process]
        (found,) = _rows(self._tables[table].slice(row, 1))
        return self._of(found, _Texts())

    def _of(self, found: Sequence[Any], texts: _Texts) -> Process:
        us, process, *names, command_line = found
        file, host, parent, image, parent_image, user = (texts[name or ""] for name in names)
        return Process(
            id=texts[process],
            parent=parent,
            parent_image=parent_image,
            image=image,
            command_line=texts[(command_line or "")[:_COMMAND_LINE_KEPT]],
            user=user,
            host=host,
            at=moment(us, self._shift_s(file, host) if self._shift_s else 0),
            file=file,
        )

    def _where(self, column: str, values: Sequence[str]) -> pa.Table:
        """Return the rows that have one of some values in a column.

        Each different text is looked up once, and what is looked for is made ready once for all tables.
        """
        if not self._tables:
            return pa.table({name: pa.array([], COMMON[name][0]) for name in _START})
        table = pa.concat_tables(self._tables)
        codes: list[Any] = table[column].chunks
        texts = pa.chunked_array([chunk.dictionary for chunk in codes], pa.string())
        is_wanted = pc.is_in(texts, value_set=pa.array(values, pa.string()))
        masks, first = [], 0
        for chunk in codes:
            of_chunk: Any = is_wanted.slice(first, len(chunk.dictionary))
            masks.append(of_chunk.combine_chunks().take(chunk.indices))
            first += len(chunk.dictionary)
        return table.filter(pa.chunked_array(masks, pa.bool_()))

    def _index(self) -> dict[str, tuple[int, int]]:
        if self._places is None:
            earliest: dict[str, tuple[int, str, int, int]] = {}
            for number, table in enumerate(self._tables):
                times = table["@timestamp"].cast(pa.int64()).to_pylist()
                files, ids = (table[name].cast(pa.string()).to_pylist() for name in ("event.file", "process.entity_id"))
                for row, (at, file, process) in enumerate(zip(times, files, ids, strict=True)):
                    start = (at or 0, file or "", number, row)
                    if start < earliest.setdefault(process or "", start):
                        earliest[process or ""] = start
            self._places = {process: found[2:] for process, found in earliest.items()}
        return self._places


_START = (
    "@timestamp",
    "process.entity_id",
    "event.file",
    "host.name",
    "process.parent.entity_id",
    "process.executable",
    "process.parent.executable",
    "user.name",
    "process.command_line",
)


class _Texts(dict[str, str]):
    """Each text once, however many rows have it."""

    def __missing__(self, text: str) -> str:
        self[text] = text
        return text


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table of starts, a few at a time, in the order of :data:`_START`, times in microseconds."""
    for batch in table.select(_START).to_batches(max_chunksize=_ROWS_AT_ONCE):
        columns: list[Any] = [batch["@timestamp"].cast(pa.int64())]
        columns += [column.cast(pa.string()) for column in batch.columns[1:]]
        yield from zip(*(column.to_pylist() for column in columns), strict=True)


_ROWS_AT_ONCE = 10_000


class _Places:
    """Where the logons to a machine, from an address and of a time lie among all of them."""

    def __init__(self, ordered: list[Logon]) -> None:
        self.ordered = ordered
        self.by_host: dict[str, list[int]] = {}
        self.by_address: dict[str, list[int]] = {}
        self.begins: dict[str, datetime] = {}
        self.ways: dict[tuple[str, str], datetime] = {}
        for place, logon in enumerate(ordered):
            self.by_host.setdefault(logon.host, []).append(place)
            self.by_address.setdefault(logon.address, []).append(place)
            self.begins[logon.host] = min(logon.first_at, self.begins.get(logon.host, logon.first_at))
            way = logon.account, logon.address
            self.ways[way] = min(logon.first_at, self.ways.get(way, logon.first_at))
        self.by_time = sorted((logon.first_at, place) for place, logon in enumerate(ordered))


@dataclass(slots=True)
class Trail:
    """Process starts, remote logons, hosts' own addresses and how many hosts know an address.

    Attributes:
        processes: Process starts by ``process.entity_id``.
        logons: Remote logons by host, account, address and type.
        own_addresses: Host to the addresses that it has itself.
        hosts_by_address: Address to the hosts that know it.
        sightings: When everything was first and last seen.
        accesses: What was opened, by whom.
        sessions: Who connected from outside, and which address they were given.
        accounts_by_sid: Security identifier to the account that it is.
        sids_by_name: Names that a log gives accounts beside their identifier, which no other log knows them by.
        entries: Where processes came from, as far as it was worked out.
    """

    processes: ProcessStarts = field(default_factory=ProcessStarts)
    logons: dict[tuple[str, str, str, str], Logon] = field(default_factory=dict)
    own_addresses: dict[str, set[str]] = field(default_factory=dict)
    hosts_by_address: dict[str, set[str]] = field(default_factory=dict)
    sightings: Sightings = field(default_factory=Sightings)
    accesses: Accesses = field(default_factory=Accesses)
    sessions: Sessions = field(default_factory=Sessions)
    accounts_by_sid: dict[str, str] = field(default_factory=dict)
    sids_by_name: dict[str, str] = field(default_factory=dict)
    entries: dict[str, str | None] = field(default_factory=dict)
    _host_at: dict[str, str | None] | None = field(default=None, init=False, repr=False, compare=False)
    _logon_places: _Places | None = field(default=None, init=False, repr=False, compare=False)

    def observe(self, batch: EventBatch) -> None:
        """Take note of what a batch says about processes, logons and addresses."""
        self._forget()
        self.sightings.observe(batch)
        self.accesses.observe(batch)
        categories = batch.event_class.categories
        if "process_creation" in categories:
            starts = pa.Table.from_batches([batch.data.select(list(_START))])
            is_known = pc.and_(pc.is_valid(starts["process.entity_id"]), pc.is_valid(starts["@timestamp"]))
            self.processes.add(starts.filter(is_known))
        elif "network_connection" in categories:
            self._observe_connections(batch)
        elif "security" in batch.event_class.services and batch.event_class.event_id == "4624":
            self._observe_logons(batch)
            self._observe_sids(batch)
        elif batch.event_class.product != "windows" and "auth" in batch.event_class.services:
            self._observe_remote_logons(batch)
            self.sessions.observe(batch)
        elif "msexchange-management" in batch.event_class.services:
            self._observe_display_names(batch)

    def take(self, other: Trail) -> None:
        """Take in what another worker saw."""
        self._forget()
        self.processes.take(other.processes)
        self.sightings.take(other.sightings)
        self.accesses.take(other.accesses)
        self.sessions.take(other.sessions)
        for key, logon in other.logons.items():
            self._add_logon(key, logon)
        for addresses, more in (
            (self.own_addresses, other.own_addresses),
            (self.hosts_by_address, other.hosts_by_address),
        ):
            for name, found in more.items():
                addresses.setdefault(name, set()).update(found)
        for known, others in (
            (self.accounts_by_sid, other.accounts_by_sid),
            (self.sids_by_name, other.sids_by_name),
        ):
            for name_or_sid, named in others.items():
                known[name_or_sid] = min(named, known.get(name_or_sid, named))

    def fetch(self, processes: Collection[str]) -> None:
        """Make ready to be asked for the ancestors of many processes."""
        wave, seen = set(processes), set(processes)
        while wave:
            wave = {found.parent for found in self.processes.fetch(wave)} - seen
            seen |= wave

    def ancestors(self, process: str) -> Iterator[Process]:
        """Yield a process and its ancestors, youngest first, as far as they were logged."""
        seen: set[str] = set()
        while process in self.processes and process not in seen:
            seen.add(process)
            found = self.processes[process]
            yield found
            process = found.parent

    def logons_at(self, *, hosts: Collection[str] = (), addresses: Collection[str] = ()) -> list[Logon]:
        """Return the logons to some machines or from some addresses, in order of machine, account, address, type."""
        known = self._places
        places = {place for host in hosts for place in known.by_host.get(host, ())}
        places.update(place for address in addresses for place in known.by_address.get(address, ()))
        return [known.ordered[place] for place in sorted(places)]

    def logons_begun(self, times: Sequence[datetime], span: timedelta) -> list[Logon]:
        """Return the logons whose first is at most so long after one of some times, in the same order."""
        known = self._places
        places: set[int] = set()
        for at in times:
            start = bisect_left(known.by_time, (at, -1))
            stop = bisect_left(known.by_time, (at + span, len(known.ordered)))
            places.update(place for _, place in known.by_time[start:stop])
        return [known.ordered[place] for place in sorted(places)]

    def logons_begin(self, host: str) -> datetime | None:
        """Return when the first remote logon to a machine is logged."""
        return self._places.begins.get(host)

    def way_begins(self, account: str, address: str) -> datetime | None:
        """Return when an account first logged on to anything from an address."""
        return self._places.ways.get((account, address))

    @property
    def _places(self) -> _Places:
        if self._logon_places is None:
            self._logon_places = _Places([self.logons[key] for key in sorted(self.logons)])
        return self._logon_places

    def host_of_address(self, address: str) -> str | None:
        """Return the one host that has this address itself, or None if none or several have."""
        if self._host_at is None:
            at: dict[str, str | None] = {}
            for host, addresses in self.own_addresses.items():
                for own in addresses:
                    at[own] = None if own in at else host
            self._host_at = at
        return self._host_at.get(address)

    def shift(self, shift_s: ShiftOf) -> None:
        """Add the clock ledger's corrections to every time kept here. To be called once, after reading."""
        self._forget()
        self.processes.shift(shift_s)
        self.sightings.shift(shift_s)
        self.accesses.shift(shift_s)
        self.sessions.shift(shift_s)
        for logon in self.logons.values():
            delta = timedelta(seconds=shift_s(logon.file, logon.host))
            logon.first_at += delta
            logon.last_at += delta

    def _forget(self) -> None:
        """Drop what was worked out for being asked: it is worked out anew when somebody asks again."""
        self._host_at = self._logon_places = None

    def _observe_connections(self, batch: EventBatch) -> None:
        initiated = "Initiated" in batch.data.schema.names
        columns = ["host.name", "source.ip", "destination.ip", *(["Initiated"] if initiated else [])]
        for row in pa.Table.from_batches([batch.data.select(columns)]).group_by(columns).aggregate([]).to_pylist():
            host = row["host.name"] or ""
            outgoing = str(row.get("Initiated", "true")).lower() == "true"
            own, other = row["source.ip"], row["destination.ip"]
            if not outgoing:
                own, other = other, own
            if own:
                self.own_addresses.setdefault(host, set()).add(own)
            if other:
                self.hosts_by_address.setdefault(other, set()).add(host)

    def _observe_logons(self, batch: EventBatch) -> None:
        keys = ["event.file", "host.name", "source.ip", "user.target.name", "logon.type"]
        table = pa.Table.from_batches([batch.data.select(["@timestamp", *keys])])
        table = table.filter(pc.and_(pc.is_valid(table["source.ip"]), pc.is_valid(table["@timestamp"])))
        grouped = table.group_by(keys).aggregate([("@timestamp", "min"), ("@timestamp", "max"), ([], "count_all")])
        for row in grouped.to_pylist():
            if row["logon.type"] not in _REMOTE_LOGON_TYPES:
                continue
            host, account, address = row["host.name"] or "", row["user.target.name"] or "", row["source.ip"]
            self.hosts_by_address.setdefault(address, set()).add(host)
            logon = Logon(
                host=host,
                account=account,
                address=address,
                logon_type=row["logon.type"],
                first_at=row["@timestamp_min"],
                last_at=row["@timestamp_max"],
                count=row["count_all"],
                file=row["event.file"] or "",
            )
            self._add_logon((host, account, address, row["logon.type"]), logon)

    def _observe_remote_logons(self, batch: EventBatch) -> None:
        """Take note of whom a Linux machine let in from elsewhere."""
        keys = ["event.file", "host.name", "source.ip", "user.target.name", "event.outcome"]
        table = pa.Table.from_batches([batch.data.select(["@timestamp", *keys])])
        is_whole = pc.and_(pc.is_valid(table["source.ip"]), pc.is_valid(table["user.target.name"]))
        table = table.filter(pc.and_(is_whole, pc.is_valid(table["@timestamp"])))
        grouped = table.group_by(keys).aggregate([("@timestamp", "min"), ("@timestamp", "max"), ([], "count_all")])
        for row in grouped.to_pylist():
            host, account, address = row["host.name"] or "", row["user.target.name"].lower(), row["source.ip"]
            if row["event.outcome"] != "success" or not host:
                continue
            self.hosts_by_address.setdefault(address, set()).add(host)
            logon = Logon(
                host=host,
                account=account,
                address=address,
                logon_type=_REMOTE,
                first_at=row["@timestamp_min"],
                last_at=row["@timestamp_max"],
                count=row["count_all"],
                file=row["event.file"] or "",
            )
            self._add_logon((host, account, address, _REMOTE), logon)

    def _observe_sids(self, batch: EventBatch) -> None:
        names = ["TargetUserSid", "user.target.name"]
        if names[0] not in batch.data.schema.names:
            return
        for row in pa.Table.from_batches([batch.data.select(names)]).group_by(names).aggregate([]).to_pylist():
            sid, account = (row["TargetUserSid"] or "").lower(), row["user.target.name"]
            if account and sid.startswith(_OF_A_DOMAIN):
                self.accounts_by_sid[sid] = min(account, self.accounts_by_sid.get(sid, account))

    def _observe_display_names(self, batch: EventBatch) -> None:
        """Exchange names who acts by the directory's display name, with the identifier behind it."""
        if "Data" not in batch.data.schema.names:
            return
        for name, values in zip(
            batch.data.column("user.name").to_pylist(), batch.data.column("Data").to_pylist(), strict=True
        ):
            sid = (values[_SID_AT] or "").lower() if values and len(values) > _SID_AT else ""
            if name and sid.startswith(_OF_A_DOMAIN):
                self.sids_by_name[name] = min(sid, self.sids_by_name.get(name, sid))

    def _add_logon(self, key: tuple[str, str, str, str], logon: Logon) -> None:
        known = self.logons.setdefault(key, logon)
        if known is logon:
            return
        known.count += logon.count
        known.first_at, known.file = min((known.first_at, known.file), (logon.first_at, logon.file))
        known.last_at = max(known.last_at, logon.last_at)


def file_name(path: str) -> str:
    r"""Return the last part of a Windows or POSIX path, lower case.

    >>> file_name(r"C:\\Windows\\System32\\cmd.exe")
    'cmd.exe'
    """
    return path.replace("\\", "/").rpartition("/")[2].lower()
