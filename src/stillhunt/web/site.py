"""Everything that is served: workspaces, hunts, knowledge, the reading queue, accounts and the audit log."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader

from stillhunt.errors import InputError, StillhuntError, UnknownNameError
from stillhunt.knowledge.store import Store, View
from stillhunt.report.renderers.html import environment
from stillhunt.terms.marking import Tlp
from stillhunt.web.accounts import LOCAL, Accounts, User
from stillhunt.web.audit import Audit
from stillhunt.web.runs import Runs
from stillhunt.web.shelf import Shelf
from stillhunt.workflows import know
from stillhunt.workflows.queue import Queue, Queued
from stillhunt.workflows.read import own_queue
from stillhunt.workflows.reading import accept, reject

__all__ = ["Settings", "Site"]

STATE = ".stillhunt-web"
"""Folder below the root for accounts, the audit log, and what TAXII serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the application runs.

    Attributes:
        root: Folder of workspaces.
        logs: Folders below which logs may be hunted.
        base: Knowledge base; None for the usual one.
        hosts: Names that it may be asked by; empty for any.
        is_secure: Whether browsers reach it by https, so that cookies travel by nothing else.
        jobs: Processes of a hunt.
    """

    root: Path
    logs: Sequence[Path] = ()
    base: str | None = None
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    is_secure: bool = False
    jobs: int = 1


class Site:
    """What the handlers share.

    Args:
        settings: How it runs.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        root = settings.root.resolve()
        self.state = root / STATE
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.accounts = Accounts(self.state / "accounts.db")
        self.audit = Audit(self.state / "audit.jsonl")
        self.shelf = Shelf(root)
        self.runs = Runs(root, settings.logs or (root,))
        self.queue: Queue = own_queue(settings.base)
        self.templates: Environment = environment(PackageLoader("stillhunt.web"))
        # What a log says goes into an address as it is; what leaves it is escaped like all else.
        self.templates.filters["path"] = lambda text: quote(str(text).encode("utf-8", "replace"), safe="")
        self.writing = threading.Lock()
        self.needs_login = self.accounts.has_users

    def warm(self) -> None:
        """Make ready what the first page would wait for; what fails here is said where it is asked for."""
        with suppress(StillhuntError), self.knowledge(Tlp.CLEAR) as view:
            view.count()

    def user_without_login(self) -> User | None:
        """Return who asks while there are no users: whoever sits at this machine."""
        return None if self.needs_login else LOCAL

    def users_changed(self) -> None:
        """Look again whether anybody has to log in."""
        self.needs_login = self.accounts.has_users

    def n_waiting(self, user: User | None) -> int:
        """Return how many proposals wait for somebody."""
        return 0 if user is None else len(self.queue.proposals("waiting", ceiling=user.ceiling))

    @contextmanager
    def knowledge(self, ceiling: Tlp, *, as_of: str | None = None) -> Iterator[View]:
        """Look at the knowledge base, up to a marking."""
        with know.looked_at(self.settings.base, as_of=as_of, ceiling=ceiling) as view:
            yield view

    @contextmanager
    def writable_knowledge(self) -> Iterator[Store]:
        """Open the knowledge base to add to it; one at a time."""
        with self.writing, know.own_base(self.settings.base) as store:
            yield store

    def judge(self, claim: str, *, accepts: bool, by: str, why: str, ceiling: Tlp) -> Queued:
        """Accept or reject a claim that waits in the reading queue, as the command does.

        Args:
            claim: Its key, or its id if no other document has it.
            accepts: Whether it enters the base.
            by: Who decides.
            why: What they say.
            ceiling: Strictest marking that they see.

        Raises:
            UnknownNameError: No claim that they may see is called so.
            InputError: It was decided before.
        """
        with self.writable_knowledge() as store:
            meant = self.queue.called(claim, ceiling=ceiling)
            if not meant:
                raise UnknownNameError("no proposal has that id")
            if len(meant) > 1:
                raise InputError("several documents say that at the same place", hint="use the whole key")
            found = meant[0]
            if found.decided is not None:
                raise InputError(f"it was {found.state} already by {found.decided.by}", hint="look at it again")
            if accepts:
                accept(store, self.queue, [found.key], by=by, note=why)
            else:
                reject(self.queue, [found.key], by=by, note=why)
        return found
