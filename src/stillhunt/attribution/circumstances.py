"""What is known of a case beside techniques and software: the victim, the hours, what was exploited, what it says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

__all__ = ["Circumstances", "Exploited", "Indicator", "Named"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploited:
    """A vulnerability that was used.

    Attributes:
        vulnerability: Its CVE id.
        used: Day of first use here; None if unknown.
        published: Day it was made public; None if unknown.
    """

    vulnerability: str
    used: date | None = None
    published: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """An address, domain or hash of the case.

    Attributes:
        kind: ``domain``, ``address``, ``url``, ``mail`` or ``hash``.
        value: It, in lower case.
        seen: Day it was seen here; None if unknown.
    """

    kind: str
    value: str
    seen: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A group's name that stands in the evidence itself, such as in a rule's title.

    Attributes:
        name: The name.
        quote: The words around it.
        source: Where they stand.
    """

    name: str
    quote: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a user or a hunt knows of a case beside what was done.

    Attributes:
        sectors: What the victim does, as words of :data:`stillhunt.knowledge.sectors.SECTORS`.
        countries: Where the victim is, as codes of ISO 3166-1.
        hours: Instants of interactive activity by the operator, with their zone; never those of beacons or services.
        exploited: Vulnerabilities used.
        languages: Languages of artefacts, as BCP 47 tags: keyboard layouts, resources, code pages.
        indicators: Addresses, domains, hashes.
        named: Groups' names in the evidence.
    """

    sectors: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    hours: tuple[datetime, ...] = ()
    exploited: tuple[Exploited, ...] = ()
    languages: tuple[str, ...] = ()
    indicators: tuple[Indicator, ...] = ()
    named: tuple[Named, ...] = ()

    def without(self, item: str) -> Circumstances:
        """Return them as if one thing were not known: a sector, country, CVE, language, indicator, or ``hours``."""
        return Circumstances(
            sectors=tuple(s for s in self.sectors if s != item),
            countries=tuple(c for c in self.countries if c != item),
            hours=() if item == "hours" else self.hours,
            exploited=tuple(e for e in self.exploited if e.vulnerability != item),
            languages=tuple(x for x in self.languages if x != item),
            indicators=tuple(i for i in self.indicators if i.value != item),
            named=tuple(n for n in self.named if n.name != item),
        )

    def joined(self, other: Circumstances) -> Circumstances:
        """Return what both say, each thing once."""
        return Circumstances(
            sectors=tuple(dict.fromkeys((*self.sectors, *other.sectors))),
            countries=tuple(dict.fromkeys((*self.countries, *other.countries))),
            hours=tuple(sorted({*self.hours, *other.hours})),
            # Dates that a user gives are better than those of a rule.
            exploited=tuple({e.vulnerability: e for e in (*self.exploited, *other.exploited)}.values()),
            languages=tuple(dict.fromkeys((*self.languages, *other.languages))),
            indicators=tuple({i.value: i for i in (*self.indicators, *other.indicators)}.values()),
            named=tuple(dict.fromkeys((*self.named, *other.named))),
        )

    @property
    def items(self) -> tuple[str, ...]:
        """Everything that can be left out."""
        return (
            *self.sectors,
            *self.countries,
            *(("hours",) if self.hours else ()),
            *(e.vulnerability for e in self.exploited),
            *self.languages,
            *(i.value for i in self.indicators),
        )
