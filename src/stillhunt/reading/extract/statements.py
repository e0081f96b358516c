"""Statements, assessments, denials, leaks: what is said where no other kind fits, forecasts, judgements, rebuttals."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stillhunt.reading import sorts
from stillhunt.reading.draft import Draft, Slot
from stillhunt.reading.frames import Setting, draft, implied
from stillhunt.reading.grammar.clauses import REPORTING, Clause
from stillhunt.reading.grammar.phrases import noun_phrase
from stillhunt.reading.scene import Scene

__all__ = ["find_statements"]

_DENY = frozenset({"deny", "dismiss", "reject", "rebuff", "refute", "rebut", "disavow", "denounce", "condemn"})
_ALLEGATIONS = frozenset(
    [
        "accusation",
        "allegation",
        "claim",
        "charge",
        "involvement",
        "report",
        "assertion",
        "attribution",
        "responsibility",
        "smear",
        "slander",
        "accusations",
        "wrongdoing",
        "indictment",
        "finding",
        "suggestion",
    ]
)
_SLANDER = frozenset(
    [
        "slander",
        "slanders",
        "fabricated",
        "baseless",
        "groundless",
        "unfounded",
        "false",
        "malicious",
        "smear",
        "smears",
        "disinformation",
        "lies",
        "lie",
        "fabrication",
        "absurd",
        "nonsense",
        "untrue",
        "politicised",
        "farce",
    ]
)
_JUDGED = frozenset(
    [
        "threat",
        "adversary",
        "capability",
        "capable",
        "sophisticated",
        "devolved",
        "serious",
        "severe",
        "significant",
        "dangerous",
        "advanced",
        "prolific",
        "active",
        "persistent",
        "disruptive",
        "destructive",
        "determined",
        "aggressive",
        "concerned",
        "worried",
        "difficult",
        "hard",
        "clear",
        "unlikely",
        "likely",
        "increasing",
        "growing",
        "manifest",
        "greater",
        "larger",
        "priority",
        "risk",
        "challenge",
        "danger",
        "concern",
        "leeway",
        "time",
        "common",
        "rare",
    ]
)
_CALLED_OUT = frozenset({"condemn", "denounce", "criticise", "criticize", "accuse", "call"})
_TOPIC = frozenset(
    [
        "attack",
        "hacker",
        "hacking",
        "cyber",
        "cyberattack",
        "espionage",
        "breach",
        "intrusion",
        "malware",
        "group",
        "actor",
        "campaign",
        "threat",
        "spy",
        "adversary",
        "sanction",
        "charge",
        "indictment",
        "government",
        "data",
        "network",
        "security",
        "infrastructure",
        "election",
        "influence",
        "operation",
        "accusation",
        "allegation",
        "cybersecurity",
        "cyber-security",
        "cyber-espionage",
        "cyber-attack",
        "intelligence",
        "china",
        "russia",
        "iran",
        "korea",
        "beijing",
        "moscow",
        "hack",
        "victim",
        "defender",
        "apt",
        "espionage",
    ]
)


def find_statements(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield denials, judgements and statements."""
    for clause in scene.clauses:
        yield from _denied(scene, clause)
        yield from _called(scene, clause)
        yield from _leaked(scene, clause, setting)
        yield from _played_down(scene, clause)
        yield from _authored(scene, clause)
        yield from _blocked(scene, clause)
        yield from _unaffected(scene, clause)
        yield from _wants(scene, clause, setting)
        yield from _supports(scene, clause)
        yield from _occurred(scene, clause)
    yield from _presumed(scene)
    yield from _jointly(scene)
    yield from _dump(scene)
    yield from _lengths(scene)
    yield from _campaign_of(scene)
    yield from _judgements(scene, setting)


def _last(scene: Scene) -> int:
    return len(scene.toks) - (scene.toks[-1].text in {".", "!", "?"})


def _denied(scene: Scene, clause: Clause) -> Iterator[Draft]:
    if clause.base not in _DENY or clause.passive or not clause.subjects:
        return
    subject = clause.subjects[0]
    objects, end = scene.objects(clause)
    lows = scene.lows(clause.after, clause.after + 8)
    about = bool(objects) and (
        scene.head(objects[0]) in _ALLEGATIONS
        or bool(_ALLEGATIONS & {sorts.singular(w) for w in scene.lows(objects[0].first, objects[0].last)})
    )
    denies = clause.base == "deny" and (
        about or "that" in lows or any(w.endswith("ing") for w in lows[:2]) or "having" in lows or "any" in lows
    )
    if not about and not denies:
        return
    if not objects:
        last = _last(scene)
        obj = Slot(text=scene.raw(clause.after, last), written=scene.raw(clause.after, last))
    else:
        last = end
        obj = scene.slot(objects[0])
    yield draft(
        scene,
        "denial",
        scene.slot(subject),
        "denied" if clause.base == "deny" else "dismissed",
        obj,
        first=min(subject.first, clause.first),
        last=last,
        at=clause.verb,
        score=0.92,
        method=f"denial:{clause.base}",
        speaker=scene.slot(subject).text,
    )


