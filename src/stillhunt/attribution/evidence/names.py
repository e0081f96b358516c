"""Names that stand in the evidence: a rule called after a group, a string in malware. Quoted, and not weighed.

It is one vendor's claim about whoever it had in mind, or the intruder's own words. Either way the reader should see it
and the model should not: whoever wrote the rule saw the same techniques, which are counted already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stillhunt.attribution.circumstances import Named
from stillhunt.attribution.evidence.line import Line

__all__ = ["name_lines"]


def name_lines(named: Iterable[Named], groups: Mapping[str, tuple[str, ...]]) -> list[Line]:
    """Tell names, at weight 0, to every group that bears one.

    Args:
        named: Names in the evidence.
        groups: Ids of the groups that bear each name.
    """
    return [
        Line(
            kind="name",
            item=one.name,
            weights=dict.fromkeys(groups.get(one.name, ()), 0.0),
            told=f"named in {one.source}: “{one.quote}”; one party's claim, not weighed",
        )
        for one in sorted(named, key=lambda n: (n.name, n.source, n.quote))
        if groups.get(one.name)
    ]
