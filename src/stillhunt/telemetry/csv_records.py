r"""Records of a table as text: CSV with any usual separator, whose headings may change in the middle.

A record is a line, or several where a cell in quotes holds line ends; its number is that of its first line. Lines
that are joined to a file from another export bring their own headings along.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from io import TextIOWrapper
from typing import NamedTuple

from stillhunt.telemetry.encoding import encoding_of
from stillhunt.telemetry.source import LogFile, peek

__all__ = ["CsvRecord", "csv_headings", "csv_records"]

_SEPARATORS = ",;\t|"
_LARGEST_CELL = 1 << 24
_LINES_ABOVE = 10
_FIELDS = "#Fields:"


class CsvRecord(NamedTuple):
    """One record of a table.

    Attributes:
        number: Line on which it begins.
        cells: Heading to text; cells that are empty are left out. What stands beyond the headings has the name ``""``.
        text: The record as it stands in the file.
    """

    number: int
    cells: dict[str, str]
    text: str


def csv_headings(head: bytes) -> list[str]:
    r"""Return the first line that may be headings: comments and a mark of the separator stand above.

    >>> csv_headings(b'\xef\xbb\xbf#TYPE x\nsep=;\n"Date (UTC)";User\n1;2\n')
    ['Date (UTC)', 'User']
    """
    for line in head.decode(encoding_of(head), "replace").lstrip("\ufeff").split("\n")[:_LINES_ABOVE]:
        text = line.rstrip("\r").replace("\x00", "")
        if text.strip() and not text.startswith("#") and not text.lower().startswith("sep="):
            return _cells_of(text)
    return []


def _cells_of(line: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=_separator(line)), [])]
    except csv.Error:
        return []


def _separator(line: str) -> str:
    return max(_SEPARATORS, key=line.count)


def csv_records(
    log: LogFile, *, is_heading: Callable[[Sequence[str]], bool], comment: str = "", names: Sequence[str] = ()
) -> Iterator[CsvRecord]:
    """Yield the records of a log that are asked for; what is no CSV, or stands above all headings, is counted.

    Args:
        log: The log; left open.
        is_heading: Whether cells are headings, which all rows after them have. ``#Fields:`` before them is no part.
        comment: What lines begin with that are neither headings nor records; empty if there are none.
        names: Headings of the rows above all headings; such rows are counted if it is empty.
    """
    csv.field_size_limit(_LARGEST_CELL)
    stream = TextIOWrapper(log.stream, encoding=encoding_of(peek(log.stream)), errors="replace", newline="")
    taken: list[str] = []
    try:
        rows = csv.reader(_told(stream, taken), delimiter=_separator(_first_line(log)))
        begin = log.first + 1
        while True:
            taken.clear()
            try:
                cells = next(rows, None)
            except csv.Error as error:
                log.unread(str(begin), f"is no CSV: {error}", text="".join(taken)[:200])
                begin = log.first + rows.line_num + 1
                continue
            if cells is None:
                return
            number, begin = begin, log.first + rows.line_num + 1
            stripped = [cell.strip().lstrip("\ufeff") for cell in cells]
            if stripped and stripped[0].startswith(_FIELDS):
                stripped[0] = stripped[0].removeprefix(_FIELDS).strip()
            if is_heading(stripped):
                names = stripped
            elif comment and stripped and stripped[0].startswith(comment):
                continue
            elif names:
                if any(stripped) and log.wants(number):
                    yield CsvRecord(number, _named(names, cells), "".join(taken).rstrip("\r\n"))
            elif any(stripped) and not stripped[0].startswith("#") and not stripped[0].lower().startswith("sep="):
                log.unread(str(number), "stands above the headings of the table", text="".join(taken)[:200])
    finally:
        # Whoever opened the log closes it.
        stream.detach()


def _first_line(log: LogFile) -> str:
    head = peek(log.stream)
    for line in head.decode(encoding_of(head), "replace").split("\n")[:_LINES_ABOVE]:
        if line.strip() and not line.startswith(("#", "\ufeff#")) and not line.lower().startswith("sep="):
            return line
    return ""


def _told(stream: TextIOWrapper, taken: list[str]) -> Iterator[str]:
    """Pass lines on, without zero bytes, and keep those of the record at hand."""
    while line := stream.readline(_LARGEST_CELL):
        taken.append(line)
        yield line.replace("\x00", "") if "\x00" in line else line


def _named(names: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    found = {name: cell for name, cell in zip(names, cells, strict=False) if cell}
    if len(cells) > len(names) and (beyond := [cell for cell in cells[len(names) :] if cell]):
        found[""] = " ".join(beyond)
    return found
