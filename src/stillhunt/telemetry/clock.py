"""Clocks that were never set, clocks that disagree inside one record, and which of them to believe.

Sysmon writes ``UtcTime`` into its events; the record's own time comes from the system, through whatever
exported it. Per host and file their difference is collected by event id. Criteria:

- An event id whose differences do not agree among themselves (nine in ten within a minute of their median) is
  distrusted. So is one outside the largest party of ids that agree with each other; between two equal parties
  the one with process creation is believed.
- If the trusted ids agree on a difference above two minutes that lies within a minute of a multiple of fifteen
  minutes, the record's time is local time labelled as UTC: every time of that host in that file is shifted.
- If they agree on another difference above two minutes, it is reported and nothing is shifted: a slow delivery
  or a replayed log looks the same. So is a difference on which no event id agrees with itself.
- Where two files hold the same records of a host (by channel and record id) with times a zone apart, the time of the
  event log as Windows keeps it, or of its XML, is believed; between two others nothing is shifted.
- Where no Sysmon speaks and the record's time says no zone, the collector's time of receipt does, if it says one:
  deliveries only ever take time, so the tenth of them that took least shows the zone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.telemetry.coverage import ClockFault
from stillhunt.telemetry.event import EventBatch
from stillhunt.telemetry.instant import instants_of
from stillhunt.telemetry.logsource import SYSMON, SYSMON_CHANNEL
from stillhunt.telemetry.shapes import COLLECTOR_TIME
from stillhunt.telemetry.twins import TwinLedger, TwinPair
from stillhunt.terms.period import duration_words

__all__ = ["ClockLedger", "is_unusable", "with_usable_times"]

_EARLIEST, _LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""Times outside are not used: unset or damaged clocks write 1601, 1970 or 1980."""


def is_unusable(times: Any) -> Any:
    """Tell for each of many times whether no clock that was set can have shown it."""
    return pc.fill_null(pc.or_(pc.less(times, _EARLIEST_AT), pc.greater_equal(times, _LATEST_AT)), _FALSE)


def with_usable_times(batch: EventBatch) -> EventBatch:
    """Return a batch whose unusable times are null: a wrong time is worse than none.

    A sensor that read a recording may count from its beginning, which would be in 1970. Such times are kept: they tell
    the order of things and their rhythm, though not the day.
    """
    data = batch.data
    times: Any = data.column("@timestamp")
    is_odd: Any = is_unusable(times)
    if not pc.any(is_odd).as_py() or (batch.event_class.product in _SENSORS and _counts_from_start(times)):
        return batch
    kept: Any = pc.if_else(is_odd, pa.scalar(None, times.type), times)
    at = data.schema.get_field_index("@timestamp")
    return replace(batch, data=data.set_column(at, data.schema.field(at), kept))


_SENSORS = frozenset({"zeek", "suricata"})


def _counts_from_start(times: Any) -> bool:
    ends = pc.min_max(times)
    return bool(pc.greater_equal(ends["min"], _ZERO).as_py() and pc.less(ends["max"], _A_YEAR_IN).as_py())


_ZERO, _A_YEAR_IN = (pa.scalar(datetime(year, 1, 1, tzinfo=UTC), pa.timestamp("us", tz="UTC")) for year in (1970, 1971))
_EARLIEST_AT, _LATEST_AT = (pa.scalar(at, pa.timestamp("us", tz="UTC")) for at in (_EARLIEST, _LATEST))
_FALSE = pa.scalar(False, pa.bool_())

_WORTH_SAYING_S = 120
_ZONE_STEP_S = 900
_TOLERANCE_S = 60
_AGREEING_SHARE = 0.9
_USUAL_SHARE = 0.5
_FEWEST = 3
_WIDEST_ZONE_S = 14 * 3600
_NOTHING: tuple[int, list[ClockFault]] = (0, [])
_LOST_HALF_DAY_S = 12 * 3600
"""No time zone lies further from UTC; a greater constant adds the twelve hours that a clock without AM and PM loses."""


