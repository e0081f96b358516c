"""Behaviour: what shows only over months, found by comparing an estate with itself.

``model.py`` says what an analytic is; each is one file in ``analytics/`` and is found by its name. ``join.py`` joins
aggregates; ``watch.py`` runs all analytics over a hunt; ``flows.py``, ``logons.py`` and ``names.py`` are views of
events that several share; ``baseline.py`` has the robust statistics.
"""

from __future__ import annotations

from stillhunt.detection.behaviour.model import Analytic
from stillhunt.registry import Registry

__all__ = ["ANALYTICS"]

ANALYTICS: Registry[Analytic] = Registry(
    "analytic", package="stillhunt.detection.behaviour.analytics", constant="ANALYTIC", group="stillhunt.analytics"
)
