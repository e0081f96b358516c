"""The documents of a rule file: YAML read safely, shared parts merged into the rules that follow them.

Source of what ``action`` means: pySigma's ``SigmaCollection.from_dicts``; the Sigma specification no longer has it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import yaml
from sigma.collection import deep_dict_update
from sigma.exceptions import SigmaError
from sigma.rule import SigmaYAMLLoader
from sigma.rule.base import check_alias_expansion

from stillhunt.detection.sigma.files import RuleFile

__all__ = ["DEEPEST", "Document", "NotYaml", "load_yaml", "read_documents"]

DEEPEST = 100
"""Levels of nesting that are read; a rule has about five."""

_SPECIAL = ("correlation", "filter")
"""Top-level keys of documents that are about other rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML document of a rule file.

    Attributes:
        file: Where it stands.
        place: Which of the file's documents it is, counted from 0.
        content: What it says, with shared parts merged in; empty for a document that is no mapping.
        has_shared_id: Whether its id comes from a shared part, and so may be that of several rules.
        fault: Why it cannot be a rule, whatever it says; empty if it can.
    """

    file: RuleFile
    place: int
    content: dict[str, Any] = field(default_factory=dict)
    has_shared_id: bool = False
    fault: str = ""

    @property
    def kind(self) -> str:
        """``rule``, ``correlation``, ``filter``, or ``other``: no Sigma at all."""
        special = next((key for key in _SPECIAL if key in self.content), None)
        if special:
            return special
        return "rule" if self.fault or self.content.keys() & {"detection", "logsource", "action"} else "other"


class NotYaml(ValueError):  # noqa: N818 - a state of a file, told apart from its faults as a rule
    """The file is not YAML from some line on.

    Args:
        message: What is wrong.
        line: Where, counted from 1, or None where the parser does not say.
    """

    def __init__(self, message: str, *, line: int | None) -> None:
        super().__init__(message)
        self.line = line


def read_documents(file: RuleFile) -> Iterator[Document]:
    """Yield the documents of a file; those before a fault of YAML are yielded before it is raised.

    Raises:
        NotYaml: The file is not YAML.
    """
    shared = _Shared()
    for place, content in enumerate(_parsed(file.content)):
        if content is None:
            continue
        document = Document(file=file, place=place)
        if not isinstance(content, dict):
            yield document
            continue
        try:
            check_alias_expansion(content)
        except SigmaError as error:
            yield replace(document, fault=str(error))
            continue
        merged = shared.merge(replace(document, content=content))
        if merged is not None:
            yield merged
    if shared.is_idle is not None:
        yield replace(shared.is_idle, fault="is the shared part of other rules, but no rule follows it")


def _parsed(content: bytes) -> Iterator[Any]:
    try:
        _check_depth(content)
        yield from yaml.load_all(content, Loader=SigmaYAMLLoader)
    except NotYaml:
        raise
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise NotYaml(
            _not_yaml(getattr(error, "problem", None) or error), line=mark.line + 1 if mark else None
        ) from error


def _not_yaml(reason: object) -> str:
    return f"is not valid YAML: {reason}"


def load_yaml(content: bytes) -> Any:
    """Return the one document of a file.

    Raises:
        NotYaml: It is not YAML, or its aliases make far more of it than was written.
    """
    found = list(_parsed(content))
    try:
        check_alias_expansion(found)
    except SigmaError as error:
        raise NotYaml(str(error), line=None) from error
    return found[0] if len(found) == 1 else None


def _check_depth(content: bytes) -> None:
    """Refuse what is nested so deeply that composing it would overrun the C stack, which nothing can catch."""
    depth = 0
    for event in yaml.parse(content, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                mark = event.start_mark
                raise NotYaml(
                    _not_yaml(f"nested more than {DEEPEST} levels deep"), line=mark.line + 1 if mark else None
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


@dataclass(slots=True)
class _Shared:
    """What earlier documents of a file hand on to later ones.

    Attributes:
        parts: Keys of the last ``action: global``.
        previous: The last rule, for ``action: repeat``.
        is_idle: The last ``action: global`` as long as no rule took anything from it.
    """

    parts: dict[str, Any] = field(default_factory=dict)
    previous: dict[str, Any] = field(default_factory=dict)
    is_idle: Document | None = None

    def merge(self, document: Document) -> Document | None:
        """Return the document with what it shares, or None if it only hands on."""
        action = document.content.get("action")
        if action is None:
            return self._with_parts(document)
        if action == "global":
            self.parts = {key: value for key, value in document.content.items() if key != "action"}
            self.previous = self.parts
            self.is_idle = document
            return None
        if action == "reset":
            self.parts = {}
            return None
        if action == "repeat":
            return self._repeated(document)
        return replace(document, fault=f"`action: {action}` is unknown: `global`, `repeat` and `reset` are known")

    def _with_parts(self, document: Document) -> Document:
        if document.kind in _SPECIAL:
            return document
        merged = document
        if self.parts:
            merged = self._merged(document, document.content, self.parts)
            merged = replace(merged, has_shared_id="id" in self.parts)
            self.is_idle = None
        self.previous = merged.content
        return merged

    def _repeated(self, document: Document) -> Document:
        addition = {key: value for key, value in document.content.items() if key != "action"}
        merged = self._merged(document, self.previous, addition)
        self.previous = merged.content
        self.is_idle = None
        return replace(merged, has_shared_id="id" not in addition)

    def _merged(self, document: Document, first: dict[str, Any], second: dict[str, Any]) -> Document:
        try:
            return replace(document, content=deep_dict_update(copy.deepcopy(first), copy.deepcopy(second)))
        except (TypeError, AttributeError, RecursionError) as error:
            return replace(document, fault=f"its parts cannot be joined: {error}")
