"""Events of a store for the terminal, and as CSV: plain lines, every text of a log made safe."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from stillhunt.report.escape import for_csv, for_html, for_terminal
from stillhunt.telemetry.event import COMMON
from stillhunt.telemetry.store.search import ClassCount, Found

__all__ = ["as_csv", "counts", "events", "overview", "table"]

_TOLD = (
    "user.name",
    "user.target.name",
    "source.ip",
    "destination.ip",
    "destination.domain",
    "process.executable",
    "process.command_line",
    "file.path",
    "service.name",
    "event.action",
    "event.outcome",
    "http.request.method",
    "url.path",
    "http.response.status_code",
    "email.sender.address",
    "email.subject",
)
"""What a line says of an event, where it has it."""

_LONGEST = 120
_WIDEST = 60


def overview(held: Sequence[ClassCount], *, n_parts: int, n_bytes: int) -> Iterator[str]:
    """Yield what a store holds."""
    head = ("class", "events", "hosts", "first", "last", "KiB")
    rows = [
        (c.name, f"{c.n_events:,}", f"{c.n_hosts:,}", _time(c.first_at), _time(c.last_at), f"{c.n_bytes / 1024:,.0f}")
        for c in held
    ]
    yield from table(head, rows, right={1, 2, 5})
    n_events = sum(c.n_events for c in held)
    yield f"{n_events:,} events of {len(held):,} classes in {n_parts:,} files, {n_bytes / 2**20:,.1f} MiB"
    yield "Times are those of the files that hold a class, as logged."


def events(found: Found, *, also: Sequence[str] = ()) -> Iterator[str]:
    """Yield a line per event: when, where, what, and where its record is.

    Args:
        found: The events.
        also: Further fields to show.
    """
    for row in found.rows:
        names = dict.fromkeys((*(name for name in _TOLD if name in row), *_named(row, also)))
        told = "  ".join(f"{name}={_cut(_text(row[name]))}" for name in names)
        head = (row.get("@timestamp", "no time"), row.get("host.name", "-"), row["event.class"])
        place = f"{row.get('event.file', '')}:{row.get('event.record', '')}"
        yield for_terminal("  ".join((*(str(part) for part in head), told, f"[{place}]")))
    if found.is_partial:
        told = f"{len(found.rows):,} events of {found.total:,} seen until then, there may be more"
        yield f"{told}; --limit shows more, --count counts all"
    elif found.total > len(found.rows):
        yield f"{len(found.rows):,} of {found.total:,} events; --limit shows more"
    else:
        yield f"{found.total:,} events"


def counts(found: Iterable[tuple[str, int]], field: str, *, limit: int) -> Iterator[str]:
    """Yield how often each value occurs."""
    pairs = list(found)
    rows = [(f"{n:,}", value or "(none)") for value, n in pairs[:limit]]
    yield from table(("events", field), rows, right={0})
    if len(pairs) > limit:
        yield f"{limit:,} of {len(pairs):,} values; --limit shows more"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Iterable[int] = ()) -> Iterator[str]:
    """Yield a table in columns as wide as they need to be."""
    safe = [[_cut(for_terminal(cell), _WIDEST if len(head) > 2 else _LONGEST) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in safe) for column in range(len(head))]
    of_right = set(right)
    for row in safe:
        cells = (
            cell.rjust(width) if column in of_right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()


def as_csv(rows: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """Yield rows as lines of CSV that no spreadsheet takes for formulas."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    yield _csv_line(name if name in COMMON else for_csv(for_html(name)) for name in names)
    for row in rows:
        yield _csv_line(for_csv(for_html(_text(row.get(name)))) for name in names)


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def _named(row: Mapping[str, object], fields: Sequence[str]) -> list[str]:
    wanted = {field.lower() for field in fields}
    return [name for name in row if name.lower() in wanted and name != "event.class"]


def _text(value: object) -> str:
    if value is None:
        return ""
    return "\n".join(str(one) for one in value) if isinstance(value, list) else str(value)


def _cut(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _time(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"
