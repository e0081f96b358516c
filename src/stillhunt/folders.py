"""Where stillhunt keeps what it made for itself: a folder per user, or one that the environment names."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["VARIABLE", "cache_folder", "data_folder"]

VARIABLE = "STILLHUNT_CACHE"
"""Environment variable: another folder for what can be made again, or ``off``."""

_OFF = "off"


def cache_folder(folder: str | Path | None = None) -> Path | None:
    """Return the folder for what can be made again, or None where there is none.

    Args:
        folder: Where it lies, or the word ``off``; None for what the environment variable ``STILLHUNT_CACHE``
            says, else the folder ``stillhunt`` in the user's cache folder.
    """
    chosen = folder or os.environ.get(VARIABLE)
    if chosen is None or chosen == "":
        return _users(windows=("LOCALAPPDATA", "AppData/Local", "stillhunt/Cache"), mac="Library/Caches", xdg="CACHE")
    return None if str(chosen) == _OFF else Path(chosen)


def data_folder() -> Path | None:
    """Return the folder for what the user gave us to keep, or None if there is no home."""
    windows = ("APPDATA", "AppData/Roaming", "stillhunt")
    return _users(windows=windows, mac="Library/Application Support", xdg="DATA")


def _users(*, windows: tuple[str, str, str], mac: str, xdg: str) -> Path | None:
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        variable, usual, own = windows
        return Path(os.environ.get(variable) or home / usual) / own
    if sys.platform == "darwin":
        return home / mac / "stillhunt"
    given = os.environ.get(f"XDG_{xdg}_HOME", "")
    usual = ".cache" if xdg == "CACHE" else ".local/share"
    return (Path(given) if Path(given).is_absolute() else home / usual) / "stillhunt"
