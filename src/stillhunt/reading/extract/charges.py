"""Charges: who is charged by whom, with what."""

from __future__ import annotations

from collections.abc import Iterator

from stillhunt.reading import sorts
from stillhunt.reading.draft import Draft, Slot
from stillhunt.reading.frames import Setting, draft, implied
from stillhunt.reading.grammar.clauses import Clause
from stillhunt.reading.grammar.phrases import Phrase, items, noun_phrase
from stillhunt.reading.scene import Scene

__all__ = ["find_charges"]

_BRING = frozenset(
    {"lay", "bring", "file", "press", "return", "unseal", "announce", "issue", "obtain", "hand", "secure"}
)
_PAPERS = frozenset({"indictment", "charge", "complaint", "information", "warrant"})


def find_charges(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield who is charged."""
    for clause in scene.clauses:
        yield from _charged(scene, clause, setting)
        yield from _brought(scene, clause, setting)
        yield from _convicted(scene, clause, setting)
    yield from _indictment_against(scene, setting)


def _state(setting: Setting) -> Slot:
    return implied(setting.country or "the prosecutors")


def _charged(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    if clause.base not in {"charge", "indict", "arraign"}:
        return
    toks = scene.toks
    if clause.passive:
        if not clause.subjects or scene.head(clause.subjects[0]) in {"fee", "price"}:
            return
        by = scene.after(clause, "by")
        who = (
            scene.slot(by[0])
            if by and {"agency", "country", "defender", "role", "safe"} & scene.sorts(by[0])
            else _state(setting)
        )
        first = min(clause.first, clause.subjects[0].first)
        if clause.shape == "reduced" and scene.low(clause.after) not in {"with", "by", "in"}:
            return
        named = _named_before(scene, clause)
        joined = Slot(
            text="; ".join(named) if named else "; ".join(scene.slot(p).text for p in clause.subjects),
            written=scene.raw(clause.subjects[0].first, clause.subjects[-1].last),
            start=toks[clause.subjects[0].first].start,
            end=toks[clause.subjects[-1].last - 1].end,
        )
        predicate = "previously-charged" if "previously" in scene.lows(clause.first, clause.after) else "charged"
        yield draft(
            scene,
            "charge",
            who,
            predicate,
            joined,
            first=min(first, clause.first),
            last=max(_counts(scene, clause), clause.after),
            at=clause.verb,
            negated=clause.negated,
            score=0.9,
            method="charge:passive",
        )
        return
    found, end = scene.objects(clause)
    if not found or not clause.subjects:
        return
    subject = clause.subjects[0]
    if not (
        {"agency", "country", "defender", "role", "safe", "paper", "pronoun"} & scene.sorts(subject)
        or scene.toks[subject.head].tag == "PN"
        or scene.head(subject) in {"jury", "count", "superseding", "department", "court"}
    ):
        return
    if scene.head(found[0]) in {"fee", "price", "cost", "interest", "country"}:
        return
    first = min(clause.first, subject.first)
    paper = scene.head(subject) in _PAPERS or "indictment" in scene.lows(subject.first, subject.last)
    counts = scene.after(clause, "with") if clause.base == "charge" else []
    if paper and counts and not _agent_above(scene, clause):
        last = counts[-1].last
        obj = Slot(
            text=scene.raw(counts[0].first, last),
            written=scene.raw(counts[0].first, last),
            start=toks[counts[0].first].start,
            end=toks[last - 1].end,
        )
        yield draft(
            scene,
            "charge",
            implied("indictment" if "indictment" in scene.lows(subject.first, subject.last) else scene.plain(subject)),
            "charges-with",
            obj,
            first=first,
            last=last,
            at=clause.verb,
            negated=clause.negated,
            score=0.9,
            method="charge:counts",
        )
        return
    who = _agent_above(scene, clause) or scene.slot(subject)
    above = _above_first(scene, clause)
    words = scene.raw(found[0].first, max(p.last for p in found))
    obj = (
        scene.slot(found[0])
        if len(found) == 1
        else Slot(text=words, written=words, start=toks[found[0].first].start, end=toks[end - 1].end)
    )
    tail = _tail(scene, end)
    if tail:
        obj = Slot(text=f"{obj.text}, {tail}", written=obj.written, start=obj.start, end=obj.end)
    yield draft(
        scene,
        "charge",
        who,
        "charged",
        obj,
        first=min(first, above if above is not None else first),
        last=end,
        at=clause.verb,
        negated=clause.negated,
        score=0.9,
        method="charge:active",
    )


def _named_before(scene: Scene, clause: Clause) -> list[str]:
    """Return the names that stand in apposition to `the defendants` before a verb."""
    lead = scene.lows(0, 5)
    if "defendants" not in lead and "defendant" not in lead:
        return []
    found = [scene.slot(p).text for p in scene.phrases if p.last <= clause.first and "person" in scene.sorts(p)]
    return list(dict.fromkeys(found)) if len(found) > 1 else []


def _tail(scene: Scene, end: int) -> str:
    """Return what a relative clause adds about the accused: `officers in Unit 74455`."""
    for i in range(end, min(len(scene.toks), end + 24)):
        if sorts.singular(scene.low(i)) in {"officer", "member", "employee", "citizen"} and scene.low(i + 1) in {
            "in",
            "of",
            "at",
        }:
            found = noun_phrase(scene.toks, i + 2)
            if found is not None:
                return scene.raw(i, found.last)
    return ""


def _counts(scene: Scene, clause: Clause) -> int:
    with_ = scene.after(clause, "with", "in")
    return min(with_[0].last, clause.after + 12) if with_ else clause.after


def _agent_above(scene: Scene, clause: Clause) -> Slot | None:
    """Return who returned the indictment that charges somebody."""
    for other in scene.clauses:
        if (
            other.first < clause.first
            and other.base in _BRING
            and not other.passive
            and other.subjects
            and "paper" in scene.sorts(clause.subjects[0])
            and other is not clause
        ):
            return scene.slot(other.subjects[0])
    return None


def _above_first(scene: Scene, clause: Clause) -> int | None:
    return next(
        (
            min(o.first, o.subjects[0].first)
            for o in scene.clauses
            if o.first < clause.first and o.base in _BRING and not o.passive and o.subjects
        ),
        None,
    )


def _brought(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield `laid charges against X`, `unsealed an indictment against X`, `charges were brought against X`."""
    if clause.base not in _BRING:
        return
    toks = scene.toks
    if clause.passive:
        things = list(clause.subjects)
        who = _state(setting)
        by = scene.after(clause, "by")
        if by:
            who = scene.slot(by[0])
    else:
        things = scene.objects(clause)[0]
        if not clause.subjects:
            return
        who = scene.slot(clause.subjects[0])
    if not things or not any(scene.head(p) in _PAPERS for p in things):
        return
    head_at = things[0].head
    against = next(
        (i for i in range(head_at, min(len(toks), max(things[-1].last, clause.after) + 8)) if toks[i].low == "against"),
        None,
    )
    if against is None or any(c.base == "charge" and head_at < c.first < against for c in scene.clauses):
        return
    if clause.shape == "reduced" and clause.base == "file":
        return
    found, end = _accused(scene, against + 1)
    if not found:
        return
    first = min([clause.first, *(p.first for p in clause.subjects)])
    words = "; ".join(_accused_name(scene, p) for p in found)
    obj = Slot(
        text=words, written=scene.raw(found[0].first, end), start=toks[found[0].first].start, end=toks[end - 1].end
    )
    predicate = "unsealed-indictment-against" if clause.base == "unseal" else "charged"
    yield draft(
        scene,
        "charge",
        who,
        predicate,
        obj,
        first=first,
        last=end,
        at=clause.verb,
        negated=clause.negated,
        score=0.92,
        method=f"charge:{clause.base}",
    )


def _accused(scene: Scene, i: int) -> tuple[list[Phrase], int]:
    found, end = items(scene.toks, i)
    if found and scene.toks[found[-1].head].tag == "PRON" and scene.low(found[-1].last) == "and":
        more, after = items(scene.toks, found[-1].last + 1)
        return found + more, after
    return found, end


def _accused_name(scene: Scene, phrase: Phrase) -> str:
    if scene.toks[phrase.head].tag == "PRON":
        subject = scene.memory.last("members", scene.toks[phrase.first].start)
        return subject or "them"
    return scene.slot(phrase).text


def _convicted(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield arrests and convictions."""
    if clause.base not in {"convict", "arrest", "sentence", "extradite", "plead"} or not clause.subjects:
        return
    if clause.base == "plead":
        if "guilty" not in scene.lows(clause.after, clause.after + 2):
            return
        subject = clause.subjects[0]
        yield draft(
            scene,
            "charge",
            scene.slot(subject),
            "pleaded-guilty",
            "guilty",
            first=min(clause.first, subject.first),
            last=clause.after + 1,
            at=clause.verb,
            negated=clause.negated,
            score=0.85,
            method="charge:plea",
        )
        return
    if not clause.passive or clause.shape != "finite":
        return
    subject = clause.subjects[0]
    if not ({"person", "actor", "people"} & scene.sorts(subject) or scene.toks[subject.head].tag == "PN"):
        return
    predicate = {"convict": "convicted", "arrest": "arrested", "sentence": "sentenced", "extradite": "extradited"}[
        clause.base
    ]
    yield draft(
        scene,
        "charge",
        _state(setting),
        predicate,
        scene.slot(subject),
        first=min(clause.first, subject.first),
        last=clause.after,
        at=clause.verb,
        negated=clause.negated,
        score=0.84,
        method=f"charge:{clause.base}",
    )


def _indictment_against(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield `the indictment filed in a New York court against X`, where no verb brings it."""
    toks = scene.toks
    for i, token in enumerate(toks):
        if token.low not in {"indictment", "complaint"} or token.tag not in {"N", "PN"}:
            continue
        stop = min(len(toks), i + 12)
        against = next((j for j in range(i, stop) if toks[j].low == "against"), None)
        if (
            against is None
            or any(c.base in _BRING and c.after <= i and c.shape == "finite" for c in scene.clauses)
            or any(
                c.base in _BRING and i < c.first < against and c.shape == "finite" and c.passive for c in scene.clauses
            )
        ):
            continue
        found, end = items(toks, against + 1)
        if not found:
            continue
        country = next(
            (
                sorts.country_of(scene.raw(max(0, j), j + 1))
                for j in range(i - 2, i)
                if j >= 0 and sorts.country_of(toks[j].text)
            ),
            "",
        )
        nation = country or setting.country or scene.memory.last("charging", token.start)
        yield draft(
            scene,
            "charge",
            implied(f"{nation} authorities".strip()),
            "indicted",
            scene.slot(found[0]),
            first=max(0, i - 1),
            last=end,
            at=i,
            score=0.85,
            method="charge:indictment",
        )
