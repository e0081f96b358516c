"""The shapes that Windows events take as JSON: which part is system data, which is event data.

Known: ``evtx_dump`` and whatever keeps its nesting (also dotted); Winlogbeat 6 to 8, also wrapped by
Elasticsearch; flat as NXLog, WEC collectors and Splunk write it; Hayabusa's timeline. A shape is recognised per
record, since exports are often a pile.

Records of one export have few different structures, so a record is first taken apart into its structure (the
names, nested as they are) and its values. What the values of a structure mean is worked out once, from the names
alone; it is a :class:`Recipe`, which turns thousands of rows of values into columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo
from functools import cached_property
from typing import Any

import pyarrow as pa

from stillhunt.telemetry.account import qualified
from stillhunt.telemetry.columns import (
    both,
    combined,
    constant,
    first_filled,
    is_whole,
    mapped,
    text_column,
    text_list_column,
    text_of,
)
from stillhunt.telemetry.event import LIST_FIELDS
from stillhunt.telemetry.instant import instants, zoned
from stillhunt.telemetry.windows import WindowsTable
from stillhunt.telemetry.zone import in_utc

__all__ = ["COLLECTOR_TIME", "Recipe", "Structure", "joined_cells", "recipe_of", "take_apart"]

Structure = tuple[str | bool, ...]
"""Names of a record in order; those of a nested object lie between True with the object's name, and False."""

_Tree = dict[str, "int | _Tree"]
"""Names to places in the list of values, nested as in the record."""

COLLECTOR_TIME = "@timestamp (collector)"
"""Native field that keeps the collector's time where the record's own says no zone."""

_LOCAL_TIME = "EventTime"
"""The record's time as NXLog writes it: local, without saying so."""

_UNNAMED = "\x00unnamed"
"""Stands beside the names of ``Data`` for the values that have none."""

_MOST_FIELDS = 2_000
"""Fields of one event that become columns; no event of Windows has a tenth of them."""


def take_apart(record: Mapping[str, Any]) -> tuple[Structure, list[object]]:
    """Return the structure of a record and its values.

    Raises:
        RecursionError: It is nested too deeply.
    """
    names: list[str | bool] = []
    values: list[object] = []
    _take_apart(record, names, values)
    return tuple(names), values


def _take_apart(record: Mapping[str, Any], names: list[str | bool], values: list[object]) -> None:
    for name, value in record.items():
        kind = type(value)
        if kind is dict or (kind is list and value and name in _MAY_LIST_OBJECTS):
            nested = value
            if name == "Data":
                nested = _named_and_unnamed(value)
            elif kind is list:
                nested = _merged(value)
            if nested is not None:
                names += (True, name)
                _take_apart(nested, names, values)
                names.append(False)
                continue
        names.append(name)
        values.append(value)


_MAY_LIST_OBJECTS = frozenset({"Data", "EventData", "UserData", "event_data"})


def _merged(items: Sequence[object]) -> dict[str, Any] | None:
    """Make one object of a list of objects; None if it is another list."""
    if not all(isinstance(item, dict) for item in items):
        return None
    return {name: value for item in items if isinstance(item, dict) for name, value in item.items()}


