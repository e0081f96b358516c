"""MISP's galaxies: names by who uses them, countries, sponsors, victims, and what is said to be the same.

A file is one catalogue, and its author speaks: Microsoft's, 360's and Tidal Cyber's lists are kept as theirs. That two
clusters are ``similar`` becomes a claim that they are the same, as likely as its tag says.

Source: MISP galaxy, CC0 1.0 or BSD-2-Clause.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from stillhunt.errors import ClaimError, InputError, Problem
from stillhunt.knowledge.claim import Claims, Likelihood, source_of
from stillhunt.knowledge.importer import Imported, Importer, Terms
from stillhunt.knowledge.markup import plain
from stillhunt.knowledge.places import find_place
from stillhunt.knowledge.scribe import Scribe, record
from stillhunt.terms.likelihood import ICD_203

__all__ = ["IMPORTER", "read_galaxies"]


@dataclass(frozen=True, slots=True)
class _Galaxy:
    """What a galaxy is about, and who speaks in it."""

    kind: str
    speaker: str


_MISP = "MISP Project"
_GALAXIES: Mapping[str, _Galaxy] = {
    "360net-threat-actor": _Galaxy("intrusion-set", "360"),
    "backdoor": _Galaxy("malware", _MISP),
    "banker": _Galaxy("malware", _MISP),
    "botnet": _Galaxy("malware", _MISP),
    "campaigns": _Galaxy("campaign", "Tidal Cyber"),
    "cryptominers": _Galaxy("malware", _MISP),
    "groups": _Galaxy("intrusion-set", "Tidal Cyber"),
    "intelligence-agency": _Galaxy("identity", "Wikipedia"),
    "malpedia": _Galaxy("malware", "Malpedia"),
    "microsoft-activity-group": _Galaxy("intrusion-set", "Microsoft"),
    "mitre-intrusion-set": _Galaxy("intrusion-set", "The MITRE Corporation"),
    "mitre-malware": _Galaxy("malware", "The MITRE Corporation"),
    "mitre-tool": _Galaxy("tool", "The MITRE Corporation"),
    "ransomware": _Galaxy("malware", _MISP),
    "rat": _Galaxy("malware", _MISP),
    "software": _Galaxy("malware", "Tidal Cyber"),
    "stealer": _Galaxy("malware", _MISP),
    "surveillance-vendor": _Galaxy("identity", _MISP),
    "target-information": _Galaxy("location", _MISP),
    "threat-actor": _Galaxy("intrusion-set", _MISP),
    "tool": _Galaxy("malware", _MISP),
}
"""Galaxies that are read; others are about ammunition, job descriptions or bird species."""

_REFERRED: Mapping[str, str] = {
    "mitre-attack-pattern": "attack-pattern",
    "mitre-intrusion-set": "intrusion-set",
    "mitre-malware": "malware",
    "mitre-tool": "tool",
}
"""Galaxies that repeat ATT&CK under its own ids: known as what relations lead to, read only when asked for alone."""

_ALIASES = ("synonyms", "aliases")
_IDS = ("external_id", "group_attack_id", "software_attack_id", "campaign_attack_id")
_VICTIMS = ("cfr-suspected-victims", "suspected-victims", "observed_countries")
_SECTORS = ("cfr-target-category", "targeted-sector", "target-category", "target_categories")
_LITERALS = {
    "attribution-confidence": "attribution-confidence",
    "cfr-type-of-incident": "motivation",
    "first_seen": "first-seen",
    "last_seen": "last-seen",
    "motive": "motivation",
    "observed_motivations": "motivation",
    "refs": "reference",
    "since": "first-seen",
}
_RELATIONS = {"similar": "same-as", "uses": "uses", "used-by": "used-by", "targets": "targets"}
_TAG = 'estimative-language:likelihood-probability="'


class _Related(msgspec.Struct):
    dest: str = msgspec.field(name="dest-uuid", default="")
    type: str = ""
    tags: list[str] = []  # msgspec copies a struct's empty default for each instance


class _Cluster(msgspec.Struct):
    value: str
    uuid: str = ""
    description: str = ""
    meta: dict[str, Any] = {}
    related: list[_Related] = []


class _File(msgspec.Struct):
    type: str
    values: list[_Cluster]
    name: str = ""
    version: int | str = ""


def read_galaxies(paths: Sequence[Path], terms: Terms) -> Imported:
    """Return what the galaxies in files of clusters say.

    Args:
        paths: Files of clusters. Of several, those that repeat ATT&CK serve as targets of relations only.
        terms: What the user says about them.

    Raises:
        InputError: A file is none, or the only one is about something else.
    """
    files = [(path, file) for path in paths if (file := _decoded(path, is_alone=len(paths) == 1)) is not None]
    kinds = {
        cluster.uuid: (_GALAXIES[file.type].kind if file.type in _GALAXIES else _REFERRED[file.type])
        for _, file in files
        for cluster in file.values
    }
    claims, problems = Claims(), []
    for path, file in files:
        if file.type in _GALAXIES and (len(paths) == 1 or file.type not in _REFERRED):
            reader = _Reader(path, file, kinds, terms)
            reader.read()
            claims.update([reader.scribe.claims])
            problems += reader.problems
    return Imported(claims=claims, problems=tuple(problems))


def _decoded(path: Path, *, is_alone: bool) -> _File | None:
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except (OSError, msgspec.DecodeError) as error:
        raise InputError(f"is no file of MISP clusters: {error}", where=str(path)) from error
    if file.type in _GALAXIES or file.type in _REFERRED:
        return file
    if is_alone:
        hint = f"those that are: {', '.join(sorted(_GALAXIES))}"
        raise InputError(f"a galaxy of type `{file.type}` is not about who is out there", where=str(path), hint=hint)
    return None


class _Reader:
    """Reads one file of clusters."""

    def __init__(self, path: Path, file: _File, kinds: Mapping[str, str], terms: Terms) -> None:
        self._galaxy = _GALAXIES[file.type]
        self._path = path
        self._file = file
        self._kinds = kinds
        self.problems: list[Problem] = []
        source = source_of(
            kind="catalogue",
            title=terms.title or f"MISP galaxy {path.stem}, version {file.version}",
            publisher=_MISP,
            published=terms.published,
            tlp=terms.tlp,
        )
        speaker = terms.speaker or self._galaxy.speaker
        self.scribe = Scribe(speaker, source, method="import:misp-galaxy", recorded=terms.recorded)

    def read(self) -> None:
        """Write down what every cluster says."""
        for cluster in self._file.values:
            if not cluster.uuid or not cluster.value.strip():
                continue
            try:
                if self._galaxy.kind == "location":
                    self._country(cluster)
                else:
                    self._cluster(cluster, f"{self._galaxy.kind}--{cluster.uuid.lower()}")
            except ClaimError as error:
                where = f"{self._path.name}: {cluster.value}"
                self.problems.append(Problem(code=error.code, message=error.message, where=where, hint=error.hint))

    def _country(self, cluster: _Cluster) -> None:
        codes = list(_texts(cluster.meta.get("iso-code")))
        place = find_place(codes[0]) if codes else None
        if place is not None:
            subject = self.scribe.place(place)
            for alias in _texts(cluster.meta.get("synonyms")):
                self.scribe.say(subject, "alias", value=alias, quote=record(synonyms=[alias]))

    def _cluster(self, cluster: _Cluster, subject: str) -> None:
        say, meta = self.scribe.say, cluster.meta
        say(subject, "name", value=cluster.value.strip(), quote=record(value=cluster.value))
        words = plain(cluster.description)
        if words:
            say(subject, "description", value=words, quote=words)
        for part in _parts_of(cluster.value, self._file.type):
            say(subject, "alias", value=part, quote=record(value=cluster.value))
        for key in _ALIASES:
            for alias in _texts(meta.get(key)):
                if alias != cluster.value:
                    say(subject, "alias", value=alias, quote=record(**{key: [alias]}))
        for key in _IDS:
            for code in _texts(meta.get(key)):
                say(subject, "external-id", value=code, quote=record(**{key: code}))
        for key, predicate in _LITERALS.items():
            for value in _texts(meta.get(key)):
                dated = value[:10] if predicate.endswith("-seen") else value
                say(subject, predicate, value=dated, quote=record(**{key: value}))
        self._places(subject, meta)
        for related in cluster.related:
            self._related(subject, related)

    def _places(self, subject: str, meta: Mapping[str, Any]) -> None:
        origin = "located-at" if self._galaxy.kind == "identity" else "originates-from"
        for key, predicate in (("country", origin), ("cfr-suspected-state-sponsor", "sponsored-by")):
            for name in _texts(meta.get(key)):
                place = find_place(name)
                if place is not None:
                    self.scribe.say(subject, predicate, object=self.scribe.place(place), quote=record(**{key: name}))
        for key in _VICTIMS:
            for name in _texts(meta.get(key)):
                place = find_place(name)
                victim = self.scribe.place(place) if place else self.scribe.organisation(name)
                self.scribe.say(subject, "targets", object=victim, quote=record(**{key: name}))
        for key in _SECTORS:
            for name in _texts(meta.get(key)):
                self.scribe.say(subject, "targets", object=self.scribe.sector(name), quote=record(**{key: name}))

    def _related(self, subject: str, related: _Related) -> None:
        predicate = _RELATIONS.get(related.type, related.type.strip().lower().replace(" ", "-"))
        kind = self._kinds.get(related.dest.lower()) or (self._galaxy.kind if predicate == "same-as" else "")
        if not kind or not predicate:
            return
        other = f"{kind}--{related.dest.lower()}"
        if other == subject:
            return
        quote = record(type=related.type, dest=related.dest, tags=related.tags)
        likelihood = _same_as(related.tags) if related.type == "similar" else _likelihood(related.tags)
        if predicate == "used-by":
            self.scribe.say(other, "uses", object=subject, quote=quote, likelihood=likelihood)
        else:
            self.scribe.say(subject, predicate, object=other, quote=quote, likelihood=likelihood)


def _texts(value: object) -> Iterator[str]:
    """Yield the texts of a field that may be one, several, or missing; each once."""
    values = value if isinstance(value, list) else [value]
    yield from dict.fromkeys(v.strip() for v in values if isinstance(v, str) and v.strip())


def _parts_of(value: str, galaxy: str) -> list[str]:
    """Return the names that 360 writes into one, such as ``APT-C-00`` of a Chinese name with that code behind it."""
    return [part.strip() for part in value.split(" - ")] if galaxy == "360net-threat-actor" and " - " in value else []


def _likelihood(tags: Sequence[str]) -> Likelihood | None:
    for tag in tags:
        if tag.startswith(_TAG):
            term = tag[len(_TAG) :].rstrip('"').replace("-", " ")
            bounds = {t: (low, high) for terms, low, high in ICD_203 for t in terms}
            low, high = bounds.get(term, (None, None))
            return Likelihood(term=term, scale="icd203", low=low, high=high)
    return None


def _same_as(tags: Sequence[str]) -> Likelihood:
    """Return how likely MISP holds two similar clusters for the same: without a tag, similar is all it says."""
    return _likelihood(tags) or Likelihood(term="similar", scale="misp")


def _sniff(path: Path, head: bytes) -> bool:
    if path.is_dir():
        return any((path / name).is_file() for name in ("threat-actor.json", "mitre-intrusion-set.json"))
    return path.suffix == ".json" and b'"values"' in head and (b'"authors"' in head or b'"category"' in head)


def _read(path: Path, terms: Terms) -> Imported:
    return read_galaxies(sorted(path.glob("*.json")) if path.is_dir() else [path], terms)


IMPORTER = Importer(title="MISP galaxy clusters: a file, or a folder of them", sniff=_sniff, read=_read)
