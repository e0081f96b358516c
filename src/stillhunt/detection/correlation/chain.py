"""Which correlation refers to which: in what order they run, and which fields of which rule's events they need."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from stillhunt.detection.correlation.model import Correlation
from stillhunt.errors import RuleError

__all__ = ["MOST_PATHS", "Linked", "field_of", "link", "needed_fields", "silent_rules"]

MOST_PATHS = 1_000
"""Ways from a correlation down to rules; each brings all matches of its rule."""

_ALTER = "let it refer to rules, or to correlations that do not refer to it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """Correlations sorted out.

    Attributes:
        correlations: Those that can run, each after all that it refers to, else in the order given.
        refused: The others, in the order given, with the reason.
    """

    correlations: tuple[Correlation, ...]
    refused: tuple[tuple[Correlation, RuleError], ...]


def link(correlations: Sequence[Correlation], known: Collection[str] | None = None) -> Linked:
    """Bring correlations into the order in which they can run.

    Args:
        correlations: With different detector ids.
        known: Detector ids of the rules that can run; if None, all that are named.
    """
    waiting = {one.detector.id: one for one in correlations}
    refused: dict[str, RuleError] = {}
    placed: dict[str, Correlation] = {}
    n_paths: dict[str, int] = {}
    while ready := [one for one in waiting.values() if not waiting.keys() & set(one.rules)]:
        for one in ready:
            del waiting[one.detector.id]
            n_paths[one.detector.id] = sum(n_paths.get(rule, 1) for rule in one.rules)
            error = _fault(one, refused, placed, known) or _excess(one, n_paths[one.detector.id])
            if error:
                refused[one.detector.id] = error
            else:
                placed[one.detector.id] = one
    refused |= {name: _circle(one, waiting) for name, one in waiting.items()}
    left_out = tuple((one, refused[one.detector.id]) for one in correlations if one.detector.id in refused)
    return Linked(correlations=tuple(placed.values()), refused=left_out)


def needed_fields(correlations: Sequence[Correlation]) -> dict[str, tuple[str, ...]]:
    """Return for every rule at the bottom of a chain the fields that occurrences of it must have, sorted.

    Args:
        correlations: All of them, each after those it refers to, as :func:`link` returns them.
    """
    by_id = {one.detector.id: one for one in correlations}
    paths: dict[str, list[tuple[str, ...]]] = {}
    needed: dict[str, set[str]] = {}
    for one in correlations:
        below = [(rule, *path) for rule in one.rules for path in paths.get(rule, [()])]
        paths[one.detector.id] = below
        for path in below:
            names = (*one.group_by, *one.fields)
            needed.setdefault(path[-1], set()).update(field_of(one, path, name, by_id=by_id) for name in names)
    return {rule: tuple(sorted(fields)) for rule, fields in sorted(needed.items())}


def silent_rules(correlations: Iterable[Correlation]) -> frozenset[str]:
    """Return the detector ids whose matches are no findings of their own: parts of correlations, and nothing else.

    A rule or correlation that others refer to is a part of them, unless one of them says ``generate``.
    """
    told = {one.detector.id: one for one in correlations}.values()
    spoken = {rule for one in told if one.generate for rule in one.rules}
    return frozenset(rule for one in told for rule in one.rules if rule not in spoken)


def field_of(correlation: Correlation, path: Sequence[str], name: str, *, by_id: Mapping[str, Correlation]) -> str:
    """Return the field of a rule's events that a name in a correlation means.

    An alias may name the rule itself or a correlation on the way to it, the nearest counts; below a correlation
    its own aliases are in force. What is no alias is a field.

    Args:
        correlation: Where the name stands.
        path: Detector ids from what the correlation refers to down to the rule.
        name: A field or alias.
        by_id: All correlations.
    """
    place = 0
    while True:
        fields = next((dict(alias.fields) for alias in correlation.aliases if alias.name == name), {})
        found = next((p for p in range(place, len(path)) if path[p] in fields), None)
        if found is not None:
            place, name = found, fields[path[found]]
        if place == len(path) - 1:
            return name
        correlation = by_id[path[place]]
        place += 1


def _fault(
    one: Correlation, refused: Collection[str], placed: Collection[str], known: Collection[str] | None
) -> RuleError | None:
    for rule in one.rules:
        if rule in refused:
            return RuleError(f"refers to the correlation `{rule}`, which cannot run", hint="correct that one first")
        if known is not None and rule not in known and rule not in placed:
            return RuleError(f"refers to `{rule}`, which is none of the rules that run", hint="give that rule as well")
    return None


def _excess(one: Correlation, n_paths: int) -> RuleError | None:
    if n_paths <= MOST_PATHS:
        return None
    message = f"refers to rules by {n_paths:,} ways through other correlations, more than {MOST_PATHS:,}"
    return RuleError(message, where=one.detector.path, hint="refer to the rules themselves")


def _circle(one: Correlation, waiting: Mapping[str, Correlation]) -> RuleError:
    """Say why a correlation never becomes ready: it is part of a circle, or above one."""
    walked = list(dict.fromkeys(_walk(one, waiting)))
    *_, end = walked
    again = _next(waiting[end], waiting)
    circle = " → ".join(f"`{name}`" for name in [*walked[walked.index(again) :], again])
    if again == one.detector.id:
        return RuleError(f"refers to itself in a circle: {circle}", where=one.detector.path, hint=_ALTER)
    return RuleError(f"refers to correlations in a circle: {circle}", where=one.detector.path, hint=_ALTER)


def _walk(one: Correlation, waiting: Mapping[str, Correlation]) -> Iterator[str]:
    name = one.detector.id
    for _ in waiting:
        yield name
        name = _next(waiting[name], waiting)


def _next(one: Correlation, waiting: Mapping[str, Correlation]) -> str:
    return next(rule for rule in one.rules if rule in waiting)
