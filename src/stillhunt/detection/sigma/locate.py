"""Lines of a rule file: what makes a rule break, and where a value stands as it was written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

__all__ = ["Scalar", "line_of", "line_of_key", "scalars"]

Check = Callable[[str, Any], bool]
"""(key of a detection item with its modifiers, value) to whether it is sound."""


def line_of(content: bytes, place: int, *, section: str, is_sound: Check, holder: str = "detection") -> int | None:
    """Return the line, counted from 1, that breaks the rule in one document of a file.

    Args:
        content: The file.
        place: Which of its documents, counted from 0.
        section: ``condition`` or ``logsource``: what to name if every detection item is sound.
        is_sound: Says whether pySigma and the compiler take a detection item.
        holder: The key below which detections and condition stand: ``filter`` in a filter.

    Returns:
        None if there is no such document, or it is no mapping.

    Raises:
        yaml.YAMLError: The file is not YAML.
    """
    document = _document(content, place)
    if document is None:
        return None
    detection = _child(document, holder)
    for key, value in _items(detection):
        if not is_sound(key.value, _plain(value)):
            return _line(_culprit(key, value, is_sound))
    around = detection if section == "condition" else document
    return _line(_key(around, section) or _key(document, holder) or document)


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


def line_of_key(content: bytes, place: int, keys: Sequence[str]) -> int | None:
    """Return the line, counted from 1, of the key that a path of keys leads to in one document of a file.

    Args:
        content: The file; YAML that was read before.
        place: Which of its documents, counted from 0.
        keys: From the document down; empty for the document's first line.

    Returns:
        The line of the deepest key that is there, or None if the document is no mapping.
    """
    document = _document(content, place)
    if document is None:
        return None
    node: yaml.Node | None = document
    found: yaml.Node = document
    for name in keys:
        key = _key(node, name)
        if key is None or not isinstance(node, yaml.MappingNode):
            break
        found, node = key, _child(node, name)
    return _line(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A single value of a document, as it was written.

    Attributes:
        value: Its text, unquoted and unescaped, but not converted.
        tag: What YAML makes of it: ``str``, ``int``, ``float``, ``bool``, ``null``, ``timestamp``.
        style: The quotes around it; empty if there are none.
        keys: The keys that lead to it.
        line: Where it stands, counted from 1.
    """

    value: str
    tag: str
    style: str
    keys: tuple[str, ...]
    line: int


def scalars(content: bytes, place: int, section: str) -> Iterator[Scalar]:
    """Yield the values below a top-level key of one document of a file."""
    node = _document(content, place)
    if node is not None:
        yield from _scalars(_child(node, section), (section,))


def _scalars(node: yaml.Node | None, keys: tuple[str, ...]) -> Iterator[Scalar]:
    if isinstance(node, yaml.ScalarNode):
        tag = str(node.tag).rpartition(":")[2]
        yield Scalar(value=str(node.value), tag=tag, style=node.style or "", keys=keys, line=_line(node))
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _scalars(value, (*keys, str(key.value)))
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _scalars(value, keys)


@lru_cache(maxsize=1)
def _composed(content: bytes) -> list[yaml.Node | None]:
    """Return the documents of a file; asked for one after the other, of as many as the file has."""
    return list(yaml.compose_all(content, Loader=yaml.CSafeLoader))


def _document(content: bytes, place: int) -> yaml.MappingNode | None:
    documents = _composed(content)
    document = documents[place] if place < len(documents) else None
    return document if isinstance(document, yaml.MappingNode) else None
