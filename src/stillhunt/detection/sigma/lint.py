"""What is probably not meant as it is written: remarks on rules that run.

Every check states one thing that is certain about the rule, and says in a word why that is seldom wanted. Where it
cannot be certain it stays silent: a linter that cries wolf is switched off.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Literal

import yaml
from sigma.conditions import ConditionIdentifier, ConditionItem, ConditionSelector
from sigma.rule import SigmaRule

from stillhunt.detection.sigma.corpus import Corpus, Loaded
from stillhunt.detection.sigma.locate import Scalar, line_of_key, scalars
from stillhunt.kernel.program import Node, Predicate
from stillhunt.telemetry.logsource import CATEGORIES, CHANNELS_BY_SERVICE

__all__ = ["CHECKS", "Remark", "RemarkCode", "lint"]

RemarkCode = Literal[
    "unknown-log-source",
    "unused-detection",
    "value-type",
    "control-character",
    "backslash",
    "matches-nearly-all",
    "short-text",
    "regex-without-text",
    "same-condition",
    "missing-metadata",
]

CHECKS: dict[RemarkCode, str] = {
    "unknown-log-source": "a category or service that no Windows event belongs to: a slip of the pen, most often",
    "unused-detection": "a detection that the condition does not name",
    "value-type": "an unquoted value that YAML reads as something else than it looks like",
    "control-character": "an escape in double quotes that became an invisible character",
    "backslash": "a backslash that takes the meaning from the sign behind it, or of which two make one",
    "matches-nearly-all": "a condition that holds where nothing it asks for is there",
    "short-text": "a condition that one text of fewer than three letters satisfies, anywhere in a value",
    "regex-without-text": "a regular expression with no text to look for first: slow",
    "same-condition": "a rule that looks for the same as another",
    "missing-metadata": "a rule without id, level, status or date",
}
"""What each check looks for."""

_SHORTEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something about a rule that is probably not meant.

    Attributes:
        code: Which check.
        message: What is so, and why it matters.
        path: The rule's file, with line where there is one.
        id: The rule's id.
        title: Its title.
    """

    code: RemarkCode
    message: str
    path: str
    id: str
    title: str


def lint(corpus: Corpus) -> tuple[Remark, ...]:
    """Look over the rules that run; sorted by path, then by check."""
    remarks = [remark for loaded in corpus.rules for remark in _remarks(loaded)]
    remarks += _same_conditions(corpus.rules)
    order = list(CHECKS)
    return tuple(sorted(remarks, key=lambda r: (r.path.partition(":")[0], order.index(r.code), r.path, r.message)))


def _remarks(loaded: Loaded) -> Iterator[Remark]:
    for check in _RULE_CHECKS:
        for code, message, key in check(loaded):
            yield _remark(
                loaded, code, message, line=line_of_key(loaded.document.file.content, loaded.document.place, key)
            )
    for scalar in _detection_scalars(loaded):
        for code, message in _scalar_remarks(scalar):
            yield _remark(loaded, code, message, line=scalar.line)


def _remark(loaded: Loaded, code: RemarkCode, message: str, *, line: int | None) -> Remark:
    detector = loaded.rule.detector
    path = f"{detector.path}:{line}" if line else detector.path
    return Remark(code=code, message=message, path=path, id=detector.id, title=detector.title)


Said = Iterator[tuple[RemarkCode, str, tuple[str, ...]]]
"""(check, message, keys of the place in the document)."""


def _log_source(loaded: Loaded) -> Said:
    source = loaded.rule.source
    if source.product != "windows":
        return
    for key, name, known in (
        ("category", source.category, CATEGORIES),
        ("service", source.service, CHANNELS_BY_SERVICE),
    ):
        if name and name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            yield "unknown-log-source", f"no Windows event has the {key} `{name}`{hint}", ("logsource", key)


def _unused(loaded: Loaded) -> Said:
    defined = [str(name) for name in loaded.document.content["detection"] if name != "condition"]
    used = _used(loaded.sigma)
    for name in defined:
        if name not in used and not name.startswith("_") and name != "timeframe":
            yield "unused-detection", f"the condition does not name `{name}`", ("detection", name)


def _used(rule: SigmaRule) -> frozenset[str]:
    return frozenset(
        name
        for condition in rule.detection.parsed_condition
        for name in _identifiers(condition.parse(postprocess=False), rule)
    )


def _identifiers(tree: object, rule: SigmaRule) -> Iterator[str]:
    if isinstance(tree, ConditionIdentifier):
        yield tree.identifier
    elif isinstance(tree, ConditionSelector):
        for found in tree.resolve_referenced_detections(rule.detection):
            yield found.identifier
    elif isinstance(tree, ConditionItem):
        for part in tree.args:
            yield from _identifiers(part, rule)


def _breadth(loaded: Loaded) -> Said:
    condition = loaded.rule.condition
    place = ("detection", "condition")
    if _holds(condition, lambda _: False):
        yield "matches-nearly-all", "holds for every event that has nothing of what it asks about", place
        return
    short = sorted({p.text for p in _predicates(condition) if _is_short(p)})
    enough = [text for text in short if _holds(condition, partial(_asks_for, text=text))]
    if enough:
        also = f", and {len(enough) - 1} more as short as that" if len(enough) > 1 else ""
        yield "short-text", f"a value with `{enough[0]}` anywhere in it is enough to match{also}", place


