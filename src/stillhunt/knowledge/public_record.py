"""What governments, courts and companies have said in public of groups, the bodies behind them and their people.

The lines stand in ``data/public_record.yaml``, written by hand from the documents that it names. A quote is the line
itself, as a record: who is said to be or do what, in which document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import NamedTuple

import yaml

from stillhunt.errors import ClaimError
from stillhunt.knowledge.claim import Claim, Claims, entity_id, source_of, type_of
from stillhunt.knowledge.names import name_key
from stillhunt.knowledge.places import find_place
from stillhunt.knowledge.scribe import Scribe, record

__all__ = ["public_record"]

_METHOD = "human:public-record"
_GROUPS = frozenset({"intrusion-set", "threat-actor"})


class _Statement(NamedTuple):
    who: str
    says: str
    whom: str
    since: str = ""


def public_record(known: Iterable[Claim]) -> Claims:
    """Return the public record as claims.

    Args:
        known: Claims of catalogues, by whose names the groups are known.

    Raises:
        ClaimError: A line of the record is none.
    """
    groups = _groups(known)
    text = (files("stillhunt.knowledge") / "data" / "public_record.yaml").read_text("utf-8")
    found = Claims()
    for document in yaml.load(text, Loader=yaml.CSafeLoader):
        found.update([_claims_of(document, groups)])
    return found


def _groups(known: Iterable[Claim]) -> dict[str, str]:
    """Return groups by each of their names: ATT&CK's first, and names before aliases."""
    said = [c for c in known if type_of(c.subject) in _GROUPS and c.predicate in {"name", "alias"}]
    found: dict[str, str] = {}
    for claim in sorted(said, key=lambda c: (c.method != "import:attack", c.predicate != "name", c.subject, c.value)):
        found.setdefault(name_key(claim.value), claim.subject)
    return found


def _claims_of(document: Mapping[str, object], groups: Mapping[str, str]) -> Claims:
    title, published = str(document["title"]), str(document["published"])
    publisher = str(document["speaker"])
    source = source_of(kind=str(document["kind"]), title=title, publisher=publisher, published=published, lang="en")
    scribe = Scribe(publisher, source, method=_METHOD)
    lines = document["says"]
    assert isinstance(lines, list)
    for line in lines:
        _say(scribe, _Statement(*map(str, line)), groups)
    return scribe.claims


def _say(scribe: Scribe, line: _Statement, groups: Mapping[str, str]) -> None:
    predicate = line.says.removeprefix("-")
    subject = _entity(scribe, line.who, groups)
    is_value = line.whom.startswith("=")
    whom = line.whom.lstrip("=@")
    fields = {"document": scribe.source.title, "who": line.who.lstrip("@"), "says": line.says, "whom": whom}
    scribe.say(
        subject,
        predicate,
        object="" if is_value else _entity(scribe, line.whom, groups),
        value=whom if is_value else "",
        quote=record(**fields | ({"since": line.since} if line.since else {})),
        polarity="denies" if line.says.startswith("-") else "asserts",
        valid_from=line.since,
    )


def _entity(scribe: Scribe, name: str, groups: Mapping[str, str]) -> str:
    if name.startswith("@"):
        return _person(scribe, name.removeprefix("@"))
    group = groups.get(name_key(name))
    if group is not None:
        return group
    place = find_place(name)
    return scribe.place(place) if place is not None else scribe.organisation(name)


def _person(scribe: Scribe, name: str) -> str:
    if not name:
        raise ClaimError("a person has no name", where=scribe.source.title, hint="write it after `@`")
    person = entity_id("identity", f"individual:public-record:{name_key(name)}")
    quote = record(document=scribe.source.title, person=name)
    scribe.say(person, "name", value=name, quote=quote)
    scribe.say(person, "identity-class", value="individual", quote=quote)
    return person
