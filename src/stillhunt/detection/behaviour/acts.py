"""Changes of a tenant that open a door for later: a view that the analytics of mailbox rules, grants, applications,
searches, trust and auditing share.

A single such act is what rules are for. Here an act is compared with who does such things in this house, how often,
and from where: an administrator's stolen account does what administrators do, but from elsewhere; a user's does what
that user never did.

Names of operations: Microsoft, Office 365 Management Activity API schema; Exchange Online PowerShell; Microsoft Entra
audit activities. A full stop behind an operation of the directory is part of its name and is left out here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from stillhunt.detection.behaviour.join import first_place, last_place, rows_of
from stillhunt.detection.behaviour.model import Aggregate, Observation, Place, Tables
from stillhunt.detection.behaviour.taking import DAYS, days_of, taken
from stillhunt.detection.behaviour.telling import among, days_text, number, shown_places
from stillhunt.detection.behaviour.whereabouts import THRESHOLDS, WHEREABOUTS, habits_of
from stillhunt.telemetry.event import EventBatch, EventClass
from stillhunt.terms.level import Level

__all__ = ["ACTS", "FAMILIES", "STRANGE_PLACE", "Act", "acts_of", "from_elsewhere", "observed", "unusual_doers"]

FAMILIES: Mapping[str, frozenset[str]] = {
    "rule": frozenset({"new-inboxrule", "set-inboxrule", "enable-inboxrule", "updateinboxrules", "new-transportrule"})
    | {"set-transportrule", "new-journalrule", "set-mailbox", "new-remotedomain", "set-remotedomain"},
    "grant": frozenset({"add-mailboxpermission", "add-recipientpermission", "add-mailboxfolderpermission"})
    | {"set-mailboxfolderpermission", "addfolderpermissions", "modifyfolderpermissions"},
    "application": frozenset({"add app role assignment to service principal", "add service principal credentials"})
    | {"add owner to application", "add owner to service principal"}
    | {f"update application {dash} certificates and secrets management" for dash in ("-", "\N{EN DASH}")},
    "search": frozenset(
        {"new-compliancesearch", "start-compliancesearch", "new-compliancesearchaction", "searchcreated"}
    )
    | {"searchstarted", "searchexported", "searchexportdownloaded", "new-mailboxexportrequest", "search-mailbox"}
    | {"new-mailboxsearch", "viewedsearchexported", "searchpreviewed", "caseadded", "holdcreated"},
    "trust": frozenset({"set domain authentication", "set federation settings on domain", "add unverified domain"})
    | {"verify domain", "add verified domain", "set-msoldomainfederationsettings", "add partner to company"}
    | {"set-organizationconfig", "new-federationtrust", "set-federationtrust", "set directory feature on tenant"},
    "audit": frozenset(
        {"set-adminauditlogconfig", "set-mailboxauditbypassassociation", "remove-unifiedauditlogretentionpolicy"}
    )
    | {"new-unifiedauditlogretentionpolicy", "set-unifiedauditlogretentionpolicy", "disable-organizationcustomization"}
    | {"change user license", "set company information"},
}
"""Family of acts to its operations, lower case."""

_FAMILY = {operation: family for family, operations in FAMILIES.items() for operation in operations}
_TARGETS = ("Parameters.Identity", "Target.ID", "ObjectId", "email.mailbox")
_VALUES = (
    *("Parameters.ForwardTo", "Parameters.RedirectTo", "Parameters.ForwardAsAttachmentTo", "Parameters.BlindCopyTo"),
    *("Parameters.ForwardingSmtpAddress", "Parameters.ForwardingAddress", "Parameters.User", "Parameters.Trustee"),
    "ModifiedProperties.DisplayName.NewValue",
    "Item.ParentFolder.MemberUpn",
)
_SYSTEM = ("nt authority\\", "microsoft.", "s-1-5-18", "not available")


def _is_tenant(event_class: EventClass) -> bool:
    return event_class.product == "m365"


def _plain(operation: str) -> str:
    return operation.lower().strip().rstrip(".").strip()


def _rows(batch: EventBatch) -> pa.Table | None:
    spoken = {form for name in _FAMILY for form in (name, f"{name}.", f"{name} ")}
    took = taken(batch, "event.action", spoken)
    if took is None:
        return None
    rows = zip(
        took.texts("event.action"),
        took.texts("user.name"),
        took.texts("event.outcome"),
        zip(*(took.texts(name) for name in _TARGETS), strict=True),
        zip(*(took.texts(name) for name in _VALUES), strict=True),
        strict=True,
    )
    kept, found = [], []
    deleted = took.texts("Parameters.DeleteMessage")
    for (action, actor, outcome, targets, values), deletes in zip(rows, deleted, strict=True):
        family, value = _FAMILY[_plain(action)], next((v for v in values if v), "")
        is_kept = outcome != "failure" and bool(actor) and not _is_system(actor)
        # Most rules and settings of a mailbox are nobody's concern; those that send mail elsewhere or lose it are.
        kept.append(is_kept and (family != "rule" or bool(value) or deletes.lower() == "true"))
        found.append((family, _short(next((t for t in targets if t), "")), _short(value)))
    families, targets_, values_ = zip(*found, strict=True)
    table = took.table(
        {
            "family": pa.array(families, pa.string()),
            "actor": took.column("user.name"),
            "address": took.column("source.ip"),
            "operation": took.column("event.action", _plain),
            "target": pa.array(targets_, pa.string()),
            "value": pa.array(values_, pa.string()),
            **took.days(),
        }
    )
    return None if table is None else table.filter(pa.array(kept, pa.bool_()))


def _short(name: str) -> str:
    """Return a name without the path of the server and the tenant that Exchange puts before it."""
    last = name.rpartition("/")[2] if "/" in name and "://" not in name else name
    return last.lower()[:200]


def _is_system(actor: str) -> bool:
    return actor.startswith(_SYSTEM) or "(microsoft" in actor


ACTS = Aggregate(
    name="tenant acts",
    wants=_is_tenant,
    fields=(*_TARGETS[:-1], *_VALUES, "Parameters.DeleteMessage"),
    keys=("family", "actor", "address", "operation", "target", "value"),
    measures=DAYS,
    rows=_rows,
)
"""Who changed what in a tenant, of the families above, from where; what was refused is left out."""


@dataclass(frozen=True, slots=True)
class Act:
    """One kind of change by one person.

    Attributes:
        family: One of :data:`FAMILIES`.
        actor: Who.
        address: Where from; empty if not logged.
        operation: What, as the service calls it, lower case.
        target: To what.
        value: What was set: an address to forward to, who was let in, an application's name.
        n: How often.
        days: Days since 1970.
        first: Where the first record lies.
        last: Where the last one lies.
    """

    family: str
    actor: str
    address: str
    operation: str
    target: str
    value: str
    n: int
    days: frozenset[int]
    first: Place
    last: Place


def acts_of(table: pa.Table, *families: str) -> Iterator[Act]:
    """Yield the acts of some families."""
    for row in rows_of(table):
        if row["family"] in families:
            yield Act(
                family=row["family"],
                actor=row["actor"],
                address=row["address"],
                operation=row["operation"],
                target=row["target"],
                value=row["value"],
                n=row["n"],
                days=frozenset(days_of(row)),
                first=first_place(row),
                last=last_place(row),
            )


STRANGE_PLACE: Mapping[str, str] = {
    **THRESHOLDS,
    "doers": "who does such things on at least 3 days is one of those whose work it is",
    "newcomer": "told of only where it is somebody else's work: a house without a habit has none to differ from",
}
"""Thresholds of :func:`from_elsewhere` and :func:`unusual_doers`."""

_DOER_DAYS = 3


def from_elsewhere(tables: Tables, family: str, what: str) -> Iterator[Observation]:
    """Yield, by person, the acts of a family done from a network that is strange to the person.

    Args:
        tables: Of :data:`ACTS` and of whereabouts.
        family: One of :data:`FAMILIES`.
        what: What was done, as in "gave access to mailboxes".
    """
    acts_of_family = list(acts_of(tables[ACTS.name], family))
    if not acts_of_family:
        return
    habits = habits_of(tables[WHEREABOUTS.name])
    by_actor: dict[str, list[Act]] = {}
    for act in acts_of_family:
        if habits.is_strange(act.actor, act.address):
            by_actor.setdefault(act.actor, []).append(act)
    for actor, acts in by_actor.items():
        addresses = {act.address for act in acts}
        yield observed(
            ("elsewhere", actor),
            acts,
            f"{actor} {what} {days_text({d for a in acts for d in a.days})} from {among(addresses)}, a network from"
            f" which that account hardly ever works: {_list(acts)}.",
            level=Level.HIGH,
            strange=frozenset(addresses),
        )


def unusual_doers(tables: Tables, family: str, what: str) -> Iterator[Observation]:
    """Yield, by person, the acts of a family done by somebody whose work it is not, where it is somebody's work."""
    by_actor: dict[str, list[Act]] = {}
    for act in acts_of(tables[ACTS.name], family):
        by_actor.setdefault(act.actor, []).append(act)
    days = {actor: {day for act in acts for day in act.days} for actor, acts in by_actor.items()}
    doers = {actor for actor, own in days.items() if len(own) >= _DOER_DAYS}
    if not doers or len(doers) == len(by_actor):
        return
    active = habits_of(tables[WHEREABOUTS.name]).active
    for actor, acts in by_actor.items():
        has_history = len(active.get(actor, set()) - days[actor]) >= 10
        if actor in doers or not has_history:
            continue
        yield observed(
            ("newcomer", actor),
            acts,
            f"{actor}, who never did so before, {what} {days_text(days[actor])}; here that is the work of"
            f" {among(doers)}: {_list(acts)}.",
        )


