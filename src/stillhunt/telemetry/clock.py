"""Clocks that disagree inside one record, and which of them to believe.

Sysmon writes ``UtcTime`` into its events; the record's own time comes from the system, through whatever
exported it. Per host and file their difference is collected by event id. Criteria:

- An event id whose differences do not agree among themselves (nine in ten within a minute of their median) is
  distrusted. So is one outside the largest party of ids that agree with each other; between two equal parties
  the one with process creation is believed.
- If the trusted ids agree on a difference above two minutes that lies within a minute of a multiple of fifteen
  minutes, the record's time is local time labelled as UTC: every time of that host in that file is shifted.
- If they agree on another difference above two minutes, it is reported and nothing is shifted: a slow delivery
  or a replayed log looks the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime

from stillhunt.telemetry.coverage import ClockFault
from stillhunt.telemetry.event import EventBatch
from stillhunt.telemetry.instant import read_instant
from stillhunt.telemetry.logsource import SYSMON, SYSMON_CHANNEL
from stillhunt.terms.period import duration_words

__all__ = ["ClockLedger"]

_WORTH_SAYING_S = 120
_ZONE_STEP_S = 900
_TOLERANCE_S = 60
_AGREEING_SHARE = 0.9
_FEWEST = 3
_WIDEST_ZONE_S = 14 * 3600
"""No time zone lies further from UTC; a greater constant adds the twelve hours that a clock without AM and PM loses."""


class ClockLedger:
    """Differences between the record's time and Sysmon's, per file, host and event id."""

    def __init__(self) -> None:
        self._differences: dict[tuple[str, str], dict[str, Counter[int]]] = defaultdict(dict)
        self._judged: dict[tuple[str, str], tuple[int, list[ClockFault]]] = {}

    def observe(self, batch: EventBatch) -> None:
        """Take note of both times of Sysmon's events."""
        event = batch.event_class
        is_sysmon = (event.provider or "").lower() == SYSMON or (event.channel or "").lower() == SYSMON_CHANNEL
        if not is_sysmon or "UtcTime" not in batch.data.schema.names:
            return
        columns = batch.data.select(["@timestamp", "UtcTime", "event.file", "host.name", "event.clock"]).to_pydict()
        for logged, utc, file, host, clock in zip(*columns.values(), strict=True):
            own = read_instant(utc)
            if logged is None or own is None or clock == "UtcTime":
                continue
            by_id = self._differences[file, host or ""]
            seconds = round((own - logged).total_seconds())
            by_id.setdefault(event.event_id or "", Counter())[seconds] += 1
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
        return tuple(fault for key in sorted(self._differences) for fault in self._judge(key)[1])

    def _judge(self, key: tuple[str, str]) -> tuple[int, list[ClockFault]]:
        if key not in self._judged:
            self._judged[key] = _judge(*key, self._differences.get(key, {}))
        return self._judged[key]


def _judge(file: str, host: str, by_id: dict[str, Counter[int]]) -> tuple[int, list[ClockFault]]:
    medians = {event_id: _median(counter) for event_id, counter in by_id.items()}
    steady = {e for e, c in by_id.items() if _share_near(c, medians[e]) >= _AGREEING_SHARE}
    trusted = _largest_party(steady, medians, by_id)
    if sum(by_id[e].total() for e in trusted) < _FEWEST:
        return 0, []
    agreed = _median(sum((by_id[e] for e in trusted), Counter()))
    faults = [
        ClockFault(
            host=host,
            path=file,
            trusted="system time",
            distrusted=f"UtcTime of Sysmon event {event_id}",
            shift_s=None,
            n_events=by_id[event_id].total(),
            why=f"it lies {_apart(by_id[event_id])} from the system time where events {_names(trusted)} agree on "
            f"{_signed(agreed)}; it is not used",
        )
        for event_id in sorted(by_id.keys() - trusted, key=_as_number)
        if _strays(by_id[event_id], agreed)
    ]
    if abs(agreed) <= _WORTH_SAYING_S:
        return 0, faults
    shift = round(agreed / _ZONE_STEP_S) * _ZONE_STEP_S
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


def _largest_party(steady: set[str], medians: dict[str, int], by_id: dict[str, Counter[int]]) -> set[str]:
    """Return the event ids that agree: most ids, then the one with process creation, then most records."""
    parties = [{e for e in steady if abs(medians[e] - medians[centre]) <= _TOLERANCE_S} for centre in sorted(steady)]
    return max(parties, key=lambda p: (len(p), "1" in p, sum(by_id[e].total() for e in p)), default=set())


def _is_zone(agreed: int, shift: int) -> bool:
    return shift != 0 and abs(agreed - shift) <= _TOLERANCE_S


def _verdict(agreed: int, shift: int) -> str:
    if not _is_zone(agreed, shift):
        return "no time zone's difference, so it is reported and nothing is shifted"
    clock = "local time" if abs(shift) <= _WIDEST_ZONE_S else "local time on a twelve-hour clock"
    return f"{clock} labelled as UTC, so every time of this host here is shifted by {_signed(shift)}"


def _median(counter: Counter[int]) -> int:
    middle, seen = counter.total() / 2, 0
    for value in sorted(counter):
        seen += counter[value]
        if seen >= middle:
            return value
    return 0


def _share_near(counter: Counter[int], centre: int) -> float:
    return sum(n for v, n in counter.items() if abs(v - centre) <= _TOLERANCE_S) / counter.total()


def _strays(counter: Counter[int], agreed: int) -> bool:
    """Tell whether more than a tenth of the records lie more than two minutes off."""
    far = sum(n for v, n in counter.items() if abs(v - agreed) > _WORTH_SAYING_S)
    return far / counter.total() > 1 - _AGREEING_SHARE


def _apart(counter: Counter[int]) -> str:
    low, high = min(counter), max(counter)
    return _signed(low) if low == high else f"between {_signed(low)} and {_signed(high)}"


def _signed(seconds: int) -> str:
    return f"{'-' if seconds < 0 else '+'}{duration_words(abs(seconds))}" if seconds else "nothing"


def _names(event_ids: set[str]) -> str:
    return ", ".join(sorted(event_ids, key=_as_number))


def _as_number(event_id: str) -> tuple[int, str]:
    return (int(event_id), event_id) if event_id.isdecimal() else (0, event_id)
