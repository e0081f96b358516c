"""A case as a list of moments, in order of time: what each record that is known shows, and where it lies."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import msgspec

from stillhunt.cases.case import Case
from stillhunt.detection.finding import Finding
from stillhunt.report.escape import for_csv, for_terminal
from stillhunt.report.wording import break_in_words, plural
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level
from stillhunt.terms.period import duration_words

__all__ = ["Moment", "as_csv", "as_json_lines", "as_timesketch", "moments", "timeline_lines"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One record of a finding, or the beginning or end of one whose records are not all kept.

    Attributes:
        at: When; None without a time.
        what: Title of the detector.
        level: Its level.
        host: Where.
        accounts: Who.
        tactics: ATT&CK tactics.
        techniques: ATT&CK technique ids.
        finding: Its id.
        file: Input file; empty if the record is not kept.
        record: Record number in it.
        n_more: Matching records up to the finding's next moment that are not listed.
    """

    at: datetime | None
    what: str
    level: Level
    host: str
    accounts: tuple[str, ...]
    tactics: tuple[str, ...]
    techniques: tuple[str, ...]
    finding: str
    file: str = ""
    record: int | None = None
    n_more: int = 0


def moments(findings: Iterable[Finding]) -> tuple[Moment, ...]:
    """Return every known moment of findings, those without a time last."""
    found = [moment for finding in findings for moment in _moments(finding)]
    return tuple(sorted(found, key=_order))


def _order(moment: Moment) -> tuple[bool, float, str, str, int]:
    at = moment.at
    return at is None, at.timestamp() if at else 0.0, moment.what, moment.file, moment.record or 0


def _moments(finding: Finding) -> Iterator[Moment]:
    accounts = tuple(dict.fromkeys(e.value for e in finding.entities if e.kind is EntityKind.ACCOUNT))
    host = next((e.value for e in finding.entities if e.kind is EntityKind.HOST), "")
    refs = [evidence.ref for evidence in finding.evidence]
    for place, ref in enumerate(refs):
        yield Moment(
            at=ref.at,
            what=finding.detector.title,
            level=finding.detector.level,
            host=host,
            accounts=accounts,
            tactics=finding.detector.tactics,
            techniques=finding.detector.techniques,
            finding=finding.id,
            file=ref.file,
            record=ref.record,
            # The first records are kept and the last, so what is left out lies before the last.
            n_more=finding.n_evidence_omitted if place == max(0, len(refs) - 2) else 0,
        )


def timeline_lines(
    case: Case,
    found: Sequence[Moment],
    *,
    is_full: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[str]:
    """Yield a timeline as lines of text: day by day, what repeats on a day once with how often.

    Args:
        case: The case.
        found: Its moments.
        is_full: One line for every moment.
        since: Leave out what is earlier.
        until: Leave out what is later.
    """
    shown = [m for m in found if _is_within(m, since, until)]
    yield for_terminal(f"{case.id}  {case.level}  break-in {break_in_words(case.break_in)}")
    if len(shown) < len(found):
        yield f"{plural(len(found) - len(shown), 'moment')} outside the time asked for"
    previous: datetime | None = None
    for day, of_day in groupby((m for m in shown if m.at is not None), key=lambda m: m.at.date() if m.at else None):
        today = list(of_day)
        at = today[0].at
        if previous and at and (at - previous).days >= _SILENCE_D:
            yield f"             ... {duration_words((at - previous).total_seconds())} of silence ..."
        previous = today[-1].at
        yield ""
        yield f"{day:%d %B %Y}, {day:%A}" if day else ""
        yield from _full(today) if is_full else _grouped(today)
    untimed = [m for m in shown if m.at is None]
    if untimed:
        yield ""
        yield "without a time"
        yield from _full(untimed) if is_full else _grouped(untimed)


_SILENCE_D = 7


def _is_within(moment: Moment, since: datetime | None, until: datetime | None) -> bool:
    if moment.at is None:
        return since is None and until is None
    return (since is None or moment.at >= since) and (until is None or moment.at <= until)


def _full(today: Iterable[Moment]) -> Iterator[str]:
    for m in today:
        yield _line(m, m.n_more + 1, "")
        yield for_terminal(f"             {m.finding}  {m.file}:{m.record}")


def _grouped(today: Sequence[Moment]) -> Iterator[str]:
    by_what: dict[tuple[str, str, tuple[str, ...]], list[Moment]] = {}
    for m in today:
        by_what.setdefault((m.what, m.host, m.accounts), []).append(m)
    for alike in by_what.values():
        first, last = alike[0].at, alike[-1].at
        until = f" until {last:%H:%M:%S}" if first and last and f"{first:%H:%M:%S}" != f"{last:%H:%M:%S}" else ""
        yield _line(alike[0], sum(1 + m.n_more for m in alike), until)


def _line(moment: Moment, count: int, until: str) -> str:
    at = f"{moment.at:%H:%M:%S}" if moment.at else "        "
    times = f" x{count:,}" if count > 1 else ""
    who = f"  {', '.join(moment.accounts[:_ACCOUNTS])}" if moment.accounts else ""
    more = f" and {len(moment.accounts) - _ACCOUNTS} more" if len(moment.accounts) > _ACCOUNTS else ""
    return for_terminal(f"  {at}  {moment.level:<8}  {moment.host or '-'}  {moment.what}{times}{until}{who}{more}")


_ACCOUNTS = 2


def as_json_lines(found: Iterable[Moment]) -> Iterator[str]:
    """Yield each moment as a line of JSON."""
    return (msgspec.json.encode(moment).decode() for moment in found)


def as_timesketch(case: Case, found: Iterable[Moment]) -> Iterator[str]:
    """Yield each moment that has a time as a line that Timesketch imports.

    Its pages show what they are given, so that text of logs has marks where it could turn others around.
    Source of the format: Timesketch, "Import from JSONL": ``message``, ``datetime`` and ``timestamp_desc`` are needed.
    """
    for m in found:
        if m.at is None:
            continue
        fields = {
            "message": for_terminal(f"{m.what} on {m.host or 'an unnamed host'}"),
            "datetime": m.at.isoformat(),
            "timestamp_desc": "Finding of stillhunt",
            "tag": [f"stillhunt:{m.level}", *m.techniques],
            "case": case.id,
            "finding": m.finding,
            "level": str(m.level),
            "hostname": for_terminal(m.host),
            "username": for_terminal(", ".join(m.accounts)),
            "tactics": list(m.tactics),
            "file": for_terminal(m.file),
            "record": m.record,
            "not_listed": m.n_more,
        }
        yield msgspec.json.encode(fields).decode()


_COLUMNS = ("at", "level", "host", "accounts", "what", "tactics", "techniques", "finding", "file", "record", "n_more")


def as_csv(found: Iterable[Moment]) -> Iterator[str]:
    """Yield moments as CSV (RFC 4180), safe to open in a spreadsheet."""
    yield _row(_COLUMNS)
    for m in found:
        yield _row(
            (
                m.at.isoformat() if m.at else "",
                str(m.level),
                m.host,
                "; ".join(m.accounts),
                m.what,
                "; ".join(m.tactics),
                "; ".join(m.techniques),
                m.finding,
                m.file,
                str(m.record if m.record is not None else ""),
                str(m.n_more),
            )
        )


def _row(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([for_csv(cell) for cell in cells])
    return text.getvalue()
