"""Organisations behind a group: sponsors, front companies, orders and employment, parts of services, founding dates."""

from __future__ import annotations

from collections.abc import Iterator

from stillhunt.reading import sorts
from stillhunt.reading.draft import Draft, Slot
from stillhunt.reading.frames import ADVERSE_AGENCY, Setting, agent_slot, draft, implied, is_hostile
from stillhunt.reading.grammar.clauses import Clause
from stillhunt.reading.grammar.phrases import Phrase, items, noun_phrase, phrase_before
from stillhunt.reading.scene import Scene

__all__ = ["find_organisations"]

_SERVE: dict[str, tuple[tuple[str, ...], str]] = {
    "operate": (("under", "for"), "operated-under"),
    "work": (("for", "under", "with"), "work-for"),
    "act": (("for", "under", "with", "of"), "acted-for"),
    "answer": (("to",), "subordinate-to"),
    "report": (("to",), "subordinate-to"),
    "belong": (("to",), "part-of"),
    "serve": (("under", "for", "in"), "serves"),
    "spy": (("for",), "spied-for"),
}
_TIED = frozenset(
    {
        "link",
        "affiliate",
        "associate",
        "tie",
        "connect",
        "attribute",
        "sponsor",
        "steer",
        "back",
        "support",
        "direct",
        "fund",
        "control",
        "run",
        "finance",
        "employ",
        "task",
        "contract",
        "commission",
        "hire",
        "subordinate",
        "oversee",
        "manage",
        "operate",
        "assign",
        "subcontract",
        "supervise",
    }
)
_PASSIVE_BY = frozenset(
    {
        "sponsor",
        "steer",
        "back",
        "support",
        "direct",
        "fund",
        "control",
        "run",
        "finance",
        "employ",
        "task",
        "contract",
        "commission",
        "hire",
        "oversee",
        "manage",
        "operate",
        "own",
        "supervise",
    }
)
_PHRASES = (
    (("on", "behalf", "of"), "acted-on-behalf-of"),
    (("on", "the", "orders", "of"), "directed-by"),
    (("at", "the", "direction", "of"), "directed-by"),
    (("under", "the", "direction", "of"), "directed-by"),
    (("at", "the", "behest", "of"), "directed-by"),
    (("under", "the", "control", "of"), "directed-by"),
    (("under", "the", "supervision", "of"), "directed-by"),
    (("under", "the", "auspices", "of"), "sponsored-by"),
    (("in", "association", "with"), "acted-in-association-with"),
    (("for", "the", "benefit", "of"), "acted-for"),
    (("under", "contract", "to"), "contractor-of"),
    (("under", "contract", "with"), "contractor-of"),
    (("in", "the", "service", "of"), "acted-for"),
    (("with", "the", "support", "of"), "supported-by"),
    (("with", "the", "backing", "of"), "supported-by"),
    (("in", "coordination", "with"), "acted-in-association-with"),
    (("in", "support", "of"), "supports"),
)
_STATE_HEADS = sorts.AGENCIES | frozenset({"ministry", "agencies", "branch", "security", "services", "government"})


