"""An assessment: ranked groups with evidence and probability, or an abstention."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from stillhunt.attribution.circumstances import Circumstances

__all__ = ["UNKNOWN_GROUP", "Assessment", "CountryShare", "EvidenceItem", "Hypothesis", "WhatIf"]

UNKNOWN_GROUP = "unknown group"
"""Name and id of the hypothesis that it is nobody in the knowledge base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceItem:
    """One line of reasoning for or against a hypothesis.

    Attributes:
        kind: What sort of line it is, such as ``technique`` or ``software-exclusivity``; ``restraint`` is what keeps
            a probability down to what few kinds of evidence allow.
        id: What it is about, such as ``T1505.003`` or ``S0020``.
        title: Its name.
        weight: Contribution to the score in log-odds units; negative speaks against.
        n_groups: How many known groups use it.
        quote: The source's words for the claim that this group uses it; empty if none is held.
        source: Who says so: citation names and the knowledge base's version.
        findings: Ids of the findings that show it in the logs.
        family: Family of evidence it belongs to, such as ``software``; empty for priors.
        likelihood: Likelihood ratio: how many times it multiplies the odds of this group; the weight's exponential.
        cap: Most log-odds that the whole family may add; 0 if it has none.
        grade: Admiralty grade of the claim, such as ``B2``: reliability of who says it, credibility of what is said.
        diagnosticity: 0 if every known group uses it, 1 if one alone does.
    """

    kind: str
    id: str
    title: str
    weight: float
    n_groups: int
    quote: str = ""
    source: str = ""
    findings: tuple[str, ...] = ()
    family: str = ""
    likelihood: float = 1.0
    cap: float = 0.0
    grade: str = ""
    diagnosticity: float = 0.0


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
        evidence_against: What lowers it; what it is known for that was looked for here and not seen, or seen elsewhere.
        country: Code of the country it is said to work from; empty if unknown or disputed.
        kinds: Independent kinds of evidence that single it out.
        inseparable: Ids of groups that this evidence cannot tell from it.
    """

    group: str
    name: str
    aliases: tuple[str, ...]
    probability: float
    term: str
    score: float
    evidence_for: tuple[EvidenceItem, ...] = ()
    evidence_against: tuple[EvidenceItem, ...] = ()
    country: str = ""
    kinds: tuple[str, ...] = ()
    inseparable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryShare:
    """A country that the case may point to.

    Attributes:
        country: Code of ISO 3166-1.
        name: In English.
        probability: Share among the countries that known groups are said to work from, held back where few kinds of
            evidence carry it.
        term: PHIA term of that probability.
        groups: Ids of its groups that fit best.
    """

    country: str
    name: str
    probability: float
    term: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """What becomes of the leading group without one thing.

    Attributes:
        item: What is left out: an id, or ``software`` for all of that group's.
        title: Its name.
        probability: Of the same group, then.
        term: PHIA term of that.
        leader: Id of the known group that leads, then.
    """

    item: str
    title: str
    probability: float
    term: str
    leader: str


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
        resemblance: First layer: what the case resembles, which is not who did it.
        countries: Second layer: countries it may point to, the most probable first.
        origin: The second layer in words.
        shortlist: Ids of the groups among which the true one is in four of five cases, if it is known at all.
        what_if: What is left of the leading group without each item, those that cost most first.
        is_inconsistent: Whether parts of the evidence point to different countries: a possible false flag.
        circumstances: What was known of the case beside techniques and software.
        basis: What it was weighed on, in sentences: what was handed over, and what of it could not be used.
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
    resemblance: str = ""
    countries: tuple[CountryShare, ...] = ()
    origin: str = ""
    shortlist: tuple[str, ...] = ()
    what_if: tuple[WhatIf, ...] = ()
    is_inconsistent: bool = False
    circumstances: Circumstances = field(default_factory=Circumstances)
    basis: tuple[str, ...] = ()