def _called(scene: Scene, clause: Clause) -> Iterator[Draft]:
    """Yield `X called the allegations “slanders”`, `said the claims were baseless`."""
    if clause.base in {"call", "describe", "brand", "label"} and not clause.passive and clause.subjects:
        lows = set(scene.lows(clause.after, len(scene.toks)))
        if not lows & _SLANDER:
            return
        objects, _ = scene.objects(clause)
        if not objects or scene.head(objects[0]) not in _ALLEGATIONS:
            return
        subject = clause.subjects[0]
        yield draft(
            scene,
            "denial",
            scene.slot(subject),
            "denied",
            scene.slot(objects[0]),
            first=subject.first,
            last=_last(scene),
            at=clause.verb,
            score=0.92,
            method="denial:called",
            speaker=scene.slot(subject).text,
        )
    elif clause.base == "be" and clause.subjects and clause.shape == "finite" and not clause.passive:
        subject = clause.subjects[0]
        if scene.head(subject) in _ALLEGATIONS and set(scene.lows(clause.after, clause.after + 6)) & _SLANDER:
            speaker = next((c for c in scene.clauses if c.base in REPORTING and c.subjects and c is not clause), None)
            who = scene.slot(speaker.subjects[0]) if speaker is not None else implied("the accused")
            yield draft(
                scene,
                "denial",
                who,
                "denied",
                scene.slot(subject),
                first=subject.first,
                last=_last(scene),
                at=clause.verb,
                negated=clause.negated,
                score=0.86,
                method="denial:baseless",
            )


