"""What an analytic is: events folded to aggregates that can be joined in any order, and what is found in those.

An analytic never sees events twice and never all at once. It goes through three steps, which any engine can do:

1. **Fold** (:attr:`Aggregate.rows`): a batch becomes rows of keys and measures, independent of every other batch.
2. **Join** (:mod:`stillhunt.detection.behaviour.join`): rows with equal keys become one. The result does not depend on
   order or grouping, so batches, workers, units of a store and partitions of a cluster may be joined as they come.
3. **Condense** (:attr:`Aggregate.condense`, optional): what needs order, such as the times of one pair of hosts, is
   worked out for some of the keys at a time, each key by itself; so keys may be divided into buckets at will.

Then :attr:`Analytic.findings` sees the whole tables, which are small by now, and compares: the estate is its own
baseline.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import pyarrow as pa

from stillhunt.detection.behaviour.networks import Networks
from stillhunt.detection.finding import Detector
from stillhunt.detection.fold import EntityKey
from stillhunt.telemetry.event import EventBatch, EventClass
from stillhunt.terms.level import Level

__all__ = ["LEAST_KEPT", "TIMES_KEPT", "Aggregate", "Analytic", "How", "Observation", "Place", "Setting", "Tables"]

How = Literal["sum", "min", "max", "times", "least"]
"""How values of one key become one.

``sum``, ``min``, ``max``: whole numbers (``int64``; floating-point sums would depend on the order).
``times``: the value of every row in a sorted list, equal ones as often as they occur, the latest ``TIMES_KEPT``.
``least``: the smallest ``LEAST_KEPT`` different values in a sorted list; of hashes, this estimates how many there are
(:func:`stillhunt.detection.behaviour.join.distinct`).
"""

TIMES_KEPT = 131_072
"""Times kept of one key: 45 days of a signal each 30 seconds, years of slower ones."""

LEAST_KEPT = 256
"""Values kept of one key: numbers up to this are exact, estimates above it err by about 6 %."""

Tables = Mapping[str, pa.Table]
"""Aggregate's name to its joined, and if it says so condensed, table; one row per key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """What is kept of events: one row per key. Analytics may share one; it is folded once.

    A joined table has, per key: the columns of ``keys`` (text), those of ``measures``, ``n`` (rows folded), and where
    the first and the last record lie: ``first_at``, ``first_file``, ``first_host``, ``first_number``, ``first_place``
    and ``last_at`` ... ``last_place`` (:func:`stillhunt.detection.behaviour.join.place_at` reads them).

    Attributes:
        name: Unique among all aggregates.
        wants: Tells of which classes of events it takes any.
        fields: Native fields that it reads; those of a store that are not named here may be missing from batches.
        keys: Names of the columns that tell rows apart; null counts as empty text.
        measures: Name to how its values are joined.
        rows: Turns a batch into a table with the columns of ``keys`` (text, may be dictionary-encoded) and of
            ``measures`` (``int64``), plus those of :func:`stillhunt.detection.behaviour.join.places`; or None if it
            holds nothing of interest. It sees one batch only and keeps nothing.
        condense: Turns joined rows of some keys into the table that analytics see, each key by itself; None to leave
            them as they are. Must give the same for a key whatever other keys it is called with.
    """

    name: str
    wants: Callable[[EventClass], bool]
    fields: tuple[str, ...]
    keys: tuple[str, ...]
    measures: Mapping[str, How] = field(default_factory=dict)
    rows: Callable[[EventBatch], pa.Table | None]
    condense: Callable[[pa.Table], pa.Table] | None = None


class Place(NamedTuple):
    """Where one record lies.

    Attributes:
        at: Microseconds since 1970 UTC, as logged.
        file: Input file.
        host: ``host.name`` of the record, whose clock may have to be corrected; empty if none is said.
        number: Record id or line in the file.
        place: Where in the file to look for it first; -1 if its source does not say.
    """

    at: int
    file: str
    host: str
    number: int
    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What analytics may know beside their tables.

    Attributes:
        networks: Where addresses are, from files that the user has; says nothing of any address if there are none.
    """

    networks: Networks


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What an analytic found, on its way to a finding.

    Attributes:
        identity: What tells it from others of the analytic; the same in every hunt of the same events.
        sentence: One plain English sentence: who did what, how often, when; as people would say it.
        why: (what was measured, its value and the threshold) as shown beside the sentence, each a short text.
        places: Records that show it, a few; at least one.
        entities: What it is about.
        count: How many events it stands for.
        n_days: Different days on which they occurred, 0 if it was not counted.
        first_at: Microseconds of the first event as logged; None for that of the earliest place.
        last_at: Of the last.
        level: If it differs from the detector's.
        techniques: If they differ from the detector's.
        measured: Numbers behind the sentence by name, such as ``period`` in microseconds.
        strange: Addresses that it takes for strange to the accounts that it names; what others saw of the same account
            from there is the same happening.
    """

    identity: tuple[str, ...]
    sentence: str
    why: tuple[tuple[str, str], ...]
    places: tuple[Place, ...]
    entities: tuple[EntityKey, ...]
    count: int
    n_days: int = 0
    first_at: int | None = None
    last_at: int | None = None
    level: Level | None = None
    techniques: tuple[str, ...] | None = None
    measured: Mapping[str, int] = field(default_factory=dict)
    strange: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Analytic:
    """One analytic: the constant ``ANALYTIC`` of a file in ``analytics/``.

    Attributes:
        detector: What its findings say of it (``kind="behaviour"``); the module's docstring tells method and source.
        logs: What logs it needs, in people's words.
        thresholds: Name of every threshold to a sentence that says its value and why it is so.
        aggregates: What it needs of the events.
        findings: What it finds in their tables; the order does not matter.
    """

    detector: Detector
    logs: str
    thresholds: Mapping[str, str]
    aggregates: tuple[Aggregate, ...]
    findings: Callable[[Tables, Setting], Iterable[Observation]]
