"""Verb groups and who does what: voice, negation, subject, and where the complements begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stillhunt.reading.grammar.phrases import Phrase, hangs, items, noun_phrase, phrase_before, skip
from stillhunt.reading.grammar.tokens import Token

__all__ = ["REPORTING", "Clause", "clauses"]

REPORTING = frozenset(
    [
        "say",
        "tell",
        "state",
        "allege",
        "claim",
        "report",
        "reveal",
        "add",
        "assert",
        "announce",
        "declare",
        "warn",
        "believe",
        "think",
        "assess",
        "conclude",
        "note",
        "explain",
        "show",
        "suggest",
        "indicate",
        "confirm",
        "argue",
        "insist",
        "contend",
        "maintain",
        "acknowledge",
        "admit",
        "estimate",
        "describe",
        "testify",
        "find",
        "judge",
        "determine",
        "write",
        "find",
        "observe",
        "disclose",
        "deny",
        "suspect",
        "describe",
        "according",
        "reiterate",
        "predict",
        "caution",
    ]
)
_OBJECT_CONTROL = frozenset(
    [
        "order",
        "direct",
        "instruct",
        "ask",
        "tell",
        "enable",
        "allow",
        "hire",
        "task",
        "pay",
        "recruit",
        "force",
        "compel",
        "persuade",
        "use",
        "help",
        "require",
        "cause",
        "instruct",
        "entice",
        "trick",
        "encourage",
        "permit",
        "lead",
    ]
)
_RELATIVES = frozenset({"which", "who", "that"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A verb group with its subject.

    Attributes:
        first: Index of the group's first token.
        verb: Index of the main verb; of the auxiliary where `be` or `have` is all there is.
        after: Index of the first token after the group.
        base: Base form of the main verb.
        shape: ``finite`` ``inf`` ``ing`` ``reduced``: how it stands in its sentence.
        passive: Whether the subject suffers it.
        negated: Whether it is said not to be so.
        subjects: Its subject, an item each if it is a list; empty if none was found.
        relative: Whether the subject was reached over a relative pronoun.
        chain: Bases of the verbs that lead to it: `attempt` in `attempted to steal`.
        governor: Index, in the list of clauses, of the clause it depends on; None for a main clause.
    """

    first: int
    verb: int
    after: int
    base: str
    shape: str
    passive: bool
    negated: bool
    subjects: tuple[Phrase, ...]
    relative: bool = False
    chain: tuple[str, ...] = ()
    governor: int | None = None


def clauses(toks: Sequence[Token]) -> list[Clause]:
    """Return the clauses of a sentence in order of their verbs."""
    groups = _groups(toks)
    out: list[Clause] = []
    for group in groups:
        out.append(_with_subject(toks, group, out))
    return out


@dataclass(frozen=True, slots=True)
class _Group:
    first: int
    verb: int
    after: int
    base: str
    shape: str
    passive: bool
    negated: bool


def _groups(toks: Sequence[Token]) -> list[_Group]:
    found: list[_Group] = []
    i = 0
    n = len(toks)
    while i < n:
        token = toks[i]
        if token.tag in {"MOD", "AUX"} or (token.tag == "TO" and _leads_to_verb(toks, i)):
            group = _group_from(toks, i)
            found.append(group)
            i = max(group.after, i + 1)
            continue
        if token.tag == "V":
            shape = "ing" if token.form == "ing" else "reduced" if token.form == "pp" or hangs(toks, i) else "finite"
            if (
                shape != "ing"
                and i
                and (
                    toks[i - 1].tag in {"DET", "POSS"}
                    or (
                        toks[i - 1].tag in {"PREP", "TO"}
                        and toks[i - 1].low not in {"by", "out", "up", "down", "off", "in"}
                        and i + 1 < len(toks)
                        and toks[i + 1].tag in {"N", "PN"}
                    )
                )
            ):
                i += 1
                continue
            if shape == "ing" and _is_adjective(toks, i):
                i += 1
                continue
            found.append(_Group(i, i, i + 1, token.base, shape, shape == "reduced", False))
        i += 1
    return found


