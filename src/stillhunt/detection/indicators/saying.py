"""Who says that something is an indicator of whom, how sure, since and until when; and what is left of it by now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from stillhunt.terms.ageing import left_after
from stillhunt.terms.level import Level
from stillhunt.terms.moment import microseconds

__all__ = [
    "UNSAID",
    "USUAL",
    "Said",
    "Saying",
    "State",
    "confidence_in",
    "confidence_of",
    "instant",
    "left_at",
    "level_of",
    "state_at",
]

State = Literal["valid", "expired", "early", "undated"]
"""How an event lies to the time in which an indicator is valid."""

UNSAID = -1
"""Confidence of a source that gives none."""

USUAL = {"address": 50, "domain": 50, "file": 20, "hash": 50, "mail": 50, "network": 30, "pattern": 50, "url": 50}
"""Confidence, 0 to 100, where a source gives none: a file name is chosen at will, a network has many tenants."""

_EXPIRED = 0.5
"""Share that is left at the moment at which its source no longer stands by an indicator."""

_DAY_US = 86_400_000_000
_HIGH, _MEDIUM, _LOW = 70, 30, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What a source says of indicators, apart from when.

    Attributes:
        source: Title of the source.
        speaker: Who speaks there; empty if it does not say.
        file: File or knowledge base it was read from.
        url: Address of the source. Never fetched.
        published: When it was published, as written.
        indicates: Names of those it indicates.
        confidence: 0 to 100; :data:`UNSAID` if not given.
        claim: Id of the claim in a knowledge base; empty for a list.
        quote: The words or the record that say it; empty for a list, whose row says it.
        indicator: Id of the indicator; empty if it has none of its own.
        marking: How far it may travel, such as ``TLP:AMBER``.
    """

    source: str
    speaker: str = ""
    file: str = ""
    url: str = ""
    published: str = ""
    indicates: tuple[str, ...] = ()
    confidence: int = UNSAID
    claim: str = ""
    quote: str = ""
    indicator: str = ""
    marking: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a source says of one indicator.

    Attributes:
        saying: What it says.
        since: Microseconds since 1970 UTC from which on it is valid; None if not said.
        until: Before which; None if not said.
        row: Row of the list that says so, from 1; 0 if it stands in no list.
    """

    saying: Saying
    since: int | None = None
    until: int | None = None
    row: int = 0

    @property
    def where(self) -> str:
        """Where it stands."""
        if self.row:
            return f"{self.saying.file}, row {self.row:,}"
        return f"{self.saying.file}, {self.saying.claim}" if self.saying.claim else self.saying.file


def confidence_of(said: Said, kind: str) -> int:
    """Return how sure a source is, 0 to 100, or what is usual for the kind where it does not say."""
    given = said.saying.confidence
    return USUAL.get(kind, 50) if given == UNSAID else given


def confidence_in(text: str) -> int:
    """Return the confidence that a source writes, 0 to 100: a number, or a word of STIX's scale as its middle.

    Source: STIX 2.1, appendix A, "None / Low / Med / High".

    >>> confidence_in("80"), confidence_in("High"), confidence_in("")
    (80, 85, -1)
    """
    written = text.strip().casefold()
    if written.isascii() and written.isdecimal():
        return min(100, int(written))
    return _WORDS.get(written, UNSAID)


_WORDS = {"none": 0, "low": 15, "med": 50, "medium": 50, "moderate": 50, "high": 85}


def state_at(said: Said, at: int | None) -> State:
    """Say how an event lies to the time of validity.

    Args:
        said: Of an indicator.
        at: Microseconds since 1970 UTC; None for an event without a time.
    """
    if at is None:
        return "undated"
    if said.since is not None and at < said.since:
        return "early"
    return "expired" if said.until is not None and at >= said.until else "valid"


def left_at(said: Said, kind: str, at: int | None) -> int:
    """Return what is left of the confidence in an indicator at the time of an event, 0 to 100.

    All of it while the source says that it is valid. Where the source gives no end, it fades from the beginning by
    the half-life of the kind (:mod:`stillhunt.terms.ageing`); after a stated end half of it is gone at once, and the
    rest fades; before the beginning it fades backwards. A hash names the same content at any time, so it does not
    fade before its time.
    """
    whole = confidence_of(said, kind)
    state = state_at(said, at)
    if at is None or state == "undated":
        return whole
    if state == "early":
        assert said.since is not None
        return whole if kind == "hash" else round(whole * left_after((said.since - at) / _DAY_US, kind))
    if state == "expired":
        assert said.until is not None
        return round(whole * _EXPIRED * left_after((at - said.until) / _DAY_US, kind))
    if said.since is None or said.until is not None:
        return whole
    return round(whole * left_after((at - said.since) / _DAY_US, kind))


def level_of(confidence: int) -> Level:
    """Return the level of a finding of an indicator, which by itself is never critical.

    The bounds of *high* and *medium* are those of STIX 2.1, appendix A, "Confidence scales" (None, Low, Med, High).

    >>> [level_of(c).value for c in (85, 50, 20, 5)]
    ['high', 'medium', 'low', 'informational']
    """
    if confidence >= _HIGH:
        return Level.HIGH
    if confidence >= _MEDIUM:
        return Level.MEDIUM
    return Level.LOW if confidence >= _LOW else Level.INFORMATIONAL


def instant(text: str, *, is_end: bool = False) -> int | None:
    """Return microseconds since 1970 of a date as sources write it; None if it is none.

    Args:
        text: ``2024``, ``2024-03``, ``2024-03-25`` or an instant; without a zone it is UTC.
        is_end: Return the first moment after the year, month or day, since it is valid to its end.

    >>> instant("2024-03", is_end=True) == instant("2024-04-01T00:00:00Z")
    True
    """
    written = text.strip()
    whole = written + "2000-01-01"[len(written) :] if len(written) in {4, 7} else written
    try:
        at = datetime.fromisoformat(whole)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    try:
        if is_end and len(written) == 4:
            at = at.replace(year=at.year + 1)
        elif is_end and len(written) == 7:
            at = (at + timedelta(days=32)).replace(day=1)
        elif is_end and len(written) == 10:
            at += timedelta(days=1)
    except (OverflowError, ValueError):
        return None  # the end of the calendar: without an end
    return microseconds(at)