def observed(
    identity: tuple[str, ...],
    acts: Sequence[Act],
    sentence: str,
    *,
    level: Level | None = None,
    strange: frozenset[str] = frozenset(),
) -> Observation:
    """Return what some acts of one person are, said in a sentence."""
    days = {day for act in acts for day in act.days}
    return Observation(
        identity=identity,
        sentence=sentence,
        why=(
            ("acts", number(sum(act.n for act in acts), "record")),
            ("operations", among(act.operation for act in acts)),
            ("set", among(act.value for act in acts if act.value) or "nothing that is logged"),
        ),
        places=shown_places(place for act in acts for place in (act.first, act.last)),
        entities=tuple(_entities(acts)),
        count=sum(act.n for act in acts),
        n_days=len(days),
        level=level,
        strange=strange,
    )


def _entities(acts: Sequence[Act]) -> Iterable[tuple[str, str, str]]:
    found = {("account", act.actor, "subject") for act in acts}
    found |= {("address", act.address, "source") for act in acts if act.address}
    found |= {("mailbox", act.target, "") for act in acts if act.family in {"grant", "rule"} and "@" in act.target}
    return sorted(found)


def _list(acts: Sequence[Act]) -> str:
    return among(f"{act.operation}{f' ({act.value[:80]})' if act.value else ''}" for act in acts)
