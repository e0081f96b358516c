"""What was found in some logs, as bytes: what lets a later hunt go on where this one came to.

Nothing in these files can run: they are decoded into the types they must have, and anything else counts as absent.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import GenericAlias
from typing import Any, TypeVar, get_args, get_origin

import msgspec
import pyarrow as pa

from stillhunt.cases.access import Accesses
from stillhunt.cases.sightings import Sightings
from stillhunt.cases.trail import ProcessStarts, Trail
from stillhunt.detection.behaviour.watch import Aggregates
from stillhunt.detection.correlation.occurrences import Occurrences
from stillhunt.detection.evidence import EvidenceKey
from stillhunt.detection.finding import Evidence
from stillhunt.detection.fold import Match, Shelf
from stillhunt.detection.indicators.spot import Spotted
from stillhunt.detection.scan import ScanState
from stillhunt.telemetry.ledger import ReadingLedger
from stillhunt.telemetry.store.manifest import synced

__all__ = [
    "ReadState",
    "ScanRecord",
    "is_whole",
    "load",
    "load_evidence",
    "packed",
    "save",
    "save_evidence",
    "unpacked",
]

_MAGIC = b"stillhunt state 1\n"
_HASH = 32


@dataclass(slots=True)
class ReadState:
    """What reading some logs left behind, whatever the rules.

    Attributes:
        ledger: The reading ledger.
        found_in: Of every log the file that holds it and the source that reads it.
        trail: What linking and dating need.
    """

    ledger: ReadingLedger = field(default_factory=ReadingLedger)
    found_in: dict[str, tuple[str, str]] = field(default_factory=dict)
    trail: Trail = field(default_factory=Trail)


@dataclass(slots=True)
class ScanRecord:
    """What one set of rules found there.

    Attributes:
        shelves: Findings in the making by rule and host.
        seen: Rules that met events of their log source.
        occurrences: Matches for correlations, by number of the rule.
        aggregates: What analytics keep.
        spotted: Indicators that were met.
    """

    shelves: dict[tuple[int, str], Shelf] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    occurrences: dict[int, pa.Table] = field(default_factory=dict)
    aggregates: Aggregates = field(default_factory=Aggregates)
    spotted: Spotted = field(default_factory=Spotted)

    @classmethod
    def of(cls, state: ScanState) -> ScanRecord:
        """Return what a scan handed over."""
        shelves, seen, occurrences, aggregates, spotted = state
        return cls(shelves, seen, occurrences.tables, aggregates, spotted)

    @property
    def state(self) -> ScanState:
        """What a scan takes in."""
        occurrences = Occurrences({})
        occurrences.add_tables(self.occurrences)
        return self.shelves, self.seen, occurrences, self.aggregates, self.spotted


@dataclass(slots=True)
class _Known:
    evidence: list[tuple[int, str, Match, Evidence]]


T = TypeVar("T")


def save(path: Path, state: object) -> None:
    """Write a state so that it is there whole or not at all.

    Raises:
        OSError: It cannot be written.
    """
    content = packed(state)
    with synced(path, is_durable=False) as beside:
        beside.write_bytes(content)


def packed(state: object) -> bytes:
    """Return a state as bytes that tell whether they are whole."""
    body = msgspec.msgpack.encode(state, enc_hook=_encoded)
    content = len(body).to_bytes(8, "little") + pa.Codec("zstd").compress(body, asbytes=True)
    return _MAGIC + hashlib.sha256(content).digest() + content


def load(path: Path, kind: type[T]) -> T | None:
    """Return a state, or None if there is nothing sound."""
    try:
        found = path.read_bytes()
    except OSError:
        return None
    return unpacked(found, kind)


def unpacked(found: bytes, kind: type[T]) -> T | None:
    """Return a state from its bytes, or None if they are not sound."""
    if not is_whole(found):
        return None
    content = memoryview(found)[len(_MAGIC) + _HASH :]
    try:
        body = pa.Codec("zstd").decompress(content[8:], int.from_bytes(content[:8], "little"), asbytes=True)
        return msgspec.msgpack.decode(body, type=kind, dec_hook=_decoded)
    except (msgspec.MsgspecError, pa.ArrowException, OSError):
        return None


def is_whole(found: bytes) -> bool:
    """Tell whether bytes are those of a state, as it was written."""
    content = memoryview(found)[len(_MAGIC) + _HASH :]
    return found[: len(_MAGIC) + _HASH] == _MAGIC + hashlib.sha256(content).digest()


def save_evidence(path: Path, evidence: Mapping[EvidenceKey, Evidence]) -> None:
    """Write evidence as a state."""
    save(path, _Known([(*key, evidence[key]) for key in sorted(evidence)]))


def load_evidence(path: Path) -> dict[EvidenceKey, Evidence]:
    """Return evidence that was saved, none if there is nothing sound."""
    known = load(path, _Known)
    return {EvidenceKey(rule, file, match): found for rule, file, match, found in known.evidence} if known else {}


def _encoded(value: object) -> object:
    if isinstance(value, array):
        return value.tobytes()
    if isinstance(value, ProcessStarts):
        return _as_bytes(value.tables())
    if isinstance(value, (Sightings, Accesses)):
        return _as_bytes([value.table()])
    if isinstance(value, pa.Table):
        return _as_bytes([value])
    raise NotImplementedError(type(value).__name__)


def _decoded(kind: Any, value: Any) -> object:
    origin = get_origin(kind) or kind
    make = _MAKERS.get(origin)
    if make is None:
        raise NotImplementedError(str(kind))
    return make(kind, value)


def _counter(kind: Any, value: dict[Any, int]) -> Counter[Any]:
    counts: Any = GenericAlias(dict, (*get_args(kind), int))
    return Counter(msgspec.convert(value, type=counts))


def _array(kind: Any, value: bytes) -> array[int]:
    del kind
    found = array("q")
    found.frombytes(value)
    return found


def _starts(kind: Any, value: bytes) -> ProcessStarts:
    del kind
    starts = ProcessStarts()
    if value:
        with pa.ipc.open_stream(value) as stream:
            starts.add(stream.read_all())
    return starts


def _table(kind: Any, value: bytes) -> pa.Table:
    del kind
    with pa.ipc.open_stream(value) as stream:
        return stream.read_all()


def _summed_up(kind: Any, value: bytes) -> Sightings | Accesses:
    made: Sightings | Accesses = kind()
    table = _table(kind, value)
    made.add(table.cast(_plain(table.schema)))
    return made


_MAKERS: dict[Any, Callable[[Any, Any], object]] = {
    Counter: _counter,
    array: _array,
    ProcessStarts: _starts,
    Sightings: _summed_up,
    Accesses: _summed_up,
    pa.Table: _table,
}


def _as_bytes(tables: list[pa.Table]) -> bytes:
    if not tables:
        return b""
    # What a filter left of a batch still has all texts of the batch in its dictionaries.
    plain = pa.concat_tables([table.cast(_plain(table.schema)) for table in tables])
    whole = pa.table({name: _compact(plain[name]) for name in plain.column_names})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, whole.schema) as stream:
        stream.write_table(whole)
    return sink.getvalue().to_pybytes()


def _plain(schema: pa.Schema) -> pa.Schema:
    return pa.schema([(f.name, f.type.value_type if isinstance(f.type, pa.DictionaryType) else f.type) for f in schema])


def _compact(column: pa.ChunkedArray[Any]) -> Any:
    joined = column.combine_chunks()
    return joined.dictionary_encode() if pa.types.is_string(joined.type) else joined
