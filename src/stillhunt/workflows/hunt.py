"""Hunt: logs to events, findings, cases, assessments and one brief."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import tzinfo
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from stillhunt.attribution.assessment import Assessment
from stillhunt.attribution.circumstances import Circumstances
from stillhunt.cases.case import Case
from stillhunt.cases.habit import habits
from stillhunt.cases.identity import account_names, host_names, with_merged_spans, with_names
from stillhunt.cases.investigate import investigate
from stillhunt.cases.sighted import sighted
from stillhunt.cases.trail import Trail
from stillhunt.detection.behaviour import ANALYTICS
from stillhunt.detection.evidence import Fetch, KnownEvidence
from stillhunt.detection.finding import Finding
from stillhunt.detection.finding_table import to_table
from stillhunt.detection.rule import RuleSet
from stillhunt.detection.scan import Scan
from stillhunt.detection.sigma.load import load_rules
from stillhunt.engines.engine import Engine
from stillhunt.engines.spark import is_url, on_spark, url_of
from stillhunt.errors import EngineError, InputError
from stillhunt.knowledge import KnowledgeBase, load_knowledge
from stillhunt.progress import Step, Watcher, silent
from stillhunt.report.brief import Brief, Hashed
from stillhunt.report.marking import floor_of
from stillhunt.telemetry.collect import Reading
from stillhunt.telemetry.copies import digest
from stillhunt.telemetry.coverage import Coverage, judge
from stillhunt.telemetry.mapping import load_mappings
from stillhunt.telemetry.options import ReadOptions
from stillhunt.telemetry.seen import Seen
from stillhunt.telemetry.store.manifest import is_store
from stillhunt.telemetry.unseen import unseen
from stillhunt.telemetry.zone import read_zone
from stillhunt.terms.marking import Tlp
from stillhunt.workflows.attribute import circumstances_of
from stillhunt.workflows.cycles import no_search_for_cycles
from stillhunt.workflows.handover import assess_cases
from stillhunt.workflows.indicated import with_indicators
from stillhunt.workflows.intelligence import Intelligence, gathered
from stillhunt.workflows.origin import origin_of
from stillhunt.workflows.workers import read_and_match

if TYPE_CHECKING:
    from stillhunt.workflows.stored import Kept

__all__ = ["Hunt", "hunt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hunt:
    """What a hunt found.

    Attributes:
        brief: All of it, as the one document every renderer takes.
    """

    brief: Brief

    @property
    def cases(self) -> tuple[Case, ...]:
        """Cases, most serious first."""
        return self.brief.cases

    @property
    def assessments(self) -> tuple[Assessment, ...]:
        """Who each case most likely is, in the order of the cases."""
        return self.brief.assessments

    @property
    def findings(self) -> pa.Table:
        """Findings as an Arrow table, one row each, in order of time."""
        return to_table(self.brief.findings)

    @property
    def coverage(self) -> Coverage:
        """What was read, what was not, and what the logs could have shown."""
        return self.brief.coverage


@no_search_for_cycles()
def hunt(
    paths: str | Path | Iterable[str | Path],
    *,
    rules: Sequence[str | Path] = (),
    values: Sequence[str | Path] = (),
    passwords: Sequence[str] = (),
    mappings: Sequence[str | Path] = (),
    zone: str | tzinfo | None = None,
    jobs: int = 1,
    keep_habits: bool = False,
    behaviour: bool = True,
    networks: Sequence[str | Path] = (),
    indicators: Sequence[str | Path] = (),
    store: str | Path | None = None,
    engine: Literal["local", "spark"] = "local",
    master: str = "",
    spark_settings: Mapping[str, str] | None = None,
    sectors: Sequence[str] = (),
    countries: Sequence[str] = (),
    watch: Watcher = silent,
) -> Hunt:
    """Hunt through logs.

    Args:
        paths: Files, archives or folders of logs; folders are walked. Or one store alone, which is hunted as it is.
        rules: Sigma rules to use instead of the built-in pack: files, folders or release zips. The word
            ``builtin`` stands for the pack, to use it beside others.
        values: YAML files with lists of values for the placeholders of rules.
        passwords: To be tried on encrypted members of archives; in no result.
        mappings: YAML files that describe logs which no source knows.
        zone: Time zone of times that name none: ``Europe/Berlin``, ``+02:00``. Without it they are UTC, unless a log
            itself shows another.
        jobs: Processes to read and match with, if there is enough to do. More than one starts Python anew for each,
            so a script that asks for it needs ``if __name__ == "__main__":``.
        keep_habits: Let findings that are habits of the estate open cases like all others.
        behaviour: Let analytics look beside the rules.
        networks: Database files in MaxMind's format that say where addresses are, for analytics.
        indicators: Knowledge bases, STIX bundles and lists of indicators to look for beside the rules; the word
            ``base`` stands for the knowledge base that ``stillhunt know`` uses.
        store: Folder to keep all events in, and what was found in them: what it has is not read again, and what is
            found is found in all of it.
        engine: Who looks at the events of a store that is hunted as it is: processes of this machine, or ``spark``.
            What is found is the same.
        master: Spark's master URL: ``local[2]``, ``spark://host:7077``, ``yarn``, ``k8s://...``.
        spark_settings: Further settings of Spark by name.
        sectors: What the victim does, such as ``energy``: attribution knows whom groups are said to attack.
        countries: Where the victim is, as English names or codes.
        watch: Told about progress, once per batch.

    Returns:
        Cases, findings, coverage and assessments.

    Raises:
        InputError: None of the paths can be read, none of the rules can be loaded, or a mapping is none.
        EngineError: One of several processes was killed, the store cannot be written, or Spark failed.
        MissingExtraError: PySpark is asked for and not installed.
        UnknownNameError: There is no such time zone, sector or country.
    """
    listed = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if engine == "spark":
        _check_for_spark(listed, store, master)
    given = [Path(path) for path in listed]
    options = ReadOptions(
        passwords=tuple(passwords),
        roots=tuple(sorted(str(path) for path in given)),
        zone=read_zone(zone) if isinstance(zone, str) else zone,
        mappings=load_mappings([Path(p) for p in mappings]),
    )
    victim = circumstances_of(sectors=sectors, countries=countries)
    watch(Step(task="compile", subject="rules", done=0, total=None))
    rule_set = load_rules(rules, values=values)
    if behaviour:
        rule_set = replace(rule_set, analytics=tuple(ANALYTICS.names()), networks=_identified(networks))
    known = gathered(indicators, watch=watch)
    rule_set = known.added_to(rule_set)
    if engine == "spark":
        with _opened_on_spark(
            str(listed[0]),
            rule_set,
            master=master,
            settings=spark_settings,
            options=options,
            watch=watch,
        ) as kept:
            return Hunt(
                brief=_told_of_store(kept, rule_set, known, keep_habits=keep_habits, victim=victim, watch=watch)
            )
    if store is not None or _is_store(given):
        folder = None if store is None else Path(store)
        with _opened(given, rule_set, folder=folder, options=options, jobs=jobs, watch=watch) as kept:
            return Hunt(
                brief=_told_of_store(kept, rule_set, known, keep_habits=keep_habits, victim=victim, watch=watch)
            )
    scan, trail = Scan(rule_set), Trail()
    reading = Reading(given, options=options, watch=watch, seen=Seen())
    read_and_match(reading, scan, trail, rule_set, n_workers=jobs, watch=watch)
    told = _Found(scan=scan, trail=trail, reading=reading, indicators=known)
    return Hunt(
        brief=_told(given, told, fetch=reading.fetch, known={}, keep_habits=keep_habits, victim=victim, watch=watch)
    )


def _identified(networks: Sequence[str | Path]) -> tuple[tuple[str, str], ...]:
    """Return database files with hashes of their content, since what is found depends on it."""
    return tuple((str(path), digest(Path(path))) for path in networks)


def _is_store(given: Sequence[Path]) -> bool:
    return len(given) == 1 and is_store(given[0])


@contextmanager
def _opened(
    given: Sequence[Path],
    rules: RuleSet,
    *,
    folder: Path | None,
    options: ReadOptions,
    jobs: int,
    watch: Watcher,
) -> Iterator[Kept]:
    """Open a store, and bring it up to date with what was given."""
    from stillhunt.workflows.stored import opened  # noqa: PLC0415 - loads Parquet

    is_new = folder is not None
    with opened(folder or given[0], rules, options=options, jobs=jobs, watch=watch, is_new=is_new) as kept:
        if is_new:
            kept.read(given)
        yield kept


def _check_for_spark(given: Sequence[str | Path], store: str | Path | None, master: str) -> None:
    if not master:
        raise EngineError("Spark needs the URL of its master", hint="local[2], spark://host:7077, yarn, k8s://...")
    hint = "read the logs with `stillhunt hunt LOGS --store STORE` first, then hunt STORE on Spark"
    if store is not None or len(given) != 1:
        raise InputError("Spark hunts one store, and reads no logs", hint=hint)
    if not is_url(str(given[0])) and not is_store(Path(given[0])):
        raise InputError("is no store of stillhunt", where=str(given[0]), hint=hint)


@contextmanager
def _opened_on_spark(
    store: str,
    rules: RuleSet,
    *,
    master: str,
    settings: Mapping[str, str] | None,
    options: ReadOptions,
    watch: Watcher,
) -> Iterator[Kept]:
    from stillhunt.workflows.spread import Spread  # noqa: PLC0415 - loads Parquet
    from stillhunt.workflows.stored import opened, opened_elsewhere  # noqa: PLC0415 - loads Parquet

    with ExitStack() as stack:

        def engine() -> Engine:
            watch(Step(task="start", subject="Spark", done=0, total=None))
            return stack.enter_context(on_spark(master, settings=settings))

        if is_url(store):
            yield stack.enter_context(
                opened_elsewhere(engine(), store.rstrip("/"), rules, options=options, watch=watch)
            )
            return
        # Where all is known from an earlier hunt, Spark is not needed.
        spread = cache(lambda: Spread(engine(), url_of(store)))
        yield stack.enter_context(opened(Path(store), rules, options=options, jobs=1, watch=watch, spread=spread))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What reading and matching left behind."""

    scan: Scan
    trail: Trail
    reading: Reading
    indicators: Intelligence


