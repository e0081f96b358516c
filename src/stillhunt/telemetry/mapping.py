r"""Mappings: how a log that no source knows is to be read, in a small YAML file of the user's own.

.. code-block:: yaml

    name: Keycloak events
    recognise: [realmName, eventType, ts]     # columns of a table, or names in a JSON record; or else, for text:
    # pattern: '^(?P<ts>\S+) (?P<level>\w+) (?P<message>.*)$'
    time: {field: ts, format: epoch-ms, zone: UTC}
    logsource: {product: keycloak, service: events}
    fields: {user: details.username}           # native field: where it lies; all others keep their names
    common:                                    # columns under ECS names
      source.ip: ipAddress
      event.outcome: {field: error, values: {"": success, "*": failure}}
      host.name: {value: sso1}

A file may hold several, divided by ``---``. Names lead into objects by dots.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import re2

from stillhunt.errors import InputError, UnknownNameError
from stillhunt.telemetry.event import COMMON, TEXT, EventClass
from stillhunt.telemetry.instant import has_zone, read_instant
from stillhunt.telemetry.zone import read_zone
from stillhunt.terms.moment import EPOCH

__all__ = ["LogMapping", "MappedColumn", "load_mappings"]

_KEYS = frozenset({"name", "recognise", "pattern", "time", "logsource", "fields", "common"})
_EPOCHS = {"epoch": 1, "epoch-s": 1, "epoch-ms": 1_000, "epoch-us": 1_000_000, "epoch-ns": 1_000_000_000}
_ANY = "*"
_QUIET = re2.Options()
_QUIET.log_errors = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedColumn:
    """Where a common column comes from.

    Attributes:
        place: Name of a field; empty for a value of its own.
        value: What every record has.
        values: What is said instead of what the field holds; ``*`` stands for everything else, the empty text for a
            field that is not there. Without an entry that fits, the column stays empty.
    """

    place: str = ""
    value: str = ""
    values: Mapping[str, str] = field(default_factory=dict)

    def of(self, record: Mapping[str, str]) -> str:
        """Return the text for a record, empty if there is none."""
        if not self.place:
            return self.value
        held = record.get(self.place, "")
        return self.values.get(held, self.values.get(_ANY, "")) if self.values else held


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMapping:
    """How one kind of log is read.

    Attributes:
        name: What it is called.
        names: Names that its first record has; empty if a pattern tells it.
        pattern: Pattern in RE2's syntax that a line matches, whose named groups are fields; empty if names tell it.
        time: Name of the field with the time; empty if it has none.
        form: How times are written: ``iso``, ``epoch``, ``epoch-ms`` ..., or as ``strptime`` reads them.
        zone: Zone of times that name none, as given; empty for that of the hunt.
        event_class: Of its events.
        fields: Native field to the name where it lies.
        common: Common columns.
    """

    name: str
    names: tuple[str, ...]
    pattern: str
    time: str
    form: str
    zone: str
    event_class: EventClass
    fields: Mapping[str, str]
    common: Mapping[str, MappedColumn]

    def instant(self, text: str) -> datetime | None:
        """Return a time as written, without a zone if neither it nor the mapping names one; None if it is none."""
        if self.form in _EPOCHS:
            return _since_1970(text, _EPOCHS[self.form])
        at = read_instant(text) if self.form == "iso" else _parsed(text, self.form)
        if at is None:
            return None
        if self.form == "iso" and not has_zone(text):
            at = at.replace(tzinfo=None)
        return at.replace(tzinfo=read_zone(self.zone)) if self.zone and at.tzinfo is None else at


def _since_1970(text: str, per_second: int) -> datetime | None:
    try:
        return EPOCH + timedelta(seconds=float(text) / per_second)
    except (ValueError, OverflowError):
        return None


_SOME_TIME = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)


def _is_form(form: str) -> bool:
    """Tell whether ``strptime`` can read a format: what it cannot, it says only once it has a time."""
    try:
        datetime.strptime(_SOME_TIME.strftime(form), form)  # noqa: DTZ007 - what is read is of no use
    except (ValueError, re.error):
        return False
    return "%" in form


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is that of the mapping or of the log
    except ValueError:
        return None


# --- Loading ---------------------------------------------------------------------------------------------------------


def load_mappings(paths: Sequence[Path]) -> tuple[LogMapping, ...]:
    """Return the mappings of some files, in order.

    Raises:
        InputError: A file cannot be read, or says something that is no mapping; names file, mapping and key.
    """
    return tuple(mapping for path in paths for mapping in _of_file(path))


def _of_file(path: Path) -> Iterator[LogMapping]:
    import yaml  # noqa: PLC0415 - most hunts have no mapping

    try:
        documents = list(yaml.safe_load_all(path.read_text("utf-8")))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path), hint="check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        hint = "check it at the line and column named; docs/how-to/generic-logs.md shows a mapping"
        raise InputError(f"is no YAML: {' '.join(str(error).split())}", where=str(path), hint=hint) from error
    found = [document for document in documents if document is not None]
    if not found:
        raise InputError("holds no mapping", where=str(path), hint="docs/how-to/generic-logs.md shows one")
    for number, document in enumerate(found, 1):
        yield _Loader(path, number, document).mapping()


class _Loader:
    """Reads one mapping and says what is wrong with it."""

    def __init__(self, path: Path, number: int, document: object) -> None:
        self._where = f"{path}, mapping {number}"
        if not isinstance(document, dict):
            raise self._wrong("is no mapping", "write keys such as `recognise` and `time`")
        self._said: dict[str, Any] = document

    def _wrong(self, message: str, hint: str) -> InputError:
        return InputError(message, where=self._where, hint=hint)

    def mapping(self) -> LogMapping:
        """Return the mapping.

        Raises:
            InputError: It is none.
        """
        unknown = sorted(str(key) for key in self._said if key not in _KEYS)
        if unknown:
            raise self._wrong(f"has the unknown key `{unknown[0]}`", f"known: {', '.join(sorted(_KEYS))}")
        names, pattern = self._recognise()
        time, form, zone = self._time()
        found = LogMapping(
            name=str(self._said.get("name") or self._where),
            names=names,
            pattern=pattern,
            time=time,
            form=form,
            zone=zone,
            event_class=self._event_class(),
            fields=self._texts("fields"),
            common={name: self._column(name, said) for name, said in self._object("common").items()},
        )
        if pattern:
            self._check_groups(found)
        return found

    def _check_groups(self, found: LogMapping) -> None:
        """Refuse places that no line can have."""
        groups = re2.compile(found.pattern).groupindex
        places = {"time": found.time}
        places |= {f"fields.{name}": place for name, place in found.fields.items()}
        places |= {f"common.{name}": column.place for name, column in found.common.items()}
        for key, place in places.items():
            if place and place not in groups:
                hint = f"groups of the pattern: {', '.join(sorted(groups))}"
                raise self._wrong(f"`{key}` is in `{place}`, which the pattern does not name", hint)

    def _recognise(self) -> tuple[tuple[str, ...], str]:
        names, pattern = self._said.get("recognise"), self._said.get("pattern")
        if (names is None) == (pattern is None):
            hint = "give `recognise`, names that a record has, or `pattern`, what a line matches"
            raise self._wrong("says in no way, or in two, which logs it is for", hint)
        if pattern is None:
            if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
                raise self._wrong("`recognise` is no list of names", "write `recognise: [eventType, ts]`")
            return tuple(names), ""
        try:
            compiled = re2.compile(pattern, _QUIET) if isinstance(pattern, str) else None
        except re2.error as error:
            said = error.args[0] if error.args else ""
            said = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
            hint = "it is of RE2: without look-around and backreference"
            raise self._wrong(f"`pattern` is none: {said}", hint) from None
        if compiled is None or not compiled.groupindex:
            raise self._wrong("`pattern` has no named groups", "name fields as in `(?P<user>\\S+)`")
        return (), str(pattern)

    def _time(self) -> tuple[str, str, str]:
        said = self._said.get("time")
        if said is None:
            return "", "iso", ""
        if isinstance(said, str):
            said = {"field": said}
        if (
            not isinstance(said, dict)
            or not isinstance(said.get("field"), str)
            or said.keys() - {"field", "format", "zone"}
        ):
            raise self._wrong("`time` is none", "write `time: {field: ts, format: epoch-ms, zone: Europe/Berlin}`")
        form, zone = str(said.get("format") or "iso"), str(said.get("zone") or "")
        if form not in {"iso", *_EPOCHS} and not _is_form(form):
            known = ", ".join(["iso", *_EPOCHS])
            raise self._wrong(
                f"`{form}` is no format of times", f"{known}, or one of strptime such as %d/%m/%Y %H:%M:%S"
            )
        try:
            if zone:
                read_zone(zone)
        except UnknownNameError as error:
            raise self._wrong(f"`time.zone`: {error.message}", error.hint or "") from None
        return said["field"], form, zone

    def _event_class(self) -> EventClass:
        said = self._object("logsource")
        unknown = sorted(said.keys() - {"product", "category", "service"})
        if unknown:
            raise self._wrong(f"`logsource` has the unknown key `{unknown[0]}`", "product, category, service")
        if not said.get("product"):
            raise self._wrong(
                "`logsource` names no product", "write the product of Sigma's rules, or a name of your own"
            )
        if not isinstance(said["product"], str):
            raise self._wrong("`logsource.product` is no name", "write one product")
        several: dict[str, frozenset[str]] = {}
        for key in ("category", "service"):
            value = said.get(key) or []
            names = value if isinstance(value, list) else [value]
            if not all(isinstance(name, str) and name for name in names):
                raise self._wrong(f"`logsource.{key}` is no name", f"write `{key}: name`, or a list of names")
            several[key] = frozenset(names)
        return EventClass(product=said["product"].lower(), categories=several["category"], services=several["service"])

    def _object(self, key: str) -> dict[str, Any]:
        said = self._said.get(key) or {}
        if not isinstance(said, dict) or not all(isinstance(name, str) for name in said):
            raise self._wrong(f"`{key}` is no mapping of names", f"write `{key}: {{name: field}}`")
        return said

    def _texts(self, key: str) -> dict[str, str]:
        said = self._object(key)
        wrong = next((name for name, value in said.items() if not isinstance(value, str) or not value), None)
        if wrong is not None:
            raise self._wrong(f"`{key}.{wrong}` names no field", "write the name of a column or of a JSON field")
        return dict(said)

    def _column(self, name: str, said: object) -> MappedColumn:
        if name not in COMMON or name == "@timestamp" or name.startswith("event.file") or COMMON[name][0] != TEXT:
            known = ", ".join(
                sorted(c for c, (kind, _) in COMMON.items() if kind == TEXT and not c.startswith("event.file"))
            )
            raise self._wrong(f"`common.{name}` is no common column", f"known: {known}")
        if isinstance(said, str) and said:
            return MappedColumn(place=said)
        if isinstance(said, dict) and len(said) == 1 and isinstance(said.get("value"), str):
            return MappedColumn(value=said["value"])
        if isinstance(said, dict) and isinstance(said.get("field"), str) and not said.keys() - {"field", "values"}:
            values = said.get("values") or {}
            if isinstance(values, dict):
                return MappedColumn(place=said["field"], values={str(k): str(v) for k, v in values.items()})
        hint = "write a field's name, `{value: text}`, or `{field: name, values: {seen: said}}`"
        raise self._wrong(f"`common.{name}` says nothing", hint)