def _named_and_unnamed(value: object) -> dict[str, object]:
    """Sort <Data> elements: named ones under their names, unnamed ones in one list."""
    found: dict[str, object] = {}
    unnamed: list[object] = []
    for item in value if isinstance(value, list) else [value]:
        name, held = None, item
        if isinstance(item, Mapping):
            attributes = item.get("#attributes")
            name = (attributes.get("Name") if isinstance(attributes, Mapping) else None) or item.get("@Name")
            held = item.get("#text") if {"#text", "#attributes", "@Name"} & item.keys() or not item else item
        if isinstance(name, str):
            found[name] = held
        elif isinstance(held, dict):
            found |= held
        else:
            unnamed += held if isinstance(held, list) else [held]
    if unnamed or not found:
        found[_UNNAMED] = unnamed
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Recipe:
    """What the values of records of one structure mean. Numbers are places in their lists of values.

    Attributes:
        provider: The first of these that says something names the provider.
        channel: So for the channel.
        event_id: So for the event id.
        computer: So for the host.
        record_id: So for the EventRecordID.
        times: (field, place) of the record's time, the first that can be read counts.
        system: Further system fields under Sigma's names.
        data: EventData or UserData by native name; several places where a name comes twice.
        user: Places of domain and name of the account that wrote the event, where the exporter looked it up.
        collector_time: Place of the collector's time, used where the record's own says no zone.
        is_abbreviated: The channel is one of Hayabusa's abbreviations.
        is_origin_partial: Provider or channel may be missing and follow from the other.
        n_left_out: Fields beyond those that become columns.
        paths: What the value at each place is called in the record, with the names of the objects that hold it.
    """

    provider: tuple[int, ...] = ()
    channel: tuple[int, ...] = ()
    event_id: tuple[int, ...] = ()
    computer: tuple[int, ...] = ()
    record_id: tuple[int, ...] = ()
    times: tuple[tuple[str, int], ...] = ()
    system: Mapping[str, int] = field(default_factory=dict)
    data: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    user: tuple[int, int] | None = None
    collector_time: int | None = None
    is_abbreviated: bool = False
    is_origin_partial: bool = False
    n_left_out: int = 0
    paths: tuple[str, ...] = ()

    @cached_property
    def origin(self) -> tuple[int, ...]:
        """Places of the values that say of which provider, channel and event id, and so of which class, a record is."""
        return (*self.provider, *self.channel, *self.event_id, *self.data.get("EventType", ()))

    def is_event(self, values: Sequence[object]) -> bool:
        """Tell whether the values, not only their names, are those of a Windows event."""
        if not self.is_origin_partial:
            return True
        event_id = _first_text(values, self.event_id)
        return event_id.isdecimal() and bool(_first_text(values, (*self.provider, *self.channel)))

    def number(self, values: Sequence[object]) -> int:
        """Return the EventRecordID; 0 where there is none."""
        text = _whole(_first_text(values, self.record_id))
        return int(text) if text else 0

    @cached_property
    def frame(self) -> tuple[object, ...]:
        """What must be the same of two recipes for their records to share columns: all but system and event data."""
        places = (self.provider, self.channel, self.event_id, self.computer, self.record_id, self.user or ())
        named = tuple(tuple(self.paths[place] for place in group) for group in places)
        times = tuple((name, self.paths[place]) for name, place in self.times)
        received = None if self.collector_time is None else self.paths[self.collector_time]
        return (*named, times, received, self.is_abbreviated, self.is_origin_partial)

    def widened(self, others: Sequence[Recipe]) -> Recipe:
        """Return a recipe for the records of several that share a frame, with places in a list of all their paths."""
        at = {path: place for place, path in enumerate(_all_paths((self, *others)))}

        def moved(recipe: Recipe, places: Sequence[int]) -> tuple[int, ...]:
            return tuple(at[recipe.paths[place]] for place in places)

        system = {name: moved(r, [p])[0] for r in (self, *others) for name, p in r.system.items()}
        data: dict[str, tuple[int, ...]] = {}
        for recipe in (self, *others):
            for name, places in recipe.data.items():
                data[name] = tuple(dict.fromkeys((*data.get(name, ()), *moved(recipe, places))))
        return replace(
            self,
            provider=moved(self, self.provider),
            channel=moved(self, self.channel),
            event_id=moved(self, self.event_id),
            computer=moved(self, self.computer),
            record_id=moved(self, self.record_id),
            times=tuple((name, moved(self, [place])[0]) for name, place in self.times),
            system=system,
            data=data,
            user=None if self.user is None else (moved(self, self.user)[0], moved(self, self.user)[1]),
            collector_time=None if self.collector_time is None else moved(self, [self.collector_time])[0],
            paths=tuple(at),
        )

    def table(self, cells: Sequence[Sequence[object]], zone: tzinfo = UTC) -> WindowsTable:
        """Turn the values of records that agree in their :attr:`origin` into columns.

        Args:
            cells: For each place, the values there of all records.
            zone: Zone of local times that name none.
        """
        n_rows = len(cells[0])
        known: dict[int, Any] = {}

        def texts(place: int) -> Any:
            if place not in known:
                known[place] = text_column(cells[place])
            return known[place]

        def first(places: Sequence[int]) -> Any:
            found = first_filled([texts(place) for place in places])
            return constant(None, n_rows) if found is None else found

        at, clock = instants([(name, cells[place]) for name, place in self.times], n_rows)
        columns = {name: texts(place) for name, place in self.system.items()}
        for name, places in self.data.items():
            if name in LIST_FIELDS:
                columns[name] = text_list_column(_chained([cells[place] for place in places]))
            elif len(places) == 1:
                columns[name] = texts(places[0])
            else:
                columns[name] = combined([texts(p) for p in places[:2]], both, keeps_empty=True)
        if self.collector_time is not None and (received := self._received(cells, clock)) is not None:
            columns[COLLECTOR_TIME] = received
        is_local = self._local(cells, clock)
        if is_local and zone is not UTC:
            at = _in_zone(at, is_local, zone)
        values = [cell[0] for cell in cells]
        provider, channel = self._said_origin(values)
        return WindowsTable(
            provider=provider,
            channel=channel,
            event_id=_first_text(values, self.event_id),
            computer=first(self.computer),
            record_id=mapped(first(self.record_id), _whole),
            at=at,
            clock=clock,
            user=self._user(texts),
            columns=columns,
            is_local=is_local,
        )

    def _said_origin(self, values: Sequence[object]) -> tuple[str, str]:
        provider, channel = _first_text(values, self.provider), _first_text(values, self.channel)
        if self.is_abbreviated:
            channel = _HAYABUSA_CHANNELS.get(channel, channel)
        if self.is_origin_partial:
            channel = channel or _CHANNEL_OF_PROVIDER.get(provider.lower(), "")
            provider = provider or _PROVIDER_OF_CHANNEL.get(channel.lower(), "")
        return provider, channel

    def _user(self, texts: Any) -> Any:
        if self.user is None:
            return None
        domain, name = self.user
        return combined([texts(domain), texts(name)], lambda d, n: qualified(d or "", n or ""))

    def _local(self, cells: Sequence[Sequence[object]], clock: Any) -> list[bool]:
        """Tell which records have a local time that names no zone; the fields of other names are UTC by convention."""
        place = next((place for name, place in self.times if name == _LOCAL_TIME), None)
        if place is None:
            return []
        is_used = [name == _LOCAL_TIME for name in clock.to_pylist()]
        return [used and not has_zone for used, has_zone in zip(is_used, zoned(cells[place]), strict=True)]

    def _received(self, cells: Sequence[Sequence[object]], clock: Any) -> Any:
        """Return the collector's time of records whose own says no zone, while the collector's does."""
        assert self.collector_time is not None
        used = clock.to_pylist()
        if set(used) == {"@timestamp"}:
            return None
        own = {name: zoned(cells[place]) for name, place in self.times if name in used}
        received = cells[self.collector_time]
        has_zone = zoned(received)
        kept = [
            text if has_zone[row] and name != "@timestamp" and (name is None or not own[name][row]) else None
            for row, (text, name) in enumerate(zip(received, used, strict=True))
        ]
        return text_column(kept) if any(text is not None for text in kept) else None


