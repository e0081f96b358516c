"""Capabilities and numbers: what malware did, what a group uses, develops, specialises in; how many there are."""

from __future__ import annotations

from collections.abc import Iterator

from stillhunt.reading import sorts
from stillhunt.reading.draft import Draft, Slot
from stillhunt.reading.frames import Setting, agent_slot, draft, implied, is_hostile
from stillhunt.reading.grammar.clauses import Clause
from stillhunt.reading.grammar.phrases import items
from stillhunt.reading.scene import Scene

__all__ = ["find_capabilities"]

_USING = frozenset({"use", "employ", "leverage", "utilize", "utilise", "operate", "wield"})


def find_capabilities(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield what somebody is able to do, or has."""
    for clause in scene.clauses:
        yield from _uses(scene, clause, setting)
        yield from _developed(scene, clause, setting)
        yield from _specialises(scene, clause, setting)
        yield from _numbers(scene, clause)
        yield from _malware_did(scene, clause, setting)
        yield from _registered(scene, clause, setting)
    yield from _theft_of(scene, setting)
    yield from _listed_development(scene, setting)


def _uses(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    if clause.base not in _USING:
        return
    if clause.passive:
        by = scene.after(clause, "by")
        if (
            by
            and clause.subjects
            and "malware" in scene.sorts(clause.subjects[0])
            and is_hostile(scene, by[0], setting)
        ):
            subject = clause.subjects[0]
            yield draft(
                scene,
                "capability",
                agent_slot(scene, by[0], setting),
                "used-malware",
                scene.slot(subject),
                first=min(subject.first, clause.first),
                last=by[0].last,
                at=clause.verb,
                negated=clause.negated,
                score=0.86,
                method="capability:used-by",
            )
        return
    found, end = scene.objects(clause)
    malware = [p for p in found if "malware" in scene.sorts(p) or scene.toks[p.head].tag == "PN"]
    if not malware or not any("malware" in scene.sorts(p) for p in found):
        return
    actor = clause.subjects[0] if clause.subjects else None
    if actor is not None and not is_hostile(scene, actor, setting):
        return
    if actor is not None and "attack" not in scene.sorts(actor):
        agent = agent_slot(scene, actor, setting)
    else:
        name = (
            setting.principal
            or scene.memory.last("group", scene.toks[clause.first].start)
            or scene.memory.last("actor", scene.toks[clause.first].start)
        )
        if not name:
            return
        agent = implied(name)
    named = next(
        (
            c
            for c in scene.clauses
            if c.base in {"know", "call", "dub", "name", "track", "include"} and clause.after <= c.first <= end + 2
        ),
        None,
    )
    if named is not None:
        listed, after = items(scene.toks, named.after + (scene.low(named.after) == "as"))
        if listed:
            words = scene.raw(listed[0].first, listed[-1].last)
            slot = Slot(
                text=words, written=words, start=scene.toks[listed[0].first].start, end=scene.toks[after - 1].end
            )
            yield draft(
                scene,
                "capability",
                agent,
                "used-malware",
                slot,
                first=clause.first,
                last=after,
                at=clause.verb,
                negated=clause.negated,
                score=0.87,
                method="capability:malware-known-as",
            )
            return
    words = scene.raw(malware[0].first, malware[-1].last)
    slot = (
        scene.slot(malware[0])
        if len(malware) == 1
        else Slot(
            text=words,
            written=words,
            start=scene.toks[malware[0].first].start,
            end=scene.toks[malware[-1].last - 1].end,
        )
    )
    first = clause.first if actor is None or actor.first > clause.first else actor.first
    yield draft(
        scene,
        "capability",
        agent,
        "used-malware",
        slot,
        first=first,
        last=end,
        at=clause.verb,
        negated=clause.negated,
        score=0.86,
        method="capability:uses",
    )


def _developed(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    if (
        clause.base not in {"develop", "write", "create", "build", "author", "design", "code"}
        or clause.passive
        or not clause.subjects
    ):
        return
    found, end = scene.objects(clause)
    if not found or not any(
        "malware" in scene.sorts(p)
        or "malware" in scene.lows(p.first, p.last)
        or scene.head(p) in {"component", "exploit"}
        for p in found
    ):
        return
    subject = clause.subjects[0]
    if (
        not is_hostile(scene, subject, setting)
        and "person" not in scene.sorts(subject)
        and "company" not in scene.sorts(subject)
    ):
        return
    yield draft(
        scene,
        "capability",
        agent_slot(scene, subject, setting),
        "developed",
        _all(scene, found[0].first, end),
        first=min(clause.first, subject.first),
        last=end,
        at=clause.verb,
        negated=clause.negated,
        score=0.88,
        method="capability:developed",
    )


def _all(scene: Scene, first: int, last: int) -> Slot:
    words = scene.raw(first, last)
    return Slot(text=words, written=words, start=scene.toks[first].start, end=scene.toks[last - 1].end)


def _listed_development(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield `Name · Developed components of the X malware`: an item of a table of overt acts."""
    toks = scene.toks
    if not toks:
        return
    for i, token in enumerate(toks[:8]):
        if token.low not in {"developed", "conducted", "prepared", "participated", "wrote", "created"} or (
            i and toks[i - 1].text not in {"·", "•", "-", "–"}
        ):
            continue
        if token.low not in {"developed", "wrote", "created"}:
            return
        person = scene.memory.last("person", token.start) or setting.principal
        found, end = items(toks, i + 1)
        if not person or not found or any(c.base == "develop" and c.subjects for c in scene.clauses if c.verb == i):
            return
        if scene.head(found[0]) not in {"component", "malware", "exploit", "tool"} and "malware" not in scene.lows(
            i, end
        ):
            return
        yield draft(
            scene,
            "capability",
            implied(person),
            "developed",
            _all(scene, i + 1, end),
            first=i,
            last=end,
            at=i,
            score=0.84,
            method="capability:listed",
        )
        return


def _specialises(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    toks = scene.toks
    if not clause.subjects:
        return
    subject = clause.subjects[0]
    last = min(len(toks) - (toks[-1].text == "."), _stop(scene, clause))
    first = min(subject.first, clause.first)
    if clause.base in {"specialise", "specialize", "excel"}:
        agent = agent_slot(scene, subject, setting)
        yield draft(
            scene,
            "capability",
            agent,
            "specialise-in",
            _all(scene, min(clause.after + 1, last - 1), last),
            first=first,
            last=last,
            at=clause.verb,
            negated=clause.negated,
            score=0.86,
            method="capability:specialise",
        )
    elif clause.base == "outnumber" and not clause.passive:
        yield draft(
            scene,
            "capability",
            scene.slot(subject),
            "outnumber",
            _all(scene, min(clause.after, last - 1), last),
            first=first,
            last=last,
            at=clause.verb,
            negated=clause.negated,
            score=0.9,
            method="number:ratio",
        )
    elif clause.base in {"prepare", "lay", "ready"} and is_hostile(scene, subject, setting) and not clause.passive:
        lows = scene.lows(clause.after, last)
        if clause.base == "lay" and "groundwork" not in lows and "foundations" not in lows:
            return
        target = next((i + 1 for i in range(clause.after, last) if toks[i].low in {"for", "to"}), clause.after)
        if clause.base == "prepare" and not {
            "attack",
            "attacks",
            "strike",
            "war",
            "sabotage",
            "conflict",
            "campaign",
            "campaigns",
        } & set(lows):
            return
        yield draft(
            scene,
            "capability",
            agent_slot(scene, subject, setting),
            "prepare",
            _all(scene, min(target, last - 1), last),
            first=first,
            last=last,
            at=clause.verb,
            negated=clause.negated,
            score=0.86,
            method="capability:prepare",
        )
    elif (
        clause.base == "involve"
        and sorts.singular(toks[subject.last - 1].low) in sorts.ATTACKS
        and clause.relative
        and scene.low(clause.after) != "in"
    ):
        yield draft(
            scene,
            "capability",
            scene.slot(subject),
            "involves",
            _all(scene, clause.after, last),
            first=0 if clause.relative else first,
            last=last,
            at=clause.verb,
            negated=clause.negated,
            score=0.8,
            method="capability:involves",
        )


def _stop(scene: Scene, clause: Clause) -> int:
    for i in range(clause.after, len(scene.toks)):
        if scene.toks[i].text in {",", ";", "—"} or scene.toks[i].tag == "SUB":
            return i
    return len(scene.toks)


def _numbers(scene: Scene, clause: Clause) -> Iterator[Draft]:
    """Yield how many hackers or groups somebody counts."""
    toks = scene.toks
    if clause.base not in {
        "be",
        "track",
        "have",
        "employ",
        "count",
        "know",
        "identify",
        "exist",
        "number",
        "monitor",
        "follow",
        "observe",
    }:
        return
    stop = min(len(toks), clause.after + 8)
    number = next(
        (
            i
            for i in range(clause.after, stop)
            if toks[i].tag == "NUM" and toks[i].low not in {"one", "first", "second", "third"}
        ),
        None,
    )
    if number is None:
        return
    found, _end = items(toks, number)
    if (
        not found
        or scene.head(found[0]) not in {"group", "hacker", "actor", "team", "operator", "employee", "spy", "gang"}
        or "attack" in scene.sorts(found[0])
    ):
        return
    if any(t.low == "of" for t in toks[number + 1 : found[0].head]):
        return
    country = sorts.country_of(scene.words(found[0]))
    if not country and clause.base not in {"have", "employ"}:
        return
    subject = country or (scene.slot(clause.subjects[0]).text if clause.subjects else "")
    if not subject or (
        clause.base == "be" and clause.subjects and {"person", "group"} & scene.sorts(clause.subjects[0])
    ):
        return
    start = number
    while start > clause.after and toks[start - 1].low in {
        "about",
        "around",
        "nearly",
        "least",
        "at",
        "more",
        "than",
        "over",
        "approximately",
        "some",
        "almost",
    }:
        start -= 1
    head = scene.head(found[0])
    first = min([clause.first, *(p.first for p in clause.subjects)])
    yield draft(
        scene,
        "capability",
        implied(subject),
        f"has-{head}s",
        _all(scene, start, found[0].last),
        first=first,
        last=found[0].last,
        at=start,
        negated=clause.negated,
        score=0.86,
        method="number:count",
        qualifiers=(("count", toks[number].text),),
    )


def _malware_did(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield what malware does: `X allows operators to run commands`, `X is capable of`."""
    del setting
    if clause.passive or not clause.subjects or clause.shape != "finite":
        return
    subject = clause.subjects[0]
    if "malware" not in scene.sorts(subject) or {"group", "actor"} & scene.sorts(subject):
        return
    if scene.toks[subject.head].tag != "PN" and not any(
        t.tag == "PN" for t in scene.toks[subject.first : subject.last]
    ):
        return
    capable = clause.base == "be" and scene.low(clause.after) == "capable"
    if not capable and clause.base not in {
        "allow",
        "enable",
        "provide",
        "support",
        "contain",
        "feature",
        "spread",
        "exploit",
        "collect",
        "delete",
        "log",
        "capture",
        "download",
        "upload",
        "execute",
        "communicate",
        "propagate",
        "record",
        "persist",
    }:
        return
    last = min(len(scene.toks) - (scene.toks[-1].text == "."), scene.limit(clause))
    if last <= clause.after:
        return
    yield draft(
        scene,
        "capability",
        scene.slot(subject),
        "can" if capable else clause.base,
        _all(scene, clause.after, last),
        first=min(subject.first, clause.first),
        last=last,
        at=clause.verb,
        negated=clause.negated,
        score=0.82,
        method="capability:malware",
    )


def _registered(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield infrastructure that somebody is said to have set up: `registered domains`, `leased servers`."""
    if (
        clause.base not in {"register", "lease", "rent", "host"}
        or clause.passive
        or not clause.subjects
        or clause.shape == "inf"
    ):
        return
    found, end = scene.objects(clause)
    if (
        not found
        or scene.head(found[0]) not in {"domain", "server", "website", "infrastructure", "account", "vps"}
        or not is_hostile(scene, clause.subjects[0], setting)
    ):
        return
    subject = clause.subjects[0]
    yield draft(
        scene,
        "capability",
        agent_slot(scene, subject, setting),
        clause.base,
        _all(scene, found[0].first, end),
        first=min(subject.first, clause.first),
        last=end,
        at=clause.verb,
        negated=clause.negated,
        score=0.83,
        method="capability:infrastructure",
    )


def _theft_of(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield `the hackers' theft of corporate data`, presupposed."""
    toks = scene.toks
    for i, token in enumerate(toks):
        if token.low not in {"theft", "exfiltration"} or scene.low(i + 1) != "of":
            continue
        genitive = next((j for j in range(i - 1, max(-1, i - 3), -1) if toks[j].tag == "GEN"), None)
        if genitive is None:
            continue
        start = genitive - 1
        while start > 0 and toks[start - 1].tag in {"N", "PN", "DET"}:
            start -= 1
        owner = next((p for p in scene.phrases if p.first <= start < p.last), None)
        if owner is None or (
            not is_hostile(scene, owner, setting) and sorts.singular(toks[genitive - 1].low) not in sorts.ACTORS
        ):
            continue
        found, end = items(toks, i + 2)
        if not found:
            continue
        words = scene.raw(start, genitive)
        yield draft(
            scene,
            "capability",
            Slot(text=words, written=words, start=toks[start].start, end=toks[genitive - 1].end),
            "steal",
            scene.slot(found[0]),
            first=start,
            last=end,
            at=i,
            score=0.84,
            method="capability:theft",
        )
