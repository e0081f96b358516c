"""The same records in two files: by host, channel and record id, from a small sample of each.

Of each host's channel in a file the 32 records are kept whose ids have the smallest hash; two files that hold the
same records have kept the same ones. Memory goes with files, not with events.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.telemetry.columns import whole_numbers
from stillhunt.telemetry.event import EventBatch

__all__ = ["TwinLedger", "TwinPair"]

_KEPT = 32
_FEWEST = 5
_AGREEING_SHARE = 0.9
_SAME_S = 2
_FILES_COMPARED = 10
"""Files that hold one record and are compared with each other; more are copies of copies."""

_FACTOR, _MASK = 0x9E3779B1, 0xFFFF_FFFF

_RANKS = {"windows_evtx": 0, "windows_xml": 1}
"""How sure a source's times are to be UTC; all others come after these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinPair:
    """Two files that hold the same records.

    Attributes:
        file: The one whose times are less sure, or the later by name.
        other: The other.
        host: Whose records.
        channel: In which channel.
        n_shared: Records that were compared.
        apart_s: Seconds from the time in ``file`` to that in ``other``; 0 if they are the same.
        is_other_better: Whether the times of ``other`` are surer by their kind of file.
    """

    file: str
    other: str
    host: str
    channel: str
    n_shared: int
    apart_s: int
    is_other_better: bool


@dataclass(slots=True)
class TwinLedger:
    """Keeps the samples.

    Attributes:
        sources: Which source read which file.
    """

    sources: dict[str, str] = field(default_factory=dict)
    _kept: dict[tuple[str, str, str], dict[int, int]] = field(default_factory=dict)
    _bars: dict[tuple[str, str, str], int] = field(default_factory=dict)

    def observe(self, batch: EventBatch) -> None:
        """Take note of some records of a batch."""
        channel, data = batch.event_class.channel, batch.data
        if not channel or "EventRecordID" not in data.schema.names or not data.num_rows:
            return
        _, numbers = whole_numbers(data.column("EventRecordID"))
        hashes: Any = pc.bit_wise_and(pc.multiply(numbers, _FACTOR_SCALAR), _MASK_SCALAR)
        files: Any = data.column("event.file")
        hosts: Any = data.column("host.name")
        at: Any = data.column("@timestamp").cast(pa.int64())
        file_of, host_of = [*files.dictionary.to_pylist(), None], [*hosts.dictionary.to_pylist(), None]
        is_small: Any
        if len(file_of) * len(host_of) <= data.num_rows:
            # What is above those that a file and host have kept already is not looked at in Python.
            bars = [self._bars.get((file or "", host or "", channel), _MASK) for file in file_of for host in host_of]
            places = pc.add(pc.multiply(_codes(files), pa.scalar(len(host_of), pa.int64())), _codes(hosts))
            is_small = pc.less_equal(hashes, pc.take(pa.array(bars, pa.int64()), places))
        else:
            is_small = pa.scalar(True, pa.bool_())
        chosen = pc.and_(pc.fill_null(is_small, _FALSE), pc.and_(pc.is_valid(numbers), pc.is_valid(at)))
        table = pa.table({"file": _codes(files), "host": _codes(hosts), "number": numbers, "at": at}).filter(chosen)
        for file, host, number, when in zip(*(column.to_pylist() for column in table.columns), strict=True):
            key = file_of[file] or "", host_of[host] or "", channel
            kept = self._kept.setdefault(key, {})
            kept.setdefault(number, when)
            if len(kept) > 4 * _KEPT:
                self._bars[key] = _trim(kept)

    def take(self, other: TwinLedger) -> None:
        """Take in what another worker saw."""
        self.sources |= other.sources
        for key, theirs in other._kept.items():
            kept = self._kept.setdefault(key, {})
            for number, at in theirs.items():
                kept[number] = min(at, kept.get(number, at))
            self._bars[key] = _trim(kept)

    def places(self) -> set[tuple[str, str]]:
        """Return file and host of everything kept."""
        return {(file, host) for file, host, _ in self._kept}

    def pairs(self) -> list[TwinPair]:
        """Return all pairs of files that hold the same records, in order."""
        return sorted(self._pairs(), key=lambda pair: (pair.file, pair.other, pair.host, pair.channel))

    def _pairs(self) -> Iterator[TwinPair]:
        by_id: dict[tuple[str, str, int], list[tuple[str, int]]] = defaultdict(list)
        for (file, host, channel), kept in sorted(self._kept.items()):
            for number, at in kept.items():
                by_id[host, channel, number].append((file, at))
        apart: dict[tuple[str, str, str, str], Counter[int]] = defaultdict(Counter)
        for (host, channel, _), holders in by_id.items():
            for (file, at), (other, there) in combinations(holders[:_FILES_COMPARED], 2):
                if self._rank(other) < self._rank(file) or (self._rank(other) == self._rank(file) and other < file):
                    apart[file, other, host, channel][round((there - at) / 1e6)] += 1
                else:
                    apart[other, file, host, channel][round((at - there) / 1e6)] += 1
        for (file, other, host, channel), counter in apart.items():
            seconds, _ = max(counter.items(), key=lambda item: (item[1], -abs(item[0])))
            near = sum(n for apart_s, n in counter.items() if abs(apart_s - seconds) <= _SAME_S)
            if counter.total() >= _FEWEST and near >= _AGREEING_SHARE * counter.total():
                yield TwinPair(
                    file=file,
                    other=other,
                    host=host,
                    channel=channel,
                    n_shared=counter.total(),
                    apart_s=0 if abs(seconds) <= _SAME_S else seconds,
                    is_other_better=self._rank(other) < self._rank(file),
                )

    def _rank(self, file: str) -> int:
        return _RANKS.get(self.sources.get(file, ""), len(_RANKS))


def _trim(kept: dict[int, int]) -> int:
    """Keep those of the smallest hashes; return the greatest hash that is kept, or any if there is room for more."""
    by_hash = sorted(kept, key=lambda number: (number * _FACTOR & _MASK, number))
    for number in by_hash[_KEPT:]:
        del kept[number]
    return by_hash[_KEPT - 1] * _FACTOR & _MASK if len(by_hash) >= _KEPT else _MASK


def _codes(column: Any) -> Any:
    """Return codes, null as the one after the last."""
    return pc.fill_null(column.indices.cast(pa.int64()), pa.scalar(len(column.dictionary), pa.int64()))


_FACTOR_SCALAR, _MASK_SCALAR = pa.scalar(_FACTOR, pa.int64()), pa.scalar(_MASK, pa.int64())
_FALSE = pa.scalar(False, pa.bool_())
