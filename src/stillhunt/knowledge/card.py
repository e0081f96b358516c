"""A group, or anybody else, on one card: every line with who says it, where, and in which words.

A card is a view over claims. It merges nothing: what two sources say stands side by side, and a line that somebody
denies says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from stillhunt.knowledge.claim import Claim, Likelihood, Source, type_of
from stillhunt.knowledge.identity import Apart, Identity
from stillhunt.knowledge.names import name_key
from stillhunt.knowledge.places import place_of
from stillhunt.knowledge.resolve import Candidate, best_name
from stillhunt.knowledge.store import View

__all__ = ["Card", "Line", "Said", "Share", "card_of", "lines_of"]

_SPONSORS = ("attributed-to", "sponsored-by", "part-of", "subordinate-to", "contractor-of", "directed-by")
_FRONTS = ("front-for", "acts-for", "contractor-of", "owned-by", "ownership", "linked-to", "provides-support-to")
_PEOPLE = ("membership", "member-of", "employment", "employed-by", "directorship", "leads", "acts-for", "linked-to")
_LEGAL = ("sanctioned", "sanction", "charged", "indicted", "convicted", "designated", "denial", "statement")
_DATED = ("first-seen", "last-seen", "detected", "disclosed", "first-break-in")
_SHOWN = frozenset(
    {
        *("name", "alias", "external-id", "description", "same-as", "uses", "targets", "originates-from", "located-at"),
        *(*_SPONSORS, *_FRONTS, *_PEOPLE, *_LEGAL, *_DATED),
    }
)
_CHAIN = 4
"""Steps up a chain of sponsors."""

_CLOSE = 2
"""Groups that a body may be said to stand behind so that its people and fronts are still those of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One claim behind a line.

    Attributes:
        claim: Its id.
        speaker: Name of who says it.
        source: Title of where.
        published: When that was published, as far as known.
        url: Its address. Never fetched.
        quote: The words or the record.
        is_denial: Whether they say that it is not so.
        likelihood: How likely they call it.
    """

    claim: str
    speaker: str
    source: str
    published: str
    url: str
    quote: str
    is_denial: bool = False
    likelihood: Likelihood | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Something that is said, and everybody who says it.

    Attributes:
        text: What is said, in short.
        said: By whom, in order of publication; never empty.
        entity: Entity that the line leads to; empty if it leads to none.
        detail: More about it, such as the id of a technique or the predicate.
    """

    text: str
    said: tuple[Said, ...]
    entity: str = ""
    detail: str = ""

    @property
    def is_disputed(self) -> bool:
        """Whether somebody says so and somebody that it is not so."""
        return len({s.is_denial for s in self.said}) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A region or sector, and how many claims name it as a target.

    Attributes:
        name: Region or sector.
        n_claims: Claims that somebody or something in it is a target.
        places: Countries of a region that are named, sorted.
    """

    name: str
    n_claims: int
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Everything that is said about one identity.

    Attributes:
        name: What it goes by here.
        members: Entities taken for one.
        type: STIX type of the first.
        descriptions: What they are said to be.
        ids: Ids in catalogues.
        aliases: Names, each with who uses it.
        origins: States they are said to work from or for.
        sponsors: Chain of those behind them, nearest first.
        fronts: Organisations said to act for them.
        people: Persons said to belong to them or to those behind them.
        techniques: What they are said to use: techniques.
        software: Malware and tools.
        users: For software and techniques: who is said to use it.
        targets: Countries, sectors and organisations.
        regions: Countries counted by region.
        sectors: Sectors counted.
        legal: Sanctions, charges, denials, statements.
        timeline: What is dated, in order.
        related: Everything else, by predicate.
        same: Claims that the members are the same.
        apart: Claims of sameness that were not followed, and why.
    """

    name: str
    members: tuple[str, ...]
    type: str
    descriptions: tuple[Line, ...] = ()
    ids: tuple[Line, ...] = ()
    aliases: tuple[Line, ...] = ()
    origins: tuple[Line, ...] = ()
    sponsors: tuple[Line, ...] = ()
    fronts: tuple[Line, ...] = ()
    people: tuple[Line, ...] = ()
    techniques: tuple[Line, ...] = ()
    software: tuple[Line, ...] = ()
    users: tuple[Line, ...] = ()
    targets: tuple[Line, ...] = ()
    regions: tuple[Share, ...] = ()
    sectors: tuple[Share, ...] = ()
    legal: tuple[Line, ...] = ()
    timeline: tuple[Line, ...] = ()
    related: tuple[Line, ...] = ()
    same: tuple[Line, ...] = ()
    apart: tuple[Line, ...] = ()
    disputed: tuple[Line, ...] = field(default=())


