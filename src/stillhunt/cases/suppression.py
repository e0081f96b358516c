r"""What a site does not want to look at, and why: applied when results are looked at, never when they are made.

A YAML file, a list of entries::

    - id: backup-agent
      match: {rule: Shadow copies deleted, host: '*.backup.corp.example', account: 'corp\\svc_backup'}
      owner: anna@corp.example
      reason: the backup agent deletes its own copies at night
      expires: 2027-01-31

An entry hides a finding for which all that it names agree. ``*`` and ``?`` are wildcards, case does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import Any

import yaml

from stillhunt.detection.finding import Finding
from stillhunt.errors import InputError
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level

__all__ = ["Suppressed", "Suppression", "read_suppressions", "suppressed"]

_ENTITIES = {
    "host": EntityKind.HOST,
    "account": EntityKind.ACCOUNT,
    "address": EntityKind.ADDRESS,
    "domain": EntityKind.DOMAIN,
    "process": EntityKind.PROCESS,
    "file": EntityKind.FILE,
    "hash": EntityKind.HASH,
    "service": EntityKind.SERVICE,
    "mailbox": EntityKind.MAILBOX,
    "url": EntityKind.URL,
}
_MATCHED = ("rule", "level", *_ENTITIES)
_REQUIRED = ("id", "match", "owner", "reason", "expires")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One entry.

    Attributes:
        id: Its name, once in all files.
        match: What it names, to patterns in lower case.
        owner: Who answers for it.
        reason: Why.
        expires: Last day on which it holds.
        where: File and line.
    """

    id: str
    match: Mapping[str, str]
    owner: str
    reason: str
    expires: date
    where: str

    def fits(self, finding: Finding) -> bool:
        """Tell whether all that it names agrees with a finding."""
        return all(
            any(fnmatchcase(said, pattern) for said in _said(finding, key)) for key, pattern in self.match.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """What became of suppressions.

    Attributes:
        by_finding: Id of a hidden finding to the id of the first entry that hides it.
        expired: Entries that no longer hold.
        idle: Entries that hide nothing.
    """

    by_finding: Mapping[str, str]
    expired: tuple[Suppression, ...] = ()
    idle: tuple[Suppression, ...] = ()


def suppressed(findings: Sequence[Finding], entries: Sequence[Suppression], *, today: date) -> Suppressed:
    """Apply entries to findings.

    Args:
        findings: All findings.
        entries: All entries.
        today: The day on which they are looked at.
    """
    holding = [entry for entry in entries if entry.expires >= today]
    by_finding: dict[str, str] = {}
    for finding in findings:
        found = next((entry.id for entry in holding if entry.fits(finding)), None)
        if found:
            by_finding[finding.id] = found
    used = set(by_finding.values())
    return Suppressed(
        by_finding=by_finding,
        expired=tuple(entry for entry in entries if entry.expires < today),
        idle=tuple(entry for entry in holding if entry.id not in used),
    )


def read_suppressions(files: Mapping[str, str]) -> tuple[Suppression, ...]:
    """Read entries.

    Args:
        files: Path to content.

    Raises:
        InputError: A file is not YAML, or an entry is incomplete, says what nothing is called, or is there twice.
    """
    found: dict[str, Suppression] = {}
    for path, content in files.items():
        for line, entry in _entries(path, content):
            read = _suppression(entry, f"{path}:{line}")
            if read.id in found:
                raise InputError(f"`{read.id}` is there already: {found[read.id].where}", where=read.where)
            found[read.id] = read
    return tuple(found.values())


def _entries(path: str, content: str) -> list[tuple[int, Any]]:
    try:
        node = yaml.compose(content, Loader=yaml.SafeLoader)
        values = yaml.safe_load(content)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else path
        raise InputError(f"is not YAML: {getattr(error, 'problem', error)}", where=place) from error
    if values is None:
        return []
    if not isinstance(values, list):
        raise InputError("is no list of suppressions", where=path, hint="begin each entry with `- id: name`")
    items = node.value if node is not None else []
    return [(item.start_mark.line + 1, value) for item, value in zip(items, values, strict=True)]


def _day(given: Any) -> date | None:
    """Return a day, which YAML gives as a date, or as text where somebody quoted it; None if it is none."""
    if isinstance(given, str):
        with suppress(ValueError):
            return date.fromisoformat(given)
    return given if isinstance(given, date) and not isinstance(given, datetime) else None


def _suppression(entry: Any, where: str) -> Suppression:
    if not isinstance(entry, dict):
        raise InputError("is no mapping", where=where, hint=f"give {', '.join(_REQUIRED)}")
    missing = [key for key in _REQUIRED if not entry.get(key)]
    if missing:
        raise InputError(f"lacks `{missing[0]}`", where=where, hint=f"every entry has {', '.join(_REQUIRED)}")
    unknown = sorted(str(key) for key in entry.keys() - set(_REQUIRED))
    if unknown:
        raise InputError(f"`{unknown[0]}` means nothing here", where=where, hint=f"known: {', '.join(_REQUIRED)}")
    expires = _day(entry["expires"])
    if expires is None:
        raise InputError(f"`expires: {entry['expires']}` is no day", where=where, hint="write it as 2027-01-31")
    return Suppression(
        id=str(entry["id"]),
        match=_match(entry["match"], where),
        owner=str(entry["owner"]),
        reason=str(entry["reason"]),
        expires=expires,
        where=where,
    )


def _match(named: Any, where: str) -> dict[str, str]:
    if not isinstance(named, dict):
        raise InputError("`match` is no mapping", where=where, hint="write `match: {rule: ..., host: ...}`")
    unknown = sorted(str(key) for key in named if key not in _MATCHED)
    if unknown:
        raise InputError(f"nothing is called `{unknown[0]}`", where=where, hint=f"known: {', '.join(_MATCHED)}")
    if "level" in named and str(named["level"]).lower() not in set(Level):
        raise InputError(f"`level: {named['level']}` is no level", where=where, hint=f"known: {', '.join(Level)}")
    # Brackets are text here, not a choice of letters.
    return {key: str(pattern).lower().replace("[", "[[]") for key, pattern in named.items()}


def _said(finding: Finding, key: str) -> list[str]:
    """Return what a finding says where an entry may name something, in lower case."""
    if key in _ENTITIES:
        return [entity.value.lower() for entity in finding.entities if entity.kind is _ENTITIES[key]]
    return _OTHERS[key](finding)


_OTHERS: dict[str, Callable[[Finding], list[str]]] = {
    "rule": lambda finding: [finding.detector.id.lower(), finding.detector.title.lower()],
    "level": lambda finding: [str(finding.detector.level)],
}
