"""Attribution: who is said to be behind an attack, a campaign, an intrusion; and where nobody is named on purpose."""

from __future__ import annotations

from collections.abc import Iterator

from stillhunt.reading import sorts
from stillhunt.reading.draft import Draft, Kind, Slot
from stillhunt.reading.frames import Setting, agent_slot, agents_of, draft, implied, is_hostile
from stillhunt.reading.grammar.clauses import Clause
from stillhunt.reading.grammar.phrases import Phrase, items, noun_phrase
from stillhunt.reading.scene import Scene

__all__ = ["find_attribution"]

_WAGE = frozenset(
    [
        "conduct",
        "carry",
        "wage",
        "launch",
        "mount",
        "perpetrate",
        "orchestrate",
        "execute",
        "run",
        "perform",
        "commit",
        "undertake",
        "engage",
        "direct",
        "lead",
        "stage",
        "unleash",
        "participate",
        "pursue",
        "coordinate",
        "operate",
        "initiate",
        "begin",
    ]
)
_NAMING = frozenset(
    {"specify", "name", "identify", "attribute", "disclose", "blame", "say", "reveal", "accuse", "provide", "confirm"}
)


def find_attribution(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield who is said to have done what; a refusal to name somebody is a statement, never an attribution."""
    for clause in scene.clauses:
        yield from _waged(scene, clause, setting)
        yield from _behind(scene, clause, setting)
        yield from _blamed(scene, clause, setting)
        yield from _attributed(scene, clause, setting)
        yield from _deployed(scene, clause, setting)
        yield from _not_named(scene, clause)


def _waged(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    if clause.base not in _WAGE:
        return
    if clause.passive:
        by = scene.after(clause, "by")
        if not by or not clause.subjects or not any(is_hostile(scene, p, setting) for p in by):
            return
        subject, objects = by[0], list(clause.subjects)
        if not _is_attack(scene, objects[0]):
            return
        first, last = min(objects[0].first, clause.first), by[-1].last
    else:
        after = clause.after
        while scene.low(after) in {"out", "in"}:
            after += 1
        objects, end = items(scene.toks, after)
        if not objects or not clause.subjects or not any(is_hostile(scene, p, setting) for p in clause.subjects):
            return
        if not _is_attack(scene, objects[0]):
            return
        subject = clause.subjects[0]
        first, last = min(clause.first, subject.first), max(end, after)
    if clause.shape == "inf" and (
        set(clause.chain)
        & {
            "attempt",
            "try",
            "seek",
            "plan",
            "conspire",
            "intend",
            "use",
            "order",
            "enable",
            "help",
            "allow",
            "cooperate",
            "carry",
        }
    ):
        return
    against = _against(scene, objects[0], last)
    recon = "reconnaissance" in scene.lows(objects[0].first, objects[0].last) and against
    if recon:
        return
    if scene.low(clause.first - 1) in {"conspiracy", "conspiring", "conspired"} or "conspiracy" in scene.lows(
        clause.first - 2, clause.first
    ):
        return
    slot = scene.slot(objects[0])
    if against is not None:
        last = max(last, against.last)
        target = scene.slot(against).text
        predicate = "waged-campaign-against" if clause.base == "wage" else "conducted"
        slot = Slot(
            text=target
            if clause.base == "wage"
            else (slot.text if target in slot.text else f"{slot.text} against {target}"),
            written=slot.written,
            start=slot.start,
            end=scene.toks[against.last - 1].end,
        )
    else:
        predicate = "conducted"
    agents = (
        [subject]
        if clause.passive or not all("person" in scene.sorts(p) for p in clause.subjects)
        else list(clause.subjects)
    )
    for one in agents:
        yield draft(
            scene,
            "attribution",
            agent_slot(scene, one, setting),
            predicate,
            slot,
            first=first,
            last=last,
            at=clause.verb,
            negated=clause.negated,
            score=0.9,
            method=f"attribution:{clause.base}",
        )


def _is_attack(scene: Scene, phrase: Phrase) -> bool:
    head = scene.head(phrase)
    return head in sorts.ATTACKS or head.rpartition("-")[2] in {"attack", "campaign", "espionage"}


def _against(scene: Scene, phrase: Phrase, stop: int) -> Phrase | None:
    toks = scene.toks
    for i in range(phrase.head + 1, min(len(toks), stop + 5)):
        if toks[i].low in {"against", "on", "into", "at"} and toks[i].tag == "PREP":
            found = noun_phrase(toks, i + 1)
            if found is not None and scene.toks[found.head].tag != "NUM":
                return found
        if toks[i].text in {";", "."}:
            break
    return None


def _behind(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield `X was behind Y`, `X is responsible for Y`, `X was involved in Y`, `X claimed responsibility for Y`."""
    toks = scene.toks
    if not clause.subjects:
        return
    i = clause.after
    while i < len(toks) and (toks[i].tag in {"ADV", "Q"} or toks[i].low in {"certain", "almost", "directly", "also"}):
        i += 1
    start = None
    if clause.base == "be" and not clause.passive:
        if scene.low(i) == "behind":
            start = i + 1
        elif scene.low(i) == "responsible" and scene.low(i + 1) == "for":
            start = i + 2
    elif clause.base in {"involve", "implicate"} and clause.passive and scene.low(clause.after) == "in":
        start = clause.after + 1
    elif clause.base in {"claim", "take"} and "responsibility" in scene.lows(clause.after, clause.after + 3):
        start = next(
            (j + 1 for j in range(clause.after, min(len(toks), clause.after + 5)) if toks[j].low == "for"), None
        )
    elif clause.base == "stand" and scene.low(clause.after) == "behind":
        start = clause.after + 1
    if start is None:
        return
    whats = items(toks, start)[0]
    # who is behind an attack is hostile by that, whoever it is
    names_one = toks[clause.subjects[-1].head].tag == "PN" and bool(whats) and _is_attack(scene, whats[0])
    if not names_one and not any(is_hostile(scene, p, setting) for p in clause.subjects):
        return
    subject = clause.subjects[-1] if len(clause.subjects) == 1 else clause.subjects[0]
    agent = _named_in_apposition(scene, subject, clause) or agent_slot(scene, subject, setting)
    found, end = items(toks, start)
    if not found:
        return
    last = end
    obj = scene.slot(found[0])
    head = scene.head(found[0])
    if head in {"activity", "group", "cluster"} and scene.low(found[0].last) in {
        "tracked",
        "known",
        "called",
        "dubbed",
    }:
        at = found[0].last + 1 + (scene.low(found[0].last + 1) == "as")
        called = noun_phrase(toks, at, deep=False)
        if called is not None and toks[called.head].tag == "PN":
            obj, last = scene.slot(called), max(last, called.last)
    aimed = next(
        (
            c
            for c in scene.clauses
            if c.first >= found[0].head and c.first <= end + 2 and c.base in {"aim", "target", "direct"}
        ),
        None,
    )
    if aimed is not None:
        hit = scene.after(aimed, "at", "against", until=len(toks)) or scene.objects(aimed)[0]
        if hit:
            last = hit[-1].last
            obj = Slot(
                text=f"{obj.text} against {scene.slot(hit[0]).text}",
                written=scene.raw(found[0].first, last),
                start=obj.start,
                end=toks[last - 1].end,
            )
    against = _against(scene, found[0], end) if head in sorts.ATTACKS and aimed is None else None
    predicate = "conducted"
    if against is not None and head in {"attack", "cyber-attack", "cyberattack", "hack", "breach", "intrusion"}:
        obj, predicate = scene.slot(against), "attacked"
        last = max(last, against.last)
    date = next((j for j in range(last, min(len(toks), last + 3)) if toks[j].tag == "DATE"), None)
    if (
        head not in sorts.ATTACKS
        and not any(head == sorts.singular(w) for w in ("development", "spread"))
        and "malware" not in scene.sorts(found[0])
        and scene.toks[found[0].head].tag != "PN"
        and head not in {"hacking", "wrongdoing", "series"}
    ):
        return
    yield draft(
        scene,
        "attribution",
        agent,
        predicate,
        obj,
        first=min(clause.first, subject.first),
        last=last if date is None else date + 1,
        at=clause.verb,
        negated=clause.negated,
        score=0.9,
        method="attribution:behind",
    )


def _named_in_apposition(scene: Scene, subject: Phrase, clause: Clause) -> Slot | None:
    """Return the name behind `another group, known as X,`."""
    if scene.group_in(subject):
        return None
    for other in scene.clauses:
        if (
            other.base in {"know", "call", "dub", "track", "name"}
            and subject.last <= other.first < clause.first
            and other.shape == "reduced"
        ):
            found = scene.after(other, "as") or scene.objects(other)[0]
            if found:
                return scene.slot(found[0])
    return None


def _blamed(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield `A blamed X for Y`, `A accused X of Y`, with a noun behind `for` or `of`."""
    if clause.base not in {"blame", "accuse", "suspect", "condemn"} or clause.shape != "finite":
        return
    toks = scene.toks
    if clause.passive:
        blamed: list[Phrase] = list(clause.subjects)
        rest = clause.after
    else:
        blamed, rest = items(toks, clause.after)
    if not blamed:
        return
    phrase = blamed[0]
    joint = next(
        (
            i
            for i in range(phrase.head + 1, min(len(toks), rest + 3))
            if toks[i].low in {"for", "of"}
            and i > phrase.head
            and (toks[i].low == "for" or (toks[i].low == "of" and clause.base != "blame"))
        ),
        None,
    )
    if joint is None or any(c.shape == "ing" and c.first == joint + 1 for c in scene.clauses):
        return
    found, end = items(toks, joint + 1)
    if not found or not _is_attack(scene, found[0]):
        return
    against = _against(scene, found[0], end)
    obj = scene.slot(against) if against is not None else scene.slot(found[0])
    agent = (
        scene.slot(Phrase(phrase.first, min(phrase.last, joint), phrase.head))
        if phrase.last > joint
        else agent_slot(scene, phrase, setting)
    )
    yield draft(
        scene,
        "attribution",
        agent,
        "attacked" if against is not None else "conducted",
        obj,
        first=min([clause.first, *(p.first for p in clause.subjects)]),
        last=max(end, against.last if against else 0),
        at=clause.after,
        negated=clause.negated,
        score=0.9,
        method="attribution:blamed",
    )


def _attributed(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield `Y was attributed to X`, `A attributed Y to X`, `A linked Y to X` where Y is an attack."""
    if clause.base not in {"attribute", "link", "tie", "trace", "connect", "ascribe", "pin", "credit"}:
        return
    to = scene.after(clause, *(("on",) if clause.base == "pin" else ("to", "with")), until=len(scene.toks))
    if not to:
        return
    things = list(clause.subjects) if clause.passive else scene.objects(clause)[0]
    if not things:
        return
    thing = things[0]
    kinds = scene.sorts(thing)
    if not ({"attack"} & kinds or "malware" in kinds or scene.head(thing) in sorts.ATTACKS) or (
        {"group"} & kinds and scene.head(thing) not in sorts.ATTACKS
    ):
        return
    whom = to[0]
    if not (is_hostile(scene, whom, setting) or {"agency", "country", "group", "actor"} & scene.sorts(whom)):
        return
    last = to[-1].last
    if clause.negated and scene.low(whom.first) in {"any", "a", "an", "anyone"}:
        return  # that nobody is named is a statement
    yield draft(
        scene,
        "attribution",
        agents_of(scene, [whom], setting)[0],
        "conducted" if "malware" not in kinds or "attack" in kinds else "uses",
        scene.slot(thing),
        first=min([clause.first, thing.first]),
        last=last,
        at=clause.verb,
        negated=clause.negated,
        score=0.9,
        method="attribution:attributed",
    )


def _deployed(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield `X deployed malware`."""
    if clause.base not in {"deploy", "unleash", "spread", "distribute", "release"} or clause.passive:
        return
    objects, end = scene.objects(clause)
    if (
        not objects
        or not clause.subjects
        or not any(
            {"group", "actor"} & scene.sorts(p) or (is_hostile(scene, p, setting) and "malware" not in scene.sorts(p))
            for p in clause.subjects
        )
    ):
        return
    if not any("malware" in scene.sorts(p) for p in objects) or (clause.shape == "inf" and clause.chain):
        return
    named = scene.toks[objects[0].head].tag == "PN" or any(
        scene.toks[i].tag == "PN" for i in range(objects[0].first, objects[0].last)
    )
    kind: Kind = "capability" if named and clause.base == "deploy" else "attribution"
    subject = clause.subjects[0]
    for phrase in objects if named else objects[:1]:
        if "malware" not in scene.sorts(phrase) and scene.toks[phrase.head].tag != "PN":
            continue
        yield draft(
            scene,
            kind,
            agent_slot(scene, subject, setting),
            "used-malware" if kind == "capability" else "deployed",
            scene.slot(phrase),
            first=min(clause.first, subject.first),
            last=end,
            at=clause.verb,
            negated=clause.negated,
            score=0.88,
            method="attribution:deployed",
        )


def _not_named(scene: Scene, clause: Clause) -> Iterator[Draft]:
    """Yield that somebody did not say who it was."""
    if clause.base not in _NAMING or not clause.subjects or clause.passive:
        return
    declined = bool(set(clause.chain) & {"decline", "refuse", "fail"})
    if not clause.negated and not declined:
        return
    objects, end = scene.objects(clause)
    heads = {scene.head(p) for p in objects} | set(scene.lows(clause.after, min(clause.after + 4, len(scene.toks))))
    if not heads & {
        "group",
        "actor",
        "country",
        "hacker",
        "perpetrator",
        "culprit",
        "who",
        "state",
        "attacker",
        "attack",
        "activity",
        "campaign",
        "attribution",
        "nation",
        "government",
        "source",
        "operation",
        "intrusion",
        "breach",
    }:
        return
    named = next((p for p in objects if _is_attack(scene, p)), None)
    what = (
        scene.slot(named).text
        if named is not None
        else scene.memory.last("attack", scene.toks[clause.after - 1].start) or "the attack"
    )
    last = len(scene.toks) if scene.toks[-1].text != "." else len(scene.toks) - 1
    first = min([clause.first, *(p.first for p in clause.subjects if p.first <= clause.first)])
    yield draft(
        scene,
        "statement",
        scene.slot(clause.subjects[0]),
        "named-group-for",
        implied(what),
        first=first,
        last=max(last, end),
        at=first,
        negated=True,
        score=0.9,
        method="statement:not-named",
    )
