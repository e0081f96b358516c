"""Every document of what was given as rules, and what became of it.

Every YAML document ends as a rule that runs, or in the ledger with the reason why it does not: a broken rule
never stops the others, and none is left out silently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import re2
import yaml
from sigma.exceptions import SigmaDetectionError, SigmaError, SigmaLogsourceError, SigmaModifierError
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RE2RegexEngine, RegexPattern
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaDetections, SigmaRule
from sigma.rule.detection import EmptySigmaDetections
from sigma.rule.logsource import EmptyLogSource

from stillhunt.detection.correlation.chain import link
from stillhunt.detection.correlation.model import Correlation
from stillhunt.detection.finding import Detector
from stillhunt.detection.rule import LogSource, Rule, RuleSet
from stillhunt.detection.sigma.compile import compile_item, compile_rule
from stillhunt.detection.sigma.correlations import References, compile_correlation, metadata_errors
from stillhunt.detection.sigma.detector import detector_of, tagged
from stillhunt.detection.sigma.documents import Document, NotYaml, read_documents
from stillhunt.detection.sigma.files import Given, RuleFile
from stillhunt.detection.sigma.filters import Filter, canonical, relabelled
from stillhunt.detection.sigma.locate import line_of, line_of_key
from stillhunt.detection.sigma.values import Lists, placeholders, read_lists
from stillhunt.errors import Problem, RuleError
from stillhunt.telemetry.coverage import RuleState

__all__ = ["Cause", "Corpus", "Loaded", "Refused"]

Cause = Literal["fault", "values", "copy"]
"""Why a rule cannot run: a fault of its own; a placeholder without a list; it is there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A rule that can run, with what it was made of."""

    document: Document
    sigma: SigmaRule
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A document that does nothing.

    Attributes:
        file: The file it stands in.
        place: Which of the file's documents it is, counted from 0.
        state: What the ledger says of it.
        kind: ``rule``, ``filter`` or ``correlation``.
        source: Its log source as far as it can be read; empty if it cannot.
        cause: Whose fault it is.
        remedy: What its reader can do about it.
        names: Its id and name, as far as it has them.
    """

    file: RuleFile
    place: int
    state: RuleState
    kind: str
    source: str
    cause: Cause
    remedy: str
    names: tuple[str, ...] = ()


_LONGEST_REASON = 400
"""Letters of a reason that are kept: an expression or a name in a rule can be of any length."""


class _MissingListError(RuleError):
    """A placeholder has no list of values."""

    def __init__(self, names: Sequence[str]) -> None:
        shown = ", ".join(f"`%{name}%`" for name in names)
        plural = "s" if len(names) > 1 else ""
        super().__init__(
            f"placeholder{plural} {shown} {'have' if plural else 'has'} no list of values: give one with --values",
            hint=f"write `{names[0]}: [...]` into a YAML file and give it with --values",
        )


class _QuietEngine(RE2RegexEngine):
    """pySigma's safe engine, without its complaints on stderr: the reason goes into the ledger."""

    def compile(self, pattern: str, flags: int = 0) -> RegexPattern:
        letters = "".join(letter for flag, letter in _LETTERS.items() if flags & flag)
        return cast("RegexPattern", re2.compile(f"(?{letters}){pattern}" if letters else pattern, _QUIET))

    def __deepcopy__(self, memo: dict[int, object]) -> _QuietEngine:
        """Return itself: pySigma copies a filter's detections with all that they hold, modules too."""
        del memo
        return self


_LETTERS = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s"}
_QUIET = re2.Options()
_QUIET.log_errors = False
_POLICY = SigmaPolicy(regex_engine=_QuietEngine())


