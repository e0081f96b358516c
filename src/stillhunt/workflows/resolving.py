"""Who in the base may be meant by the names of a document: candidates with reasons, never an answer.

The same spelling counts as certain, whoever bears it; a name that sounds the same in another script, holds the same
words or differs in few letters is a candidate and says so. What nobody in the base is like stays without an entity
until an analyst accepts a claim about it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from stillhunt.errors import MissingExtraError
from stillhunt.knowledge.alike import Lookalikes
from stillhunt.knowledge.claim import entity_id, type_of
from stillhunt.knowledge.names import name_key
from stillhunt.knowledge.places import find_place
from stillhunt.knowledge.store import View
from stillhunt.reading.extract.hanzi import has_han
from stillhunt.reading.lists import country_names
from stillhunt.reading.mention import Meant, Mention

__all__ = ["Resolver"]

_TYPES = {"person": "identity", "organisation": "identity", "place": "location", "sector": "identity"}
_MOST = 5
_KEPT = 20_000
"""Names whose candidates are remembered; a dump has no end of names."""

_SURE_ENOUGH = 0.7
"""Score of a mention from which on names that are only alike are looked for."""


class Resolver:
    """Finds who may be meant.

    Args:
        view: The base; nothing of it is asked for afterwards.
        known: Its names, as :meth:`~stillhunt.knowledge.store.View.names` gives them.
    """

    def __init__(self, view: View, known: Sequence[tuple[str, str]]) -> None:
        kept = [(name, entity) for name, entity in known if type_of(entity) in _TYPES.values()]
        self._names = view.names_of({entity for _, entity in kept})
        self._by_key: defaultdict[str, set[str]] = defaultdict(set)
        for name, entity in kept:
            self._by_key[name_key(name)].add(entity)
        self._bearers = [(name, entity) for name, entity in kept if type_of(entity) == "identity"]
        self._alike: Lookalikes | None = None
        self._found: dict[tuple[str, str, bool], tuple[tuple[Meant, ...], tuple[str, ...]]] = {}

    def resolved(self, mentions: Iterable[Mention]) -> tuple[tuple[Mention, ...], dict[str, tuple[Meant, ...]]]:
        """Return mentions with entities and other forms of their names, and the candidates by name.

        Args:
            mentions: In order of place; those that the base knows already stay as they are.
        """
        out: list[Mention] = []
        candidates: dict[str, tuple[Meant, ...]] = {}
        for mention in mentions:
            if mention.kind not in _TYPES:
                out.append(mention)
                continue
            meant, forms = self._meant(mention)
            if meant:
                candidates.setdefault(" ".join(mention.text.split()), meant)
            certain = tuple(sorted({m.entity for m in meant if m.certain}))
            out.append(replace(mention, entities=certain, forms=tuple(dict.fromkeys((*mention.forms, *forms)))))
        return tuple(out), candidates

    def _meant(self, mention: Mention) -> tuple[tuple[Meant, ...], tuple[str, ...]]:
        name = " ".join(mention.text.split())
        is_sure = mention.score >= _SURE_ENOUGH
        key = (mention.kind, f"{name}\x1f{mention.stands_for}", is_sure)
        if key not in self._found:
            if len(self._found) >= _KEPT:
                self._found.clear()
            found = self._asked(mention, name, is_sure=is_sure)
            self._found[key] = found, self._other_script(name, found)
        return self._found[key]

    def _asked(self, mention: Mention, name: str, *, is_sure: bool) -> tuple[Meant, ...]:
        if mention.kind == "place":
            return tuple(self._place(name))
        if mention.kind == "sector":
            entity = entity_id("identity", f"class:{name_key(mention.stands_for)}")
            known = bool(mention.stands_for) and entity in self._names
            why = f"the base calls the sector `{mention.stands_for}`"
            return (Meant(entity=entity, name=self._names[entity], reason=why, certain=True),) if known else ()
        found: dict[str, Meant] = {}
        for written, why in self._ways(mention, name):
            for entity in sorted(self._by_key.get(name_key(written), ())):
                if type_of(entity) == "identity":
                    found.setdefault(entity, self._one(entity, why, certain=written in {name, mention.stands_for}))
        if is_sure and not found:
            for entity, why in self._like(name):
                found.setdefault(entity, self._one(entity, why, certain=False))
        return tuple(list(found.values())[:_MOST])

    @staticmethod
    def _ways(mention: Mention, name: str) -> list[tuple[str, str]]:
        ways = [(name, f"the base has the name `{name}`")]
        if mention.stands_for:
            ways.append((mention.stands_for, f"the document uses it for `{mention.stands_for}`, a name of the base"))
        return ways + [(form, f"the base has `{form}`, which it may be written as") for form in mention.forms]

    def _one(self, entity: str, reason: str, *, certain: bool) -> Meant:
        return Meant(entity=entity, name=self._names.get(entity, entity), reason=reason, certain=certain)

    def _place(self, name: str) -> Iterable[Meant]:
        # A city is not the country it lies in; its adjective, or another name of it, is.
        written = country_names().get(name, name)
        place = find_place(written)
        if place is not None:
            why = f"`{name}` is a country" if written == name else f"`{name}` is another word for {place.name}"
            yield Meant(entity=place.entity, name=place.name, reason=why, certain=True)
        for entity in sorted(self._by_key.get(name_key(name), ())):
            if type_of(entity) == "location" and (place is None or entity != place.entity):
                yield self._one(entity, f"the base has the name `{name}`", certain=True)

    def _like(self, name: str) -> list[tuple[str, str]]:
        try:
            if self._alike is None:
                self._alike = Lookalikes(self._bearers)
            found = self._alike.find(name, limit=_MOST)
        except MissingExtraError:  # without the package that transliterates nothing sounds alike
            return []
        told = []
        for one in found:
            name_there = "" if one.name == self._names.get(one.entity) else f"as `{one.name}` "
            told.append((one.entity, f"{name_there}{one.because} ({one.score:.2f})"))
        return told

    def _other_script(self, name: str, meant: Iterable[Meant]) -> tuple[str, ...]:
        """Return what the base calls the candidates in the other of Han and Latin letters."""
        entities = {m.entity for m in meant if m.certain or "sounds the same" in m.reason}
        mine = has_han(name)
        return tuple(sorted({n for n, e in self._bearers if e in entities and has_han(n) != mine}))[:_MOST]
