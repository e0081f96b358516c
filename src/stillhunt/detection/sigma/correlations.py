"""A Sigma correlation, as pySigma reads it, to one that can run.

Source of the semantics: Sigma specification 2.1, "Sigma Correlation Rules", and pySigma 2.0.1, whose parser is the
rule of record. Beyond it, as the specification has them: several comparisons in one condition (``gt: 100`` and
``lte: 200``), ``AND``, ``OR`` and ``NOT`` in capitals; and percentiles that are no whole numbers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionItem,
    CorrelationConditionNOT,
    SigmaCorrelationCondition,
    SigmaCorrelationFieldAlias,
    SigmaCorrelationRule,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)
from sigma.exceptions import SigmaError

from stillhunt.detection.correlation.condition import (
    Comparison,
    Expression,
    Operator,
    alternatives,
    can_hold,
)
from stillhunt.detection.correlation.model import COUNTS, TEMPORAL, Alias, Correlation, CorrelationType
from stillhunt.detection.sigma.detector import detector_of
from stillhunt.detection.sigma.filters import canonical
from stillhunt.errors import RuleError

__all__ = ["References", "compile_correlation", "metadata_errors"]

_OPERATORS: tuple[Operator, ...] = ("gt", "gte", "lt", "lte", "eq", "neq")
_CAPITALS = re.compile(r"\b(AND|OR|NOT)\b")
_LONGEST_YEARS = 100
_LONGEST_S = _LONGEST_YEARS * 31_556_952
_SECOND_US = 1_000_000
_CORRELATION_FAULTS = ("SigmaCorrelation", "SigmaTimespan")
_NOT_EXPECTED = (AttributeError, TypeError, ValueError, KeyError, RecursionError)
"""What pySigma raises on values of a kind that it does not expect."""


class References:
    """What correlations may refer to: rules and other correlations, by id and by name."""

    def __init__(self) -> None:
        self._found: dict[str, set[str]] = {}
        self._inert: dict[str, str] = {}

    def add(self, detector_id: str, *names: object) -> None:
        """Let something that runs be found by its id and name, as far as it has them."""
        for name in names:
            if name:
                self._found.setdefault(canonical(str(name)), set()).add(detector_id)

    def add_inert(self, path: str, *names: str) -> None:
        """Note where something stands that cannot run."""
        for name in names:
            self._inert.setdefault(canonical(name), path)

    def find(self, reference: object) -> str:
        """Return the detector id of what is referred to.

        Raises:
            RuleError: There is no such rule, it cannot run, or several have this name.
        """
        if not isinstance(reference, str):
            raise RuleError(f"refers to `{reference}`, which is not text: a rule is named by id or name")
        name = canonical(reference)
        found = self._found.get(name, set())
        if len(found) > 1:
            raise RuleError(f"refers to `{reference}`, the name of {len(found)} rules", hint="refer to it by id")
        if found:
            return next(iter(found))
        if name in self._inert:
            reason = f"refers to `{reference}`, which cannot run: see {self._inert[name]}"
            raise RuleError(reason, hint="correct that one first")
        raise RuleError(f"refers to `{reference}`, which is none of the rules", hint="give that rule as well")


def compile_correlation(
    document: Mapping[str, Any], path: str, references: References, detector_id: str
) -> Correlation:
    """Compile a correlation.

    Args:
        document: The YAML document.
        path: Where it was read from.
        references: What it may refer to.
        detector_id: Its id among all rules.

    Raises:
        RuleError: It is not sound, refers to what is not there or to itself, or asks for what stillhunt cannot do.
            That it refers to itself through others is found by
            :func:`~stillhunt.detection.correlation.chain.link`.
    """
    sigma = _sound(document)
    try:
        return _compiled(sigma, _asked(document), references, path=path, detector_id=detector_id)
    except SigmaError as error:
        raise RuleError(str(error)) from error
    except RecursionError as error:
        raise RuleError("is nested too deeply") from error


def metadata_errors(document: Mapping[str, Any]) -> tuple[SigmaError, ...]:
    """Return what is careless in a correlation but does not keep it from running, such as a date that is none.

    Raises:
        RuleError: It is not sound.
    """
    return tuple(_sound(document).errors)


def _sound(document: Mapping[str, Any]) -> SigmaCorrelationRule:
    try:
        rule = SigmaCorrelationRule.from_dict(_as_pysigma_takes_it(document), collect_errors=True)
    except SigmaError as error:
        raise RuleError(str(error)) from error
    except _NOT_EXPECTED as error:
        if isinstance(error, RecursionError):
            raise RuleError("is nested too deeply") from error
        raise RuleError(f"pySigma cannot read a value of it: {error}") from error
    for fault in rule.errors:
        if type(fault).__name__.startswith(_CORRELATION_FAULTS):
            raise RuleError(str(fault)) from fault
    return rule


def _as_pysigma_takes_it(document: Mapping[str, Any]) -> dict[str, Any]:
    """Write what pySigma does not know in words that it does: one comparison, and small letters."""
    asked = _asked(document)
    condition = asked.get("condition")
    if isinstance(condition, str):
        condition = _CAPITALS.sub(lambda word: word[0].lower(), condition)
    elif isinstance(condition, dict):
        given = [name for name in _OPERATORS if name in condition]
        condition = {key: value for key, value in condition.items() if key not in given[1:]}
    else:
        return dict(document)
    return {**document, "correlation": {**asked, "condition": condition}}


def _asked(document: Mapping[str, Any]) -> dict[str, Any]:
    asked = document.get("correlation")
    return asked if isinstance(asked, dict) else {}


def _compiled(
    sigma: SigmaCorrelationRule, asked: Mapping[str, Any], references: References, *, path: str, detector_id: str
) -> Correlation:
    detector = detector_of(sigma, kind="sigma-correlation", detector_id=detector_id, path=path)
    seconds = sigma.timespan.seconds
    if seconds > _LONGEST_S:
        raise RuleError(f"timespan `{sigma.timespan.spec}` is longer than {_LONGEST_YEARS} years")
    rules = _rules(sigma, references)
    if detector.id in rules.values():
        raise RuleError("refers to itself", hint="refer to the rules that it correlates")
    kind = cast("CorrelationType", sigma.type.name.lower())
    correlation = Correlation(
        detector=detector,
        type=kind,
        rules=tuple(rules.values()),
        timespan_us=seconds * _SECOND_US,
        group_by=tuple(dict.fromkeys(sigma.group_by or ())),
        aliases=tuple(_alias(alias, references) for alias in sigma.aliases),
        comparisons=_comparisons(sigma, asked),
        expression=_expression(sigma, rules),
        fields=_fields(sigma, kind) if kind not in TEMPORAL | {"event_count"} else (),
        percentile=_percentile(sigma, asked) if kind == "value_percentile" else None,
        generate=sigma.generate,
    )
    _check(correlation)
    return correlation


def _rules(sigma: SigmaCorrelationRule, references: References) -> dict[str, str]:
    """Return detector ids by the words that the correlation uses for them."""
    if sigma.rules is not None:
        named = [reference.reference for reference in sigma.rules]
    else:
        named = cast("SigmaExtendedCorrelationCondition", sigma.condition).get_referenced_rules()
    if not named:
        raise RuleError("refers to no rule", hint="name rules by id or name under `rules`")
    found: dict[str, str] = {}
    for name in named:
        detector_id = references.find(name)
        if detector_id in found.values():
            raise RuleError(f"refers to the rule `{name}` twice")
        found[name] = detector_id
    return found


def _alias(alias: SigmaCorrelationFieldAlias, references: References) -> Alias:
    for field in alias.mapping.values():
        if not isinstance(field, str) or not field:
            raise RuleError(f"alias `{alias.alias}` stands for `{field}`, which is no field name")
    fields = tuple((references.find(rule.reference), field) for rule, field in alias.mapping.items())
    return Alias(name=str(alias.alias), fields=fields)


def _comparisons(sigma: SigmaCorrelationRule, asked: Mapping[str, Any]) -> tuple[Comparison, ...]:
    if isinstance(sigma.condition, SigmaExtendedCorrelationCondition):
        return ()
    written = asked.get("condition")
    if not isinstance(written, dict):
        return (_comparison(sigma.condition),)
    others = {key: value for key, value in written.items() if key not in _OPERATORS}
    return tuple(
        _comparison(SigmaCorrelationCondition.from_dict({**others, name: written[name]}))
        for name in _OPERATORS
        if name in written
    )


def _comparison(condition: SigmaCorrelationCondition) -> Comparison:
    return Comparison(operator=cast("Operator", condition.op.name.lower()), number=condition.count)


def _expression(sigma: SigmaCorrelationRule, rules: Mapping[str, str]) -> Expression | None:
    if not isinstance(sigma.condition, SigmaExtendedCorrelationCondition):
        return None
    return _tree(sigma.condition.parsed, rules)


def _tree(parsed: CorrelationConditionItem | SigmaRuleReference, rules: Mapping[str, str]) -> Expression:
    if isinstance(parsed, SigmaRuleReference):
        return Expression(kind="rule", rule=rules[parsed.reference])
    parts = tuple(_tree(part, rules) for part in parsed.args)
    if isinstance(parsed, CorrelationConditionNOT):
        return Expression(kind="not", parts=parts)
    return Expression(kind="and" if isinstance(parsed, CorrelationConditionAND) else "or", parts=parts)


def _fields(sigma: SigmaCorrelationRule, kind: CorrelationType) -> tuple[str, ...]:
    named = sigma.condition.fieldref if isinstance(sigma.condition, SigmaCorrelationCondition) else None
    fields = tuple(dict.fromkeys(named)) if isinstance(named, list) else (named,)
    if not fields or not all(isinstance(field, str) and field for field in fields):
        raise RuleError(f"`field` is `{named}`, which is no field name")
    if len(fields) > 1 and kind != "value_count":
        raise RuleError(f"{kind} calculates with one field, but `field` names {len(fields)}")
    return cast("tuple[str, ...]", fields)


def _percentile(sigma: SigmaCorrelationRule, asked: Mapping[str, Any]) -> int | float:
    """Return the percentile as written, which pySigma cuts to a whole number."""
    written = asked.get("condition")
    found = written.get("percentile") if isinstance(written, dict) else None
    if found is None and isinstance(sigma.condition, SigmaCorrelationCondition):
        found = sigma.condition.percentile
    if found is None:
        raise RuleError("value_percentile does not say which one", hint="add `percentile: 95` to the condition")
    number = float(found)
    if not 0 <= number <= 100:
        raise RuleError(f"`percentile: {found}` is not between 0 and 100")
    return int(number) if number.is_integer() else number


def _check(correlation: Correlation) -> None:
    """Refuse what no window can satisfy, which would look as if nothing had happened."""
    if correlation.expression is not None:
        _check_expression(correlation.expression)
        return
    least = 1 if correlation.type in COUNTS else None
    most = len(correlation.rules) if correlation.type in TEMPORAL else None
    if not can_hold(correlation.comparisons, least=least, most=most):
        written = ", ".join(str(one) for one in correlation.comparisons)
        among = f" of {most}" if most else ""
        reason = f": what is counted{among} is at least 1, since a window holds an event" if least else ""
        raise RuleError(f"the condition can never hold ({written}){reason}", hint="correct its numbers")


def _check_expression(expression: Expression) -> None:
    try:
        ways = alternatives(expression)
    except ValueError as error:
        raise RuleError(str(error), hint="split it into several correlations") from error
    if not ways:
        raise RuleError("the condition can never hold: it asks for a rule and for its absence")
