"""Sigma rules, ready to run.

Every YAML document ends as a rule that runs, or in the ledger with the reason why it does not: a broken rule
never stops the others, and none is left out silently.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import re2
import yaml
from sigma.exceptions import SigmaError, SigmaLogsourceError
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RE2RegexEngine, RegexPattern
from sigma.rule import SigmaDetectionItem, SigmaRule, SigmaYAMLLoader
from sigma.rule.base import check_alias_expansion
from sigma.rule.detection import EmptySigmaDetections
from sigma.rule.logsource import EmptyLogSource

from stillhunt.detection.finding import Detector
from stillhunt.detection.rule import LogSource, Rule, RuleSet
from stillhunt.detection.sigma.compile import compile_item, compile_rule
from stillhunt.detection.sigma.files import BUILTIN, RuleFile, read_files
from stillhunt.detection.sigma.locate import line_of
from stillhunt.errors import Problem, RuleError
from stillhunt.telemetry.coverage import RuleState
from stillhunt.terms.level import Level
from stillhunt.terms.technique import parse_tag, tactic_rank

__all__ = ["BUILTIN", "load_rules"]

_UNSUPPORTED = {
    "correlation": "correlation is not supported yet",
    "filter": "filters of other rules are not supported yet",
    "action": "global rules are not supported: write each rule whole",
}
"""Top-level keys of documents that are no rules by themselves."""

_RULE_KEYS = frozenset({"detection", "logsource", *_UNSUPPORTED})
"""A document with none of these is no Sigma rule at all."""


def load_rules(paths: Sequence[str | Path] = ()) -> RuleSet:
    """Load rules.

    Args:
        paths: Files, folders (walked) and zip archives of rules; the word ``builtin`` stands for the built-in
            pack, which is also loaded if nothing is given. Of a Sigma release, only the folders of rules that
            are meant to run are loaded, and a problem says what was left out. Of rules with the same id, the
            first by path is kept.

    Returns:
        The rules that run, those that do not, and what else was found.

    Raises:
        RuleError: A path cannot be read, or not one rule can run.
    """
    ledger = _Ledger()
    found = {file.path: file for path in paths or (BUILTIN,) for file in read_files(path, ledger.problems)}
    for path in sorted(found):
        ledger.take(found[path])
    rules = ledger.result()
    if not rules.rules:
        where = ", ".join(str(path) for path in paths) or BUILTIN
        reason = f"{rules.refused[0].path}: {rules.refused[0].reason}" if rules.refused else "no file holds a rule"
        raise RuleError(f"not one rule can run: {reason}", where=where, hint="give Sigma rules, or `builtin`")
    return rules


class _QuietEngine(RE2RegexEngine):
    """pySigma's safe engine, without its complaints on stderr: the reason goes into the ledger."""

    def compile(self, pattern: str, flags: int = 0) -> RegexPattern:
        letters = "".join(letter for flag, letter in _LETTERS.items() if flags & flag)
        return cast("RegexPattern", re2.compile(f"(?{letters}){pattern}" if letters else pattern, _QUIET))


_LETTERS = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s"}
_QUIET = re2.Options()
_QUIET.log_errors = False
_POLICY = SigmaPolicy(regex_engine=_QuietEngine())


