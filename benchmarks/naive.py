"""The obvious way to run Sigma rules: every rule of an event's log source, one event at a time, in plain Python.

What the benchmark of rules is compared with where no other tool is at hand. It takes the same compiled conditions,
so that only the way of running them differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from ipaddress import ip_network

from stillhunt.detection.rule import Rule
from stillhunt.kernel.network import address_of, is_inside
from stillhunt.kernel.program import Node, Predicate
from stillhunt.kernel.text import compile_regex, folded, number_of
from stillhunt.telemetry.event import EventBatch

__all__ = ["matches"]

Event = dict[str, list[str]]
Test = Callable[[Event], bool]

_LITERAL: dict[str, Callable[[str, str], bool]] = {
    "equals": lambda text, sought: text == sought,
    "contains": lambda text, sought: sought in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "lt": lambda one, other: one < other,
    "lte": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "gte": lambda one, other: one >= other,
    "number": lambda one, other: one == other,
}


def matches(rules: Sequence[Rule], batches: Iterable[EventBatch]) -> Iterator[tuple[int, int]]:
    """Yield for each event the number of rules tried and of those that matched."""
    tests = [(rule.source, condition(rule.condition)) for rule in rules]
    for batch in batches:
        chosen = [test for source, test in tests if source.covers(batch.event_class)]
        for row in batch.data.to_pylist():
            event = {
                name: value if isinstance(value, list) else [value]
                for name, value in row.items()
                if isinstance(value, (str, list))
            }
            yield len(chosen), sum(test(event) for test in chosen)


def condition(node: Node) -> Test:
    parts = [condition(child) for child in node.children]
    if node.kind == "and":
        return lambda event: all(part(event) for part in parts)
    if node.kind == "or":
        return lambda event: any(part(event) for part in parts)
    if node.kind == "not":
        return lambda event: not parts[0](event)
    asked = [question(predicate) for predicate in node.predicates]
    return lambda event: any(ask(event) for ask in asked)


def question(predicate: Predicate) -> Test:
    field = predicate.field
    match predicate.kind:
        case "null":
            return lambda event: not any(values(event, field))
        case "exists":
            return lambda event: bool(values(event, field))
        case "present":
            return lambda event: any(values(event, field))
        case "fieldref":
            compare = _LITERAL[predicate.how]
            return lambda event: any(
                compare(folded(one), folded(other))
                for one in values(event, field)
                for other in values(event, predicate.text)
            )
    ask = of_text(predicate)
    return lambda event: any(ask(text) for text in values(event, field))


def of_text(predicate: Predicate) -> Callable[[str], bool]:
    fold: Callable[[str], str] = str if predicate.is_cased else folded
    if predicate.kind in _LITERAL:
        compare, sought = _LITERAL[predicate.kind], predicate.text
        return lambda text: compare(fold(text), sought)
    if predicate.kind == "regex":
        search = compile_regex(predicate.text)
        return lambda text: bool(search(fold(text)))
    if predicate.kind == "cidr":
        network = ip_network(predicate.text)
        return lambda text: is_inside(address_of(text), network)
    compared = _COMPARED.get(predicate.kind)
    if compared is None:
        return lambda _: False  # parts of times: no rule of the corpus asks for one

    def number(text: str) -> bool:
        found = number_of(text)
        return found is not None and compared(found, predicate.number)

    return number


def values(event: Event, field: str | None) -> list[str]:
    if field is not None:
        return event.get(field, [])
    return [text for name, texts in event.items() if "." not in name for text in texts]
