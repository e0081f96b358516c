"""The hunts below a folder: found by their marker, loaded when asked for, kept until a file of theirs changes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from stillhunt.attribution.assessment import Assessment
from stillhunt.cases.case import Case
from stillhunt.detection.finding import Finding
from stillhunt.errors import UnknownNameError
from stillhunt.report.brief import Brief
from stillhunt.report.marking import floor_of
from stillhunt.telemetry.store.manifest import MARKER as MANIFEST
from stillhunt.telemetry.store.manifest import is_store
from stillhunt.terms.entity import EntityKind
from stillhunt.terms.level import Level
from stillhunt.terms.marking import Tlp
from stillhunt.workflows.casework import DECISIONS, SUPPRESSIONS, Desk, open_desk
from stillhunt.workflows.events import Store
from stillhunt.workflows.lookup import MARKER, read_marker

__all__ = ["Loaded", "Place", "Shelf"]

_BRIEF = "brief.json"
_KEPT = 4
"""Workspaces held in memory."""

_DEEPEST = 2
_MOST = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A workspace, without having been opened.

    Attributes:
        key: Its name in addresses: its path below the root, with ``~`` for a slash.
        folder: Where it is.
        inputs: What was hunted.
        at: When it was written.
        n_bytes: Size of its brief.
    """

    key: str
    folder: Path
    inputs: tuple[str, ...]
    at: datetime
    n_bytes: int


class Loaded:
    """A workspace in memory, with what pages look things up in.

    Args:
        place: Where it is.
        desk: What it holds.
    """

    def __init__(self, place: Place, desk: Desk) -> None:
        self.place, self.desk = place, desk
        self._store: tuple[int, Store] | None = None

    @property
    def key(self) -> str:
        """Its name in addresses."""
        return self.place.key

    @property
    def brief(self) -> Brief:
        """What the hunt found."""
        return self.desk.brief

    @cached_property
    def floor(self) -> Tlp:
        """Laxest marking that what it quotes of others may have."""
        return floor_of(self.brief)

    @cached_property
    def findings(self) -> dict[str, Finding]:
        """All findings by id."""
        return {finding.id: finding for finding in self.brief.findings}

    @cached_property
    def words(self) -> list[tuple[str, Finding]]:
        """Every finding with the words it can be found by, in lower case."""
        return [(_words(finding), finding) for finding in self.brief.findings]

    @cached_property
    def case_of(self) -> dict[str, str]:
        """The case of each finding that is in one, its context too."""
        return {
            finding: view.case.id
            for view in self.desk.docket.views
            for finding in (*view.case.context, *view.case.findings)
        }

    @cached_property
    def of_entity(self) -> dict[tuple[EntityKind, str], list[Finding]]:
        """Findings by what they name."""
        found: dict[tuple[EntityKind, str], list[Finding]] = {}
        for finding in self.brief.findings:
            for key in dict.fromkeys((e.kind, e.value) for e in finding.entities):
                found.setdefault(key, []).append(finding)
        return found

    @cached_property
    def assessments(self) -> dict[str, Assessment]:
        """Assessments by case."""
        return {assessment.case: assessment for assessment in self.brief.assessments}

    @cached_property
    def levels(self) -> dict[Level, int]:
        """How many findings there are of each level."""
        counts = dict.fromkeys(reversed(Level), 0)
        for finding in self.brief.findings:
            counts[finding.detector.level] += 1
        return counts

    def cases_of(self, findings: list[Finding]) -> list[Case]:
        """Return the cases that findings are in, in order."""
        wanted = {self.case_of.get(finding.id) for finding in findings}
        return [view.case for view in self.desk.docket.views if view.case.id in wanted]

    def store(self) -> Store | None:
        """Return the events that were kept, if any were."""
        folder = self.place.folder
        if not is_store(folder):
            return None
        size = (folder / MANIFEST).stat().st_size
        if self._store is None or self._store[0] != size:
            self._store = size, Store(folder)
        return self._store[1]


def _words(finding: Finding) -> str:
    detector = finding.detector
    named = (entity.value for entity in finding.entities)
    return " ".join((detector.title, detector.id, *detector.techniques, *named)).lower()[:4_000]


class Shelf:
    """All workspaces below a folder.

    Args:
        root: The folder; it may be a workspace itself.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._loaded: dict[str, tuple[tuple[int, ...], Loaded]] = {}
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}

    def places(self) -> list[Place]:
        """Return the workspaces there are, the latest first."""
        found = [place for folder in self._folders() if (place := self._place(folder))]
        return sorted(found, key=lambda p: (-p.at.timestamp(), p.key))

    def open(self, key: str) -> Loaded:
        """Return a workspace, from memory if none of its files has changed.

        Raises:
            UnknownNameError: There is none of that name.
            InputError: It is damaged.
        """
        place = self._place(self._folder_of(key))
        if place is None:
            raise UnknownNameError(f"there is no workspace `{key[:100]}`")
        with self._lock:
            own = self._loading.setdefault(place.key, threading.Lock())
        # One loads, the others wait for it and not for each other's workspaces.
        with own:
            stamp = _stamp(place.folder)
            kept = self._loaded.get(place.key)
            if kept is not None and kept[0] == stamp:
                return kept[1]
            loaded = Loaded(place, open_desk(place.folder))
            with self._lock:
                self._loaded.pop(place.key, None)
                self._loaded[place.key] = (stamp, loaded)
                while len(self._loaded) > _KEPT:
                    del self._loaded[next(iter(self._loaded))]
            return loaded

    def _folders(self) -> list[Path]:
        found, level = [], [self.root]
        for _ in range(_DEEPEST + 1):
            found += [folder for folder in level if (folder / MARKER).is_file()]
            # What lies below a workspace is its own: a store, say.
            below = [folder for folder in level if not (folder / MARKER).is_file() or folder == self.root]
            level = [child for folder in below for child in _children(folder)]
        return found[:_MOST]

    def _folder_of(self, key: str) -> Path:
        return next((folder for folder in self._folders() if self._key(folder) == key), self.root / "\ufffd")

    def _key(self, folder: Path) -> str:
        # No name has a slash, and none that a hunt is given begins with a tilde.
        return f"~{self.root.name}" if folder == self.root else "~".join(folder.relative_to(self.root).parts)

    def _place(self, folder: Path) -> Place | None:
        brief = folder / _BRIEF
        if not (folder / MARKER).is_file() or not brief.is_file():
            return None
        stat = brief.stat()
        return Place(
            key=self._key(folder),
            folder=folder,
            inputs=read_marker(folder).inputs,
            at=datetime.fromtimestamp(stat.st_mtime, UTC),
            n_bytes=stat.st_size,
        )


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))
    except OSError:
        return []


def _stamp(folder: Path) -> tuple[int, ...]:
    stamps: list[int] = []
    for name in (_BRIEF, DECISIONS, SUPPRESSIONS):
        try:
            stat = (folder / name).stat()
            stamps += [stat.st_mtime_ns, stat.st_size]
        except OSError:
            stamps += [0, 0]
    return (*stamps, datetime.now(UTC).toordinal())
