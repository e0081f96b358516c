"""The rhythm of events: whether they keep a period, which, and how surely; for any length of period.

Contacts closer together than a scale are one. The intervals between contacts are sorted, and a band of relative width
is moved over them: of a signal that keeps a period they lie in one band, whose width is its jitter. Events that know
nothing of each other have exponential intervals, of which a band holds at most a known share at whatever rate they
come; how improbable the observed share would be for them, over all bands tried, is the score. Missed contacts,
nights and sleep make a few long intervals and move no band, so neither gaps nor age count against a signal.

A band lies on the shortest interval that is common, never on twice or half of it: that is how harmonics are resolved.
The period is the middle of the band's intervals, between their 5th and 95th percentile. Where intervals that are too
long are followed by ones too short, the signal keeps to a grid, and the mean over unbroken runs is closer.

Source: Cox and Lewis, "The statistical analysis of series of events" (1966): intervals of a renewal process against
those of a Poisson process; Chernoff, Annals of Mathematical Statistics 23 (1952): the bound on the binomial tail;
Bonferroni's correction for the bands tried; Rayleigh's test for the line (Mardia and Jupp, "Directional statistics",
2000). Malleable implants draw their sleep from such a band (Cobalt Strike user
guide, "sleep").
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["LEAST_CONTACTS", "Rhythm", "rhythm_of", "with_rhythm"]

LEAST_CONTACTS = 6
"""Contacts below which no rhythm is looked for."""

_SECOND = 1_000_000
_SCALES_S = (1, 5, 60, 600)
"""Contacts closer than this are one: first single requests, then bursts, then sessions."""

_SINGLE_S = 5
"""Scale up to which contacts are single ones: a page and what belongs to it, a call and its second attempt."""

_SCALES_PER_PERIOD = 6
"""A burst is at most a sixth of the period that it recurs with."""

_WIDTHS = (0.02, 0.05, 0.1, 0.2, 0.42)
"""Half widths of bands; the widest holds a jitter of 40 per cent."""

_WIDEST_OF_BURSTS = 0.2
_LONG_S, _WIDEST_OF_LONG_BURSTS = 4 * 3_600, 0.05
"""People come to work at about the same time: daily sessions must be more punctual than they are."""

_LEAST_SHARE, _LEAST_SHARE_LONG, _LEAST_SHARE_OF_BURSTS = 0.5, 0.6, 0.7
"""Least share of intervals in the band; more is asked of periods of hours, which days suggest by themselves."""

_ENOUGH_SHARE = 0.8
"""A share from which on no coarser scale is tried."""

_QUICK_SHARES = ((12, 60), (30, 50), (1 << 62, 40))
_ANCHORS = (30, 50, 70)
_BAND = (0.55, 1.65)
"""Quick look: some percentile of the intervals has, of up to so many, so many per cent within this band of itself."""

_INTERVALS_JUDGED = 4_096
"""Of more intervals, evenly spaced ones in order of size are judged."""

_ON_GRID = 0.1
"""Least correlation, negative, of neighbouring intervals on a grid: jitter about one has a half, sleeps have none."""

_WORTH_REFINING = 0.3
"""Range of regular intervals, as a share of the period, below which their middle is close enough."""

_REFINED_BY, _STANDS_OUT = 400, 6
"""The latest contacts look for the period of a grid; how far the best must stand above what noise gives."""

_CLOCK_S, _CLOCK_SHARE, _CLOCK_NOISE_US = 10, 0.95, 50_000
"""A scheduled job begins within seconds behind a whole minute, and never to the same fraction of a second."""

_INT: Any = pa.int64()
_UNIT_US = 10_000
_BITS = 36
"""Intervals are compared in hundredths of a second; 2**36 of them are 21 years."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """What rhythm some contacts have.

    Attributes:
        period_us: The period in microseconds; 0 if there is none.
        contacts: Contacts it was judged by.
        regular: Intervals between them that keep the period.
        jitter: Half of the range of those intervals, in thousandths of the period.
        score: Minus the decimal logarithm of the chance that unrelated contacts look so, in hundredths.
        is_clocked: Whether contacts follow whole minutes of the clock, as scheduled jobs do.
    """

    period_us: int
    contacts: int
    regular: int
    jitter: int
    score: int
    is_clocked: bool


_NONE = Rhythm(period_us=0, contacts=0, regular=0, jitter=0, score=0, is_clocked=False)
_COLUMNS = ("period", "contacts", "regular", "jitter", "score", "clocked", "days")


def with_rhythm(table: pa.Table) -> pa.Table:
    """Put in place of the column ``times`` those of its rhythm: whole numbers, 0 where there is none.

    ``period`` (microseconds), ``contacts``, ``regular``, ``jitter`` (thousandths of the period), ``score``
    (hundredths), ``clocked`` (1 or 0): see :class:`Rhythm`; and ``days``, the different days with an event.

    Args:
        table: Joined rows with sorted lists of microseconds in ``times``.
    """
    found: dict[int, Rhythm] = {}
    if table.num_rows:
        lists = table["times"].combine_chunks()
        candidates = sorted({row for scale in _SCALES_S for row in _worth_a_look(lists, scale * _SECOND)})
        for row in candidates:
            found[row] = rhythm_of(lists[row].as_py())
    rows = [found.get(row, _NONE) for row in range(table.num_rows)]
    days = _days(table["times"].combine_chunks()) if table.num_rows else []
    columns: dict[str, Sequence[int]] = {
        "period": [r.period_us for r in rows],
        "contacts": [r.contacts for r in rows],
        "regular": [r.regular for r in rows],
        "jitter": [r.jitter for r in rows],
        "score": [r.score for r in rows],
        "clocked": [int(r.is_clocked) for r in rows],
        "days": days,
    }
    table = table.drop_columns(["times"])
    for name in _COLUMNS:
        table = table.append_column(name, pa.array(columns[name], _INT))
    return table


def rhythm_of(times: Sequence[int]) -> Rhythm:
    """Return the rhythm of events.

    Args:
        times: Microseconds, sorted.
    """
    best = _NONE
    for scale in _SCALES_S:
        contacts = _contacts(times, scale * _SECOND)
        if len(contacts) < LEAST_CONTACTS:
            break
        found = _judged(contacts, scale)
        if found.period_us and (not best.period_us or _share(found) > _share(best)):
            best = found
        if best.period_us and _share(best) >= _ENOUGH_SHARE:
            break
    return best


def _days(lists: Any) -> list[int]:
    """Return on how many different days the events of each row lie."""
    owner, day = pc.list_parent_indices(lists), pc.divide(lists.flatten(), pa.scalar(86_400 * _SECOND, _INT))
    seen = pa.table({"owner": owner, "day": day}).group_by(["owner", "day"]).aggregate([])
    counted = pc.value_counts(seen["owner"])
    found: dict[Any, Any] = dict(
        zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
    )
    return [found.get(row, 0) for row in range(len(lists))]


def _share(rhythm: Rhythm) -> float:
    return rhythm.regular / (rhythm.contacts - 1)


def _worth_a_look(lists: Any, scale_us: int) -> list[int]:
    """Return the rows whose intervals gather somewhere: a quick look at all of them at once."""
    owner, at = pc.list_parent_indices(lists), lists.flatten()
    if len(at) < LEAST_CONTACTS:
        return []
    owner, at = _merged(owner.cast(_INT), at, scale_us)
    if len(at) < LEAST_CONTACTS:
        return []
    same = pc.equal(owner[1:], owner[:-1])
    interval = pc.divide(pc.subtract(at[1:], at[:-1]), pa.scalar(_UNIT_US, _INT)).filter(same)
    owner = owner[1:].filter(same)
    if len(owner) < LEAST_CONTACTS - 1:
        return []
    # Owners are in order, so sorting both as one number sorts the intervals of each.
    packed = pc.add(pc.shift_left(owner, pa.scalar(_BITS, _INT)), interval)
    interval = pc.bit_wise_and(packed.take(pc.sort_indices(packed)), pa.scalar((1 << _BITS) - 1, _INT))
    counted = pc.value_counts(owner)
    names, lengths = counted.field("values"), counted.field("counts")
    begins = pc.subtract(pc.cumulative_sum(lengths), lengths)
    least: Any = pa.scalar(_QUICK_SHARES[-1][1], _INT)
    for most, percent in reversed(_QUICK_SHARES[:-1]):
        least = pc.if_else(pc.less_equal(lengths, pa.scalar(most, _INT)), pa.scalar(percent, _INT), least)
    found: set[int] = set()
    place_of_row = pc.index_in(owner, names)
    for percent in _ANCHORS:
        at_ = pc.add(begins, pc.divide(pc.multiply(lengths, pa.scalar(percent, _INT)), pa.scalar(100, _INT)))
        anchor = pc.cast(interval.take(at_), pa.float64()).take(place_of_row)
        low = pc.greater_equal(interval, pc.multiply(anchor, pa.scalar(_BAND[0])))
        high = pc.less_equal(interval, pc.multiply(anchor, pa.scalar(_BAND[1])))
        inside = pc.cumulative_sum(pc.and_(low, high).cast(_INT))
        until = inside.take(pc.subtract(pc.add(begins, lengths), pa.scalar(1, _INT)))
        within = pc.subtract(until, pa.concat_arrays([pa.array([0], _INT), until[:-1]]))
        is_dense = pc.greater_equal(pc.multiply(within, pa.scalar(100, _INT)), pc.multiply(lengths, least))
        is_long = pc.greater_equal(lengths, pa.scalar(LEAST_CONTACTS - 1, _INT))
        found.update(names.filter(pc.and_(is_dense, is_long)).to_pylist())
    return sorted(found)


def _merged(owner: Any, at: Any, scale_us: int) -> tuple[Any, Any]:
    """Keep of events that follow each other within a scale the first."""
    is_first = pc.or_(
        pc.not_equal(owner[1:], owner[:-1]), pc.greater(pc.subtract(at[1:], at[:-1]), pa.scalar(scale_us, _INT))
    )
    is_first = pa.concat_arrays([pa.array([True]), is_first])
    return owner.filter(is_first), at.filter(is_first)


def _contacts(times: Sequence[int], scale_us: int) -> list[int]:
    return [times[0], *(later for before, later in pairwise(times) if later - before > scale_us)] if times else []


def _judged(contacts: Sequence[int], scale_s: int) -> Rhythm:
    intervals = [later - before for before, later in pairwise(contacts)]
    ordered = sorted(intervals)
    step = max(1, len(ordered) // _INTERVALS_JUDGED)
    band = max(_bands(ordered[::step], scale_s), default=None)
    if band is None:
        return _NONE
    score, low, high = band
    regular = [interval for interval in ordered if low <= interval <= high]
    period = _period(contacts, intervals, regular)
    first, last = regular[len(regular) // 20], regular[-1 - len(regular) // 20]
    return Rhythm(
        period_us=period,
        contacts=len(contacts),
        regular=len(regular),
        jitter=round(500 * (last - first) / period),
        score=round(100 * score),
        is_clocked=_is_clocked(contacts, period),
    )


def _bands(ordered: Sequence[int], scale_s: int) -> Iterator[tuple[float, int, int]]:
    """Yield of every width the fullest band as (score, lowest, highest interval), if it will do."""
    n_all = len(ordered)
    for width in _WIDTHS:
        ratio = (1 + width) / (1 - width)
        count, start, stop = _fullest(ordered, ratio)
        low, high = ordered[start], ordered[stop - 1]
        if not _will_do(count / n_all, low + high, width, scale_s):
            continue
        chance = _chance(low, round(low * ratio), scale_s * _SECOND)
        score = _surprise(count - 1, n_all - 1, chance) - math.log10(n_all * len(_WIDTHS))
        if score > 0:
            yield score, low, high


def _chance(low: int, high: int, scale_us: int) -> float:
    """Return the largest share of exponential intervals, longer than a scale, that can lie in a band."""
    ratio = (high - scale_us) / max(1, low - scale_us)
    share: float = ratio ** (-1 / (ratio - 1)) * (1 - 1 / ratio)
    return share


def _will_do(share: float, twice_period_us: int, width: float, scale_s: int) -> bool:
    period_s = twice_period_us / 2 / _SECOND
    if scale_s <= _SINGLE_S:
        return share >= (_LEAST_SHARE_LONG if period_s >= _LONG_S else _LEAST_SHARE)
    widest = _WIDEST_OF_LONG_BURSTS if period_s >= _LONG_S else _WIDEST_OF_BURSTS
    return share >= _LEAST_SHARE_OF_BURSTS and width <= widest and period_s >= _SCALES_PER_PERIOD * scale_s


def _fullest(ordered: Sequence[int], ratio: float) -> tuple[int, int, int]:
    """Return the number of values in the fullest band, and where it begins and ends; of equally full the lowest."""
    best, start = (0, 0, 0), 0
    for stop, value in enumerate(ordered, 1):
        least = value / ratio
        while ordered[start] < least:
            start += 1
        if stop - start > best[0]:
            best = (stop - start, start, stop)
    return best


def _surprise(count: int, n_all: int, chance: float) -> float:
    """Return minus the decimal logarithm of a bound on the chance that so many of all have what each has by chance."""
    share = count / n_all
    if share <= chance:
        return 0.0
    gain = share * math.log(share / chance)
    if share < 1:
        gain += (1 - share) * math.log((1 - share) / (1 - chance))
    return n_all * gain / math.log(10)


def _period(contacts: Sequence[int], intervals: Sequence[int], regular: Sequence[int]) -> int:
    """Return the period that intervals in a band keep."""
    n_cut = len(regular) // 20
    low, high = regular[n_cut], regular[-1 - n_cut]
    middle = (low + high) // 2
    if high - low < _WORTH_REFINING * middle:
        return middle
    if not (_is_on_grid(intervals, regular[0], regular[-1]) or _is_on_grid(intervals, low * 0.35, high * 1.55)):
        return middle
    runs = list(_runs(intervals, low * 0.35, high * 1.55))
    longest = max(runs, key=len, default=[middle])
    return _strongest(contacts, sum(longest) // len(longest), middle)


def _runs(intervals: Sequence[int], least: float, most: float) -> Iterator[list[int]]:
    """Yield unbroken runs of some intervals that a grid with jitter may have."""
    run: list[int] = []
    for interval in (*intervals, 0):
        if least <= interval <= most:
            run.append(interval)
            continue
        if len(run) >= LEAST_CONTACTS:
            yield run
        run = []


def _is_on_grid(intervals: Sequence[int], low: float, high: float) -> bool:
    """Tell whether an interval that is too long is followed by one too short, where both lie in a band."""
    pairs = [(one, other) for one, other in pairwise(intervals) if low <= one <= high and low <= other <= high]
    if len(pairs) < LEAST_CONTACTS:
        return False
    middle = sum(one + other for one, other in pairs) // (2 * len(pairs))
    # Thousandths of the mean are whole numbers, whose sum does not depend on the order.
    scaled = [((one - middle) * 1000 // middle, (other - middle) * 1000 // middle) for one, other in pairs]
    around = sum(one * one + other * other for one, other in scaled)
    together = 2 * sum(one * other for one, other in scaled)
    return together < -around * max(_ON_GRID, 2.5 / math.sqrt(len(pairs)))


def _strongest(contacts: Sequence[int], mean: int, middle: int) -> int:
    """Return the period between two guesses, and a little around, that contacts keep best (Rayleigh's test).

    If none stands out it is the mean.
    """
    period = (mean + middle) // 2
    chosen = [at for at in contacts[-_REFINED_BY:] if at > contacts[-1] - 600 * period]
    span = chosen[-1] - chosen[0]
    least, most = 0.85 / max(mean, middle), 1.15 / min(mean, middle)
    n_steps = math.ceil((most - least) * span * 4) + 1
    powers = []
    for step in range(n_steps):
        turn = 2 * math.pi * (least + step * (most - least) / n_steps)
        across = sum(math.cos(turn * (at - chosen[0])) for at in chosen)
        along = sum(math.sin(turn * (at - chosen[0])) for at in chosen)
        powers.append((across * across + along * along) / len(chosen))
    best = max(range(n_steps), key=powers.__getitem__)
    if powers[best] < math.log(n_steps) + _STANDS_OUT:
        return mean
    return round(1 / (least + best * (most - least) / n_steps))


def _is_clocked(contacts: Sequence[int], period_us: int) -> bool:
    minute = 60 * _SECOND
    if abs(period_us - minute * round(period_us / minute)) > period_us // 100:
        return False
    behind = [at % minute for at in contacts if at % minute <= _CLOCK_S * _SECOND]
    return len(behind) >= _CLOCK_SHARE * len(contacts) and max(behind) - min(behind) > _CLOCK_NOISE_US
