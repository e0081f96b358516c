"""Whether the records of a file follow each other in time, forwards or backwards, or lie in it without order.

Looked at are steps of more than an hour from one record of a host's channel to the next. Of a log written as things
happened they go one way; of one whose lines were shuffled about half go back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Steps", "steps_of"]

_FEWEST = 50
_SHARE = 0.25


@dataclass(slots=True)
class Steps:
    """Steps of more than an hour.

    Attributes:
        n_forward: To a later time.
        n_back: To an earlier time.
    """

    n_forward: int = 0
    n_back: int = 0

    def take(self, other: Steps) -> None:
        """Take the steps of another."""
        self.n_forward += other.n_forward
        self.n_back += other.n_back

    @property
    def is_without_order(self) -> bool:
        """Whether they go both ways."""
        total = self.n_forward + self.n_back
        return total >= _FEWEST and min(self.n_forward, self.n_back) >= _SHARE * total


def steps_of(data: pa.RecordBatch) -> dict[tuple[str, str], Steps]:
    """Return the steps in a batch by file and host, in the order of their records."""
    times: Any = data.column("@timestamp")
    files: Any = data.column("event.file")
    hosts: Any = data.column("host.name")
    ends: Any = pc.min_max(times).as_py()
    if data.num_rows < 2 or ends["min"] is None or (ends["max"] - ends["min"]).total_seconds() <= _HOUR_S:
        return {}
    table = pa.table(
        {
            "file": files.indices,
            "host": hosts.indices,
            "record": data.column("event.record"),
            "at": times.cast(pa.int64()),
        }
    )
    table = table.filter(pc.is_valid(table["at"]))
    table = table.sort_by([("file", "ascending"), ("host", "ascending"), ("record", "ascending")]).combine_chunks()
    before, after = table.slice(0, table.num_rows - 1), table.slice(1)
    is_same: Any = pc.and_(_same(before["file"], after["file"]), _same(before["host"], after["host"]))
    step: Any = pc.subtract(after["at"], before["at"])
    found: dict[tuple[str, str], Steps] = {}
    for name, is_far in (("n_back", pc.less(step, _BACK)), ("n_forward", pc.greater(step, _FORWARD))):
        rows = before.select(["file", "host"]).filter(pc.and_(is_same, is_far))
        for row in rows.group_by(["file", "host"]).aggregate([([], "count_all")]).to_pylist():
            key = _text(files, row["file"]), _text(hosts, row["host"])
            steps = found.setdefault(key, Steps())
            setattr(steps, name, getattr(steps, name) + row["count_all"])
    return found


def _same(one: Any, other: Any) -> Any:
    return pc.equal(pc.fill_null(one, _NONE), pc.fill_null(other, _NONE))


def _text(column: Any, code: int | None) -> str:
    return "" if code is None else str(column.dictionary[code].as_py() or "")


_HOUR_S = 3600
_BACK, _FORWARD = pa.scalar(-_HOUR_S * 1_000_000, pa.int64()), pa.scalar(_HOUR_S * 1_000_000, pa.int64())
_NONE = pa.scalar(-1, pa.int32())
