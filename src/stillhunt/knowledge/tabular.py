"""Tables of other people, read row by row under their own headings."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from stillhunt.errors import InputError

__all__ = ["first_line", "rows"]


def rows(path: Path, *, delimiter: str = ",", heading: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield the rows below the heading line, which may stand a few lines down, with trimmed cells.

    Args:
        path: File, in UTF-8.
        delimiter: Between cells.
        heading: Columns, any of which tells the heading line.

    Raises:
        InputError: It cannot be read, or has none of the columns.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter)
            for _ in range(_PREAMBLE):
                columns = [cell.strip() for cell in next(reader, [])]
                if set(columns) & set(heading):
                    break
            else:
                raise InputError(
                    "has none of the columns it should", where=str(path), hint=f"such as {', '.join(heading[:3])}"
                )
            for cells in reader:
                yield {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if name}
    except (OSError, csv.Error) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from error


_PREAMBLE = 5
"""Lines within which the heading must stand."""


def first_line(path: Path) -> str:
    """Return the first line of a file."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return file.readline()
