"""A STIX 2.1 pattern to a condition on one event.

Within one observation, ``AND``, ``OR``, ``NOT`` and every comparison are compiled; observations joined by ``OR`` too.
What needs several events (``AND`` and ``FOLLOWEDBY`` between observations, ``WITHIN``, ``REPEATS``, ``START``) is
refused with its reason: an event by itself cannot answer it.

Source: OASIS STIX 2.1, section 9, Stix Patterning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stillhunt.errors import RuleError
from stillhunt.kernel.program import Node, Predicate, PredicateKind

__all__ = ["Field", "Fields", "compile_pattern"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Where an event holds what a path of a pattern speaks of.

    Attributes:
        name: Name of the column.
        how: ``equals``: the column is the value; ``contains``: it holds ``prefix`` and the value among others;
            ``endswith``: it ends with ``prefix`` and the value.
        prefix: Text that stands before the value there.
        is_cased: Whether case counts.
    """

    name: str
    how: PredicateKind = "equals"
    prefix: str = ""
    is_cased: bool = False


Fields = Callable[[str], Sequence[Field]]
"""Path of a pattern, such as ``ipv4-addr:value``, to where events may hold it; nowhere: an empty sequence."""

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<stamp>t'[^']*')
  | (?P<number>[+-]?\d+(?:[.]\d+)?)
  | (?P<path>[A-Za-z][A-Za-z0-9-]*:[A-Za-z0-9_'\-.*\[\]]+)
  | (?P<word>[A-Za-z]+)
  | (?P<sign><=|>=|!=|==|[=<>\[\](),])
  )""",
    re.VERBOSE,
)
_ORDER: dict[str, PredicateKind] = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_SEVERAL = frozenset({"AND", "FOLLOWEDBY", "WITHIN", "REPEATS", "START"})
_DEEP = 50
"""Brackets within brackets; more are nobody's pattern."""


def compile_pattern(pattern: str, fields: Fields) -> Node:
    """Return the condition that a pattern puts on one event.

    Args:
        pattern: Such as ``[domain-name:value = 'evil.example']``.
        fields: Where events hold what a path speaks of.

    Raises:
        RuleError: It is no pattern, needs several events, or no log has what it asks for.
    """
    return _Parser(pattern, fields).parse()


class _Parser:
    def __init__(self, pattern: str, fields: Fields) -> None:
        self._pattern = pattern
        self._fields = fields
        self._tokens = self._split()
        self._place = 0
        self._depth = 0

    def parse(self) -> Node:
        node = self._observations()
        if self._place < len(self._tokens):
            text = self._tokens[self._place][1]
            if text.upper() in _SEVERAL:
                raise self._refusal(f"`{text.upper()}` asks for several events")
            raise self._refusal(f"`{text}` is not expected there")
        return node

    def _split(self) -> list[tuple[str, str]]:
        found, at = [], 0
        text = self._pattern.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or match.end() == at:
                raise self._refusal(f"`{text[at : at + 20]}` is no part of a pattern")
            kind = match.lastgroup or ""
            # A path may take the bracket that closes the observation: `[file:size]` has none within.
            token = match[kind]
            end = match.end()
            if kind == "path":
                kept = _balanced(token)
                end -= len(token) - len(kept)
                token = kept
            found.append((kind, token))
            at = end
        return found

    def _observations(self) -> Node:
        nodes = [self._observation()]
        while self._word() == "OR":
            self._place += 1
            nodes.append(self._observation())
        return nodes[0] if len(nodes) == 1 else Node(kind="or", children=tuple(nodes))

    def _observation(self) -> Node:
        if self._sign("("):
            node = self._within(self._observations)
            self._expect(")")
            return node
        self._expect("[")
        node = self._either()
        self._expect("]")
        return node

    def _within(self, inner: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > _DEEP:
            raise self._refusal(f"more than {_DEEP} brackets lie within each other")
        node = inner()
        self._depth -= 1
        return node

    def _either(self) -> Node:
        return self._joined("OR", "or", self._both)

    def _both(self) -> Node:
        return self._joined("AND", "and", self._comparison)

    def _joined(self, word: str, kind: str, inner: Callable[[], Node]) -> Node:
        nodes = [inner()]
        while self._word() == word:
            self._place += 1
            nodes.append(inner())
        if len(nodes) == 1:
            return nodes[0]
        return Node(kind="or" if kind == "or" else "and", children=tuple(nodes))

    def _comparison(self) -> Node:
        if self._sign("("):
            node = self._within(self._either)
            self._expect(")")
            return node
        if self._word() == "NOT":
            self._place += 1
            return Node(kind="not", children=(self._comparison(),))
        if self._word() == "EXISTS":
            self._place += 1
            path = self._take("path")
            return self._test(path, "EXISTS", lambda f: Predicate(field=f.name, kind="exists"))
        path = self._take("path")
        is_not = self._word() == "NOT"
        self._place += is_not
        kind, operator = self._next()
        node = self._compared(path, operator.upper() if kind == "word" else operator)
        if not is_not and operator != "!=":
            return node
        there = self._test(path, "is there", lambda f: Predicate(field=f.name, kind="exists"))
        negated = node if is_not and operator == "!=" else Node(kind="not", children=(node,))
        return Node(kind="and", children=(there, negated))

    def _compared(self, path: str, operator: str) -> Node:
        if operator in {"=", "==", "!="}:
            kind, value = self._value()
            return self._test(path, f"= {value}", lambda f: _equals(f, kind, value))
        if operator in _ORDER:
            number = float(self._take("number"))
            return self._test(
                path, f"{operator} {number}", lambda f: Predicate(field=f.name, kind=_ORDER[operator], number=number)
            )
        if operator == "IN":
            values = self._values()
            tests = [_equals(f, kind, value) for kind, value in values for f in self._known(path)]
            return Node(kind="test", label=f"{path} IN {len(values)} values", predicates=tuple(tests))
        if operator in {"LIKE", "MATCHES"}:
            _, value = self._value()
            regex = _like(value) if operator == "LIKE" else value
            return self._test(path, f"{operator} {value}", lambda f: _matches(f, regex))
        if operator == "ISSUBSET":
            _, value = self._value()
            return self._test(path, f"ISSUBSET {value}", lambda f: Predicate(field=f.name, kind="cidr", text=value))
        raise self._refusal(f"the comparison `{operator}` is not known")

    def _test(self, path: str, label: str, predicate: Callable[[Field], Predicate]) -> Node:
        return Node(kind="test", label=f"{path} {label}", predicates=tuple(predicate(f) for f in self._known(path)))

    def _known(self, path: str) -> Sequence[Field]:
        found = self._fields(path)
        if not found:
            raise self._refusal(f"no log that is read has `{path}`")
        return found

    def _values(self) -> list[tuple[str, str]]:
        self._expect("(")
        found = [self._value()]
        while self._sign(","):
            found.append(self._value())
        self._expect(")")
        return found

    def _value(self) -> tuple[str, str]:
        kind, text = self._next()
        if kind == "string":
            return kind, re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "number" or (kind == "word" and text.casefold() in {"true", "false"}):
            return kind, text
        raise self._refusal(f"`{text}` is no value that can be compared")

    def _word(self) -> str:
        if self._place < len(self._tokens) and self._tokens[self._place][0] == "word":
            return self._tokens[self._place][1].upper()
        return ""

    def _sign(self, sign: str) -> bool:
        is_there = self._place < len(self._tokens) and self._tokens[self._place] == ("sign", sign)
        self._place += is_there
        return is_there

    def _expect(self, sign: str) -> None:
        if not self._sign(sign):
            found = f"`{self._tokens[self._place][1]}`" if self._place < len(self._tokens) else "the end"
            raise self._refusal(f"`{sign}` is expected, not {found}")

    def _take(self, wanted: str) -> str:
        kind, text = self._next()
        if kind != wanted:
            raise self._refusal(f"a {wanted} is expected, not `{text}`")
        return text

    def _next(self) -> tuple[str, str]:
        if self._place >= len(self._tokens):
            raise self._refusal("it ends too early")
        self._place += 1
        return self._tokens[self._place - 1]

    def _refusal(self, reason: str) -> RuleError:
        return RuleError(f"the pattern cannot be hunted for: {reason}", where=self._pattern[:200])


def _balanced(path: str) -> str:
    """Cut a path before a bracket that it did not open."""
    depth = 0
    for place, letter in enumerate(path):
        depth += (letter == "[") - (letter == "]")
        if depth < 0:
            return path[:place]
    return path


def _equals(field: Field, kind: str, value: str) -> Predicate:
    if kind == "number" and field.how == "equals":
        return Predicate(field=field.name, kind="number", number=float(value))
    return Predicate(field=field.name, kind=field.how, text=field.prefix + value, is_cased=field.is_cased)


def _matches(field: Field, regex: str) -> Predicate:
    return Predicate(field=field.name, kind="regex", text=regex, is_cased=True)


def _like(value: str) -> str:
    """Return a regular expression that is what ``LIKE`` asks for: ``%`` for any text, ``_`` for any letter."""
    parts = {"%": "(?s:.*)", "_": "(?s:.)"}
    return "^" + "".join(parts.get(letter) or re.escape(letter) for letter in value) + r"\z"
