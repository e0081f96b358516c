"""A key or identity of the cloud is used from a network and with a client that are strange to it.

A key that was copied works from anywhere. Programs call from the same networks with the same library for years.

Method: as for mailboxes (:mod:`stillhunt.detection.behaviour.whereabouts`): network and client each rare among the
active days of the identity, both together; regions that only the strange calls used are named. Roles that services
assume come from many addresses of the cloud itself; identities with more than twenty networks have no place of their
own and are let be.
Source: MITRE ATT&CK T1078.004; AWS, "Security incident response guide" (unusual use of credentials).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stillhunt.detection.behaviour.clients import client_read
from stillhunt.detection.behaviour.identities import KEYS
from stillhunt.detection.behaviour.join import first_place, last_place, rows_of
from stillhunt.detection.behaviour.model import Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.names import network_of
from stillhunt.detection.behaviour.taking import days_of
from stillhunt.detection.behaviour.telling import among, days_text, number, shown_places
from stillhunt.detection.behaviour.whereabouts import THRESHOLDS, is_rare
from stillhunt.detection.finding import Detector
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "strange_uses"]

_MOST_NETWORKS = 20

Use = Mapping[str, Any]
"""A row of :data:`KEYS`."""


def strange_uses(uses: Sequence[Use]) -> list[Use]:
    """Return the uses of one identity that are strange to it.

    Args:
        uses: All rows of one identity.
    """
    active: set[int] = set()
    networks: dict[str, set[int]] = {}
    programs: dict[tuple[str, str], set[int]] = {}
    for use in uses:
        days = days_of(use)
        active |= days
        networks.setdefault(network_of(use["address"]), set()).update(days)
        programs.setdefault(_program(use), set()).update(days)
    if len(networks) > _MOST_NETWORKS:
        return []
    odd = {network for network, days in networks.items() if is_rare(days, active)}
    own = {_program(use) for use in uses if network_of(use["address"]) not in odd}
    return [
        use
        for use in uses
        if network_of(use["address"]) in odd and _program(use) not in own and is_rare(programs[_program(use)], active)
    ]


def _program(use: Use) -> tuple[str, str]:
    client = client_read(use["client"])
    return client.program, client.system


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    identities: dict[str, list[Use]] = {}
    for row in rows_of(tables[KEYS.name]):
        identities.setdefault(row["identity"], []).append(row)
    for identity, uses in identities.items():
        strange = strange_uses(uses)
        if strange:
            yield _observation(identity, strange, uses)


def _observation(identity: str, strange: Sequence[Use], uses: Sequence[Use]) -> Observation:
    days = {day for use in strange for day in days_of(use)}
    addresses, keys = {use["address"] for use in strange}, {use["key"] for use in strange if use["key"]}
    regions = {use["region"] for use in strange} - {use["region"] for use in uses if use not in strange}
    n_calls = sum(use["n"] for use in strange)
    also = f", also in {among(regions)}, where it never works" if regions else ""
    return Observation(
        identity=(identity,),
        sentence=f"{identity} made {number(n_calls, 'call')} {days_text(days)} with"
        f" {among(client_read(use['client']).shown for use in strange)} from {among(addresses)}{also}; it uses"
        " neither that client nor that network.",
        why=(
            ("strange days", f"{len(days)} of {len({d for use in uses for d in days_of(use)})}"),
            ("keys", among(keys) or "none"),
        ),
        places=shown_places(place for use in strange for place in (first_place(use), last_place(use))),
        entities=(
            ("account", identity, "subject"),
            *(("address", address, "source") for address in sorted(addresses)),
        ),
        count=n_calls,
        n_days=len(days),
        strange=frozenset(addresses),
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-cloud-key-elsewhere",
        title="Identity of the cloud used with a client and from a network that are both strange to it",
        description="Calls are made in the name of an identity with a program and from a network it hardly uses.",
        level=Level.HIGH,
        path="behaviour/cloud_key_elsewhere",
        tactics=("initial-access", "persistence"),
        techniques=("T1078.004",),
        false_positives=("A developer on a journey with a new computer",),
    ),
    logs="AWS CloudTrail",
    thresholds={**THRESHOLDS, "networks": "an identity that works from more than 20 networks has no place of its own"},
    aggregates=(KEYS,),
    findings=_findings,
)
