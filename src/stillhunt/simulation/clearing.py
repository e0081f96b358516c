"""Makes room in a folder for a simulation: what an earlier one wrote goes, whatever else is there is refused."""

from __future__ import annotations

import json
from pathlib import Path

from stillhunt.errors import InputError

__all__ = ["README_NAME", "TRUTH_NAME", "clear_folder"]

TRUTH_NAME = "truth.json"
README_NAME = "README.txt"


def clear_folder(out: Path) -> None:
    """Remove what an earlier simulation wrote.

    Raises:
        InputError: The folder holds something that no simulation wrote.
    """
    if not out.exists():
        return
    hint = "name a new or empty folder; only what an earlier simulation wrote is replaced"
    if not out.is_dir():
        raise InputError("a folder is needed, and this is a file", where=str(out), hint=hint)
    present = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_symlink() or not p.is_dir()}
    strangers = sorted(present - _written_before(out))
    if strangers:
        what = f"the folder holds `{strangers[0]}`, which no simulation wrote"
        raise InputError(what, where=str(out), hint=hint)
    for name in present:
        (out / name).unlink()
    for folder in sorted(out.rglob("*"), reverse=True):
        folder.rmdir()


def _written_before(out: Path) -> set[str]:
    """Paths that the truth file in a folder says were written with it; empty if there is none of ours."""
    try:
        found = json.loads((out / TRUTH_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    if not isinstance(found, dict) or found.get("synthetic") is not True or not isinstance(found.get("inputs"), dict):
        return set()
    return {TRUTH_NAME, README_NAME, *map(str, found["inputs"])}
