"""Rule filters: a site's own exclusions, added to the rules they name or to all of a log source.

Source of the semantics: pySigma's ``SigmaFilter``, which also applies them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from uuid import UUID

from sigma.filters import EmptySigmaGlobalFilter, SigmaFilter
from sigma.policy import SigmaPolicy
from sigma.rule import SigmaDetections, SigmaLogSource, SigmaRule
from sigma.rule.logsource import EmptyLogSource

from stillhunt.detection.sigma.compile import compile_rule
from stillhunt.detection.sigma.documents import Document
from stillhunt.detection.sigma.values import Lists, placeholders
from stillhunt.kernel.program import Node

__all__ = ["Filter", "canonical", "relabelled"]

_RENAMED = re.compile("^_filt_[a-z]{10}_")
"""How pySigma renames the detections of a filter, at random, so that they meet none of the rule."""


@dataclass(slots=True, kw_only=True)
class Filter:
    """A rule filter, and what it was applied to.

    Attributes:
        document: Where it stands.
        sigma: As pySigma read it, placeholders filled.
        n_rules: Rules that it was applied to.
    """

    document: Document
    sigma: SigmaFilter
    n_rules: int = field(default=0)

    @classmethod
    def read(cls, document: Document, *, lists: Lists, policy: SigmaPolicy) -> Filter:
        """Read a filter and try it on a rule that holds always.

        Raises:
            RuleError: It asks for what stillhunt cannot do, or has a placeholder without a list.
            SigmaError: It is no sound filter.
        """
        sigma = SigmaFilter.from_dict(document.content, collect_errors=True, policy=policy)
        if isinstance(sigma.filter, EmptySigmaGlobalFilter) or isinstance(sigma.logsource, EmptyLogSource):
            raise sigma.errors[-1]
        lists.fill(sigma.filter)
        found = cls(document=document, sigma=sigma)
        if not placeholders(sigma.filter):
            found.check(policy)
        return found

    def check(self, policy: SigmaPolicy) -> None:
        """Compile it upon a rule that is nothing but sound.

        Raises:
            RuleError: It asks for what stillhunt cannot do.
            SigmaError: Its condition cannot be parsed, or names what it does not define.
        """
        for_any = replace(self.sigma, filter=replace(self.sigma.filter, rules="any"))
        compile_rule(_plain_rule(self.sigma.logsource, policy, for_any))

    def apply(self, rule: SigmaRule) -> bool:
        """Add it to a rule, in place, if it is about that rule; say whether it is."""
        n_before = len(rule.detection.detections)
        self.sigma.apply_on_rule(rule)
        return len(rule.detection.detections) > n_before

    def unknown(self, ids: frozenset[str]) -> list[str]:
        """Return what it names and is not among these ids and names of rules."""
        named = self.sigma.filter.rules
        references = [] if isinstance(named, str) else [str(reference.reference) for reference in named]
        return [reference for reference in references if canonical(reference) not in ids]

    def why_idle(self, ids: frozenset[str]) -> str:
        """Say why it was applied to nothing."""
        unknown = self.unknown(ids)
        if unknown:
            return f"filters nothing: there is no rule {', '.join(f'`{reference}`' for reference in unknown)}"
        return "filters nothing: none of the rules it is about has a log source within its own"


def _plain_rule(source: SigmaLogSource, policy: SigmaPolicy, applied: SigmaFilter) -> SigmaRule:
    detection = SigmaDetections.from_dict({"any": {"x": "y"}, "condition": "any"}, policy=policy)
    rule = SigmaRule(title="a rule", logsource=source, detection=detection)
    applied.apply_on_rule(rule)
    return rule


def canonical(reference: str) -> str:
    """Write an id as pySigma compares it; names stay as they are."""
    try:
        return str(UUID(reference))
    except ValueError:
        return reference


def relabelled(node: Node) -> Node:
    """Return a condition in which what came from a filter says so, by its own names."""
    return replace(
        node,
        label=_RENAMED.sub("filter ", node.label),
        children=tuple(relabelled(child) for child in node.children),
    )
