"""ATT&CK's tactics in order and the ids of its techniques, software and groups.

Source: MITRE ATT&CK Enterprise, matrix order of v18.
"""

from __future__ import annotations

import re

__all__ = ["TACTICS", "parent_of", "parse_tag", "tactic_rank", "tactic_title"]

TACTICS: tuple[str, ...] = (
    "reconnaissance",
    "resource-development",
    "initial-access",
    "execution",
    "persistence",
    "privilege-escalation",
    "defense-evasion",
    "credential-access",
    "discovery",
    "lateral-movement",
    "collection",
    "command-and-control",
    "exfiltration",
    "impact",
)
"""Short names of the tactics, in the order of the matrix."""

_TAG = re.compile(r"^attack[.](?:(t\d{4}(?:[.]\d{3})?)|(g\d{4})|(s\d{4})|([a-z_-]+))$")


def tactic_rank(tactic: str) -> tuple[int, str]:
    """Return what sorts tactics by their place in the matrix; unknown ones come last, by name."""
    return (TACTICS.index(tactic) if tactic in TACTICS else len(TACTICS)), tactic


def tactic_title(tactic: str) -> str:
    """Return a tactic as ATT&CK prints it.

    >>> tactic_title("command-and-control")
    'Command and Control'
    """
    return " ".join(w if w == "and" else w.capitalize() for w in tactic.split("-"))


def parent_of(technique: str) -> str:
    """Return the parent of a sub-technique, or the technique itself.

    >>> parent_of("T1505.003")
    'T1505'
    """
    return technique.partition(".")[0]


def parse_tag(tag: str) -> tuple[str, str] | None:
    """Split a Sigma tag of the ``attack`` namespace into its kind and id.

    Source: Sigma specification, appendix "Tags".

    >>> parse_tag("attack.t1505.003")
    ('technique', 'T1505.003')
    >>> parse_tag("attack.credential_access")
    ('tactic', 'credential-access')
    >>> parse_tag("attack.s0002")
    ('software', 'S0002')
    >>> parse_tag("cve.2021-34473") is None
    True
    """
    match = _TAG.match(tag.lower())
    if match is None:
        return None
    technique, group, software, tactic = match.groups()
    if technique:
        return "technique", technique.upper()
    if group:
        return "group", group.upper()
    if software:
        return "software", software.upper()
    return "tactic", tactic.replace("_", "-")
