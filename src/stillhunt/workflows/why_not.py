"""Why not: one rule tried on one record, clause by clause, as the hunt tried it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa

from stillhunt.detection.finding import EventRef
from stillhunt.detection.judgement import Judgement
from stillhunt.detection.rule import Rule, RuleSet
from stillhunt.detection.sigma.files import BUILTIN, read_all
from stillhunt.detection.sigma.load import load_rules
from stillhunt.detection.why_not import judge
from stillhunt.errors import RuleError, UnknownNameError
from stillhunt.telemetry.coverage import RuleState
from stillhunt.telemetry.event import EventBatch
from stillhunt.telemetry.mapping import load_mappings
from stillhunt.telemetry.options import ReadOptions
from stillhunt.telemetry.retrieve import Record, retrieve, split_place
from stillhunt.telemetry.zone import read_zone
from stillhunt.terms.moment import moment
from stillhunt.workflows.lookup import Marker, read_marker

__all__ = ["WhyNot", "why_not"]

_NAMED = 8
"""Candidates that an error names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyNot:
    """What became of one rule on one record.

    Attributes:
        inert: The rule's entry in the ledger if it cannot run at all; the record was not looked at then.
        judgement: Why it matches or does not; None if it is inert.
        ref: Where the record is; its time is that of the record, without corrections of the clock.
        original: The raw record as text.
        notes: What to know beside: rules that changed since the hunt, a number that several records have.
    """

    inert: RuleState | None = None
    judgement: Judgement | None = None
    ref: EventRef | None = None
    original: str = ""
    notes: tuple[str, ...] = ()


def why_not(
    rule: str,
    event: str,
    *,
    folder: Path | None = None,
    rules: Sequence[str | Path] = (),
    values: Sequence[Path] = (),
    passwords: Sequence[str] = (),
    mappings: Sequence[Path] = (),
    zone: str = "",
) -> WhyNot:
    """Say why a rule matches a record, or why not.

    Args:
        rule: A rule's id, the beginning of one, or a title.
        event: ``file:record``, as findings show it.
        folder: Workspace of a hunt, whose rules are used if none are given.
        rules: Paths of rules; without them and without a folder, the built-in pack.
        values: Paths of lists of values for their placeholders.
        passwords: To be tried if the record lies in an encrypted archive.
        mappings: Files that describe the log, if no source knows it; none for those that the hunt was given.
        zone: Time zone of times that name none; empty for the one that the hunt was told.

    Raises:
        UnknownNameError: There is no such rule, file, record or time zone, or several rules are meant.
        InputError: The rules, the file or the folder cannot be read.
    """
    marker = read_marker(folder) if folder is not None and not rules else None
    if marker is not None:
        rules = [used.path for used in marker.rules]
        values = values or [Path(used.path) for used in marker.values]
        zone = zone or marker.zone
        mappings = mappings or [Path(used.path) for used in marker.mappings]
    notes = _changes(marker) if marker is not None else []
    chosen = _chosen(load_rules(rules, values=values), rule)
    if isinstance(chosen, RuleState):
        return WhyNot(inert=chosen, notes=tuple(notes))
    file, number = split_place(event)
    options = ReadOptions(
        passwords=tuple(passwords), zone=read_zone(zone) if zone else None, mappings=load_mappings(mappings)
    )
    found = retrieve(file, number, options=options)
    judged = [(judge(chosen, each.batch), each) for each in found]
    # Of several records with one number, the one that comes furthest is meant.
    judgement, retrieved = max(judged, key=lambda pair: (pair[0].is_match, pair[0].is_in_scope))
    if len(found) > 1:
        notes.append(f"{len(found)} records have this number; this is the one that the rule comes furthest with")
    return WhyNot(
        judgement=judgement, ref=_ref(retrieved, file, number), original=retrieved.original, notes=tuple(notes)
    )


def _changes(marker: Marker) -> list[str]:
    """Say which rules are no longer those that the hunt used; the built-in pack changes with the version alone."""
    own = version("stillhunt")
    notes = [f"the hunt was made by version {marker.version}, this is {own}"] if marker.version != own else []
    files = [used for used in marker.rules if used.path != BUILTIN]
    try:
        now = {given.path: given.digest().hex() for given in read_all([used.path for used in files])} if files else {}
    except RuleError:
        return notes  # loading them says what is wrong
    changed = [used.path for used in files if used.sha256 and now.get(used.path) != used.sha256]
    return notes + [f"the rules of {path} have changed since the hunt" for path in changed]


def _chosen(rules: RuleSet, given: str) -> Rule | RuleState:
    """Return the rule of an id or its beginning, or of a title."""
    running = {rule.detector.id: (rule.detector.title, rule) for rule in reversed(rules.rules)}
    for one in rules.correlations:
        if given.casefold() in {one.detector.id.casefold(), one.detector.title.casefold()}:
            named = ", ".join(f"`{name}`" for name in one.rules)
            hint = f"ask about a rule that it is made of: {named}"
            raise UnknownNameError(f"`{given}` is a correlation: it is about many events, not about one", hint=hint)
    known: dict[str, tuple[str, Rule | RuleState]] = {state.id: (state.title, state) for state in rules.refused}
    known |= running
    if given in known:
        return known[given][1]
    fitting = [id_ for id_ in known if id_.startswith(given)] if given else []
    fitting = fitting or [id_ for id_, (title, _) in known.items() if title.casefold() == given.casefold()]
    if len(fitting) == 1:
        return known[fitting[0]][1]
    if fitting:
        named = ", ".join(f"{id_} ({known[id_][0]})" for id_ in sorted(fitting)[:_NAMED])
        more = " ..." if len(fitting) > _NAMED else ""
        raise UnknownNameError(f"{len(fitting):,} rules are called `{given}`", hint=f"give one id: {named}{more}")
    by_title = {title.casefold(): id_ for id_, (title, _) in known.items()}
    part_of = sorted(title for title in by_title if given and given.casefold() in title)
    near = part_of[:3] or get_close_matches(given.casefold(), by_title, n=3)
    hint = ", ".join(f"`{known[by_title[title]][0]}`" for title in near)
    raise UnknownNameError(
        f"no rule has the id or title `{given}`",
        hint=f"did you mean {hint}?" if near else "give an id or an exact title; --rules names other rules",
    )


def _ref(found: Record, file: str, number: int) -> EventRef:
    return EventRef(file=file, record=number, at=_at(found.batch), clock=_clock(found.batch))


def _at(event: EventBatch) -> datetime | None:
    us = event.data.column("@timestamp").cast(pa.int64())[0].as_py()
    return None if us is None else moment(us)


def _clock(event: EventBatch) -> str:
    return str(event.data.column("event.clock")[0].as_py() or "")
