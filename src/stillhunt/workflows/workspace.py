"""The folder that results live in: written whole, each file atomically, read again by ``report``."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec

from stillhunt.cases.continuity import continued
from stillhunt.detection.sigma.files import read_all, read_values
from stillhunt.errors import InputError, RuleError, UnknownNameError
from stillhunt.report import brief as briefs
from stillhunt.report.brief import Brief
from stillhunt.report.renderers import html, markdown, terminal
from stillhunt.telemetry.store.manifest import is_store
from stillhunt.workflows.cycles import no_search_for_cycles
from stillhunt.workflows.lookup import FINDINGS, INDEX, MARKER, Marker, UsedPath, index_of, read_marker

__all__ = ["FORMATS", "MARKER", "cases_as_json", "check", "load_brief", "rendered", "save", "write"]

FORMATS = ("html", "md", "json", "terminal")
"""What a brief can be rendered as."""


def check(folder: Path) -> None:
    """Make sure that a folder may be written into, before hours of work depend on it.

    Raises:
        InputError: The folder is a file, or holds something that stillhunt did not write.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file, not a folder", where=str(folder), hint="choose another folder with --out")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).is_file() and not is_store(folder):
        message = "holds files that stillhunt did not write"
        raise InputError(message, where=str(folder), hint="choose an empty folder with --out")


def cases_as_json(brief: Brief) -> bytes:
    """Return cases and their assessments as JSON text."""
    pairs = [{"case": c, "assessment": a} for c, a in zip(brief.cases, brief.assessments, strict=True)]
    return _pretty({"cases": pairs})


@no_search_for_cycles()
def save(
    brief: Brief,
    folder: Path,
    *,
    rules: Sequence[str | Path] | None = None,
    values: Sequence[str | Path] = (),
    mappings: Sequence[str | Path] = (),
    zone: str = "",
) -> tuple[Path, ...]:
    """Write a brief's files into a workspace folder and return their paths.

    Cases that were in the folder before keep their ids. Beside them it writes what later commands look things up in:
    the marker and the index of the findings.

    Args:
        brief: What to write.
        folder: Where.
        rules: Paths of the rules that were used, as they were given to the hunt; none for the built-in pack.
            None where nothing was hunted: what the folder says of them is kept.
        values: Paths of lists of values for the rules' placeholders.
        mappings: Paths of files that describe logs which no source knows.
        zone: The time zone that the hunt was given; empty for none.

    Raises:
        InputError: The folder holds something else, or cannot be written.
    """
    check(folder)
    brief = _continued(brief, folder)
    lines = [(finding.id, msgspec.json.encode(finding) + b"\n") for finding in brief.findings]
    files = {
        "case.html": html.render(brief).encode(),
        "cases.json": cases_as_json(brief),
        FINDINGS: b"".join(line for _, line in lines),
        "coverage.json": _pretty(brief.coverage),
        "brief.json": briefs.encode(brief),
    }
    used_rules, used_values, used_mappings, used_zone = (
        _kept(folder) if rules is None else (_rules_used(rules), _values_used(values), _values_used(mappings), zone)
    )
    marker = Marker(
        made_by="stillhunt",
        version=brief.version,
        inputs=brief.inputs,
        rules=used_rules,
        values=used_values,
        mappings=used_mappings,
        zone=used_zone,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / MARKER, _pretty(marker))
        written = tuple(_write(folder / name, content) for name, content in files.items())
        _write(folder / INDEX, index_of((id_, len(line)) for id_, line in lines))
    except OSError as error:
        message = f"cannot be written: {error.strerror}"
        raise InputError(message, where=str(folder), hint="choose another folder with --out") from error
    return written


def _continued(brief: Brief, folder: Path) -> Brief:
    """Give cases the ids that they had when these logs, or some of them, were hunted into this folder before."""
    try:
        former = briefs.load(folder / "brief.json")
    except InputError:
        return brief  # nothing was hunted into it yet, or nothing that can be read
    known = {case.id: (*case.findings, *case.context) for case in former.cases}
    cases = continued(known, brief.cases).cases
    pairs = zip(cases, brief.assessments, strict=True)
    return replace(brief, cases=cases, assessments=tuple(replace(a, case=case.id) for case, a in pairs))


def _rules_used(rules: Sequence[str | Path]) -> tuple[UsedPath, ...]:
    try:
        return tuple(UsedPath(path=given.path, sha256=given.digest().hex()) for given in read_all(rules))
    except RuleError:
        # They were there when the hunt began; hours of work are not lost because they are gone now.
        return tuple(UsedPath(path=str(path), sha256="") for path in rules)


def _values_used(values: Sequence[str | Path]) -> tuple[UsedPath, ...]:
    try:
        read = read_values(values)
        return tuple(UsedPath(path=file.path, sha256=hashlib.sha256(file.content).hexdigest()) for file in read)
    except RuleError:
        return tuple(UsedPath(path=str(path), sha256="") for path in values)


def _kept(folder: Path) -> tuple[tuple[UsedPath, ...], tuple[UsedPath, ...], tuple[UsedPath, ...], str]:
    with suppress(InputError):
        marker = read_marker(folder)
        return marker.rules, marker.values, marker.mappings, marker.zone
    return (), (), (), ""


def load_brief(folder: Path) -> Brief:
    """Read the brief of a workspace again.

    Raises:
        InputError: The folder is no workspace, or its brief is damaged.
    """
    if not (folder / MARKER).is_file():
        raise InputError(
            "is no workspace of stillhunt", where=str(folder), hint="give the folder that `hunt --out` wrote"
        )
    return briefs.load(folder / "brief.json")


def rendered(brief: Brief, form: str) -> bytes:
    """Return a brief in one of :data:`FORMATS`; for a terminal, without colours.

    Raises:
        UnknownNameError: There is no such format.
    """
    match form:
        case "html":
            return html.render(brief).encode()
        case "md":
            return markdown.render(brief).encode()
        case "json":
            return briefs.encode(brief)
        case "terminal":
            return terminal.as_text(brief).encode()
        case _:
            raise UnknownNameError(f"there is no format `{form}`", hint=f"one of {', '.join(FORMATS)}")


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises:
        InputError: It cannot be written.
    """
    try:
        _write(path, content)
    except OSError as error:
        message = f"cannot be written: {error.strerror}"
        raise InputError(message, where=str(path), hint="choose another file with --out") from error


def _pretty(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def _write(path: Path, content: bytes) -> Path:
    """Write beside and rename, so that a reader or a killed run never leaves half a file under the name."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path