@dataclass(slots=True)
class ClockLedger:
    """Differences between the record's time and Sysmon's, per file, host and event id; and between files."""

    _differences: dict[tuple[str, str], dict[str, Counter[int]]] = field(default_factory=partial(defaultdict, dict))
    _deliveries: dict[tuple[str, str], Counter[int]] = field(default_factory=partial(defaultdict, Counter))
    _twins: TwinLedger = field(default_factory=TwinLedger)
    _judged: dict[tuple[str, str], tuple[int, list[ClockFault]]] = field(default_factory=dict)

    def observe(self, batch: EventBatch) -> None:
        """Take note of both times of Sysmon's events, and of the collector's where a time says no zone."""
        event = batch.event_class
        names = batch.data.schema.names
        is_sysmon = (event.provider or "").lower() == SYSMON or (event.channel or "").lower() == SYSMON_CHANNEL
        if is_sysmon and "UtcTime" in names:
            for key, seconds, n_records in _seconds_apart(batch, "UtcTime"):
                self._differences[key].setdefault(event.event_id or "", Counter())[seconds] += n_records
        if COLLECTOR_TIME in names:
            for key, seconds, n_records in _seconds_apart(batch, COLLECTOR_TIME):
                self._deliveries[key][seconds] += n_records
        self._twins.observe(batch)
        self._judged.clear()

    def know(self, file: str, source: str) -> None:
        """Take note of which source read a file."""
        self._twins.sources[file] = source
        self._judged.clear()

    def take(self, other: ClockLedger) -> None:
        """Take in what another worker saw."""
        for key, by_id in other._differences.items():
            for event_id, counter in by_id.items():
                self._differences[key].setdefault(event_id, Counter()).update(counter)
        for key, counter in other._deliveries.items():
            self._deliveries[key].update(counter)
        self._twins.take(other._twins)
        self._judged.clear()

    def shift_s(self, file: str, host: str) -> int:
        """Return the seconds to add to the logged times of a host in a file; 0 where nothing is known."""
        return self._judge((file, host))[0]

    def corrected(self, file: str, host: str, at: datetime) -> datetime:
        """Return a logged time with its correction."""
        seconds = self.shift_s(file, host)
        return datetime.fromtimestamp(at.timestamp() + seconds, at.tzinfo) if seconds else at

    def faults(self) -> tuple[ClockFault, ...]:
        """Return every disagreement found, in order of file and host."""
        keys = sorted(self._differences.keys() | self._deliveries.keys() | self._twins.places())
        return tuple(fault for key in keys for fault in self._judge(key)[1])

    def zone_evidence(self, file: str) -> str:
        """Say how other clocks in a file settle the zone of its times; empty if they do not."""
        for key in sorted(self._differences.keys() | self._deliveries.keys() | self._twins.places()):
            if key[0] != file:
                continue
            if self.shift_s(*key):
                return "corrected by the clocks beside it"
            by_id, deliveries = self._differences.get(key, {}), self._deliveries.get(key, Counter())
            judged = _judge(*key, by_id)
            if judged is not None and not any("system time" in {f.trusted, f.distrusted} for f in judged[1]):
                return "Sysmon's own time agrees with it"
            if deliveries.total() >= _FEWEST and _share_near(deliveries, _quantile(deliveries, 0.1)) >= _USUAL_SHARE:
                return "the collector's time agrees with it" if abs(_quantile(deliveries, 0.1)) <= _TOLERANCE_S else ""
        return ""

    def copies(self) -> list[tuple[str, str, str]]:
        """Return (file, channel, another file that holds the same records), in order."""
        return sorted((pair.file, pair.channel, pair.other) for pair in self._twins.pairs() if not pair.apart_s)

    def _judge(self, key: tuple[str, str]) -> tuple[int, list[ClockFault]]:
        if not self._judged:
            # Of two files that hold the same records, the one judged by its own clocks is compared as corrected.
            self._judged = {own: self._judge_own(own) for own in self._differences.keys() | self._deliveries.keys()}
            for pair in self._twins.pairs():
                self._judge_twin(pair)
        return self._judged.get(key, _NOTHING)

    def _judge_own(self, key: tuple[str, str]) -> tuple[int, list[ClockFault]]:
        by_id, deliveries = self._differences.get(key, {}), self._deliveries.get(key, Counter())
        judged = _judge(*key, by_id)
        return judged if judged is not None else _judge_deliveries(*key, deliveries)

    def _judge_twin(self, pair: TwinPair) -> None:
        place = (pair.file, pair.host)
        shift, faults = self._judged.get(place, _NOTHING)
        apart = pair.apart_s + self._judged.get((pair.other, pair.host), _NOTHING)[0] - shift
        if shift or abs(apart) <= _WORTH_SAYING_S:
            return
        zone = _nearest_zone(apart)
        is_shifted = pair.is_other_better and _is_zone(apart, zone)
        what = f"the same {pair.n_shared:,} records lie {_signed(apart)} from it there"
        said = f"every time here is shifted by {_signed(zone)}" if is_shifted else "nothing is shifted"
        fault = ClockFault(
            host=pair.host,
            path=pair.file,
            trusted=f"system time in {pair.other}" if is_shifted else "neither",
            distrusted="system time",
            shift_s=zone if is_shifted else None,
            n_events=pair.n_shared,
            why=f"{what}: {said}",
        )
        self._judged[place] = (zone if is_shifted else 0), [*faults, fault]


