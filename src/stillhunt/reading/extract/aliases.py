"""Names: also known as, tracked as, labels, acronyms, `a group called X`, members of a group."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stillhunt.reading import sorts
from stillhunt.reading.draft import Draft, Slot
from stillhunt.reading.frames import ADVERSE_AGENCY, Setting, draft, implied
from stillhunt.reading.grammar.clauses import Clause
from stillhunt.reading.grammar.phrases import Phrase, noun_phrase, phrase_before, skip
from stillhunt.reading.scene import Scene

__all__ = ["find_aliases"]

_AKA = frozenset({"aka", "a/k/a", "a.k.a.", "a.k.a"})
_NAMED = frozenset(
    {
        "know",
        "track",
        "call",
        "dub",
        "name",
        "label",
        "refer",
        "nickname",
        "designate",
        "monitor",
        "report",
        "codename",
        "code-name",
    }
)
_OFFICIAL = frozenset(
    ["agency", "bureau", "ministry", "directorate", "service", "centre", "center", "command", "administration"]
)
_AGENCY_NAMES = frozenset({"GRU", "SVR", "FSB", "MOIS", "IRGC", "RGB", "MSS", "MPS", "PLA"})
"""Agencies whose short form is not made of English initials."""

_THREAT = frozenset({"threat", "apt"})


def find_aliases(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield a claim for every name that is given to somebody."""
    yield from _also_known(scene, setting)
    yield from _called(scene, setting)
    yield from _labelled(scene, setting)
    yield from _bracketed(scene)
    yield from _members(scene)
    yield from _kinds(scene, setting)
    yield from _same(scene, setting)


def _names(scene: Scene, i: int) -> tuple[list[tuple[int, int, str]], int]:
    """Return the names of a list as (first, last, name), and where it ends."""
    toks = scene.toks
    found: list[tuple[int, int, str]] = []
    end = i
    while i < len(toks):
        while (
            i < len(toks)
            and (
                toks[i].text in {",", ";", "/"}
                or toks[i].tag == "CC"
                or toks[i].low in {"as", "also", "alternatively", "known", "tracked", "or", "by", *_AKA}
                or toks[i].low == "the"
            )
            and found
        ):
            i += 1
        while (
            i < len(toks)
            and toks[i].low
            in {
                "the",
                "as",
                "by",
                "alternatively",
                "other",
                "names",
                "name",
                "label",
                "labels",
                "such",
                "moniker",
                "monikers",
                "aliases",
                "of",
                ":",
            }
            and not found
        ):
            i += 1
        if i >= len(toks):
            break
        if toks[i].text in {"“", '"', "‘"}:
            close = next((j for j in range(i + 1, min(len(toks), i + 9)) if toks[j].text in {"”", '"', "’"}), None)
            if close is None:
                break
            name = scene.raw(i + 1, close).strip(" ,;.")
            found.append((i, close + 1, name))
            i = end = close + 1
            if i < len(toks) and toks[i].text == "(":
                after = skip(toks, i)
                i = end = after if after - i <= 9 else i
            continue
        if found and toks[found[0][0]].tag == "Q" and toks[i - 1].low not in {"as", *_AKA}:
            break  # names in quotation marks go on in quotation marks
        start = i
        while (
            i < len(toks)
            and (
                toks[i].tag in {"PN", "NUM"}
                or (toks[i].is_capital and toks[i].tag not in {"P", "Q", "PREP", "SUB", "DET"})
                or (
                    toks[i].text in {"-", "&", "."}
                    and i > start
                    and i + 1 < len(toks)
                    and toks[i + 1].is_capital
                    and toks[i].end == toks[i + 1].start
                )
            )
            and not (i > start and toks[i - 1].end < toks[i].start and toks[i].tag == "V")
        ):
            i += 1
        if i == start:
            break
        name = scene.raw(start, i).strip(" ,;.")
        tail = scene.low(i)
        if (
            found
            and toks[start - 1].text == ","
            and (tail in {"is", "has", "was", "have", "are", "were", "targeted"} or (tail in {"a", "an"}))
        ):
            break
        if i < len(toks) and toks[i].text == "(":
            after = skip(toks, i)
            if after - i <= 9:
                i = after
        found.append((start, i, name))
        end = i
        if i >= len(toks) or not (toks[i].text in {",", ";", "/"} or toks[i].tag == "CC" or toks[i].tag == "Q"):
            break
    return [(a, b, n) for a, b, n in found if n and n.casefold() not in {"the", "a"} and len(n) < 60], end