def _told_of_store(
    kept: Kept, rules: RuleSet, indicators: Intelligence, *, keep_habits: bool, victim: Circumstances, watch: Watcher
) -> Brief:
    # What is kept was told with habits folded, and of nobody in particular.
    is_usual = not keep_habits and not victim.items
    brief = kept.result() if is_usual else None
    if brief is not None:
        return brief
    scan, trail, reading = Scan(rules), Trail(), Reading([])
    kept.join(scan, trail, reading)
    brief = _told(
        kept.inputs,
        _Found(scan=scan, trail=trail, reading=reading, indicators=indicators),
        fetch=kept.fetch,
        known=kept.evidence,
        hashed=kept.hashed,
        keep_habits=keep_habits,
        victim=victim,
        watch=watch,
    )
    if is_usual:
        kept.keep(brief)
    return brief


def _told(
    given: Sequence[Path],
    found: _Found,
    *,
    fetch: Fetch,
    known: KnownEvidence,
    keep_habits: bool,
    victim: Circumstances,
    watch: Watcher,
    hashed: Mapping[str, Hashed] | None = None,
) -> Brief:
    """Make of what was read and matched what is told of it."""
    watch(Step(task="link", subject="findings", done=0, total=None))
    scan, trail, reading = found.scan, found.trail, found.reading
    findings = found.indicators.judged(scan.findings(reading.clocks.shift_s, fetch, known=known))
    trail.shift(reading.clocks.shift_s)
    coverage = _with_rules(reading.coverage(), scan)
    names = host_names((span.host for span in coverage.hosts), trail)
    findings = with_names(findings, names, account_names(trail))
    coverage = with_merged_spans(coverage, names)
    coverage = replace(coverage, unseen=unseen(coverage))
    usual = () if keep_habits else habits(findings, {span.host: span for span in coverage.hosts})
    cases = investigate(findings, trail, coverage, folded={habit.finding for habit in usual})
    watch(Step(task="attribute", subject="cases", done=0, total=len(cases)))
    knowledge = load_knowledge()
    met = sighted(findings, cases, found.indicators.said_of, n_machines=max(len(coverage.hosts), scan.n_machines))
    assessments = assess_cases(
        cases,
        {f.id: f for f in findings},
        trail,
        coverage=coverage,
        knowledge=with_indicators(knowledge, met, found.indicators, findings),
        victim=victim,
    )
    watch(Step(task="hash", subject="inputs", done=0, total=len(coverage.files)))
    origin = origin_of((file.path for file in coverage.files), hashed or {})
    brief = _brief(given, coverage, cases, findings, knowledge, assessments=assessments)
    brief = replace(brief, habits=usual, origin=origin, sighted=met)
    floor = floor_of(brief)
    return replace(brief, tlp=str(floor)) if floor > Tlp.CLEAR else brief


def _with_rules(coverage: Coverage, scan: Scan) -> Coverage:
    states = scan.rule_states()
    verdict = judge(states, n_events=coverage.n_events)
    return replace(coverage, rules=states, verdict=verdict, problems=(*coverage.problems, *scan.problems))


def _brief(
    given: Sequence[Path],
    coverage: Coverage,
    cases: Sequence[Case],
    findings: Sequence[Finding],
    knowledge: KnowledgeBase,
    *,
    assessments: tuple[Assessment, ...],
) -> Brief:
    techniques = sorted({t for case in cases for t in case.techniques})
    software = sorted({s for case in cases for s in case.software})
    return Brief(
        version=version("stillhunt"),
        inputs=tuple(str(p) for p in given),
        coverage=coverage,
        cases=tuple(cases),
        assessments=assessments,
        findings=tuple(findings),
        technique_tactics={t: tuple(knowledge.techniques[t].tactics) for t in techniques if t in knowledge.techniques},
        technique_names={t: knowledge.techniques[t].name for t in techniques if t in knowledge.techniques},
        software_names={s: knowledge.software[s].name for s in software if s in knowledge.software},
    )
