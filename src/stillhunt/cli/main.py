"""The ``stillhunt`` command and how errors become exit codes."""

from __future__ import annotations

import importlib
from gettext import gettext

import click

__all__ = ["main"]

_COMMANDS = {
    "hunt": "Find who is lurking in logs: cases, dates, scope, assessment.",
    "demo": "Write a small synthetic intrusion and hunt it.",
    "simulate": "Write the logs of a synthetic intrusion, with its truth beside it.",
    "report": "Render a finished hunt again, without reading logs.",
    "export": "Write a case for another tool: STIX, Navigator, Attack Flow, MISP, OCSF, Timesketch, CSV.",
    "serve": "Work on all of it in a browser; a TAXII server beside it.",
    "case": "Look at cases: list, show, timeline, export; note, close, merge, split, undo.",
    "events": "List what a store holds, and search in it.",
    "explain": "Say why a finding is one: clause, field, value, record.",
    "why-not": "Say which clause of a rule a record fails.",
    "attribute": "Say who a case most likely is, why, and what would change it.",
    "know": "Tell what is known of groups and people, and who says so.",
    "read": "Read reports into claims, each with its words; the queue in which they wait.",
    "rules": "Check Sigma rules; say what they cover.",
}
"""Name to one line of help: what ``--help`` lists without importing a command."""


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"stillhunt.cli.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section(gettext("Commands")):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="stillhunt")
def main() -> None:
    """Find who is lurking in months of logs; say since when, how far, and who it most likely is.

    stillhunt reads logs and documents. It opens no connection and follows no link it reads.
    """
