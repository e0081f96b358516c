"""``stillhunt hunt``: logs to cases."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from stillhunt.cli.console import EXIT_BLIND, EXIT_CASES, EXIT_INTERRUPTED, handles_errors, progress, results, say
from stillhunt.cli.options import mappings_option, passwords_option, values_option, zone_option

if TYPE_CHECKING:
    from stillhunt.report.brief import Brief

__all__ = ["command"]

_CHANGES_TOLD = 3
_EXIT_CODES = """
Exit status: 0 done, 2 wrong usage, 3 input unreadable, 4 engine failure, 130 interrupted.
With --exit-code: 0 nothing found and the logs could have shown it, 10 cases, 20 nothing found but blind.
"""


def default_jobs() -> int:
    """Return the number of processors this process may use, at most 8."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, allowed)


@click.command("hunt", epilog=_EXIT_CODES)
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@click.option(
    "--rules",
    "-r",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Sigma rules to use instead of the built-in pack: a file, folder or release zip. Repeatable; "
    "`builtin` stands for the pack.",
)
@values_option
@passwords_option
@mappings_option
@zone_option
@click.option(
    "--jobs",
    "-j",
    default=default_jobs,
    show_default="one per processor, at most 8",
    type=click.IntRange(1, 64),
    help="Processes to read with; a few dozen megabytes are read by one in any case.",
)
@click.option(
    "--out",
    "-o",
    default=Path("stillhunt-out"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder for case.html, cases.json, findings.jsonl, coverage.json and brief.json.",
)
@click.option(
    "--habits",
    type=click.Choice(["fold", "keep"]),
    default="fold",
    show_default=True,
    help="Whether findings that an estate makes every day open no case, or are treated like all others.",
)
@click.option(
    "--behaviour/--no-behaviour",
    default=True,
    show_default=True,
    help="Whether analytics look for what shows only over months: beacons, odd logons, slow theft.",
)
@click.option(
    "--networks",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A database of your own that says where addresses are (.mmdb: GeoLite2, DB-IP, IPinfo), for impossible "
    "travel and consumer networks. Repeatable; nothing is ever looked up online.",
)
@click.option(
    "--indicators",
    multiple=True,
    metavar="BASE|FILE",
    help="Indicators of others to look for as well: a knowledge base, a STIX bundle, a CSV or plain list, of millions. "
    "Repeatable; `base` stands for your own knowledge base.",
)
@click.option(
    "--record",
    metavar="BASE",
    help="Knowledge base to record sightings of indicators in, and what they make of the confidence in them; `base` "
    "stands for your own. Nothing is recorded without it; `stillhunt know undo` takes it back.",
)
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    help="Folder to keep all events in, as Parquet: what it has is not read again, also after a kill, and what is "
    "found is found in all of it. Give it as PATH to hunt it without its logs.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "spark"]),
    default="local",
    show_default=True,
    help="Who looks at the events of a store: processes of this machine, or Apache Spark. PATH is the store then, "
    "also one on HDFS or S3. What is found is the same.",
)
@click.option("--master", default="", help="Spark's master URL: local[2], spark://host:7077, yarn, k8s://...")
@click.option(
    "--spark-conf",
    "spark_settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of Spark, such as spark.archives=worker.tar.gz#worker. Repeatable.",
)
@click.option(
    "--sector",
    "sectors",
    multiple=True,
    help="What the victim does: government, energy ... For attribution only. Repeatable.",
)
@click.option("--country", "countries", multiple=True, help="Where the victim is. For attribution only. Repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print the cases as JSON instead of the summary.")
@click.option("--exit-code", is_flag=True, help="Say by exit status what was found.")
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
@handles_errors
def command(
    paths: tuple[str, ...],
    rules: tuple[Path, ...],
    values: tuple[Path, ...],
    out: Path,
    *,
    store: Path | None,
    passwords: tuple[str, ...],
    mappings: tuple[Path, ...],
    zone: str,
    jobs: int,
    habits: str,
    behaviour: bool,
    networks: tuple[Path, ...],
    engine: Literal["local", "spark"],
    master: str,
    spark_settings: tuple[str, ...],
    indicators: tuple[str, ...],
    record: str | None,
    sectors: tuple[str, ...],
    countries: tuple[str, ...],
    as_json: bool,
    exit_code: bool,
    quiet: bool,
) -> None:
    """Find who is lurking in PATHS: log files, archives, or folders of them.

    Nothing needs to be said about formats: they are recognised by content. What could not be read is counted
    and shown, and the rest goes on.
    """
    from stillhunt.report.renderers import terminal
    from stillhunt.workflows import workspace
    from stillhunt.workflows.hunt import hunt
    from stillhunt.workflows.origin import with_command

    if (master or spark_settings) and engine != "spark":
        raise click.UsageError("--master and --spark-conf are for --engine spark")
    if engine == "spark" and not master:
        raise click.UsageError("--engine spark needs --master: local[2], spark://host:7077, yarn, k8s://...")
    settings = _settings(spark_settings)
    if record is not None and not indicators:
        raise click.UsageError("--record keeps sightings of indicators: name some with --indicators")
    workspace.check(out)
    try:
        with progress(quiet=quiet) as watch:
            found = hunt(
                paths,
                rules=rules,
                values=values,
                passwords=passwords,
                mappings=mappings,
                zone=zone or None,
                jobs=jobs,
                store=store,
                keep_habits=habits == "keep",
                behaviour=behaviour,
                networks=networks,
                engine=engine,
                master=master,
                spark_settings=settings,
                indicators=indicators,
                sectors=sectors,
                countries=countries,
                watch=watch,
            )
            command_line = _command(
                paths,
                files={
                    "--rules": rules,
                    "--values": values,
                    "--mapping": mappings,
                    "--networks": networks,
                    "--indicators": indicators,
                },
                texts={"--timezone": zone, "--store": store},
                flags=[
                    *(["--habits", "keep"] if habits == "keep" else []),
                    *([] if behaviour else ["--no-behaviour"]),
                    *(word for sector in sectors for word in ("--sector", sector)),
                    *(word for country in countries for word in ("--country", country)),
                ],
            )
            brief = with_command(found.brief, command_line)
            written = workspace.save(brief, out, rules=rules, values=values, mappings=mappings, zone=zone)
    except KeyboardInterrupt:
        if store is None:
            raise
        say(f"interrupted: what was read is kept in {store}, and the same command goes on from there")
        sys.exit(EXIT_INTERRUPTED)
    if as_json:
        click.echo(workspace.cases_as_json(brief), nl=False)
    else:
        terminal.render(brief, results(), written=written)
    if record is not None:
        _record(brief, record)
    if exit_code and found.cases:
        sys.exit(EXIT_CASES)
    if exit_code and found.coverage.verdict is not None and found.coverage.verdict.is_blind:
        sys.exit(EXIT_BLIND)


