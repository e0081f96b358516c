"""Thousands of predicates on one text at once.

Equalities are looked up in a dictionary; beginnings and ends too, once per length that occurs; all literals
that may lie anywhere are found by one Aho-Corasick automaton, which also finds the text that a regular
expression cannot do without, so that few of them ever run.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network

from ahocorasick_rs import AhoCorasick

from stillhunt.kernel.network import address_of, is_inside
from stillhunt.kernel.program import Predicate
from stillhunt.kernel.text import compile_regex, folded, number_of, time_part

__all__ = ["TextTests"]

Check = Callable[[str, str], bool]
"""(text as logged, text in lower case) to whether a predicate holds."""

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


class TextTests:
    """All predicates on the text of one field.

    Args:
        predicates: (number, predicate) of each; kinds of ``ROW_KINDS`` do not belong here.

    Raises:
        ValueError: A regular expression or network is invalid.
    """

    def __init__(self, predicates: Iterable[tuple[int, Predicate]]) -> None:
        self._equal: dict[str, list[int]] = {}
        self._equal_cased: dict[str, list[int]] = {}
        self._start: dict[int, dict[str, list[int]]] = {}
        self._end: dict[int, dict[str, list[int]]] = {}
        self._inside: dict[str, list[int]] = {}
        self._guarded: dict[str, list[tuple[int, Check]]] = {}
        self._unguarded: list[tuple[int, Check]] = []
        self._number: dict[float, list[int]] = {}
        self._compare: list[tuple[int, Callable[[float, float], bool], float]] = []
        self._networks: list[tuple[int, IPv4Network | IPv6Network]] = []
        for number, predicate in predicates:
            self._take(number, predicate)
        self._needles = sorted(self._inside.keys() | self._guarded.keys())
        self._automaton = AhoCorasick(self._needles) if self._needles else None

    def holding(self, text: str) -> tuple[int, ...]:
        """Return the numbers of the predicates that hold for a text, sorted."""
        lower = folded(text)
        found = [*self._equal.get(lower, ()), *self._equal_cased.get(text, ())]
        for length, starts in self._start.items():
            found += starts.get(lower[:length], ())
        for length, ends in self._end.items():
            found += ends.get(lower[-length:], ())
        found += self._found_inside(text, lower)
        found += (number for number, check in self._unguarded if check(text, lower))
        if self._number or self._compare:
            found += self._as_number(lower)
        if self._networks:
            address = address_of(text)
            found += (number for number, network in self._networks if is_inside(address, network))
        return tuple(sorted(found))

    def _found_inside(self, text: str, lower: str) -> Iterator[int]:
        if self._automaton is None:
            return
        hits = {hit[0] for hit in self._automaton.find_matches_as_indexes(lower, overlapping=True)}
        for needle in (self._needles[hit] for hit in hits):
            yield from self._inside.get(needle, ())
            if text.isascii():
                yield from (number for number, check in self._guarded.get(needle, ()) if check(text, lower))
        if not text.isascii():
            # Beyond ASCII two characters may be equal without case though neither is the other's lower case
            # (the long s and s), which breaks the promise of needles.
            for checks in self._guarded.values():
                yield from (number for number, check in checks if check(text, lower))

    def _as_number(self, lower: str) -> Iterator[int]:
        value = number_of(lower)
        if value is None:
            return
        yield from self._number.get(value, ())
        yield from (number for number, is_so, bound in self._compare if is_so(value, bound))

    def _take(self, number: int, predicate: Predicate) -> None:
        text = predicate.text if predicate.is_cased else folded(predicate.text)
        match predicate.kind:
            case "equals":
                table = self._equal_cased if predicate.is_cased else self._equal
                table.setdefault(text, []).append(number)
            case "contains" | "startswith" | "endswith" if predicate.is_cased:
                self._guard(number, _cased(predicate.kind, text), needle=text.lower() if text.isascii() else "")
            case "contains":
                self._inside.setdefault(text, []).append(number)
            case "startswith":
                self._start.setdefault(len(text), {}).setdefault(text, []).append(number)
            case "endswith":
                self._end.setdefault(len(text), {}).setdefault(text, []).append(number)
            case "regex":
                # Not ``text``: the lower case of an escape is another escape.
                self._guard(number, _regex(predicate.text, is_cased=predicate.is_cased), needle=predicate.needle)
            case "number":
                self._number.setdefault(predicate.number, []).append(number)
            case "lt" | "lte" | "gt" | "gte":
                self._compare.append((number, _COMPARE[predicate.kind], predicate.number))
            case "cidr":
                self._networks.append((number, ip_network(predicate.text)))
            case "timepart":
                self._unguarded.append((number, _time(predicate.text, predicate.number)))
            case _:
                message = f"`{predicate.kind}` asks about a row, not about a text"
                raise AssertionError(message)

    def _guard(self, number: int, check: Check, *, needle: str) -> None:
        if needle:
            self._guarded.setdefault(needle, []).append((number, check))
        else:
            self._unguarded.append((number, check))


def _cased(kind: str, literal: str) -> Check:
    if kind == "startswith":
        return lambda text, _: text.startswith(literal)
    if kind == "endswith":
        return lambda text, _: text.endswith(literal)
    return lambda text, _: literal in text


def _regex(pattern: str, *, is_cased: bool) -> Check:
    search = compile_regex(pattern)
    if is_cased:
        return lambda text, _: search(text) is not None
    return lambda _, lower: search(lower) is not None


def _time(part: str, number: float) -> Check:
    return lambda text, _: time_part(text, part) == number
