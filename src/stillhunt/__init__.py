"""stillhunt: find who is lurking in months of logs, date it, attribute it, and tell it so it can be checked.

>>> import stillhunt
>>> result = stillhunt.hunt("logs/")                                  # doctest: +SKIP
>>> result.cases, result.findings, result.coverage                    # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stillhunt.attribution.assessment import Assessment
    from stillhunt.cases.case import Case
    from stillhunt.detection.finding import Finding
    from stillhunt.errors import StillhuntError
    from stillhunt.report.brief import Brief
    from stillhunt.telemetry.coverage import Coverage
    from stillhunt.workflows.demo import demo
    from stillhunt.workflows.hunt import Hunt, hunt

__all__ = ["Assessment", "Brief", "Case", "Coverage", "Finding", "Hunt", "StillhuntError", "demo", "hunt"]

# Loaded when first used (PEP 562), so that `stillhunt --help` does not wait for Arrow.
_HOMES = {
    "Assessment": "stillhunt.attribution.assessment",
    "Brief": "stillhunt.report.brief",
    "Case": "stillhunt.cases.case",
    "Coverage": "stillhunt.telemetry.coverage",
    "Finding": "stillhunt.detection.finding",
    "Hunt": "stillhunt.workflows.hunt",
    "StillhuntError": "stillhunt.errors",
    "demo": "stillhunt.workflows.demo",
    "hunt": "stillhunt.workflows.hunt",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module `stillhunt` has no attribute `{name}`"
        raise AttributeError(message)
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
