"""Lists of values that a site gives for the placeholders of rules.

A rule writes ``User|expand: '%admins%'``; who the administrators are, only the site knows. Substitution is pySigma's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from sigma.processing.pipeline import ProcessingPipeline
from sigma.processing.transformations.placeholder import ValueListPlaceholderTransformation
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaDetections
from sigma.types import Placeholder, SigmaRegularExpression, SigmaString, SigmaType

from stillhunt.detection.sigma.documents import NotYaml, load_yaml
from stillhunt.detection.sigma.files import RuleFile
from stillhunt.errors import RuleError

__all__ = ["Lists", "placeholders", "read_lists"]

_LONGEST = 10_000
"""Values of one list; pySigma's own bound of 200 is about products of lists, and stays for those."""

_SHAPE = "a mapping is expected, from the name of a placeholder to a list of texts or numbers"


class Lists:
    """Puts lists in the place of placeholders.

    Args:
        values: Name of a placeholder to its values.
    """

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self.names = frozenset(values)
        self._transformation = _Transformation(include=sorted(values))
        self._transformation.set_pipeline(ProcessingPipeline(vars={name: list(v) for name, v in values.items()}))

    def fill(self, detections: SigmaDetections) -> None:
        """Replace, in place, every placeholder for which there is a list.

        Raises:
            SigmaError: Several lists in one value make too many values.
        """
        for detection in detections.detections.values() if self.names else ():
            self._transformation.apply_detection(detection)


class _WideString(SigmaString):
    max_placeholder_expansions: ClassVar[int] = _LONGEST


class _Transformation(ValueListPlaceholderTransformation):
    """pySigma's, for longer lists."""

    def apply_value(self, field: str | None, val: SigmaType) -> Any:
        if isinstance(val, SigmaString) and val.contains_placeholder(self.include):
            wide = _WideString()
            wide.s = val.s
            return wide.replace_placeholders(self.placeholder_replacements_base)
        return super().apply_value(field, val)


def placeholders(detections: SigmaDetections) -> list[str]:
    """Return the names of placeholders still in there, sorted."""
    found = {
        part.name
        for detection in detections.detections.values()
        for item in _items(detection)
        for value in item.value
        for part in _parts(value)
        if isinstance(part, Placeholder)
    }
    return sorted(found)


def _items(detection: SigmaDetection) -> Iterator[SigmaDetectionItem]:
    for item in detection.detection_items:
        if isinstance(item, SigmaDetection):
            yield from _items(item)
        else:
            yield item


def _parts(value: SigmaType) -> Sequence[object]:
    if isinstance(value, SigmaRegularExpression):
        return value.regexp.s
    return value.s if isinstance(value, SigmaString) else ()


def read_lists(files: Sequence[RuleFile]) -> Lists:
    """Read lists of values from YAML files; lists of the same name are joined.

    Raises:
        RuleError: A file is not YAML, or holds something else.
    """
    values: dict[str, dict[str, None]] = {}
    for file in files:
        for name, given in _mapping(file).items():
            joined = values.setdefault(name, {})
            joined.update(dict.fromkeys(given))
            if len(joined) > _LONGEST:
                reason = f"the list `{name}` has {len(joined):,} values, more than {_LONGEST:,}"
                raise RuleError(reason, where=file.path, hint="shorten it, with wildcards for instance")
    return Lists({name: tuple(joined) for name, joined in values.items()})


def _mapping(file: RuleFile) -> dict[str, list[str]]:
    try:
        content = load_yaml(file.content)
    except NotYaml as error:
        where = f"{file.path}:{error.line}" if error.line else file.path
        raise RuleError(str(error), where=where, hint=_SHAPE) from error
    if not isinstance(content, dict):
        raise RuleError("holds no lists of values", where=file.path, hint=_SHAPE)
    return {_name(key): _texts(key, value, file) for key, value in content.items()}


def _name(key: object) -> str:
    return str(key).strip("%")


def _texts(key: object, value: object, file: RuleFile) -> list[str]:
    given = value if isinstance(value, list) else [value]
    if not given or not all(isinstance(v, (str, int, float)) and not isinstance(v, bool) for v in given):
        raise RuleError(f"`{key}` is no list of texts or numbers", where=file.path, hint=_SHAPE)
    return [str(v) for v in given]
