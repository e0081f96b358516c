"""Lists of indicators as CSV: ``type`` and ``value``, and where given whom they indicate, since when and until when.

Further columns: ``group``, ``malware``, ``confidence`` (0 to 100), ``valid_from``, ``valid_until``, ``source``,
``url``, ``published``, ``comment``, ``tlp``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stillhunt.errors import ClaimError, InputError, Problem
from stillhunt.knowledge.claim import Source, entity_id, source_of
from stillhunt.knowledge.importer import Imported, Importer, Terms
from stillhunt.knowledge.names import name_key
from stillhunt.knowledge.patterns import TYPES, pattern_of
from stillhunt.knowledge.scribe import Scribe, record
from stillhunt.knowledge.tabular import rows
from stillhunt.terms.marking import parse_tlp

__all__ = ["IMPORTER"]

_VALUES = ("value", "indicator", "ioc")


def _read(path: Path, terms: Terms) -> Imported:
    usual = source_of(kind="indicators", title=terms.title or path.name, published=terms.published, tlp=terms.tlp)
    scribe = Scribe(terms.speaker or f"whoever wrote {path.name}", usual, method="import:indicators-csv")
    problems = []
    for number, raw in enumerate(rows(path, heading=_VALUES), 2):
        row = {name.casefold(): cell for name, cell in raw.items()}
        try:
            _indicator(scribe, row, usual, terms)
        except InputError as error:
            where = f"{path.name}:{number}"
            problems.append(Problem(code=error.code, message=error.message, where=where, hint=error.hint))
    return Imported(claims=scribe.claims, problems=tuple(problems))


def _indicator(scribe: Scribe, row: Mapping[str, str], usual: Source, terms: Terms) -> None:
    value = next((row[name] for name in _VALUES if row.get(name)), "")
    pattern = pattern_of(row.get("type", ""), value) if value else None
    if pattern is None:
        hint = f"one of {', '.join(sorted(TYPES))}"
        raise ClaimError(f"`{row.get('type', '')}` with `{value}` is no indicator", hint=hint)
    tlp = max(terms.tlp, parse_tlp(row["tlp"])) if row.get("tlp") else terms.tlp
    source = usual
    if row.get("source") or row.get("url"):
        source = source_of(
            kind="report",
            title=row.get("source") or row["url"],
            published=row.get("published", ""),
            url=row.get("url", ""),
            tlp=tlp,
        )
    subject = entity_id("indicator", pattern)
    quote = record(**{name: cell for name, cell in row.items() if cell})
    since, until = row.get("valid_from", ""), row.get("valid_until", "")
    scribe.say(
        subject,
        "pattern",
        value=pattern,
        quote=quote,
        source=source,
        valid_from=since,
        valid_until=until,
        tlp=tlp,
    )
    if row.get("confidence", "").isdecimal():
        scribe.say(subject, "confidence", value=row["confidence"], quote=quote, source=source, tlp=tlp)
    for column, kind in (("group", "intrusion-set"), ("malware", "malware")):
        name = row.get(column, "")
        if name:
            other = entity_id(kind, f"name:{name_key(name)}")
            scribe.say(other, "name", value=name, quote=quote, source=source, tlp=tlp)
            scribe.say(
                subject,
                "indicates",
                object=other,
                quote=quote,
                source=source,
                valid_from=since,
                valid_until=until,
                tlp=tlp,
            )


def _sniff(path: Path, head: bytes) -> bool:
    first = head.split(b"\n", 1)[0].decode("utf-8", "replace").casefold().strip().lstrip("\ufeff")
    columns = {cell.strip().strip('"') for cell in first.split(",")}
    return path.suffix.casefold() == ".csv" and "type" in columns and bool(columns & set(_VALUES))


IMPORTER = Importer(title="a CSV list of indicators", sniff=_sniff, read=_read)
