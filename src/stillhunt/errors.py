"""Everything stillhunt raises on purpose, and errors kept as data.

    StillhuntError                 base: message, where, hint; ``code`` is a stable slug
    ├── InputError                 what was given cannot be used (also ValueError)
    │   ├── UnknownNameError       no such source, renderer, scenario
    │   ├── SourceError            a log is unreadable, or not what it claims to be
    │   ├── RuleError              a rule is invalid, or asks for what stillhunt cannot do
    │   └── ClaimError             no source, no quote, or a column holds what it cannot
    └── EngineError                the work itself failed
        └── MissingExtraError      a package is needed that the plain installation leaves out

Trouble that makes the answer impossible is raised. Trouble that makes it incomplete becomes a
:class:`Problem` in the result, so that a reader knows what was not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

__all__ = [
    "ClaimError",
    "EngineError",
    "InputError",
    "MissingExtraError",
    "Problem",
    "RuleError",
    "SourceError",
    "StillhuntError",
    "UnknownNameError",
]


class StillhuntError(Exception):
    """An error that stillhunt raises on purpose: one sentence, where it happened, what to do.

    Args:
        message: One sentence in lower case without a full stop.
        where: File, record, line or name the sentence is about.
        hint: What the reader can do about it.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message

    def as_problem(self) -> Problem:
        """Keep this error as data."""
        return Problem(code=self.code, message=self.message, where=self.where, hint=self.hint)


class InputError(StillhuntError, ValueError):
    """What was given cannot be used."""

    code = "input"


class UnknownNameError(InputError):
    """There is no thing of that name."""

    code = "unknown-name"


class SourceError(InputError):
    """A log is unreadable, or not what it claims to be."""

    code = "source"


class RuleError(InputError):
    """A rule is invalid, or asks for what stillhunt cannot do."""

    code = "rule"


class ClaimError(InputError):
    """A claim has no source or no quote, or a column holds what it cannot."""

    code = "claim"


class EngineError(StillhuntError):
    """The work itself failed."""

    code = "engine"


class MissingExtraError(EngineError):
    """A package is needed that the plain installation leaves out.

    Args:
        package: What is missing.
        extra: The extra of stillhunt that brings it.
    """

    code = "missing-extra"

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"the package `{package}` is not installed", hint=f'pip install "stillhunt[{extra}]"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An error that did not stop the run, kept in the result.

    Attributes:
        code: Stable slug of the kind of trouble, a heading in ``docs/reference/errors.md``.
        message: One sentence: what was found and what was expected.
        where: File and record, line or byte the sentence is about.
        hint: What the reader can do about it.
    """

    code: str
    message: str
    where: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message
