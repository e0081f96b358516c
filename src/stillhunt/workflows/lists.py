"""Lists of indicators, of millions, into a watchlist: CSV with a heading, or one indicator a line.

CSV has ``type`` and ``value`` (or ``indicator``, ``ioc``), and where given ``group``, ``malware``, ``confidence``,
``valid_from``, ``valid_until``, ``source``, ``url``, ``published``, ``tlp``: what ``stillhunt know import`` reads, too,
where every row becomes claims. Here rows stay columns, so that five million take seconds. A plain list has one
indicator a line, its kind told by its form; what stands behind ``#`` or a comma is left out, and so is the address that
a hosts file has before a name.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from stillhunt.detection.indicators.observable import canonical, guess, refanged
from stillhunt.detection.indicators.saying import Said, Saying, confidence_in, instant
from stillhunt.detection.indicators.table import Listed
from stillhunt.errors import InputError
from stillhunt.knowledge.patterns import pattern_of
from stillhunt.terms.marking import Tlp, parse_tlp

__all__ = ["ReadList", "is_table", "read_list"]

_VALUES = ("value", "indicator", "ioc")
_COLUMNS = (
    *("type", "group", "malware", "confidence", "valid_from", "valid_until", "source", "url", "published", "tlp"),
)
_SAID = ("group", "malware", "confidence", "source", "url", "published", "tlp")
"""Columns that many rows share."""

_KINDS: Mapping[str, str] = {
    **dict.fromkeys(("domain", "domain-name", "fqdn", "host", "hostname"), "domain"),
    **dict.fromkeys(("ip", "ip-dst", "ip-src", "ipv4", "ipv4-addr", "ipv6", "ipv6-addr", "address"), "address"),
    **dict.fromkeys(("cidr", "ip-range", "netblock", "network", "subnet"), "network"),
    **dict.fromkeys(("filehash", "hash", "hash-md5", "hash-sha1", "hash-sha256", "md5", "sha1", "sha-1"), "hash"),
    **dict.fromkeys(("filehash-md5", "filehash-sha1", "filehash-sha256", "sha256", "sha-256", "sha512"), "hash"),
    **dict.fromkeys(("link", "uri", "url"), "url"),
    **dict.fromkeys(("email", "email-addr", "email-dst", "email-src", "mail"), "mail"),
    **dict.fromkeys(("file", "file-name", "filename"), "file"),
}
"""Type of an observable, as lists write it, to its kind here."""

_PLAIN: Mapping[str, str] = {
    "address": r"^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$",
    "domain": r"^(?:[a-z0-9_][a-z0-9_-]{0,62}\.)+[a-z][a-z0-9-]{1,62}$",
    "hash": r"^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})$",
}
"""Values in lower case that are canonical as they stand; all others are looked at one by one."""

_HINT = "give CSV in UTF-8 with the columns `type` and `value`, or one indicator a line"
_BLOCK = 8 << 20
_LINES = 200_000
_SAMPLES = 5
_INT32, _INT64 = pa.int32(), pa.int64()
_NONE = pa.scalar("", pa.string())


@dataclass(slots=True)
class ReadList:
    """What became of reading a list.

    Attributes:
        file: The list.
        n_indicators: Indicators in it.
        n_unread: Rows that name none.
        samples: The first of them: (row, what it says).
        n_bad_marks: Markings that are none; what they are of is taken as TLP:RED.
        n_bad_dates: Dates that are none; their indicators are taken without.
        patterns: Indicators that are no plain things, as STIX patterns.
    """

    file: str
    n_indicators: int = 0
    n_unread: int = 0
    samples: list[tuple[int, str]] = field(default_factory=list)
    n_bad_marks: int = 0
    n_bad_dates: int = 0
    patterns: list[tuple[str, Said]] = field(default_factory=list)

    def unread(self, row: int, text: str) -> None:
        """Count a row that names no indicator."""
        self.n_unread += 1
        if len(self.samples) < _SAMPLES:
            self.samples.append((row, text[:80]))


def is_table(path: Path) -> bool:
    """Say whether a file is CSV with a heading that names a column of indicators.

    Raises:
        InputError: It cannot be read.
    """
    return any(name.strip().casefold() in _VALUES for name in _heading(path))


def read_list(path: Path, listed: Listed) -> ReadList:
    """Read a list into a watchlist.

    Args:
        path: The list.
        listed: Takes the indicators.

    Raises:
        InputError: It cannot be read, or holds no indicator.
    """
    done = ReadList(file=str(path))
    try:
        if is_table(path):
            for first, batch in _tables(path, done):
                _take_rows(batch, first, listed, done)
        else:
            for first, lines in _lines(path):
                _take(_Rows(lines, None, first), listed, done)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise InputError(f"is no list of indicators: {error}", where=str(path), hint=_HINT) from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    if not done.n_indicators:
        hint = "give CSV with the columns `type` and `value`, one indicator a line, or a STIX bundle"
        raise InputError(f"names no indicator in {done.n_unread:,} rows", where=str(path), hint=hint)
    return done


@dataclass(frozen=True, slots=True)
class _Rows:
    """Some rows of a list: values as written, types or None, the number of the first, and what else they say."""

    values: Any
    types: Any
    first: int
    since: Any = None
    until: Any = None
    said: Any = None


def _heading(path: Path) -> list[str]:
    try:
        with path.open("r", encoding="utf-8-sig", newline="") as file:
            line = file.readline(_BLOCK)
    except UnicodeDecodeError as error:
        raise InputError(f"is no list of indicators: {error}", where=str(path), hint=_HINT) from error
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    return next(csv.reader([line]), [])


def _tables(path: Path, done: ReadList) -> Iterator[tuple[int, pa.RecordBatch]]:
    names = [name.strip().casefold() for name in _heading(path)]
    skipped: list[str] = []

    def skip(row: Any) -> Literal["skip", "error"]:
        skipped.append(str(row.text))
        return "skip"

    wanted = [n for n in names if n in {*_VALUES, *_COLUMNS}]
    reader = arrow_csv.open_csv(
        str(path),
        read_options=arrow_csv.ReadOptions(block_size=_BLOCK, column_names=names, skip_rows=1),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
        convert_options=arrow_csv.ConvertOptions(
            column_types={name: pa.string() for name in names},
            include_columns=list(dict.fromkeys(wanted)),
            strings_can_be_null=False,
        ),
    )
    first = 2
    for batch in reader:
        yield first, batch
        first += batch.num_rows
    for text in skipped:
        done.unread(0, text)


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open("r", encoding="utf-8-sig") as file:
        held: list[str] = []
        first = 1
        for line in file:
            held.append(line)
            if len(held) == _LINES:
                yield first, pa.array(held, pa.string())
                first += len(held)
                held = []
        if held:
            yield first, pa.array(held, pa.string())


def _take_rows(batch: pa.RecordBatch, first: int, listed: Listed, done: ReadList) -> None:
    """Take in rows of a table."""
    columns = {name: batch.column(name) for name in batch.schema.names}
    value = next(name for name in _VALUES if name in columns)
    rows = _Rows(
        columns[value],
        columns.get("type"),
        first,
        since=_instants(columns.get("valid_from"), done, is_end=False),
        until=_instants(columns.get("valid_until"), done, is_end=True),
        said=_numbers(columns, listed, done),
    )
    _take(rows, listed, done)


def _take(rows: _Rows, listed: Listed, done: ReadList) -> None:
    values: Any = pc.utf8_trim_whitespace(rows.values)
    if rows.types is None:
        values, is_there = _cleaned(values)
        kinds = _guessed(values)
    else:
        is_there = pc.not_equal(values, _NONE)
        values = _refanged(values)
        kinds = _named(rows.types)
        is_untyped = pc.equal(kinds, _NONE)
        kinds = pc.if_else(is_untyped, _guessed(values), kinds) if pc.any(is_untyped).as_py() else kinds
    others = [pc.indices_nonzero(pc.and_(is_there, pc.invert(pc.is_in(kinds, value_set=pa.array(list(_PLAIN))))))]
    for kind, form in _PLAIN.items():
        of_kind = pc.indices_nonzero(pc.and_(is_there, pc.equal(kinds, pa.scalar(kind))))
        lower = pc.utf8_lower(values.take(of_kind))
        is_plain = pc.match_substring_regex(lower, pattern=form)
        plain = of_kind.filter(is_plain).cast(_INT32)
        _add(kind, lower.filter(is_plain), plain, rows, listed=listed, done=done)
        others.append(of_kind.filter(pc.invert(is_plain)))
    by_kind: dict[str, list[tuple[str, int]]] = {}
    for place in sorted(place for some in others for place in some.to_pylist()):
        kind, text = str(kinds[place].as_py()), str(values[place].as_py())
        one = guess(text) if not kind else canonical(kind, text)
        if one is not None:
            by_kind.setdefault(one.kind, []).append((one.value, place))
        elif not _take_pattern(rows, place, text, listed, done):
            done.unread(rows.first + place, text)
    for kind, found in sorted(by_kind.items()):
        texts = pa.array([value for value, _ in found], pa.string())
        _add(kind, texts, pa.array([place for _, place in found], _INT32), rows, listed=listed, done=done)


def _take_pattern(rows: _Rows, place: int, text: str, listed: Listed, done: ReadList) -> bool:
    """Take in what has a type but is no plain thing, such as the name of a mutex, as a pattern."""
    kind = "" if rows.types is None else str(rows.types[place].as_py())
    pattern = pattern_of(kind, text) if kind and kind.strip().casefold().replace("_", "-") not in _KINDS else None
    if pattern is None:
        return False
    number = 0 if rows.said is None else rows.said[place].as_py()
    saying = list(listed.sayings)[number] if rows.said is not None else Saying(source=Path(done.file).name)
    since = None if rows.since is None else rows.since[place].as_py()
    until = None if rows.until is None else rows.until[place].as_py()
    done.patterns.append((pattern, Said(saying=saying, since=since, until=until, row=rows.first + place)))
    done.n_indicators += 1
    return True


def _add(kind: str, values: Any, places: Any, rows: _Rows, *, listed: Listed, done: ReadList) -> None:
    n_rows = len(values)
    if not n_rows:
        return
    name = done.file
    usual = listed.number_of(Saying(source=Path(name).name, file=name))
    listed.add_all(
        kind,
        values,
        rows=pc.add(places, pa.scalar(rows.first, _INT32)),
        since=pa.nulls(n_rows, _INT64) if rows.since is None else rows.since.take(places),
        until=pa.nulls(n_rows, _INT64) if rows.until is None else rows.until.take(places),
        sayings=pa.repeat(pa.scalar(usual, _INT32), n_rows) if rows.said is None else rows.said.take(places),
    )
    done.n_indicators += n_rows


def _cleaned(lines: Any) -> tuple[Any, Any]:
    """Return lines of a plain list without what is no indicator, and which of them hold one."""
    is_comment = pc.match_substring_regex(lines, pattern=r"^(?:#|;|//)")
    # A hosts file has an address that leads nowhere before every name.
    values: Any = pc.replace_substring_regex(lines, pattern=r"^(?:0\.0\.0\.0|127\.0\.0\.1|::1?)\s+", replacement="")
    values = pc.replace_substring_regex(values, pattern=r"\s.*$", replacement="")
    has_comma = pc.and_(pc.match_substring(values, ","), pc.invert(pc.match_substring(values, "://")))
    values = pc.if_else(has_comma, pc.replace_substring_regex(values, pattern=",.*$", replacement=""), values)
    values = _refanged(pc.utf8_trim(values, characters="\"'"))
    return values, pc.and_(pc.not_equal(values, _NONE), pc.invert(is_comment))


def _refanged(values: Any) -> Any:
    is_kept_from_clicks = pc.match_substring_regex(values, pattern=r"[\[(]|^hxxp", ignore_case=True)
    if not pc.any(is_kept_from_clicks).as_py():
        return values
    return pa.array([refanged(str(value)) for value in values.to_pylist()], pa.string())


def _named(types: Any) -> Any:
    """Return kinds by the names of types; ``?`` for a type that is no plain thing, empty where none is named."""
    coded = types.dictionary_encode()
    words = [str(word).strip().casefold().replace("_", "-") for word in coded.dictionary.to_pylist()]
    return pa.array([_KINDS.get(word, "?") if word else "" for word in words], pa.string()).take(coded.indices)


def _guessed(values: Any) -> Any:
    """Return kinds by form where that is plain; empty where values have to be looked at one by one."""
    lower = pc.utf8_lower(values)
    kinds: Any = pa.repeat(_NONE, len(values))
    for kind, form in _PLAIN.items():
        kinds = pc.if_else(pc.match_substring_regex(lower, pattern=form), pa.scalar(kind), kinds)
    return kinds


def _instants(column: Any, done: ReadList, *, is_end: bool) -> Any:
    if column is None:
        return None
    coded = column.dictionary_encode()
    known = [instant(str(text), is_end=is_end) if text else None for text in coded.dictionary.to_pylist()]
    found = pa.array(known, _INT64).take(coded.indices)
    done.n_bad_dates += found.null_count - int(pc.sum(pc.equal(column, _NONE)).as_py() or 0)
    return found


def _numbers(columns: Mapping[str, Any], listed: Listed, done: ReadList) -> Any:
    """Return for each row the number of what it says beside value and time."""
    names = [name for name in _SAID if name in columns]
    if not names:
        return None
    if len(names) == 1:
        joined = columns[names[0]]
    else:
        joined = pc.binary_join_element_wise(*(columns[name] for name in names), _MARK)
    coded = joined.dictionary_encode()
    numbers = []
    for text in coded.dictionary.to_pylist():
        fields = dict(zip(names, str(text).split("\x1f"), strict=True))
        numbers.append(listed.number_of(_saying(fields, done)))
    return pa.array(numbers, _INT32).take(coded.indices)


_MARK = pa.scalar("\x1f", pa.string())


def _saying(fields: Mapping[str, str], done: ReadList) -> Saying:
    given = {name: text.strip() for name, text in fields.items() if text.strip()}
    return Saying(
        source=given.get("source") or given.get("url") or Path(done.file).name,
        file=done.file,
        url=given.get("url", ""),
        published=given.get("published", ""),
        indicates=tuple(given[name] for name in ("group", "malware") if name in given),
        confidence=confidence_in(given.get("confidence", "")),
        marking=_marking(given.get("tlp", ""), done),
    )


def _marking(text: str, done: ReadList) -> str:
    """Return a marking as all write it; one that nobody knows holds back the most."""
    if not text:
        return ""
    try:
        return str(parse_tlp(text))
    except InputError:
        done.n_bad_marks += 1
        return str(Tlp.RED)
