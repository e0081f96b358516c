"""Knowing: a base of claims opened, asked, added to, and handed on."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stillhunt.errors import InputError, MissingExtraError, Problem, UnknownNameError
from stillhunt.folders import data_folder
from stillhunt.progress import Step, Watcher, silent

try:
    import sqlalchemy  # noqa: F401  # everything below rests on it
except ModuleNotFoundError as error:
    raise MissingExtraError("sqlalchemy", "know") from error

from stillhunt.knowledge.card import Card, card_of
from stillhunt.knowledge.claim import source_of
from stillhunt.knowledge.compare import Comparison, compare
from stillhunt.knowledge.conflicts import Conflict, conflicts
from stillhunt.knowledge.embedded import build, embedded, embedded_path
from stillhunt.knowledge.exporter import EXPORTERS
from stillhunt.knowledge.importer import IMPORTERS, Terms, sniff
from stillhunt.knowledge.paths import Path as Way
from stillhunt.knowledge.paths import paths
from stillhunt.knowledge.resolve import GROUPS, Candidate, resolve, who_may_be
from stillhunt.knowledge.screen import Screened, screen
from stillhunt.knowledge.scribe import Scribe
from stillhunt.knowledge.store import Operation, Store, View
from stillhunt.knowledge.taxii import fetch
from stillhunt.terms.marking import Tlp

__all__ = [
    "VARIABLE",
    "Answer",
    "Taken",
    "card",
    "comparison",
    "connections",
    "contradictions",
    "export_to",
    "import_collection",
    "import_from",
    "looked_at",
    "own_base",
    "same",
    "screened",
    "who",
]

VARIABLE = "STILLHUNT_KNOWLEDGE"
"""Environment variable: path or URL of the knowledge base to use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Who is meant by a name.

    Attributes:
        name: As asked.
        candidates: Everybody who bears it, the likeliest first.
        alike: Where nobody does, those whose names are like it.
    """

    name: str
    candidates: tuple[Candidate, ...]
    alike: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of an import.

    Attributes:
        importer: Name of the importer that read it.
        n_read: Claims that were read.
        operation: What was done to the base.
        problems: Records that could not be read, with the reason.
    """

    importer: str
    n_read: int
    operation: Operation
    problems: tuple[Problem, ...]


@contextmanager
def looked_at(
    base: str | None = None, *, as_of: str | None = None, ceiling: Tlp = Tlp.RED, watch: Watcher = silent
) -> Iterator[View]:
    """Open a base for reading.

    Args:
        base: Path or URL; None for what ``STILLHUNT_KNOWLEDGE`` says, else the user's own base if there is one, else
            the one that comes with stillhunt, which is built the first time.
        as_of: Day up to which claims are seen: ``2024-03-25``.
        ceiling: Strictest marking that is seen.
        watch: Told when the base is being built.

    Raises:
        InputError: There is no such base, or the day is none.
    """
    if as_of is not None and not (len(as_of) == 10 and as_of[4] == as_of[7] == "-"):
        raise InputError(f"`{as_of}` is no day", hint="write it as 2024-03-25")
    chosen = base or os.environ.get(VARIABLE) or _users_own()
    if chosen is None:
        with embedded(watch=watch) as store, store.view(as_of=as_of, ceiling=ceiling) as view:
            yield view
        return
    store = Store(chosen, must_exist=True)
    try:
        with store.view(as_of=as_of, ceiling=ceiling) as view:
            yield view
    finally:
        store.close()


@contextmanager
def own_base(base: str | None = None, *, watch: Watcher = silent) -> Iterator[Store]:
    """Open a base for writing; a file that does not exist yet begins as a copy of the embedded one.

    Args:
        base: As for :func:`looked_at`; without one, the user's own base in the data folder.
        watch: Told when the base is being built.
    """
    chosen = base or os.environ.get(VARIABLE) or _own_path()
    if "://" not in str(chosen) and not Path(chosen).exists():
        _begin(Path(chosen), watch)
    store = Store(chosen)
    try:
        yield store
    finally:
        store.close()


def who(view: View, name: str, *, groups_only: bool = False) -> Answer:
    """Say who is meant by a name; everybody, if several are."""
    types = GROUPS if groups_only else ()
    candidates = resolve(view, name, types=types)
    alike = () if candidates else tuple(who_may_be(view, name, types=types))
    return Answer(name=name, candidates=tuple(candidates), alike=alike)


def card(view: View, name: str) -> tuple[Answer, Card | None]:
    """Return who is meant by a name, and the card of the likeliest.

    A group is likelier than software of the same name. Nobody's card is returned for a name that is only alike.
    """
    answer = who(view, name)
    return answer, card_of(view, answer.candidates[0]) if answer.candidates else None


def comparison(view: View, one: str, other: str) -> Comparison:
    """Compare the likeliest bearers of two names.

    Raises:
        UnknownNameError: Nobody bears one of them.
    """
    return compare(card_of(view, _likeliest(view, one)), card_of(view, _likeliest(view, other)))


def contradictions(view: View, name: str | None = None) -> list[Conflict]:
    """Return where sources contradict each other, about everybody or the likeliest bearer of a name."""
    return conflicts(view, () if name is None else _likeliest(view, name).identity.members)


