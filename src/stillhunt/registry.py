"""Names to things: the built-ins of a kind are the files of a package, strangers come by entry point.

Listing names imports nothing; a thing is imported when it is asked for.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from stillhunt.errors import UnknownNameError

__all__ = ["Registry"]

Thing = TypeVar("Thing")


class Registry(Generic[Thing]):
    """The things of one kind by name.

    Args:
        kind: What one of them is called in messages, such as ``source``.
        package: Import path of the package whose modules are the built-ins.
        constant: Name of the constant in each module, such as ``SOURCE``.
        group: Entry-point group for things of installed strangers.
    """

    def __init__(self, kind: str, *, package: str, constant: str, group: str) -> None:
        self.kind = kind
        self._package = package
        self._constant = constant
        self._group = group
        self._loaded: dict[str, Thing] = {}

    def names(self) -> list[str]:
        """Return all names, sorted, importing none of the things."""
        package = importlib.import_module(self._package)
        built_in = {m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")}
        return sorted(built_in | self._strangers.keys())

    @cached_property
    def _strangers(self) -> dict[str, EntryPoint]:
        # Asked for once: it opens a file of every installed distribution. Of two strangers the first has the name.
        found: dict[str, EntryPoint] = {}
        for entry in entry_points(group=self._group):
            found.setdefault(entry.name, entry)
        return found

    def __getitem__(self, name: str) -> Thing:
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def __iter__(self) -> Iterator[Thing]:
        return (self[name] for name in self.names())

    def _load(self, name: str) -> Thing:
        if name in self._strangers:
            loaded: Thing = self._strangers[name].load()
            return loaded
        if name not in self.names():
            near = get_close_matches(name, self.names(), n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"known: {', '.join(self.names())}"
            raise UnknownNameError(f"unknown {self.kind} `{name}`", hint=hint)
        thing: Thing = getattr(importlib.import_module(f"{self._package}.{name}"), self._constant)
        return thing
