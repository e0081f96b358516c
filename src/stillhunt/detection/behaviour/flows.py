"""Connections out of the house, as every log tells of them: who, where to, how much, how long, when.

Read are Zeek's ``conn``, Suricata's ``flow``, Amazon's VPC flow logs, Sysmon's connections and what Squid fetched by
itself, and firewalls' logs; names come from Zeek's ``http``, ``ssl`` and ``quic``, Suricata's ``http`` and ``tls``, and
whatever else says which name a client asked a proxy for. Who is connected is the address that a sensor saw, or the
host where the host itself tells.

A pair counts only if it leads to an address of the public Internet: inside a house, clients meet their servers in
every rhythm there is. Where houses have public addresses, or a server is watched, the source may be outside as well;
analytics take what comes from outside as they see fit.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.detection.behaviour.join import places, text
from stillhunt.detection.behaviour.model import Aggregate
from stillhunt.detection.behaviour.names import is_outside, registered_domain
from stillhunt.detection.behaviour.rhythm import with_rhythm
from stillhunt.telemetry.event import EventBatch, EventClass

__all__ = ["LONG_CONNECTIONS", "LONG_S", "NAMES", "PAIRS"]

LONG_S = 3_600
"""Seconds from which on a connection is kept by itself."""

_INT: Any = pa.int64()
_STRING: Any = pa.string()
_NOTHING = pa.scalar("", _STRING)
_FALSE = pa.scalar(False, pa.bool_())
_MILLION = pa.scalar(1e6, pa.float64())

_FLOWS = {"zeek": "conn", "suricata": "flow", "aws": "vpcflow", "squid": "access"}
"""Product to the service whose events are connections."""

_BYTES = {
    "zeek": ("orig_bytes", "resp_bytes"),
    "suricata": ("flow.bytes_toserver", "flow.bytes_toclient"),
    "aws": ("bytes", ""),
    "squid": ("", "sc-bytes"),
}
"""Product to the fields that say how many bytes went out and came back; others have those of firewalls."""

_OF_WALLS = ("bytes_out", "bytes_in")
_PROTOCOL = {"zeek": "proto", "suricata": "proto", "windows": "Protocol"}
_FIELDS = (
    *("proto", "Protocol", "duration", "orig_bytes", "resp_bytes", "bytes", "start", "end", "Initiated", "conn_state"),
    *("protocol", "sc-bytes", "bytes_out", "bytes_in", "flow.bytes_toserver", "flow.bytes_toclient", "flow.age"),
)


def _is_flow(event_class: EventClass) -> bool:
    if event_class.product == "windows":
        return "network_connection" in event_class.categories
    return "firewall" in event_class.categories or _FLOWS.get(event_class.product) in event_class.services


def _is_outgoing(batch: EventBatch) -> Any:
    """Return which rows lead out of the house."""
    is_out: Any = _known(batch.data.column("destination.ip"), is_outside)
    if batch.event_class.product == "windows" and "Initiated" in batch.data.schema.names:
        is_own: Any = pc.equal(pc.utf8_lower(batch.data.column("Initiated").cast(_STRING)), pa.scalar("true", _STRING))
        return pc.and_(is_out, pc.fill_null(is_own, _FALSE))
    return is_out


def _known(column: Any, test: Any) -> Any:
    """Apply a test to every distinct text of a column; null counts as no."""
    known = pa.array([bool(value) and test(value) for value in column.dictionary.to_pylist()], pa.bool_())
    return pc.fill_null(known.take(column.indices), _FALSE)


def _source(batch: EventBatch) -> Any:
    if batch.event_class.product == "windows":
        return batch.data.column("host.name")
    return batch.data.column("source.ip")


def _whole(batch: EventBatch, name: str) -> Any:
    """Read a native field as whole numbers, 0 where it is none."""
    column = text(batch, name)
    known = [
        int(value) if value and value.isascii() and value.isdecimal() else 0 for value in column.dictionary.to_pylist()
    ]
    return pc.fill_null(
        pa.array([min(value, 1 << 50) for value in known], _INT).take(column.indices), pa.scalar(0, _INT)
    )


def _duration_us(batch: EventBatch) -> Any:
    """Return how long connections lasted, in microseconds, 0 where it is not said."""
    product = batch.event_class.product
    if product == "aws":
        lasted = pc.subtract(_whole(batch, "end"), _whole(batch, "start"))
        return pc.multiply(pc.max_element_wise(lasted, pa.scalar(0, _INT)), pa.scalar(1_000_000, _INT))
    column = text(batch, "flow.age" if product == "suricata" else "duration")
    known = pa.array([_seconds(value) for value in column.dictionary.to_pylist()], pa.float64())
    return pc.fill_null(pc.round(pc.multiply(known, _MILLION)).cast(_INT).take(column.indices), pa.scalar(0, _INT))


def _seconds(value: str | None) -> float:
    try:
        seconds = float(value or 0)
    except ValueError:
        return 0.0
    return seconds if 0 <= seconds < 1e9 else 0.0


def _rows(batch: EventBatch) -> pa.Table | None:
    rows: Any = pc.indices_nonzero(_is_outgoing(batch))
    if not len(rows):
        return None
    data, product = batch.data, batch.event_class.product
    out, back = _BYTES.get(product, _OF_WALLS)
    columns = {
        "source": _source(batch),
        "destination": data.column("destination.ip"),
        "port": data.column("destination.port"),
        "protocol": text(batch, _PROTOCOL.get(product, "protocol")),
        "bytes_out": _whole(batch, out),
        "bytes_in": _whole(batch, back),
        "longest": _duration_us(batch),
        **places(batch),
    }
    columns["times"] = columns["at"]
    columns["largest"] = columns["bytes_out"]
    return pa.table({name: column.take(rows) for name, column in columns.items()})


PAIRS = Aggregate(
    name="pairs",
    wants=_is_flow,
    fields=_FIELDS,
    keys=("source", "destination", "port", "protocol"),
    measures={
        "bytes_out": "sum",
        "bytes_in": "sum",
        "largest": "max",
        "longest": "max",
        "times": "times",
    },
    rows=_rows,
    condense=with_rhythm,
)
"""Connections from a source to an address and port outside; bytes, microseconds, and the rhythm of their times."""


def _long_rows(batch: EventBatch) -> pa.Table | None:
    lasted = _duration_us(batch)
    is_long = pc.greater_equal(lasted, pa.scalar(LONG_S * 1_000_000, _INT))
    rows: Any = pc.indices_nonzero(pc.and_(is_long, _is_outgoing(batch)))
    if not len(rows):
        return None
    data = batch.data
    out, back = _BYTES.get(batch.event_class.product, _OF_WALLS)
    columns = {
        "source": _source(batch),
        "destination": data.column("destination.ip"),
        "port": data.column("destination.port"),
        "protocol": text(batch, _PROTOCOL.get(batch.event_class.product, "protocol")),
        "bytes_out": _whole(batch, out),
        "bytes_in": _whole(batch, back),
        "lasted": lasted,
        **places(batch),
    }
    table = pa.table({name: column.take(rows) for name, column in columns.items()})
    # Each is kept by itself: its length is part of what tells it apart.
    return table.append_column("length", table["lasted"].cast(_STRING))


LONG_CONNECTIONS = Aggregate(
    name="long connections",
    wants=lambda event_class: event_class.product != "windows" and _is_flow(event_class),
    fields=_FIELDS,
    keys=("source", "destination", "port", "protocol", "length"),
    measures={"bytes_out": "sum", "bytes_in": "sum", "lasted": "max"},
    rows=_long_rows,
)
"""Connections to an address outside that lasted an hour or more; bytes and microseconds."""


_NAMED = {"zeek": {"http", "ssl", "quic"}, "suricata": {"http", "tls", "quic"}}


def _has_name(event_class: EventClass) -> bool:
    if event_class.product in _NAMED:
        return bool(_NAMED[event_class.product] & event_class.services)
    return "proxy" in event_class.categories


def _name_rows(batch: EventBatch) -> pa.Table | None:
    data = batch.data
    is_named = _known(data.column("destination.domain"), _is_public_name)
    rows: Any = pc.indices_nonzero(is_named)
    if not len(rows):
        return None
    columns = {
        "source": data.column("source.ip"),
        "name": data.column("destination.domain"),
        **places(batch),
    }
    columns["times"] = columns["at"]
    return pa.table({name: column.take(rows) for name, column in columns.items()})


def _is_public_name(name: str) -> bool:
    return (
        bool(registered_domain(name))
        and not name.endswith((".local", ".arpa", ".lan", ".internal"))
        and (not name.replace(".", "").isdecimal())
    )


NAMES = Aggregate(
    name="names",
    wants=_has_name,
    fields=(),
    keys=("source", "name"),
    measures={"times": "times"},
    rows=_name_rows,
    condense=with_rhythm,
)
"""Requests of a source for a name, and the rhythm of their times."""
