"""A finding of an indicator in words: its title and level, who says so, how old that is, and what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from stillhunt.detection.finding import Clause, Detector
from stillhunt.detection.indicators.caution import Caution, caution_of
from stillhunt.detection.indicators.observable import Observable, pattern_of
from stillhunt.detection.indicators.saying import UNSAID, Said, State, confidence_of, left_at, level_of, state_at
from stillhunt.terms.level import Level
from stillhunt.terms.marking import strictest
from stillhunt.terms.moment import microseconds, moment

__all__ = ["FURTHER", "best_of", "further_detector", "marking_of", "names_of", "sayings", "title_of", "told"]

FURTHER = Observable("further", "")
"""Stands for the indicators that share a finding."""

_SHOWN = 8
"""Sources of one indicator that are shown with a record."""

_DAY_US = 86_400_000_000


def told(
    one: Observable,
    said: Sequence[Said],
    state: State,
    *,
    first_at: datetime | None,
    last_at: datetime | None,
) -> tuple[Detector, str, tuple[Clause, ...]]:
    """Return the detector of a finding, one sentence, and what stands behind it as clauses.

    Args:
        one: The indicator.
        said: What sources say of it.
        state: How the events lie to the time in which it is valid.
        first_at: First event, after corrections of clocks.
        last_at: Last event.
    """
    at = _us(last_at if state == "early" else first_at)
    best, left = best_of(said, one.kind, at)
    caution = caution_of(one)
    level = level_of(left)
    if caution is not None and level.rank > caution.most.rank:
        level = caution.most
    sentence = f"`{one.value}` was met: {_SENTENCES[state]}"
    detector = Detector(
        kind="indicator",
        id=_id(one, state),
        title=title_of(one.value, names_of(said), state),
        description=pattern_of(one),
        level=level,
        path="; ".join(dict.fromkeys(s.saying.source for s in said[:_SHOWN])),
        false_positives=() if caution is None else (caution.sentence,),
        references=tuple(dict.fromkeys(s.saying.url for s in said[:_SHOWN] if s.saying.url)),
        author="; ".join(dict.fromkeys(s.saying.speaker for s in said[:_SHOWN] if s.saying.speaker)),
        marking=marking_of(said),
    )
    return detector, sentence, tuple(sayings(said, one.kind, best, at, left=left, caution=caution))


def best_of(said: Sequence[Said], kind: str, at: int | None) -> tuple[Said, int]:
    """Return what the source says of whose confidence most is left at a time, and how much that is."""
    return max(((one, left_at(one, kind, at)) for one in said), key=lambda pair: pair[1])


def title_of(value: str, names: Sequence[str], state: State) -> str:
    """Return the title of a finding.

    >>> title_of("evil.example", ("Red Fox",), "expired")
    'Expired indicator of Red Fox: evil.example'
    """
    first = {"expired": "Expired indicator", "early": "Indicator before its time"}.get(state, "Indicator")
    return f"{first} of {', '.join(names)}: {value}" if names else f"{first}: {value}"


def names_of(said: Sequence[Said]) -> tuple[str, ...]:
    """Return the names of all whom an indicator indicates."""
    return tuple(dict.fromkeys(name for one in said for name in one.saying.indicates))


def marking_of(said: Sequence[Said]) -> str:
    """Return how far a finding of an indicator may travel: no further than any of those who say it allows."""
    return str(strictest(one.saying.marking for one in said))


def sayings(
    said: Sequence[Said], kind: str, best: Said, at: int | None, *, left: int, caution: Caution | None
) -> list[Clause]:
    """Return who says so, in which words, since when and until when, and how sure that leaves us."""
    clauses = [_part("said by", _by(one)) for one in said[:_SHOWN]]
    if len(said) > _SHOWN:
        clauses.append(_part("said by", f"{len(said) - _SHOWN:,} further sources"))
    clauses.append(_part("valid", _validity(best, at)))
    whole = confidence_of(best, kind)
    origin = "as its source says" if best.saying.confidence != UNSAID else f"usual for a {kind}, its source says none"
    clauses.append(_part("confidence", f"{whole} of 100, {origin}; {left} of it left at the time of the event"))
    if caution is not None:
        clauses.append(_part("caution", f"{caution.sentence}: a finding of it is {caution.most} at most"))
    return clauses


def further_detector(marking: str) -> Detector:
    """Return the detector of indicators that share a finding.

    Args:
        marking: The strictest of any that may be among them.
    """
    return Detector(
        kind="indicator",
        id="indicators:further",
        title="Further indicators",
        description="one of more than 200 indicators that were met on this machine",
        level=Level.LOW,
        path="indicators",
        marking=marking,
    )


_SENTENCES: dict[State, str] = {
    "valid": "an indicator, within the time in which it is valid",
    "expired": "an indicator that was no longer valid then",
    "early": "an indicator that was not yet valid then",
    "undated": "an indicator, at a time that is not known",
}


def _id(one: Observable, state: State) -> str:
    tail = f" ({state})" if state in {"expired", "early"} else ""
    return f"indicator:{one.kind}:{one.value}{tail}"


def _part(label: str, value: str) -> Clause:
    return Clause(kind="field", label=label, value=value)


def _by(said: Said) -> str:
    saying = said.saying
    who = f"{saying.speaker} in {saying.source}" if saying.speaker else saying.source
    words = saying.quote or _row(said)
    mark = f"{saying.marking} " if saying.marking not in {"", "TLP:CLEAR"} else ""
    return f"{mark}{who} ({said.where}): {words}"


def _row(said: Said) -> str:
    """Write what a row of a list says, for want of a quote."""
    saying = said.saying
    fields: dict[str, Any] = {
        "indicates": ", ".join(saying.indicates),
        "confidence": None if saying.confidence == UNSAID else saying.confidence,
        "valid_from": _day(said.since),
        "valid_until": _last_day(said.until),
        "published": saying.published,
    }
    given = {name: value for name, value in fields.items() if value not in {None, ""}}
    return msgspec.json.encode(given).decode() if given else "listed, without further words"


def _validity(said: Said, at: int | None) -> str:
    since, until = _day(said.since), _last_day(said.until)
    span = " ".join([*([f"from {since}"] if since else []), *([f"to {until}"] if until else [])])
    words = span or "its source names no time"
    state = state_at(said, at)
    if at is not None and state == "expired" and said.until is not None:
        return f"{words}; the event is {_days(at - said.until)} after its end"
    if at is not None and state == "early" and said.since is not None:
        return f"{words}; the event is {_days(said.since - at)} before its beginning"
    if at is not None and said.until is None and said.since is not None:
        return f"{words}, no end is named; the event is {_days(at - said.since)} after its beginning"
    return f"{words}; when the event was is not known" if at is None else words


def _days(microseconds: int) -> str:
    n_days = microseconds // _DAY_US
    return f"{n_days:,} day{'' if n_days == 1 else 's'}" if n_days else "less than a day"


def _day(at: int | None) -> str:
    """Write a moment: a day where it is midnight."""
    if at is None:
        return ""
    try:
        when = moment(at)
    except OverflowError:
        return ""
    is_midnight = at % _DAY_US == 0
    return when.date().isoformat() if is_midnight else when.isoformat(timespec="seconds").replace("+00:00", "Z")


def _last_day(until: int | None) -> str:
    """Write an end, which itself is no part of the time: of a day that is over, the day."""
    return _day(until - _DAY_US if until is not None and until % _DAY_US == 0 else until)


def _us(at: datetime | None) -> int | None:
    return None if at is None else microseconds(at)