def _is_short(predicate: Predicate) -> bool:
    """Say so of a text that many values hold; one letter of a foreign script can be rare enough."""
    return predicate.kind == "contains" and len(predicate.text) < _SHORTEST and predicate.text.isascii()


def _asks_for(predicate: Predicate, *, text: str) -> bool:
    return _is_short(predicate) and predicate.text == text


def _holds(node: Node, answer: Callable[[Predicate], bool]) -> bool:
    if node.kind == "test":
        return any(answer(predicate) for predicate in node.predicates)
    parts = (_holds(child, answer) for child in node.children)
    if node.kind == "not":
        return not any(parts)
    return all(parts) if node.kind == "and" else any(parts)


def _predicates(node: Node) -> Iterator[Predicate]:
    yield from node.predicates
    for child in node.children:
        yield from _predicates(child)


def _slow(loaded: Loaded) -> Said:
    unguarded = {p.text for p in _predicates(loaded.rule.condition) if p.kind == "regex" and not p.needle}
    for pattern in sorted(unguarded):
        if not _LITERAL.search(_NO_LITERAL.sub(" ", pattern)):
            yield "regex-without-text", f"`{pattern}` has no text to look for first: slow", ("detection",)


_NO_LITERAL = re.compile(r"\\.|\[[^\]]*\]|\{[^}]*\}|\(\?[a-zA-Z:]*")
_LITERAL = re.compile(rf"\w{{{_SHORTEST},}}")


def _metadata(loaded: Loaded) -> Said:
    missing = [key for key in ("id", "level", "status", "date") if not loaded.document.content.get(key)]
    if missing:
        yield "missing-metadata", f"says no {', no '.join(missing)}", ()


_RULE_CHECKS: tuple[Callable[[Loaded], Said], ...] = (_log_source, _unused, _breadth, _slow, _metadata)


def _same_conditions(rules: Iterable[Loaded]) -> Iterator[Remark]:
    first: dict[object, Loaded] = {}
    for loaded in rules:
        known = first.setdefault((loaded.rule.source, _shape(loaded.rule.condition)), loaded)
        if known is not loaded:
            detector = known.rule.detector
            message = f"looks for the same as `{detector.title}` in {detector.path}"
            yield _remark(loaded, "same-condition", message, line=None)


def _shape(node: Node) -> object:
    """Return what a condition asks, whatever its parts are called and in whatever order they stand."""
    if node.kind == "test":
        return frozenset(node.predicates)
    shapes = frozenset(_shape(child) for child in node.children)
    if node.kind != "not" and len(shapes) == 1:
        return next(iter(shapes))
    return node.kind, shapes


def _detection_scalars(loaded: Loaded) -> Iterable[Scalar]:
    document = loaded.document
    return scalars(document.file.content, document.place, "detection")


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ESCAPED = re.compile(r"(?<!\\)(?:\\\\)*\\[*?]")


_PATHS = ("Image", "ImageLoaded", "Filename", "FileName", "Directory", "Path")
"""Ends of the names of fields that hold a path of a file, in which neither sign can stand."""


def _scalar_remarks(scalar: Scalar) -> Iterator[tuple[RemarkCode, str]]:
    if scalar.keys[-1:] == ("condition",):
        return
    if not scalar.style and scalar.tag != "str":
        yield from _types(scalar)
    if scalar.style == '"' and _CONTROL.search(scalar.value.strip()):
        yield "control-character", f"an escape in double quotes became an invisible character in {scalar.value!r}"
    if scalar.tag == "str" and "|re" not in scalar.keys[-1]:
        yield from _backslashes(scalar)


def _types(scalar: Scalar) -> Iterator[tuple[RemarkCode, str]]:
    if scalar.tag == "bool" and scalar.value.lower() not in {"true", "false"}:
        yield "value-type", f"`{scalar.value}` without quotes is a truth value in YAML, not a text"
    elif scalar.tag in {"int", "float"} and not re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", scalar.value):
        yield "value-type", f"`{scalar.value}` without quotes is a number in YAML: {_read(scalar)}"


def _read(scalar: Scalar) -> object:
    return yaml.load(scalar.value, Loader=yaml.CSafeLoader)


def _backslashes(scalar: Scalar) -> Iterator[tuple[RemarkCode, str]]:
    field = scalar.keys[-1].partition("|")[0]
    if _ESCAPED.search(scalar.value) and field.endswith(_PATHS):
        yield "backslash", f"`{scalar.value}` asks for a `*` or `?` in a path; a wildcard needs `\\\\` before it"
    n_leading = len(scalar.value) - len(scalar.value.lstrip("\\"))
    is_keyword = len(scalar.keys) < 3
    is_start = not (is_keyword or "|contains" in scalar.keys[-1] or "|endswith" in scalar.keys[-1])
    if n_leading == 2 and is_start and scalar.value[2:3] not in {"", "*", "?"}:
        yield "backslash", f"the two backslashes that `{scalar.value}` begins with are one"