def _in_zone(at: Any, is_local: Sequence[bool], zone: tzinfo) -> Any:
    moved = [
        in_utc(time.replace(tzinfo=None), zone)[0] if local and time is not None else time
        for time, local in zip(at.to_pylist(), is_local, strict=True)
    ]
    return pa.array(moved, at.type)


def recipe_of(structure: Structure) -> Recipe | None:
    """Return what records of a structure say, or None if they are no Windows events."""
    tree = _tree(structure)
    paths = tuple(_paths(tree))
    for wrapper in ("_source", "result"):
        inner = tree.get(wrapper)
        if isinstance(inner, dict):
            tree = inner
    for shape in (_evtx_dump, _winlogbeat, _dotted, _hayabusa, _flat):
        recipe = shape(tree)
        if recipe is not None:
            return _limited(replace(recipe, paths=paths))
    return None


def joined_cells(parts: Sequence[tuple[Recipe, Sequence[Sequence[object]]]]) -> tuple[Recipe, list[Sequence[object]]]:
    """Join the records of several recipes that share a frame.

    Args:
        parts: Recipe, and the values of its records as :func:`take_apart` returned them.

    Returns:
        A recipe for all of them, and for each of its places the values of all records in their order.
    """
    if len(parts) == 1:
        return parts[0][0], list(zip(*parts[0][1], strict=True))
    recipe = parts[0][0].widened([other for other, _ in parts[1:]])
    at = {path: place for place, path in enumerate(recipe.paths)}
    cells: list[list[object]] = [[] for _ in at]
    n_rows = 0
    for own, rows in parts:
        n_rows += len(rows)
        for path, values in zip(own.paths, zip(*rows, strict=True), strict=True):
            cells[at[path]].extend(values)
        for cell in cells:
            if len(cell) < n_rows:
                cell.extend([None] * (n_rows - len(cell)))
    return recipe, list(cells)


