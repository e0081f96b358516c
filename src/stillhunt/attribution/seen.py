"""What a case shows, in the ids of the knowledge base, and what could not be understood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stillhunt.knowledge import KnowledgeBase

__all__ = ["Seen", "resolve"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Techniques and software of a case, and the findings that show them.

    Attributes:
        techniques: Finding ids by current technique id, in order of id.
        software: Finding ids by current software id, in order of id.
        unrecognised: Ids that the knowledge base does not have, sorted.
    """

    techniques: Mapping[str, tuple[str, ...]]
    software: Mapping[str, tuple[str, ...]]
    unrecognised: tuple[str, ...] = ()

    @property
    def items(self) -> tuple[str, ...]:
        """All ids, techniques first."""
        return (*self.techniques, *self.software)

    def findings(self, item: str) -> tuple[str, ...]:
        """Return the findings that show a technique, any of a parent's sub-techniques, or a software."""
        shown = {f for t, findings in self.techniques.items() if _is_within(t, item) for f in findings}
        return tuple(sorted(shown | set(self.software.get(item, ()))))

    def without(self, item: str) -> Seen:
        """Return the same case as if one thing had not been seen."""
        return Seen(
            techniques={t: f for t, f in self.techniques.items() if t != item},
            software={s: f for s, f in self.software.items() if s != item},
            unrecognised=self.unrecognised,
        )


def resolve(
    techniques: Mapping[str, Sequence[str]], software: Mapping[str, Sequence[str]], knowledge: KnowledgeBase
) -> Seen:
    """Translate ids into those of today; withdrawn ones lead to their successor."""
    found: dict[str, set[str]] = {}
    unrecognised: set[str] = set()
    for given, findings in (*techniques.items(), *software.items()):
        current = knowledge.current(given.upper())
        if current is None or current in knowledge.groups:
            unrecognised.add(given)
        else:
            found.setdefault(current, set()).update(findings)
    return Seen(
        techniques={i: tuple(sorted(found[i])) for i in sorted(found) if i in knowledge.techniques},
        software={i: tuple(sorted(found[i])) for i in sorted(found) if i in knowledge.software},
        unrecognised=tuple(sorted(unrecognised)),
    )


def _is_within(technique: str, item: str) -> bool:
    return technique == item or technique.startswith(f"{item}.")
