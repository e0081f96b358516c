"""An assessment: ranked groups with evidence and probability, or an abstention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["UNKNOWN_GROUP", "Assessment", "EvidenceItem", "Hypothesis"]

UNKNOWN_GROUP = "unknown group"
"""Name and id of the hypothesis that it is nobody in the knowledge base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceItem:
    """One line of reasoning for or against a hypothesis.

    Attributes:
        kind: ``technique``, ``parent-technique``, ``software``, ``software-exclusivity``, ``reporting``.
        id: What it is about, such as ``T1505.003`` or ``S0020``.
        title: Its name.
        weight: Contribution to the score in log-odds units; negative speaks against.
        n_groups: How many known groups use it: its diagnosticity.
        quote: The source's words for the claim that this group uses it; empty if none is held.
        source: Who says so: citation names and the knowledge base's version.
        findings: Ids of the findings that show it in the logs.
    """

    kind: str
    id: str
    title: str
    weight: float
    n_groups: int
    quote: str = ""
    source: str = ""
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """One group, or the unknown one, and how probable it is that it did this.

    Attributes:
        group: ATT&CK group id, or :data:`UNKNOWN_GROUP`.
        name: Its ATT&CK name.
        aliases: Other names.
        probability: Calibrated probability; all hypotheses of an assessment sum to 1.
        term: PHIA term of that probability.
        score: Sum of the weights of its evidence.
        evidence_for: Items that raise it, strongest first.
        evidence_against: What this group is known for that was looked for here and not seen, or seen elsewhere.
    """

    group: str
    name: str
    aliases: tuple[str, ...]
    probability: float
    term: str
    score: float
    evidence_for: tuple[EvidenceItem, ...] = ()
    evidence_against: tuple[EvidenceItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """Who a case most likely is, with the courage to say that nobody can be named.

    Attributes:
        case: Case id.
        statement: One or two sentences in estimative language; never likelihood and confidence in one sentence.
        is_abstention: True if nobody is named.
        threshold: Probability below which nobody is named.
        confidence: Analytic confidence rating (PHIA AnCR), apart from the likelihood.
        confidence_why: One sentence.
        hypotheses: Ranked by probability, the unknown group among them; at most the leading ones.
        n_candidates: Groups that were weighed.
        would_decide: What evidence would decide, as things to look for.
        cautions: What speaks against trusting this, such as one kind of evidence only.
        knowledge: Name and version of the knowledge base.
    """

    case: str
    statement: str
    is_abstention: bool
    threshold: float
    confidence: Literal["low", "moderate", "high"]
    confidence_why: str
    hypotheses: tuple[Hypothesis, ...]
    n_candidates: int
    would_decide: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    knowledge: str = ""
