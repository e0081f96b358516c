"""What a reader of logs is told beside the logs themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo

from stillhunt.telemetry.mapping import LogMapping

__all__ = ["ReadOptions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How logs are to be read.

    Attributes:
        passwords: To be tried on encrypted members of archives; in no result.
        roots: Folders and archives that were given: folders below them may be named after machines.
        mappings: How logs are to be read that no source knows.
        zone: Zone of times that name none; None if nobody said, then UTC, unless a log itself shows another.
    """

    passwords: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    zone: tzinfo | None = None
    mappings: tuple[LogMapping, ...] = ()

    @property
    def usual_zone(self) -> tzinfo:
        """Zone of times that name none, where the log does not show it."""
        return self.zone or UTC

    @property
    def zone_why(self) -> str:
        """Why that zone."""
        return "as given" if self.zone is not None else ""
