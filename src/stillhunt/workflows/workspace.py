"""The folder that results live in: written whole, each file atomically, read again by ``report``."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from stillhunt.errors import InputError
from stillhunt.report import brief as briefs
from stillhunt.report.brief import Brief
from stillhunt.report.renderers import html

__all__ = ["MARKER", "cases_as_json", "check", "load_brief", "save"]

MARKER = "stillhunt-workspace.json"
"""A folder that holds this file is a workspace: hunts do not read it as logs, and may write into it."""


def check(folder: Path) -> None:
    """Make sure that a folder may be written into, before hours of work depend on it.

    Raises:
        InputError: The folder is a file, or holds something that stillhunt did not write.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file, not a folder", where=str(folder), hint="choose another folder with --out")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        message = "holds files that stillhunt did not write"
        raise InputError(message, where=str(folder), hint="choose an empty folder with --out")


def cases_as_json(brief: Brief) -> bytes:
    """Return cases and their assessments as JSON text."""
    pairs = [{"case": c, "assessment": a} for c, a in zip(brief.cases, brief.assessments, strict=True)]
    return _pretty({"cases": pairs})


def save(brief: Brief, folder: Path) -> tuple[Path, ...]:
    """Write a brief's files into a workspace folder and return their paths.

    Raises:
        InputError: The folder holds something else, or cannot be written.
    """
    check(folder)
    files = {
        "case.html": html.render(brief).encode(),
        "cases.json": cases_as_json(brief),
        "findings.jsonl": b"".join(msgspec.json.encode(f) + b"\n" for f in brief.findings),
        "coverage.json": _pretty(brief.coverage),
        "brief.json": briefs.encode(brief),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / MARKER, _pretty({"made_by": "stillhunt", "version": brief.version}))
        return tuple(_write(folder / name, content) for name, content in files.items())
    except OSError as error:
        message = f"cannot be written: {error.strerror}"
        raise InputError(message, where=str(folder), hint="choose another folder with --out") from error


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