@dataclass(slots=True)
class Corpus:
    """What was given, compiled.

    Attributes:
        lists: Values for placeholders.
        rules: Rules that run, sorted by path.
        refused: Documents that do nothing, sorted by path.
        filters: Rule filters in force, sorted by path.
        correlations: Correlations that run, each after those it refers to.
        problems: What else was found.
    """

    lists: Lists
    rules: list[Loaded] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    filters: list[Filter] = field(default_factory=list)
    correlations: list[Correlation] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    _loaded_by_id: dict[str, Loaded] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, given: Iterable[Given], values: Sequence[RuleFile] = ()) -> Corpus:
        """Read and compile everything.

        Args:
            given: Where rules lie.
            values: Files of lists for placeholders.

        Raises:
            RuleError: A file of lists cannot be read, or an archive is damaged.
        """
        corpus = cls(lists=read_lists(values))
        found = {file.path: file for one in given for file in one.files(corpus.problems)}
        documents = [document for path in sorted(found) for document in corpus._documents(found[path])]
        corpus._take_filters(documents)
        for document in documents:
            corpus._take(document)
        corpus._take_correlations(documents)
        corpus._close_filters()
        corpus._count_others(documents)
        corpus.refused.sort(key=lambda refused: (refused.file.path, refused.place))
        return corpus

    def rule_set(self) -> RuleSet:
        """Return what a hunt needs of it."""
        return RuleSet(
            rules=tuple(loaded.rule for loaded in self.rules),
            refused=tuple(refused.state for refused in self.refused),
            filters=tuple(_filter_state(one) for one in self.filters),
            correlations=tuple(self.correlations),
            problems=tuple(self.problems),
        )

    def _documents(self, file: RuleFile) -> list[Document]:
        found: list[Document] = []
        try:
            found.extend(read_documents(file))
        except NotYaml as error:
            self._refuse(Document(file=file, place=len(found)), RuleError(str(error)), line=error.line)
        return found

    def _take_filters(self, documents: Iterable[Document]) -> None:
        for document in documents:
            if document.kind != "filter":
                continue
            try:
                self._take_filter(document)
            # A filter is hostile data to a parser that is not ours, as a rule is.
            except Exception as error:  # noqa: BLE001 - one filter, whatever is wrong with it, stops nothing else
                self._refuse(document, error)

    def _take_filter(self, document: Document) -> None:
        taken = Filter.read(document, lists=self.lists, policy=_POLICY)
        missing = placeholders(taken.sigma.filter)
        if missing:
            raise _MissingListError(missing)
        self.filters.append(taken)
        self._note(document, taken.sigma.errors, "filter works")

    def _take(self, document: Document) -> None:
        if document.fault:
            self._refuse(document, RuleError(document.fault))
        elif document.kind == "rule":
            try:
                self._take_rule(document)
            # A rule is hostile data to a parser that is not ours: whatever it raises is about this rule alone.
            except Exception as error:  # noqa: BLE001 - one rule, whatever is wrong with it, stops no other
                self._refuse(document, error)

    def _take_rule(self, document: Document) -> None:
        sigma = SigmaRule.from_dict(document.content, collect_errors=True, policy=_POLICY)
        if isinstance(sigma.detection, EmptySigmaDetections) or isinstance(sigma.logsource, EmptyLogSource):
            raise sigma.errors[-1]
        self._names |= {str(name) for name in (sigma.id, sigma.name) if name}
        self.lists.fill(sigma.detection)
        missing = placeholders(sigma.detection)
        if missing:
            raise _MissingListError(missing)
        applied = [one for one in self.filters if one.apply(sigma)]
        condition = compile_rule(sigma)
        rule = Rule(
            detector=_rule_detector(sigma, document),
            source=_log_source(sigma),
            condition=relabelled(condition) if applied else condition,
        )
        self._keep(Loaded(document=document, sigma=sigma, rule=rule), applied)

    def _take_correlations(self, documents: Iterable[Document]) -> None:
        taken = {one.detector.id: (document, one) for document, one in self._compiled_correlations(documents)}
        linked = link([one for _, one in taken.values()], known=self._loaded_by_id)
        self.correlations += linked.correlations
        for one, error in linked.refused:
            self._refuse(taken[one.detector.id][0], error, line=_key_line(taken[one.detector.id][0], "correlation"))

    def _compiled_correlations(self, documents: Iterable[Document]) -> Iterator[tuple[Document, Correlation]]:
        by_id: dict[str, Document] = {}
        for document in documents:
            if document.kind != "correlation" or document.fault:
                continue
            detector_id = _correlation_id(document)
            rule = self._loaded_by_id.get(detector_id)
            known = rule.document if rule else by_id.setdefault(detector_id, document)
            if known is not document:
                self._refuse_twin(document, known)
        references = self._references(by_id)
        for detector_id, document in by_id.items():
            try:
                correlation = compile_correlation(document.content, document.file.path, references, detector_id)
                self._note(document, metadata_errors(document.content), "correlation runs")
                yield document, correlation
            # A correlation is hostile data to a parser that is not ours, as a rule is.
            except Exception as error:  # noqa: BLE001 - one correlation, whatever is wrong with it, stops nothing else
                self._refuse(document, error, line=_key_line(document, "correlation"))

    def _references(self, correlations: Mapping[str, Document]) -> References:
        """Return what correlations may refer to."""
        found = References()
        for detector_id, loaded in self._loaded_by_id.items():
            found.add(detector_id, loaded.sigma.id, loaded.sigma.name)
        for detector_id, document in correlations.items():
            found.add(detector_id, document.content.get("id"), document.content.get("name"))
        for refused in self.refused:
            found.add_inert(refused.state.path, *refused.names)
        return found

    def _keep(self, loaded: Loaded, applied: Iterable[Filter]) -> None:
        known = self._loaded_by_id.setdefault(loaded.rule.detector.id, loaded)
        if known is not loaded:
            self._refuse_twin(loaded.document, known.document)
            return
        self.rules.append(loaded)
        for one in applied:
            one.n_rules += 1
        self._note(loaded.document, loaded.sigma.errors, "rule runs")

    def _refuse_twin(self, document: Document, known: Document) -> None:
        where = known.file.path
        if known.content == document.content:
            self._refuse(document, RuleError(f"is the same rule as {where}, which is kept"), cause="copy")
            return
        error = RuleError(f"has the same id as {where}, which is kept", hint="give it an id of its own")
        self._refuse(document, error, line=_key_line(document, "id"))

    def _note(self, document: Document, errors: Iterable[Exception], nevertheless: str) -> None:
        self.problems += [
            Problem(
                code="rule-metadata",
                message=f"{_reason(error)}; the {nevertheless} nevertheless",
                where=document.file.path,
            )
            for error in errors
        ]

    def _close_filters(self) -> None:
        """Refuse filters that were applied to nothing, and note what the others name in vain."""
        names = frozenset(self._names)
        for idle in [one for one in self.filters if not one.n_rules]:
            self.filters.remove(idle)
            hint = "give the rules that it is about as well, and a log source that contains theirs"
            error = RuleError(idle.why_idle(names), hint=hint)
            self._refuse(idle.document, error, line=_key_line(idle.document, "filter", "rules"))
        self.problems += [
            Problem(
                code="rule",
                message=f"the filter names `{reference}`, which is none of the rules",
                where=one.document.file.path,
            )
            for one in self.filters
            for reference in one.unknown(names)
        ]

    def _count_others(self, documents: Iterable[Document]) -> None:
        others = [document.file.path for document in documents if document.kind == "other"]
        if others:
            message = f"{len(others)} YAML documents hold no Sigma rule"
            self.problems.append(Problem(code="rule", message=message, where=f"{others[0]} and others"))

    def _refuse(
        self, document: Document, error: Exception, *, cause: Cause | None = None, line: int | None = None
    ) -> None:
        is_known = document.fault or cause or line  # of these, no detection item is the culprit
        line = line if is_known else self._line(document, error)
        path = document.file.path
        tags = document.content.get("tags")
        kinds = tagged(map(str, tags) if isinstance(tags, list) else ())
        state = RuleState(
            id=str(document.content.get("id") or path),
            title=str(document.content.get("title") or ""),
            path=f"{path}:{line}" if line else path,
            status="inert",
            reason=_reason(error),
            kind=document.kind,
            tactics=kinds["tactic"],
            techniques=kinds["technique"],
        )
        if cause is None:
            cause = "values" if isinstance(error, _MissingListError) else "fault"
        self.refused.append(
            Refused(
                file=document.file,
                place=document.place,
                state=state,
                kind=document.kind,
                source=_named_source(document.content.get("logsource")),
                cause=cause,
                remedy=_remedy(error, cause),
                names=tuple(str(document.content[key]) for key in ("id", "name") if document.content.get(key)),
            )
        )

    def _line(self, document: Document, error: Exception) -> int | None:
        section = "logsource" if isinstance(error, SigmaLogsourceError) else "condition"
        holder = "filter" if document.kind == "filter" else "detection"
        try:
            return line_of(
                document.file.content, document.place, section=section, is_sound=self._is_sound, holder=holder
            )
        except (yaml.YAMLError, ValueError, TypeError, RecursionError):
            return None

    def _is_sound(self, key: str, value: Any) -> bool:
        try:
            item = SigmaDetectionItem.from_mapping(key, value, policy=_POLICY)
            alone = SigmaDetections({"x": SigmaDetection([item])}, ["x"])
            self.lists.fill(alone)
            for part in alone.detections["x"].detection_items:
                compile_item(cast("SigmaDetectionItem", part))
        # Whatever a parser that is not ours raises on this item, the item is what it cannot take.
        except Exception:  # noqa: BLE001 - of a rule that is refused anyway
            return False
        return True


