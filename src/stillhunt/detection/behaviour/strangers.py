"""Which ways into a mailbox are not its owner's: networks and clients that nothing ties to the owner.

Networks and clients of one account make a graph: a client used from a network ties the two. The owner's own ones hang
together, however rare one of them is: the browser at home is tied to the office by the telephone that is used in both,
a hotel by the laptop that came along. Who has a stolen password brings a client of their own to a network of their own,
and nothing ties those to the rest. Versions of one browser are tied where they follow each other in time: browsers do
not get younger.

Method: connected components of the graph; that of most days is the owner's. Others are strange if they are rare for the
owner, who has a history besides (:func:`stillhunt.detection.behaviour.whereabouts.is_rare`), and hold a client that can
be known again. An intruder who imitates the owner's browser to the version is not found so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from stillhunt.detection.behaviour.mailboxes import Door
from stillhunt.detection.behaviour.names import network_of
from stillhunt.detection.behaviour.whereabouts import Habits, is_rare

__all__ = ["components", "is_telling", "strange_doors"]

_NEXT_VERSIONS = 2
"""A browser whose versions differ by no more may be the same one, updated."""


def components(doors: Sequence[Door]) -> list[list[Door]]:
    """Return the doors of one account that hang together, those of most days first."""
    parent: dict[object, object] = {}

    def root(node: object) -> object:
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    telling = [door for door in doors if is_telling(door)]
    for door in telling:
        parent[root(_client(door))] = root(network_of(door.address))
    for one, other in _updates(telling):
        parent[root(_client(one))] = root(_client(other))
    groups: dict[object, list[Door]] = {}
    for door in doors:
        groups.setdefault(root(network_of(door.address)), []).append(door)
    return sorted(groups.values(), key=lambda own: (-len(_days(own)), min(door.first for door in own)))


def is_telling(door: Door) -> bool:
    """Tell whether a client says enough of itself to be known again: Outlook gives no version and is all Outlooks."""
    return bool(door.client.major or door.application)


def _client(door: Door) -> tuple[tuple[str, str, str], int]:
    return door.program, door.client.major


def _updates(doors: Iterable[Door]) -> Iterator[tuple[Door, Door]]:
    """Yield pairs of doors whose clients are one program, updated: the newer version came and stayed later."""
    versions: dict[tuple[str, str, str], dict[int, list[Door]]] = {}
    for door in doors:
        versions.setdefault(door.program, {}).setdefault(door.client.major, []).append(door)
    for own in versions.values():
        for older, newer in pairwise(sorted(own)):
            old, new = _days(own[older]), _days(own[newer])
            is_later = min(old) <= min(new) and max(old) <= max(new)
            if newer - older <= _NEXT_VERSIONS and is_later:
                yield own[older][0], own[newer][0]


def _days(doors: Iterable[Door]) -> set[int]:
    return {day for door in doors for day in door.days}


def strange_doors(doors: Sequence[Door], habits: Habits) -> list[Door]:
    """Return those of an account's doors to its own mailbox that nothing ties to it.

    Args:
        doors: All doors of one account to its own mailbox.
        habits: Where accounts work from; what is not strange there is not strange here.
    """
    active = _days(doors)
    found = []
    for group in components(doors)[1:]:
        is_strange = all(habits.is_strange(door.actor, door.address) for door in group)
        if is_strange and is_rare(_days(group), active) and any(map(is_telling, group)):
            found += group
    return found