def _is_adjective(toks: Sequence[Token], i: int) -> bool:
    return i > 0 and toks[i - 1].tag in {"DET", "POSS"}


def _leads_to_verb(toks: Sequence[Token], i: int) -> bool:
    for token in toks[i + 1 : i + 4]:
        if token.tag in {"ADV", "NEG"}:
            continue
        return token.tag == "AUX" or (token.tag == "V" and token.form in {"base", "ed"})
    return False


def _group_from(toks: Sequence[Token], i: int) -> _Group:
    """Read a group that begins with an auxiliary, a modal or `to`."""
    first = i
    infinitive = toks[i].tag == "TO"
    gerund = toks[i].form == "ing"
    negated = False
    auxiliaries: list[str] = []
    at = i
    verb = i
    n = len(toks)
    while at < n:
        token = toks[at]
        if token.tag == "NEG":
            negated = True
        elif token.tag == "AUX":
            auxiliaries.append(token.base)
            verb = at
        elif token.tag in {"MOD", "TO"} and at == first:
            verb = at
        elif token.tag == "ADV" or (token.tag == "Q" and at + 1 < n and toks[at + 1].tag in {"V", "ADV"}):
            pass
        elif (
            token.tag == "V"
            and token.form != "s"
            and not (token.form == "base" and auxiliaries and auxiliaries[-1] in {"be", "have"})
        ):
            verb = at
            at += 1
            shape = "inf" if infinitive else "ing" if gerund else "finite"
            passive = bool(auxiliaries) and auxiliaries[-1] == "be" and token.form in {"pp", "ed", "past"}
            return _Group(first, verb, at, token.base, shape, passive, negated)
        else:
            break
        at += 1
    while at > verb + 1 and toks[at - 1].tag in {"ADV", "Q"}:
        at -= 1
    base = auxiliaries[-1] if auxiliaries else ""
    return _Group(
        first, verb, max(at, first + 1), base, "inf" if infinitive else "ing" if gerund else "finite", False, negated
    )


def _with_subject(toks: Sequence[Token], group: _Group, before: Sequence[Clause]) -> Clause:
    subjects: tuple[Phrase, ...] = ()
    relative = False
    chain: tuple[str, ...] = ()
    governor: int | None = None
    if group.shape == "finite":
        subjects, relative, governor, chain = _finite_subject(toks, group, before)
    elif group.shape == "reduced":
        found = _hanging_on(toks, group.first)
        subjects, relative = ((found,) if found else ()), True
        governor = _last_finite(before, group.first)
    else:
        subjects, chain, governor = _dependent_subject(toks, group, before)
    passive = group.passive
    if not passive and group.shape == "finite" and toks[group.verb].form == "ed" and group.first == group.verb:
        passive = _goes_on_passive(toks, group, before)
    negated = group.negated or (governor is not None and group.shape == "inf" and before[governor].negated)
    if (
        group.first
        and not negated
        and subjects
        and any(toks[p.first].low in {"no", "neither", "none"} for p in subjects)
    ):
        negated = True
    return Clause(
        first=group.first,
        verb=group.verb,
        after=group.after,
        base=group.base,
        shape=group.shape,
        passive=passive,
        negated=negated,
        subjects=subjects,
        relative=relative,
        chain=chain,
        governor=governor,
    )


def _goes_on_passive(toks: Sequence[Token], group: _Group, before: Sequence[Clause]) -> bool:
    """Say whether a participle goes on a passive: `was found in June and made public in July`."""
    at = group.first - 1
    while at >= 0 and toks[at].tag == "ADV":
        at -= 1
    if at < 0 or toks[at].tag != "CC" or not before or not before[-1].passive or before[-1].shape != "finite":
        return False
    following = toks[group.after] if group.after < len(toks) else None
    return following is None or following.tag in {"PREP", "DATE", "P"}


