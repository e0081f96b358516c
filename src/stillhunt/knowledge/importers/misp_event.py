"""MISP events as JSON: indicators with their validity, the clusters they are tagged with, reports and opinions.

An attribute becomes an indicator where it is marked for detection (``to_ids``); who created the event speaks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from stillhunt.errors import ClaimError, InputError, Problem
from stillhunt.knowledge.claim import Claims, Source, entity_id, is_date, source_of
from stillhunt.knowledge.importer import Imported, Importer, Terms
from stillhunt.knowledge.patterns import pattern_of
from stillhunt.knowledge.scribe import Scribe, record
from stillhunt.knowledge.stix import PRODUCER, claim_from, source_from
from stillhunt.terms.marking import Tlp, parse_tlp

__all__ = ["IMPORTER"]

_KINDS = {
    "360net-threat-actor": "intrusion-set",
    "malpedia": "malware",
    "microsoft-activity-group": "intrusion-set",
    "mitre-attack-pattern": "attack-pattern",
    "mitre-intrusion-set": "intrusion-set",
    "mitre-malware": "malware",
    "mitre-tool": "tool",
    "ransomware": "malware",
    "threat-actor": "intrusion-set",
    "tool": "malware",
}
_OWN = "stillhunt-claims"
"""Name of the object comment under which our own exporter keeps whole claims."""


class _Tag(msgspec.Struct):
    name: str = ""


class _Org(msgspec.Struct):
    name: str = ""
    uuid: str = ""


class _Cluster(msgspec.Struct):
    uuid: str = ""
    value: str = ""
    type: str = ""


class _Galaxy(msgspec.Struct):
    type: str = ""
    GalaxyCluster: list[_Cluster] = []  # msgspec copies a struct's empty default for each instance


class _Attribute(msgspec.Struct):
    type: str = ""
    value: str = ""
    comment: str | None = ""
    to_ids: bool = False
    first_seen: str | None = None
    last_seen: str | None = None
    Tag: list[_Tag] = []
    Galaxy: list[_Galaxy] = []


class _Object(msgspec.Struct):
    name: str = ""
    comment: str | None = ""
    Attribute: list[_Attribute] = []


class _Report(msgspec.Struct):
    name: str = ""
    content: str = ""


class _Event(msgspec.Struct):
    uuid: str = ""
    info: str = ""
    date: str = ""
    Orgc: _Org = msgspec.field(default_factory=_Org)
    Attribute: list[_Attribute] = []
    Object: list[_Object] = []
    Galaxy: list[_Galaxy] = []
    Tag: list[_Tag] = []
    EventReport: list[_Report] = []


class _Wrapped(msgspec.Struct):
    Event: _Event


def _read(path: Path, terms: Terms) -> Imported:
    claims = Claims()
    problems: list[Problem] = []
    for event in _events(path):
        read = _Reader(event, path, terms).read()
        claims.update([read.claims])
        problems += read.problems
    return Imported(claims=claims, problems=tuple(problems))


def _events(path: Path) -> Iterator[_Event]:
    try:
        content = path.read_bytes()
        if content.lstrip().startswith(b"["):
            yield from (w.Event for w in msgspec.json.decode(content, type=list[_Wrapped]))
        else:
            yield msgspec.json.decode(content, type=_Wrapped).Event
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(f"is no MISP event: {error}", where=str(path)) from error


class _Reader:
    def __init__(self, event: _Event, path: Path, terms: Terms) -> None:
        self._event = event
        self._where = f"{path.name}: {event.info}"
        self._terms = terms
        self._tlp = max([terms.tlp, *_marks(event.Tag)])
        text = "\n\n".join(report.content for report in event.EventReport if report.content.strip())
        source = source_of(
            kind="misp-event",
            title=terms.title or event.info or path.name,
            publisher=event.Orgc.name,
            published=event.date if is_date(event.date) else terms.published,
            tlp=self._tlp,
            text=text,
        )
        speaker = terms.speaker or event.Orgc.name or f"whoever wrote {path.name}"
        self._scribe = Scribe(speaker, source, method="import:misp-event", recorded=terms.recorded)
        self._problems: list[Problem] = []
        self._sources: dict[str, Source] = {}

    def read(self) -> Imported:
        """Return the claims of the event; of our own export the claims as they were."""
        if self._event.Orgc.uuid == PRODUCER.partition("--")[2]:
            return self._own([o for o in self._event.Object if o.comment == _OWN])
        clusters = list(self._clusters(self._event.Galaxy))
        for attribute in [*self._event.Attribute, *(a for o in self._event.Object for a in o.Attribute)]:
            try:
                self._attribute(attribute, [*clusters, *self._clusters(attribute.Galaxy)])
            except ClaimError as error:
                where = f"{self._where}: {attribute.value}"
                self._problems.append(Problem(code=error.code, message=error.message, where=where, hint=error.hint))
        return Imported(claims=self._scribe.claims, problems=tuple(self._problems))

    def _clusters(self, galaxies: Iterable[_Galaxy]) -> Iterator[str]:
        for galaxy in galaxies:
            for cluster in galaxy.GalaxyCluster:
                kind = _KINDS.get(cluster.type or galaxy.type)
                if kind and cluster.uuid:
                    entity = f"{kind}--{cluster.uuid.lower()}"
                    quote = record(galaxy=galaxy.type, value=cluster.value)
                    self._scribe.say(entity, "name", value=cluster.value, quote=quote)
                    yield entity

    def _attribute(self, attribute: _Attribute, clusters: Iterable[str]) -> None:
        if not attribute.to_ids:
            return
        is_pattern = attribute.type == "stix2-pattern"
        pattern = attribute.value if is_pattern else pattern_of(attribute.type, attribute.value)
        if pattern is None:
            return
        fields = {"type": attribute.type, "value": attribute.value, "comment": attribute.comment or ""}
        quote = record(**{name: cell for name, cell in fields.items() if cell})
        since, until = _day(attribute.first_seen), _day(attribute.last_seen)
        tlp = max([self._tlp, *_marks(attribute.Tag)])
        subject = entity_id("indicator", pattern)
        self._scribe.say(subject, "pattern", value=pattern, quote=quote, valid_from=since, tlp=tlp)
        for entity in dict.fromkeys(clusters):
            self._scribe.say(
                subject, "indicates", object=entity, quote=quote, valid_from=since, valid_until=until, tlp=tlp
            )

    def _own(self, objects: Iterable[_Object]) -> Imported:
        claims = Claims()
        for name in ("source", "claim"):
            for one in objects:
                for attribute in one.Attribute:
                    if attribute.comment == name:
                        self._take(claims, name, attribute.value)
        return Imported(claims=claims, problems=tuple(self._problems))

    def _take(self, claims: Claims, name: str, written: str) -> None:
        try:
            fields = msgspec.json.decode(written, type=dict[str, object])
            if name == "source":
                source = source_from(fields)
                self._sources[source.id] = source
                return
            rests_on = self._sources[str(fields.get("source"))]
            claim = claim_from(fields, rests_on)
        except (ClaimError, msgspec.DecodeError, KeyError) as error:
            self._problems.append(Problem(code="claim", message=f"is no {name}: {error}", where=self._where))
            return
        claims.sources.setdefault(rests_on.id, rests_on)
        claims.claims.setdefault(claim.id, claim)


def _marks(tags: Iterable[_Tag]) -> Iterator[Tlp]:
    for tag in tags:
        if tag.name.casefold().startswith("tlp:"):
            try:
                yield parse_tlp(tag.name)
            except InputError:
                yield Tlp.RED  # a marking that nobody knows is the strictest one


def _day(written: str | None) -> str:
    return (written or "")[:10] if is_date((written or "")[:10]) else ""


def _sniff(path: Path, head: bytes) -> bool:
    return path.suffix == ".json" and b'"Event"' in head


IMPORTER = Importer(title="MISP event as JSON", sniff=_sniff, read=_read)
