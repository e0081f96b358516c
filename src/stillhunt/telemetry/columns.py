"""Text columns, worked on by their distinct values: what costs a step per event elsewhere costs one per value here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.telemetry.event import TEXT, TEXT_LIST

__all__ = [
    "both",
    "combined",
    "constant",
    "expressible",
    "first_filled",
    "is_whole",
    "mapped",
    "text_column",
    "text_list_column",
    "text_of",
    "whole_numbers",
]

TextColumn: TypeAlias = Any
"""A column of type :data:`TEXT`; the types of Arrow do not say what a dictionary is made of."""

# A scalar whose type Arrow has to infer costs more than most steps here: it looks for pandas each time.
_NOWHERE, _ONE = pa.scalar(-1, pa.int64()), pa.scalar(1, pa.int64())
_ZERO = pa.scalar(0, pa.int32())


def text_of(value: object) -> str | None:
    """Return a decoded JSON value as Windows would log it, or None for null.

    >>> text_of(True), text_of(4688), text_of("0x3e7"), text_of(None)
    ('true', '4688', '0x3e7', None)
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return text_of(value["#text"]) if "#text" in value else _joined(value)
    if isinstance(value, list):
        return "\n".join(t for v in value if (t := text_of(v)) is not None)
    return str(value)


def text_column(values: Sequence[object]) -> TextColumn:
    """Encode decoded JSON values as a column of text."""
    try:
        return pa.array(values, TEXT)
    except (pa.ArrowTypeError, pa.ArrowInvalid, UnicodeEncodeError):
        return pa.array([None if (t := text_of(v)) is None else expressible(t) for v in values], TEXT)


def text_list_column(values: Sequence[object]) -> pa.Array[Any]:
    """Encode values that are lists of JSON values, or single ones, as a column of lists of text."""
    flat: list[object] = []
    offsets: list[int] = [0]
    missing: list[bool] = []
    for value in values:
        held = value if isinstance(value, list) else [] if value is None else [value]
        flat.extend(item for item in held if item is not None)
        offsets.append(len(flat))
        missing.append(value is None)
    items = text_column(flat) if flat else pa.array([], TEXT)
    mask = pa.array(missing, pa.bool_())
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), items, type=TEXT_LIST, mask=mask)


def constant(text: str | None, n_rows: int) -> TextColumn:
    """Return a column that says the same in every row."""
    if text is None:
        return pa.nulls(n_rows, TEXT)
    codes = pa.repeat(_ZERO, n_rows)
    return pa.DictionaryArray.from_arrays(codes, pa.array([expressible(text)], pa.string()))


def mapped(column: TextColumn, change: Callable[[str], str | None]) -> TextColumn:
    """Apply a function to every distinct text; empty text and None become null."""
    texts = column.dictionary.to_pylist()
    return _recoded(column.indices, [None if t is None else change(t) or None for t in texts])


def combined(
    columns: Sequence[TextColumn], change: Callable[..., str | None], *, keeps_empty: bool = False
) -> TextColumn:
    """Apply a function to every distinct combination of texts, None where a column has none.

    Args:
        columns: Of equal length; two or three, since combinations are numbered.
        change: Called with one text or None per column; None becomes null.
        keeps_empty: Whether empty text stays so; it becomes null otherwise.
    """
    texts = [column.dictionary.to_pylist() for column in columns]
    key: Any = None
    for column, known in zip(columns, texts, strict=True):
        place = pc.add(pc.fill_null(column.indices.cast(pa.int64()), _NOWHERE), _ONE)
        key = place if key is None else pc.add(pc.multiply(key, pa.scalar(len(known) + 1, pa.int64())), place)
    encoded = key.dictionary_encode()
    values = [change(*_apart(number, texts)) for number in encoded.dictionary.to_pylist()]
    return _recoded(encoded.indices, values if keeps_empty else [value or None for value in values])


def first_filled(columns: Sequence[TextColumn]) -> TextColumn | None:
    """Return per row the first text that says something: not missing, not empty, not a dash."""
    found: TextColumn | None = None
    for column in columns:
        if found is None:
            found = mapped(column, _said)
        elif found.null_count:
            found = combined([found, column], lambda one, other: one or (_said(other) if other else None))
    return found


def whole_numbers(column: TextColumn) -> tuple[TextColumn, pa.Array[Any]]:
    """Read a column as whole numbers; what is none becomes null in both of the columns returned, text and numbers."""
    try:
        return column, column.cast(pa.string()).cast(pa.int64())
    except pa.ArrowInvalid:
        column = mapped(column, lambda text: text if is_whole(text) else None)
        return column, column.cast(pa.string()).cast(pa.int64())


def is_whole(text: str) -> bool:
    """Tell whether a text is a whole number of at most 18 digits."""
    return text.isascii() and text.isdecimal() and len(text) < 19


def both(one: str | None, other: str | None) -> str | None:
    """Keep both values of a name that an event has twice."""
    return None if one is None and other is None else "\n".join(text for text in (one, other) if text is not None)


def _said(text: str) -> str | None:
    return None if text == "-" else text


def _recoded(codes: Any, values: Iterable[str | None]) -> TextColumn:
    places: dict[str, int] = {}
    new = [None if value is None else places.setdefault(value, len(places)) for value in values]
    indices = pa.array(new, pa.int32()).take(codes)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(places), pa.string()))


def _apart(number: int, texts: Sequence[Sequence[str | None]]) -> list[str | None]:
    found: list[str | None] = []
    for known in reversed(texts):
        number, place = divmod(number, len(known) + 1)
        found.append(known[place - 1] if place else None)
    return found[::-1]


def _joined(value: dict[str, object]) -> str:
    return " ".join(f"{k}={t}" for k, v in value.items() if k != "#attributes" and (t := text_of(v)) is not None)


def expressible(text: str) -> str:
    """Return a text that UTF-8 has a form for: JSON may escape half a surrogate pair, file names may hold any byte."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