def connections(view: View, one: str, other: str, *, longest: int = 4) -> list[Way]:
    """Return how the likeliest bearers of two names are connected."""
    start, end = _likeliest(view, one), _likeliest(view, other)
    return paths(view, start.identity.members, end.identity.members, longest=longest)


def screened(view: View, path: Path, *, at_least: float = 0.85) -> list[Screened]:
    """Screen the names in a file: the column ``name`` of a CSV file, else one name a line.

    Raises:
        InputError: The file cannot be read.
    """
    return screen(view, _names_in(path), at_least=at_least)


def import_from(
    store: Store, path: Path, *, importer: str | None = None, terms: Terms | None = None, watch: Watcher = silent
) -> Taken:
    """Import a file or folder in other people's format.

    Args:
        store: Where claims go.
        path: What to read.
        importer: Name of the importer; None to tell it from the content.
        terms: What the user says about it.
        watch: Told about the two steps.

    Raises:
        InputError: It cannot be read, or is of no known format.
    """
    name = importer or sniff(path)
    watch(Step(task="read", subject=path.name, done=0, total=None))
    read = IMPORTERS[name].read(path, terms or Terms())
    watch(Step(task="store", subject=f"{len(read.claims):,} claims", done=0, total=None))
    operation = store.add(read.claims, note=f"{name}: {path.name}")
    return Taken(importer=name, n_read=len(read.claims), operation=operation, problems=tuple(read.problems))


def import_collection(
    store: Store,
    url: str,
    *,
    user: str | None = None,
    password: str | None = None,
    token: str | None = None,
    terms: Terms | None = None,
) -> Taken:
    """Import a TAXII 2.1 collection; the one thing here that opens a connection, and only when it is called.

    Raises:
        InputError: The server refuses, or cannot be reached.
        MissingExtraError: The client library is not installed.
    """
    read = fetch(url, user=user, password=password, token=token, terms=terms or Terms())
    operation = store.add(read.claims, note=f"taxii: {url}")
    return Taken(importer="taxii", n_read=len(read.claims), operation=operation, problems=tuple(read.problems))


def export_to(view: View, exporter: str, *, name: str | None = None) -> bytes:
    """Write what a view shows in other people's format; the view's ceiling is the export's.

    Args:
        view: What may leave.
        exporter: Name of the format.
        name: Only what is about the likeliest bearer of this name, and those that it leads to.

    Raises:
        UnknownNameError: There is no such format, or nobody bears the name.
    """
    members = () if name is None else _likeliest(view, name).identity.members
    return EXPORTERS[exporter].write(view, members)


def same(
    store: Store, one: str, other: str, *, because: str, by: str, is_same: bool = True, tlp: Tlp = Tlp.CLEAR
) -> Operation:
    """Say that two entities are the same, or that they are not: an analyst's claim like any other.

    Args:
        store: Where the claim goes.
        one: Id of an entity, or a name that only one bears.
        other: Likewise.
        because: The grounds; they become the quote.
        by: Who says so.
        is_same: False to say that they are not.
        tlp: How far the claim may travel.

    Raises:
        UnknownNameError: Nobody bears one of the names.
    """
    with store.view() as view:
        ends = [_likeliest(view, name).identity.members[0] if "--" not in name else name for name in (one, other)]
    source = source_of(kind="analyst", title=f"Judgement of {by}", tlp=tlp)
    scribe = Scribe(by, source, method="human", tlp=tlp)
    scribe.say(ends[0], "same-as", object=ends[1], quote=because, polarity="asserts" if is_same else "denies")
    return store.add(scribe.claims, kind="merge" if is_same else "split", note=f"{one} and {other}: {because}")


def _likeliest(view: View, name: str) -> Candidate:
    answer = who(view, name)
    if not answer.candidates:
        near = ", ".join(f"`{c.name}`" for c in answer.alike[:3])
        raise UnknownNameError(f"nobody is known as `{name}`", hint=f"did you mean {near}?" if near else None)
    return answer.candidates[0]


def _own_path() -> str:
    folder = data_folder()
    if folder is None:
        raise InputError("there is no home folder to keep a knowledge base in", hint="say where with --base")
    return str(folder / "knowledge.db")


def _users_own() -> str | None:
    folder = data_folder()
    own = None if folder is None else folder / "knowledge.db"
    return str(own) if own is not None and own.is_file() else None


def _begin(path: Path, watch: Watcher) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = embedded_path()
    if kept is None:
        build(path, watch=watch)
        return
    with embedded(watch=watch):
        shutil.copyfile(kept, path)


def _names_in(path: Path) -> Sequence[str]:
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from error
    lines = text.splitlines()
    if path.suffix.casefold() == ".csv" and lines:
        rows = list(csv.DictReader(lines))
        column = next((c for c in rows[0] if c and c.strip().casefold() == "name"), None) if rows else None
        if column is None:
            raise InputError("has no column `name`", where=str(path), hint="head the column of names with `name`")
        lines = [row[column] or "" for row in rows]
    return [line.strip() for line in lines if line.strip()]
