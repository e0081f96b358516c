"""The brief: the one frozen document that every renderer takes; JSON there and back without loss."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from stillhunt.attribution.assessment import Assessment
from stillhunt.cases.case import Case
from stillhunt.cases.habit import Habit
from stillhunt.detection.finding import Finding
from stillhunt.errors import InputError
from stillhunt.telemetry.coverage import Coverage

__all__ = ["Brief", "encode", "load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """Everything a reader may be told.

    Attributes:
        version: stillhunt's version.
        inputs: The paths that were hunted, as given.
        coverage: What was read, and what could not be seen.
        cases: Cases, most serious first.
        assessments: One per case, in the same order.
        findings: All findings, in order of time.
        technique_names: ATT&CK technique id to name, for every id in the cases.
        technique_tactics: The tactics ATT&CK lists each of them under.
        software_names: ATT&CK software id to name, for every id in the cases.
        habits: Findings that are habits of the estate, and so in no case.
    """

    version: str
    inputs: tuple[str, ...]
    coverage: Coverage
    cases: tuple[Case, ...]
    assessments: tuple[Assessment, ...]
    findings: tuple[Finding, ...]
    technique_names: dict[str, str]
    technique_tactics: dict[str, tuple[str, ...]]
    software_names: dict[str, str]
    habits: tuple[Habit, ...] = ()


def encode(brief: Brief) -> bytes:
    """Return a brief as JSON text."""
    return msgspec.json.encode(brief)


def load(path: Path) -> Brief:
    """Read a brief that was written as :func:`encode` gives it.

    Raises:
        InputError: The file is missing, or is no brief.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Brief)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except msgspec.MsgspecError as error:
        raise InputError(
            f"is no brief of stillhunt: {error}", where=str(path), hint="give the brief.json of a workspace"
        ) from error
