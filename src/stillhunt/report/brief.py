"""The brief: the one frozen document that every renderer takes; JSON there and back without loss."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from stillhunt.attribution.assessment import Assessment
from stillhunt.cases.case import Case
from stillhunt.cases.habit import Habit
from stillhunt.cases.sighted import Sighted
from stillhunt.detection.finding import Finding
from stillhunt.errors import InputError
from stillhunt.telemetry.coverage import Coverage

__all__ = ["Brief", "Hashed", "Origin", "encode", "load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashed:
    """A file that was used, so that another analyst can tell whether theirs is the same.

    Attributes:
        path: As it was opened.
        n_bytes: Its size; 0 if it could not be read any more.
        sha256: Of its content; empty if it could not be read any more.
    """

    path: str
    n_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What makes a brief reproducible.

    Attributes:
        command: The command line, without passwords and without what changes no result.
        inputs: Every file that was opened, archives as a whole.
        packages: Name and version of what stillhunt rests on.
    """

    command: tuple[str, ...] = ()
    inputs: tuple[Hashed, ...] = ()
    packages: tuple[tuple[str, str], ...] = ()


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
        origin: What was used to make it.
        sighted: Indicators of others that were met, those whose confidence changes most first.
        tlp: How far it may travel (Traffic Light Protocol 2.0), or empty if nobody said.
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
    origin: Origin = Origin()
    tlp: str = ""
    sighted: tuple[Sighted, ...] = ()


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
