"""Targets: sectors, places, organisations and kinds of persons that somebody goes after."""

from __future__ import annotations

from collections.abc import Iterator

from stillhunt.reading import sorts
from stillhunt.reading.draft import Draft, Slot
from stillhunt.reading.frames import Frame, Setting, agent_slot, draft, frame_of, implied, is_hostile, named_places
from stillhunt.reading.grammar.clauses import Clause
from stillhunt.reading.grammar.phrases import Phrase, items, noun_phrase
from stillhunt.reading.scene import Scene

__all__ = ["find_targets"]

_DIRECT = {
    "target": "targeted",
    "spearphish": "targeted",
    "spear-phish": "targeted",
    "phish": "targeted",
    "surveil": "surveilled",
    "harass": "harassed",
    "pursue": "pursued",
    "prioritise": "targeted",
    "prioritize": "targeted",
    "victimise": "targeted",
    "victimize": "targeted",
    "probe": "probed",
    "scan": "scanned",
    "threaten": "targeted",
    "impersonate": "impersonated",
    "monitor": "monitored",
    "approach": "approached",
}
_OVER: dict[str, tuple[tuple[str, ...], str]] = {
    "aim": (("at", "against"), "targeted"),
    "direct": (("at", "against", "towards", "toward"), "targeted"),
    "focus": (("on",), "targeted"),
    "concentrate": (("on",), "targeted"),
    "spy": (("on",), "spied-on"),
    "eavesdrop": (("on",), "spied-on"),
    "go": (("after",), "targeted"),
    "home": (("in",), "targeted"),
    "prey": (("on",), "targeted"),
    "position": (("on", "in", "within", "inside"), "positioned-on"),
    "pre-position": (("on", "in", "within", "inside"), "positioned-on"),
    "preposition": (("on", "in", "within", "inside"), "positioned-on"),
}
_STRENGTHENED = frozenset(
    {"undermine", "destabilise", "destabilize", "retaliate", "disrupt", "influence", "subvert", "interfere"}
)
_NOT_TARGETS = frozenset(
    [
        "campaign",
        "attack",
        "operation",
        "activity",
        "effort",
        "vulnerability",
        "flaw",
        "password",
        "weakness",
        "practice",
        "exploit",
        "protocol",
        "version",
        "attention",
        "user-agent",
        "aim",
        "following",
        "time",
        "process",
        "way",
        "risk",
        "cve",
        "bug",
        "login",
        "log",
        "event",
        "step",
        "option",
        "patch",
        "update",
    ]
)
_TARGET_NOUNS = frozenset({"target", "victim", "victims", "targets"})


