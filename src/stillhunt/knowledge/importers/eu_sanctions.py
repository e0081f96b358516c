"""The European Union's lists as CSV: the consolidated financial sanctions file, and tables of a regulation's annex.

The consolidated file has a line per name, birth date, address or regulation; lines of one entry share its logical id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from stillhunt.knowledge.claim import source_of
from stillhunt.knowledge.designation import Designation, Listed, day_of, designated
from stillhunt.knowledge.importer import Imported, Importer, Terms
from stillhunt.knowledge.tabular import first_line, rows

__all__ = ["IMPORTER"]

_ID = "Entity_LogicalId"
_ANNEX_ID = "recordId"
_KINDS: Mapping[str, Literal["individual", "organization"]] = {
    "enterprise": "organization",
    "legalentity": "organization",
    "organization": "organization",
    "person": "individual",
}
_QUOTED = re.compile("[\u2018\u2019\u201c\u201d]")


def _read(path: Path, terms: Terms) -> Imported:
    head = first_line(path)
    if _ID in head:
        entries, published = list(_consolidated(path, ";" if head.count(";") > head.count(",") else ",")), ""
        published = next(
            (day_of(r.get("fileGenerationDate", "")) for r in rows(path, delimiter=";", heading=(_ID,))), ""
        )
    else:
        entries, published = list(_annex(path)), ""
    source = source_of(
        kind="sanctions-list",
        title=terms.title or f"EU financial sanctions ({path.name})",
        publisher="European Union",
        published=terms.published or published,
        tlp=terms.tlp,
    )
    listed = Listed(key="EU", authority="European Union", source=source, method="import:eu-sanctions")
    return designated(entries, listed, terms)


def _consolidated(path: Path, delimiter: str) -> Iterator[Designation]:
    by_id: dict[str, list[dict[str, str]]] = {}
    for row in rows(path, delimiter=delimiter, heading=(_ID,)):
        if row.get(_ID):
            by_id.setdefault(row[_ID], []).append(row)
    for number, some in by_id.items():
        names = _column(some, "NameAlias_WholeName")
        kind = next(iter(_column(some, "Entity_SubjectType", "Entity_SubjectType_ClassificationCode")), "")
        yield Designation(
            id=next(iter(_column(some, "Entity_EU_ReferenceNumber")), number),
            kind=_KINDS.get(kind.casefold(), "individual" if kind == "P" else "organization"),
            names=names[:1],
            aliases=names[1:],
            programmes=_column(some, "Entity_Regulation_Programme"),
            listed=min(
                (
                    d
                    for name in ("Entity_DesignationDate", "Entity_Regulation_PublicationDate")
                    for v in _column(some, name)
                    if (d := day_of(v))
                ),
                default="",
            ),
            legal_basis="; ".join(_column(some, "Entity_Regulation_NumberTitle")),
            reasons=" ".join(_column(some, "Entity_Remark")),
            born=_column(some, "BirthDate_BirthDate"),
            countries=_column(some, "Citizenship_CountryIso2Code", "Address_CountryIso2Code"),
            positions=_column(some, "NameAlias_Function"),
        )


def _annex(path: Path) -> Iterator[Designation]:
    for row in rows(path, heading=(_ANNEX_ID,)):
        number = f"{row.get('celex', '')} {row.get('annex', '')} {row.get(_ANNEX_ID, '')}".strip()
        others = [row.get(name, "") for name in ("alias", "weakAlias", "previousName")]
        yield Designation(
            id=number,
            kind=_KINDS.get(row.get("schema", "").casefold(), "organization"),
            names=[row.get("name", "")],
            aliases=[part for other in others for part in _several(other)],
            programmes=[row["programKey"]] if row.get("programKey") else [],
            listed=day_of(row.get("startDate", "")),
            legal_basis=row.get("celex", ""),
            reasons=row.get("reason", ""),
            born=_several(row.get("birthDate", "")),
            countries=[*_several(row.get("nationality", "")), *_several(row.get("country", ""))],
            positions=_several(row.get("position", "")),
        )


def _several(cell: str) -> list[str]:
    """Split a cell that holds several values between semicolons, or between commas if each is in quotation marks."""
    if _QUOTED.search(cell) and "," in cell:
        return [part.strip() for part in _QUOTED.sub("", cell).split(",") if part.strip()]
    return [part.strip() for part in cell.split(";") if part.strip()]


def _column(some: list[dict[str, str]], *names: str) -> list[str]:
    return list(dict.fromkeys(v for row in some for name in names if (v := row.get(name, ""))))


def _sniff(path: Path, head: bytes) -> bool:
    is_annex = b"celex" in head and _ANNEX_ID.encode() in head
    return path.suffix.casefold() == ".csv" and (_ID.encode() in head or is_annex)


IMPORTER = Importer(title="the European Union's financial sanctions as CSV", sniff=_sniff, read=_read)