def card_of(view: View, candidate: Candidate | Identity) -> Card:
    """Return the card of somebody who was found by name."""
    identity = candidate.identity if isinstance(candidate, Candidate) else candidate
    return _Dealer(view, identity).card()


def lines_of(view: View, claims: Iterable[Claim]) -> tuple[Line, ...]:
    """Return claims as lines, those that say the same on one; the most said first."""
    return _Lines(view).of(claims)


class _Lines:
    """Turns claims into lines, asking for sources and names once."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._sources: dict[str, Source] = {}
        self._names: dict[str, str] = {}

    def learn(self, claims: Iterable[Claim]) -> None:
        """Ask for the sources and names that lines of these claims need, as far as they are not known."""
        claims = list(claims)
        self._sources |= self._view.sources({c.source for c in claims} - self._sources.keys())
        named = {e for c in claims for e in (c.subject, c.object, c.speaker)} - {""}
        self._names |= self._view.names_of(named - self._names.keys())

    def of(self, claims: Iterable[Claim], *, detail: str = "") -> tuple[Line, ...]:
        claims = list(claims)
        self.learn(claims)
        sources, names = self._sources, self._names
        by_end: defaultdict[tuple[str, str], list[Claim]] = defaultdict(list)
        for claim in claims:
            by_end[claim.object, "" if claim.object else name_key(claim.value) or claim.value].append(claim)
        lines = []
        for (entity, _), said in by_end.items():
            shown = [_said(c, sources, names) for c in said]
            text = _name(entity, names) if entity else min(c.value for c in said)
            lines.append(
                Line(
                    text=text,
                    entity=entity,
                    detail=detail or ", ".join(sorted({c.predicate for c in said})),
                    said=tuple(sorted(shown, key=lambda s: (s.published or "9", s.source, s.claim))),
                )
            )
        return tuple(sorted(lines, key=lambda line: (-len(line.said), line.text, line.entity)))

    def about_subjects(self, claims: Iterable[Claim], *, detail: str = "") -> tuple[Line, ...]:
        """Return a line for every subject of claims that point at one entity."""
        claims = list(claims)
        self.learn(claims)
        sources, names = self._sources, self._names
        by_subject: defaultdict[str, list[Claim]] = defaultdict(list)
        for claim in claims:
            by_subject[claim.subject].append(claim)
        lines = [
            Line(
                text=_name(subject, names),
                entity=subject,
                detail=detail or ", ".join(sorted({c.predicate for c in said})),
                said=tuple(_said(c, sources, names) for c in said),
            )
            for subject, said in by_subject.items()
        ]
        return tuple(sorted(lines, key=lambda line: (-len(line.said), line.text, line.entity)))


def _said(claim: Claim, sources: dict[str, Source], names: dict[str, str]) -> Said:
    source = sources[claim.source]
    return Said(
        claim=claim.id,
        speaker=names.get(claim.speaker, claim.speaker),
        source=source.title,
        published=source.published,
        url=source.url,
        quote=claim.quote,
        is_denial=claim.is_denial,
        likelihood=claim.likelihood,
    )


def _name(entity: str, names: dict[str, str]) -> str:
    place = place_of(entity)
    return place.name if place else names.get(entity, entity)


class _Dealer:
    """Deals the claims about an identity to the places on its card."""

    def __init__(self, view: View, identity: Identity) -> None:
        self._view = view
        self._identity = identity
        self._lines = _Lines(view)
        self._about = view.about(identity.members)
        self._at = view.pointing_at(identity.members)
        self._lines.learn([*self._about, *self._at])

    def card(self) -> Card:
        """Return the card."""
        of = self._lines.of
        used = self._own("uses")
        targets = self._own("targets")
        people, fronts = self._people_and_fronts()
        legal = self._legal_of([*people, *fronts])
        return Card(
            name=best_name(self._view, self._identity.members),
            members=self._identity.members,
            type=type_of(self._identity.members[0]),
            descriptions=of(self._own("description")),
            ids=of(self._own("external-id")),
            aliases=of(self._own("name", "alias")),
            origins=of(self._own("originates-from", "located-at")),
            sponsors=self._sponsors(),
            fronts=fronts,
            people=people,
            techniques=self._coded(c for c in used if type_of(c.object) == "attack-pattern"),
            software=self._coded(c for c in used if type_of(c.object) in {"malware", "tool"}),
            users=self._lines.about_subjects(c for c in self._at if c.predicate == "uses"),
            targets=of(targets),
            regions=_regions(targets),
            sectors=self._sectors(targets),
            legal=(*of(self._own(*_LEGAL)), *legal),
            timeline=self._timeline(legal),
            related=self._related(),
            same=of(self._identity.links, detail="said to be the same"),
            apart=tuple(line for apart in self._identity.apart for line in self._kept_apart(apart)),
            disputed=self._disputed(),
        )

    def _own(self, *predicates: str) -> list[Claim]:
        return [c for c in self._about if c.predicate in predicates]

    def _coded(self, claims: Iterable[Claim]) -> tuple[Line, ...]:
        """Return lines whose detail is the id that a catalogue gives to what they lead to."""
        claims = list(claims)
        codes: dict[str, str] = {}
        for claim in self._view.about({c.object for c in claims}, "external-id"):
            codes.setdefault(claim.subject, claim.value)
        lines = self._lines.of(claims)
        coded = [
            Line(text=line.text, said=line.said, entity=line.entity, detail=codes.get(line.entity, ""))
            for line in lines
        ]
        return tuple(sorted(coded, key=lambda line: (-len(line.said), line.detail, line.text)))

    def _sponsors(self) -> tuple[Line, ...]:
        """Return who is behind them, then who is behind those, and so on."""
        chain: list[Line] = []
        step, passed = set(self._identity.members), set(self._identity.members)
        for distance in range(1, _CHAIN + 1):
            claims = [c for c in self._view.about(step, *_SPONSORS) if c.object not in passed]
            if not claims:
                break
            lines = self._lines.of(claims)
            chain += lines if distance == 1 else [_further(line, distance) for line in lines]
            step = {c.object for c in claims}
            passed |= step
        return tuple(chain)

    def _people_and_fronts(self) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
        """Return persons and organisations that point at them, at who is close behind them, or at who points there."""
        near = set(self._identity.members) | self._close_behind()
        pointing: dict[str, Claim] = {}
        for _ in range(2):
            claims = self._view.pointing_at(near, *dict.fromkeys((*_FRONTS, *_PEOPLE)))
            fresh = {c.subject for c in claims if type_of(c.subject) == "identity"} - near
            pointing |= {c.id: c for c in claims if type_of(c.subject) == "identity"}
            near = fresh
        forward = [
            c for c in self._own(*_FRONTS, *_PEOPLE) if type_of(c.object or c.subject) == "identity" and c.object
        ]
        persons = {
            c.subject
            for c in self._view.about(
                {c.subject for c in pointing.values()} | {c.object for c in forward}, "identity-class"
            )
            if c.value == "individual"
        }
        lines = self._lines.about_subjects(pointing.values())
        lines += self._lines.of(c for c in forward if c.predicate not in _SPONSORS)
        return (
            tuple(line for line in lines if line.entity in persons),
            tuple(line for line in lines if line.entity not in persons),
        )

    def _close_behind(self) -> set[str]:
        """Return bodies said to be behind them, and behind hardly anybody else."""
        behind = {c.object for c in self._own("attributed-to", "directed-by") if c.object and not c.is_denial}
        n_groups = self._view.n_pointing_at(behind, "attributed-to", "directed-by")
        return {one for one in behind if n_groups.get(one, 0) <= _CLOSE}

    def _legal_of(self, others: Sequence[Line]) -> tuple[Line, ...]:
        """Return charges and sanctions of those around them."""
        names = {line.entity: line.text for line in others}
        by_subject: defaultdict[str, list[Claim]] = defaultdict(list)
        for claim in self._view.about(set(names), *_LEGAL):
            by_subject[claim.subject].append(claim)
        return tuple(
            replace(line, text=f"{names[subject]}: {line.text}", entity=subject)
            for subject in sorted(by_subject, key=lambda one: (names[one], one))
            for line in self._lines.of(by_subject[subject])
        )

    def _sectors(self, targets: Iterable[Claim]) -> tuple[Share, ...]:
        asserted = [c for c in targets if not c.is_denial and place_of(c.object) is None and c.object]
        classes = {
            c.subject for c in self._view.about({c.object for c in asserted}, "identity-class") if c.value == "class"
        }
        names = self._view.names_of(classes)
        counts: defaultdict[str, int] = defaultdict(int)
        for claim in asserted:
            if claim.object in classes:
                counts[names[claim.object]] += 1
        return tuple(Share(name=n, n_claims=k) for n, k in sorted(counts.items(), key=lambda i: (-i[1], i[0])))

    def _timeline(self, legal: Sequence[Line]) -> tuple[Line, ...]:
        """Return what is dated by itself, and what befell those around them."""
        dated = [*self._own(*_DATED, *_LEGAL)]
        campaigns = [c for c in self._at if c.predicate == "attributed-to" and type_of(c.subject) == "campaign"]
        names = self._view.names_of(c.subject for c in campaigns)
        found = [
            (c.valid_from or c.value, line)
            for c in dated
            if (c.valid_from or c.value)[:4].isdigit()
            for line in self._lines.of([c])
        ]
        for claim in self._view.about({c.subject for c in campaigns}, *_DATED):
            lines = self._lines.of([claim], detail=f"{claim.predicate} of {names[claim.subject]}")
            found += [(claim.value, line) for line in lines]
        found += [(line.said[0].published, line) for line in legal]
        return tuple(line for _, line in sorted(found, key=lambda i: (i[0], i[1].detail, i[1].text)))

    def _related(self) -> tuple[Line, ...]:
        rest = [c for c in self._about if c.object and c.predicate not in _SHOWN]
        pointing = [c for c in self._at if c.predicate not in _SHOWN]
        campaigns = [c for c in self._at if c.predicate == "attributed-to" and type_of(c.subject) == "campaign"]
        literals = [c for c in self._about if not c.object and c.predicate not in _SHOWN]
        lines = (*self._lines.of(rest), *self._lines.about_subjects([*pointing, *campaigns]), *self._lines.of(literals))
        return tuple(sorted(lines, key=lambda line: (line.detail, line.text)))

    def _kept_apart(self, apart: Apart) -> tuple[Line, ...]:
        other = next((e for e in apart.ends if e not in self._identity.members), apart.ends[1])
        names = self._view.names_of([other, apart.claim.speaker])
        sources = self._view.sources([apart.claim.source])
        said = (_said(apart.claim, sources, names),)
        return (Line(text=names[other], entity=other, detail=apart.reason, said=said),)

    def _disputed(self) -> tuple[Line, ...]:
        by_predicate: defaultdict[str, list[Claim]] = defaultdict(list)
        for claim in self._about:
            by_predicate[claim.predicate].append(claim)
        return tuple(
            line
            for predicate, claims in sorted(by_predicate.items())
            if any(c.is_denial for c in claims)
            for line in self._lines.of(claims, detail=predicate)
            if any(s.is_denial for s in line.said)
        )


def _further(line: Line, distance: int) -> Line:
    return Line(text=line.text, said=line.said, entity=line.entity, detail=f"{line.detail}, step {distance}")


def _regions(targets: Sequence[Claim]) -> tuple[Share, ...]:
    counts: defaultdict[str, int] = defaultdict(int)
    named: defaultdict[str, set[str]] = defaultdict(set)
    for claim in targets:
        place = place_of(claim.object)
        if place is not None and not claim.is_denial:
            counts[place.region] += 1
            named[place.region].add(place.name)
    return tuple(
        Share(name=region, n_claims=n, places=tuple(sorted(named[region])))
        for region, n in sorted(counts.items(), key=lambda i: (-i[1], i[0]))
    )
