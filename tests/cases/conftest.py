"""Findings and trails made by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from stillhunt.cases.trail import Trail
from stillhunt.detection.finding import Clause, Detector, EventRef, Evidence, Finding
from stillhunt.telemetry.event import COMMON
from stillhunt.terms.entity import Entity, EntityKind
from stillhunt.terms.level import Level


@pytest.fixture
def at() -> Callable[..., datetime]:
    return lambda *parts: datetime(*parts, tzinfo=UTC)


@pytest.fixture
def make_finding() -> Callable[..., Finding]:
    def make(
        name: str,
        first_at: datetime | None,
        *,
        host: str = "web1",
        level: Level = Level.HIGH,
        tactics: tuple[str, ...] = ("execution",),
        techniques: tuple[str, ...] = (),
        account: str = "",
        process: str = "",
        address: str = "",
        last_at: datetime | None = None,
    ) -> Finding:
        entities = [Entity(EntityKind.HOST, host)] if host else []
        if account:
            entities.append(Entity(EntityKind.ACCOUNT, account, "subject"))
        if process:
            entities.append(Entity(EntityKind.PROCESS_ID, process, "subject"))
        if address:
            entities.append(Entity(EntityKind.ADDRESS, address, "source"))
        return Finding(
            id=f"finding-{name}-{host}",
            detector=Detector(
                kind="sigma",
                id=name,
                title=name,
                description="",
                level=level,
                path="",
                tactics=tactics,
                techniques=techniques,
            ),
            first_at=first_at,
            last_at=last_at or first_at,
            count=1,
            entities=tuple(entities),
            evidence=(
                Evidence(
                    ref=EventRef(file="log", record=1, at=first_at),
                    original="{}",
                    matched=Clause(kind="field", label="x"),
                ),
            ),
        )

    return make


@pytest.fixture
def make_trail() -> Callable[..., Trail]:
    def make(*processes: tuple[str, str, str, str, datetime], host: str = "web1") -> Trail:
        """Each process is (id, parent id, image, parent image, start)."""
        trail = Trail()
        for name, parent, image, parent_image, started in processes:
            start = {
                "@timestamp": started,
                "event.file": "log",
                "host.name": host,
                "process.entity_id": name,
                "process.parent.entity_id": parent,
                "process.executable": image,
                "process.parent.executable": parent_image,
                "process.command_line": image,
                "user.name": "corp\\alice",
            }
            schema = pa.schema([(column, COMMON[column][0]) for column in start])
            trail.processes.add(pa.Table.from_pylist([start], schema=schema))
        return trail

    return make
