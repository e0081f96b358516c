"""What is known, as lines of text: every line with who says it, where, and when that was published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from stillhunt.report.escape import for_terminal

if TYPE_CHECKING:
    from stillhunt.detection.finding import Finding
    from stillhunt.knowledge.card import Card, Line, Said, Share
    from stillhunt.knowledge.compare import Comparison
    from stillhunt.knowledge.conflicts import Conflict
    from stillhunt.knowledge.language import Remark
    from stillhunt.knowledge.paths import Path
    from stillhunt.knowledge.resolve import Candidate
    from stillhunt.knowledge.screen import Screened
    from stillhunt.knowledge.store import Found, Operation, View
    from stillhunt.telemetry.coverage import Coverage, RuleState

__all__ = [
    "candidate_lines",
    "card_lines",
    "comparison_lines",
    "conflict_lines",
    "found_lines",
    "operation_lines",
    "path_lines",
    "remark_lines",
    "screened_lines",
    "sighting_lines",
]


class _Sightings(Protocol):
    """What became of looking for indicators, as :mod:`stillhunt.workflows.sightings` tells it."""

    @property
    def findings(self) -> Sequence[Finding]: ...
    @property
    def n_indicators(self) -> int: ...
    @property
    def refused(self) -> Sequence[RuleState]: ...
    @property
    def expired(self) -> Sequence[Finding]: ...
    @property
    def coverage(self) -> Coverage: ...


_SHOWN = 12
"""Lines under a heading, unless everything is asked for."""

_QUOTED = 160
"""Letters of a quote that are shown."""

_NAMED = 4
"""Sources of a line that are named."""


def candidate_lines(name: str, candidates: Sequence[Candidate], view: View) -> Iterator[str]:
    """Yield who may be meant by a name, with who uses it."""
    certain = candidates and candidates[0].is_certain
    verb = "is borne by" if certain else "is borne by nobody; names like it:"
    yield f"`{_safe(name)}` {verb} {len(candidates):,}" if certain else f"`{_safe(name)}` {verb}"
    speakers = view.names_of(c.speaker for one in candidates for c in (*one.claims, *one.denials))
    for one in candidates:
        by = sorted({speakers[c.speaker] for c in one.claims})
        denied = sorted({speakers[c.speaker] for c in one.denials})
        how = one.match if one.is_certain else f"{one.match}, {one.score:.0%}"
        yield f"  {_safe(one.name)}  ({how})  {one.identity.members[0]}"
        if by:
            yield f"      so called by {_safe(', '.join(by))}"
        if denied:
            yield f"      denied by {_safe(', '.join(denied))}"


def card_lines(card: Card, *, is_whole: bool = False) -> Iterator[str]:
    """Yield a card; `is_whole` leaves nothing out."""
    ids = ", ".join(sorted({line.text for line in card.ids}))
    yield _safe(f"{card.name}{f'  {ids}' if ids else ''}  ({card.type})")
    for line in card.descriptions[: None if is_whole else 1]:
        yield f"  {_safe(_cut(line.text, None if is_whole else 600))}"
        yield f"      {_by(line.said)}"
    headings: tuple[tuple[str, tuple[Line, ...]], ...] = (
        ("names", card.aliases),
        ("works from or for", card.origins),
        ("behind them", card.sponsors),
        ("fronts and helpers", card.fronts),
        ("people", card.people),
        ("sanctions, charges, statements", card.legal),
        ("software", card.software),
        ("techniques", card.techniques),
        ("used by", card.users),
    )
    for heading, lines in headings:
        yield from _section(heading, lines, is_whole=is_whole)
    yield from _shares("targets by region", card.regions)
    yield from _shares("targets by sector", card.sectors)
    yield from _section("targets", card.targets, is_whole=is_whole)
    yield from _section("timeline", card.timeline, is_whole=is_whole)
    yield from _section("disputed", card.disputed, is_whole=is_whole)
    yield from _section("taken for one because", card.same, is_whole=is_whole)
    yield from _section("kept apart", card.apart, is_whole=is_whole)
    yield from _section("further", card.related, is_whole=is_whole)


def comparison_lines(found: Comparison) -> Iterator[str]:
    """Yield what two groups share and what not."""
    yield _safe(f"{found.one} | {found.other}" + ("  taken for one" if found.is_same else ""))
    for line in found.kept_apart:
        yield _safe(f"  said to be the same, kept apart: {line.detail}; {_by(line.said)}")
    for shared in found.headings:
        if not (shared.both or shared.only_one or shared.only_other):
            continue
        yield ""
        yield f"{shared.heading}: {len(shared.both):,} shared"
        for one, other in shared.both:
            detail = f"{one.detail}  " if one.detail[:1] in "TS" and one.detail else ""
            yield _safe(f"  = {detail}{one.text}  ({len(one.said)} and {len(other.said)} claims)")
        for name, lines in ((found.one, shared.only_one), (found.other, shared.only_other)):
            if lines:
                texts = "; ".join(line.text for line in lines[:_SHOWN])
                more = f"; and {len(lines) - _SHOWN:,} more" if len(lines) > _SHOWN else ""
                yield _safe(f"  only {name}, {len(lines):,}: {texts}{more}")


def conflict_lines(found: Sequence[Conflict]) -> Iterator[str]:
    """Yield where sources contradict each other."""
    if not found:
        yield "no claims contradict each other here"
    for conflict in found:
        yield _safe(
            f"{conflict.name}: {'said and denied' if conflict.kind == 'denied' else 'several states are named'}"
        )
        for line in conflict.lines:
            for said in line.said:
                verb = "denies" if said.is_denial else "says"
                yield _safe(f"  {said.speaker} {verb} {line.detail} {line.text}: {_cut(said.quote)}  [{said.source}]")


def path_lines(found: Sequence[Path]) -> Iterator[str]:
    """Yield how two entities are connected."""
    if not found:
        yield "no claims connect them within that many steps"
    for number, path in enumerate(found, 1):
        yield f"{number}."
        for step in path.steps:
            predicates = ", ".join(sorted({c.predicate for c in step.claims}))
            yield _safe(f"  {step.start_name} -- {predicates} -- {step.end_name}  ({len(step.claims)} claims)")
            yield _safe(f"      {_cut(step.claims[0].quote)}")


def screened_lines(found: Sequence[Screened]) -> Iterator[str]:
    """Yield who may be meant by screened names."""
    for one in found:
        if not one.hits:
            yield _safe(f"{one.name}: nobody known")
            continue
        yield _safe(one.name)
        for hit in one.hits:
            yield _safe(f"  {hit.score:.0%}  {hit.name}  ({hit.because})  {hit.entity}")
            for line in hit.lines[:_NAMED]:
                yield _safe(f"        {line.detail}: {line.text}; {_by(line.said)}")


def found_lines(found: Sequence[Found], view: View) -> Iterator[str]:
    """Yield what a search found."""
    if not found:
        yield "nothing is said in these words"
    names = view.names_of(e for f in found for e in (f.claim.subject, f.claim.object, f.claim.speaker) if e)
    sources = view.sources(f.claim.source for f in found)
    for one in found:
        claim = one.claim
        end = names.get(claim.object, "") or _cut(claim.value, 60)
        verb = f"not {claim.predicate}" if claim.is_denial else claim.predicate
        source = sources[claim.source]
        yield _safe(f"{names[claim.subject]} -- {verb} -- {end}")
        yield _safe(f"    {_cut(claim.quote)}")
        yield _safe(f"    {names[claim.speaker]}, {source.title} {source.published}  {claim.id}")


def operation_lines(done: Sequence[Operation]) -> Iterator[str]:
    """Yield what was done to a base."""
    for one in done:
        counts = ", ".join(
            f"{n:,} {word}" for n, word in ((one.n_added, "added"), (one.n_retracted, "taken back")) if n
        )
        yield _safe(f"{one.n:>4}  {one.at[:19]}  {one.kind}  {one.note}  {counts or 'nothing changed'}")


def remark_lines(found: Sequence[Remark]) -> Iterator[str]:
    """Yield remarks on the language of a text."""
    for remark in found:
        yield _safe(f"{remark.line}:{remark.column}: {remark.check}: {remark.message}")
        yield _safe(f"    {_cut(remark.sentence)}")


def sighting_lines(found: _Sightings) -> Iterator[str]:
    """Yield where indicators were seen, and what could not be looked for."""
    yield f"{found.n_indicators:,} indicators looked for in {found.coverage.n_events:,} events"
    for finding in found.findings:
        when = finding.first_at.isoformat(sep=" ", timespec="seconds") if finding.first_at else "at a time unknown"
        where = ", ".join(sorted({f"{e.kind} {e.value}" for e in finding.entities}))
        yield _safe(f"{when}  {finding.detector.title}  {finding.count:,} times  {where}")
        yield _safe(f"    {finding.detector.description}  [{finding.detector.path}]")
    if not found.findings:
        yield "none was seen"
    if found.expired:
        yield f"{len(found.expired):,} more were seen outside the time in which they are valid"
    for reason, n_refused in Counter(state.reason for state in found.refused).most_common():
        yield _safe(f"{n_refused:,} not looked for: {reason}")


def _section(heading: str, lines: Sequence[Line], *, is_whole: bool) -> Iterator[str]:
    if not lines:
        return
    yield ""
    yield f"{heading} ({len(lines):,})"
    shown = lines if is_whole else lines[:_SHOWN]
    for line in shown:
        mark = "  DISPUTED" if line.is_disputed else "  DENIED" if all(s.is_denial for s in line.said) else ""
        detail = f"{line.detail}  " if line.detail and line.detail not in {"name", "alias", "alias, name"} else ""
        yield _safe(f"  {detail}{_cut(line.text)}{mark}")
        yield f"      {_by(line.said)}"
        if is_whole:
            yield from (_safe(f"        {said.speaker}: {said.quote}  {said.claim}") for said in line.said)
    if len(lines) > len(shown):
        yield f"  and {len(lines) - len(shown):,} more: --all"


def _shares(heading: str, shares: Sequence[Share]) -> Iterator[str]:
    if shares:
        yield ""
        yield heading
        for share in shares:
            places = f": {', '.join(share.places)}" if share.places else ""
            yield _safe(f"  {share.n_claims:>3}  {share.name}{places}")


def _by(said: Iterable[Said]) -> str:
    """Say who says it, where and when, each once."""
    shown = list(dict.fromkeys(_one(s) for s in said))
    more = f"; and {len(shown) - _NAMED} more" if len(shown) > _NAMED else ""
    return _safe("; ".join(shown[:_NAMED]) + more)


def _one(said: Said) -> str:
    verb = " denies" if said.is_denial else ""
    likely = f" ({said.likelihood.term})" if said.likelihood else ""
    where = "" if said.source == said.speaker else f" in {_cut(said.source, 70)}"
    return f"{said.speaker}{verb}{likely}{where}{f', {said.published}' if said.published else ''}"


def _cut(text: str, length: int | None = _QUOTED) -> str:
    return text if length is None or len(text) <= length else f"{text[: length - 1]}\u2026"


def _safe(text: str) -> str:
    return for_terminal(text)