def _hanging_on(toks: Sequence[Token], at: int) -> Phrase | None:
    end = at
    while end > 0 and (toks[end - 1].tag == "ADV" or toks[end - 1].text in {",", "—", "–"} or toks[end - 1].tag == "Q"):
        end -= 1
    if end > 0 and toks[end - 1].text == ")":
        opening = _opening(toks, end - 1)
        if opening is not None:
            return phrase_before(toks, opening, floor=_clause_floor(toks, opening))
    return phrase_before(toks, end, floor=_clause_floor(toks, end))


def _opening(toks: Sequence[Token], closing: int) -> int | None:
    depth = 0
    for i in range(closing, -1, -1):
        depth += toks[i].text in {")", "]"}
        depth -= toks[i].text in {"(", "["}
        if not depth:
            return i
    return None


def _clause_floor(toks: Sequence[Token], end: int) -> int:
    """Return where a phrase that ends at ``end`` may begin at the earliest."""
    for i in range(end - 1, -1, -1):
        if (
            toks[i].text in {",", ";", ":", "—", "–", "("}
            or toks[i].tag in {"SUB", "MOD", "AUX"}
            or (
                toks[i].tag == "V"
                and toks[i].form in {"s", "past", "ed", "base", "pp"}
                and not (i + 1 < len(toks) and toks[i + 1].tag in {"N", "PN"} and toks[i].form in {"ed", "pp"})
            )
        ):
            return i + 1
    return 0


def _last_finite(before: Sequence[Clause], at: int) -> int | None:
    for k in range(len(before) - 1, -1, -1):
        if before[k].shape == "finite" and before[k].first < at:
            return k
    return None


def _finite_subject(
    toks: Sequence[Token], group: _Group, before: Sequence[Clause]
) -> tuple[tuple[Phrase, ...], bool, int | None, tuple[str, ...]]:
    at = group.first - 1
    while at >= 0 and toks[at].tag in {"ADV", "NEG"}:
        at -= 1
    if at >= 0 and toks[at].low == "each":
        at -= 1
    if at < 0:
        return (), False, None, ()
    if toks[at].low in _RELATIVES and at > 0:
        end = at
        while end > 0 and (
            toks[end - 1].text in {",", "—", "–"}
            or toks[end - 1].low in {"all", "some", "most", "both", "of", "many"}
            or toks[end - 1].tag == "Q"
        ):
            end -= 1
        listed = _list_before(toks, end)
        return listed, True, _last_finite(before, group.first), ()
    if toks[at].low == "whom" and at > 2:
        end = at
        while end > 0 and (
            toks[end - 1].text == ","
            or toks[end - 1].low in {"all", "some", "most", "both", "of", "many", "two", "three"}
        ):
            end -= 1
        return _list_before(toks, end), True, _last_finite(before, group.first), ()
    previous = _last_finite(before, group.first)
    if toks[at].tag == "CC" or toks[at].text in {"•", "·"} or toks[at].low == "then":
        joined = _joined_to(toks, before, group.first)
        if joined is not None:
            return before[joined].subjects, before[joined].relative, before[joined].governor, ()
    floor, governor = _left_edge(toks, group.first, before)
    found = _subject_in(toks, floor, group.first)
    if not found and previous is not None and not before[previous].relative:
        return before[previous].subjects, False, governor, ()
    return found, False, governor, ()


def _joined_to(toks: Sequence[Token], before: Sequence[Clause], at: int) -> int | None:
    """Return the clause whose verb this one is joined to: `broke in and stole`."""
    for k in range(len(before) - 1, -1, -1):
        if before[k].shape == "finite" and before[k].first < at and before[k].subjects:
            return k
        if before[k].shape == "finite" and any(t.text in {".", ";"} for t in toks[before[k].after : at]):
            return None
    return None


def _list_before(toks: Sequence[Token], end: int) -> tuple[Phrase, ...]:
    """Return the phrase, or two joined ones, right before a token."""
    if end > 0 and toks[end - 1].text == ")":
        opening = _opening(toks, end - 1)
        end = opening if opening is not None else end
    last = phrase_before(toks, end, floor=_clause_floor(toks, end))
    if last is None:
        return ()
    at = last.first - 1
    if at > 0 and toks[at].low == "and":
        other = phrase_before(toks, at, floor=_clause_floor(toks, at))
        if other is not None and other.last == at:
            return other, last
    return (last,)


