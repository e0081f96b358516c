"""The reference page of analytics, from what they say of themselves."""

from __future__ import annotations

import importlib
import inspect

from stillhunt.detection.behaviour import ANALYTICS
from stillhunt.detection.behaviour.model import LEAST_KEPT, TIMES_KEPT, Analytic

__all__ = ["documentation"]

_HEAD = f"""# Analytics

Generated from `detection/behaviour/analytics/`: `python -m stillhunt.detection.behaviour.reference`.

Analytics run in every hunt; `--no-behaviour` leaves them out. Each finding says in one sentence what was seen, beside
it what was measured and the threshold, and points to the records that show it. What the words mean and why this can
work is told in [behaviour](../explanation/behaviour.md).

Of one pair or name the latest {TIMES_KEPT:,} times are kept; numbers of different things up to {LEAST_KEPT} are exact,
larger ones are estimates. Events without a time are not used, and counted in the ledger of detectors.
"""


def documentation() -> str:
    """Return the reference page as Markdown."""
    return _HEAD + "".join(_section(name, ANALYTICS[name]) for name in _built_in())


def _built_in() -> list[str]:
    return [name for name in ANALYTICS.names() if ANALYTICS[name].detector.path == f"behaviour/{name}"]


def _section(name: str, analytic: Analytic) -> str:
    detector = analytic.detector
    module = importlib.import_module(f"stillhunt.detection.behaviour.analytics.{name}")
    thresholds = "".join(f"| {label} | {sentence} |\n" for label, sentence in analytic.thresholds.items())
    return (
        f"\n## `{name}`: {detector.title}\n\n{detector.description}\n\n"
        f"- Level: {detector.level.value}\n"
        f"- ATT&CK: {', '.join(detector.techniques)} ({', '.join(detector.tactics)})\n"
        f"- Logs: {analytic.logs}\n"
        f"- What else looks like this: {'; '.join(detector.false_positives)}\n\n"
        f"{_plain(inspect.getdoc(module) or '')}\n\n"
        f"| threshold | value and reason |\n|---|---|\n{thresholds}"
    )


def _plain(docstring: str) -> str:
    """Return a docstring as Markdown: without its first line's name and without roles."""
    words = docstring.replace("``", "`")
    for role in (":mod:", ":data:", ":func:", ":attr:"):
        words = words.replace(role, "")
    return words.replace("`~stillhunt.", "`stillhunt.")


if __name__ == "__main__":
    import sys

    sys.stdout.write(documentation())