def _leaked(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield `documents of X were leaked`."""
    del setting
    if clause.base not in {"leak", "publish", "dump", "post"} or not clause.passive or not clause.subjects:
        return
    subject = clause.subjects[0]
    if scene.head(subject) not in {
        "document",
        "file",
        "record",
        "data",
        "trove",
        "cache",
        "email",
        "message",
        "chat",
    } or (clause.base in {"publish", "post"} and "leaked" not in scene.lows(0, len(scene.toks))):
        return
    of = next(
        (i for i in range(subject.head + 1, subject.last) if scene.toks[i].low in {"of", "from", "belonging"}), None
    )
    whose = noun_phrase(scene.toks, of + 1) if of is not None else None
    if whose is None or "person" in scene.sorts(whose):
        return
    yield draft(
        scene,
        "leak",
        scene.slot(whose),
        "documents-leaked",
        scene.slot(subject),
        first=subject.first,
        last=clause.after,
        at=clause.verb,
        negated=clause.negated,
        score=0.85,
        method="leak:verb",
    )


def _dump(scene: Scene) -> Iterator[Draft]:
    """Yield `a dump of documents from one such company, X`, `the leak of internal files of X`."""
    toks = scene.toks
    for phrase in scene.phrases:
        if scene.toks[phrase.head].low not in {"dump", "leak", "trove", "cache"} or (
            scene.low(phrase.head + 1) != "of" and scene.head(phrase) not in {"document", "file"}
        ):
            continue
        inner = scene.lows(phrase.head, min(len(toks), phrase.head + 4))
        if not {"documents", "files", "records", "data", "chats", "messages", "internal", "emails"} & set(inner):
            continue
        frm = next(
            (
                i
                for i in range(phrase.head + 1, min(len(toks), phrase.last + 3))
                if toks[i].low in {"from", "belonging", "at"}
            ),
            None,
        )
        if frm is None:
            continue
        whose = noun_phrase(toks, frm + 1 + (toks[frm].low == "belonging"), deep=False)
        if whose is None:
            continue
        last = whose.last
        name = whose
        if (
            scene.low(last) == ","
            and (named := noun_phrase(toks, last + 1, deep=False)) is not None
            and toks[named.head].tag == "PN"
        ):
            name, last = named, named.last
        first = phrase.first
        if first > 0 and toks[first - 1].tag == "DATE":
            first -= 1
        yield draft(
            scene,
            "leak",
            scene.slot(name),
            "documents-leaked",
            scene.slot(phrase),
            first=first,
            last=last,
            at=phrase.head,
            score=0.87,
            method="leak:dump",
        )


def _played_down(scene: Scene, clause: Clause) -> Iterator[Draft]:
    down = (clause.base == "play" and scene.low(clause.after) == "down") or clause.base == "downplay"
    if not down or not clause.subjects:
        return
    found = noun_phrase(scene.toks, clause.after + (clause.base == "play"))
    if found is None:
        return
    subject = clause.subjects[0]
    yield draft(
        scene,
        "statement",
        scene.slot(subject),
        "played-down",
        scene.slot(found),
        first=subject.first,
        last=found.last,
        at=subject.first,
        score=0.86,
        method="statement:played-down",
    )


def _authored(scene: Scene, clause: Clause) -> Iterator[Draft]:
    """Yield who wrote the document: `this advisory was written by A and B`."""
    if (
        clause.base
        not in {"write", "author", "produce", "publish", "prepare", "release", "issue", "co-author", "coauthor"}
        or not clause.subjects
    ):
        return
    toks = scene.toks
    if clause.passive:
        subject = clause.subjects[0]
        if "paper" not in scene.sorts(subject) or "this" not in " ".join(
            scene.lows(max(0, subject.first - 1), subject.last)
        ):
            return
        by = scene.after(clause, "by", until=len(toks))
        if not by:
            return
        last = by[-1].last
        who = Slot(
            text="; ".join(scene.slot(p).text for p in by),
            written=scene.raw(by[0].first, last),
            start=toks[by[0].first].start,
            end=toks[last - 1].end,
        )
        obj = scene.slot(subject)
        first = subject.first
    else:
        found, last = scene.objects(clause)
        if not found or "paper" not in scene.sorts(found[0]) or toks[found[0].first].low != "this":
            return
        subject = clause.subjects[0]
        who = Slot(
            text="; ".join(scene.slot(p).text for p in clause.subjects),
            written=scene.raw(subject.first, clause.subjects[-1].last),
            start=toks[subject.first].start,
            end=toks[clause.subjects[-1].last - 1].end,
        )
        obj = scene.slot(found[0])
        first = min(subject.first, clause.first)
    yield draft(
        scene, "statement", who, "wrote", obj, first=first, last=last, at=first, score=0.88, method="statement:authored"
    )


def _blocked(scene: Scene, clause: Clause) -> Iterator[Draft]:
    if (
        clause.base
        not in {
            "block",
            "thwart",
            "foil",
            "stop",
            "disrupt",
            "prevent",
            "repel",
            "mitigate",
            "neutralise",
            "neutralize",
        }
        or not clause.passive
        or not clause.subjects
    ):
        return
    subject = clause.subjects[0]
    if not ("attack" in scene.sorts(subject) or scene.head(subject) in {"attempt", "targeting", "attack", "botnet"}):
        return
    by = scene.after(clause, "by", until=len(scene.toks))
    who = scene.slot(by[0]) if by else implied("defenders")
    yield draft(
        scene,
        "statement",
        who,
        "blocked",
        scene.slot(subject),
        first=subject.first,
        last=by[0].last if by else clause.after,
        at=clause.verb,
        negated=clause.negated,
        score=0.86,
        method="statement:blocked",
    )


_VERSION = re.compile(r"(?i)\b(?:versions?|releases?|builds?|firmware|devices? running)\b|\b\d+\.\d+")


def _unaffected(scene: Scene, clause: Clause) -> Iterator[Draft]:
    """Yield that something was not affected, or that there is no evidence of it."""
    toks = scene.toks
    if (
        clause.base in {"affect", "impact", "compromise", "steal", "access", "disrupt", "breach"}
        and clause.passive
        and clause.subjects
        and clause.negated
    ):
        subject = clause.subjects[0]
        slot = scene.slot(subject)
        text = slot.text.removeprefix("no ").removeprefix("No ")
        if _VERSION.search(text):
            return  # which versions have a weakness is no claim about a break-in
        what = scene.memory.last("attack", toks[subject.first].start) or "the attack"
        yield draft(
            scene,
            "statement",
            implied(what),
            "affected",
            Slot(text=text, written=slot.written, start=slot.start, end=slot.end),
            first=subject.first,
            last=clause.after,
            at=clause.verb,
            negated=True,
            score=0.84,
            method="statement:unaffected",
        )
    if (clause.base in {"find", "see", "have", "be"} and not clause.passive) and any(
        scene.lows(i, i + 2) in (["no", "evidence"], ["no", "indication"], ["no", "indications"], ["no", "sign"])
        for i in range(clause.after, min(len(toks), clause.after + 3))
    ):
        last = _last(scene)
        at = next(i for i in range(clause.after, len(toks)) if toks[i].low == "no")
        who = (
            scene.slot(clause.subjects[0])
            if clause.subjects and scene.low(clause.subjects[0].first) != "there"
            else implied("evidence")
        )
        yield draft(
            scene,
            "statement",
            who,
            "found-evidence",
            scene.raw(min(at + 2, last - 1), last),
            first=min([clause.first, *(p.first for p in clause.subjects)]),
            last=last,
            at=clause.verb,
            negated=True,
            score=0.84,
            method="statement:no-evidence",
        )


def _presumed(scene: Scene) -> Iterator[Draft]:
    lows = scene.lows(0, len(scene.toks))
    for i, low in enumerate(lows):
        if (
            (low == "presumed" and "innocent" in lows[i : i + 4])
            or (low == "merely" and "accusations" in lows[i : i + 3])
            or (low == "merely" and any(w.startswith(("allegation", "accusation")) for w in lows[i : i + 3]))
        ):
            yield draft(
                scene,
                "statement",
                implied("charges"),
                "are",
                "merely accusations; defendants presumed innocent",
                first=0,
                last=_last(scene),
                at=0,
                score=0.9,
                method="statement:presumed-innocent",
            )
            return


def _jointly(scene: Scene) -> Iterator[Draft]:
    """Yield what several countries did together: `A, B and C did so in a blast against X`."""
    for clause in scene.clauses:
        if len(clause.subjects) < 2 and not (clause.base == "do" and len(clause.subjects) >= 1):
            continue
        countries = [p for p in clause.subjects if "country" in scene.sorts(p)]
        lows = scene.lows(clause.after, len(scene.toks))
        if (clause.base in {"do", "issue", "join", "make"} | _CALLED_OUT and "against" in lows) or (
            countries and clause.base in _CALLED_OUT and len(countries) > 1
        ):
            if not countries:
                continue
            against = next((i for i in range(clause.after, len(scene.toks)) if scene.low(i) == "against"), clause.after)
            found = noun_phrase(scene.toks, against + (scene.low(against) == "against"))
            if found is None:
                continue
            names = "; ".join(scene.slot(p).text for p in clause.subjects)
            yield draft(
                scene,
                "statement",
                Slot(
                    text=names,
                    written=scene.raw(clause.subjects[0].first, clause.subjects[-1].last),
                    start=scene.toks[clause.subjects[0].first].start,
                    end=scene.toks[clause.subjects[-1].last - 1].end,
                ),
                "jointly-called-out",
                scene.slot(found),
                first=0 if scene.toks[0].low == "on" else clause.subjects[0].first,
                last=found.last,
                at=0,
                score=0.86,
                method="statement:jointly",
            )


def _lengths(scene: Scene) -> Iterator[Draft]:
    for i, token in enumerate(scene.toks):
        if token.low.endswith("-page") and token.text[0].isdigit() and i + 1 < len(scene.toks):
            noun = scene.toks[i + 1]
            yield draft(
                scene,
                "statement",
                implied(scene.memory.last("paper", token.start) or noun.text),
                "has-length",
                f"{token.text.partition('-')[0]} pages",
                first=max(0, i - 1),
                last=i + 2,
                at=0,
                score=0.82,
                method="statement:length",
            )


def _campaign_of(scene: Scene) -> Iterator[Draft]:
    """Yield a heading's or topic's `China's massive cyber-espionage campaign`."""
    if any(c.shape == "finite" for c in scene.clauses):
        return
    for phrase in scene.phrases:
        genitive = next((i for i in range(phrase.first, phrase.head) if scene.toks[i].tag == "GEN"), None)
        if genitive is None or scene.head(phrase) not in {
            "campaign",
            "espionage",
            "cyber-espionage",
            "operation",
            "attack",
        }:
            continue
        owner = scene.raw(phrase.first, genitive)
        if sorts.country_of(owner):
            words = scene.raw(genitive + 1, phrase.last)
            yield draft(
                scene,
                "assessment",
                implied(owner),
                "conducts",
                words,
                first=phrase.first,
                last=phrase.last,
                at=0,
                score=0.82,
                method="assessment:heading",
            )


def _wants(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield forecasts: `these actions are unlikely to have much impact`, `is likely to continue`."""
    del setting
    toks = scene.toks
    if clause.base != "be" or clause.shape != "finite" or clause.passive or not clause.subjects:
        return
    i = clause.after
    while i < len(toks) and toks[i].low in {"very", "highly", "also", "still", "most", "almost", "more"}:
        i += 1
    if scene.low(i) not in {"likely", "unlikely"} or scene.low(i + 1) != "to":
        return
    subject = clause.subjects[0]
    last = _last(scene)
    text = scene.slot(subject).text
    if scene.toks[subject.head].tag == "PRON":
        text = scene.raw(0, subject.first).strip(" ,") or text
        first = 0
    else:
        first = subject.first
    unlikely = scene.low(i) == "unlikely"
    yield draft(
        scene,
        "assessment",
        Slot(text=text, written=scene.words(subject), start=toks[subject.first].start, end=toks[subject.last - 1].end),
        "will",
        scene.raw(i + 2, last),
        first=first,
        last=last,
        at=clause.verb,
        negated=unlikely or clause.negated or "disappointed" in scene.lows(i, last),
        score=0.84,
        method="assessment:forecast",
    )


def _supports(scene: Scene, clause: Clause) -> Iterator[Draft]:
    """Yield what stolen information could be used for."""
    if (
        clause.base not in {"release", "use", "exploit", "abuse", "leverage"}
        or not clause.passive
        or not clause.subjects
    ):
        return
    group = scene.toks[clause.first]
    if group.low not in {"could", "may", "might", "can"} or "data" not in scene.sorts(clause.subjects[0]):
        return
    subject = clause.subjects[0]
    last = _last(scene)
    while scene.toks[last - 1].tag == "Q":
        last -= 1
    yield draft(
        scene,
        "assessment",
        scene.slot(subject),
        "could-support",
        scene.raw(clause.after, last),
        first=subject.first,
        last=last,
        at=clause.verb,
        negated=clause.negated,
        score=0.84,
        method="assessment:could",
    )


def _occurred(scene: Scene, clause: Clause) -> Iterator[Draft]:
    """Yield `the incidents mostly occurred two or three years ago`."""
    if clause.base not in {"occur", "happen", "begin", "start"} or not clause.subjects or clause.passive:
        return
    subject = clause.subjects[-1]
    if scene.head(subject) not in {
        "incident",
        "attack",
        "breach",
        "intrusion",
        "campaign",
        "activity",
        "hack",
        "operation",
    }:
        return
    toks = scene.toks
    ago = next(
        (
            i
            for i in range(clause.after, len(toks))
            if toks[i].low == "ago" or (toks[i].tag == "DATE" and "ago" in toks[i].low)
        ),
        None,
    )
    if ago is None:
        return
    words = scene.raw(clause.after, ago + 1)
    yield draft(
        scene,
        "date/founding",
        scene.slot(subject),
        "occurred",
        Slot(text=words, written=words, start=toks[clause.after].start, end=toks[ago].end),
        first=subject.first,
        last=ago + 1,
        at=clause.after,
        negated=clause.negated,
        score=0.85,
        method="founding:occurred",
    )


def _judgements(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield judgements on the topic: `they are surprisingly devolved`, `X is a highly capable adversary`."""
    toks = scene.toks
    lows = {sorts.singular(w) for w in scene.lows(0, len(toks))}
    for clause in scene.clauses:
        if clause.shape != "finite":
            continue
        yield from _weaponised(scene, clause)
        quoted = clause.base in {"call", "brand"} and any(t.tag == "Q" for t in toks[clause.after :])
        if (
            quoted
            and clause.subjects
            and not clause.passive
            and not set(scene.lows(clause.after, len(toks))) & _SLANDER
        ):
            named = noun_phrase(toks, clause.after)
            if named is not None and {"group", "actor", "pronoun", "attack", "country"} & scene.sorts(named):
                yield draft(
                    scene,
                    "assessment",
                    scene.slot(named),
                    "described-as",
                    scene.raw(named.last, _last(scene)).strip("“”"),
                    first=clause.subjects[0].first,
                    last=_last(scene),
                    at=clause.after,
                    score=0.83,
                    method="assessment:called",
                )
                continue
        if clause.base == "describe" and clause.subjects and not clause.passive:
            objects, _ = scene.objects(clause)
            as_ = next((i for i in range(clause.after, len(toks)) if toks[i].low == "as"), None)
            if objects and as_ is not None and not set(scene.lows(as_, len(toks))) & _SLANDER:
                yield draft(
                    scene,
                    "assessment",
                    scene.slot(objects[0]),
                    "described-as",
                    scene.raw(as_ + 1, _last(scene)),
                    first=clause.subjects[0].first,
                    last=_last(scene),
                    at=clause.after,
                    score=0.85,
                    method="assessment:described",
                )
            continue
        if (
            clause.base not in {"be", "have", "take", "become", "remain", "show", "pose", "represent", "convey"}
            or clause.passive
            or clause.relative
        ):
            continue
        if not (lows & _TOPIC or any("cyber" in w for w in lows)) and not _about_actor(scene, clause):
            continue
        after = scene.lows(clause.after, min(len(toks), clause.after + 7))
        if (
            set(after[:2]) & {"responsible", "grateful", "located", "aware", "behind"}
            or "behind" in after[:4]
            or (clause.base == "take" and "time" not in after[:2])
        ):
            continue
        if clause.base == "show":
            speaker = next(
                (c for c in scene.clauses if c.base in REPORTING and c.first < clause.first and c.subjects), None
            )
            quoted = any(t.tag == "Q" for t in toks[clause.after : clause.after + 2])
            if speaker is None or not quoted or not clause.subjects:
                continue
            objects, _end = scene.objects(clause)
            last = _last(scene)
            yield draft(
                scene,
                "statement",
                scene.slot(clause.subjects[0]),
                "shows",
                scene.raw(clause.after, last).strip("“”"),
                first=speaker.subjects[0].first,
                last=last,
                at=clause.verb,
                negated=clause.negated,
                score=0.82,
                method="statement:quoted",
            )
            continue
        if not set(after) & _JUDGED and not any(w in {"more", "devolved"} for w in after):
            continue
        if scene.low(clause.after) in {"likely", "unlikely"} and scene.low(clause.after + 1) == "to":
            continue
        if scene.low(clause.after) == "active":
            continue
        complement, _ = scene.objects(clause)
        if complement and clause.base == "be" and scene.head(complement[0]) in {"group", "actor", "team", "cluster"}:
            continue  # what a group is, is read as its kind
        subject = clause.subjects[0] if clause.subjects else None
        if subject is not None and (
            "malware" in scene.sorts(subject) or toks[subject.head].low in {"we", "i", "you", "it", "this", "data"}
        ):
            continue
        if subject is None and "there" not in scene.lows(max(0, clause.first - 2), clause.first):
            continue
        if subject is not None and "person" in scene.sorts(subject) and scene.toks[subject.head].tag == "PN":
            continue
        first = subject.first if subject is not None else max(0, clause.first - 1)
        last = _last(scene)
        name = (
            scene.slot(subject, actor=False)
            if subject is not None
            else implied(scene.memory.last("actor", toks[0].start) or "hacking groups")
        )
        negated = (
            clause.negated
            or any(c.negated and c.first < clause.first and c.base in {"think", "believe"} for c in scene.clauses)
            or ("sure" in after and clause.negated)
        )
        yield draft(
            scene,
            "assessment",
            name,
            clause.base if clause.base != "be" else "is",
            scene.raw(clause.after, last).strip("”. "),
            first=first,
            last=last,
            at=clause.verb,
            negated=negated,
            score=0.8,
            method="assessment:judged",
        )
        break
    del setting


def _about_actor(scene: Scene, clause: Clause) -> bool:
    if not clause.subjects:
        return bool(
            scene.memory.last("actor", scene.start, after=scene.paragraph_start - 1)
            or scene.memory.last("group", scene.start, after=scene.paragraph_start - 1)
        )
    kinds = scene.sorts(clause.subjects[0])
    return bool({"group", "actor", "pronoun", "country", "attack"} & kinds)


def _weaponised(scene: Scene, clause: Clause) -> Iterator[Draft]:
    """Yield `no country has weaponised its cyber capabilities as maliciously as X`."""
    if clause.base not in {"weaponize", "weaponise"} or not clause.subjects:
        return
    yield draft(
        scene,
        "assessment",
        scene.slot(clause.subjects[0]),
        "has-weaponized",
        scene.raw(clause.after, min(_last(scene), clause.after + 12)),
        first=clause.subjects[0].first,
        last=min(_last(scene), clause.after + 12),
        at=clause.verb,
        score=0.8,
        method="assessment:weaponised",
    )
