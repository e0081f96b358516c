"""Write the pages of the reference that are made of the code: ``python docs/generate.py``; a test holds them to it."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from stillhunt.cli import main
from stillhunt.detection.behaviour import reference as analytics
from stillhunt.knowledge import stix
from stillhunt.knowledge.claim import Claim, Likelihood, Source
from stillhunt.telemetry.source import SOURCES
from stillhunt.telemetry.store import schema
from stillhunt.web import reference as api

__all__ = ["PAGES", "commands"]

HERE = Path(__file__).parent / "reference"
_NOTE = "Made of the code by `python docs/generate.py`."
_CANNOT = re.compile(r"What (?:it|they) cannot show: (.+?)\.(?= [A-Z]|$)", re.MULTILINE)


def commands(group: click.Group = main, names: tuple[str, ...] = ("stillhunt",)) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its full name, in the order in which help lists them."""
    context = click.Context(group, info_name=names[-1])
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield " ".join((*names, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*names, name))


def command_line() -> str:
    """Return the page of all commands."""
    lines = ["# The command line", "", _NOTE, "`-h` after any command says the same.", ""]
    for name, command in commands():
        lines += [f"## {name}", "", *_prose(command.help or ""), ""]
        if isinstance(command, click.Group):
            continue
        arguments = [p for p in command.params if isinstance(p, click.Argument)]
        usage = [f"{p.human_readable_name}{'...' if p.nargs == -1 else ''}" for p in arguments]
        usage = [word if p.required else f"[{word}]" for word, p in zip(usage, arguments, strict=True)]
        lines += ["```text", " ".join((name, *usage, "[OPTIONS]")), "```", ""]
        options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
        if options:
            lines += ["| option | what it does |", "|---|---|", *map(_option, options), ""]
    return "\n".join(lines).rstrip() + "\n"


def _option(option: click.Option) -> str:
    forms = ", ".join(f"`{form}`" for form in sorted((*option.opts, *option.secondary_opts), key=len))
    context = click.Context(click.Command("x"))
    value = "" if option.is_flag or option.count else f" `{option.make_metavar(context)}`"
    shown = option.help or ""
    again = "" if not option.multiple or "Repeatable" in shown else "May be given several times."
    told = " ".join(word for word in (_inline(shown), again, _default(option)) if word)
    return f"| {forms}{_cell(value)} | {_cell(told)} |"


def _default(option: click.Option) -> str:
    given = option.default
    plain = isinstance(given, (str, int, float, Path)) and not isinstance(given, bool) and str(given)
    return f"`{given}` unless said otherwise." if plain and not option.is_flag else ""


def sources() -> str:
    """Return the page of all kinds of logs, with what each cannot show."""
    lines = ["# Kinds of logs", "", _NOTE, ""]
    lines += [
        "What is read is known by its content, whatever a file is called; archives are opened.",
        "A kind that is not here can be [described in a few lines](../how-to/generic-logs.md).",
        "",
        "| source | what it is | what it cannot show |",
        "|---|---|---|",
    ]
    told = [(name, *_told(name)) for name in SOURCES.names()]
    for name, text in told:
        title = _joined(text.partition("\n\n")[0]).rstrip(".")
        cannot = _CANNOT.search("\n".join(_joined(paragraph) for paragraph in text.split("\n\n")))
        assert cannot, f"the docstring of source {name} says not what it cannot show"
        link = f"[`{name}`](#{name})"
        lines.append(f"| {link} | {_cell(_inline(title))} | {_cell(_inline(cannot[1]))} |")
    for name, text in told:
        lines += ["", f"## {name}", "", *_prose(text)]
    return "\n".join(lines).rstrip() + "\n"


_CLAIMS = """\
# Claims in STIX

Made of the code by `python docs/generate.py`.

`stillhunt know export stix` writes every claim as an object of STIX 2.1 that others understand.
All of the claim stands in an extension of it.
Read again by `stillhunt know import`, it is the same claim.
[Why everything is a claim](../explanation/knowledge.md) is told elsewhere.

| claim | becomes |
|---|---|
| about two entities | `relationship` with the quote as description |
| about an entity and a text | `note` |
| a denial | `opinion`, `strongly-disagree`, about the relationship that it denies |
| its source | `report` that refers to all of its claims |
| its marking, or that of its source if that is stricter | a marking of TLP 2.0 |

The speaker is `created_by_ref` where it is an identity.

## The extensions

Both are of type `property-extension`, under `{extension}`: a claim lies under `claim`, a source under `source`.
What is not said is left out.
"""


def claims() -> str:
    """Return the page of claims as STIX writes them."""
    lines = _CLAIMS.format(extension=stix.EXTENSION).splitlines()
    for noun in (Claim, Source, Likelihood):
        lines += ["", f"### {noun.__name__}", "", "| part | is |", "|---|---|"]
        told = inspect.cleandoc(noun.__doc__ or "").partition("Attributes:\n")[2]
        lines += [f"| `{name}` | {_cell(_inline(_joined(words)))} |" for name, words in _PART.findall(told)]
    return "\n".join(lines) + "\n"


_PART = re.compile(r"^ {4}(\w+): (.+?)(?=^ {4}\w+: |\Z)", re.MULTILINE | re.DOTALL)


def _told(name: str) -> tuple[str]:
    module = importlib.import_module(f"stillhunt.telemetry.sources.{name}")
    return (inspect.cleandoc(module.__doc__ or ""),)


def _prose(text: str) -> list[str]:
    """Return a docstring as lines of Markdown: a sentence a line is not asked for, paragraphs and lists are."""
    kept = inspect.cleandoc(text.replace("\b\n", "")).replace("\f", "")
    return [_inline(line) for line in kept.splitlines()]


def _inline(text: str) -> str:
    text = re.sub(r":\w+:`~?([^`]+)`", r"``\1``", text)
    # What stands between marks of code stays as it is.
    parts = re.split(r"(``.+?``|`[^`]+`)", text)
    return "".join(
        f"`{part.strip('`')}`" if number % 2 else re.sub(r"([<>*_\[\]])", r"\\\1", part)
        for number, part in enumerate(parts)
    )


def _joined(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PAGES: dict[str, Callable[[], str]] = {
    "analytics.md": analytics.documentation,
    "api.md": api.as_markdown,
    "cli.md": command_line,
    "events.md": schema.documentation,
    "knowledge.md": claims,
    "sources.md": sources,
}
"""Name of a page to what writes it."""


if __name__ == "__main__":
    for page, made in PAGES.items():
        (HERE / page).write_text(made(), "utf-8")
