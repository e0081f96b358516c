"""An application or account is made under a name that is written to be taken for another.

Intruders who stay give what they leave behind names that an administrator's eye passes over: ``rnicrosoft`` with an r
and an n, a colleague's name with a digit one for an l.

Method: names are brought to their skeleton, in which characters and pairs that look alike are one (Unicode Technical
Standard 39, section 4, reduced to what renders alike in the fonts of administration pages). Told of are: objects whose
skeleton holds a word that the name itself does not, of a list of words that such names imitate; applications
registered in this tenant under the name of a product of Microsoft's; accounts whose skeleton is another account's.
Source: UTS 39; MITRE ATT&CK T1036.005.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa

from stillhunt.detection.behaviour.alike import skeleton
from stillhunt.detection.behaviour.join import first_place, last_place
from stillhunt.detection.behaviour.model import Aggregate, Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.taking import Taken, is_in
from stillhunt.detection.behaviour.telling import among, number, shown_places, time_text
from stillhunt.detection.finding import Detector
from stillhunt.telemetry.event import EventBatch, EventClass
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "OBJECTS", "imitated"]

_WORDS = (
    *("microsoft", "sharepoint", "onedrive", "outlook", "exchange", "office", "windows", "defender", "entra", "azure"),
    *("administrator", "admin", "company", "support", "helpdesk", "security", "compliance", "communication", "google"),
    *("department", "government", "management", "payment", "system", "teams", "mail"),
)
_PRODUCTS = re.compile(
    r"(microsoft )?(sharepoint|sharepoint online|onedrive|outlook|exchange online|office|office ?365|microsoft ?365"
    r"|word|excel|powerpoint|teams|azure ad|entra id|intune|onenote|defender|graph)( online| app)?"
)
_PLAIN_PRODUCTS = frozenset({"word", "excel", "graph", "office", "teams", "defender"})
_KINDS = frozenset({"application", "user", "serviceprincipal", "group"})


@lru_cache(maxsize=65_536)
def imitated(name: str, kind: str) -> str:
    """Return what word or product a name imitates, or an empty text.

    Args:
        name: As shown.
        kind: ``application``, ``user``, ``serviceprincipal`` or ``group``.

    >>> imitated("rnicrosoft_office", "application"), imitated("Cornwall Office", "group"), imitated("Plan", "user")
    ('microsoft', '', '')
    """
    shape = skeleton(name)
    literal = re.sub(r"[^\w]|_", "", name.lower())
    for word in _WORDS:
        if skeleton(word) in shape and word not in literal:
            return word
    if kind != "application":
        return ""
    words = re.sub(r"[\W_]+", " ", name.lower()).strip()
    return words if _PRODUCTS.fullmatch(words) and words not in _PLAIN_PRODUCTS else ""


def _is_tenant(event_class: EventClass) -> bool:
    return event_class.product == "m365"


def _rows(batch: EventBatch) -> pa.Table | None:
    took = Taken(batch, is_in(batch, "Workload", {"azureactivedirectory"}))
    if not took.n_rows:
        return None
    found = [_object(said.split("\n")) for said in took.texts("Target.ID")]
    kinds, names = zip(*found, strict=True)
    table = took.table(
        {
            "kind": pa.array(kinds, pa.string()),
            "name": pa.array(names, pa.string()),
            "actor": took.column("user.name"),
            "operation": took.column("event.action"),
            "address": took.column("source.ip"),
        }
    )
    return None if table is None else table.filter(pa.array([bool(kind) for kind in kinds], pa.bool_()))


def _object(said: Sequence[str]) -> tuple[str, str]:
    """Return the kind and the name of what a record of the directory is about: they stand behind its ids."""
    for place, value in enumerate(said[:-1]):
        if value.lower() in _KINDS:
            return value.lower(), said[place + 1][:200]
    return "", ""


OBJECTS = Aggregate(
    name="directory objects",
    wants=_is_tenant,
    fields=("Workload", "Target.ID"),
    keys=("kind", "name", "actor", "operation", "address"),
    rows=_rows,
)
"""What was done in the directory to which application, principal, group or account."""

Row = Mapping[str, Any]


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    rows = tables[OBJECTS.name].to_pylist()
    people: dict[str, set[str]] = {}
    for row in rows:
        if row["kind"] == "user":
            people.setdefault(skeleton(row["name"].partition("@")[0]), set()).add(row["name"].lower())
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        local = row["name"].partition("@")[0] if row["kind"] == "user" else row["name"]
        alike = people.get(skeleton(local), set()) if row["kind"] == "user" else set()
        other = _twin(row["name"].lower(), alike)
        what = imitated(local, row["kind"]) or other
        if what:
            groups.setdefault((what, skeleton(local)), []).append(row)
    for (what, shape), found in groups.items():
        made = [row for row in found if row["operation"].lower().startswith("add ")]
        if made:
            yield _observation(what, shape, found)


def _twin(name: str, alike: set[str]) -> str:
    """Return the account that a name is written like: one of the same domain."""
    domain = name.partition("@")[2]
    return next((other for other in sorted(alike) if other != name and other.partition("@")[2] == domain), "")


def _observation(what: str, shape: str, rows: Sequence[Row]) -> Observation:
    names, actors = {row["name"] for row in rows}, {row["actor"] for row in rows if row["actor"]}
    n_records = sum(row["n"] for row in rows)
    first = min(row["first_at"] for row in rows)
    kinds = {row["kind"] for row in rows}
    return Observation(
        identity=(what, shape),
        sentence=f"From {time_text(first)} {among(actors)} made and used {among(kinds)} named"
        f" {among(repr(name) for name in names)}, written like {what!r}.",
        why=(("looks like", what), ("acts", number(n_records, "record"))),
        places=shown_places(place for row in rows for place in (first_place(row), last_place(row))),
        entities=(
            *(("account", actor, "subject") for actor in sorted(actors)),
            *(("account", name.lower(), "target") for name in sorted(names) if "@" in name),
            *sorted({("address", row["address"], "source") for row in rows if row["address"]}),
        ),
        count=n_records,
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-imitating-names",
        title="Application or account under a name made to be taken for another",
        description="What was made in the directory is named like a product or a colleague, spelt otherwise.",
        level=Level.MEDIUM,
        path="behaviour/imitating_names",
        tactics=("defense-evasion", "persistence"),
        techniques=("T1036.005", "T1136.003"),
        false_positives=("An own application that is careless about its name",),
    ),
    logs="Microsoft 365 unified audit log, records of the directory",
    thresholds={"words": "only words that such names are made of: rn stands in many honest names"},
    aggregates=(OBJECTS,),
    findings=_findings,
)