def _subject_before(scene: Scene, i: int) -> Phrase | None:
    toks = scene.toks
    end = i
    while end > 0 and (
        toks[end - 1].text in {",", "(", "—", "–", "-", ";", "["}
        or toks[end - 1].low
        in {
            "also",
            "otherwise",
            "better",
            "commonly",
            "publicly",
            "formerly",
            "previously",
            "variously",
            "widely",
            "or",
            "and",
            "which",
            "is",
            "are",
            "who",
            "been",
            "has",
            "have",
            "was",
            "were",
            "be",
            "being",
            "that",
        }
        or toks[end - 1].tag == "ADV"
    ):
        end -= 1
    if end > 0 and toks[end - 1].text == ")":
        depth = 0
        for j in range(end - 1, -1, -1):
            depth += toks[j].text == ")"
            depth -= toks[j].text == "("
            if not depth:
                end = j
                break
    floor = next(
        (
            j + 1
            for j in range(end - 1, -1, -1)
            if toks[j].text in {";", ":", ",", "—", "("}
            or toks[j].tag in {"AUX", "MOD", "SUB"}
            or (
                toks[j].tag == "V"
                and not (j and toks[j - 1].tag in {"DET", "POSS", "PREP", "N"} and toks[j + 1].tag in {"N", "PN"})
            )
        ),
        0,
    )
    return phrase_before(toks, end, floor=floor)


def _each(
    scene: Scene,
    subject: Slot,
    found: list[tuple[int, int, str]],
    first: int,
    end: int,
    at: int,
    *,
    method: str,
    score: float = 0.93,
    speaker: str = "",
) -> Iterator[Draft]:
    for a, b, name in found:
        if name.casefold() == subject.text.casefold():
            continue
        slot = Slot(text=name, written=scene.raw(a, b), start=scene.toks[a].start, end=scene.toks[b - 1].end)
        yield draft(
            scene,
            "alias/part-of",
            subject,
            "known-as",
            slot,
            first=first,
            last=end,
            at=at,
            score=score,
            method=method,
            speaker=speaker,
        )


