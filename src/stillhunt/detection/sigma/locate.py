"""The line of a rule file that makes a rule break."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import yaml

__all__ = ["line_of"]

Check = Callable[[str, Any], bool]
"""(key of a detection item with its modifiers, value) to whether it is sound."""


def line_of(content: bytes, place: int, *, section: str, is_sound: Check) -> int | None:
    """Return the line, counted from 1, that breaks the rule in one document of a file.

    Args:
        content: The file.
        place: Which of its documents, counted from 0.
        section: ``condition`` or ``logsource``: what to name if every detection item is sound.
        is_sound: Says whether pySigma and the compiler take a detection item.

    Returns:
        None if there is no such document, or it is no mapping.

    Raises:
        yaml.YAMLError: The file is not YAML.
    """
    documents = list(yaml.compose_all(content, Loader=yaml.CSafeLoader))
    document = documents[place] if place < len(documents) else None
    if not isinstance(document, yaml.MappingNode):
        return None
    detection = _child(document, "detection")
    for key, value in _items(detection):
        if not is_sound(key.value, _plain(value)):
            return _line(_culprit(key, value, is_sound))
    holder = detection if section == "condition" else document
    return _line(_key(holder, section) or _key(document, "detection") or document)


def _items(node: yaml.Node | None) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Yield the (key, value) pairs of all mappings below the names of detections."""
    for child in _values(node):
        if isinstance(child, yaml.MappingNode):
            yield from child.value
        else:
            yield from _items(child)


def _values(node: yaml.Node | None) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [value for _, value in node.value]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _culprit(key: yaml.Node, value: yaml.Node, is_sound: Check) -> yaml.Node:
    """Return the one entry of a list that is at fault, or the key if the fault is not in one entry."""
    if isinstance(value, yaml.SequenceNode):
        faulty = [entry for entry in value.value if not is_sound(key.value, [_plain(entry)])]
        if 0 < len(faulty) < len(value.value):
            key = faulty[0]
    return key


def _child(node: yaml.MappingNode, name: str) -> yaml.Node | None:
    return next((value for key, value in node.value if key.value == name), None)


def _key(node: yaml.Node | None, name: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((key for key, _ in pairs if key.value == name), None)


def _plain(node: yaml.Node) -> Any:
    return yaml.load(yaml.serialize(node, Dumper=yaml.CSafeDumper), Loader=yaml.CSafeLoader)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