@dataclass(slots=True)
class _Ledger:
    """What becomes of every document of every file."""

    rules: list[Rule] = field(default_factory=list)
    refused: list[RuleState] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    not_rules: list[str] = field(default_factory=list)
    path_by_id: dict[str, str] = field(default_factory=dict)

    def take(self, file: RuleFile) -> None:
        for place, document in enumerate(self._documents(file)):
            if document is None:
                continue
            if not isinstance(document, dict) or not _RULE_KEYS & document.keys():
                self.not_rules.append(file.path)
                continue
            try:
                check_alias_expansion(document)
            except SigmaError as error:
                self._refuse(file, {}, _reason(error))
                continue
            try:
                self._take_document(file, place, document)
            # A rule is hostile data to a parser that is not ours: whatever it raises is about this rule alone.
            except Exception as error:  # noqa: BLE001 - one rule, whatever is wrong with it, stops no other
                self._refuse(file, document, _reason(error), line=_line(file, place, error))

    def result(self) -> RuleSet:
        if self.not_rules:
            message = f"{len(self.not_rules)} YAML documents hold no Sigma rule"
            self.problems.append(Problem(code="rule", message=message, where=f"{self.not_rules[0]} and others"))
        return RuleSet(rules=tuple(self.rules), refused=tuple(self.refused), problems=tuple(self.problems))

    def _documents(self, file: RuleFile) -> Iterator[Any]:
        try:
            yield from yaml.load_all(file.content, Loader=SigmaYAMLLoader)
        except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            reason = f"is not valid YAML: {getattr(error, 'problem', None) or error}"
            self._refuse(file, {}, reason, line=mark.line + 1 if mark else None)

    def _take_document(self, file: RuleFile, place: int, document: dict[str, Any]) -> None:
        for key, reason in _UNSUPPORTED.items():
            if key in document:
                self._refuse(file, document, reason)
                return
        rule = SigmaRule.from_dict(document, collect_errors=True, policy=_POLICY)
        if isinstance(rule.detection, EmptySigmaDetections) or isinstance(rule.logsource, EmptyLogSource):
            raise rule.errors[-1]
        loaded = _loaded(rule, file.path, place)
        if loaded.detector.id in self.path_by_id:
            reason = f"has the same id as {self.path_by_id[loaded.detector.id]}, which is kept"
            self._refuse(file, document, reason)
            return
        self.path_by_id[loaded.detector.id] = file.path
        self.rules.append(loaded)
        self.problems += [
            Problem(code="rule-metadata", message=f"{_reason(error)}; the rule runs nevertheless", where=file.path)
            for error in rule.errors
        ]

    def _refuse(self, file: RuleFile, document: dict[str, Any], reason: str, *, line: int | None = None) -> None:
        where = f"{file.path}:{line}" if line else file.path
        tags = document.get("tags")
        kinds = _tagged([str(tag) for tag in tags] if isinstance(tags, list) else [])
        state = RuleState(
            id=str(document.get("id") or file.path),
            title=str(document.get("title") or ""),
            path=where,
            status="inert",
            reason=reason,
            tactics=kinds["tactic"],
            techniques=kinds["technique"],
        )
        self.refused.append(state)


def _loaded(rule: SigmaRule, path: str, place: int) -> Rule:
    kinds = _tagged([str(tag) for tag in rule.tags])
    detector = Detector(
        kind="sigma",
        id=str(rule.id or (f"{path}#{place + 1}" if place else path)),
        title=str(rule.title or Path(path).stem),
        description=str(rule.description or ""),
        # Sigma leaves the level open; one that is not given says neither harmless nor alarming.
        level=Level(str(rule.level)) if rule.level else Level.MEDIUM,
        path=path,
        tactics=kinds["tactic"],
        techniques=kinds["technique"],
        software=kinds["software"],
        groups=kinds["group"],
        false_positives=tuple(str(text) for text in rule.falsepositives),
        references=tuple(str(text) for text in rule.references),
    )
    source = LogSource(
        product=(rule.logsource.product or "").lower(),
        category=(rule.logsource.category or "").lower(),
        service=(rule.logsource.service or "").lower(),
    )
    return Rule(detector=detector, source=source, condition=compile_rule(rule))


def _tagged(tags: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Sort ATT&CK tags by kind; tactics in the order of the matrix, the rest by id."""
    kinds: dict[str, set[str]] = {"tactic": set(), "technique": set(), "software": set(), "group": set()}
    for parsed in map(parse_tag, tags):
        if parsed:
            kinds[parsed[0]].add(parsed[1])
    return {kind: tuple(sorted(ids, key=lambda i: (tactic_rank(i), i))) for kind, ids in kinds.items()}


def _reason(error: Exception) -> str:
    """Say in one line what is wrong."""
    text = error.message if isinstance(error, RuleError) else str(error)
    return " ".join(text.split()) or type(error).__name__


def _line(file: RuleFile, place: int, error: Exception) -> int | None:
    section = "logsource" if isinstance(error, SigmaLogsourceError) else "condition"
    try:
        return line_of(file.content, place, section=section, is_sound=_is_sound)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return None


def _is_sound(key: str, value: Any) -> bool:
    try:
        compile_item(SigmaDetectionItem.from_mapping(key, value, policy=_POLICY))
    # Whatever a parser that is not ours raises on this item, the item is what it cannot take.
    except Exception:  # noqa: BLE001 - of a rule that is refused anyway
        return False
    return True
