"""Indicators for a hunt: knowledge bases, STIX bundles and lists, made into one watchlist and a few patterns.

What names a plain thing (an address, a domain, a hash ...) goes into a watchlist, one file that is kept in the cache
under a name made of its content; a list that did not change is not read again. What asks for more is compiled like a
rule.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from stillhunt.detection.finding import Clause, Detector, Finding
from stillhunt.detection.indicators.fields import log_fields
from stillhunt.detection.indicators.observable import Observable, of_pattern
from stillhunt.detection.indicators.pattern import compile_pattern
from stillhunt.detection.indicators.saying import (
    Said,
    State,
    instant,
    level_of,
    state_at,
)
from stillhunt.detection.indicators.table import Listed, Watchlist, digest_of, write
from stillhunt.detection.indicators.telling import best_of, marking_of, names_of, sayings, title_of
from stillhunt.detection.rule import LogSource, Rule, RuleSet
from stillhunt.errors import InputError, Problem, RuleError
from stillhunt.folders import cache_folder
from stillhunt.knowledge.importer import IMPORTERS, Terms, sniff
from stillhunt.progress import Step, Watcher, silent
from stillhunt.telemetry.copies import digest
from stillhunt.telemetry.coverage import RuleState
from stillhunt.terms.marking import Tlp
from stillhunt.workflows.claimed import Claimed, claimed_in, names_in
from stillhunt.workflows.lists import ReadList, read_list

if TYPE_CHECKING:
    from stillhunt.knowledge.store import View

__all__ = ["BASE", "Intelligence", "Taken", "gathered", "indicators_of", "own_word"]

BASE = "base"
"""Stands for the knowledge base that ``stillhunt know`` uses."""

_KEPT = 8
"""Watchlists kept in the cache."""

_SQLITE = b"SQLite format 3\x00"
_PROBLEMS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one input.

    Attributes:
        name: As given.
        form: ``list``, ``base``, or the name of the importer that read it.
        n_indicators: Indicators in it that are looked for.
        n_unread: Rows, records or patterns that are not.
    """

    name: str
    form: str
    n_indicators: int
    n_unread: int


