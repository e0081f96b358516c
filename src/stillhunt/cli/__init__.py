"""The command line: one file per command, loaded when called."""

from __future__ import annotations

from stillhunt.cli.main import main

__all__ = ["main"]
