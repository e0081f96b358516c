"""Traffic Light Protocol 2.0: how far a claim may travel, in order, with the marking objects of STIX.

Source: FIRST, Traffic Light Protocol version 2.0 (August 2022), and its STIX 2.1 extension.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from stillhunt.errors import InputError

__all__ = ["MARKING_EXTENSION", "Tlp", "parse_tlp", "strictest"]

MARKING_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
"""STIX id of the extension that defines the markings of TLP 2.0."""


class Tlp(IntEnum):
    """A marking; a greater one travels less far.

    >>> str(Tlp.AMBER_STRICT)
    'TLP:AMBER+STRICT'
    >>> Tlp.CLEAR < Tlp.GREEN < Tlp.AMBER < Tlp.AMBER_STRICT < Tlp.RED
    True
    """

    CLEAR = 0
    GREEN = 1
    AMBER = 2
    AMBER_STRICT = 3
    RED = 4

    def __str__(self) -> str:
        return f"TLP:{self.name.replace('_', '+')}"

    @property
    def stix_id(self) -> str:
        """Id of the marking object that every producer of STIX shares."""
        return f"marking-definition--{_STIX_IDS[self]}"


_STIX_IDS = {
    Tlp.CLEAR: "94868c89-83c2-464b-929b-a1a8aa3c8487",
    Tlp.GREEN: "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    Tlp.AMBER: "55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    Tlp.AMBER_STRICT: "939a9414-2ddd-4d32-a0cd-375ea402b003",
    Tlp.RED: "e828b379-4e03-4974-9ac4-e53a884c97c1",
}

_OF_STIX = {mark.stix_id: mark for mark in Tlp} | {
    # TLP 1, as STIX 2.1 itself defines it; white became clear.
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": Tlp.CLEAR,
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": Tlp.GREEN,
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": Tlp.AMBER,
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": Tlp.RED,
}


def parse_tlp(text: str) -> Tlp:
    """Return the marking that a text names: its label, old or new, in any case, or its STIX id.

    >>> parse_tlp("tlp:amber+strict")
    <Tlp.AMBER_STRICT: 3>
    >>> parse_tlp("white")
    <Tlp.CLEAR: 0>

    Raises:
        InputError: There is no such marking.
    """
    if text in _OF_STIX:
        return _OF_STIX[text]
    name = text.strip().upper().removeprefix("TLP:").replace("+", "_").replace("WHITE", "CLEAR")
    if name not in Tlp.__members__:
        known = ", ".join(str(mark) for mark in Tlp)
        raise InputError(f"`{text}` is no marking of the Traffic Light Protocol", hint=f"one of {known}")
    return Tlp[name]


def strictest(markings: Iterable[str]) -> Tlp:
    """Return the strictest of some markings by their labels; an empty one is none, and none at all is clear.

    One that nobody knows holds back the most.

    >>> strictest(["", "TLP:GREEN", "TLP:AMBER"])
    <Tlp.AMBER: 2>
    >>> strictest(["secret"])
    <Tlp.RED: 4>
    """
    return max((_known(text) for text in markings if text), default=Tlp.CLEAR)


def _known(text: str) -> Tlp:
    try:
        return parse_tlp(text)
    except InputError:
        return Tlp.RED
