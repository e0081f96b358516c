"""Attribute: a case, or a list of what was seen, weighed against a knowledge base."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from stillhunt.attribution.assessment import Assessment
from stillhunt.attribution.circumstances import Circumstances, Exploited, Indicator, Named
from stillhunt.attribution.rank import assess
from stillhunt.attribution.selftest import SelfTest, self_test
from stillhunt.cases.case import Case
from stillhunt.errors import InputError, UnknownNameError
from stillhunt.knowledge import KnowledgeBase, load_knowledge
from stillhunt.knowledge.places import find_place
from stillhunt.knowledge.sectors import SECTORS, sector_of
from stillhunt.progress import Watcher, silent
from stillhunt.report.brief import Brief
from stillhunt.workflows.handover import looked_for, shown

__all__ = [
    "Contrast",
    "Given",
    "attribute",
    "attribute_case",
    "base_of",
    "checked",
    "circumstances_of",
    "contrast",
    "read_hours",
    "read_indicators",
]

_CVE = re.compile(r"^CVE-\d{4}-\d{4,7}$", re.IGNORECASE)
_HASH = re.compile(r"^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})$")
_ADDRESS = re.compile(r"^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]*:[0-9a-f:]+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What was seen, as ids or names, before it is looked up.

    Attributes:
        techniques: ATT&CK ids or names of techniques.
        software: ATT&CK ids or names of software.
        circumstances: What is known beside.
        without: Items to leave out, by id or name.
    """

    techniques: tuple[str, ...] = ()
    software: tuple[str, ...] = ()
    circumstances: Circumstances = field(default_factory=Circumstances)
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Two groups held against one case, line by line.

    Attributes:
        one: The first, with its evidence.
        other: The second.
        items: (kind, id, title, weight for the first, for the second), most different first.
        difference: Score of the first minus that of the second: the sum of the differences.
    """

    one: str
    other: str
    items: tuple[tuple[str, str, str, float, float], ...]
    difference: float


def base_of(base: str | None = None, *, as_of: str | None = None) -> KnowledgeBase:
    """Return the knowledge base to weigh against.

    Args:
        base: File or URL of a store of claims; None for the embedded one.
        as_of: Day up to which claims of a store count; the embedded base when none is named is folded then, too.

    Raises:
        InputError: There is no such base, or it holds no group.
        MissingExtraError: The extra ``know`` is not installed.
    """
    if base is None and as_of is None:
        return load_knowledge()
    from stillhunt.knowledge.folded import folded  # noqa: PLC0415  # needs the extra `know`
    from stillhunt.workflows.know import looked_at  # noqa: PLC0415  # as above

    with looked_at(base, as_of=as_of) as view:
        knowledge = folded(view)
    if not knowledge.groups or not knowledge.edges:
        hint = "import ATT&CK into it first: stillhunt know import FILE"
        raise InputError("the knowledge base says of no group what it uses", where=base, hint=hint)
    return knowledge


def attribute(given: Given, knowledge: KnowledgeBase, *, case_id: str = "this case") -> Assessment:
    """Weigh a list of what was seen.

    Raises:
        UnknownNameError: A name is none that the base knows, or that of several things.
    """
    techniques = _looked_up(given.techniques, knowledge)
    software = _looked_up(given.software, knowledge)
    return _assessed(
        dict.fromkeys(techniques, ()), dict.fromkeys(software, ()), given, knowledge=knowledge, case_id=case_id
    )


def attribute_case(brief: Brief, case: Case, given: Given, knowledge: KnowledgeBase) -> Assessment:
    """Weigh a case of a finished hunt again, with what else is known, or without some item.

    What the hunt itself handed over, such as hours and the victim, is weighed with it.
    """
    by_id = {f.id: f for f in brief.findings}
    by_findings = shown(case, by_id)
    techniques, software = (
        {item: found.get(item, ()) for item in (*found, *_looked_up(more, knowledge))}
        for found, more in zip(by_findings, (given.techniques, given.software), strict=True)
    )
    handed = next((a.circumstances for a in brief.assessments if a.case == case.id), Circumstances())
    return _assessed(
        techniques,
        software,
        replace(given, circumstances=handed.joined(given.circumstances)),
        knowledge=knowledge,
        case_id=case.id,
        looked_for=looked_for(brief.coverage, brief.findings),
    )


def contrast(assessment: Assessment, one: str, other: str, knowledge: KnowledgeBase) -> Contrast:
    """Hold two groups against a case, line by line.

    Args:
        assessment: Of all groups: made with ``n_leading=None``.
        one: Id or name of a group.
        other: Likewise.
        knowledge: The base.
    """
    sides = []
    for name in (one, other):
        group = _only([g.id for g in knowledge.find_groups(name)], name, "group")
        found = next((h for h in assessment.hypotheses if h.group == group), None)
        if found is None:
            raise UnknownNameError(f"`{name}` has neither techniques nor software in this base, and cannot be weighed")
        sides.append(found)
    weights: dict[tuple[str, str], list[float]] = {}
    titles: dict[tuple[str, str], str] = {}
    for place, hypothesis in enumerate(sides):
        for item in (*hypothesis.evidence_for, *hypothesis.evidence_against):
            key = (item.kind, "" if item.kind in {"reporting", "restraint", "by-chance"} else item.id)
            weights.setdefault(key, [0.0, 0.0])[place] += item.weight
            titles.setdefault(key, item.title if key[1] else item.kind)
    items = tuple(
        (kind, item, titles[kind, item], pair[0], pair[1])
        for (kind, item), pair in sorted(weights.items(), key=lambda kv: (-abs(kv[1][0] - kv[1][1]), kv[0]))
        if pair[0] or pair[1]
    )
    return Contrast(
        one=sides[0].name,
        other=sides[1].name,
        items=items,
        difference=sides[0].score - sides[1].score,
    )


def checked(knowledge: KnowledgeBase, *, n_cases: int = 300, watch: Watcher = silent) -> SelfTest:
    """Play reports of a base as cases, each against the base without it."""
    return self_test(knowledge, n_cases=n_cases, watch=watch)


def circumstances_of(
    *,
    sectors: Iterable[str] = (),
    countries: Iterable[str] = (),
    hours: Path | None = None,
    exploited: Iterable[str] = (),
    languages: Iterable[str] = (),
    indicators: Path | None = None,
    named: Iterable[str] = (),
) -> Circumstances:
    """Read what a user knows of a case beside techniques and software.

    Args:
        sectors: Words for what the victim does.
        countries: Where it is, as names or codes.
        hours: File of instants of interactive activity, one a line.
        exploited: CVE ids, each as ``CVE-2021-26855``, ``CVE-2021-26855=USED`` or ``CVE-2021-26855=USED@PUBLISHED``.
        languages: BCP 47 tags.
        indicators: File of indicators, one a line, with the day it was seen behind a comma.
        named: Names in the evidence, each as ``NAME`` or ``NAME=the words around it``.

    Raises:
        InputError: A file or value cannot be read.
        UnknownNameError: A sector or country is none.
    """
    return Circumstances(
        sectors=tuple(dict.fromkeys(_sector(s) for s in sectors)),
        countries=tuple(dict.fromkeys(_country(c) for c in countries)),
        hours=() if hours is None else read_hours(hours),
        exploited=tuple(_exploited(e) for e in exploited),
        languages=tuple(dict.fromkeys(languages)),
        indicators=() if indicators is None else read_indicators(indicators),
        named=tuple(
            Named(name=name.strip(), quote=(quote or name).strip(), source="the evidence")
            for name, _, quote in (n.partition("=") for n in named)
        ),
    )


def read_hours(path: Path) -> tuple[datetime, ...]:
    """Read instants of operator activity, one a line: ``2024-03-25T07:14Z``; a time without a zone is UTC.

    Raises:
        InputError: The file cannot be read, or a line is no instant.
    """
    found = []
    for number, line in _lines(path):
        try:
            instant = datetime.fromisoformat(line)
        except ValueError as error:
            hint = "one instant a line, such as 2024-03-25T07:14Z, of hands-on activity only"
            raise InputError(f"`{line[:40]}` is no instant", where=f"{path}:{number}", hint=hint) from error
        found.append(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    return tuple(found)


def read_indicators(path: Path) -> tuple[Indicator, ...]:
    """Read indicators, one a line, with the day it was seen behind a comma if that is known; nothing is looked up.

    Raises:
        InputError: The file cannot be read, or a day is none.
    """
    found = []
    for number, line in _lines(path):
        value, _, day = (part.strip() for part in line.partition(","))
        plain = value.replace("[.]", ".").replace("hxxp", "http").casefold()
        found.append(Indicator(kind=_kind_of(plain), value=plain, seen=_day(day, f"{path}:{number}") if day else None))
    return tuple(found)


def _assessed(
    techniques: Mapping[str, Sequence[str]],
    software: Mapping[str, Sequence[str]],
    given: Given,
    *,
    knowledge: KnowledgeBase,
    case_id: str,
    looked_for: frozenset[str] = frozenset(),
) -> Assessment:
    circumstances = given.circumstances
    seen = {knowledge.current(i.upper()) or i for i in (*techniques, *software)}
    left_out: set[str] = set()
    for item in given.without:
        if item in circumstances.items:
            circumstances = circumstances.without(item)
            continue
        entry = _looked_up([item], knowledge)[0]
        if entry not in seen:
            raise UnknownNameError(f"`{item}` is not part of this case", hint="--json lists what is")
        left_out.add(entry)
    return assess(
        case_id=case_id,
        techniques={t: f for t, f in techniques.items() if (knowledge.current(t.upper()) or t) not in left_out},
        software={s: f for s, f in software.items() if (knowledge.current(s.upper()) or s) not in left_out},
        knowledge=knowledge,
        looked_for=looked_for,
        circumstances=circumstances,
        n_leading=None,
    )


def _looked_up(names: Iterable[str], knowledge: KnowledgeBase) -> list[str]:
    return [_entry(name.strip(), knowledge) for name in names if name.strip()]


def _entry(name: str, knowledge: KnowledgeBase) -> str:
    current = knowledge.current(name.upper())
    if current is not None:
        return current
    if re.fullmatch(r"[TSGC]\d{4}(\.\d{3})?", name.upper()):
        return name.upper()  # an id that the base lacks: told in the assessment, not refused
    found = [*(s.id for s in knowledge.find_software(name)), *(t.id for t in knowledge.find_techniques(name))]
    return _only(found, name, "technique or software")


def _only(found: Sequence[str], name: str, noun: str) -> str:
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownNameError(f"`{name}` may be any of {', '.join(found)}", hint="give the id")
    raise UnknownNameError(f"no {noun} is known as `{name}`", hint="`stillhunt know search` looks through all words")


def _sector(name: str) -> str:
    found = sector_of(name)
    if found is None:
        raise UnknownNameError(f"`{name}` is no sector", hint=f"known are {', '.join(SECTORS)}")
    return found


def _country(name: str) -> str:
    found = find_place(name)
    if found is None:
        raise UnknownNameError(f"`{name}` is no country", hint="give its English name or two letters, such as DE")
    return found.code


def _exploited(text: str) -> Exploited:
    name, _, days = text.partition("=")
    if not _CVE.match(name.strip()):
        raise InputError(f"`{name}` is no CVE id", hint="CVE-2021-26855=2021-01-03@2021-03-02: used, then published")
    used, _, published = days.partition("@")
    return Exploited(
        vulnerability=name.strip().upper(),
        used=_day(used, text) if used else None,
        published=_day(published, text) if published else None,
    )


def _day(text: str, where: str) -> date:
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError as error:
        raise InputError(f"`{text}` is no day", where=where, hint="write it as 2024-03-25") from error


def _kind_of(value: str) -> str:
    if _HASH.match(value):
        return "hash"
    if "://" in value:
        return "url"
    if "@" in value:
        return "mail"
    return "address" if _ADDRESS.match(value) else "domain"


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from error
    stripped = ((number, line.strip()) for number, line in enumerate(text.splitlines(), start=1))
    return [(number, line) for number, line in stripped if line and not line.startswith("#")]