def _paths(tree: _Tree, *parents: str) -> Iterator[str]:
    """Yield what each value is called, unmistakably, in the order of their places."""
    for name, node in tree.items():
        if isinstance(node, dict):
            yield from _paths(node, *parents, name)
        else:
            yield "\x00".join([*parents, name])


def _all_paths(recipes: Sequence[Recipe]) -> list[str]:
    return list(dict.fromkeys(path for recipe in recipes for path in recipe.paths))


def _tree(structure: Structure) -> _Tree:
    root: _Tree = {}
    stack = [root]
    place = 0
    opens = False
    for name in structure:
        if name is True:
            opens = True
        elif name is False:
            stack.pop()
        elif opens:
            child: _Tree = {}
            stack[-1][name] = child
            stack.append(child)
            opens = False
        else:
            stack[-1][name] = place
            place += 1
    return root


def _limited(recipe: Recipe) -> Recipe:
    n_left_out = len(recipe.data) - _MOST_FIELDS
    if n_left_out <= 0:
        return recipe
    return replace(recipe, data=dict(list(recipe.data.items())[:_MOST_FIELDS]), n_left_out=n_left_out)


def _event_data(node: int | _Tree | None) -> dict[str, tuple[int, ...]]:
    """Flatten EventData or UserData to field names: attributes dropped, spaces removed, unnamed data in ``Data``.

    The names of wrapping elements (UserData's one child) are dropped, those of values are kept.
    """
    found: dict[str, tuple[int, ...]] = {}
    if isinstance(node, dict):
        _flatten(node, found)
    return found


def _flatten(node: _Tree, found: dict[str, tuple[int, ...]]) -> None:
    for key, value in node.items():
        if key in _NO_FIELDS:
            continue
        name = "Data" if key == _UNNAMED else key.replace(" ", "")
        if isinstance(value, dict):
            text = value.get("#text")
            if not isinstance(text, int):
                _flatten(value, found)
                continue
            value = text  # noqa: PLW2901 - the element is its text from here on
        found[name] = (*found.get(name, ()), value)


_NO_FIELDS = frozenset({"#attributes", "xmlns", "@xmlns", "@Name"})


def _evtx_dump(tree: _Tree) -> Recipe | None:
    """Read ``{"Event": {"System": ..., "EventData": ...}}``."""
    event = tree.get("Event", tree)
    if not isinstance(event, dict):
        return None
    system = event.get("System")
    if not isinstance(system, dict):
        return None
    times = _places(_attribute(system.get("TimeCreated"), "SystemTime"), _value(system.get("TimeCreated")))
    execution = system.get("Execution")
    plain = {name: _value(system.get(name)) for name in ("Level", "Task", "Opcode", "Keywords", "Version")}
    plain["Execution_ProcessID"] = _attribute(execution, "ProcessID")
    plain["Security_UserID"] = _attribute(system.get("Security"), "UserID")
    return Recipe(
        provider=_places(_attribute(system.get("Provider"), "Name"), _value(system.get("Provider"))),
        channel=_places(_value(system.get("Channel"))),
        event_id=_places(_value(system.get("EventID"))),
        computer=_places(_value(system.get("Computer"))),
        record_id=_places(_value(system.get("EventRecordID"))),
        times=tuple(("TimeCreated", place) for place in times),
        system=_known(plain),
        data=_event_data(event.get("EventData")) | _event_data(event.get("UserData")),
    )


def _winlogbeat(tree: _Tree) -> Recipe | None:
    """Read Winlogbeat 7 and later (``winlog.*``), and 6 (``event_data`` beside ``log_name``)."""
    winlog = tree.get("winlog")
    if isinstance(winlog, dict):
        node, provider = winlog, winlog.get("provider_name")
    elif "event_data" in tree and ("log_name" in tree or "source_name" in tree):
        node, provider = tree, tree.get("source_name")
    else:
        return None
    process, user = node.get("process"), node.get("user")
    plain = {name.title(): _value(node.get(name)) for name in ("level", "task", "opcode", "keywords", "version")}
    plain["Execution_ProcessID"] = (
        _member(process, "pid") if isinstance(process, dict) else _value(node.get("process_id"))
    )
    plain["Security_UserID"] = _member(user, "identifier")
    plain["Message"] = _value(tree.get("message"))
    domain, name = _member(user, "domain"), _member(user, "name")
    return Recipe(
        user=(domain, name) if domain is not None and name is not None else None,
        provider=_places(_value(provider)),
        channel=_places(_value(node.get("channel")), _value(node.get("log_name"))),
        event_id=_places(_value(node.get("event_id"))),
        computer=_places(_value(node.get("computer_name"))),
        record_id=_places(_value(node.get("record_id")), _value(node.get("record_number"))),
        times=_named(("@timestamp", tree.get("@timestamp")), ("time_created", node.get("time_created"))),
        system=_known(plain),
        data=_unnumbered(_event_data(node.get("event_data"))) | _event_data(node.get("user_data")),
    )


