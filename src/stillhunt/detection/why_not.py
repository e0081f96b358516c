"""Why a rule does not match an event: its log source, then every clause of its condition, tried one by one.

The kernel of a hunt answers, asked about each clause apart; here it is only said what the answers mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from stillhunt.detection.explain import WORDS, explain
from stillhunt.detection.judgement import Judgement, State, Tried
from stillhunt.detection.rule import LogSource, Rule
from stillhunt.kernel.network import address_of
from stillhunt.kernel.program import ROW_KINDS, Node, Part, Predicate, Program
from stillhunt.kernel.run import Batch, Memory
from stillhunt.kernel.text import folded, number_of
from stillhunt.telemetry.event import EventBatch, EventClass

__all__ = ["event_words", "judge"]

_VALUES_KEPT = 20
"""Values of one field that are shown; only lists of unnamed data have more than one."""

_PREDICATES_TRIED = 50
"""Of a clause that stands for many texts, those that near-misses are looked for with."""

_SHORTEST_ELSEWHERE = 4
"""Shorter texts are met in other fields by chance."""


def judge(rule: Rule, event: EventBatch) -> Judgement:
    """Say why a rule matches an event or does not.

    Args:
        rule: The rule.
        event: A batch with this event alone.
    """
    assert event.data.num_rows == 1
    table = _table(event, [rule.condition])
    part = table.part(0)
    would_hold = table.holds(part, 0)
    is_in_scope = rule.source.covers(event.event_class)
    blamed = list(_blamed(table, part)) if is_in_scope and not would_hold else []
    near = _near_misses(event, table, blamed)
    return Judgement(
        detector=rule.detector,
        is_match=is_in_scope and would_hold,
        is_in_scope=is_in_scope,
        wanted=str(rule.source),
        event=event_words(event.event_class),
        scope=tuple(_disagreements(rule.source, event.event_class)),
        would_hold=would_hold,
        condition=_tried(table, part, near) if is_in_scope else _unreached(table, part),
        failed=tuple(_tried(table, each, near) for each in blamed),
        matched=explain(table, part, 0) if is_in_scope and would_hold else None,
    )


def event_words(event_class: EventClass) -> str:
    """Say what kind of event it is.

    >>> event_words(EventClass(product="windows", services=frozenset({"system"}), channel="System", event_id="7045"))
    'windows/system, System event 7045'
    """
    origin = " event ".join(part for part in (event_class.channel, event_class.event_id) if part)
    return f"{event_class.name}, {origin}" if origin else event_class.name


def _disagreements(source: LogSource, event_class: EventClass) -> Iterator[str]:
    for part, wanted, found in (
        ("product", source.product, {event_class.product}),
        ("category", source.category, event_class.categories),
        ("service", source.service, event_class.services),
    ):
        if wanted and wanted not in found:
            own = " and ".join(f"`{name}`" for name in sorted(found))
            yield f"the rule is about the {part} `{wanted}`, the event is of {own or f'no {part}'}"


def _table(event: EventBatch, conditions: Sequence[Node]) -> Batch:
    program = Program(conditions)
    scope = program.scope(range(len(conditions)))
    return Batch(event.data, Memory(program), scope, keyword_fields=event.native_names)


def _tried(table: Batch, part: Part, near: dict[int, tuple[str, ...]]) -> Tried:
    state: State = "held" if table.holds(part, 0) else "failed"
    if part.kind != "test":
        children = tuple(_tried(table, child, near) for child in part.children)
        return Tried(kind=part.kind, label=part.label or WORDS[part.kind], state=state, children=children)
    field = table.predicate(part.tests[0]).field
    if field is None:
        values = [text for number in part.tests for _, text in table.texts(number, 0)]
        return Tried(
            kind="keyword", label=part.label, state=state, values=tuple(values[:1]), near=near.get(id(part), ())
        )
    values = _values(table, field)
    return Tried(
        kind="field",
        label=part.label,
        state=state,
        field=field,
        values=tuple(values[:_VALUES_KEPT]),
        has_field=bool(values),
        near=near.get(id(part), ()),
    )


def _unreached(table: Batch, part: Part) -> Tried:
    if part.kind != "test":
        children = tuple(_unreached(table, child) for child in part.children)
        return Tried(kind=part.kind, label=part.label or WORDS[part.kind], state="not reached", children=children)
    field = table.predicate(part.tests[0]).field
    return Tried(kind="keyword" if field is None else "field", label=part.label, state="not reached", field=field or "")


def _values(table: Batch, field: str) -> list[str]:
    column = table.column(field)
    return column.values(0) if column else []


def _blamed(table: Batch, part: Part) -> Iterator[Part]:
    """Yield the clauses that a part which failed failed for; of a negation, which held what it forbids, itself."""
    if part.kind in {"test", "not"}:
        yield part
        return
    for child in part.children:
        if not table.holds(child, 0):
            yield from _blamed(table, child)


# --- Near-misses ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variant:
    """A question a little different from a clause's, and what it means if the answer is yes.

    Attributes:
        part: Identity of the clause.
        predicate: The question; about all fields to learn which of them it holds for.
        words: What to say; empty to name the fields.
    """

    part: int
    predicate: Predicate
    words: str = ""


def _near_misses(event: EventBatch, table: Batch, blamed: Sequence[Part]) -> dict[int, tuple[str, ...]]:
    """Return for each clause how the event came close to it."""
    leaves = [part for part in blamed if part.kind == "test"]
    said: dict[int, dict[str, None]] = {id(part): dict.fromkeys(_plain_reasons(table, part)) for part in leaves}
    variants = [variant for part in leaves for variant in _variants(table, part)]
    if variants:
        nodes = [Node(kind="test", predicates=(variant.predicate,)) for variant in variants]
        asked = _table(event, nodes)
        for number, variant in enumerate(variants):
            part = asked.part(number)
            if not asked.holds(part, 0):
                continue
            words = [variant.words] if variant.words else _places(asked, part)
            said[variant.part].update(dict.fromkeys(words))
    return {part: tuple(words) for part, words in said.items()}


def _places(asked: Batch, part: Part) -> list[str]:
    fields = dict.fromkeys(field for field, _ in asked.texts(part.tests[0], 0))
    return [f"the field `{field}` has it" for field in fields]


def _variants(table: Batch, part: Part) -> Iterator[_Variant]:
    for number in part.tests[:_PREDICATES_TRIED]:
        predicate = table.predicate(number)
        if predicate.kind in ROW_KINDS:
            continue
        if predicate.is_cased:
            yield _Variant(
                part=id(part), predicate=_uncased(predicate), words="the value differs only in upper and lower case"
            )
        if predicate.kind in _ONLY_PART and predicate.text:
            part_of = replace(predicate, kind="contains")
            yield _Variant(part=id(part), predicate=part_of, words=_ONLY_PART[predicate.kind])
        if predicate.field is not None and _is_telling(predicate):
            yield _Variant(part=id(part), predicate=replace(predicate, field=None))


_ONLY_PART = {
    "equals": "the value contains it, but is more than that",
    "startswith": "the value contains it, but does not begin with it",
    "endswith": "the value contains it, but does not end with it",
}


def _uncased(predicate: Predicate) -> Predicate:
    if predicate.kind == "regex":
        return replace(predicate, text=f"(?i){predicate.text}", needle="")
    return replace(predicate, text=folded(predicate.text), is_cased=False)


def _is_telling(predicate: Predicate) -> bool:
    """Tell whether meeting it in another field means anything."""
    if predicate.kind == "cidr":
        return True
    is_text = predicate.kind in {"equals", "contains", "startswith", "endswith", "regex"}
    return is_text and len(predicate.text) >= _SHORTEST_ELSEWHERE


def _plain_reasons(table: Batch, part: Part) -> Iterator[str]:
    """Yield what is plain from the event's fields, without another question."""
    predicate = table.predicate(part.tests[0])
    if predicate.field is None:
        return
    values = _values(table, predicate.field)
    if not values:
        yield from (
            f"the event has the field `{name}`, whose name differs only in upper and lower case"
            for name in table.keyword_fields
            if name.lower() == predicate.field.lower() and name != predicate.field and _values(table, name)
        )
    elif predicate.kind == "null":
        yield "the rule asks for no value"
    elif predicate.kind in _NUMERIC and all(number_of(value.lower()) is None for value in values):
        yield "the value is no number"
    elif predicate.kind == "cidr" and all(address_of(value) is None for value in values):
        yield "the value is no address"
    if predicate.kind == "fieldref":
        others = _values(table, predicate.text)
        yield f"`{predicate.text}` is {others[0]}" if others else f"the event has no field `{predicate.text}`"


_NUMERIC = frozenset({"number", "lt", "lte", "gt", "gte"})
