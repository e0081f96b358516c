"""What is looked for in a store: terms, times and classes.

A term is ``field:value`` or free text, ``-`` before it turns it round, and all terms of a search must hold. ``*``
stands for any text and ``?`` for one character; case does not matter. A value must be the whole of the field, free
text may stand anywhere in any of an event's fields. Quotes keep blanks together; a backslash is a backslash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase

import re2

from stillhunt.errors import InputError
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.instant import read_instant
from stillhunt.telemetry.store.manifest import Part
from stillhunt.terms.moment import microseconds

__all__ = ["Query", "Term", "query"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One thing that must hold of an event.

    Attributes:
        field: Common column or native field; empty for free text.
        value: What must be there, with wildcards.
        is_negated: Whether it must not hold.
    """

    field: str
    value: str
    is_negated: bool = False

    def fits(self) -> Callable[[str], bool]:
        """Return what tells whether a text is, or has in it, what must be there."""
        if not set(self.value) & {"*", "?"}:
            wanted = self.value.lower()
            return (lambda text: text.lower() == wanted) if self.field else (lambda text: wanted in text.lower())
        # In lower case, as values without wildcards and indexes are: RE2 folds some letters that Python does not.
        pattern = "".join(_WILDCARDS.get(c) or re2.escape(c) for c in self.value.lower())
        # Linear in the text, whatever the wildcards: the text is an attacker's.
        compiled = re2.compile(f"(?s:{pattern})")
        found = compiled.fullmatch if self.field else compiled.search
        return lambda text: found(text.lower()) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is looked for.

    Attributes:
        terms: All must hold.
        since: Time of the first event, or None.
        until: Time before which the last one lies, or None.
        classes: Patterns for the name of the class, its product, a category or a service; any must fit, if any.
    """

    terms: tuple[Term, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    classes: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Whether all events fit."""
        return self == Query()

    def fits_class(self, event_class: EventClass) -> bool:
        """Tell whether events of a class are looked for."""
        names = {event_class.name, event_class.product, *event_class.categories, *event_class.services}
        return not self.classes or any(fnmatchcase(name, wanted) for name in names for wanted in self.classes)

    def may_be_in(self, part: Part) -> bool:
        """Tell by what the manifest says of a file whether an event that fits may be in it."""
        if self.since is None and self.until is None:
            return True
        if part.first is None or part.last is None:
            return False
        is_before = self.until is not None and part.first >= microseconds(self.until)
        return not is_before and (self.since is None or part.last >= microseconds(self.since))


def query(
    texts: Sequence[str], *, since: str | None = None, until: str | None = None, classes: Sequence[str] = ()
) -> Query:
    r"""Read what somebody looks for.

    >>> query(['Image:*\\cmd.exe -User:"NT AUTHORITY*"']).terms[1]
    Term(field='User', value='NT AUTHORITY*', is_negated=True)

    Raises:
        InputError: A time cannot be read, or a quote is not closed.
    """
    terms = tuple(term for text in texts for term in _terms(text))
    return Query(
        terms=terms,
        since=None if since is None else _instant(since, is_end=False),
        until=None if until is None else _instant(until, is_end=True),
        classes=tuple(classes),
    )


_WILDCARDS = {"*": ".*", "?": "."}

_WORD = re.compile(r'(?P<not>-)?(?:(?P<field>[^\s":]+):)?(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]*))(?=\s|$)')


def _terms(text: str) -> Iterator[Term]:
    at = 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        found = _WORD.match(text, at)
        if found is None:
            hint = 'write field:value, field:"two words" or "free text"'
            raise InputError(f"cannot be understood from `{text[at : at + 40]}` on", where=text[:80], hint=hint)
        value = found["quoted"] if found["quoted"] is not None else found["plain"]
        field = found["field"] or ""
        if field or value:
            yield Term(field=field, value=value, is_negated=bool(found["not"]))
        at = found.end()


def _instant(text: str, *, is_end: bool) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        found = read_instant(text)
        if found is None:
            hint = "write 2021-08-24, or 2021-08-24T03:12:00Z"
            raise InputError("is no time", where=text, hint=hint) from None
        return found
    return datetime.combine(day, time(), UTC) + timedelta(days=is_end)
