"""Incidents: what was broken into, stolen, harmed; when it was broken into, found, made public; how long it lasted."""

from __future__ import annotations

from collections.abc import Iterator

from stillhunt.reading import sorts
from stillhunt.reading.draft import Draft, Kind, Slot
from stillhunt.reading.frames import Frame, Setting, agent_slot, draft, frame_of, implied, is_hostile
from stillhunt.reading.grammar.clauses import Clause
from stillhunt.reading.grammar.phrases import Phrase, items
from stillhunt.reading.scene import Scene

__all__ = ["find_incidents"]

_VERBS: dict[str, tuple[str, tuple[str, ...]]] = {
    "compromise": ("compromised", ()),
    "breach": ("breached", ()),
    "penetrate": ("penetrated", ()),
    "infiltrate": ("infiltrated", ()),
    "hack": ("hacked", ()),
    "infect": ("infected", ()),
    "attack": ("attacked", ()),
    "steal": ("stole", ()),
    "exfiltrate": ("exfiltrated", ()),
    "siphon": ("stole", ()),
    "pilfer": ("stole", ()),
    "wipe": ("wiped", ()),
    "deface": ("defaced", ()),
    "encrypt": ("encrypted", ()),
    "damage": ("damaged", ()),
    "destroy": ("destroyed", ()),
    "disrupt": ("disrupted", ()),
    "cripple": ("disrupted", ()),
    "sabotage": ("sabotaged", ()),
    "hijack": ("hijacked", ()),
    "intercept": ("intercepted", ()),
    "harvest": ("stole", ()),
    "access": ("accessed", ()),
    "extract": ("stole", ()),
    "copy": ("stole", ()),
    "download": ("stole", ()),
    "obtain": ("obtained", ()),
    "hit": ("attacked", ()),
    "strike": ("attacked", ()),
    "backdoor": ("compromised", ()),
    "trojanize": ("compromised", ()),
    "trojanise": ("compromised", ()),
    "break": ("broke-into", ("into",)),
    "intrude": ("broke-into", ("into", "on", "upon")),
    "tunnel": ("broke-into", ("into",)),
    "leak": ("leaked", ()),
    "publish": ("leaked", ()),
    "collect": ("collected", ()),
    "acquire": ("obtained", ()),
    "embezzle": ("stole", ()),
    "launder": ("laundered", ()),
    "extort": ("extorted", ()),
    "impair": ("impaired", ()),
    "exploit": ("exploited", ()),
    "deploy": ("deployed", ()),
}
_PARTICIPLES = {"stole": "stolen", "broke-into": "broken-into"}
_DATA_ONLY = frozenset(
    {
        "harvest",
        "extract",
        "copy",
        "download",
        "obtain",
        "leak",
        "publish",
        "collect",
        "acquire",
        "intercept",
        "encrypt",
        "wipe",
    }
)
_PLACE_ONLY = frozenset(
    {"hit", "strike", "disrupt", "damage", "destroy", "attack", "hack", "access", "backdoor", "exploit"}
)
_NOT_OBJECTS = frozenset(
    [
        "vulnerability",
        "flaw",
        "bug",
        "weakness",
        "cve",
        "exploit",
        "technique",
        "tool",
        "time",
        "way",
        "aim",
        "activity",
        "botnet",
        "effort",
        "plot",
        "operation",
        "connection",
        "traffic",
        "process",
        "api",
        "function",
        "memory",
        "task",
        "registry",
    ]
)
_SYSTEMIC = sorts.AGENCIES | sorts.SYSTEMS | sorts.DATA | sorts.VICTIMS | sorts.PEOPLE
_FOUND = frozenset({"discover", "detect", "identify", "notice", "find", "uncover", "spot", "learn"})
_SHOWN = frozenset(
    {
        "disclose",
        "declare",
        "announce",
        "reveal",
        "report",
        "publicise",
        "publicize",
        "publish",
        "confirm",
        "acknowledge",
    }
)
_EVENTS = frozenset(
    [
        "attack",
        "breach",
        "intrusion",
        "incident",
        "hack",
        "compromise",
        "cyber-attack",
        "cyberattack",
        "cyber-intrusion",
        "activity",
        "leak",
        "theft",
        "campaign",
        "intruder",
        "hacker",
        "infection",
    ]
)


