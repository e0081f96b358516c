"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["mappings_option", "passwords_option", "values_option", "zone_option"]

values_option = click.option(
    "--values",
    multiple=True,
    type=click.Path(path_type=Path),
    help="YAML file with lists of values for the placeholders of rules: `admins: [alice, bob]`. Repeatable.",
)

mappings_option = click.option(
    "--mapping",
    "mappings",
    multiple=True,
    type=click.Path(path_type=Path),
    help="YAML file that describes logs which no source knows. Repeatable.",
)

passwords_option = click.option(
    "--password",
    "passwords",
    multiple=True,
    metavar="TEXT",
    help="Password to try on encrypted members of archives; in no result. Repeatable.",
)

zone_option = click.option(
    "--timezone",
    "zone",
    default="",
    metavar="ZONE",
    help="Time zone of times that name none: a name such as Europe/Berlin, or +HH:MM.  [default: what the log shows, "
    "else UTC]",
)
