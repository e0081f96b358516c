"""The numbers of the model, read from the one file that ``benchmarks/attribution_fit.py`` writes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec

__all__ = ["Constants", "CountryLayer", "CountryShares", "UnknownGroup", "constants"]


class UnknownGroup(msgspec.Struct, frozen=True):
    """Log-odds that it is nobody known: ``base + per_size * log(1 + items) + per_uplift * uplift``."""

    base: float
    per_size: float
    per_uplift: float


class CountryShares(msgspec.Struct, frozen=True):
    """A country's score: ``factor * log(sum(exp(score))) - per_size * log(groups)``, over its groups."""

    factor: float
    per_size: float


class CountryLayer(msgspec.Struct, frozen=True):
    """Two ways to weigh countries: somebody known did it, or somebody new, for whom no report speaks."""

    known: CountryShares
    new: CountryShares


class Constants(msgspec.Struct, frozen=True):
    """What was fitted on the development cases.

    Attributes:
        weights: Log-odds per unit of each kind of evidence.
        unknown: The unknown group.
        country: The layer of countries.
        mismatch: How much better, in log-odds, another country's group must fit what is left of the techniques
            before the evidence is called inconsistent.
        shortlist: Groups that must be listed for the true one to be among them in 80 % of cases.
        made_from: What they were fitted on.
    """

    weights: Mapping[str, float]
    unknown: UnknownGroup
    country: CountryLayer
    mismatch: float
    shortlist: int
    made_from: str = ""


@cache
def constants() -> Constants:
    """Return the numbers that come with stillhunt."""
    return msgspec.json.decode(
        (files("stillhunt.attribution") / "data" / "calibration.json").read_bytes(), type=Constants
    )