def _seconds_apart(batch: EventBatch, other: str) -> Iterator[tuple[tuple[str, str], int, int]]:
    """Yield (file, host), how far another time of a record lies from its own, and in how many records."""
    data = batch.data
    # A file that keeps no system time is dated by UtcTime itself.
    is_own: Any = pc.equal(data.column("event.clock").cast(pa.string()), pa.scalar(other, pa.string()))
    found = instants_of(data.column(other).cast(pa.string()))
    apart: Any = pc.subtract(found.cast(pa.int64()), data.column("@timestamp").cast(pa.int64()))
    rounded: Any = pc.round(pc.divide(apart.cast(pa.float64()), _MICROSECONDS))
    seconds = rounded.cast(pa.int64())
    table = pa.table({"file": data.column("event.file"), "host": data.column("host.name"), "seconds": seconds})
    is_other: Any = pc.invert(pc.fill_null(is_own, _FALSE))
    table = table.filter(pc.and_(pc.is_valid(seconds), is_other))
    for row in table.group_by(["file", "host", "seconds"]).aggregate([([], "count_all")]).to_pylist():
        yield (row["file"], row["host"] or ""), row["seconds"], row["count_all"]


_MICROSECONDS = pa.scalar(1e6, pa.float64())


def _judge(file: str, host: str, by_id: dict[str, Counter[int]]) -> tuple[int, list[ClockFault]] | None:
    """Return the shift and the faults that Sysmon's times show; None where they are too few to say anything."""
    medians = {event_id: _median(counter) for event_id, counter in by_id.items()}
    steady = {e for e, c in by_id.items() if _share_near(c, medians[e]) >= _AGREEING_SHARE}
    trusted = _largest_party(steady, medians, by_id)
    if sum(by_id[e].total() for e in trusted) < _FEWEST:
        return _judge_unsteady(file, host, sum(by_id.values(), Counter()))
    agreed = _median(sum((by_id[e] for e in trusted), Counter()))
    faults = [
        ClockFault(
            host=host,
            path=file,
            trusted=f"UtcTime of Sysmon events {_names(trusted)}",
            distrusted=f"UtcTime of Sysmon event {event_id}",
            shift_s=None,
            n_events=by_id[event_id].total(),
            why=f"it lies {_apart(by_id[event_id], agreed)} from that of the other events; it is not used",
        )
        for event_id in sorted(by_id.keys() - trusted, key=_as_number)
        if _strays(by_id[event_id], agreed)
    ]
    if abs(agreed) <= _WORTH_SAYING_S:
        return 0, faults
    shift = _nearest_zone(agreed)
    n_events = sum(by_id[e].total() for e in trusted)
    is_zone = _is_zone(agreed, shift)
    main = ClockFault(
        host=host,
        path=file,
        trusted=f"UtcTime of Sysmon events {_names(trusted)}",
        distrusted="system time",
        shift_s=shift if is_zone else None,
        n_events=n_events,
        why=f"Sysmon's time lies {_signed(agreed)} from it in {n_events:,} records: {_verdict(agreed, shift)}",
    )
    return (shift if is_zone else 0), [main, *faults]