def find_targets(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield a claim for every target that a sentence names."""
    for clause in scene.clauses:
        yield from _by_verb(scene, clause, setting)
        yield from _aim_taken(scene, clause, setting)
        yield from _victims_are(scene, clause, setting)
        yield from _tried(scene, clause, setting)
        yield from _reconnoitred(scene, clause, setting)
        yield from _stolen_from(scene, clause, setting)
        yield from _used_to_target(scene, clause, setting)
    yield from _campaigns_against(scene, setting)


def _by_verb(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    over: tuple[str, ...] = ()
    if clause.base in _DIRECT:
        predicate = _DIRECT[clause.base]
    elif clause.base in _OVER:
        over, predicate = _OVER[clause.base]
        if clause.base in {"focus", "concentrate", "position", "direct", "pre-position", "preposition"} and not any(
            is_hostile(scene, p, setting) for p in clause.subjects
        ):
            return
        if clause.base == "direct" and clause.subjects and "attack" not in scene.sorts(clause.subjects[-1]):
            return
    else:
        return
    if clause.base in {"monitor", "approach", "probe", "scan", "threaten", "pursue", "impersonate"} and not any(
        {"group", "actor"} & scene.sorts(p) for p in clause.subjects
    ):
        return
    frame = _frame(scene, clause, setting, over)
    if not frame.hostile or not frame.patients:
        return
    yield from _each(scene, frame, predicate, setting)


def _frame(scene: Scene, clause: Clause, setting: Setting, over: tuple[str, ...]) -> Frame:
    if clause.passive and over:
        # "activity aimed at X", "campaigns directed against X": the participle's noun acts
        found = scene.after(clause, *over, until=len(scene.toks))
        agents = tuple(agent_slot(scene, p, setting) for p in clause.subjects)
        first = min((p.first for p in clause.subjects), default=clause.first)
        hostile = any(is_hostile(scene, p, setting) for p in clause.subjects)
        return Frame(
            clause=clause,
            agents=agents,
            patients=tuple(found),
            hostile=hostile,
            first=first,
            last=max((p.last for p in found), default=clause.after),
        )
    return frame_of(scene, clause, setting, over=over)


def _owners(scene: Scene, found: list[Phrase]) -> list[Phrase]:
    """Return those by whom something is done, in place of it: `targeting investigations by the OPCW and the DSTL`."""
    if len(found) != 1 or scene.head(found[0]) not in {
        "investigation",
        "effort",
        "research",
        "work",
        "programme",
        "program",
    }:
        return found
    if scene.low(found[0].last) != "by":
        return found
    return items(scene.toks, found[0].last + 1)[0] or found


def _each(scene: Scene, frame: Frame, predicate: str, setting: Setting) -> Iterator[Draft]:
    clause = frame.clause
    agent = frame.agents[0] if frame.agents else implied(_unnamed(scene, setting))
    if not agent.text or agent.text.casefold() in {"it", "they", "which", "this", "that"}:
        return
    last = frame.last
    patients = _expanded(scene, _owners(scene, list(frame.patients)), clause)
    last = max([last, *(p.last for p in patients)])
    places = (
        []
        if clause.passive
        else named_places(
            scene,
            max((p.last for p in frame.patients), default=clause.after),
            min(len(scene.toks), scene.limit(clause)),
        )
    )
    inner = [] if clause.passive else [q for p in patients for q in named_places(scene, p.head + 1, p.last)]
    places = [*inner, *places] if len(places) + len(inner) >= 2 or (places and _is_general(scene, patients)) else []
    exemplified = any(p.example for p in patients)
    for phrase in patients:
        if _is_no_target(scene, phrase) or (
            exemplified
            and not phrase.example
            and phrase.last - phrase.first <= 2
            and scene.head(phrase) in {"sector", "industry", "field", "vertical", "country"}
        ):
            continue
        yield draft(
            scene,
            "target",
            agent,
            predicate,
            scene.slot(phrase),
            first=frame.first,
            last=max(last, phrase.last),
            at=clause.verb,
            negated=clause.negated,
            score=_score(frame, phrase),
            method=f"target:{clause.base}",
        )
    for place in places:
        if any(place.first == p.first for p in patients):
            continue
        yield draft(
            scene,
            "target",
            agent,
            predicate,
            scene.slot(place),
            first=frame.first,
            last=max(last, place.last),
            at=clause.verb,
            negated=clause.negated,
            score=0.85,
            method=f"target-place:{clause.base}",
        )
    yield from _more(scene, frame, agent, predicate, max([last, *(p.last for p in places)]))


def _more(scene: Scene, frame: Frame, agent: Slot, predicate: str, at: int) -> Iterator[Draft]:
    """Yield what `as well as` adds behind a list of places."""
    toks = scene.toks
    stop = scene.limit(frame.clause)
    for i in range(at, min(stop, len(toks)) - 3):
        if toks[i].low == "as" and scene.low(i + 1) == "well" and scene.low(i + 2) == "as":
            found, after = items(toks, i + 3)
            for phrase in found:
                if not _is_no_target(scene, phrase):
                    yield draft(
                        scene,
                        "target",
                        agent,
                        predicate,
                        scene.slot(phrase),
                        first=frame.first,
                        last=after,
                        at=frame.clause.verb,
                        negated=frame.clause.negated,
                        score=0.85,
                        method="target:as-well-as",
                    )
            return


def _expanded(scene: Scene, patients: list[Phrase], clause: Clause) -> list[Phrase]:
    """Return a list with what stands in place of `victims in the following sectors:` or `industries, including`."""
    if not patients:
        return patients
    toks = scene.toks
    stop = len(toks)
    out = list(patients)
    end = patients[-1].last
    for i in range(end - 1, min(stop, end + 14)):
        if toks[i].text == ":" and any(
            w in {"following", "these", "sectors", "industries", "countries", "including"}
            for w in scene.lows(patients[-1].first, i + 1)
        ):
            found, _ = items(toks, i + 1)
            if found:
                general = [
                    p
                    for p in out
                    if "following" in scene.lows(p.first, p.last)
                    or scene.head(p) in {"victim", "target", "organization", "organisation", "entity"}
                ]
                return [p for p in out if p not in general] + found
        if (
            (toks[i].low == "including" or (toks[i].low == "such" and scene.low(i + 1) == "as"))
            and i >= end
            and not any(c.first <= i < c.after for c in scene.clauses)
        ):
            j = i + (2 if toks[i].low == "such" else 1)
            while scene.low(j) in {"those", "in", "the", ":"} and scene.low(j + 1) != "united":
                j += 1
            found, _ = items(toks, j)
            out += [
                Phrase(p.first, p.last, p.head, example=True) for p in found if all(p.first != q.first for q in out)
            ]
            break
        if toks[i].low in {"by", "using", "with", "through", "via", "who", "which"}:
            break
    sectors = [p for p in out if p.example]
    if sectors and not clause.passive:
        return out
    return _sector_list(scene, out)


def _sector_list(scene: Scene, patients: list[Phrase]) -> list[Phrase]:
    """Return the sectors of `organizations in the A, B, and C sectors`, one each, behind the organisations."""
    out: list[Phrase] = []
    for phrase in patients:
        out.append(phrase)
        for i in range(phrase.head + 1, phrase.last):
            if scene.low(i) in {"in", "within", "across"} and scene.toks[i].tag == "PREP":
                inner = noun_phrase(scene.toks, i + 1, deep=False)
                if inner is not None and inner.head < phrase.last and _is_sectors(scene, inner):
                    out.append(inner)
    return out


def _is_sectors(scene: Scene, phrase: Phrase) -> bool:
    return scene.head(phrase) in {"sector", "industry"} and any(
        w in sorts.SECTORS for w in scene.lows(phrase.first, phrase.last)
    )


def _is_general(scene: Scene, patients: list[Phrase]) -> bool:
    return any(scene.head(p) in sorts.VICTIMS or scene.head(p) in sorts.SYSTEMS for p in patients)


def _is_no_target(scene: Scene, phrase: Phrase) -> bool:
    head = scene.head(phrase)
    token = scene.toks[phrase.head]
    if token.tag == "PRON" or head in _NOT_TARGETS or head in {"it", "them", "that", "this"}:
        return True
    return bool({"group"} & scene.sorts(phrase)) and head not in sorts.VICTIMS | sorts.PEOPLE


def _score(frame: Frame, phrase: Phrase) -> float:
    score = 0.92
    if frame.agents and frame.agents[0].how == "resolved":
        score -= 0.04
    if not frame.agents or frame.agents[0].how == "implied":
        score -= 0.1
    if phrase.last - phrase.first > 18:
        score -= 0.2
    if frame.clause.chain and frame.clause.shape == "inf":
        score -= 0.05
    return score


def _unnamed(scene: Scene, setting: Setting) -> str:
    at = scene.start
    return (
        setting.principal
        or scene.memory.last("group", at, after=scene.paragraph_start - 1)
        or scene.memory.last("actor", at)
        or "unnamed actors"
    )


def _aim_taken(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield `took aim at X`, `set its sights on X`, `turned its attention to X`."""
    words = scene.lows(clause.after, clause.after + 4)
    taken = clause.base == "take" and words[:2] == ["aim", "at"]
    sights = clause.base in {"set", "train"} and "sights" in words
    attention = clause.base in {"turn", "shift"} and ("attention" in words or "focus" in words)
    if not (taken or sights or attention) or not any(is_hostile(scene, p, setting) for p in clause.subjects):
        return
    found = scene.after(clause, "at", "on", "to", "towards", "toward")
    first = min((p.first for p in clause.subjects), default=clause.first)
    frame = Frame(
        clause=clause,
        agents=tuple(agent_slot(scene, p, setting) for p in clause.subjects),
        patients=tuple(found),
        hostile=True,
        first=first,
        last=max((p.last for p in found), default=clause.after),
    )
    yield from _each(scene, frame, "targeted", setting)


def _victims_are(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield `victims include X`, `most of those targeted were X`, `targets ranged from X`."""
    if (
        not clause.subjects
        or clause.base not in {"include", "be", "comprise", "range", "span"}
        or clause.shape != "finite"
    ):
        return
    subject = clause.subjects[0]
    lows = scene.lows(subject.first, subject.last)
    noun = scene.head(subject) in _TARGET_NOUNS or scene.head(subject) in {"victim", "target"}
    targeted = "targeted" in lows or "targeted" in scene.lows(subject.last, clause.first)
    if not noun and not targeted:
        return
    if clause.base == "be" and noun and clause.passive:
        return
    found, after = scene.objects(clause)
    if not found:
        found = scene.after(clause, "from", "in", "across")
        after = max((p.last for p in found), default=clause.after)
    agent = _genitive(scene, subject, setting) or _unnamed(scene, setting)
    for phrase in found:
        if _is_no_target(scene, phrase) or (
            clause.base == "be" and not {"victim", "people", "country", "sector"} & scene.sorts(phrase)
        ):
            continue
        yield draft(
            scene,
            "target",
            implied(agent),
            "targeted-mostly" if "most" in lows else "targeted",
            scene.slot(phrase),
            first=subject.first,
            last=after,
            at=clause.verb,
            negated=clause.negated,
            score=0.8,
            method="target:victims-are",
        )


def _genitive(scene: Scene, phrase: Phrase, setting: Setting) -> str:
    for i in range(phrase.first, phrase.head):
        if scene.toks[i].tag == "GEN":
            return scene.slot(Phrase(phrase.first, i, i - 1), actor=True).text
        if scene.toks[i].low in {"its", "their"}:
            return scene.memory.last("group", scene.toks[i].start) or scene.memory.last("actor", scene.toks[i].start)
    for i in range(phrase.head + 1, phrase.last):
        if scene.toks[i].low in {"of", "by"}:
            inner = noun_phrase(scene.toks, i + 1)
            if inner is not None and is_hostile(scene, inner, setting):
                return scene.slot(inner, actor=True).text
    return ""


def _tried(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield what somebody tried to get into or to harm: `attempted to gain access to X`, `efforts to undermine X`."""
    if clause.shape != "inf":
        return
    trying = clause.chain and clause.chain[-1] in {
        "attempt",
        "try",
        "seek",
        "conspire",
        "plan",
        "aim",
        "intend",
        "fail",
    }
    before = scene.low(clause.first - 1)
    nominal = before in {"efforts", "effort", "attempts", "attempt", "plot", "bid", "campaign"}
    if not trying and not nominal:
        return
    found: list[Phrase]
    if clause.base in {"gain", "obtain", "get"}:
        found = scene.after(clause, "to", "into")
        predicate = "tried-to-access"
    elif clause.base in {"compromise", "access", "hack", "breach", "infiltrate", "penetrate", "infect"}:
        found = scene.objects(clause)[0] or scene.after(clause, "into")
        predicate = "tried-to-compromise"
    elif clause.base in {"break", "intrude"}:
        found = scene.after(clause, "into")
        predicate = "tried-to-compromise"
    elif clause.base in _STRENGTHENED:
        found = _shared_objects(scene, clause)
        predicate = (
            "sought-to-destabilize"
            if clause.base in {"undermine", "destabilise", "destabilize", "retaliate"}
            else f"sought-to-{clause.base}"
        )
    else:
        return
    subjects = clause.subjects
    agents = tuple(agent_slot(scene, p, setting) for p in subjects if is_hostile(scene, p, setting))
    if not agents:
        if not nominal:
            return
        agents = _above(scene, clause, setting) or (implied(_unnamed(scene, setting)),)
    if not found:
        return
    last = max(p.last for p in found)
    for phrase in found:
        if _is_no_target(scene, phrase):
            continue
        yield draft(
            scene,
            "target",
            agents[0],
            predicate,
            scene.slot(phrase),
            first=min([clause.first - 1, *(p.first for p in subjects if p.first < clause.first)])
            if trying
            else clause.first - 1,
            last=last,
            at=clause.verb,
            negated=False,
            score=0.86,
            method=f"target:tried-{clause.base}",
        )


def _above(scene: Scene, clause: Clause, setting: Setting) -> tuple[Slot, ...]:
    for other in scene.clauses:
        if (
            other.shape == "finite"
            and other.first < clause.first
            and other.subjects
            and is_hostile(scene, other.subjects[0], setting)
        ):
            return (agent_slot(scene, other.subjects[0], setting),)
    return ()


def _shared_objects(scene: Scene, clause: Clause) -> list[Phrase]:
    """Return the objects of `undermine, retaliate against, or otherwise destabilize: (1) X; (2) Y`."""
    toks = scene.toks
    i = clause.after
    verbs = {c.verb for c in scene.clauses}
    while i < len(toks) and (toks[i].tag in {"ADV", "CC", "V", "PREP"} or toks[i].text in {",", ":"} or i in verbs):
        i += 1
    if i < len(toks) and toks[i].low == "otherwise":
        i += 1
    found, after = items(toks, i)
    while after < len(toks) and found:
        # items with clauses inside go on behind the next number
        nxt = next(
            (
                j
                for j in range(after, len(toks) - 2)
                if toks[j].text == "(" and toks[j + 1].tag == "NUM" and toks[j + 2].text == ")"
            ),
            None,
        )
        if nxt is None:
            break
        more, after = items(toks, nxt + 3)
        if not more:
            break
        found += more
    return found


def _reconnoitred(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield `conducted reconnaissance of X`, `sent phishing emails to X`."""
    if clause.passive or clause.base not in {"conduct", "perform", "carry", "send", "deliver", "do"}:
        return
    objects, _ = items(scene.toks, _past_particle(scene, clause.after))
    if not objects:
        return
    head = scene.head(objects[0])
    words = scene.lows(objects[0].first, min(objects[0].head + 1, len(scene.toks)))
    recon = "reconnaissance" in words or head in {"surveillance", "research", "scanning"}
    mails = clause.base in {"send", "deliver"} and (
        {"spearphishing", "spear-phishing", "phishing", "malicious", "spear", "lure", "lures"} & set(words)
    )
    if not recon and not mails:
        return
    hostile = any(is_hostile(scene, p, setting) for p in clause.subjects) or not clause.subjects
    if not hostile:
        return
    found = _hung(scene, objects[0], ("of", "on", "against")) if recon else scene.after(clause, "to")
    agents = tuple(agent_slot(scene, p, setting) for p in clause.subjects) or (implied(_unnamed(scene, setting)),)
    for phrase in found:
        yield draft(
            scene,
            "target",
            agents[0],
            "conducted-reconnaissance-of" if recon else "sent-lures-to",
            scene.slot(phrase),
            first=min([clause.first, *(p.first for p in clause.subjects)]),
            last=phrase.last,
            at=clause.verb,
            negated=clause.negated,
            score=0.88,
            method="target:reconnaissance" if recon else "target:mail",
        )


def _past_particle(scene: Scene, i: int) -> int:
    return i + 1 if scene.low(i) == "out" else i


def _hung(scene: Scene, phrase: Phrase, prepositions: tuple[str, ...]) -> list[Phrase]:
    for i in range(phrase.head, min(len(scene.toks), phrase.last + 4)):
        if scene.toks[i].low in prepositions and scene.toks[i].tag == "PREP":
            return items(scene.toks, i + 1)[0]
    return []


def _stolen_from(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield from whom something was stolen."""
    if clause.base in {"steal", "exfiltrate", "pilfer"}:
        if not clause.passive and not any(is_hostile(scene, p, setting) for p in clause.subjects):
            return
        found = scene.after(clause, "from")
        agents = tuple(agent_slot(scene, p, setting) for p in clause.subjects) if not clause.passive else ()
        first = min([clause.first, *(p.first for p in clause.subjects)])
    elif clause.base in {"result", "lead"} and any(
        t.low == "theft" for t in scene.toks[clause.after : clause.after + 5]
    ):
        found = scene.after(clause, "from")
        agents = tuple(agent_slot(scene, p, setting) for p in clause.subjects)
        first = min([clause.first, *(p.first for p in clause.subjects)])
    else:
        return
    found = [
        p
        for p in found
        if {"victim", "people", "company", "country", "system", "agency"} & scene.sorts(p)
        or scene.toks[p.head].tag == "PN"
    ]
    if not found:
        return
    agent = agents[0] if agents else implied(_unnamed(scene, setting))
    last = max(p.last for p in found)
    joined = "; ".join(scene.slot(p).text for p in found)
    slot = Slot(
        text=joined,
        written=scene.raw(found[0].first, last),
        start=scene.toks[found[0].first].start,
        end=scene.toks[last - 1].end,
    )
    yield draft(
        scene,
        "target",
        agent,
        "stole-from",
        slot,
        first=first,
        last=last,
        at=clause.verb,
        negated=clause.negated,
        score=0.86,
        method="target:stolen-from",
    )


def _used_to_target(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield `used to target: X; Y`, where the list stands behind a colon."""
    if clause.base != "target" or clause.passive or scene.low(clause.after) != ":":
        return
    found, after = items(scene.toks, clause.after + 1)
    agent = implied(_unnamed(scene, setting))
    for phrase in found:
        yield draft(
            scene,
            "target",
            agent,
            "targeted",
            scene.slot(phrase),
            first=clause.first,
            last=after,
            at=clause.verb,
            score=0.8,
            method="target:list",
        )


def _campaigns_against(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield `a campaign against X`, `malign activity against X` where an intruder wages it."""
    toks = scene.toks
    for i, token in enumerate(toks):
        if token.low != "against" or i == 0:
            continue
        noun = next(
            (
                j
                for j in range(i - 1, max(-1, i - 6), -1)
                if toks[j].tag in {"N", "V"}
                and (
                    toks[j].low in sorts.ATTACKS
                    or _stem(toks[j].low) in {"campaign", "operation", "activity", "espionage", "effort"}
                )
            ),
            None,
        )
        if noun is None or _stem(toks[noun].low) not in {
            "campaign",
            "operation",
            "activity",
            "espionage",
            "effort",
            "cyber-espionage",
            "cyberespionage",
            "surveillance",
        }:
            continue
        clause = next((c for c in reversed(scene.clauses) if c.first < noun), None)
        if (
            clause is None
            or clause.passive
            or not clause.subjects
            or not any(is_hostile(scene, p, setting) for p in clause.subjects)
        ):
            continue
        found = [p for p in items(toks, i + 1)[0] if p.example] if clause.base == "wage" else items(toks, i + 1)[0]
        agent = agent_slot(scene, clause.subjects[0], setting)
        for phrase in found:
            if _is_no_target(scene, phrase):
                continue
            yield draft(
                scene,
                "target",
                agent,
                "targeted",
                scene.slot(phrase),
                first=min(clause.first, phrase.first),
                last=phrase.last,
                at=clause.verb,
                negated=clause.negated,
                score=0.85,
                method="target:against",
            )


def _stem(low: str) -> str:
    return sorts.singular(low)
