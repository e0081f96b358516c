"""The list of the United States Treasury's Office of Foreign Assets Control: SDN as XML, as advanced XML, as CSV.

``SDN.CSV`` takes its aliases from an ``ALT.CSV`` that lies beside it. Only the advanced file has the days of listing.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import Element  # the type; parsing is done by `designation.elements`

from stillhunt.errors import InputError
from stillhunt.knowledge.claim import source_of
from stillhunt.knowledge.designation import Designation, Listed, day_of, designated, elements
from stillhunt.knowledge.importer import Imported, Importer, Terms

__all__ = ["IMPORTER"]

_KINDS: Mapping[str, Literal["individual", "organization", "vessel", "aircraft", "unknown"]] = {
    "aircraft": "aircraft",
    "entity": "organization",
    "individual": "individual",
    "vessel": "vessel",
}
_LINKED = re.compile(r"Linked To:\s*(?P<name>[^;()]+?)\s*(?:[;)]|[.]?$)", re.IGNORECASE)
_NONE = "-0-"
_COLUMNS = ("id", "name", "kind", "programme", "title", "", "", "", "", "", "", "remarks")


def _read(path: Path, terms: Terms) -> Imported:
    if path.suffix.casefold() == ".csv":
        return designated(_csv_entries(path), _listed(path, terms, ""), terms)
    published = ""
    for element in elements(path, "Publish_Date", "DateOfIssue"):
        published = _issue(element)
        break
    with path.open("rb") as file:
        is_advanced = b"ADVANCED" in file.read(2_048).upper()
    entries = _advanced_entries(path) if is_advanced else _xml_entries(path)
    return designated(entries, _listed(path, terms, published), terms)


def _listed(path: Path, terms: Terms, published: str) -> Listed:
    source = source_of(
        kind="sanctions-list",
        title=terms.title or f"Specially Designated Nationals List ({path.name})",
        publisher="Office of Foreign Assets Control",
        published=terms.published or published,
        lang="en",
        tlp=terms.tlp,
    )
    return Listed(key="OFAC", authority="Office of Foreign Assets Control", source=source, method="import:ofac")


def _issue(element: Element) -> str:
    if element.tag == "Publish_Date":
        return day_of(element.text or "", is_american=True)
    return _date(element)


def _date(element: Element | None) -> str:
    """Return the day of an element with ``Year``, ``Month`` and ``Day``; empty if it is none."""
    if element is None:
        return ""
    year, month, day = (int(element.findtext(part) or 0) for part in ("Year", "Month", "Day"))
    return day_of(f"{year:04}-{month:02}-{day:02}")


def _texts(element: Element, path: str) -> list[str]:
    return [found.text.strip() for found in element.iterfind(path) if found.text and found.text.strip()]


def _xml_entries(path: Path) -> Iterator[Designation]:
    for entry in elements(path, "sdnEntry"):
        remarks = entry.findtext("remarks") or ""
        yield Designation(
            id=entry.findtext("uid") or "",
            kind=_KINDS.get((entry.findtext("sdnType") or "").casefold(), "unknown"),
            names=[_whole(entry)],
            aliases=[_whole(alias) for alias in entry.iterfind("akaList/aka")],
            programmes=_texts(entry, "programList/program"),
            reasons=remarks,
            born=_texts(entry, "dateOfBirthList/dateOfBirthItem/dateOfBirth"),
            countries=[
                *_texts(entry, "nationalityList/nationality/country"),
                *_texts(entry, "citizenshipList/citizenship/country"),
                *_texts(entry, "addressList/address/country"),
            ],
            positions=_texts(entry, "title"),
            linked_to=_linked(remarks),
            identifiers=[
                " ".join(_texts(paper, "idType") + _texts(paper, "idNumber")) for paper in entry.iterfind("idList/id")
            ],
        )


def _whole(element: Element) -> str:
    """Return a name in the order in which it is spoken."""
    return " ".join(part for part in (element.findtext("firstName"), element.findtext("lastName")) if part)


def _linked(remarks: str) -> list[str]:
    return [match["name"].strip() for match in _LINKED.finditer(remarks)]


def _csv_entries(path: Path) -> Iterator[Designation]:
    aliases: defaultdict[str, list[str]] = defaultdict(list)
    beside = next((p for p in sorted(path.parent.iterdir()) if p.name.casefold() == "alt.csv"), None)
    for row in _rows(beside) if beside else ():
        if len(row) > 3:
            aliases[row[0].strip()].append(row[3])
    for row in _rows(path):
        cells = {name: cell.strip() for name, cell in zip(_COLUMNS, row, strict=False) if name}
        cells = {name: "" if cell == _NONE else cell for name, cell in cells.items()}
        if not cells.get("id", "").isdigit():
            continue  # the last line holds nothing but an end-of-file mark
        remarks = cells.get("remarks", "")
        kind = cells.get("kind", "").casefold()
        yield Designation(
            id=cells["id"],
            kind=_KINDS.get(kind, "organization" if not kind else "unknown"),
            names=[cells["name"]],
            aliases=aliases[cells["id"]],
            programmes=[p for p in re.split(r"\]?\s*\[|\]", cells.get("programme", "")) if p.strip()],
            reasons=remarks,
            born=re.findall(r"DOB ([^;.]+)", remarks),
            countries=re.findall(r"(?:nationality|citizen) ([A-Z][^;.]+)", remarks),
            positions=[cells.get("title", "")],
            linked_to=_linked(remarks),
        )


def _rows(path: Path) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            yield from csv.reader(file)
    except (OSError, csv.Error) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from error


def _advanced_entries(path: Path) -> Iterator[Designation]:
    """Yield the parties of the advanced file, whose parts refer to each other by number."""
    words = _reference_values(path)
    listed: defaultdict[str, list[Element]] = defaultdict(list)
    linked: defaultdict[str, list[str]] = defaultdict(list)
    names: dict[str, str] = {}
    parties = []
    for element in elements(path, "DistinctParty", "SanctionsEntry", "ProfileRelationship"):
        kept = _copy(element)
        if element.tag == "SanctionsEntry":
            listed[element.get("ProfileID", "")].append(kept)
        elif element.tag == "ProfileRelationship":
            linked[element.get("From-ProfileID", "")].append(element.get("To-ProfileID", ""))
        else:
            parties.append(kept)
    for party in parties:
        for profile in party.iterfind("Profile"):
            names[profile.get("ID", "")] = next(iter(_advanced_names(profile)), ("", False))[0]
    for party in parties:
        for profile in party.iterfind("Profile"):
            number = profile.get("ID", "")
            found = _advanced_names(profile)
            entries = listed.get(number, [])
            yield Designation(
                id=party.get("FixedRef") or number,
                kind=_KINDS.get(
                    words.get(("PartySubType", profile.get("PartySubTypeID", "")), "").casefold(), "unknown"
                ),
                names=[name for name, is_primary in found if is_primary][:1] or [name for name, _ in found][:1],
                aliases=[name for name, _ in found],
                programmes=[p for e in entries for p in _texts(e, "SanctionsMeasure/Comment")],
                listed=min((d for e in entries for d in [_date(e.find("EntryEvent/Date"))] if d), default=""),
                legal_basis="; ".join(
                    dict.fromkeys(
                        words.get(("LegalBasis", ev.get("LegalBasisID", "")), "")
                        for e in entries
                        for ev in e.iterfind("EntryEvent")
                        if ev.get("LegalBasisID") and words.get(("LegalBasis", ev.get("LegalBasisID", "")))
                    )
                ),
                reasons=" ".join(_texts(party, "Comment")),
                linked_to=[names[other] for other in linked.get(number, ()) if names.get(other)],
            )


def _copy(element: Element) -> Element:
    """Return a copy that stays when the parser lets go of the element."""
    kept = Element(element.tag, element.attrib)
    kept.text = element.text
    kept.extend(_copy(child) for child in element)
    return kept


def _advanced_names(profile: Element) -> list[tuple[str, bool]]:
    """Return (name, whether it is the primary one) of every way in which a profile's names are written."""
    found = []
    for alias in profile.iterfind("Identity/Alias"):
        is_primary = alias.get("Primary") == "true"
        for written in alias.iterfind("DocumentedName"):
            parts = _texts(written, "DocumentedNamePart/NamePartValue")
            if parts:
                found.append((" ".join(parts), is_primary))
    return sorted(found, key=lambda name: not name[1])


def _reference_values(path: Path) -> dict[tuple[str, str], str]:
    """Return the words that the file gives to its numbers."""
    found = {}
    for element in elements(path, "PartySubType", "PartyType", "LegalBasis"):
        text = (element.get("LegalBasisShortRef") or element.text or "").strip()
        kind = "PartySubType" if element.tag == "PartyType" else element.tag
        if element.tag != "PartyType":
            found[kind, element.get("ID", "")] = text
    types = {e.get("ID", ""): (e.text or "").strip() for e in elements(path, "PartyType")}
    for element in elements(path, "PartySubType"):
        if found.get(("PartySubType", element.get("ID", "")), "").casefold() in {"unknown", ""}:
            found["PartySubType", element.get("ID", "")] = types.get(element.get("PartyTypeID", ""), "")
    return found


def _sniff(path: Path, head: bytes) -> bool:
    if path.suffix.casefold() == ".csv":
        return path.stem.casefold() in {"sdn", "cons_prim"}
    return path.suffix.casefold() == ".xml" and (
        b"sdnList" in head or b"sanctionslistservice" in head.lower() or b"ADVANCED_XML" in head
    )


IMPORTER = Importer(title="OFAC's SDN list: XML, advanced XML or CSV", sniff=_sniff, read=_read)