def _left_edge(toks: Sequence[Token], at: int, before: Sequence[Clause]) -> tuple[int, int | None]:
    """Return where the clause of a finite verb begins, and the clause that governs it."""
    finite = {c.first: k for k, c in enumerate(before) if c.shape == "finite"}
    pending = 0
    i = at - 1
    while i >= 0:
        token = toks[i]
        if token.text in {")", "]"}:
            opening = _opening(toks, i)
            i = (opening if opening is not None else i) - 1
            continue
        if token.text in {"—", "–"}:
            other = next((j for j in range(i - 1, -1, -1) if toks[j].text in {"—", "–"}), None)
            if other is not None and not any(j in finite for j in range(i, at)):
                i = other - 1
                continue
            if i + 1 < at:
                return i + 1, None
        if token.text in {";", ":", "•"} or (token.text in {".", "?", "!"} and i < at - 1):
            return i + 1, None
        if i in finite:
            clause = before[finite[i]]
            if clause.relative:
                i = _relative_start(toks, clause)
                continue
            if clause.base in REPORTING and any(t.tag in {"N", "PN", "PRON", "DET"} for t in toks[clause.after : at]):
                return max(clause.after, _after_quote(toks, clause.after)), finite[i]
            nearest = _and_between(toks, clause.after, at)
            if nearest is not None:
                return nearest + 1, None
            pending += 1
        if token.low in {"before", "after", "since", "until", "as"} and token.tag == "PREP":
            found = noun_phrase(toks, i + 1)
            if found is not None and found.last >= _before_adverbs(toks, at):
                return i + 1, None
        if token.tag == "SUB" and token.low != "once":
            if pending:
                pending -= 1
            else:
                return i + 1, _last_finite([c for c in before if c.first < i], i)
        i -= 1
    return 0, None


def _relative_start(toks: Sequence[Token], clause: Clause) -> int:
    i = clause.first - 1
    while i >= 0 and toks[i].low not in _RELATIVES and toks[i].low != "whom":
        i -= 1
    i -= 1
    while i >= 0 and (toks[i].text == ","):
        i -= 1
    return i


def _after_quote(toks: Sequence[Token], at: int) -> int:
    return at + 1 if at < len(toks) and toks[at].tag == "Q" else at


def _and_between(toks: Sequence[Token], start: int, end: int) -> int | None:
    """Return where a clause joined by `and`, `but` or a comma begins: the last such mark with a subject behind it."""
    for i in range(end - 1, start - 1, -1):
        if toks[i].tag == "CC" or (
            toks[i].text == "," and i + 1 < end and toks[i + 1].tag in {"DET", "PRON", "PN", "POSS"}
        ):
            found = noun_phrase(toks, i + 1)
            if found is not None and found.last >= end - 1:
                return i
    return None


def _subject_in(toks: Sequence[Token], floor: int, end: int) -> tuple[Phrase, ...]:
    """Return the subject that stands between the edge of a clause and its verb."""
    i = floor
    while i < end:
        token = toks[i]
        if token.tag in {"CC", "ADV", "Q", "DATE"} or token.text in {",", "•", "·", "-", "—", "–"}:
            i += 1
            continue
        if token.text in {"(", "["}:
            i = max(skip(toks, i), i + 1)
            continue
        if token.tag in {"PREP", "SUB", "V", "TO"} and not (
            token.low in {"about", "around", "over", "up", "nearly"} and i + 1 < end and toks[i + 1].tag == "NUM"
        ):
            if token.tag == "V":
                found = noun_phrase(toks, i)
                if found is not None and found.last <= end and found.head < end and not _comma_in(toks, i, end):
                    break
            comma = _comma_in(toks, i, end)
            if comma is not None:
                i = comma + 1
                continue
            inner = noun_phrase(toks, i + 1, deep=False)
            if inner is None or inner.last >= end:
                i += 1
                continue
            i = inner.last
            continue
        break
    if i >= end:
        return ()
    listed, _ = items(toks, i, until=_before_adverbs(toks, end))
    kept = [p for p in listed if p.first < end and p.head < end]
    if not kept:
        return ()
    return tuple(_without_appositions(toks, kept))


