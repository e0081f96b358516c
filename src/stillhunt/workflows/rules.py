"""Rules: what becomes of every rule of a corpus, what is probably not meant in it, and what it covers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stillhunt.detection.rule import LogSource
from stillhunt.detection.sigma.load import load_rules
from stillhunt.errors import Problem, RuleError
from stillhunt.telemetry.coverage import RuleStatus
from stillhunt.telemetry.logsource import CATEGORIES, CHANNELS_BY_SERVICE
from stillhunt.telemetry.sources.iis import EVENT_CLASS as IIS
from stillhunt.terms.technique import TACTICS, tactic_rank

if TYPE_CHECKING:
    from stillhunt.detection.sigma.corpus import Corpus

__all__ = ["Entry", "Note", "RuleCheck", "RuleCoverage", "SourceCount", "TacticCount", "check", "coverage", "is_read"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A rule's line in the ledger.

    Attributes:
        id: Rule id, or the path where it has none.
        title: Rule title, or empty.
        path: File, with line where a line is to blame.
        kind: ``rule``, ``filter``, or ``correlation``.
        source: Its log source, such as ``windows/process_creation``; empty if it names none.
        status: ``active``; ``dormant``: no source of stillhunt reads such logs; ``inert``: cannot run.
        reason: Why dormant or inert; of a filter, what it filters.
        cause: Of an inert rule: ``fault``, ``values`` (a placeholder without a list) or ``copy``.
        remedy: What its reader can do about it.
    """

    id: str
    title: str
    path: str
    kind: str
    source: str
    status: RuleStatus
    reason: str = ""
    cause: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something about a rule that is probably not meant.

    Attributes:
        check: Which check.
        message: What is so.
        path: File, with line where there is one.
        id: The rule's id.
        title: Its title.
    """

    check: str
    message: str
    path: str
    id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCount:
    """How many rules of one log source run, wait for logs, and cannot run."""

    source: str
    n_active: int
    n_dormant: int
    n_inert: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCheck:
    """What a corpus of rules is worth.

    Attributes:
        ledger: Every rule, sorted by path.
        notes: What is probably not meant, sorted by path.
        problems: Files that could not be read, folders left out, careless metadata.
    """

    ledger: tuple[Entry, ...]
    notes: tuple[Note, ...]
    problems: tuple[Problem, ...]

    @property
    def is_broken(self) -> bool:
        """Whether a rule is inert through a fault of its own."""
        return any(entry.cause == "fault" for entry in self.ledger)

    def sources(self) -> tuple[SourceCount, ...]:
        """Count by log source, the largest first."""
        return _by_source((entry.source, entry.status) for entry in self.ledger if entry.kind == "rule")


@dataclass(frozen=True, slots=True, kw_only=True)
class TacticCount:
    """How many rules look for a tactic.

    Attributes:
        tactic: ATT&CK's short name; empty for rules that name none.
        n_rules: Rules that run or wait for logs.
        n_active: Those for logs that stillhunt reads.
        techniques: Techniques that these rules name, with how many name them.
    """

    tactic: str
    n_rules: int
    n_active: int
    techniques: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleCoverage:
    """What rules look for, and in which logs.

    Attributes:
        n_rules: Rules that can run.
        n_techniques: Techniques that they name.
        sources: By log source, the largest first.
        tactics: In the order of the matrix; a rule of several tactics counts for each.
    """

    n_rules: int
    n_techniques: int
    sources: tuple[SourceCount, ...]
    tactics: tuple[TacticCount, ...]


def check(paths: Sequence[str | Path], *, values: Sequence[str | Path] = ()) -> RuleCheck:
    """Load rules afresh, past the cache, and say what becomes of each and what is probably not meant.

    Args:
        paths: Files, folders or zip archives of rules; ``builtin`` stands for the built-in pack.
        values: YAML files with lists of values for placeholders.

    Raises:
        RuleError: A path cannot be read, or no file holds a rule.
    """
    from stillhunt.detection.sigma.corpus import Corpus  # noqa: PLC0415 - coverage does without pySigma
    from stillhunt.detection.sigma.files import read_all, read_values  # noqa: PLC0415 - as above
    from stillhunt.detection.sigma.lint import lint  # noqa: PLC0415 - as above

    given = read_all(paths)
    corpus = Corpus.read(given, read_values(values))
    ledger = sorted(
        [*_running(corpus), *_correlations(corpus), *_filters(corpus), *_refused(corpus)], key=lambda e: (e.path, e.id)
    )
    if not ledger:
        where = ", ".join(one.path for one in given)
        raise RuleError("no file holds a Sigma rule", where=where, hint="check the path")
    notes = [Note(check=r.code, message=r.message, path=r.path, id=r.id, title=r.title) for r in lint(corpus)]
    return RuleCheck(ledger=tuple(ledger), notes=tuple(notes), problems=tuple(corpus.problems))


def coverage(
    paths: Sequence[str | Path] = (), *, values: Sequence[str | Path] = (), cache: str | Path | None = None
) -> RuleCoverage:
    """Count what rules look for, by log source and by ATT&CK tactic and technique.

    Args:
        paths: As :func:`check`; by default the built-in pack.
        values: As :func:`check`.
        cache: As :func:`stillhunt.detection.sigma.load.load_rules`.

    Raises:
        RuleError: A path cannot be read, or not one rule can run.
    """
    rules = load_rules(paths, values=values, cache=cache).rules
    named: dict[str, Counter[str]] = {tactic: Counter() for tactic in TACTICS}
    n_rules: Counter[str] = Counter()
    n_active: Counter[str] = Counter()
    for rule in rules:
        for tactic in rule.detector.tactics or ("",):
            n_rules[tactic] += 1
            n_active[tactic] += is_read(rule.source)
            named.setdefault(tactic, Counter()).update(rule.detector.techniques)
    return RuleCoverage(
        n_rules=len(rules),
        n_techniques=len({technique for rule in rules for technique in rule.detector.techniques}),
        sources=_by_source((str(rule.source), _status(rule.source)) for rule in rules),
        tactics=tuple(
            TacticCount(
                tactic=tactic,
                n_rules=n_rules[tactic],
                n_active=n_active[tactic],
                techniques=dict(sorted(named[tactic].items())),
            )
            for tactic in sorted(named, key=tactic_rank)
        ),
    )


def _running(corpus: Corpus) -> Iterator[Entry]:
    for loaded in corpus.rules:
        detector, source = loaded.rule.detector, loaded.rule.source
        yield Entry(
            id=detector.id,
            title=detector.title,
            path=detector.path,
            kind="rule",
            source=str(source),
            status=_status(source),
            reason="" if is_read(source) else f"no source of stillhunt reads logs of `{source}`",
        )


def _correlations(corpus: Corpus) -> Iterator[Entry]:
    is_dormant = {loaded.rule.detector.id: not is_read(loaded.rule.source) for loaded in corpus.rules}
    for one in corpus.correlations:
        idle = [name for name in one.rules if is_dormant[name]]
        is_dormant[one.detector.id] = len(idle) == len(one.rules) or (bool(idle) and one.needs_all)
        is_idle = is_dormant[one.detector.id]
        yield Entry(
            id=one.detector.id,
            title=one.detector.title,
            path=one.detector.path,
            kind="correlation",
            source="",
            status="dormant" if is_idle else "active",
            reason=f"no source of stillhunt reads logs of the rule `{idle[0]}`" if is_idle else "",
        )


def _filters(corpus: Corpus) -> Iterator[Entry]:
    for state in corpus.rule_set().filters:
        yield Entry(
            id=state.id,
            title=state.title,
            path=state.path,
            kind="filter",
            source="",
            status=state.status,
            reason=state.reason,
        )


def _refused(corpus: Corpus) -> Iterator[Entry]:
    for refused in corpus.refused:
        state = refused.state
        yield Entry(
            id=state.id,
            title=state.title,
            path=state.path,
            kind=refused.kind,
            source=refused.source,
            status=state.status,
            reason=state.reason,
            cause=refused.cause,
            remedy=refused.remedy,
        )


def is_read(source: LogSource) -> bool:
    """Tell whether some source of stillhunt reads logs that a rule is about.

    >>> is_read(LogSource(product="windows", service="security")), is_read(LogSource(product="okta"))
    (True, False)
    """
    if source.product in _READ:
        services, categories = _READ[source.product]
        is_known = services is None or not source.service or source.service in services
        return is_known and (not source.category or source.category in categories)
    if not source.product and not source.service and source.category in _CATEGORIES_OF_ANY:
        return True
    is_windows = (
        source.product in {"", "windows"}
        and (not source.category or source.category in CATEGORIES)
        and (not source.service or source.service in CHANNELS_BY_SERVICE)
    )
    return is_windows or source.covers(IIS)


_READ: dict[str, tuple[frozenset[str] | None, frozenset[str]]] = {
    "aminer": (frozenset({"alert"}), frozenset()),
    "bind": (frozenset({"queries"}), frozenset({"dns"})),
    "aws": (frozenset({"cloudtrail", "guardduty", "vpcflow"}), frozenset()),
    "azure": (frozenset({"activitylogs", "auditlogs", "pim", "riskdetection", "signinlogs"}), frozenset()),
    "defender": (frozenset({"alert", "cloudapp", "email", "identity", "other"}), frozenset({"antivirus"})),
    "exchange": (
        None,
        frozenset({"webserver"}),
    ),
    "gcp": (None, frozenset()),
    "google_workspace": (None, frozenset()),
    "ids": (frozenset({"alert"}), frozenset()),
    "linux": (
        None,
        frozenset({"process_creation", "network_connection", "file_event", "file_delete", "webserver", "firewall"}),
    ),
    "m365": (
        frozenset({"audit", "exchange", "threat_management", "threat_detection"}),
        frozenset({"antivirus"}),
    ),
    # Through the sensor of Defender.
    "macos": (frozenset(), frozenset({"process_creation", "network_connection", "file_event", "file_delete"})),
    "mail": (None, frozenset({"message"})),
    "paloalto": (frozenset({"traffic"}), frozenset({"firewall"})),
    "pfsense": (frozenset({"traffic"}), frozenset({"firewall"})),
    "squid": (frozenset({"access"}), frozenset({"proxy"})),
    "suricata": (None, frozenset()),
    "wazuh": (frozenset({"alert"}), frozenset()),
    # VPN gateways through syslog.
    "cisco": (frozenset({"aaa", "asa", "auth", "traffic"}), frozenset({"firewall"})),
    "fortigate": (frozenset({"auth", "event", "traffic", "vpn"}), frozenset({"firewall"})),
    "netscaler": (frozenset({"auth", "sslvpn"}), frozenset()),
    "openvpn": (frozenset({"auth"}), frozenset()),
    "pulsesecure": (frozenset({"auth"}), frozenset()),
    "windows_dns": (frozenset({"debug"}), frozenset({"dns"})),
    "zeek": (None, frozenset({"dns", "proxy", "webserver"})),
}
"""Product to its services that are read (None: all) and the categories that its events satisfy."""

_CATEGORIES_OF_ANY = frozenset({"antivirus", "dns", "firewall", "proxy", "webserver"})
"""Categories of rules for whatever product, which some source that is read satisfies."""


def _status(source: LogSource) -> RuleStatus:
    return "active" if is_read(source) else "dormant"


def _by_source(found: Iterable[tuple[str, RuleStatus]]) -> tuple[SourceCount, ...]:
    counts = Counter(found)
    counted = [
        SourceCount(
            source=source,
            n_active=counts[source, "active"],
            n_dormant=counts[source, "dormant"],
            n_inert=counts[source, "inert"],
        )
        for source in {source for source, _ in counts}
    ]
    return tuple(sorted(counted, key=lambda c: (-(c.n_active + c.n_dormant + c.n_inert), c.source)))