def find_organisations(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield who is said to stand behind whom."""
    for clause in scene.clauses:
        yield from _serves(scene, clause)
        yield from _tied(scene, clause, setting)
        yield from _ordered(scene, clause)
        yield from _fronts(scene, clause, setting)
        yield from _founded(scene, clause, setting)
        yield from _subordinate(scene, clause)
        yield from _officers(scene, clause, setting)
    yield from _by_phrase(scene, setting)
    yield from _hyphenated(scene, setting)
    yield from _front_names(scene, setting)
    yield from _parts(scene)


def _is_state(scene: Scene, phrase: Phrase) -> bool:
    kinds = scene.sorts(phrase)
    words = scene.words(phrase)
    if "group" in kinds and scene.toks[phrase.head].tag == "PN" and scene.head(phrase) not in _STATE_HEADS:
        return False
    return bool(
        {"agency", "country"} & kinds
        or ADVERSE_AGENCY.search(words)
        or scene.head(phrase) in _STATE_HEADS
        or any(
            w.strip("()’s") in {"MSS", "GRU", "SVR", "FSB", "IRGC", "MOIS", "RGB", "PLA", "MPS", "SSF"}
            for w in words.replace("’s", "").split()
        )
        or (
            sorts.country_of(words) in sorts.ADVERSE_NATIONS
            and scene.head(phrase) in {"state", "government", "intelligence", "military", "interest"}
        )
    )


def _serves(scene: Scene, clause: Clause) -> Iterator[Draft]:
    known = _SERVE.get(clause.base)
    if known is None or not clause.subjects or clause.passive:
        return
    prepositions, predicate = known
    toks = scene.toks
    i = clause.after
    while i < len(toks) and (toks[i].tag in {"ADV", "Q"} or toks[i].low in {"as", "contractors", "directly"}):
        i += 1
    if any(scene.lows(i, i + len(words)) == list(words) for words, _ in _PHRASES):
        return
    if scene.low(i) not in prepositions:
        return
    found, end = items(toks, i + 1)
    if not found:
        return
    subject = clause.subjects[0]
    kinds = scene.sorts(subject)
    company = "company" in scene.sorts(found[0]) and not _is_state(scene, found[0])
    if not (_is_state(scene, found[0]) or company):
        return
    if company and (clause.base not in {"work", "serve"} or not {"person", "actor", "people", "pronoun"} & kinds):
        return
    if "defender" in kinds or scene.head(subject) in {"researcher", "official", "analyst", "investigator"}:
        return
    if scene.toks[subject.head].low in {"i", "we", "you"}:
        return
    if clause.base == "serve" and not _is_state(scene, found[0]):
        return
    first = min([subject.first, clause.first])
    for one in clause.subjects:
        agent = scene.slot(one, actor=True)
        if company:
            yield draft(
                scene,
                "role",
                agent,
                "works-for",
                scene.slot(found[0]),
                first=first,
                last=end,
                at=clause.verb,
                negated=clause.negated,
                score=0.86,
                method="role:works-for",
            )
        else:
            joined = Slot(
                text=scene.raw(found[0].first, found[-1].last),
                written=scene.raw(found[0].first, found[-1].last),
                start=toks[found[0].first].start,
                end=toks[found[-1].last - 1].end,
            )
            obj = scene.slot(found[0]) if len(found) == 1 else joined
            yield draft(
                scene,
                "sponsor",
                agent,
                predicate,
                obj,
                first=first,
                last=end,
                at=clause.verb,
                negated=clause.negated,
                score=0.9,
                method=f"sponsor:{clause.base}",
            )


def _tied(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield `X is linked to the MSS`, `a group sponsored by Iran`, `A attributed X to the GRU`."""
    if clause.base not in _TIED:
        return
    toks = scene.toks
    if clause.passive:
        subjects = clause.subjects
        found = scene.after(
            clause,
            *(("by",) if clause.base in _PASSIVE_BY else ("to", "with", "by")),
            until=min(len(toks), clause.after + 10),
        )
        if not found and clause.base == "subcontract":
            found = scene.after(clause, "to")
    elif clause.base in {"attribute", "link", "tie", "connect"}:
        subjects = tuple(scene.objects(clause)[0])
        found = scene.after(clause, "to", "with", until=len(toks))
    elif (
        clause.base
        in {
            "sponsor",
            "back",
            "direct",
            "fund",
            "control",
            "run",
            "task",
            "commission",
            "hire",
            "employ",
            "oversee",
            "support",
            "finance",
            "contract",
        }
        and clause.subjects
        and _is_state(scene, clause.subjects[0])
    ):
        objects, end = scene.objects(clause)
        if (
            not objects
            or not any(is_hostile(scene, p, setting) for p in objects)
            or ("attack" in scene.sorts(objects[0]))
        ):
            return
        for phrase in objects:
            yield draft(
                scene,
                "sponsor",
                scene.slot(phrase),
                f"{clause.base}-by"
                if clause.base == "run"
                else "sponsored-by"
                if clause.base in {"sponsor", "back", "fund", "finance", "support"}
                else "directed-by",
                scene.slot(clause.subjects[0]),
                first=min(clause.first, clause.subjects[0].first),
                last=end,
                at=clause.verb,
                negated=clause.negated,
                score=0.86,
                method=f"sponsor:{clause.base}",
            )
        return
    else:
        return
    if not subjects or not found:
        return
    subject = subjects[-1] if len(subjects) == 1 else subjects[0]
    if clause.base == "subcontract":
        if scene.low(subject.first) == "much" or "work" in scene.lows(subject.first, subject.last):
            whose = scene.memory.last("subject", scene.start) or scene.memory.last("actor", scene.start)
            yield draft(
                scene,
                "sponsor",
                implied(f"{whose}" or "hackers"),
                "subcontract-to",
                scene.slot(found[0]),
                first=subject.first,
                last=found[-1].last,
                at=clause.verb,
                negated=clause.negated,
                score=0.85,
                method="sponsor:subcontract",
            )
        return
    state = _is_state(scene, found[0])
    kinds = scene.sorts(subject)
    if not state or not (
        {"group", "actor", "pronoun", "company", "person"} & kinds or scene.head(subject) in {"unit", "hacker", "firm"}
    ):
        return
    if (
        ("attack" in kinds and "group" not in kinds)
        or "defender" in kinds
        or (kinds == {"person"} and toks[subject.head].tag == "PRON")
    ):
        return
    predicate = {
        "sponsor": "sponsored-by",
        "back": "sponsored-by",
        "support": "sponsored-by",
        "fund": "sponsored-by",
        "finance": "sponsored-by",
        "direct": "directed-by",
        "steer": "directed-by",
        "control": "directed-by",
        "run": "directed-by",
        "task": "directed-by",
        "attribute": "attributed-to",
        "subordinate": "subordinate-to",
        "employ": "employed-by",
        "affiliate": "affiliated-with",
        "contract": "contractor-of",
        "hire": "contractor-of",
        "commission": "contractor-of",
    }.get(clause.base, "linked-to")
    first = min([clause.first, subject.first])
    for phrase in found[:1] if len(found) == 1 or not all(_is_state(scene, p) for p in found) else found:
        yield draft(
            scene,
            "sponsor",
            scene.slot(subject, actor=True),
            predicate,
            scene.slot(phrase),
            first=first,
            last=found[-1].last,
            at=clause.verb,
            negated=clause.negated,
            score=0.9,
            method=f"sponsor:{clause.base}",
        )


def _subordinate(scene: Scene, clause: Clause) -> Iterator[Draft]:
    """Yield `X is subordinate to Y`, `X is part of the GRU`, `X is an arm of the MSS`."""
    if clause.base != "be" or clause.passive or not clause.subjects:
        return
    toks = scene.toks
    i = clause.after
    while i < len(toks) and (toks[i].tag in {"ADV", "DET"} or toks[i].low in {"almost", "certain"}):
        i += 1
    if scene.low(i) in {"subordinate", "answerable", "accountable"} and scene.low(i + 1) == "to":
        predicate = "subordinate-to"
    elif scene.low(i) in {"part", "arm", "unit", "component", "branch"} and scene.low(i + 1) == "of":
        predicate = "part-of"
    else:
        return
    found = noun_phrase(toks, i + 2)
    subject = clause.subjects[0]
    if (
        found is None
        or not _is_state(scene, found)
        or not ({"group", "actor", "pronoun", "company"} & scene.sorts(subject) or toks[subject.head].tag == "PN")
    ):
        return
    yield draft(
        scene,
        "sponsor",
        scene.slot(subject, actor=True),
        predicate,
        scene.slot(found),
        first=min(subject.first, clause.first),
        last=found.last,
        at=clause.verb,
        negated=clause.negated,
        score=0.9,
        method="sponsor:subordinate",
    )


def _ordered(scene: Scene, clause: Clause) -> Iterator[Draft]:
    """Yield `carried out orders from X`, `received tasking from X`, `took direction from X`."""
    if (
        clause.base not in {"carry", "receive", "take", "follow", "get", "accept"}
        or clause.passive
        or not clause.subjects
    ):
        return
    lows = scene.lows(clause.after, clause.after + 5)
    if not {
        "orders",
        "tasking",
        "taskings",
        "instructions",
        "direction",
        "directions",
        "payment",
        "payments",
        "funding",
        "money",
        "salaries",
    } & set(lows):
        return
    found = scene.after(clause, "from", "of")
    if not found or not (_is_state(scene, found[0]) or {"agency", "role"} & scene.sorts(found[0])):
        return
    subject = clause.subjects[0]
    yield draft(
        scene,
        "sponsor",
        scene.slot(subject, actor=True),
        "carried-out-orders-from" if clause.base == "carry" else "directed-by",
        scene.slot(found[0]),
        first=min(clause.first, subject.first),
        last=found[0].last,
        at=clause.verb,
        negated=clause.negated,
        score=0.9,
        method="sponsor:orders",
    )


def _by_phrase(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield `on behalf of the MSS`, `at the direction of the GRU`."""
    toks = scene.toks
    for i in range(len(toks) - 2):
        for words, predicate in _PHRASES:
            if scene.lows(i, i + len(words)) != list(words):
                continue
            found, end = items(toks, i + len(words))
            if not found or not (
                _is_state(scene, found[0]) or (sorts.country_of(scene.words(found[0])) in sorts.ADVERSE_NATIONS)
            ):
                break
            if predicate == "supports" and not _is_state(scene, found[0]):
                break
            clause = next(
                (
                    c
                    for c in reversed(scene.clauses)
                    if c.first < i
                    and c.subjects
                    and any(is_hostile(scene, p, setting) or {"company", "person"} & scene.sorts(p) for p in c.subjects)
                ),
                None,
            )
            if clause is None:
                yield from _own_involvement(scene, i, found, end, predicate)
                break
            subject = clause.subjects[0]
            yield draft(
                scene,
                "sponsor",
                agent_slot(scene, subject, setting),
                predicate,
                scene.slot(found[0]),
                first=min(subject.first, clause.first),
                last=end,
                at=i,
                negated=clause.negated,
                score=0.88,
                method="sponsor:phrase",
            )
            break


def _own_involvement(scene: Scene, i: int, found: list[Phrase], end: int, predicate: str) -> Iterator[Draft]:
    """Yield `showed its involvement in X on behalf of Y`: whose it is, is the name before."""
    toks = scene.toks
    its = next((j for j in range(i - 1, -1, -1) if toks[j].low in {"its", "their"}), None)
    if its is None:
        return
    name = next(
        (
            p
            for p in reversed(scene.phrases)
            if p.last <= its
            and ("defender" not in scene.sorts(p))
            and (toks[p.head].tag == "PN" or toks[its].low == "their")
        ),
        None,
    )
    if name is None:
        return
    yield draft(
        scene,
        "sponsor",
        scene.slot(name),
        predicate,
        scene.slot(found[0]),
        first=name.first,
        last=end,
        at=i,
        score=0.82,
        method="sponsor:involvement",
    )


def _hyphenated(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield `MSS-linked group`, `GRU-backed hackers`, `Iranian state-sponsored actors`."""
    toks = scene.toks
    for phrase in scene.phrases:
        kinds = scene.sorts(phrase)
        if not {"actor", "group"} & kinds:
            continue
        for i in range(phrase.first, phrase.last):
            name, dash, tail = toks[i].text.partition("-")
            tail = toks[i].low.rpartition("-")[2]
            if not dash or tail not in {
                "linked",
                "backed",
                "sponsored",
                "affiliated",
                "supported",
                "funded",
                "aligned",
                "run",
                "directed",
                "controlled",
                "nexus",
                "associated",
                "tied",
            }:
                continue
            if not name.isupper() and not (toks[i].text[0].isupper() and sorts.country_of(name)):
                continue
            if len(name) < 2:
                continue
            named = _apposed(scene, phrase)
            subject = named or agent_slot(scene, phrase, setting)
            last = phrase.last
            if named is not None:
                last = next((j + 1 for j in range(phrase.last, len(toks)) if toks[j].end == named.end), phrase.last)
            obj = scene.memory.acronyms.get(name, name)
            text = name if obj == name else f"{obj} ({name})"
            yield draft(
                scene,
                "sponsor",
                subject,
                "linked-to"
                if tail in {"linked", "aligned", "nexus", "tied", "associated"}
                else "affiliated-with"
                if tail == "affiliated"
                else "sponsored-by",
                Slot(text=text, written=name, start=toks[i].start, end=toks[i].start + len(name)),
                first=phrase.first,
                last=last,
                at=i,
                score=0.9,
                method="sponsor:hyphen",
            )


def _apposed(scene: Scene, phrase: Phrase) -> Slot | None:
    """Return the name of `another group, known as X` or `the group X`."""
    group = scene.group_in(phrase)
    if group:
        return None
    toks = scene.toks
    i = phrase.last
    while (
        i < len(toks)
        and i < phrase.last + 5
        and (
            toks[i].text in {",", "(", "“"}
            or toks[i].low in {"known", "as", "called", "dubbed", "tracked", "named"}
            or toks[i].tag == "ADV"
        )
    ):
        i += 1
    if i == phrase.last or i >= len(toks) or toks[i].tag != "PN":
        return None
    found = noun_phrase(toks, i, deep=False)
    return scene.slot(found) if found is not None and scene.group_in(found) else None


def _said_to_be(scene: Scene, clause: Clause) -> Phrase | None:
    """Return whom a relative clause with its speaker inside is about: `X, a firm that prosecutors say is a front`."""
    toks = scene.toks
    if clause.verb < 3 or toks[clause.verb - 1].low not in _SAYING:
        return None
    that = next((i for i in range(clause.verb - 2, max(0, clause.verb - 7), -1) if toks[i].low in {"that", "which"}), 0)
    near = [p for p in scene.phrases if p.last in {that, that - 1}] if that else []
    if not near:
        return None
    named = [p for p in scene.phrases if p.last == near[-1].first - 1 and toks[p.last].low == ","]
    return named[-1] if named and toks[named[-1].head].tag == "PN" else near[-1]


_SAYING = frozenset({"say", "says", "said", "believe", "believes", "allege", "alleged", "claim", "suspect"})


def _fronts(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield `X is a front for Y`, `X acted as a front company for Y`, `Y created X as a front`."""
    toks = scene.toks
    stop = min(len(toks), clause.after + 12)
    front = next(
        (
            i
            for i in range(clause.after, stop)
            if toks[i].low in {"front", "fronts", "cover", "shell"} and toks[i].tag in {"N", "PN"}
        ),
        None,
    )
    if front is None or clause.base not in {
        "be",
        "act",
        "serve",
        "operate",
        "use",
        "create",
        "establish",
        "function",
        "work",
        "set",
        "found",
        "assess",
        "believe",
    }:
        return
    if (
        clause.base in {"be", "act", "serve", "operate", "function", "work", "assess", "believe"}
        and clause.subjects
        and not clause.passive
    ) or (clause.base in {"use", "assess", "believe"} and clause.passive and clause.subjects):
        company = _said_to_be(scene, clause) or clause.subjects[0]
        if not ({"company"} & scene.sorts(company) or toks[company.head].tag == "PN"):
            return
        of = next(
            (i for i in range(front, min(len(toks), front + 5)) if toks[i].low in {"for", "of", "by", "to"}), None
        )
        found = items(toks, of + 1)[0] if of is not None else []
        name = (
            scene.slot(found[0])
            if found
            else implied(setting.principal or scene.memory.last("group", toks[front].start))
        )
        genitive = _before_front(scene, front, clause.after)
        if genitive:
            name = implied(genitive)
        if (
            not name.text or scene.head(found[0]) in {"operation", "activity", "attack", "crime"}
            if found
            else not name.text
        ):
            name = implied(setting.principal or scene.memory.last("group", toks[front].start))
            if not name.text:
                return
        yield draft(
            scene,
            "front-company",
            scene.slot(company),
            "front-company-of",
            name,
            first=min(clause.first, company.first),
            last=found[0].last if found else front + 1,
            at=front,
            negated=clause.negated,
            score=0.9,
            method="front:is",
        )
        return
    if clause.passive or not clause.subjects:
        return
    objects, _ = scene.objects(clause)
    if objects and objects[0].last <= front and toks[objects[0].head].tag == "PN":
        yield draft(
            scene,
            "front-company",
            scene.slot(objects[0]),
            "front-company-of",
            scene.slot(clause.subjects[0], actor=True),
            first=min(clause.first, clause.subjects[0].first),
            last=front + 1,
            at=front,
            negated=clause.negated,
            score=0.88,
            method="front:used",
        )


def _before_front(scene: Scene, front: int, floor: int) -> str:
    """Return the agency of `an IRGC front company`."""
    start = front
    while start > floor and scene.toks[start - 1].tag == "PN":
        start -= 1
    return scene.raw(start, front) if start < front else ""


def _front_names(scene: Scene, setting: Setting) -> Iterator[Draft]:
    """Yield `front company X`, `its front company, X`, `X, a front company for Y`, `a front company for Y`."""
    toks = scene.toks
    for i, token in enumerate(toks):
        if token.low not in {"front", "shell", "cover"} or scene.low(i + 1) not in {
            "company",
            "companies",
            "organisation",
            "organization",
            "firm",
            "organisations",
            "organizations",
            "firms",
        }:
            continue
        noun = i + 1
        j = noun + 1
        if scene.low(j) == ",":
            j += 1
        name = noun_phrase(toks, j, deep=False) if j < len(toks) else None
        first = i
        while (
            first > 0
            and (
                toks[first - 1].tag in {"DET", "POSS", "N", "GEN", "V"}
                or toks[first - 1].low in {"via", "through", "alleged"}
            )
            and toks[first - 1].text != ","
        ):
            first -= 1
        if name is not None and toks[name.head].tag == "PN" and not scene.group_in(name):
            owner = ""
            if toks[first].tag == "POSS" or scene.low(first) in {"its", "their"}:
                owner = scene.memory.last("group", token.start)
            genitive = next((k for k in range(i - 1, first - 1, -1) if toks[k].tag == "GEN"), None)
            if genitive is not None and (before := phrase_before(toks, genitive)) is not None:
                owner = scene.slot(before).text
            owner = (
                owner
                or scene.memory.last("group", token.start)
                or setting.principal
                or scene.memory.last("actor", token.start)
            )
            if owner:
                yield draft(
                    scene,
                    "front-company",
                    scene.slot(name),
                    "front-company-of",
                    owner,
                    first=first,
                    last=name.last,
                    at=i,
                    score=0.9,
                    method="front:named",
                )
            continue
        of = scene.low(noun + 1) in {"for", "of"}
        if not of:
            continue
        found = noun_phrase(toks, noun + 2)
        if found is None:
            continue
        before = phrase_before(toks, first - 1) if first > 1 and toks[first - 1].text == "," else None
        subject = (
            scene.slot(before)
            if before is not None and toks[before.head].tag == "PN"
            else Slot(
                text=scene.raw(first, noun + 1),
                written=scene.raw(first, noun + 1),
                start=toks[first].start,
                end=toks[noun].end,
            )
        )
        last = found.last
        named = scene.slot(found)
        later = next(
            (p for p in scene.phrases if p.first >= found.last and p.first <= found.last + 6 and scene.group_in(p)),
            None,
        )
        if (
            later is not None
            and not scene.group_in(found)
            and any(t.low in {"called", "known", "dubbed", "call", "which"} for t in toks[found.last : later.first])
        ):
            named, last = scene.slot(later), later.last
            yield draft(
                scene,
                "alias/part-of",
                named,
                "is-a",
                scene.slot(found),
                first=found.first,
                last=last,
                at=found.first,
                score=0.86,
                method="alias:called",
            )
        start = before.first if before is not None and toks[before.head].tag == "PN" else first
        if any(
            c.base == "be" and c.subjects and toks[c.subjects[0].head].tag == "PN" and c.after <= i <= c.after + 6
            for c in scene.clauses
        ):
            continue
        yield draft(
            scene,
            "front-company",
            subject,
            "front-company-of",
            named,
            first=start,
            last=last,
            at=i,
            score=0.88,
            method="front:for",
        )


def _founded(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield `X was founded in 2010`, `X has been active since at least 2009`, `X first appeared in 2015`."""
    if not clause.subjects:
        return
    toks = scene.toks
    subject = clause.subjects[0]
    kinds = scene.sorts(subject)
    stop = min(len(toks), clause.after + 12)
    date = next((i for i in range(clause.after, stop) if toks[i].tag == "DATE"), None)
    if date is None:
        return
    between = scene.lows(clause.after, date)
    first = min(subject.first, clause.first)
    written = toks[date]
    start = date
    while start > clause.after and toks[start - 1].low in {
        "least",
        "at",
        "around",
        "about",
        "approximately",
        "early",
        "late",
        "circa",
        "roughly",
    }:
        start -= 1
    obj = Slot(
        text=scene.raw(start, date + 1), written=scene.raw(start, date + 1), start=toks[start].start, end=written.end
    )
    founded = (
        clause.passive
        and clause.base in {"found", "establish", "set", "create", "register", "incorporate", "form"}
        and ({"company", "group", "agency", "actor", "pronoun"} & kinds or toks[subject.head].tag == "PN")
    )
    active = (clause.base == "be" and scene.low(clause.after) == "active") or (
        clause.base in {"operate", "target", "conduct", "exist"} and "since" in between and not {"then"} & set(between)
    )
    appeared = clause.base in {"emerge", "appear", "surface"} and {"group", "malware", "actor"} & kinds
    if founded:
        yield draft(
            scene,
            "date/founding",
            scene.slot(subject),
            "founded",
            obj,
            first=first,
            last=date + 1,
            at=date,
            negated=clause.negated,
            score=0.9,
            method="founding:founded",
        )
    elif (
        active
        and ("since" in between or "from" in between)
        and {"group", "actor", "pronoun", "malware", "country"} & kinds
        | ({"group"} if toks[subject.head].tag == "PN" else set())
    ):
        yield draft(
            scene,
            "date/founding",
            agent_slot(scene, subject, setting),
            "active-since",
            obj,
            first=clause.first,
            last=date + 1,
            at=date,
            negated=clause.negated,
            score=0.9,
            method="founding:active",
        )
    elif appeared:
        yield draft(
            scene,
            "date/founding",
            scene.slot(subject),
            "active-since",
            obj,
            first=first,
            last=date + 1,
            at=date,
            negated=clause.negated,
            score=0.84,
            method="founding:appeared",
        )


def _officers(scene: Scene, clause: Clause, setting: Setting) -> Iterator[Draft]:
    """Yield `all of whom were ... officers in Unit 74455 of the GRU`, `X was an officer of the MSS`."""
    del setting
    if clause.base != "be" or clause.passive or not clause.subjects:
        return
    toks = scene.toks
    stop = min(
        len(toks),
        clause.after + 30,
        min((c.first for c in scene.clauses if c.first > clause.after and c.shape == "finite"), default=len(toks)),
    )
    for i in range(clause.after, stop):
        if sorts.singular(toks[i].low) not in {"officer", "employee", "member", "contractor", "agent"} or scene.low(
            i + 1
        ) not in {"in", "of", "for", "with", "within"}:
            continue
        found = noun_phrase(toks, i + 2)
        if (
            found is None
            or not _is_state(scene, found)
            or "country" in scene.sorts(found)
            or (toks[found.head].tag != "PN" and not ADVERSE_AGENCY.search(scene.words(found)))
        ):
            continue
        predicate = {
            "officer": "officers-in",
            "employee": "employed-by",
            "member": "member-of",
            "contractor": "contractor-of",
            "agent": "agent-of",
        }[sorts.singular(toks[i].low)]
        if predicate == "member-of" and "group" in scene.sorts(found):
            continue
        for subject in clause.subjects:
            yield draft(
                scene,
                "sponsor",
                scene.slot(subject),
                predicate,
                scene.slot(found),
                first=i,
                last=found.last,
                at=i,
                negated=clause.negated,
                score=0.88,
                method="sponsor:officers",
            )
        return


def _parts(scene: Scene) -> Iterator[Draft]:
    """Yield `the Hubei branch of China's MSS`, `X, an agency of Y`, `Unit 1 of the GRU` where offices are named."""
    toks = scene.toks
    for i, token in enumerate(toks):
        if (
            sorts.singular(token.low)
            not in {"branch", "agency", "arm", "division", "component", "directorate", "subsidiary", "wing"}
            or scene.low(i + 1) != "of"
        ):
            continue
        inner = noun_phrase(toks, i + 2, deep=False)
        if (
            inner is None
            or not any(t.tag == "PN" for t in toks[inner.first : inner.last])
            or scene.toks[inner.head].tag == "PRON"
        ):
            continue
        first = i
        while first > 0 and toks[first - 1].tag in {"PN", "N", "DET", "GEN"} and toks[first - 1].text != ",":
            first -= 1
        apposition = first > 1 and toks[first - 1].text == "," and toks[first].low in {"a", "an", "the"}
        if apposition:
            before = phrase_before(toks, first - 1)
            if before is None or toks[before.head].tag != "PN":
                continue
            if not (
                {"agency", "company"} & scene.sorts(before)
                or toks[before.last - 1].text == ")"
                or scene.words(before).isupper()
            ):
                continue
            yield draft(
                scene,
                "alias/part-of",
                scene.slot(before),
                "part-of",
                scene.slot(inner),
                first=first,
                last=inner.last,
                at=i,
                score=0.86,
                method="part:apposition",
            )
        elif toks[first].low == "the" and any(t.tag == "PN" for t in toks[first:i]) and _is_state(scene, inner):
            whole = Slot(
                text=scene.raw(first + 1, i + 1),
                written=scene.raw(first, i + 1),
                start=toks[first].start,
                end=token.end,
            )
            yield draft(
                scene,
                "alias/part-of",
                whole,
                "part-of",
                scene.slot(inner),
                first=first,
                last=inner.last,
                at=i,
                score=0.86,
                method="part:branch",
            )
