"""A finding whose evidence is chosen: which of its records are to be read again."""

from __future__ import annotations

from datetime import datetime

from stillhunt.detection.evidence import EvidenceKey, ShiftOf
from stillhunt.detection.fold import Fold, first_and_last
from stillhunt.terms.moment import moment

__all__ = ["Draft"]


class Draft:
    """A finding whose evidence is chosen: over all files, the first four records and the last.

    Args:
        rule: Number of the rule, or what stands for one in :class:`EvidenceKey`.
        host: ``host.name`` of its records.
        key: What tells it from others of the rule on the host.
        fold: Its matches.
        shift_s: Seconds to add to the logged times of (file, host).
    """

    def __init__(self, rule: int, host: str, key: str, fold: Fold, shift_s: ShiftOf) -> None:
        self.rule, self.host, self.key, self.fold = rule, host, key, fold
        self.shifts = {file: shift_s(file, host) for file in fold.tallies}
        # What a correction of clocks puts first need not have been first in the logs.
        ordered = {
            (match if match.is_undated else match._replace(at=match.at + self.shifts[file] * 1_000_000), file, match)
            for file, tally in fold.tallies.items()
            for match in tally.matches
        }
        n_dated = sum(not corrected.is_undated for corrected, _, _ in ordered)
        kept = first_and_last(sorted(ordered), n_dated)
        self.keys = [EvidenceKey(rule, file, match) for _, file, match in kept]

    @property
    def count(self) -> int:
        """Matching records."""
        return sum(tally.count for tally in self.fold.tallies.values())

    @property
    def n_days(self) -> int:
        """Different days on which there was one, as logged."""
        return len({day for tally in self.fold.tallies.values() for day in tally.days})

    @property
    def first_at(self) -> datetime | None:
        """When the first was, after corrections; None if none has a time."""
        tallies = self.fold.tallies.items()
        return min((moment(t.first, self.shifts[file]) for file, t in tallies if t.first is not None), default=None)

    @property
    def last_at(self) -> datetime | None:
        """When the last was."""
        tallies = self.fold.tallies.items()
        return max((moment(t.last, self.shifts[file]) for file, t in tallies if t.last is not None), default=None)
