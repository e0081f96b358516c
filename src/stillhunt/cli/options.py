"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["values_option"]

values_option = click.option(
    "--values",
    multiple=True,
    type=click.Path(path_type=Path),
    help="YAML file with lists of values for the placeholders of rules: `admins: [alice, bob]`. Repeatable.",
)