def _key_line(document: Document, *keys: str) -> int | None:
    return line_of_key(document.file.content, document.place, keys)


def _correlation_id(document: Document) -> str:
    """Return the detector id of a correlation: its own, else where it stands."""
    place = f"#{document.place + 1}" if document.place else ""
    return canonical(str(document.content.get("id") or f"{document.file.path}{place}"))


def _rule_detector(rule: SigmaRule, document: Document) -> Detector:
    path, place = document.file.path, document.place
    numbered = f"#{place + 1}" if place else ""
    detector_id = f"{rule.id}{numbered if document.has_shared_id else ''}" if rule.id else f"{path}{numbered}"
    return detector_of(rule, kind="sigma", detector_id=detector_id, path=path)


def _log_source(rule: SigmaRule) -> LogSource:
    return LogSource(
        product=(rule.logsource.product or "").lower(),
        category=(rule.logsource.category or "").lower(),
        service=(rule.logsource.service or "").lower(),
    )


def _named_source(named: object) -> str:
    if not isinstance(named, dict):
        return ""
    texts = {key: value.lower() for key, value in named.items() if isinstance(value, str)}
    source = LogSource(
        product=texts.get("product", ""), category=texts.get("category", ""), service=texts.get("service", "")
    )
    return str(source) if texts else ""