def _judge_unsteady(file: str, host: str, differences: Counter[int]) -> tuple[int, list[ClockFault]] | None:
    if differences.total() < _FEWEST:
        return None
    if not _strays(differences, 0):
        return 0, []
    fault = ClockFault(
        host=host,
        path=file,
        trusted="system time",
        distrusted="UtcTime of Sysmon",
        shift_s=None,
        n_events=differences.total(),
        why=f"it lies {_apart(differences, 0)} from the system time without any rule, so nothing is shifted",
    )
    return 0, [fault]


def _judge_deliveries(file: str, host: str, deliveries: Counter[int]) -> tuple[int, list[ClockFault]]:
    """Return the shift that the collector's times show for times without a zone."""
    if deliveries.total() < _FEWEST:
        return 0, []
    quickest = _quantile(deliveries, 0.1)
    shift = _nearest_zone(quickest)
    is_usual = _share_near(deliveries, quickest) >= _USUAL_SHARE
    if not (_is_zone(quickest, shift) and is_usual):
        return 0, []
    zone = _signed(shift)
    fault = ClockFault(
        host=host,
        path=file,
        trusted="the collector's @timestamp",
        distrusted="system time",
        shift_s=shift,
        n_events=deliveries.total(),
        why=f"it says no zone, and the collector's time lies {zone} from it: every time here is shifted by {zone}",
    )
    return shift, [fault]


def _largest_party(steady: set[str], medians: dict[str, int], by_id: dict[str, Counter[int]]) -> set[str]:
    """Return the event ids that agree: most ids, then the one with process creation, then most records."""
    parties = [{e for e in steady if abs(medians[e] - medians[centre]) <= _TOLERANCE_S} for centre in sorted(steady)]
    return max(parties, key=lambda p: (len(p), "1" in p, sum(by_id[e].total() for e in p)), default=set())


def _nearest_zone(seconds: int) -> int:
    return round(seconds / _ZONE_STEP_S) * _ZONE_STEP_S


def _is_zone(agreed: int, shift: int) -> bool:
    is_possible = 0 < abs(shift) <= _WIDEST_ZONE_S + _LOST_HALF_DAY_S
    return is_possible and abs(agreed - shift) <= _TOLERANCE_S


def _verdict(agreed: int, shift: int) -> str:
    if not _is_zone(agreed, shift):
        return "no time zone's difference, so it is reported and nothing is shifted"
    clock = "local time" if abs(shift) <= _WIDEST_ZONE_S else "local time on a twelve-hour clock"
    return f"{clock} labelled as UTC, so every time of this host here is shifted by {_signed(shift)}"


def _median(counter: Counter[int]) -> int:
    return _quantile(counter, 0.5)


def _quantile(counter: Counter[int], share: float) -> int:
    enough, seen = counter.total() * share, 0
    for value in sorted(counter):
        seen += counter[value]
        if seen >= enough:
            return value
    return 0


def _share_near(counter: Counter[int], centre: int) -> float:
    return sum(n for v, n in counter.items() if abs(v - centre) <= _TOLERANCE_S) / counter.total()


def _strays(counter: Counter[int], agreed: int) -> bool:
    """Tell whether more than a tenth of the records lie more than two minutes off."""
    far = sum(n for v, n in counter.items() if abs(v - agreed) > _WORTH_SAYING_S)
    return far / counter.total() > 1 - _AGREEING_SHARE


def _apart(counter: Counter[int], agreed: int) -> str:
    low, high = _signed(min(counter) - agreed), _signed(max(counter) - agreed)
    return low if low == high else f"between {low} and {high}"


def _signed(seconds: int) -> str:
    return f"{'-' if seconds < 0 else '+'}{duration_words(abs(seconds))}" if seconds else "nothing"


def _names(event_ids: set[str]) -> str:
    return ", ".join(sorted(event_ids, key=_as_number))


def _as_number(event_id: str) -> tuple[int, str]:
    return (int(event_id), event_id) if event_id.isdecimal() else (0, event_id)
