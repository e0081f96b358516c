"""The reference: pySigma's own condition tree, walked for one event at a time. Slow, and obviously right."""

from __future__ import annotations

import re
from datetime import datetime
from ipaddress import ip_address

import re2
from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionNOT, ConditionOR
from sigma.types import (
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
)


def holds(rule, event):
    return any(node(condition.parsed, event) for condition in rule.detection.parsed_condition)


def node(part, event):
    if isinstance(part, ConditionAND):
        return all(node(child, event) for child in part.args)
    if isinstance(part, ConditionOR):
        return any(node(child, event) for child in part.args)
    if isinstance(part, ConditionNOT):
        return not node(part.args[0], event)
    if isinstance(part, ConditionFieldEqualsValueExpression):
        return field_is(values(event, part.field), part.value, event)
    return any(is_so(part.value, text, keyword=True) for field in event for text in values(event, field))


def values(event, field):
    found = event.get(field)
    return [text for text in (found if isinstance(found, list) else [found]) if text is not None]


def field_is(texts, value, event):
    if isinstance(value, SigmaNull):
        return all(text == "" for text in texts)
    if isinstance(value, SigmaExists):
        return bool(texts) == value.exists
    if isinstance(value, SigmaFieldReference):
        others = values(event, value.field)
        return any(one and two and compares(one.lower(), two.lower(), value) for one in texts for two in others)
    return any(is_so(value, text) for text in texts)


def compares(one, two, reference):
    if reference.starts_with and reference.ends_with:
        return two in one
    if reference.starts_with:
        return one.startswith(two)
    return one.endswith(two) if reference.ends_with else one == two


def is_so(value, text, *, keyword=False):
    if isinstance(value, SigmaExpansion):
        return any(is_so(each, text, keyword=keyword) for each in value.values)
    if isinstance(value, SigmaString):
        return string_is(value, text, keyword=keyword)
    if isinstance(value, SigmaTimestampPart):
        return part_of(text, value.timestamp_part.name.lower()) == value.number
    if isinstance(value, SigmaNumber):
        return str(value.number) in text if keyword else number(text) == value.number
    if isinstance(value, SigmaBool):
        return text.lower() == str(value.boolean).lower()
    if isinstance(value, SigmaRegularExpression):
        # The language of expressions is RE2's, whose classes and word boundaries are ASCII while its case is not.
        letters = "".join(FLAGS[flag.name] for flag in value.flags)
        return re2.search(f"(?{letters}){value.regexp}" if letters else str(value.regexp), text) is not None
    if isinstance(value, SigmaCIDRExpression):
        return address_in(text, value.network)
    assert isinstance(value, SigmaCompareExpression)
    found, bound = number(text), value.number.number
    if found is None:
        return False
    return {"LT": found < bound, "LTE": found <= bound, "GT": found > bound, "GTE": found >= bound}[value.op.name]


FLAGS = {"IGNORECASE": "i", "MULTILINE": "m", "DOTALL": "s"}


def string_is(value, text, *, keyword):
    parts = value.s
    if parts and all(part is SpecialChars.WILDCARD_MULTI for part in parts):
        return text != ""
    is_cased = isinstance(value, SigmaCasedString)
    wild = {SpecialChars.WILDCARD_MULTI: ".*", SpecialChars.WILDCARD_SINGLE: "."}
    pattern = "".join(wild[p] if p in wild else re.escape(p if is_cased else p.lower()) for p in parts)
    find = re.compile(pattern, re.DOTALL)
    haystack = text if is_cased else text.lower()
    return (find.search(haystack) if keyword else find.fullmatch(haystack)) is not None


def number(text):
    try:
        return int(text, 16) if text.lower().startswith("0x") else float(text)
    except ValueError:
        return None


def part_of(text, part):
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.isocalendar().week if part == "week" else getattr(at, part)


def address_in(text, network):
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return address.version == network.version and address in network