@dataclass(frozen=True, kw_only=True)
class Intelligence:
    """Indicators ready to be looked for.

    Attributes:
        watchlist: File of the plain ones; empty if there is none.
        rules: Patterns that ask for more.
        refused: Patterns that cannot be hunted for, with the reason.
        patterns: What is said of the patterns of ``rules``, by detector id.
        taken: What became of each input.
        problems: Rows that could not be read, and the like.
    """

    watchlist: str = ""
    rules: tuple[Rule, ...] = ()
    refused: tuple[RuleState, ...] = ()
    patterns: Mapping[str, tuple[Said, ...]] = field(default_factory=dict)
    taken: tuple[Taken, ...] = ()
    problems: tuple[Problem, ...] = ()

    def added_to(self, rules: RuleSet) -> RuleSet:
        """Return rules with these indicators beside them."""
        return replace(
            rules,
            rules=(*rules.rules, *self.rules),
            refused=(*rules.refused, *self.refused),
            problems=(*rules.problems, *self.problems),
            watchlist=self.watchlist,
        )

    def said_of(self, finding: Finding) -> tuple[Said, ...]:
        """Return what sources say of the indicator that a finding met; nothing for other findings."""
        if finding.detector.kind != "indicator":
            return ()
        of_rule = self.patterns.get(finding.detector.id.partition(" (")[0])
        if of_rule is not None:
            return of_rule
        observables = of_pattern(finding.detector.description) or ()
        return tuple(said for one in observables for said in self._listed(one))

    def judged(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Return findings, those of patterns with their level by confidence and validity."""
        return tuple(
            _judged(f, self.patterns[f.detector.id]) if f.detector.id in self.patterns else f for f in findings
        )

    @cached_property
    def _opened(self) -> Watchlist | None:
        return Watchlist(self.watchlist) if self.watchlist else None

    def _listed(self, one: Observable) -> tuple[Said, ...]:
        return () if self._opened is None else self._opened.said_of(one)


@dataclass(slots=True)
class _Input:
    """One input that was read."""

    name: str
    form: str
    claimed: list[Claimed] = field(default_factory=list)
    n_unread: int = 0
    problems: list[Problem] = field(default_factory=list)


def gathered(inputs: Sequence[str | Path], *, watch: Watcher = silent) -> Intelligence:
    """Make indicators ready to be looked for.

    Args:
        inputs: Knowledge bases (files or URLs; the word ``base`` for the one that ``know`` uses), of which nothing
            marked TLP:RED is looked for; STIX bundles and other formats that ``know import`` takes; CSV and plain
            lists.
        watch: Told about progress.

    Raises:
        InputError: One cannot be read, or holds no indicator.
        MissingExtraError: A knowledge base is named, and the extra ``know`` is not installed.
    """
    if not inputs:
        return Intelligence()
    names = list(dict.fromkeys(str(one) for one in inputs))
    read: list[_Input] = []
    lists: list[Path] = []
    for name in names:
        watch(Step(task="compile", subject=f"indicators of {Path(name).name}", done=0, total=None))
        if _is_list(name):
            lists.append(Path(name))
        else:
            read.append(_read(name))
    plain, patterns = _divided(read)
    path, done = _watchlist(lists, plain, watch)
    patterns += [(pattern, said) for one in done for pattern, said in one.patterns]
    rules, refused, by_id = _compiled(patterns)
    return Intelligence(
        watchlist=path,
        rules=rules,
        refused=refused,
        patterns=by_id,
        taken=(*map(_taken, read), *(_list_taken(one) for one in done)),
        problems=(*(p for one in read for p in one.problems), *(p for one in done for p in _list_problems(one))),
    )


def indicators_of(view: View, *, name: str) -> Intelligence:
    """Return the indicators that are seen of a knowledge base, ready to be looked for; none is fine.

    Args:
        view: What is seen of it.
        name: What to call it.
    """
    claimed = _in_view(view, file=name)
    plain, patterns = _divided([_Input(name=name, form="base", claimed=claimed)])
    path, _ = _watchlist([], plain, silent)
    rules, refused, by_id = _compiled(patterns)
    taken = Taken(name=name, form="base", n_indicators=len(claimed), n_unread=0)
    return Intelligence(watchlist=path, rules=rules, refused=refused, patterns=by_id, taken=(taken,))


def own_word(name: str) -> str | None:
    """Return what a base is opened by: None for the word that stands for the user's own."""
    return None if name == BASE else name


def _is_list(name: str) -> bool:
    if name == BASE or "://" in name:
        return False
    path = Path(name)
    if path.is_dir():
        raise InputError("is a folder", where=name, hint="give knowledge bases, STIX bundles or lists, one by one")
    head = _head(path)
    if head.startswith(_SQLITE):
        return False
    return not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[{", b"<"))


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(4_096)
    except OSError as error:
        hint = f"give a knowledge base, a STIX bundle or a list; `{BASE}` stands for your own knowledge base"
        raise InputError(f"cannot be read: {error.strerror}", where=str(path), hint=hint) from error


def _read(name: str) -> _Input:
    if name == BASE or "://" in name or _head(Path(name)).startswith(_SQLITE):
        return _of_base(name)
    path = Path(name)
    importer = sniff(path)
    imported = IMPORTERS[importer].read(path, Terms())
    claims = list(imported.claims.claims.values())
    found = _Input(name=name, form=importer, problems=list(imported.problems), n_unread=len(imported.problems))
    found.claimed = claimed_in(claims, imported.claims.sources, names_in(claims), file=name)
    if not found.claimed:
        raise InputError("names no indicator", where=name, hint="give a bundle with objects of type `indicator`")
    return found


def _of_base(name: str) -> _Input:
    from stillhunt.workflows.know import looked_at  # noqa: PLC0415 - needs the extra `know`

    # What is for the eyes of single persons has no place in a brief that others read.
    with looked_at(own_word(name), ceiling=Tlp.AMBER_STRICT) as view:
        found = _Input(name=name, form="base", claimed=_in_view(view, file=name))
    if not found.claimed:
        raise InputError("the knowledge base holds no indicator", where=name, hint="import some: stillhunt know import")
    return found


def _in_view(view: View, *, file: str) -> list[Claimed]:
    claims = view.saying("pattern", "pattern-type", "indicates", "confidence")
    ends = {c.object for c in claims if c.object} | {c.speaker for c in claims}
    return claimed_in(claims, view.sources(c.source for c in claims), view.names_of(ends), file=file)


def _divided(read: Iterable[_Input]) -> tuple[list[tuple[Observable, Said]], list[tuple[str, Said]]]:
    """Divide indicators into plain things and patterns that ask for more."""
    plain: list[tuple[Observable, Said]] = []
    patterns: list[tuple[str, Said]] = []
    for one in (claimed for each in read for claimed in each.claimed):
        observables = of_pattern(one.pattern)
        if observables is None:
            patterns.append((one.pattern, one.said))
        else:
            plain += [(observable, one.said) for observable in observables]
    return plain, patterns


def _compiled(
    patterns: Iterable[tuple[str, Said]],
) -> tuple[tuple[Rule, ...], tuple[RuleState, ...], dict[str, tuple[Said, ...]]]:
    """Compile patterns, the same one once whoever says it."""
    said_of: dict[str, list[Said]] = {}
    for pattern, said in patterns:
        said_of.setdefault(pattern, []).append(said)
    rules: list[Rule] = []
    refused: list[RuleState] = []
    by_id: dict[str, tuple[Said, ...]] = {}
    for pattern, sayers in sorted(said_of.items(), key=lambda item: item[0]):
        id_ = f"indicator:pattern:{hashlib.sha256(pattern.encode()).hexdigest()[:16]}"
        path = "; ".join(dict.fromkeys(one.saying.source for one in sayers))
        title, mark = title_of(pattern, names_of(sayers), "valid"), marking_of(sayers)
        try:
            condition = compile_pattern(pattern, log_fields)
        except RuleError as error:
            state = RuleState(id=id_, title=title, path=path, status="inert", kind="indicator", marking=mark)
            refused.append(replace(state, reason=error.message))
            continue
        _, sure = best_of(sayers, "pattern", None)
        detector = Detector(
            kind="indicator",
            id=id_,
            title=title,
            description=pattern,
            level=level_of(sure),
            path=path,
            references=tuple(dict.fromkeys(one.saying.url for one in sayers if one.saying.url)),
            author="; ".join(dict.fromkeys(one.saying.speaker for one in sayers if one.saying.speaker)),
            marking=mark,
        )
        rules.append(Rule(detector=detector, source=LogSource(), condition=condition))
        by_id[id_] = tuple(sayers)
    return tuple(rules), tuple(refused), by_id


def _judged(finding: Finding, said: Sequence[Said]) -> Finding:
    """Return the finding of a pattern with its level, and who says so beside every record."""
    first, last = _us(finding, is_first=True), _us(finding, is_first=False)
    state = _state(said, first, last)
    at = last if state == "early" else first
    best, left = best_of(said, "pattern", at)
    detector = replace(
        finding.detector,
        id=f"{finding.detector.id} ({state})" if state in {"expired", "early"} else finding.detector.id,
        title=title_of(finding.detector.description, names_of(said), state),
        level=level_of(left),
    )
    why = tuple(sayings(said, "pattern", best, at, left=left, caution=None))
    evidence = tuple(
        replace(e, matched=Clause(kind="and", label="a pattern of others was met", children=(e.matched, *why)))
        for e in finding.evidence
    )
    return replace(finding, detector=detector, evidence=evidence)


def _state(said: Sequence[Said], first: int | None, last: int | None) -> State:
    """Say how a finding lies to the times of validity: valid if any part of it does."""
    if first is None or last is None:
        return "undated"
    for one in said:
        is_after = one.since is None or last >= one.since
        if is_after and (one.until is None or first < one.until):
            return "valid"
    return "expired" if any(state_at(one, first) == "expired" for one in said) else "early"


def _us(finding: Finding, *, is_first: bool) -> int | None:
    at = finding.first_at if is_first else finding.last_at
    return None if at is None else instant(at.isoformat())


def _watchlist(
    lists: Sequence[Path], plain: Sequence[tuple[Observable, Said]], watch: Watcher
) -> tuple[str, list[ReadList]]:
    """Return the file of all plain indicators, and what became of the lists."""
    if not lists and not plain:
        return "", []
    told = [[str(path), digest(path)] for path in lists]
    name = f"{digest_of([version('stillhunt'), _code(), told, plain])}.arrow"
    path = _folder() / name
    try:
        kept = Watchlist(path)
    except InputError:
        kept = None
    if kept is not None:
        with suppress(OSError):
            os.utime(path)  # used just now: the last to be thrown away
        return str(path), msgspec.json.decode(kept.note, type=list[ReadList])
    listed, done = Listed(), []
    for one, said in plain:
        listed.add(one, said)
    for file in lists:
        watch(Step(task="compile", subject=f"indicators of {file.name}", done=0, total=None))
        done.append(read_list(file, listed))
    try:
        write(listed, path, note=msgspec.json.encode(done))
    except OSError as error:
        hint = "free some space, or name another folder by STILLHUNT_CACHE"
        raise InputError(f"the watchlist cannot be written: {error.strerror}", where=str(path), hint=hint) from error
    _throw_away(path)
    return str(path), done


def _folder() -> Path:
    folder = cache_folder()
    if folder is not None:
        return folder / "indicators"
    made = Path(tempfile.mkdtemp(prefix="stillhunt-indicators-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def _throw_away(newest: Path) -> None:
    """Leave the watchlists that were used last."""
    with suppress(OSError):
        files = sorted(newest.parent.glob("*.arrow"), key=lambda path: (path.stat().st_mtime_ns, path.name))
        for path in files[:-_KEPT]:
            if path != newest:
                path.unlink(missing_ok=True)


def _code() -> str:
    """Return a hash of the code that makes watchlists: in a checkout it changes without the version."""
    root = Path(__file__).parents[1]
    paths = [*sorted((root / "detection" / "indicators").glob("*.py")), root / "kernel" / "lookup.py"]
    paths += [root / "workflows" / "lists.py", root / "terms" / "marking.py"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths if path.is_file())).hexdigest()


def _taken(one: _Input) -> Taken:
    return Taken(name=one.name, form=one.form, n_indicators=len(one.claimed), n_unread=one.n_unread)


def _list_taken(one: ReadList) -> Taken:
    return Taken(name=one.file, form="list", n_indicators=one.n_indicators, n_unread=one.n_unread)


def _list_problems(one: ReadList) -> Iterable[Problem]:
    name = Path(one.file).name
    for row, text in one.samples[:_PROBLEMS]:
        where = f"{name}, row {row:,}" if row else name
        yield Problem(code="indicator", message=f"`{text}` names no indicator", where=where)
    n_more = one.n_unread - len(one.samples[:_PROBLEMS])
    if n_more > 0:
        yield Problem(code="indicator", message=f"{n_more:,} further rows name no indicator", where=name)
    if one.n_bad_marks:
        message = f"{one.n_bad_marks:,} markings are none; what they are of is taken as TLP:RED"
        hint = "write CLEAR, GREEN, AMBER, AMBER+STRICT or RED"
        yield Problem(code="indicator", message=message, where=name, hint=hint)
    if one.n_bad_dates:
        message = f"{one.n_bad_dates:,} dates of validity are none; their indicators are taken without"
        yield Problem(
            code="indicator", message=message, where=name, hint="write 2024, 2024-03, 2024-03-25 or an instant"
        )