def _settings(given: Sequence[str]) -> dict[str, str]:
    """Return settings by name."""
    pairs = [one.partition("=") for one in given]
    for name, equals, _ in pairs:
        if not name.startswith("spark.") or not equals:
            raise click.UsageError(f"--spark-conf wants spark.NAME=VALUE, and `{name}{equals}` is not that")
    return {name: value for name, _, value in pairs}


def _record(brief: Brief, base: str) -> None:
    """Keep sightings in a knowledge base, and say what that changed."""
    from stillhunt.report.wording import plural
    from stillhunt.workflows.intelligence import own_word
    from stillhunt.workflows.know import own_base
    from stillhunt.workflows.record import record_sightings

    with own_base(own_word(base)) as store:
        done = record_sightings(brief, store)
        if done.operation is None:
            say(f"recorded in {store.where}: nothing new, {done.n_known:,} sightings were recorded before")
            return
        changes = [f"{c.title}: {c.before} to {c.after}" for c in done.changes[:_CHANGES_TOLD]]
        changes += ["..."] if len(done.changes) > _CHANGES_TOLD else []
        told = f"{plural(len(done.sightings), 'sighting')}, {plural(len(done.changes), 'change')} of confidence"
        told += f" ({'; '.join(changes)})" if changes else ""
        say(f"recorded in {store.where} as operation {done.operation.n}: {told}; `stillhunt know undo` takes it back")


def _command(
    paths: tuple[str, ...],
    *,
    files: Mapping[str, Sequence[Path | str]],
    texts: Mapping[str, str | Path | None],
    flags: Sequence[str],
) -> tuple[str, ...]:
    """Return the command line that finds the same: no passwords, and nothing that changes no result."""
    words = ["stillhunt", "hunt", *paths]
    words += [word for option, given in files.items() for path in given for word in (option, str(path))]
    words += [word for option, text in texts.items() if text for word in (option, str(text))]
    return (*words, *flags)