def find_incidents(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield a claim for every thing that is said to have happened to somebody."""
    for clause in scene.clauses:
        yield from _happened(scene, clause, setting)
        yield from _access(scene, clause, setting)
        yield from _resulted(scene, clause, setting)
        yield from _caused(scene, clause, setting)
        yield from _suffered(scene, clause, setting)
        yield from _dated(scene, clause, setting)
    yield from _attacks_on(scene, setting)
    yield from _dwelt(scene, setting)


def _happened(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    known = _VERBS.get(clause.base)
    if known is None or clause.base in {"deploy", "exploit"}:
        return
    predicate, over = known
    if clause.shape == "inf" and (_is_only_tried(scene, clause) or _is_purpose(clause)):
        return
    if clause.base == "break" and scene.low(clause.after) != "into":
        return
    if clause.base == "hack" and scene.low(clause.after) == "into":
        over = ("into",)
    frame = frame_of(scene, clause, setting, over=over)
    if not frame.patients or not frame.hostile:
        return
    if not clause.passive and not frame.agents:
        return
    if (
        clause.passive
        and not frame.agents
        and (clause.shape == "reduced" or any(scene.low(p.first) == "any" for p in frame.patients))
    ):
        return
    if (
        clause.passive
        and not frame.agents
        and clause.base
        in {"identify", "publish", "obtain", "collect", "download", "copy", "extract", "disrupt", "access", "exploit"}
    ):
        return
    subject_malware = (
        any("malware" in scene.sorts(p) and not {"group", "actor"} & scene.sorts(p) for p in clause.subjects)
        and not clause.passive
    )
    for phrase in _with_examples(scene, frame):
        if not _fits(scene, phrase, clause.base):
            continue
        obj = scene.slot(_without_origin(scene, phrase) if predicate in {"stole", "exfiltrated"} else phrase)
        agent = frame.agents[0] if frame.agents else None
        if agent is None:
            yield draft(
                scene,
                "incident",
                obj,
                f"was-{_PARTICIPLES.get(predicate, predicate)}",
                "",
                first=frame.first,
                last=max(frame.last, phrase.last),
                at=clause.verb,
                negated=clause.negated,
                score=0.84 if _is_particular(scene, phrase) else 0.7,
                method=f"incident:{clause.base}",
            )
            continue
        twin = (
            clause.base in {"penetrate", "breach", "hack", "attack", "infiltrate", "break"}
            and _named_victim(scene, phrase)
            and not subject_malware
        )
        if twin and scene.toks[phrase.head].tag != "PRON":
            yield draft(
                scene,
                "incident",
                obj,
                f"was-{_PARTICIPLES.get(predicate, predicate)}",
                agent,
                first=frame.first,
                last=max(frame.last, phrase.last),
                at=clause.verb,
                negated=clause.negated,
                score=_score(frame, phrase),
                method=f"incident:{clause.base}",
            )
            yield draft(
                scene,
                "attribution",
                agent,
                "intruded-into",
                obj,
                first=frame.first,
                last=max(frame.last, phrase.last),
                at=clause.verb,
                negated=clause.negated,
                score=_score(frame, phrase) - 0.02,
                method=f"attribution:{clause.base}",
            )
            continue
        kind: Kind = (
            "capability"
            if subject_malware and not _named_victim(scene, phrase) and clause.base != "infect"
            else "incident"
        )
        yield draft(
            scene,
            kind,
            agent,
            predicate,
            obj,
            first=frame.first,
            last=max(frame.last, phrase.last),
            at=clause.verb,
            negated=clause.negated,
            score=_score(frame, phrase),
            method=f"incident:{clause.base}",
        )


def _without_origin(scene: Scene, phrase: Phrase) -> Phrase:
    """Return what was stolen without from whom."""
    origin = next((i for i in range(phrase.head + 1, phrase.last) if scene.low(i) == "from"), phrase.last)
    return Phrase(phrase.first, origin, phrase.head)


def _is_particular(scene: Scene, phrase: Phrase) -> bool:
    """Say whether a victim is a certain one, rather than any system there is."""
    if any(t.low in {"your", "my"} for t in scene.toks[phrase.first : phrase.last]):
        return False
    counted = any(t.tag in {"PN", "NUM"} for t in scene.toks[phrase.first : phrase.last])
    return counted or scene.head(phrase) in sorts.VICTIMS


def _is_only_tried(scene: Scene, clause: Clause) -> bool:
    chain = set(clause.chain)
    return bool(
        chain & {"attempt", "try", "seek", "conspire", "plan", "aim", "intend", "fail", "want", "hope", "threaten"}
    ) or scene.low(clause.first - 1) in {
        "efforts",
        "effort",
        "attempts",
        "attempt",
        "ability",
        "plot",
        "intent",
        "order",
        "campaign",
        "way",
    }


def _is_purpose(clause: Clause) -> bool:
    """Say whether an infinitive gives a purpose: `used X to steal Y` says what for, not that it was done."""
    chain = clause.chain
    if not chain:
        return True
    return chain[-1] in {
        "design",
        "enable",
        "allow",
        "help",
        "be",
        "want",
        "work",
        "employ",
        "utilize",
        "utilise",
        "develop",
        "craft",
        "create",
        "register",
        "target",
        "order",
        "direct",
        "instruct",
        "need",
        "hire",
        "task",
        "write",
    } and chain[-1] not in {"begin", "continue", "manage", "proceed", "go"}


def _fits(scene: Scene, phrase: Phrase, base: str) -> bool:
    head = scene.head(phrase)
    if head in _NOT_OBJECTS or scene.toks[phrase.head].tag == "PRON":
        return False
    kinds = scene.sorts(phrase)
    named = scene.toks[phrase.head].tag == "PN" and not {"group", "malware"} & kinds
    if base in _DATA_ONLY:
        return head in sorts.DATA or head in sorts.SYSTEMS
    if base in _PLACE_ONLY:
        return head in _SYSTEMIC or named or "country" in kinds
    if base == "steal" and head in {"million", "billion", "$", "dollar"}:
        return True
    return head in _SYSTEMIC or named or "country" in kinds or base in {"steal", "exfiltrate", "compromise", "breach"}


def _named_victim(scene: Scene, phrase: Phrase) -> bool:
    kinds = scene.sorts(phrase)
    if {"group", "malware"} & kinds:
        return False
    names = [t for t in scene.toks[phrase.first : phrase.last] if t.tag == "PN"]
    head = scene.toks[phrase.head]
    if not names:
        return (
            scene.toks[phrase.first].tag in {"POSS", "DET"}
            and any(c.isupper() for c in scene.slot(phrase).text[1:])
            and head.tag == "N"
        )
    return head.tag == "PN" or any(t.tag == "GEN" for t in scene.toks[phrase.first : phrase.head])


def _with_examples(scene: Scene, frame: Frame) -> Iterator[Phrase]:
    yield from frame.patients
    if frame.clause.passive or not frame.patients:
        return
    # "infected computers worldwide ..., including A; B; and C": named victims behind the clause
    toks = scene.toks
    end = frame.patients[-1].last
    for i in range(end, min(len(toks), end + 8)):
        if toks[i].low == "including":
            j = i + 1
            while scene.low(j) in {"in", "those", ":"}:
                j += 1
            found, _ = items(toks, j)
            if scene.low(i + 1) == "in" and found:
                return
            yield from (p for p in found if all(p.first != q.first for q in frame.patients))
            return


def _score(frame: Frame, phrase: Phrase) -> float:
    score = 0.92
    if frame.agents and frame.agents[0].how != "written":
        score -= 0.05
    if phrase.last - phrase.first > 16:
        score -= 0.12
    if frame.clause.shape == "inf":
        score -= 0.08
    if frame.clause.shape == "ing":
        score -= 0.04
    return score


def _access(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield `gained access to X`, `had access to X`, `lost access to X`."""
    objects, _ = scene.objects(clause)
    if not objects or scene.head(objects[0]) not in {"access", "foothold", "control", "entry"}:
        return
    if (
        clause.base
        not in {
            "gain",
            "obtain",
            "have",
            "get",
            "achieve",
            "acquire",
            "lose",
            "maintain",
            "establish",
            "retain",
            "secure",
        }
        or clause.passive
    ):
        return
    if clause.shape == "inf" and (_is_only_tried(scene, clause) or _is_purpose(clause)):
        return
    found = _behind(scene, objects[0], ("to", "into", "of", "in", "on", "over", "within"))
    if not found:
        return
    first = min([clause.first, *(p.first for p in clause.subjects)])
    last = max(p.last for p in found)
    subjects = clause.subjects
    if clause.base == "lose":
        if not subjects:
            return
        yield draft(
            scene,
            "incident",
            scene.slot(subjects[0]),
            "lost-access-to",
            scene.slot(found[0]),
            first=first,
            last=last,
            at=clause.verb,
            negated=clause.negated,
            score=0.88,
            method="incident:lost-access",
        )
        return
    if not subjects or not any(is_hostile(scene, p, setting) for p in subjects):
        return
    predicate = "had-access-to" if clause.base in {"have", "maintain", "retain"} else "gained-access-to"
    for phrase in found:
        if scene.head(phrase) in {"information", "server"} and scene.toks[phrase.first].tag == "PRON":
            continue
        yield draft(
            scene,
            "incident",
            agent_slot(scene, subjects[0], setting),
            predicate,
            scene.slot(phrase),
            first=first,
            last=last,
            at=clause.verb,
            negated=clause.negated,
            score=0.88,
            method="incident:access",
        )


def _behind(scene: Scene, phrase: Phrase, prepositions: tuple[str, ...]) -> list[Phrase]:
    for i in range(phrase.head + 1, min(len(scene.toks), phrase.head + 5)):
        if scene.toks[i].low in prepositions:
            return items(scene.toks, i + 1)[0]
    return []


def _resulted(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield `resulted in the compromise of X and Y`, `led to the theft of X`, `caused the leak of X`."""
    if (
        clause.base
        not in {
            "result",
            "lead",
            "cause",
            "enable",
            "involve",
            "include",
            "allow",
            "facilitate",
            "culminate",
            "contribute",
        }
        or clause.passive
    ):
        return
    toks = scene.toks
    stop = min(len(toks), clause.after + 10)
    for i in range(clause.after, stop):
        noun = sorts.singular(toks[i].low)
        if noun not in {
            "theft",
            "compromise",
            "loss",
            "leak",
            "exfiltration",
            "disclosure",
            "exposure",
            "destruction",
            "disruption",
            "encryption",
            "deletion",
            "unavailability",
            "breach",
            "release",
        } or toks[i].tag not in {"N", "PN"}:
            continue
        if scene.low(i + 1) != "of":
            continue
        found, _ = items(toks, i + 2)
        subjects = clause.subjects
        if not found:
            return
        hostile = any(is_hostile(scene, p, setting) for p in subjects) or not subjects
        if not hostile and not any(scene.toks[p.first].low in {"this", "that", "it"} for p in subjects):
            return
        agent = agent_slot(scene, subjects[0], setting) if subjects else implied(setting.principal or "the intruders")
        if scene.toks[subjects[0].head].tag == "DET" if subjects else False:
            attack = scene.memory.last("attack", scene.toks[subjects[0].first].start)
            agent = Slot(
                text=attack or "the attack", written=agent.written, start=agent.start, end=agent.end, how="resolved"
            )
        predicate = {
            "theft": "stole",
            "compromise": "compromised",
            "leak": "caused-leak-of",
            "exfiltration": "exfiltrated",
            "breach": "compromised",
            "loss": "caused-loss-of",
        }.get(noun, f"caused-{noun}-of")
        first = min([clause.first, *(p.first for p in subjects)])
        last = max(p.last for p in found)
        for phrase in found:
            if (
                phrase.example
                or scene.head(phrase) in _NOT_OBJECTS
                or (noun == "theft" and scene.head(phrase) in sorts.VICTIMS)
            ):
                continue
            yield draft(
                scene,
                "incident",
                agent,
                predicate,
                scene.slot(phrase),
                first=first,
                last=last,
                at=i,
                negated=clause.negated,
                score=0.88,
                method=f"incident:{noun}",
            )
        return


def _caused(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield `caused damage to X`, `caused blackouts in X`, `caused $1bn in losses`."""
    if clause.base not in {"cause", "inflict", "do", "wreak", "incur"} or clause.passive:
        return
    objects, end = scene.objects(clause)
    if not objects or not clause.subjects:
        return
    heads = {scene.head(p) for p in objects}
    harms = {
        "damage",
        "blackout",
        "outage",
        "loss",
        "disruption",
        "harm",
        "havoc",
        "unavailability",
        "destruction",
        "delay",
        "shortage",
        "billion",
        "million",
        "$",
    }
    lows = set(scene.lows(objects[0].first, objects[-1].last + 4))
    if "unavailability" in heads or not (
        heads & harms or lows & {"losses", "damage", "damages", "blackouts", "outages"}
    ):
        return
    subject = clause.subjects[0]
    if (
        not is_hostile(scene, subject, setting)
        and not {"malware", "attack"} & scene.sorts(subject)
        and scene.toks[subject.head].tag != "PN"
    ):
        return
    first = min(clause.first, subject.first)
    attackers = {"actor", "group", "attack"} & scene.sorts(subject) and "malware" not in scene.sorts(subject)
    found = scene.after(clause, "to") if heads & {"damage", "harm", "disruption"} else []
    agents = [agent_slot(scene, p, setting) for p in clause.subjects]
    if attackers and found:
        last = max([end, *(p.last for p in found)])
        places = _tail(scene, last)
        obj = scene.slot(found[0])
        if places > last:
            obj = Slot(
                text=f"{obj.text} {scene.raw(found[0].last, places)}",
                written=scene.raw(found[0].first, places),
                start=obj.start,
                end=scene.toks[places - 1].end,
            )
        yield draft(
            scene,
            "incident",
            agents[0],
            "damaged",
            obj,
            first=first,
            last=max(last, places),
            at=clause.verb,
            negated=clause.negated,
            score=0.88,
            method="incident:damage",
        )
        return
    subject_slot = (
        agents[0]
        if len(agents) == 1
        else Slot(
            text=" and ".join(a.text for a in agents),
            written=scene.raw(clause.subjects[0].first, clause.subjects[-1].last),
            start=agents[0].start,
            end=agents[-1].end,
        )
    )
    obj = Slot(
        text=scene.raw(objects[0].first, max(end, _past_losses(scene, end))),
        written=scene.raw(objects[0].first, max(end, _past_losses(scene, end))),
        start=scene.toks[objects[0].first].start,
        end=scene.toks[max(end, _past_losses(scene, end)) - 1].end,
    )
    kind: Kind = "incident" if attackers else "capability"
    yield draft(
        scene,
        kind,
        subject_slot,
        "caused",
        obj,
        first=first,
        last=max(end, _past_losses(scene, end)),
        at=clause.verb,
        negated=clause.negated,
        score=0.88,
        method="incident:caused",
    )


def _past_losses(scene: Scene, end: int) -> int:
    if scene.low(end) == "in" and scene.low(end + 1) in {"losses", "damage", "damages", "loss"}:
        return end + 2
    return end


def _tail(scene: Scene, at: int) -> int:
    """Return where `worldwide, including in A, B and C` ends."""
    i = at
    while scene.low(i) in {"worldwide", ",", "including", "in", "across"} and i < len(scene.toks):
        i += 1
    if i == at:
        return at
    found, after = items(scene.toks, i)
    return after if found else at


def _suffered(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield `X suffered a breach`, `X fell victim to an attack`, `X was the victim of`."""
    del setting
    if not clause.subjects or clause.passive:
        return
    objects, end = scene.objects(clause)
    lows = scene.lows(clause.after, clause.after + 6)
    suffered = (
        clause.base in {"suffer", "experience", "sustain"} and objects and scene.head(objects[0]) in sorts.ATTACKS
    )
    fell = (clause.base == "fall" and "victim" in lows) or (clause.base == "be" and lows[:2] == ["the", "victim"])
    if not suffered and not fell:
        return
    subject = clause.subjects[0]
    first = min(clause.first, subject.first)
    if fell:
        found = scene.after(clause, "to", "of")
        end = max([clause.after + 1, *(p.last for p in found)])
        obj = scene.slot(found[0]) if found else implied("attack")
    else:
        obj = scene.slot(objects[0])
    yield draft(
        scene,
        "incident",
        scene.slot(subject),
        "was-attacked",
        obj,
        first=first,
        last=end,
        at=clause.verb,
        negated=clause.negated,
        score=0.86,
        method="incident:suffered",
    )


def _date_near(scene: Scene, start: int, stop: int) -> int | None:
    return next(
        (
            i
            for i in range(start, min(stop, len(scene.toks)))
            if scene.toks[i].tag == "DATE" and any(c.isdigit() for c in scene.toks[i].text)
        ),
        None,
    )


def _dated(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield when something was detected, disclosed, begun."""
    del setting
    if (
        clause.base not in _FOUND | _SHOWN | {"occur", "happen", "take", "begin", "start", "know"}
        or not clause.subjects
    ):
        return
    subject = clause.subjects[0]
    event = scene.head(subject) in _EVENTS or "attack" in scene.sorts(subject)
    objects = [] if clause.passive else scene.objects(clause)[0]
    about = subject
    if not clause.passive and clause.base in _FOUND | _SHOWN:
        event = bool(objects) and (scene.head(objects[0]) in _EVENTS)
        about = objects[0] if objects else subject
    if not event or (clause.passive and clause.base == "know"):
        return
    at = _date_near(scene, clause.after, scene.limit(clause)) or _date_near(scene, 0, subject.first)
    if at is None:
        return
    if clause.base in {"occur", "happen", "begin", "start"} or (
        clause.base == "take" and scene.low(clause.after) == "place"
    ):
        predicate = "occurred" if clause.base in {"occur", "happen", "take"} else "began"
    elif clause.base == "take":
        return
    elif clause.base in _FOUND:
        predicate = "detected"
    else:
        predicate = "first-disclosed"
    until = any(t.low == "until" for t in scene.toks[clause.after : at])
    name = (
        scene.memory.last("attack", scene.toks[about.first].start)
        if scene.head(about) in {"activity", "breach", "attack", "incident", "intrusion"}
        and scene.toks[about.first].tag in {"DET", "N"}
        and len(scene.words(about).split()) <= 2
        else ""
    )
    slot = scene.slot(about)
    if name and name.casefold() != "activity":
        slot = Slot(text=name, written=slot.written, start=slot.start, end=slot.end, how="resolved")
    iso = Slot(
        text=scene.toks[at].text, written=scene.toks[at].text, start=scene.toks[at].start, end=scene.toks[at].end
    )
    yield draft(
        scene,
        "incident",
        slot,
        predicate,
        iso,
        first=min(clause.first, subject.first),
        last=at + 1,
        at=at,
        negated=clause.negated and not until,
        score=0.86,
        method=f"incident:{predicate}",
    )


def _attacks_on(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield `attack on X`, `malware attacks against X, Y and Z`, with or without a verb."""
    toks = scene.toks
    for i, token in enumerate(toks):
        noun = sorts.singular(token.low)
        if token.tag not in {"N", "PN"} or (
            noun.rpartition("-")[2] not in {"attack", "breach", "hack", "intrusion", "cyberattack", "raid"}
            and noun != "cyber-attack"
        ):
            continue
        if scene.low(i + 1) not in {"on", "against", "of", "into", "at"}:
            continue
        if noun in {"attack", "cyber-attack"} and scene.low(i + 1) == "of":
            continue
        found, end = items(toks, i + 2)
        found = [p for p in found if _victim_like(scene, p)]
        if not found or (i and toks[i - 1].low in {"no", "such", "of"} and toks[i - 1].low != "of"):
            continue
        if not any(_named_victim(scene, p) for p in found) and not _listed(scene, i):
            continue
        first = next(
            (
                j
                for j in range(i, max(-1, i - 8), -1)
                if toks[j].tag == "DET" or (toks[j].tag in {"P", "CC", "V", "AUX", "PREP", "SUB"})
            ),
            0,
        )
        first = first if toks[first].tag == "DET" else min(first + 1, i) if first else 0
        if toks[first].tag == "DATE" or (first and toks[first - 1].tag == "DATE"):
            first = first if toks[first].tag == "DATE" else first - 1
        agent = _wager(scene, i, setting)
        for phrase in found:
            if agent is None:
                yield draft(
                    scene,
                    "incident",
                    scene.slot(phrase),
                    "was-attacked",
                    _when(scene, end),
                    first=first,
                    last=_with_date(scene, end),
                    at=i,
                    score=0.85,
                    method="incident:attack-on",
                )
            elif _listed(scene, i):
                yield draft(
                    scene,
                    "incident",
                    agent,
                    "attacked",
                    scene.slot(phrase),
                    first=first,
                    last=end,
                    at=i,
                    score=0.85,
                    method="incident:attack-on",
                )
            else:
                yield draft(
                    scene,
                    "incident",
                    scene.slot(phrase),
                    "was-attacked",
                    agent,
                    first=first,
                    last=_with_date(scene, end),
                    at=i,
                    score=0.82,
                    method="incident:attack-on",
                )


def _victim_like(scene: Scene, phrase: Phrase) -> bool:
    head = scene.head(phrase)
    return (
        head in _SYSTEMIC or scene.toks[phrase.head].tag == "PN" or head in {"ceremony", "grid", "election", "power"}
    ) and not {"group", "malware"} & scene.sorts(phrase)


def _listed(scene: Scene, i: int) -> bool:
    """Say whether a noun stands in an item of a list, or in a heading, that has no main verb of its own."""
    return not any(c.shape == "finite" and not c.relative for c in scene.clauses) or any(
        t.tag == "DATE" for t in scene.toks[max(0, i - 5) : i]
    )


def _wager(scene: Scene, i: int, setting: Setting) -> Slot | None:
    if _listed(scene, i):
        name = (
            setting.principal
            or scene.memory.last("group", scene.toks[i].start)
            or scene.memory.last("actor", scene.toks[i].start)
        )
        return implied(name) if name else None
    return None


def _when(scene: Scene, end: int) -> Slot:
    at = _date_near(scene, end, end + 3)
    if at is None:
        return implied("")
    return Slot(
        text=scene.raw(at - 1 if scene.toks[at - 1].tag == "PREP" else at, at + 1),
        written=scene.toks[at].text,
        start=scene.toks[at].start,
        end=scene.toks[at].end,
    )


def _with_date(scene: Scene, end: int) -> int:
    at = _date_near(scene, end, end + 3)
    return end if at is None else at + 1


def _dwelt(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield how long intruders were there: `a year after the hackers had broken in`, `undetected for months`."""
    toks = scene.toks
    for i, token in enumerate(toks):
        if token.low not in {"year", "years", "month", "months", "weeks", "days", "week"}:
            continue
        start = i
        while start > 0 and (
            toks[start - 1].tag in {"NUM", "DET", "ADV"}
            or toks[start - 1].low in {"than", "more", "least", "at", "nearly", "about", "over", "almost"}
        ):
            start -= 1
        if scene.low(i + 1) == "after":
            tail = scene.lows(i + 2, i + 10)
            broke = [
                c
                for c in scene.clauses
                if c.first > i
                and c.base
                in {"break", "gain", "enter", "penetrate", "compromise", "breach", "begin", "infiltrate", "hack"}
            ]
            if not broke or not (
                {"hackers", "attackers", "intruders", "actors", "they", "intrusion", "breach", "attack", "group"}
                & set(tail)
            ):
                continue
            date = next((j for j in range(start - 1, max(-1, start - 4), -1) if toks[j].tag == "DATE"), None)
            name = (
                scene.memory.last("attack", scene.start)
                or scene.memory.last("attack", toks[start].start)
                or "the intrusion"
            )
            yield draft(
                scene,
                "incident",
                implied(name),
                "dwell-time",
                f"{scene.raw(start, i + 1)} before detection",
                first=date if date is not None else start,
                last=min(len(toks), broke[0].after + 1)
                if scene.low(broke[0].after) in {"in", "into"}
                else broke[0].after,
                at=i,
                score=0.85,
                method="incident:dwell",
            )
        elif (
            not any("malware" in scene.sorts(p) for c in scene.clauses for p in c.subjects)
            and any(
                t.low in {"undetected", "unnoticed", "inside", "persistence", "access", "hidden"}
                for t in toks[max(0, start - 6) : start]
            )
            and toks[start - 1].low == "for"
            and any(is_hostile(scene, p, setting) for c in scene.clauses for p in c.subjects)
        ):
            subject = next(p for c in scene.clauses for p in c.subjects if is_hostile(scene, p, setting))
            yield draft(
                scene,
                "incident",
                agent_slot(scene, subject, setting),
                "dwell-time",
                scene.raw(start, i + 1),
                first=min(subject.first, start),
                last=i + 1,
                at=i,
                score=0.82,
                method="incident:dwell",
            )
