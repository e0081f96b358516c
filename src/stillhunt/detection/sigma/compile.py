"""A Sigma rule, as pySigma reads it, to a condition for the kernel.

Source of the semantics: Sigma specification 2.1 (rules, modifiers) and pySigma 2.0.1, whose parser is the
rule of record. Where both are silent: text is compared without case, by lower case on both sides; ``null``
is a field that is missing or empty; a number equals text that writes it in decimal or as ``0x…``; an IPv4 address
or network in IPv6 form is the IPv4 one; a condition given as a list holds if any of its entries does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network

from sigma.conditions import (
    ConditionAND,
    ConditionIdentifier,
    ConditionNOT,
    ConditionOR,
    ConditionSelector,
)
from sigma.modifiers import SigmaWideModifier, modifier_mapping, reverse_modifier_mapping
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaRule
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
)

from stillhunt.errors import RuleError
from stillhunt.kernel.program import Node, NodeKind, Predicate, PredicateKind
from stillhunt.kernel.text import Wildcard, compile_regex, folded, needle_of, wildcard_regex

__all__ = ["compile_item", "compile_rule"]

# The specification's own name of the modifier, for which `wide` is an alias; pySigma 2.0.1 knows the alias alone.
modifier_mapping.setdefault("utf16le", SigmaWideModifier)

_COMPARE: dict[CompareOperators, PredicateKind] = {
    CompareOperators.LT: "lt",
    CompareOperators.LTE: "lte",
    CompareOperators.GT: "gt",
    CompareOperators.GTE: "gte",
}

_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}


def compile_rule(rule: SigmaRule) -> Node:
    """Compile what a rule detects.

    Raises:
        RuleError: The rule asks for what stillhunt cannot do.
        SigmaError: A condition cannot be parsed, or names what the rule does not define.
    """
    named = {name: _named(name, detection) for name, detection in rule.detection.detections.items()}
    parsed = [condition.parse(postprocess=False) for condition in rule.detection.parsed_condition]
    return _joined("or", [_condition(tree, rule, named) for tree in parsed])


def _condition(tree: object, rule: SigmaRule, named: dict[str, Node]) -> Node:
    match tree:
        case ConditionSelector():
            chosen = [named[i.identifier] for i in tree.resolve_referenced_detections(rule.detection)]
            if not chosen:
                raise RuleError(f"`{' of '.join(tree.args)}` in the condition names no detection")
            return _joined("or" if tree.cond_class is ConditionOR else "and", chosen)
        case ConditionIdentifier():
            if tree.identifier not in named:
                raise RuleError(f"the condition names `{tree.identifier}`, which the rule does not define")
            return named[tree.identifier]
        case ConditionNOT():
            return Node(kind="not", children=(_condition(tree.args[0], rule, named),))
        case ConditionAND() | ConditionOR():
            parts = [_condition(part, rule, named) for part in tree.args]
            return _joined("and" if isinstance(tree, ConditionAND) else "or", parts)
        case _:
            raise RuleError(f"`{type(tree).__name__}` in the condition is not supported")


def _named(name: str, detection: SigmaDetection) -> Node:
    """Compile a detection under its name, which stays visible in explanations."""
    node = _detection(detection)
    if node.kind in {"and", "or"} and not node.label:
        return Node(kind=node.kind, label=name, children=node.children)
    return Node(kind="and", label=name, children=(node,))


def _detection(detection: SigmaDetection) -> Node:
    parts = [compile_item(i) if isinstance(i, SigmaDetectionItem) else _detection(i) for i in detection.detection_items]
    return _joined("or" if detection.item_linking is ConditionOR else "and", parts)


def compile_item(item: SigmaDetectionItem) -> Node:
    """Compile one line of a detection: a field with its modifiers and values.

    Raises:
        RuleError: It asks for what stillhunt cannot do.
    """
    modifiers = [reverse_modifier_mapping[modifier.__name__] for modifier in item.modifiers]
    key = "|".join([item.field or "", *modifiers]) if item.field or modifiers else "keyword"
    values: Sequence[SigmaType] = item.value or [SigmaNull()]
    written = item.original_value if item.original_value and len(item.original_value) == len(values) else values
    leaves = [
        _leaf(item.field, value, label=f"{key}: {_as_written(as_written)}", modifiers=frozenset(modifiers))
        for value, as_written in zip(values, written, strict=True)
    ]
    node = _joined("or" if item.value_linking is ConditionOR else "and", leaves, label=key)
    return Node(kind="not", label=node.label, children=(node,)) if item.negated else node


def _joined(kind: NodeKind, parts: Sequence[Node], *, label: str = "") -> Node:
    return parts[0] if len(parts) == 1 else Node(kind=kind, label=label, children=tuple(parts))


def _leaf(field: str | None, value: SigmaType, *, label: str, modifiers: frozenset[str]) -> Node:
    if isinstance(value, SigmaExists):
        leaf = Node(kind="test", label=label, predicates=(Predicate(field=field, kind="exists"),))
        return leaf if value.exists else Node(kind="not", label=label, children=(leaf,))
    return Node(kind="test", label=label, predicates=tuple(_predicates(field, value, modifiers)))


def _predicates(field: str | None, value: SigmaType, modifiers: frozenset[str]) -> Iterable[Predicate]:
    """Compile one value; several predicates where a modifier made several texts of it."""
    match value:
        case SigmaExpansion():
            for part in value.values:
                yield from _predicates(field, part, modifiers)
        case SigmaString():
            # Not by the type of the text: pySigma's other modifiers lose it where they come after `cased`.
            yield _string(field, value, is_cased="cased" in modifiers)
        case SigmaTimestampPart():
            yield Predicate(field=field, kind="timepart", text=value.timestamp_part.name.lower(), number=value.number)
        case SigmaNumber() if field is None:
            yield Predicate(field=None, kind="contains", text=str(value.number))
        case SigmaNumber():
            yield Predicate(field=field, kind="number", number=value.number)
        case SigmaBool():
            kind: PredicateKind = "equals" if field else "contains"
            yield Predicate(field=field, kind=kind, text=str(value.boolean).lower())
        case SigmaRegularExpression():
            yield _regex(field, value, modifiers)
        case SigmaCIDRExpression():
            yield Predicate(field=field, kind="cidr", text=str(_network(value.network)))
        case SigmaCompareExpression() if value.op in _COMPARE:
            yield Predicate(field=field, kind=_COMPARE[value.op], number=value.number.number)
        case SigmaFieldReference() if field is None:
            raise RuleError("a keyword cannot be a field reference: compare two fields")
        case SigmaFieldReference():
            yield Predicate(field=field, kind="fieldref", text=value.field, how=_how(value))
        case SigmaNull() if field is None:
            raise RuleError("a keyword cannot be null: ask a field for it")
        case SigmaNull():
            yield Predicate(field=field, kind="null")
        case _:
            raise RuleError(f"a value of kind `{type(value).__name__}` is not supported here")


def _string(field: str | None, value: SigmaString, *, is_cased: bool) -> Predicate:
    parts = [_part(part) for part in value.s]
    # A keyword may stand anywhere in a field, so its ends are as good as wildcards.
    is_start = field is not None and parts[:1] != [Wildcard.ANY]
    is_end = field is not None and parts[-1:] != [Wildcard.ANY]
    while parts and parts[0] is Wildcard.ANY:
        parts.pop(0)
    while parts and parts[-1] is Wildcard.ANY:
        parts.pop()
    if not parts:
        return Predicate(field=field, kind="equals" if is_start else "present")
    if len(parts) == 1 and isinstance(parts[0], str):
        kind = _KIND_BY_ENDS[is_start, is_end]
        return Predicate(field=field, kind=kind, text=parts[0] if is_cased else folded(parts[0]), is_cased=is_cased)
    if not is_cased:
        parts = [folded(part) if isinstance(part, str) else part for part in parts]
    needle = max((part.lower() for part in parts if isinstance(part, str) and part.isascii()), key=len, default="")
    pattern = wildcard_regex(parts, is_start=is_start, is_end=is_end)
    return Predicate(field=field, kind="regex", text=pattern, is_cased=is_cased, needle=needle)


_KIND_BY_ENDS: dict[tuple[bool, bool], PredicateKind] = {
    (True, True): "equals",
    (True, False): "startswith",
    (False, True): "endswith",
    (False, False): "contains",
}


def _part(part: str | SpecialChars | Placeholder) -> str | Wildcard:
    if isinstance(part, Placeholder):
        raise RuleError(f"placeholder `%{part.name}%` has no list of values")
    if isinstance(part, SpecialChars):
        return Wildcard.ANY if part is SpecialChars.WILDCARD_MULTI else Wildcard.ONE
    return part


def _regex(field: str | None, value: SigmaRegularExpression, modifiers: frozenset[str]) -> Predicate:
    if not isinstance(value.regexp, SigmaString):
        # YAML read it as a number or a truth value, and pySigma lets it pass.
        raise RuleError(f"a regular expression is text: put `{value.regexp}` in quotes")
    pattern = "".join(_plain(part) for part in value.regexp.s)
    flags = "".join(sorted(_FLAGS[flag] for flag in value.flags))
    flagged = f"(?{flags}){pattern}" if flags else pattern
    try:
        compile_regex(flagged)
    except ValueError as error:
        raise RuleError(f"regular expression `{pattern}` cannot run in linear time: {error}") from error
    needle = needle_of(flagged)
    # pySigma writes both as if an expression always had to match the whole text, which a search does not.
    if "startswith" in modifiers:
        flagged = rf"\A(?:{flagged})"
    if "endswith" in modifiers:
        flagged = rf"(?:{flagged})\z"
    return Predicate(field=field, kind="regex", text=flagged, is_cased=True, needle=needle)


def _plain(part: str | SpecialChars | Placeholder) -> str:
    """Write a part of a regular expression, which pySigma keeps as if it were text with wildcards."""
    written = _part(part)
    if isinstance(written, Wildcard):
        return "*" if written is Wildcard.ANY else "?"
    return written


def _network(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """Return the IPv4 network that one in IPv6 form stands for, since addresses in that form are read so too."""
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    return IPv4Network((mapped, network.prefixlen - 96)) if mapped and network.prefixlen >= 96 else network


def _how(value: SigmaFieldReference) -> str:
    if value.starts_with and value.ends_with:
        return "contains"
    if value.starts_with:
        return "startswith"
    return "endswith" if value.ends_with else "equals"


def _as_written(value: SigmaType) -> str:
    match value:
        case SigmaString():
            return value.original
        case SigmaNumber():
            return str(value.number)
        case SigmaBool():
            return str(value.boolean).lower()
        case SigmaNull():
            return "null"
        case _:
            return str(value)