def _filter_state(one: Filter) -> RuleState:
    content = one.document.content
    return RuleState(
        id=str(content.get("id") or one.document.file.path),
        title=str(content.get("title") or ""),
        path=one.document.file.path,
        status="active",
        kind="filter",
        reason=f"filters {one.n_rules:,} rule{'s' if one.n_rules > 1 else ''}",
    )


def _reason(error: Exception) -> str:
    """Say in one line what is wrong."""
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    text = error.message if isinstance(error, RuleError) else str(error)
    text = " ".join(text.split()) or type(error).__name__
    if len(text) > _LONGEST_REASON:
        text = f"{text[:_LONGEST_REASON]} ..."
    # What a parser raises that did not expect such a value tells of the parser; it must not read as if of the rule.
    return text if isinstance(error, (RuleError, SigmaError)) else f"pySigma cannot read a value of it: {text}"


def _remedy(error: Exception, cause: Cause) -> str:
    """Say what the reader can do; where the parser's words are all that is known, where to look it up."""
    if cause == "copy":
        return "give one of the two paths only"
    if isinstance(error, RuleError) and error.hint:
        return error.hint
    if "linear time" in str(error) or "invalid perl operator" in str(error):
        return "write the expression without look-around, back-references and possessive repeats"
    if isinstance(error, SigmaModifierError):
        return "use a modifier of the Sigma specification 2.1, on a value of the kind it takes"
    if isinstance(error, SigmaLogsourceError):
        return "say product, category or service, each as text, as in the Sigma taxonomy"
    if isinstance(error, SigmaDetectionError):
        return "give the detection at least one item and one condition"
    return "correct the line, or leave the rule out"
