"""Reading: files to documents, documents to claims, claims to the queue and into the knowledge base."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from stillhunt.errors import InputError
from stillhunt.folders import data_folder
from stillhunt.knowledge.store import View
from stillhunt.progress import Step, Watcher, silent
from stillhunt.reading.claims import claims_of
from stillhunt.reading.conversation import claims_of_chat, said_in_chat
from stillhunt.reading.document import Document
from stillhunt.reading.draft import ReadClaim
from stillhunt.reading.llm import Endpoint, Rejected, propose
from stillhunt.reading.mention import Meant, Mention
from stillhunt.reading.names import Names
from stillhunt.reading.naming import names_in
from stillhunt.reading.opening import Opened, open_parts
from stillhunt.reading.relations import related
from stillhunt.reading.times import dates_in
from stillhunt.report.escape import for_terminal
from stillhunt.workflows import know
from stillhunt.workflows.journal import Journal, Noted, journal_key
from stillhunt.workflows.queue import Queue, Read
from stillhunt.workflows.reading import accept, reject
from stillhunt.workflows.resolving import Resolver

__all__ = [
    "ReadDocument",
    "Reader",
    "as_json",
    "enqueue",
    "head_lines",
    "journals_of",
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
        mentions: Names in it, in order of place.
        meant: Who in the base may be meant, by name, with reasons.
        claims: Its claims, in order of place.
        rejected: What a second reader proposed and the checks dropped.
        is_part: Whether it is a part of a dump.
        was_known: Whether it was read before, by a reading that did not come to its end.
    """

    document: Document
    mentions: tuple[Mention, ...]
    claims: tuple[ReadClaim, ...]
    meant: Mapping[str, tuple[Meant, ...]] = field(default_factory=dict)
    rejected: tuple[Rejected, ...] = ()
    is_part: bool = False
    was_known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What reads a document.

    Attributes:
        names: Finds names that the base knows.
        resolver: Finds who may be meant by other names.
        origins: State that the base says an entity originates from, by its id; none where sources name several.
        identity: What the claims depend on beside the document.
        endpoint: A second reader; None without.
    """

    names: Names
    resolver: Resolver
    origins: Mapping[str, str] = field(default_factory=dict)
    identity: tuple[str, ...] = ()
    endpoint: Endpoint | None = None

    def read(self, document: Document) -> Noted:
        """Return what stands in a document.

        Raises:
            EngineError: The second reader cannot be reached, or gives no answer.
        """
        known = tuple(self.names.mentions(document.text))
        mentions, meant = self.resolver.resolved(names_in(document.text, known))
        # The grammar has its own sense for persons; it is told only what the base knows as a group or as software.
        claims = claims_of_chat(document, known) if document.messages else _claims(document, known)
        rejected: tuple[Rejected, ...] = ()
        if self.endpoint is not None and document.text.strip():
            proposed = propose(document.text, self.endpoint)
            read = {claim.id for claim in claims}
            added = [said_in_chat(claim, document) for claim in proposed.claims if claim.id not in read]
            claims = tuple(sorted((*claims, *added), key=lambda c: (c.start, c.end, c.id)))
            rejected = proposed.rejected
        paged = [replace(claim, page=document.page(claim.start)) for claim in claims]
        claims = related(paged, origins=self._origins_in(known))
        return Noted(sha256=document.sha256, done=0, mentions=mentions, meant=meant, claims=claims, rejected=rejected)

    def _origins_in(self, mentions: Iterable[Mention]) -> dict[str, str]:
        """Return the state behind each name in a document, where the base knows one."""
        found: dict[str, str] = {}
        for mention in mentions:
            states = {self.origins.get(entity, "") for entity in mention.entities} - {""}
            if len(states) == 1:
                found[mention.text.casefold()] = states.pop()
        return found


def _origins(view: View) -> dict[str, str]:
    """Return the state that an entity originates from, by its id, where all sources name the same."""
    said: defaultdict[str, set[str]] = defaultdict(set)
    for claim in view.saying("originates-from"):
        if not claim.is_denial:
            said[claim.subject].add(claim.object or claim.value)
    names = view.names_of({place for places in said.values() for place in places})
    return {entity: names.get(min(places), min(places)) for entity, places in said.items() if len(places) == 1}


def _claims(document: Document, mentions: tuple[Mention, ...]) -> tuple[ReadClaim, ...]:
    when = document.published
    dates = dates_in(document.text, published="" if when.is_inferred else when.date)
    return claims_of(document, mentions, dates=dates)


def read_documents(
    paths: Sequence[Path],
    *,
    base: str | None = None,
    endpoint: Endpoint | None = None,
    journals: Path | None = None,
    watch: Watcher = silent,
) -> Iterator[ReadDocument]:
    """Yield every document of some files and folders with its claims, one at a time.

    Args:
        paths: Files and folders.
        base: Knowledge base whose names are found; as for :func:`stillhunt.workflows.know.looked_at`.
        endpoint: A language model of the user's own as second reader; none is asked without.
        journals: Folder for what is kept of a dump until all of it is read; None to keep nothing.
        watch: Told about progress, in bytes of each file and messages read.

    Raises:
        InputError: A file cannot be read.
        EngineError: The second reader cannot be reached, or gives no answer.
    """
    if not paths:
        return
    with know.looked_at(base, watch=watch) as view:
        known, origins = sorted(view.names()), _origins(view)
        resolver = Resolver(view, known)
    of_model = (endpoint.url, endpoint.model) if endpoint is not None else ()
    of_names = hashlib.sha256(msgspec.json.encode((known, sorted(origins.items())))).hexdigest()
    reader = Reader(
        names=Names(known), resolver=resolver, origins=origins, identity=(of_names, *of_model), endpoint=endpoint
    )
    n_messages = 0
    with closing(_Resumed(reader, journals)) as resumed:
        for opened in itertools.chain.from_iterable(map(open_parts, paths)):
            noted, was_known = resumed.read(opened)
            n_messages += len(opened.document.messages) or 1
            watch(Step(task="read", subject=str(opened.file), done=opened.done, total=opened.total, events=n_messages))
            yield ReadDocument(
                document=opened.document,
                mentions=noted.mentions,
                meant=noted.meant,
                claims=noted.claims,
                rejected=noted.rejected,
                is_part=opened.is_part,
                was_known=was_known,
            )
        resumed.end()


class _Resumed:
    """Reads documents; those of a dump that were read before, by a reading that was killed, are looked up."""

    def __init__(self, reader: Reader, journals: Path | None) -> None:
        self._reader, self._journals = reader, journals
        self._journal: Journal | None = None
        self._file = Path()

    def read(self, opened: Opened) -> tuple[Noted, bool]:
        """Return what stands in a document, and whether that was known."""
        if opened.file != self._file:
            self.end()
            self._file = opened.file
        if not opened.is_part or self._journals is None:
            return self._reader.read(opened.document), False
        if self._journal is None:
            self._journal = Journal(self._journals, journal_key(self._file, self._reader.identity))
        noted = self._journal.next(opened.document.sha256)
        if noted is not None:
            return noted, True
        noted = self._reader.read(opened.document)
        noted.done = opened.done
        self._journal.note(noted)
        return noted, False

    def close(self) -> None:
        """Leave what was read for the next time."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def end(self) -> None:
        """Throw what was kept of a file away: all of it was read."""
        if self._journal is not None:
            self._journal.end()
            self._journal = None


