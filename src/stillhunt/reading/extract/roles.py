"""Roles: who holds which office, works where, where a group or firm sits, what kind of organisation something is."""

from __future__ import annotations

from collections.abc import Iterator

from stillhunt.reading import sorts
from stillhunt.reading.draft import Draft, Slot
from stillhunt.reading.frames import Setting, draft
from stillhunt.reading.grammar.phrases import Phrase, noun_phrase, phrase_before
from stillhunt.reading.scene import Scene

__all__ = ["find_roles"]

_DESCRIBED = frozenset(
    [
        "firm",
        "company",
        "agency",
        "ministry",
        "service",
        "contractor",
        "organisation",
        "organization",
        "think-tank",
        "university",
        "institute",
        "bureau",
        "vendor",
        "provider",
        "manufacturer",
    ]
)
_TITLE_STOP = frozenset({"mr", "mr.", "mrs", "ms", "dr", "sir", "defendant", "the"})


def find_roles(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield offices, employers, seats."""
    yield from _titles(scene, setting)
    yield from _appositions(scene)
    yield from _of_firm(scene)
    yield from _descriptions(scene)
    yield from _seats(scene, setting)
    yield from _is_role(scene)
    yield from _employs(scene)


def _person_at(scene: Scene, i: int) -> Phrase | None:
    """Return the person whose name begins at a token."""
    toks = scene.toks
    end = i
    while end < len(toks) and (
        toks[end].tag == "PN"
        or (toks[end].tag == "Q" and end > i and end + 1 < len(toks) and toks[end + 1].tag == "PN" and False)
        or (toks[end].text.endswith(".") and 1 < len(toks[end].text) <= 3)
    ):
        end += 1
    if end - i < 2 or end - i > 5:
        return None
    phrase = Phrase(i, end, end - 1)
    return phrase if "person" in scene.sorts(phrase) else None


def _titles(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield `FBI Deputy Director David Bowdich`, `employee Wu Shurong`, `officers A, B and C`."""
    toks = scene.toks
    i = 0
    while i < len(toks):
        role = sorts.singular(toks[i].low)
        if role not in sorts.ROLES or toks[i].tag not in {"N", "PN"} or role == "hacker":
            i += 1
            continue
        j = i + 1
        while j < len(toks) and toks[j].low in {"for", "of"} and toks[i].tag == "PN" and j == i + 1:
            # "Assistant Attorney General for National Security John C. Demers"
            inner = j + 1
            while inner < len(toks) and toks[inner].tag == "PN" and not _person_at(scene, inner):
                inner += 1
            j = inner if inner > j + 1 else j
            break
        people: list[Phrase] = []
        plural = toks[i].low.endswith("s") and toks[i].low != role
        while j < len(toks):
            person = _person_at(scene, j)
            if person is None:
                break
            people.append(person)
            j = person.last
            if not plural:
                break
            if scene.low(j) == ",":
                j += 1
            if scene.low(j) == "and":
                j += 1
        first = i
        while (
            (first > 0 and toks[first - 1].tag in {"PN", "N", "GEN"})
            or (first > 0 and toks[first - 1].text in {"(", ")"})
            or (first > 0 and toks[first - 1].low == "for" and False)
        ):
            first -= 1
        if people and first < i + 1:
            while first < i and (
                toks[first].low in _TITLE_STOP or (toks[first].text in {")", "("} and toks[first].text == ")")
            ):
                first += 1
            title = scene.raw(first, people[0].first)
            for person in people:
                if title and not title.startswith(("Mr", "the ")):
                    hired = role == "employee"
                    obj = Slot(text=title, written=title, start=toks[first].start, end=toks[people[0].first - 1].end)
                    last = people[-1].last if plural else person.last
                    yield draft(
                        scene,
                        "role",
                        scene.slot(person),
                        "employee-of" if hired else "holds-position",
                        obj,
                        first=first,
                        last=last,
                        at=i,
                        score=0.85,
                        method="role:title",
                    )
                    _employ(scene, person, title)
            i = j
            continue
        i += 1
    del setting


def _employ(scene: Scene, person: Phrase, title: str) -> None:
    scene.memory.employers.setdefault(scene.slot(person).text, title)


def _appositions(scene: Scene) -> Iterator[Draft]:
    """Yield `the head of the FBI, Christopher Wray` and `Nigel Inkster, a former deputy head of MI6`."""
    toks = scene.toks
    for i, token in enumerate(toks):
        if token.text != "," or i + 1 >= len(toks) or i == 0:
            continue
        person = _person_at(scene, i + 1)
        if person is not None and scene.low(person.last) in {
            ",",
            "",
            ".",
            "said",
            "says",
            "told",
            "(",
            "and",
            "has",
            "was",
            "is",
            "warned",
            "added",
        }:
            before = _role_before(scene, i)
            if before is not None:
                obj = scene.slot(before)
                yield draft(
                    scene,
                    "role",
                    scene.slot(person),
                    "holds-position",
                    obj,
                    first=before.first,
                    last=person.last,
                    at=i,
                    score=0.9,
                    method="role:apposition",
                )
                _employ(scene, person, _employer(scene, before))
                continue
        behind = noun_phrase(toks, i + 1)
        if behind is None or not _is_role_phrase(scene, behind):
            continue
        start = i
        while start > 0 and (toks[start - 1].tag == "PN"):
            start -= 1
        holder = _person_at(scene, start) if start < i else None
        if holder is None or holder.last != i:
            continue
        last = behind.last
        obj = scene.slot(behind)
        if (
            scene.low(last) == ","
            and (named := noun_phrase(toks, last + 1, deep=False)) is not None
            and toks[named.head].tag == "PN"
            and len(scene.words(named).split()) <= 3
            and "person" not in scene.sorts(named)
            and any(t.low in {"agency", "firm", "company", "service"} for t in toks[behind.first : behind.last])
        ):
            last = named.last
            obj = Slot(
                text=f"{obj.text}, {scene.words(named)}",
                written=scene.raw(behind.first, last),
                start=obj.start,
                end=toks[last - 1].end,
            )
            org = next((k for k in range(behind.last - 1, behind.first, -1) if toks[k].tag == "PREP"), behind.first) + 1
            kind = Slot(
                text=scene.raw(org, behind.last),
                written=scene.raw(org, behind.last),
                start=toks[org].start,
                end=toks[behind.last - 1].end,
            )
            yield draft(
                scene,
                "role",
                scene.slot(named),
                "is-a",
                kind,
                first=org,
                last=last,
                at=i,
                score=0.84,
                method="role:named-agency",
            )
        yield draft(
            scene,
            "role",
            scene.slot(holder),
            "holds-position",
            obj,
            first=holder.first,
            last=last,
            at=i,
            score=0.9,
            method="role:apposition",
        )
        _employ(scene, holder, _employer(scene, behind))


def _employer(scene: Scene, role: Phrase) -> str:
    of = next((k for k in range(role.first, role.last) if scene.toks[k].low in {"of", "at", "for"}), None)
    return scene.raw(of + 1, role.last).removeprefix("the ") if of is not None else ""


def _role_before(scene: Scene, i: int) -> Phrase | None:
    floor = next(
        (
            j + 1
            for j in range(i - 1, -1, -1)
            if scene.toks[j].text in {",", ";", ":", "—", "“", "”"}
            or scene.toks[j].tag in {"AUX", "MOD", "SUB", "DATE"}
            or scene.toks[j].tag == "V"
        ),
        0,
    )
    found = phrase_before(scene.toks, i, floor=floor)
    return found if found is not None and _is_role_phrase(scene, found) else None


def _is_role_phrase(scene: Scene, phrase: Phrase) -> bool:
    head = sorts.singular(scene.toks[phrase.head].low)
    return (
        (head in sorts.ROLES or head.rpartition("-")[2] in sorts.ROLES)
        and "person" not in scene.sorts(phrase)
        and scene.toks[phrase.first].tag != "PRON"
    )


def _of_firm(scene: Scene) -> Iterator[Draft]:
    """Yield `Mark Kelly of Recorded Future`."""
    toks = scene.toks
    for i in range(1, len(toks) - 1):
        if toks[i].low not in {"of", "at", "from"} or toks[i - 1].tag != "PN" or toks[i + 1].tag != "PN":
            continue
        start = i
        while start > 0 and toks[start - 1].tag == "PN":
            start -= 1
        person = _person_at(scene, start)
        if person is None or person.last != i:
            continue
        firm = noun_phrase(toks, i + 1, deep=False)
        if firm is not None and (
            scene.low(firm.last) not in {",", "said", "says", "told", "("} or "malware" in scene.sorts(firm)
        ):
            continue
        if (
            firm is None
            or sorts.country_of(scene.words(firm))
            or ("person" in scene.sorts(firm) and "defender" not in scene.sorts(firm))
        ):
            continue
        yield draft(
            scene,
            "role",
            scene.slot(Phrase(start, i, i - 1)),
            "works-for",
            scene.slot(firm),
            first=start,
            last=firm.last,
            at=i,
            score=0.84,
            method="role:of",
        )
        scene.memory.employers.setdefault(scene.raw(start, i), scene.words(firm))


def _descriptions(scene: Scene) -> Iterator[Draft]:
    """Yield `Recorded Future, a cyber-security firm` and `MI6, Britain's spy agency`."""
    toks = scene.toks
    for i, token in enumerate(toks):
        if token.text != "," or i == 0:
            continue
        behind = noun_phrase(toks, i + 1)
        if behind is not None and any(
            toks[k].low == "of" and k + 2 < behind.last and toks[k + 2].tag == "PN"
            for k in range(behind.head, behind.last)
        ):
            continue
        if behind is not None and "and" in scene.lows(behind.first, behind.last + 1):
            continue
        if (
            behind is None
            or scene.head(behind) not in _DESCRIBED
            or toks[behind.head].tag == "PN"
            or toks[behind.first].low not in {"a", "an", "the"}
        ):
            continue
        if scene.low(behind.last) not in {",", ".", ")", "", "that", "which"}:
            continue
        end = i
        if toks[end - 1].text == ")":
            opening = next((k for k in range(end - 1, -1, -1) if toks[k].text == "("), None)
            end - 1
            if opening is not None:
                end = opening
        before = phrase_before(
            toks,
            end,
            floor=next(
                (
                    j + 1
                    for j in range(end - 1, -1, -1)
                    if toks[j].text in {",", ";", ":"} or toks[j].tag in {"V", "AUX", "SUB"}
                ),
                0,
            ),
        )
        if before is None or toks[end - 1].tag != "PN":
            continue
        name = before
        hung = next(
            (
                k
                for k in range(before.last - 1, before.first, -1)
                if toks[k].low in {"of", "at"}
                and toks[k - 1].tag == "PN"
                and _person_at(scene, before.first) is not None
            ),
            None,
        )
        if hung is not None:
            name = Phrase(hung + 1, before.last, before.last - 1)
        elif "person" in scene.sorts(before) and "defender" not in scene.sorts(before):
            continue
        for k in range(before.last - 1, before.first, -1):
            if toks[k].tag in {"PREP", "GEN"} and toks[k].low != "of":
                name = Phrase(k + 1, before.last, before.last - 1)
                break
            if (
                toks[k].low == "of"
                and toks[k - 1].tag == "PN"
                and "person" in scene.sorts(Phrase(before.first, k, k - 1))
            ):
                name = Phrase(k + 1, before.last, before.last - 1)
                break
        if scene.group_in(name):
            continue
        if "malware" in scene.sorts(name):
            continue
        del_first = name.first
        yield draft(
            scene,
            "role",
            scene.slot(name),
            "is-a",
            scene.slot(behind),
            first=del_first,
            last=behind.last,
            at=i,
            score=0.84,
            method="role:described",
        )


def _seats(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield `X is located in Y`, `X, based in Y`."""
    del setting
    for clause in scene.clauses:
        if clause.base not in {"locate", "base", "headquarter", "reside", "operate"} or not clause.subjects:
            continue
        if clause.base in {"locate", "base", "headquarter"} and not clause.passive:
            continue
        subject = clause.subjects[0]
        if not (
            {"group", "company", "actor", "person", "agency"} & scene.sorts(subject)
            or scene.toks[subject.head].tag == "PN"
        ):
            continue
        if clause.base == "operate" and scene.low(clause.after) not in {"in", "from", "out"}:
            continue
        if {"system", "attack"} & scene.sorts(subject):
            continue
        found = scene.after(clause, "in", "at", "from", "of", until=min(len(scene.toks), clause.after + 4))
        if not found or scene.toks[found[0].head].tag != "PN":
            continue
        last = found[0].last
        names = [scene.words(found[0])]
        for phrase in found[1:]:
            if scene.toks[phrase.head].tag != "PN" or scene.toks[phrase.first - 1].tag == "CC":
                break
            names.append(scene.words(phrase))
            last = phrase.last
        obj = Slot(
            text=", ".join(names),
            written=scene.raw(found[0].first, last),
            start=scene.toks[found[0].first].start,
            end=scene.toks[last - 1].end,
        )
        yield draft(
            scene,
            "role",
            scene.slot(subject, actor=True),
            "located-in",
            obj,
            first=clause.first if clause.shape == "finite" else subject.first,
            last=last,
            at=clause.verb,
            negated=clause.negated,
            score=0.86,
            method="role:seat",
        )


def _employs(scene: Scene) -> Iterator[Draft]:
    """Yield `the company employed X and Y`."""
    for clause in scene.clauses:
        if clause.base not in {"employ", "hire", "recruit"} or clause.passive or not clause.subjects:
            continue
        subject = clause.subjects[0]
        found, end = scene.objects(clause)
        for person in found:
            if "person" not in scene.sorts(person):
                continue
            yield draft(
                scene,
                "role",
                scene.slot(person),
                "employee-of",
                scene.slot(subject),
                first=min(subject.first, clause.first),
                last=end,
                at=clause.verb,
                negated=clause.negated,
                score=0.87,
                method="role:employs",
            )


def _is_role(scene: Scene) -> Iterator[Draft]:
    """Yield `X is an employee of Y`, `X was employed by Y`."""
    for clause in scene.clauses:
        if not clause.subjects:
            continue
        subject = clause.subjects[0]
        if "person" not in scene.sorts(subject):
            continue
        if clause.base in {"employ", "appoint"} and clause.passive:
            found = scene.after(clause, "by", "at")
            predicate = "employee-of"
        elif clause.base == "be" and not clause.passive:
            found, _ = scene.objects(clause)
            if not found or not _is_role_phrase(scene, found[0]) or scene.head(found[0]) == "member":
                continue
            predicate = "holds-position"
        else:
            continue
        if found and not (
            predicate == "employee-of"
            and "agency" in scene.sorts(found[0])
            and "company" not in scene.sorts(found[0])
            and False
        ):
            for one in clause.subjects:
                yield draft(
                    scene,
                    "role",
                    scene.slot(one),
                    predicate,
                    scene.slot(found[0]),
                    first=min(clause.first, one.first),
                    last=found[0].last,
                    at=clause.verb,
                    negated=clause.negated,
                    score=0.87,
                    method="role:is",
                )
