"""Reading: files to documents, documents to claims, claims to the queue and into the knowledge base."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stillhunt.errors import InputError
from stillhunt.folders import data_folder
from stillhunt.progress import Step, Watcher, silent
from stillhunt.reading.claims import claims_of
from stillhunt.reading.document import Document
from stillhunt.reading.draft import ReadClaim
from stillhunt.reading.names import Mention, Names
from stillhunt.reading.opening import open_documents
from stillhunt.report.escape import for_terminal
from stillhunt.workflows import know
from stillhunt.workflows.reading import Queue, Read, accept, reject

__all__ = [
    "ReadDocument",
    "as_json",
    "enqueue",
    "head_lines",
    "own_queue",
    "read_documents",
    "refuse",
    "take",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDocument:
    """A document with what was read in it.

    Attributes:
        document: The document.
        mentions: Names in it that the base knows.
        claims: Its claims, in order of place.
    """

    document: Document
    mentions: tuple[Mention, ...]
    claims: tuple[ReadClaim, ...]


def read_documents(
    paths: Sequence[Path], *, base: str | None = None, watch: Watcher = silent
) -> Iterator[ReadDocument]:
    """Yield every document of some files and folders with its claims.

    Args:
        paths: Files and folders.
        base: Knowledge base whose names are found; as for :func:`stillhunt.workflows.know.looked_at`.
        watch: Told about progress.

    Raises:
        InputError: A file cannot be read.
    """
    if not paths:
        return
    with know.looked_at(base, watch=watch) as view:
        names = Names(view.names())
    for n, path in enumerate(paths):
        watch(Step(task="read", subject=str(path), done=n, total=len(paths)))
        for document in open_documents(path):
            mentions = tuple(names.mentions(document.text))
            yield ReadDocument(document=document, mentions=mentions, claims=claims_of(document, mentions))


def head_lines(read: ReadDocument) -> list[str]:
    """Say what a document is."""
    document = read.document
    said = [f"{document.name}: {document.title}"]
    by = ", ".join(part for part in (document.publisher, document.author) if part)
    if by:
        said.append(f"  by {by}")
    when = document.published
    said.append(f"  published {when.date} ({when.grounds})" if when.date else "  nothing says when it was published")
    said += [f"  {note}" for note in document.notes]
    return [for_terminal(line) for line in said]


def as_json(documents: Iterable[ReadDocument]) -> str:
    """Return documents as JSON: what they are, names in them, claims with quotes and offsets."""
    told = []
    for each in documents:
        document = msgspec.to_builtins(each.document) | {"sha256": each.document.sha256}
        document.pop("text")
        claims = [
            {**msgspec.to_builtins(claim), "said_by": claim.said_by, "page": each.document.page(claim.start)}
            for claim in each.claims
        ]
        told.append({"document": document, "mentions": msgspec.to_builtins(each.mentions), "claims": claims})
    return msgspec.json.format(msgspec.json.encode(told)).decode()


def own_queue(base: str | None = None) -> Queue:
    """Return the reading queue beside a knowledge base, or in the user's data folder.

    Raises:
        InputError: There is no folder to keep it in.
    """
    chosen = base or os.environ.get(know.VARIABLE) or ""
    if chosen and "://" not in chosen:
        return Queue(Path(chosen).resolve().parent)
    folder = data_folder()
    if folder is None:
        raise InputError("there is no folder to keep the queue in", hint="give the file of a knowledge base: --base")
    return Queue(folder)


def enqueue(queue: Queue, documents: Iterable[ReadDocument]) -> int:
    """Put the claims of documents into the queue, and return how many are new."""
    return sum(queue.add(each.document.text, _told(each.document), each.claims) for each in documents if each.claims)


def _told(document: Document) -> Read:
    return Read(
        sha256=document.sha256,
        title=document.title or document.name,
        publisher=document.publisher,
        published=document.published.date,
    )


def take(queue: Queue, ids: Sequence[str], *, by: str, note: str, base: str | None = None) -> str:
    """Accept claims of the queue into the user's base, and say so."""
    with know.own_base(base) as store:
        operation = accept(store, queue, ids, by=by, note=note)
    return f"{operation.n_added} claims entered the base (operation {operation.n}; `know undo` takes it back)"


def refuse(queue: Queue, ids: Sequence[str], *, by: str, note: str) -> str:
    """Reject claims of the queue, and say so."""
    return f"{len(reject(queue, ids, by=by, note=note))} claims rejected"
