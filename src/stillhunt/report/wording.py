"""Sentences that more than one renderer says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from stillhunt.cases.case import BreakIn, Case
from stillhunt.cases.sighted import Sighted
from stillhunt.report.brief import Brief
from stillhunt.telemetry.coverage import Coverage
from stillhunt.telemetry.unseen import unseen
from stillhunt.terms.level import Level
from stillhunt.terms.period import duration_words, instant_words

__all__ = [
    "break_in_words",
    "coverage_words",
    "levels_words",
    "plural",
    "problem_words",
    "quiet_words",
    "sighted_words",
    "summary_words",
]


def plural(number: int, noun: str) -> str:
    """Count a noun.

    >>> plural(1, "case"), plural(12345, "event")
    ('1 case', '12,345 events')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def summary_words(brief: Brief) -> str:
    """Say in one sentence what was found."""
    serious = [c for c in brief.cases if c.level.rank > Level.LOW.rank]
    others = len(brief.cases) - len(serious)
    if serious:
        worst = serious[0].level
        beside = f", and {plural(others, 'lesser one')}" if others else ""
        return f"{plural(len(serious), 'case')} to look into, the most serious {worst}{beside}."
    if brief.cases:
        return f"Nothing serious was found; {plural(others, 'small case')} may be worth a look."
    verdict = brief.coverage.verdict
    if verdict is not None and verdict.is_blind:
        return "Nothing was found, but these logs could not have shown it: read what was missing."
    return "Nothing was found, in logs that could have shown it."


def break_in_words(break_in: BreakIn) -> str:
    """Say when they broke in."""
    if break_in.latest is None:
        return "unknown: the records carry no usable time"
    if break_in.is_censored:
        return f"no later than {instant_words(break_in.latest)}"
    if break_in.earliest is None or break_in.earliest == break_in.latest:
        return instant_words(break_in.latest)
    return f"between {instant_words(break_in.earliest)} and {instant_words(break_in.latest)}"


def quiet_words(case: Case) -> str:
    """Say how often and how long they slept, or nothing."""
    if not case.quiet:
        return ""
    longest = max((end - start).total_seconds() for start, end in case.quiet)
    return f"{plural(len(case.quiet), 'quiet period')}, the longest {duration_words(longest)}"


def levels_words(levels: Iterable[Level]) -> str:
    """Count levels, the most serious first.

    >>> levels_words([Level.LOW, Level.HIGH, Level.LOW])
    '1 high, 2 low'
    """
    counts = Counter(levels)
    return ", ".join(f"{counts[level]:,} {level}" for level in reversed(Level) if counts[level]) or "none"


def coverage_words(coverage: Coverage) -> list[tuple[str, str]]:
    """Say in a few sentences, each with its heading, what was not seen, what was read, and by which rules."""
    verdict = coverage.verdict
    # A brief of an earlier version does not say it itself.
    others = [s for s in coverage.unseen or unseen(coverage) if verdict is None or s != verdict.sentence]
    said = [("Not seen", "; ".join(others))] if others else []
    if verdict is not None:
        # A verdict of blindness is what was not seen above all.
        said.insert(0 if verdict.is_blind else len(said), ("Verdict", verdict.sentence))
    read = [f for f in coverage.files if f.source is not None]
    firsts = [h.first_at for h in coverage.hosts if h.first_at is not None]
    lasts = [h.last_at for h in coverage.hosts if h.last_at is not None]
    n_hosts = sum(bool(span.host) for span in coverage.hosts)
    hosts = f" of {plural(n_hosts, 'host')}" if n_hosts else ""
    span = f", {instant_words(min(firsts))} to {instant_words(max(lasts))}" if firsts and lasts else ""
    n_repeated = sum(file.n_duplicates for file in read)
    repeated = f"; {plural(n_repeated, 'repeated record')} left out" if n_repeated else ""
    said.append(("Read", f"{plural(coverage.n_events, 'event')}{hosts} in {plural(len(read), 'file')}{span}{repeated}"))
    moved = len({f.host for f in coverage.clocks if f.shift_s is not None})
    if moved:
        said.append(("Clocks", f"those of {plural(moved, 'host')} corrected"))
    rules_alone = [r for r in coverage.rules if r.kind not in {"filter", "indicator"}]
    states = Counter(r.status for r in rules_alone)
    rules = (
        f"{len(rules_alone):,}: {states['active']:,} active, {states['dormant']:,} dormant "
        f"(no such source here), {states['inert']:,} inert"
    )
    n_filters = sum(r.kind == "filter" for r in coverage.rules)
    rules += f"; {plural(n_filters, 'rule filter')} in force" if n_filters else ""
    said.append(("Rules", rules))
    indicators = _indicator_words(coverage)
    return [*said, ("Indicators", indicators)] if indicators else said


def _indicator_words(coverage: Coverage) -> str:
    """Say which indicators of others were looked for, and which could not be; empty if there were none."""
    states = [r for r in coverage.rules if r.kind == "indicator"]
    patterns = [r for r in states if r.id.startswith("indicator:pattern:")]
    plain = [r for r in states if r not in patterns]
    n_refused = sum(r.status == "inert" for r in patterns)
    said = [r.title.removesuffix(" of indicators") for r in plain]
    said += [plural(len(patterns) - n_refused, "pattern")] if len(patterns) > n_refused else []
    words = f"{', '.join(said)} looked for" if said else ""
    parts = [words, *(r.reason for r in plain if r.status == "dormant")]
    parts += [f"{plural(n_refused, 'pattern')} cannot be hunted for"] if n_refused else []
    return "; ".join(part for part in parts if part)


def sighted_words(one: Sighted) -> str:
    """Say what became of one indicator that was met: where, when, and what it does to the confidence in it."""
    machines = f"{one.n_hosts:,} of {plural(one.n_machines, 'machine')}" if one.n_machines else ""
    where = f" on {machines or plural(one.n_hosts, 'machine')}" if one.n_hosts else ""
    first, last = one.first_at, one.last_at
    since = f", {instant_words(first)}" if first is not None else ""
    until = f" to {instant_words(last)}" if first is not None and last is not None and last != first else ""
    changed = f"{one.before} to {one.after} ({one.delta:+})" if one.delta else f"{one.before}"
    times = "once" if one.count == 1 else f"{one.count:,} times"
    return f"{one.title}: met {times}{where}{since}{until}; confidence {changed}, {one.why}"


def problem_words(coverage: Coverage) -> list[str]:
    """Say what went wrong, one line per kind of trouble: where if it is one place, how often if it is several."""
    places: dict[tuple[str, str | None], list[str]] = {}
    for problem in coverage.problems:
        places.setdefault((problem.message, problem.hint), []).append(problem.where or "")
    for rule in coverage.rules:
        if rule.status == "inert":
            noun = "indicator is not looked for" if rule.kind == "indicator" else "rule does not run"
            places.setdefault((f"{noun}: {rule.reason}", "mend it or leave it out"), []).append(rule.path)
    return [
        f"{_places_words(where)}: {message}" + (f" ({hint})" if hint else "")
        for (message, hint), where in places.items()
    ]


def _places_words(places: list[str]) -> str:
    """Name one place, without the folders of a long path: its end says more than its beginning."""
    if len(places) > 1:
        return f"{len(places):,} times"
    name = re.split(r"[/\\]", places[0])[-1]
    return f".../{name}" if len(places[0]) > 50 and name != places[0] else places[0]
