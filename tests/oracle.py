"""The reference: a rule as pySigma parsed it, held against one event at a time. Slow, and meant to be obvious.

Sections named are those of the Sigma rules specification 2.0 and its modifiers appendix 2.1. Where they leave a
question open, this is the answer: text without case means ``lower()`` on both sides, with one small sigma; ``null``
is a field that is missing or empty and ``''`` one that is there and empty; a lone ``*`` asks for more than empty
text; a number equals text that writes it in decimal or as ``0x…``; a field with several values matches if any of
them does; a keyword may stand anywhere in any field.
"""

from __future__ import annotations

import operator
import re
from datetime import datetime
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network

from sigma.conditions import ConditionAND, ConditionIdentifier, ConditionNOT, ConditionOR, ConditionSelector
from sigma.modifiers import SigmaCaseSensitiveModifier, SigmaEndswithModifier, SigmaStartswithModifier
from sigma.rule import SigmaDetection
from sigma.types import (
    SigmaBool,
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

ANY, ONE = SpecialChars.WILDCARD_MULTI, SpecialChars.WILDCARD_SINGLE
COMPARE = {"LT": operator.lt, "LTE": operator.le, "GT": operator.gt, "GTE": operator.ge}
NUMBER = re.compile(r"0[xX](?P<hex>[0-9a-fA-F]+)|(?P<whole>[+-]?[0-9]+)|(?P<float>[+-]?[0-9]+\.[0-9]+)")


def holds(rule, event):
    """Condition: a list of conditions is linked with OR. An event is a dict of field to text, texts or None."""
    trees = [condition.parse(postprocess=False) for condition in rule.detection.parsed_condition]
    return any(condition_holds(tree, rule.detection.detections, event) for tree in trees)


def condition_holds(tree, detections, event):
    """Condition: not, and, or, and quantifiers over the names of detections."""
    match tree:
        case ConditionNOT():
            return not condition_holds(tree.args[0], detections, event)
        case ConditionAND():
            return all(condition_holds(part, detections, event) for part in tree.args)
        case ConditionOR():
            return any(condition_holds(part, detections, event) for part in tree.args)
        case ConditionIdentifier(args=[name]):
            return detection_holds(detections[name], event)
        case ConditionSelector(args=[quantifier, pattern]):
            signs = [ANY if c == "*" else c for c in ("*" if pattern == "them" else pattern)]
            # Names that begin with an underscore are left out, unless the pattern asks for them.
            names = [name for name in detections if name[0] != "_" or pattern[0] == "_"]
            chosen = [detections[name] for name in names if fits(signs, name)]
            return (all if quantifier == "all" else any)(detection_holds(detection, event) for detection in chosen)
        case _:
            raise NotImplementedError(type(tree))


def detection_holds(detection, event):
    """Maps are linked with AND, lists with OR."""
    link = any if detection.item_linking is ConditionOR else all
    return link(
        detection_holds(item, event) if isinstance(item, SigmaDetection) else item_holds(item, event)
        for item in detection.detection_items
    )


def item_holds(item, event):
    """Value Modifiers: values are linked with OR, with `all` AND; `neq` negates; no value at all is null."""
    link = any if item.value_linking is ConditionOR else all
    return link(value_holds(value, item, event) for value in item.value or [SigmaNull()]) != item.negated


def value_holds(value, item, event):
    """Keywords search: the whole event; Field Usage: one field."""
    texts = [text for name in ([item.field] if item.field else event) for text in texts_of(event, name)]
    match value:
        case SigmaExpansion():
            return any(value_holds(part, item, event) for part in value.values)
        case SigmaNull():
            return all(text == "" for text in texts)
        case SigmaExists():
            return bool(texts) == value.exists
        case SigmaFieldReference():
            pairs = [(fold(a), fold(b)) for a in texts for b in texts_of(event, value.field) if a and b]
            return any(compares(one, other, value) for one, other in pairs)
        case _:
            return any(text_holds(value, text, item) for text in texts)


def fold(text):
    return text.lower().replace("\u03c2", "\u03c3")


def texts_of(event, field):
    found = event.get(field)
    return [text for text in (found if isinstance(found, list) else [found]) if text is not None]


def compares(one, other, reference):
    """Specific Modifiers: `fieldref`, with the modifiers of text."""
    if reference.starts_with and reference.ends_with:
        return other in one
    if reference.starts_with:
        return one.startswith(other)
    return one.endswith(other) if reference.ends_with else one == other


def text_holds(value, text, item):
    """Whether one text of the event is what one value of the rule means."""
    match value:
        case SigmaString():
            return string_holds(value, text, item)
        case SigmaTimestampPart():
            return time_part(text, value.timestamp_part.name) == value.number
        case SigmaNumber():
            return number_of(text) == value.number if item.field else str(value.number) in text
        case SigmaBool():
            wanted = str(value.boolean).lower()
            return text.lower() == wanted if item.field else wanted in text.lower()
        case SigmaRegularExpression():
            return regex_holds(value, text, item)
        case SigmaCIDRExpression():
            return cidr_holds(value.network, text)
        case SigmaCompareExpression():
            number = number_of(text)
            return number is not None and COMPARE[value.op.name](number, value.number.number)
        case _:
            raise NotImplementedError(type(value))


def string_holds(value, text, item):
    """General, String Wildcard, Escaping: pySigma took the escapes out, so that parts are text or wildcards."""
    read = str if SigmaCaseSensitiveModifier in item.modifiers else fold
    signs = [sign for part in value.s for sign in (read(part) if isinstance(part, str) else [part])]
    if not item.field:
        signs = [ANY, *signs, ANY]
    return text != "" if set(signs) == {ANY} else fits(signs, read(text))


def fits(signs, text):
    """Say whether signs (characters and wildcards) describe the whole of a text: all places reached, sign by sign."""
    reached = {0}
    for sign in signs:
        if sign is ANY:
            reached = set(range(min(reached), len(text) + 1)) if reached else reached
        else:
            reached = {at + 1 for at in reached if at < len(text) and sign in (ONE, text[at])}
    return len(text) in reached


def number_of(text):
    found = NUMBER.fullmatch(text)
    if found is None:
        return None
    if found["hex"]:
        return int(found["hex"], 16)
    return int(found["whole"]) if found["whole"] else float(found["float"])


def regex_holds(value, text, item):
    """Regular Expression: found anywhere, with case; `i`, `m`, `s`; an end is the very end, as in RE2."""
    flags = sum((value.sigma_to_python_flags[flag] for flag in value.flags), re.NOFLAG)
    end = "$" if flags & re.MULTILINE else r"\Z"
    pattern = re.sub(r"\\.|\[\^?\]?[^]]*\]|\$", lambda m: end if m[0] == "$" else m[0], str(value.regexp))
    if SigmaEndswithModifier in item.modifiers:
        pattern = rf"(?:{pattern})\Z"
    compiled = re.compile(pattern, flags)
    is_found = compiled.match if SigmaStartswithModifier in item.modifiers else compiled.search
    return is_found(text) is not None


def cidr_holds(network, text):
    """IP (Internet Protocol) Modifiers; an IPv4 address in IPv6 form is the IPv4 address."""
    try:
        address = ip_address(text.strip().partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped and network.prefixlen >= 96:
        network = ip_network(f"{network.network_address.ipv4_mapped}/{network.prefixlen - 96}")
    return address in network


def time_part(text, part):
    """Time Modifiers: of an ISO 8601 time as written, whatever its zone; weeks are those of ISO 8601."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.isocalendar().week if part == "WEEK" else getattr(at, part.lower())
