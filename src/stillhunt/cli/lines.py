"""Prints lines of text that renderers have made safe, without waiting for a library that draws."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click

__all__ = ["show"]


def show(lines: Iterable[str]) -> None:
    """Print lines on stdout; what its encoding lacks is written as escapes, so that no name in a log ends it."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    text = "\n".join(lines).encode(encoding, "backslashreplace").decode(encoding)
    click.echo(text)
