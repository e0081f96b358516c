"""Briefs to render: a story, nothing at all, and one that an attacker wrote."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from stillhunt.attribution.assessment import Assessment, EvidenceItem, Hypothesis
from stillhunt.cases.case import BreakIn, Case, Link, Scope, ScopedEntity, Stage
from stillhunt.detection.finding import Clause, Detector, EventRef, Evidence, Finding
from stillhunt.errors import Problem
from stillhunt.report.brief import Brief
from stillhunt.telemetry.coverage import (
    ClassSpan,
    ClockFault,
    Coverage,
    Gap,
    HostSpan,
    InputFile,
    LoggingChange,
    RecordHole,
    RuleState,
    Truncation,
    UnreadRecord,
    Verdict,
)
from stillhunt.terms.entity import Entity, EntityKind
from stillhunt.terms.level import Level

START = datetime(2021, 8, 24, 3, 12, tzinfo=UTC)

HOSTILE = (
    "</script><script>document.title='pwned'</script>",
    "<img src=x onerror=\"document.title='pwned'\">",
    "\"><svg onload=document.title='pwned'>",
    "'-alert(1)-'",
    "javascript:document.title='pwned'",
    "<a href=javascript:alert(1)>x</a>",
    "<style>*{display:none}</style>",
    "</style><script>1</script>",
    "</title><script>1</script>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<iframe srcdoc='<script>1</script>'>",
    "<form action=//evil.example>",
    "<object data=//evil.example>",
    "<link rel=stylesheet href=//evil.example>",
    "{{ 7*7 }}",
    "{% for x in y %}",
    "{# comment",
    "${7*7}",
    "\x1b[2J\x1b[H",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x9b31m",
    "\x00\x01\x08\x7f",
    "a\rb",
    "a\nb",
    "a\tb",
    "\u202eexe.fdp",
    "\u2066isolated",
    "zero\u200bwidth",
    "\ufeffmark",
    "line\u2028separator\u2029",
    "half \ud800 pair",
    "\U000e0041tag",
    "[red]markup[/red] [bold",
    "[link=http://evil.example]x[/link]",
    "=cmd|' /C calc'!A0",
    "&lt;script&gt;",
    "x" * 5_000,
    "\u0301" * 200,
    "../../etc/passwd\\..\\..\\windows",
    "%00%0a%0d",
)


@pytest.fixture(scope="session")
def make_brief() -> Callable[..., Brief]:
    def make(
        text: Callable[[str], str] = str, *, n_cases: int = 1, n_findings: int = 3, raw: str = '{"a": "b"}'
    ) -> Brief:
        """Build a brief; every string that could come from a log goes through ``text``."""
        findings = tuple(_finding(text, n, raw) for n in range(n_findings))
        cases = tuple(_case(text, n, findings) for n in range(n_cases))
        return Brief(
            version="0.0",
            inputs=(text("logs"),),
            coverage=_coverage(text),
            cases=cases,
            assessments=tuple(_assessment(text, c) for c in cases),
            findings=findings,
            technique_names={"T1505.003": "Web Shell"},
            technique_tactics={"T1505.003": ("persistence",)},
            software_names={"S0020": "China Chopper"},
            tlp="TLP:GREEN",
        )

    return make


# What the contracts themselves keep to a set of words, or use to refer to each other.
KEPT = {"level", "kind", "scope", "status", "confidence", "group", "case", "findings", "context", "a", "b", "id"}


@pytest.fixture(scope="session")
def hostile(make_brief) -> Brief:
    """Every text field there is holds all the attacks."""
    everything = " ".join(HOSTILE)
    tame = make_brief(raw=everything, n_cases=1)

    def poison(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            named = "title" in value  # rules, detectors and lines of evidence: only these name themselves
            return {k: poison(v, "" if named and k in {"id", "kind"} else k) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [poison(v, key) for v in value]
        return f"{value} {everything}" if isinstance(value, str) and key not in KEPT else value

    poisoned = poison(msgspec.to_builtins(tame, builtin_types=(datetime,)))
    poisoned["findings"] = [poison(f) for f in msgspec.to_builtins(tame.findings, builtin_types=(datetime,))]
    return msgspec.convert(poisoned, Brief)


@pytest.fixture(scope="session")
def empty() -> Brief:
    return Brief(
        version="0.0",
        inputs=("logs",),
        coverage=Coverage(verdict=Verdict(is_blind=True, blind_tactics=(), sentence="no event was read")),
        cases=(),
        assessments=(),
        findings=(),
        technique_names={},
        technique_tactics={},
        software_names={},
    )


def _finding(text, number, raw):
    at = START + timedelta(days=40 * number)
    clause = Clause(
        kind="and",
        label=text("selection"),
        children=(
            Clause(kind="field", label=text("Image|endswith: cmd.exe"), field="Image", value=text("C:\\cmd.exe")),
        ),
    )
    return Finding(
        id=f"finding-{number:04}",
        detector=Detector(
            kind="sigma",
            id=text("rule-id"),
            title=text("Web server starts a shell"),
            description=text("Why it matters."),
            level=Level.HIGH,
            path=text("rules/x.yml"),
            tactics=("persistence",),
            techniques=("T1505.003",),
            false_positives=(text("monitoring"),),
        ),
        first_at=at,
        last_at=at + timedelta(hours=1),
        count=7,
        entities=(Entity(EntityKind.HOST, text("web1")), Entity(EntityKind.ACCOUNT, text("corp\\svc"), "subject")),
        evidence=(
            Evidence(
                ref=EventRef(file=text("a.evtx"), record=9, at=at, clock="TimeCreated"), original=raw, matched=clause
            ),
        ),
        n_evidence_omitted=6,
    )


def _case(text, number, findings):
    ids = tuple(f.id for f in findings)
    return Case(
        id=f"case-{number:04}",
        opening=text("An intruder was on web1 from 24 August 2021 (about 14 months); 1 host confirmed compromised."),
        level=Level.CRITICAL if number == 0 else Level.LOW,
        level_why="two detectors of high level",
        break_in=BreakIn(
            earliest=START, latest=START, is_censored=False, host=text("web1"), grounds=(text("first sign"),)
        ),
        first_at=START,
        last_at=START + timedelta(days=420),
        dwell_s=420 * 86_400,
        is_active_at_end=True,
        hosts=(text("web1"),),
        entities=(
            ScopedEntity(
                entity=Entity(EntityKind.HOST, text("web1")),
                scope=Scope.CONFIRMED,
                why=text("control shown"),
                first_at=START,
                last_at=None,
                findings=ids,
            ),
            ScopedEntity(
                entity=Entity(EntityKind.FILE, text("C:\\a.aspx")),
                scope=Scope.POTENTIAL,
                why=text("used"),
                first_at=None,
                last_at=None,
            ),
        ),
        stages=(Stage(tactic="persistence", first_at=START, last_at=None, techniques=("T1505.003",), findings=ids),),
        techniques=("T1505.003",),
        software=("S0020",),
        findings=ids,
        links=(Link(a=ids[0], b=ids[-1], reason=text("both on web1")),) if ids else (),
        quiet=((START + timedelta(days=1), START + timedelta(days=200)),),
        blind=(text("no logs of web1"),),
    )


def _assessment(text, case):
    item = EvidenceItem(
        kind="technique", id="T1505.003", title="Web Shell", weight=1.25, n_groups=30, quote=text("used"), source="x"
    )
    return Assessment(
        case=case.id,
        statement=text("Not enough to name anyone."),
        is_abstention=True,
        threshold=0.55,
        confidence="low",
        confidence_why="One kind of evidence.",
        hypotheses=(
            Hypothesis(
                group="unknown group",
                name="unknown group",
                aliases=(),
                probability=0.9,
                term="highly likely",
                score=0.0,
            ),
            Hypothesis(
                group="G0001",
                name=text("Axiom"),
                aliases=(text("Group 72"),),
                probability=0.1,
                term="highly unlikely",
                score=1.25,
                evidence_for=(item,),
                evidence_against=(item,),
            ),
        ),
        n_candidates=172,
        would_decide=(text("look for PlugX"),),
        cautions=(text("one kind only"),),
        knowledge="ATT&CK",
    )


def _coverage(text):
    return Coverage(
        files=(
            InputFile(
                path=text("a.evtx"),
                source="windows_evtx",
                n_bytes=1,
                n_events=9,
                n_unread=1,
                note=text("cut"),
                n_zoneless=2,
                zone="UTC",
                zone_why=text("as given"),
                samples=(UnreadRecord(record=text("3"), reason=text("no XML"), text=text("<x")),),
            ),
            InputFile(path=text("b.bin"), source=None, n_bytes=0, n_events=0, n_unread=0, note=text("unknown")),
        ),
        classes=(
            ClassSpan(name=text("windows/x"), channel=text("Security"), n_events=9, first_at=START, last_at=START),
        ),
        hosts=(HostSpan(host=text("web1"), n_events=9, first_at=START, last_at=START + timedelta(days=430)),),
        unseen=(text("log cleared on web1"),),
        changes=(
            LoggingChange(
                host=text("web1"),
                channel=text("Security"),
                what=text("log cleared"),
                who=text("corp\\alice"),
                n_events=1,
                first_at=START,
                last_at=START,
                path=text("a.evtx"),
                record=4,
                is_routine=False,
            ),
        ),
        truncations=(Truncation(path=text("a.evtx"), source="windows_evtx", sign=text("cut"), why=text("it ends")),),
        gaps=(Gap(host=text("web1"), channel=text("Security"), start_at=START, end_at=START, why=text("silent")),),
        record_holes=(
            RecordHole(path=text("a.evtx"), host=text("web1"), channel=text("x"), first_missing=1, last_missing=2),
        ),
        clocks=(
            ClockFault(
                host=text("web1"),
                path=text("a.evtx"),
                trusted=text("UtcTime"),
                distrusted=text("system time"),
                shift_s=3600,
                n_events=5,
                why=text("constant"),
            ),
        ),
        rules=(
            RuleState(id="1", title=text("a rule"), path=text("r.yml"), status="active"),
            RuleState(id="2", title=text("b rule"), path=text("r.yml"), status="inert", reason=text("broken")),
        ),
        problems=(Problem(code="source", message=text("bad"), where=text("b.bin"), hint=text("copy it again")),),
        verdict=Verdict(is_blind=False, blind_tactics=("impact",), sentence="2 rules apply"),
    )