def _also_known(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield `X, a/k/a “Y”`, `X—aka Y, Z—`."""
    del setting
    toks = scene.toks
    i = 0
    while i < len(toks):
        if toks[i].low in _AKA:
            found, end = _names(scene, i + 1)
            subject = _subject_before(scene, i)
            if found and subject is not None:
                slot = scene.slot(subject)
                yield from _each(scene, _bare(scene, subject, slot), found, subject.first, end, i, method="alias:aka")
            i = max(end, i + 1)
            continue
        i += 1


def _bare(scene: Scene, subject: Phrase, slot: Slot) -> Slot:
    """Return a subject without what hangs on it, where a name begins it."""
    if scene.toks[subject.head].tag == "PN":
        text = scene.raw(subject.first, subject.head + 1)
        if text and slot.how == "written":
            return Slot(
                text=scene.plain(Phrase(subject.first, subject.head + 1, subject.head)),
                written=slot.written,
                start=slot.start,
                end=slot.end,
            )
    return slot


def _called(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield `X, also known as Y`, `a group known as X`, `which Microsoft calls Y`, `is tracked by A as B`."""
    del setting
    toks = scene.toks
    for clause in scene.clauses:
        if clause.base not in _NAMED:
            continue
        if not clause.passive and not _object_relative(scene, clause.first):
            yield from _calls(scene, clause)
            continue
        if clause.base in {"know", "track", "refer", "monitor", "report", "designate", "label"} or clause.passive:
            i = clause.after
            stop = min(len(toks), i + 14)
            while i < stop and toks[i].low != "as" and toks[i].tag != "Q" and toks[i].tag != "V":
                i += 1
            if i < stop and toks[i].low == "as":
                i += 1
            elif clause.base not in {"call", "dub", "name", "nickname", "codename", "code-name"}:
                continue
            else:
                i = clause.after
        else:
            i = clause.after
        found, end = _names(scene, i)
        if not found or toks[found[0][0]].tag not in {"PN", "Q", "N", "NUM"}:
            continue
        by = scene.after(clause, "by", until=found[0][0]) if clause.passive else []
        speaker = "; ".join(scene.slot(p).text for p in by)
        subject = (
            _subject_before(scene, clause.first)
            if clause.passive and clause.shape == "reduced"
            else (clause.subjects[0] if clause.passive and clause.subjects else None)
        )
        if subject is None and _object_relative(scene, clause.first):
            at = next(j for j in range(clause.first, -1, -1) if toks[j].low in {"which", "that", "whom"})
            near = [
                p for p in scene.phrases if at - 8 <= p.last <= at and {"actor", "group", "malware"} & scene.sorts(p)
            ]
            subject = near[-1] if near else _subject_before(scene, at)
            speaker = "; ".join(scene.slot(p).text for p in clause.subjects)
        if subject is None or clause.negated:
            continue
        subject = _past_places(scene, subject)
        yield from _given(scene, subject, found, clause.first, end, clause.verb, speaker)


def _calls(scene: Scene, clause: Clause) -> Iterator[Draft]:
    """Yield `Microsoft tracks this actor as X`, `others call it Y`."""
    toks = scene.toks
    if not clause.subjects or clause.base in {"report", "know"} or clause.negated:
        return
    start = clause.after + (clause.base == "refer" and scene.low(clause.after) == "to")
    subject = noun_phrase(toks, start, deep=False)
    if subject is None or not ({"actor", "group", "malware", "pronoun"} & scene.sorts(subject)):
        return
    i = subject.last
    if scene.low(i) == "as":
        i += 1
    elif clause.base not in {"call", "dub", "name", "nickname", "codename", "label"}:
        return
    found, end = _names(scene, i)
    if not found or toks[found[0][0]].tag not in {"PN", "Q"}:
        return
    speaker = "; ".join(scene.slot(p).text for p in clause.subjects)
    yield from _each(
        scene,
        scene.slot(subject, actor=True),
        found,
        min(clause.first, clause.subjects[0].first),
        end,
        clause.verb,
        method="alias:calls",
        speaker=speaker,
    )


def _past_places(scene: Scene, subject: Phrase) -> Phrase:
    """Return the group of `a group operating in China known as X`, not China."""
    if "country" not in scene.sorts(subject):
        return subject
    before = [
        p
        for p in scene.phrases
        if p.last <= subject.first
        and p.last > subject.first - 6
        and {"actor", "group", "malware", "company"} & scene.sorts(p)
    ]
    return before[-1] if before else subject


def _object_relative(scene: Scene, i: int) -> bool:
    return any(scene.toks[j].low in {"which", "whom"} for j in range(max(0, i - 5), i))


def _given(
    scene: Scene, subject: Phrase, found: list[tuple[int, int, str]], i: int, end: int, at: int, speaker: str
) -> Iterator[Draft]:
    kinds = scene.sorts(subject)
    slot = scene.slot(subject)
    generic = scene.toks[subject.head].tag != "PN" and not scene.group_in(subject)
    before = i - 1
    while before > 0 and scene.toks[before].tag == "ADV":
        before -= 1
    if generic and scene.toks[before].text != "," and subject.last == before + 1 and subject.last - subject.first == 2:
        # "the actor known as X" is X; only a comma would make it a name of who was named before
        a, b, name = found[0]
        named = Slot(text=name, written=scene.raw(a, b), start=scene.toks[a].start, end=scene.toks[b - 1].end)
        yield from _each(scene, named, found[1:], subject.first, end, at, method="alias:known-as", speaker=speaker)
        return
    if (
        generic
        and {"actor", "malware"} & kinds
        and scene.toks[subject.first].low not in {"the", "these", "this", "their"}
    ):
        # "a Chinese group known as X": X is that; further names are aliases of X
        if "malware" in kinds and "actor" not in kinds and len(found) > 1:
            return  # "malware known as A, B and C" are three
        owner = _apposed_to(scene, subject)
        if owner is not None:
            yield from _each(
                scene, scene.slot(owner), found, owner.first, end, at, method="alias:known-as", speaker=speaker
            )
            return
        a, b, name = found[0]
        named = Slot(text=name, written=scene.raw(a, b), start=scene.toks[a].start, end=scene.toks[b - 1].end)
        if "actor" in kinds:
            yield draft(
                scene,
                "alias/part-of",
                named,
                "is-a",
                slot,
                first=subject.first,
                last=end,
                at=at,
                score=0.9,
                method="alias:is-a",
                speaker=speaker,
            )
        yield from _each(scene, named, found[1:], subject.first, end, at, method="alias:known-as", speaker=speaker)
        return
    if {"data", "system", "attack"} & kinds and not {"group", "actor", "malware", "company", "person"} & kinds:
        return
    yield from _each(
        scene,
        _bare(scene, subject, slot),
        found,
        min(subject.first, i),
        end,
        at,
        method="alias:known-as",
        speaker=speaker,
    )


def _apposed_to(scene: Scene, phrase: Phrase) -> Phrase | None:
    """Return the group of `X, a Korean actor also known as Y`."""
    if phrase.first < 2 or scene.toks[phrase.first - 1].text != ",":
        return None
    before = next((p for p in scene.phrases if p.last == phrase.first - 1), None)
    return before if before is not None and "group" in scene.sorts(before) else None


def _labelled(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield `tracked X using the labels “A”, “B”`, `under the name X`, `goes by the name`."""
    toks = scene.toks
    for i, token in enumerate(toks):
        if token.low not in {
            "label",
            "labels",
            "name",
            "names",
            "moniker",
            "monikers",
            "alias",
            "aliases",
            "nickname",
            "pseudonym",
            "pseudonyms",
            "codename",
            "handle",
            "handles",
        }:
            continue
        if (
            scene.low(i - 1)
            not in {
                "the",
                "online",
                "names",
                "following",
                "various",
                "aliases",
                "code",
                "other",
            }
            and scene.low(i - 1) != "labels"
        ):
            continue
        start = i + 1
        if scene.low(start) in {"of", "including"}:
            start += 1
        found, end = _names(scene, start)
        if not found:
            continue
        clause = next(
            (
                c
                for c in reversed(scene.clauses)
                if c.first < i
                and c.base in {"track", "use", "go", "operate", "monitor", "follow", "refer", "call"}
                and c.shape == "finite"
            ),
            None,
        )
        if clause is None:
            continue
        if clause.base == "track" and not clause.passive:
            objects, _ = scene.objects(clause)
            near = [p for p in scene.phrases if p.last <= clause.first and "actor" in scene.sorts(p)]
            subject = objects[0] if objects else near[-1] if near else None
            speaker = "; ".join(scene.slot(p).text for p in clause.subjects)
        else:
            subject = clause.subjects[0] if clause.subjects else None
            speaker = ""
        if subject is None:
            continue
        slot = scene.slot(subject)
        using = i - 1
        while using > 0 and toks[using].tag in {"DET", "N", "PREP"}:
            using -= 1
        yield from _each(scene, slot, found, using, end, i, method="alias:labels", speaker=speaker)
    del setting


def _bracketed(scene: Scene) -> Iterator[Draft]:
    """Yield `Long Name (LN)` of offices and threats, and names of groups in brackets behind a group."""
    toks = scene.toks
    for i, token in enumerate(toks):
        if token.text != "(":
            continue
        after = skip(toks, i)
        if after == i or after - i > 26:
            continue
        inside = toks[i + 1 : after - 1]
        words = [t for t in inside if t.tag != "Q"]
        short = words[0].text if words else ""
        if (
            len(words) == 1
            and re.fullmatch(r"[A-Z][A-Za-z0-9&-]{1,9}s?", short)
            and sum(c.isupper() for c in short) >= 2
        ):
            yield from _acronym(scene, i, after, short)
        elif words and words[0].low not in _AKA and len(inside) >= 1:
            subject = _subject_before(scene, i)
            if subject is not None and "group" in scene.sorts(subject) and scene.toks[subject.head].tag == "PN":
                found, end = _names(scene, i + 1)
                if found and end >= after - 1 and all(_is_group(scene, a, b) for a, b, _ in found):
                    yield from _each(
                        scene,
                        _bare(scene, subject, scene.slot(subject)),
                        found,
                        subject.first,
                        after,
                        i,
                        method="alias:bracket",
                        score=0.82,
                    )
            elif subject is not None and "group" not in scene.sorts(subject):
                continue


def _is_group(scene: Scene, a: int, b: int) -> bool:
    return bool(scene.group_in(Phrase(a, b, b - 1)))


def _acronym(scene: Scene, i: int, after: int, short: str) -> Iterator[Draft]:
    toks = scene.toks
    letters = [c for c in short if c.isupper()]
    start = i
    k = len(letters)
    j = i - 1
    # walk back over the words whose initials make the short form
    while j >= 0 and k > 0 and i - j <= 12 and toks[j].text not in {",", ";", ".", "(", ")", "—"}:
        if toks[j].text[0].upper() == letters[k - 1]:
            k -= 1
            start = j
        elif toks[j].tag not in {"PREP", "CC", "DET", "GEN", "PN", "N", "P"}:
            break
        j -= 1
    if k and short in _AGENCY_NAMES and i and toks[i - 1].tag == "PN":
        start, k = i, 0
        while start and toks[start - 1].tag == "PN":
            start -= 1
    if k:
        return
    long = scene.raw(start, i)
    scene.memory.acronyms.setdefault(short, long)
    lows = {sorts.singular(t.low) for t in toks[start:i]}
    office = bool(lows & _OFFICIAL) and bool(
        lows
        & {
            "security",
            "intelligence",
            "investigation",
            "state",
            "police",
            "defence",
            "defense",
            "main",
            "public",
            "revolutionary",
            "military",
            "foreign",
            "signals",
            "federal",
        }
    )
    threat = bool(lows & _THREAT) and "group" not in lows
    if not office and not threat:
        return
    if any(t.low in {"department", "office"} for t in toks[start:i]):
        return
    long_slot = Slot(text=long, written=long, start=toks[start].start, end=toks[i - 1].end)
    owner = start
    if owner > 1 and toks[owner - 1].tag == "GEN":
        owner -= 2
    short_slot = Slot(text=short, written=short, start=toks[i + 1].start, end=toks[i + 1].end)
    yield draft(
        scene,
        "alias/part-of",
        short_slot,
        "stands-for",
        long_slot,
        first=owner,
        last=after,
        at=i,
        score=0.95,
        method="alias:acronym",
    )


def _members(scene: Scene) -> Iterator[Draft]:
    """Yield `X and Y were members of Z`, `two of the group's alleged members`."""
    toks = scene.toks
    for clause in scene.clauses:
        if clause.base == "be" and clause.subjects and not clause.passive:
            objects, end = scene.objects(clause)
            if objects and scene.head(objects[0]) in {
                "member",
                "part",
                "component",
                "subgroup",
                "offshoot",
                "division",
                "affiliate",
                "subset",
                "cluster",
                "alias",
                "unit",
            }:
                of = next(
                    (i for i in range(objects[0].head + 1, objects[0].last) if toks[i].low in {"of", "within", "in"}),
                    None,
                )
                inner = noun_phrase(toks, of + 1) if of is not None else None
                if inner is None or ADVERSE_AGENCY.search(scene.words(inner)):
                    continue  # who serves in an agency is read as its officer
                for subject in clause.subjects:
                    if scene.toks[subject.head].tag == "PRON" and not scene.memory.last("group", scene.start):
                        continue
                    kinds = scene.sorts(subject)
                    if (
                        not {"person", "group", "actor", "pronoun", "company", "agency"} & kinds
                        and scene.toks[subject.head].tag != "PN"
                    ):
                        continue
                    predicate = "member-of" if scene.head(objects[0]) == "member" else "part-of"
                    yield draft(
                        scene,
                        "alias/part-of",
                        scene.slot(subject, actor=True),
                        predicate,
                        scene.slot(inner),
                        first=min(subject.first, clause.first),
                        last=end,
                        at=clause.verb,
                        negated=clause.negated,
                        score=0.9,
                        method="alias:member",
                    )
    for i, token in enumerate(toks):
        if token.low not in {"member", "members"} or i == 0:
            continue
        genitive = next((j for j in range(i - 1, max(-1, i - 4), -1) if toks[j].tag == "GEN"), None)
        if genitive is None:
            continue
        owner = phrase_before(toks, genitive)
        if owner is None:
            continue
        first = owner.first
        while first > 0 and (toks[first - 1].low in {"of", "two", "several", "some"} or toks[first - 1].tag == "NUM"):
            first -= 1
        of = next((j for j in range(owner.first, genitive) if toks[j].low == "of" and j > owner.first), None)
        if first == owner.first and of is None:
            continue
        last_of = Phrase(owner.first if of is None else of + 1, genitive, genitive - 1)
        name = scene.slot(last_of).text
        group = scene.memory.last("group", token.start)
        text = group if scene.toks[genitive - 1].low in {"group", "team", "gang"} and group else name
        if not text:
            continue
        yield draft(
            scene,
            "alias/part-of",
            implied(f"{scene.raw(first, first + 1)} sanctioned or accused members"),
            "member-of",
            text,
            first=first,
            last=i + 1,
            at=i,
            score=0.8,
            method="alias:members-of",
        )


def _kinds(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield `X, a Chinese hacking group,`, `X is a Russian threat actor`, `one such company, X`, `APT stands for`."""
    toks = scene.toks
    for clause in scene.clauses:
        if (
            clause.base == "be"
            and clause.shape == "finite"
            and clause.subjects
            and not clause.passive
            and not clause.relative
        ):
            objects, _end = scene.objects(clause)
            subject = clause.subjects[0]
            if (
                objects
                and not {"country", "person", "defender"} & scene.sorts(subject)
                and ("group" in scene.sorts(subject) or scene.toks[subject.head].tag == "PN")
                and scene.head(objects[0])
                in {"group", "actor", "team", "collective", "gang", "apt", "adversary", "crew"}
                and toks[objects[0].first].low in {"a", "an", "one"}
            ):
                yield draft(
                    scene,
                    "alias/part-of",
                    scene.slot(subject),
                    "is-a",
                    scene.slot(objects[0]),
                    first=subject.first,
                    last=objects[0].last,
                    at=clause.verb,
                    negated=clause.negated,
                    score=0.9,
                    method="alias:is-a",
                )
        if clause.base == "stand" and scene.low(clause.after) == "for":
            before = clause.subjects[0] if clause.subjects else phrase_before(toks, clause.first)
            last = len(toks) - (toks[-1].text == ".")
            if before is not None:
                words = scene.raw(clause.after + 1, last)
                yield draft(
                    scene,
                    "alias/part-of",
                    implied(toks[before.last - 1].text),
                    "stands-for",
                    words.strip("“”. "),
                    first=before.first,
                    last=last,
                    at=clause.verb,
                    score=0.93,
                    method="alias:stands-for",
                )
    for i, token in enumerate(toks):
        if token.text == "stand" and token.tag != "V" and scene.low(i + 1) == "for":
            before = phrase_before(toks, i)
            last = len(toks) - (toks[-1].text == ".")
            yield draft(
                scene,
                "alias/part-of",
                implied(toks[i - 1].text if before is not None else ""),
                "stands-for",
                scene.raw(i + 2, last).strip("“”. "),
                first=before.first if before else i - 1,
                last=last,
                at=i,
                score=0.93,
                method="alias:stands-for",
            )
        if token.text == "," and i > 0 and i + 1 < len(toks):
            # "X, a Chinese hacking group" and "another group, X,"
            before = _subject_before(scene, i)
            behind = noun_phrase(toks, i + 1)
            if before is None or behind is None:
                continue
            if (
                scene.group_in(before)
                and scene.toks[before.head].tag == "PN"
                and toks[behind.first].low in {"a", "an"}
                and scene.head(behind)
                in {
                    "group",
                    "actor",
                    "team",
                    "gang",
                    "collective",
                    "adversary",
                    "unit",
                    "cluster",
                    "crew",
                    "outfit",
                    "apt",
                    "operator",
                }
            ):
                yield draft(
                    scene,
                    "alias/part-of",
                    scene.slot(before),
                    "is-a",
                    scene.slot(behind),
                    first=before.first,
                    last=behind.last,
                    at=i,
                    score=0.88,
                    method="alias:is-a",
                )
            elif (
                "such" in scene.lows(before.first, before.last)
                and {"company", "actor"} & scene.sorts(before)
                and toks[behind.head].tag == "PN"
            ):
                yield draft(
                    scene,
                    "alias/part-of",
                    scene.slot(behind),
                    "is-a",
                    scene.slot(before),
                    first=before.first,
                    last=behind.last,
                    at=i,
                    score=0.82,
                    method="alias:such",
                )
    del setting


def _same(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield `X overlaps with Y`, `X is the same as Y`, `X is an alias of Y`."""
    del setting
    for clause in scene.clauses:
        if clause.base == "overlap" and clause.subjects:
            found = scene.after(clause, "with")
            predicate = "overlaps-with"
        elif clause.base == "correspond" and clause.subjects:
            found = scene.after(clause, "to", "with")
            predicate = "overlaps-with"
        else:
            continue
        subject = clause.subjects[0]
        if "group" not in scene.sorts(subject) and "actor" not in scene.sorts(subject):
            continue
        for phrase in found:
            if {"group", "actor"} & scene.sorts(phrase) or scene.toks[phrase.head].tag == "PN":
                yield draft(
                    scene,
                    "alias/part-of",
                    scene.slot(subject),
                    predicate,
                    scene.slot(phrase),
                    first=min(subject.first, clause.first),
                    last=phrase.last,
                    at=clause.verb,
                    negated=clause.negated,
                    score=0.85,
                    method="alias:overlap",
                )