def journals_of(queue: Queue) -> Path:
    """Return where journals are kept: beside the queue."""
    return queue.folder / "under-way"


def head_lines(read: ReadDocument) -> list[str]:
    """Say what a document is, and how many names are in it."""
    document = read.document
    said = [f"{document.name}: {document.title}"]
    by = ", ".join(part for part in (document.publisher, document.author) if part)
    if by:
        said.append(f"  by {by}")
    when = document.published
    said.append(f"  published {when.date} ({when.grounds})" if when.date else "  nothing says when it was published")
    said += [f"  {note}" for note in document.notes]
    if read.rejected:
        reasons = Counter(r.reason for r in read.rejected)
        said += [f"  dropped of the second reader: {why} ({n} times)" for why, n in sorted(reasons.items())]
    return [for_terminal(line) for line in said]


def as_json(documents: Iterable[ReadDocument]) -> Iterator[str]:
    """Yield the pieces of a JSON array of documents: what they are, names in them, claims with quotes and offsets."""
    before = "["
    for each in documents:
        yield before + msgspec.json.format(msgspec.json.encode(_told(each))).decode()
        before = ",\n"
    yield "[]\n" if before == "[" else "]\n"


def _told(read: ReadDocument) -> dict[str, object]:
    document = msgspec.to_builtins(read.document) | {"sha256": read.document.sha256}
    document["messages"] = len(read.document.messages)
    document.pop("text")
    claims = [{**msgspec.to_builtins(claim), "said_by": claim.said_by} for claim in read.claims]
    told = {
        "document": document,
        "mentions": msgspec.to_builtins(read.mentions),
        "candidates": msgspec.to_builtins(read.meant),
        "claims": claims,
    }
    return told | ({"rejected": msgspec.to_builtins(read.rejected)} if read.rejected else {})


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


def enqueue(queue: Queue, read: ReadDocument) -> int:
    """Put the claims of a document into the queue, and return how many are new."""
    return queue.add(read.document.text, _as_read(read.document), read.claims) if read.claims else 0


def _as_read(document: Document) -> Read:
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
