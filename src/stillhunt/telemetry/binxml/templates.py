"""Templates of binary XML: which field each of a record's values belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import error as struct_error
from struct import unpack_from

__all__ = ["Field", "OddTemplateError", "fields_of"]


class OddTemplateError(Exception):
    """A template that this module does not understand; its records are decoded in another way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field that a template fills.

    Attributes:
        section: ``System``, ``EventData`` or ``UserData``; other parts of a record have no fields.
        name: Sigma's name of a system field, the native name of another, without spaces; ``Data`` for unnamed data.
        number: Number of the value that fills it; None if the template says it itself.
        literal: What the template says.
    """

    section: str
    name: str
    number: int | None
    literal: str = ""


@dataclass(slots=True)
class _Element:
    name: str
    attributes: dict[str, list[str | int]] = field(default_factory=dict)
    content: list[str | int | _Element] = field(default_factory=list)
    is_written_out: bool = False


_SECTIONS = frozenset({"System", "EventData", "UserData"})
_WITHOUT_FIELDS = frozenset({"ProcessingErrorData", "RenderingInfo", "DebugData", "BinaryEventData"})
_SYSTEM_TEXTS = frozenset(
    {"EventID", "Level", "Task", "Opcode", "Keywords", "Version", "EventRecordID", "Channel", "Computer"}
)
_SYSTEM_ATTRIBUTES = {
    ("Provider", "Name"): "Provider_Name",
    ("TimeCreated", "SystemTime"): "TimeCreated",
    ("Execution", "ProcessID"): "Execution_ProcessID",
    ("Security", "UserID"): "Security_UserID",
}
_DEEPEST = 64


def fields_of(chunk: bytes, offset: int, *, is_literal: bool = False) -> tuple[Field, ...]:
    """Return the fields of a template.

    Args:
        chunk: The chunk that defines it.
        offset: Where its definition begins there.
        is_literal: It is no definition, but a fragment written out without one: its texts count as values, in their
            order, except the names of <Data> elements.

    Raises:
        OddTemplateError: It has parts that are not understood here.
    """
    try:
        root = _parsed_literal(chunk, offset) if is_literal else _parsed(chunk, offset)
    except (IndexError, ValueError, struct_error) as error:
        raise OddTemplateError(str(error)) from error
    found: list[Field] = []
    if root.name in _WITHOUT_FIELDS:
        return ()
    if root.name not in _SECTIONS | {"Event"}:
        # A fragment that the record puts into its UserData.
        _take_data(_Element("", content=[root]), "UserData", found)
        return tuple(found)
    for element in [root] if root.name in _SECTIONS else [e for e in root.content if isinstance(e, _Element)]:
        if element.name == "System":
            _take_system(element, found)
        elif element.name in _SECTIONS:
            _take_data(element, element.name, found)
    return tuple(found)


def _parsed(chunk: bytes, offset: int) -> _Element:
    (size,) = unpack_from("<I", chunk, offset + 20)
    at, end = offset + 24, offset + 24 + size
    root = _Element("")
    stack = [root]
    value: list[str | int] | list[str | int | _Element] = root.content
    while at < end:
        token = chunk[at]
        kind = token & 0xBF
        if kind == 0x01:
            name, at = _name(chunk, at + 7)
            at += 4 if token & 0x40 else 0
            element = _Element(name)
            stack[-1].content.append(element)
            stack.append(element)
            if len(stack) > _DEEPEST:
                raise OddTemplateError("nested too deeply")
            value = element.content
        elif kind == 0x06:
            name, at = _name(chunk, at + 1)
            if name in stack[-1].attributes:
                raise OddTemplateError("an attribute twice")
            value = stack[-1].attributes[name] = []
        elif kind == 0x05:
            (n_characters,) = unpack_from("<H", chunk, at + 2)
            value.append(chunk[at + 4 : at + 4 + 2 * n_characters].decode("utf-16-le"))
            at += 4 + 2 * n_characters
        elif kind in {0x0D, 0x0E}:
            value.append(unpack_from("<H", chunk, at + 1)[0])
            at += 4
        elif kind == 0x02:
            value = stack[-1].content
            at += 1
        elif kind in {0x03, 0x04}:
            stack.pop()
            value = stack[-1].content
            at += 1
        elif kind == 0x0F:
            at += 4
        elif kind == 0x00:
            break
        else:
            raise OddTemplateError(f"token {token:#x}")
    (element,) = [e for e in root.content if isinstance(e, _Element)]
    return element


def _parsed_literal(chunk: bytes, at: int) -> _Element:
    root = _Element("")
    stack = [root]
    value: list[str | int] | list[str | int | _Element] = root.content
    is_name, n_texts = False, 0
    if chunk[at] == 0x0F:
        at += 4
    while True:
        token = chunk[at]
        kind = token & 0xBF
        if kind == 0x01:
            name, at = _name(chunk, at + 5)
            at += 4 if token & 0x40 else 0
            element = _Element(name, is_written_out=True)
            stack[-1].content.append(element)
            stack.append(element)
            if len(stack) > _DEEPEST:
                raise OddTemplateError("nested too deeply")
            value, is_name = element.content, False
        elif kind == 0x06:
            name, at = _name(chunk, at + 1)
            if name in stack[-1].attributes:
                raise OddTemplateError("an attribute twice")
            value = stack[-1].attributes[name] = []
            is_name = stack[-1].name == "Data" and name == "Name"
        elif kind == 0x05:
            (n_characters,) = unpack_from("<H", chunk, at + 2)
            if is_name:
                value.append(chunk[at + 4 : at + 4 + 2 * n_characters].decode("utf-16-le"))
            else:
                value.append(n_texts)
                n_texts += 1
            at += 4 + 2 * n_characters
        elif kind == 0x02:
            value, is_name = stack[-1].content, False
            at += 1
        elif kind in {0x03, 0x04}:
            stack.pop()
            value, is_name = stack[-1].content, False
            at += 1
            if len(stack) == 1:
                (element,) = [e for e in root.content if isinstance(e, _Element)]
                return element
        else:
            raise OddTemplateError(f"token {token:#x}")


def _name(chunk: bytes, at: int) -> tuple[str, int]:
    """Return the name that a token refers to, and where what follows the reference begins."""
    (place,) = unpack_from("<I", chunk, at)
    (n_characters,) = unpack_from("<H", chunk, place + 6)
    name = chunk[place + 8 : place + 8 + 2 * n_characters].decode("utf-16-le")
    at += 4
    return name, at + 10 + 2 * n_characters if place == at else at


def _take_system(system: _Element, found: list[Field]) -> None:
    for element in (e for e in system.content if isinstance(e, _Element)):
        for attribute, content in element.attributes.items():
            name = _SYSTEM_ATTRIBUTES.get((element.name, attribute))
            if name:
                _take("System", name, content, found)
        if element.name in _SYSTEM_TEXTS:
            _take("System", element.name, [c for c in element.content if not isinstance(c, _Element)], found)


def _take_data(element: _Element, section: str, found: list[Field]) -> None:
    for child in (e for e in element.content if isinstance(e, _Element)):
        name = child.name
        if name == "Data" and "Name" in child.attributes:
            said = child.attributes["Name"]
            if len(said) != 1 or not isinstance(said[0], str):
                raise OddTemplateError("a name that is a value")
            name = said[0]
        if any(isinstance(c, _Element) for c in child.content):
            _take_data(child, section, found)
        else:
            content = [c for c in child.content if not isinstance(c, _Element)]
            _take(
                section,
                name.replace(" ", ""),
                content or ([""] if child.name == "Data" and child.is_written_out else []),
                found,
            )


def _take(section: str, name: str, content: list[str | int], found: list[Field]) -> None:
    if not content:
        return
    if len(content) > 1:
        raise OddTemplateError("a field of several parts")
    (said,) = content
    if isinstance(said, str):
        found.append(Field(section=section, name=name, number=None, literal=said))
    else:
        found.append(Field(section=section, name=name, number=said))