def _before_adverbs(toks: Sequence[Token], end: int) -> int:
    while end > 0 and (toks[end - 1].tag in {"ADV", "Q"} or toks[end - 1].text == ","):
        end -= 1
    return end


def _comma_in(toks: Sequence[Token], start: int, end: int) -> int | None:
    depth = 0
    for i in range(start, end):
        depth += toks[i].text == "("
        depth -= toks[i].text == ")"
        if not depth and toks[i].text == ",":
            return i
    return None


def _without_appositions(toks: Sequence[Token], kept: list[Phrase]) -> list[Phrase]:
    """Drop what explains a name between commas: `Wu, an employee of the firm, sent`."""
    if len(kept) == 1:
        return kept
    joined = any(toks[p.first - 1].tag == "CC" or (p.first > 1 and toks[p.first - 2].tag == "CC") for p in kept[1:])
    if joined:
        if len(kept) > 2 and toks[kept[1].first].tag == "DET" and toks[kept[0].head].tag == "PN":
            return [kept[0]]
        return kept
    if toks[kept[0].head].tag != "PN" and toks[kept[1].head].tag == "PN":
        return [kept[1]]
    return [kept[0]]


def _dependent_subject(
    toks: Sequence[Token], group: _Group, before: Sequence[Clause]
) -> tuple[tuple[Phrase, ...], tuple[str, ...], int | None]:
    """Return the subject of an infinitive or a form in -ing, the verbs that lead to it, and its governor."""
    at = group.first - 1
    while at >= 0 and (toks[at].tag in {"ADV", "Q", "NEG"}):
        at -= 1
    governor = _governor(before, group.first)
    if governor is None:
        found = phrase_before(toks, at + 1, floor=_clause_floor(toks, at + 1)) if at >= 0 else None
        return ((found,) if found else ()), (), None
    ruler = before[governor]
    if group.shape == "inf":
        chain = (*ruler.chain, ruler.base)
        if toks[at].tag == "CC" and ruler.shape == "inf":
            return ruler.subjects, ruler.chain, ruler.governor
        if ruler.base in _OBJECT_CONTROL and not ruler.passive:
            found = noun_phrase(toks, ruler.after)
            if found is not None and found.last <= group.first:
                return (found,), chain, governor
        return ruler.subjects, chain, governor
    # -ing
    last = toks[at] if at >= 0 else None
    if last is None:
        return (), (), None
    if (
        last.tag == "PREP"
        and last.low in {"of", "for", "with", "in"}
        and ruler.base
        in {"accuse", "blame", "suspect", "charge", "condemn", "convict", "criticise", "criticize", "find"}
    ):
        if ruler.passive:
            return ruler.subjects, (ruler.base,), governor
        found_list, _ = items(toks, ruler.after)
        return tuple(p for p in found_list if p.last <= group.first), (ruler.base,), governor
    if last.tag in {"N", "PN", "NUM"} or last.text == ")" or last.tag == "PRON":
        end = at + 1
        if last.text == ")":
            opening = _opening(toks, at)
            end = opening if opening is not None else end
        found = phrase_before(toks, end, floor=_clause_floor(toks, end))
        return ((found,) if found else ()), (), governor
    if last.tag == "V" or (last.tag == "PREP" and last.low == "of"):
        return ruler.subjects, (*ruler.chain, ruler.base), governor
    if last.tag == "CC" and ruler.shape == "ing":
        return ruler.subjects, ruler.chain, ruler.governor
    return ruler.subjects, ruler.chain if ruler.shape in {"inf", "ing"} else (), governor


def _governor(before: Sequence[Clause], at: int) -> int | None:
    for k in range(len(before) - 1, -1, -1):
        if before[k].first < at:
            return k
    return None
