"""The United Kingdom's lists as CSV: the UK Sanctions List, and OFSI's consolidated list of asset freeze targets.

Both have a line per name; lines of one entry share its id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from stillhunt.knowledge.claim import source_of
from stillhunt.knowledge.designation import Designation, Listed, day_of, designated
from stillhunt.knowledge.importer import Imported, Importer, Terms
from stillhunt.knowledge.tabular import first_line, rows

__all__ = ["IMPORTER"]

_NAMES = ("Name 1", "Name 2", "Name 3", "Name 4", "Name 5", "Name 6")
_IDS = ("Unique ID", "Group ID")
_KINDS: Mapping[str, Literal["individual", "organization", "vessel"]] = {
    "entity": "organization",
    "individual": "individual",
    "ship": "vessel",
}


def _read(path: Path, terms: Terms) -> Imported:
    by_id: dict[str, list[dict[str, str]]] = {}
    for row in rows(path, heading=_IDS):
        number = _one(row, *_IDS)
        if number:
            by_id.setdefault(number, []).append(row)
    head = first_line(path)
    source = source_of(
        kind="sanctions-list",
        title=terms.title or f"UK sanctions list ({path.name})",
        publisher="HM Government",
        published=terms.published or next((d for d in map(day_of, _after_words(head)) if d), ""),
        lang="en",
        tlp=terms.tlp,
    )
    listed = Listed(key="UK", authority="Government of the United Kingdom", source=source, method="import:uk-sanctions")
    return designated((_entry(number, some) for number, some in by_id.items()), listed, terms)


def _after_words(line: str) -> Iterator[str]:
    for part in line.replace(":", ",").split(","):
        yield part.strip().strip('"')


def _entry(number: str, some: list[dict[str, str]]) -> Designation:
    primary = [r for r in some if "primary name" in _one(r, "Name type", "Name Type", "Alias Type").casefold()]
    first = (primary or some)[0]
    return Designation(
        id=number,
        kind=_KINDS.get(
            _one(first, "Designation Type", "Individual, Entity, Ship", "Group Type").casefold(), "organization"
        ),
        names=[_whole(first)],
        aliases=[
            *(_whole(r) for r in some),
            *(_one(r, "Name non-latin script", "Name Non-Latin Script") for r in some),
        ],
        programmes=[r for r in dict.fromkeys(_one(r, "Regime Name", "Regime") for r in some) if r],
        listed=day_of(_one(first, "Date Designated", "UK Sanctions List Date Designated", "Listed On")),
        legal_basis=_one(first, "Regime Name", "Regime"),
        reasons=next((x for r in some if (x := _one(r, "UK Statement of Reasons", "Other Information"))), ""),
        born=[x for r in some if (x := _one(r, "D.O.B", "DOB"))],
        countries=[x for r in some for name in _COUNTRIES if (x := r.get(name, ""))],
        positions=[x for r in some if (x := _one(r, "Position"))],
    )


_COUNTRIES = ("Nationality(/ies)", "Nationality", "Address Country", "Country")


def _whole(row: Mapping[str, str]) -> str:
    return " ".join(part for name in _NAMES if (part := row.get(name, "")))


def _one(row: Mapping[str, str], *names: str) -> str:
    return next((row[name] for name in names if row.get(name)), "")


def _sniff(path: Path, head: bytes) -> bool:
    return path.suffix.casefold() == ".csv" and b"Name 6" in head and any(i.encode() in head for i in _IDS)


IMPORTER = Importer(title="the United Kingdom's sanctions lists as CSV", sniff=_sniff, read=_read)
