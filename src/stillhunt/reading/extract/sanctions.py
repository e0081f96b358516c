"""Sanctions: who designates whom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stillhunt.reading.draft import Draft, Slot
from stillhunt.reading.frames import Setting, draft, implied
from stillhunt.reading.grammar.clauses import Clause
from stillhunt.reading.grammar.phrases import Phrase, items
from stillhunt.reading.scene import Scene

__all__ = ["find_sanctions"]

_NOUNS = frozenset({"sanction", "designation", "freeze", "ban", "restriction", "measure"})


def find_sanctions(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield who is put under sanctions, one claim for each who imposes and each who suffers them."""
    for clause in scene.clauses:
        if clause.base in {"sanction", "designate", "blacklist"}:
            yield from _designated(scene, clause, setting)
        elif clause.base in {"impose", "place", "announce", "levy", "slap", "put", "issue", "introduce", "apply"}:
            yield from _imposed(scene, clause, setting)
        elif clause.base in {"subject", "target", "hit", "list", "add", "include"} and clause.passive:
            yield from _listed(scene, clause, setting)


def _who(scene: Scene, phrases: tuple[Phrase, ...], setting: Setting) -> list[Slot]:
    found = [scene.slot(p) for p in phrases]
    if len(found) == 1 and found[0].text.casefold() in {"we", "i"}:
        found = [
            Slot(
                text=setting.country or setting.speaker,
                written=found[0].written,
                start=found[0].start,
                end=found[0].end,
                how="resolved",
            )
        ]
    split: list[Slot] = []
    for slot in found:
        split += (replace(slot, text=part) for part in slot.text.split("; "))
    return split or [implied(setting.speaker if setting.speaker != "article" else setting.country or "the authorities")]


def _designated(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    first = min([clause.first, *(p.first for p in clause.subjects)])
    if clause.passive:
        if not clause.subjects:
            return
        if (
            clause.base == "designate"
            and scene.low(clause.after) == "as"
            and "terrorist" not in scene.lows(clause.after, clause.after + 4)
        ):
            return
        by = scene.after(clause, "by")
        whose = _who(scene, tuple(by), setting)
        whom = list(clause.subjects)
        last = max([clause.after, *(p.last for p in by)])
    else:
        whom, last = scene.objects(clause)
        if not whom or not clause.subjects:
            return
        whose = _who(scene, clause.subjects, setting)
        if {"group", "actor"} & scene.sorts(clause.subjects[0]) and scene.head(clause.subjects[0]) != "government":
            return
    yield from _all(scene, clause, whose, whom, first, last, "sanction:designated")


def _imposed(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    things = list(clause.subjects) if clause.passive else scene.objects(clause)[0]
    noun = next((p for p in things if scene.head(p) in _NOUNS or "sanctions" in scene.lows(p.first, p.last)), None)
    if noun is None:
        return
    toks = scene.toks
    on = next(
        (
            i
            for i in range(noun.head + 1, min(len(toks), max(noun.last, clause.after) + 6))
            if toks[i].low in {"on", "against", "upon"}
        ),
        None,
    )
    if on is None:
        return
    whom, last = items(toks, on + 1)
    if not whom:
        return
    first = min([clause.first, *(p.first for p in clause.subjects)])
    whose = _who(scene, tuple(scene.after(clause, "by")) if clause.passive else clause.subjects, setting)
    if not clause.passive and not clause.subjects:
        return
    yield from _all(scene, clause, whose, whom, first, last, "sanction:imposed")


def _listed(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield `X was added to the sanctions list`, `X is subject to an asset freeze`."""
    lows = scene.lows(clause.after, clause.after + 10)
    if not {"sanctions", "freeze", "sdn"} & set(lows) or not clause.subjects:
        return
    if clause.base == "target" and "by" not in lows and "with" not in lows:
        return
    first = min(clause.first, clause.subjects[0].first)
    yield from _all(
        scene, clause, _who(scene, (), setting), list(clause.subjects), first, clause.after + 1, "sanction:listed"
    )


def _all(
    scene: Scene, clause: Clause, whose: list[Slot], whom: list[Phrase], first: int, last: int, method: str
) -> Iterator[Draft]:
    for who in whose:
        for phrase in whom:
            yield draft(
                scene,
                "sanction",
                who,
                "sanctioned",
                scene.slot(phrase),
                first=first,
                last=max(last, phrase.last if phrase.first > clause.after else last),
                at=clause.verb,
                negated=clause.negated,
                score=0.92,
                method=method,
            )