def _unnumbered(data: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Turn Winlogbeat's ``param1``... of unnamed data into the list ``Data`` as well."""
    if not data or not all(name[:5] == "param" and name[5:].isdecimal() for name in data):
        return data
    return data | {"Data": tuple(data[name][0] for name in sorted(data, key=lambda name: int(name[5:])))}


def _dotted(tree: _Tree) -> Recipe | None:
    """Read ``Event.System.EventID`` and ``winlog.event_id`` names by nesting them again."""
    if not any("Event.System." in name or name == "winlog.event_id" for name in tree):
        return None
    nested: _Tree = {}
    for key, value in tree.items():
        *parents, leaf = key.split(".")
        node = nested
        for parent in parents:
            child = node.get(parent)
            if not isinstance(child, dict):
                child = {} if child is None else {"#text": child}
                node[parent] = child
            node = child
        node[leaf] = value
    return _winlogbeat(nested) if isinstance(nested.get("winlog"), dict) else _evtx_dump(nested)


_HAYABUSA_CHANNELS = {
    "Sec": "Security",
    "Sys": "System",
    "App": "Application",
    "Sysmon": "Microsoft-Windows-Sysmon/Operational",
    "PwSh": "Microsoft-Windows-PowerShell/Operational",
    "PwShClassic": "Windows PowerShell",
    "Defender": "Microsoft-Windows-Windows Defender/Operational",
    "TaskSch": "Microsoft-Windows-TaskScheduler/Operational",
    "WMI": "Microsoft-Windows-WMI-Activity/Operational",
    "WinRM": "Microsoft-Windows-WinRM/Operational",
    "BitsCli": "Microsoft-Windows-Bits-Client/Operational",
    "NTLM": "Microsoft-Windows-NTLM/Operational",
    "RDS-LSM": "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
    "RDS-RCM": "Microsoft-Windows-TerminalServices-RemoteConnectionManager/Operational",
    "Firewall": "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall",
    "Exchange": "MSExchange Management",
}


def _hayabusa(tree: _Tree) -> Recipe | None:
    """Read a line of Hayabusa's JSON timeline: its own abbreviations, and all fields where it kept them."""
    if not ({"Timestamp", "Computer", "Channel", "EventID"} <= tree.keys()):
        return None
    data: dict[str, tuple[int, ...]] = {}
    for kept in ("ExtraFieldInfo", "Details", "AllFieldInfo"):
        data |= _event_data(tree.get(kept))
    return Recipe(
        provider=_places(_value(tree.get("Provider"))),
        channel=_places(_value(tree["Channel"])),
        event_id=_places(_value(tree["EventID"])),
        computer=_places(_value(tree["Computer"])),
        record_id=_places(_value(tree.get("RecordID")), _value(tree.get("RecordId"))),
        times=_named(("Timestamp", tree["Timestamp"])),
        data=data,
        is_abbreviated=True,
        is_origin_partial=True,
    )


_FLAT_EVENT_ID = ("EventID", "EventId", "EventCode", "event_id")
_FLAT_CHANNEL = ("Channel", "LogName", "log_name", "channel")
_FLAT_PROVIDER = ("SourceName", "ProviderName", "Provider_Name", "Provider", "source_name", "provider_name")
_FLAT_COMPUTER = ("Hostname", "ComputerName", "Computer", "MachineName", "computer_name", "hostname", "host")
_FLAT_RECORD = ("RecordNumber", "EventRecordID", "RecordID", "RecordId", "record_id")
_FLAT_TIME = (
    "TimeCreated",
    "SystemTime",
    "EventTime",
    "@timestamp",
    "UtcTime",
    "_time",
    "TimeGenerated",
    "timestamp",
)
_FLAT_NESTED = ("event_data", "EventData", "UserData")
_FLAT_TAKEN = frozenset(
    (*_FLAT_EVENT_ID, *_FLAT_CHANNEL, *_FLAT_PROVIDER, *_FLAT_COMPUTER, *_FLAT_RECORD, *_FLAT_NESTED)
)


def _flat(tree: _Tree) -> Recipe | None:
    """Read fields side by side: NXLog, WEC collectors, Splunk."""
    event_id = _all_of(tree, _FLAT_EVENT_ID)
    channel, provider = _all_of(tree, _FLAT_CHANNEL), _all_of(tree, _FLAT_PROVIDER)
    if not event_id or not (channel or provider):
        return None
    data = _event_data({k: v for k, v in tree.items() if k not in _FLAT_TAKEN and (k == "Data" or isinstance(v, int))})
    for nested in _FLAT_NESTED:
        data |= _event_data(tree.get(nested))
    if "EventCode" in tree:
        # Splunk's extraction of message texts writes New_Process_Name for NewProcessName.
        data |= {k.replace("_", ""): v for k, v in data.items() if "_" in k and k.replace("_", "") not in data}
    system = {
        "Security_UserID": _value(tree.get("UserID")),
        "Execution_ProcessID": _value(tree.get("ExecutionProcessID")),
    }
    domain, name = tree.get("Domain"), tree.get("AccountName")
    # Only NXLog's AccountType says that it looked the account up; 7045 has an AccountName of its own.
    is_looked_up = "AccountType" in tree and isinstance(domain, int) and isinstance(name, int)
    received = tree.get("@timestamp")
    return Recipe(
        provider=provider,
        channel=channel,
        event_id=event_id,
        computer=_all_of(tree, _FLAT_COMPUTER),
        record_id=_all_of(tree, _FLAT_RECORD),
        times=_named(*((name, tree.get(name)) for name in _FLAT_TIME)),
        system=_known(system),
        data=data,
        user=(domain, name) if is_looked_up and isinstance(domain, int) and isinstance(name, int) else None,
        collector_time=received if isinstance(received, int) else None,
        is_origin_partial=True,
    )


_PROVIDER_OF_CHANNEL = {
    "security": "Microsoft-Windows-Security-Auditing",
    "microsoft-windows-sysmon/operational": "Microsoft-Windows-Sysmon",
    "microsoft-windows-powershell/operational": "Microsoft-Windows-PowerShell",
    "windows powershell": "PowerShell",
}
"""The provider that writes nearly all of a channel, for exports that name none."""

_CHANNEL_OF_PROVIDER = {provider.lower(): channel for channel, provider in {
    "Security": "Microsoft-Windows-Security-Auditing",
    "Microsoft-Windows-Sysmon/Operational": "Microsoft-Windows-Sysmon",
    "Microsoft-Windows-PowerShell/Operational": "Microsoft-Windows-PowerShell",
    "Windows PowerShell": "PowerShell",
    "System": "Service Control Manager",
}.items()}  # fmt: skip


def _value(node: int | _Tree | None) -> int | None:
    """Return the place of a member's text, which attributes may stand beside."""
    if isinstance(node, dict):
        node = node.get("#text", node.get("name"))
    return node if isinstance(node, int) else None


def _member(node: int | _Tree | None, name: str) -> int | None:
    return _value(node.get(name)) if isinstance(node, dict) else None


def _attribute(node: int | _Tree | None, name: str) -> int | None:
    """Return the place of an XML attribute, in the spellings ``#attributes`` and ``@Name``, or of a plain member."""
    if not isinstance(node, dict):
        return None
    found = _member(node.get("#attributes", node), name)
    return found if found is not None else _member(node, f"@{name}")


def _all_of(tree: _Tree, names: Sequence[str]) -> tuple[int, ...]:
    return _places(*(_value(tree.get(name)) for name in names))


def _places(*found: int | None) -> tuple[int, ...]:
    return tuple(place for place in found if place is not None)


def _known(found: Mapping[str, int | None]) -> dict[str, int]:
    return {name: place for name, place in found.items() if place is not None}


def _named(*found: tuple[str, int | _Tree | None]) -> tuple[tuple[str, int], ...]:
    return tuple((name, place) for name, place in found if isinstance(place, int))


def _chained(cells: Sequence[Sequence[object]]) -> Sequence[object]:
    """Return per record one list of all values."""
    if len(cells) == 1:
        return cells[0]
    chained: list[object] = []
    for held in zip(*cells, strict=True):
        flat = [item for value in held for item in (value if isinstance(value, list) else [value]) if item is not None]
        chained.append(flat or None)
    return chained


def _first_text(values: Sequence[object], places: Sequence[int]) -> str:
    return next((text for place in places if (text := text_of(values[place]))), "")


def _whole(text: str) -> str | None:
    return str(int(text)) if is_whole(text) else None
