"""Golden tickets: service tickets asked for by accounts that were never given a ticket to ask with.

Method: a domain controller logs the ticket-granting ticket (4768) or its renewal (4770) of whoever later asks for
service tickets (4769). A forged one is never given out. So an account with service tickets on days on which, and in the
week before, no controller gave it one is strange, if the logs have both for nearly all other accounts; where they have
not, controllers are missing, and nothing is said. Tickets with RC4, where the estate uses AES, raise the level.

Source: Microsoft, events 4768, 4769 and 4770; MITRE ATT&CK T1558.001, detection.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.detection.behaviour.join import first_place, last_place, places, text
from stillhunt.detection.behaviour.model import Aggregate, Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.names import is_outside
from stillhunt.detection.behaviour.sign_ins import DAY_US, is_person
from stillhunt.detection.behaviour.wording import count_words, day_words
from stillhunt.detection.finding import Detector
from stillhunt.detection.fold import EntityKey
from stillhunt.telemetry.event import EventBatch
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC"]

_GIVEN = frozenset({"4768", "4770"})
_ASKED = "4769"
_RENEWED_DAYS = 7
_COVERED, _FEWEST_ACCOUNTS = 0.9, 5
_RC4 = frozenset({"0x17", "0x18", "23", "24"})
_RC4_RARE = 0.05
_OK = frozenset({"0x0", "0", ""})


def _rows(batch: EventBatch) -> pa.Table | None:
    data = batch.data
    names: Any = data.column("user.name")
    lower = [(value or "").lower() for value in names.dictionary.to_pylist()]
    is_known: Any = pa.array([is_person(name) for name in lower], pa.bool_()).take(names.indices)
    status = text(batch, "Status")
    is_ok: Any = pa.array([(value or "").lower() in _OK for value in status.dictionary.to_pylist()], pa.bool_())
    is_granted = pc.fill_null(is_ok.take(status.indices), pa.scalar(True))
    rows: Any = pc.indices_nonzero(pc.and_(pc.fill_null(is_known, pa.scalar(False)), is_granted))
    if not len(rows):
        return None
    # One form of the name: controllers write it with and without the domain.
    plain = [name.rpartition("\\")[2] for name in lower]
    columns = {
        "account": pa.DictionaryArray.from_arrays(names.indices, pa.array(plain, pa.string())),
        "event": pa.repeat(pa.scalar(batch.event_class.event_id or "", pa.string()), data.num_rows),
        "encryption": text(batch, "TicketEncryptionType"),
        "address": data.column("source.ip"),
        "day": pc.divide(data.column("@timestamp").cast(pa.int64()), pa.scalar(DAY_US, pa.int64())).cast(pa.string()),
        **places(batch),
    }
    return pa.table({name: column.take(rows) for name, column in columns.items()})


TICKETS = Aggregate(
    name="tickets",
    wants=lambda event: "security" in event.services and event.event_id in {*_GIVEN, _ASKED},
    fields=("Status", "TicketEncryptionType"),
    keys=("account", "event", "encryption", "address", "day"),
    rows=_rows,
)
"""Kerberos tickets that were given out, by account, event, encryption, address and day."""


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    given: dict[str, set[int]] = {}
    asked: dict[str, list[dict[str, Any]]] = {}
    rows = sorted(tables[TICKETS.name].to_pylist(), key=lambda row: (first_place(row), row["account"], row["address"]))
    for row in rows:
        if row["event"] in _GIVEN:
            given.setdefault(row["account"], set()).add(int(row["day"]))
        else:
            asked.setdefault(row["account"], []).append(row)
    if not given or len(asked) < _FEWEST_ACCOUNTS:
        return
    # In the first week the ticket may have been given before the logs begin.
    begin = min(int(row["day"]) for row in rows) + _RENEWED_DAYS
    orphans = {
        account: [row for row in held if int(row["day"]) > begin and not _was_given(given.get(account, set()), row)]
        for account, held in asked.items()
    }
    n_clean = sum(not held for held in orphans.values())
    if n_clean < _COVERED * len(asked):
        return
    n_rc4 = len({account for account, held in asked.items() if any(row["encryption"].lower() in _RC4 for row in held)})
    for account, held in orphans.items():
        if held:
            yield _observed(account, held, (n_clean, len(asked)), is_rc4_rare=n_rc4 <= max(1, _RC4_RARE * len(asked)))


def _was_given(days: set[int], row: dict[str, Any]) -> bool:
    return any(int(row["day"]) - ago in days for ago in range(_RENEWED_DAYS + 1))


def _observed(account: str, held: list[dict[str, Any]], clean: tuple[int, int], *, is_rc4_rare: bool) -> Observation:
    days = {row["day"] for row in held}
    addresses = sorted({row["address"].removeprefix("::ffff:") for row in held if row["address"]})
    is_weak = is_rc4_rare and any(row["encryption"].lower() in _RC4 for row in held)
    weak = ", with RC4, which hardly any other account uses here" if is_weak else ""
    n_tickets = sum(row["n"] for row in held)
    sentence = (
        f"{account} got {count_words(n_tickets, 'service ticket')} on {count_words(len(days), 'day')} from "
        f"{day_words(held[0]['first_at'])} on although no domain controller gave it a ticket to ask with{weak}"
    )
    entities: list[EntityKey] = [("account", account, "subject")]
    entities += [("address", address, "source") for address in addresses if not is_outside(address)]
    return Observation(
        identity=(account,),
        sentence=sentence,
        why=(
            ("tickets to ask with in the week before", "none"),
            ("other accounts for which the logs have both", f"{clean[0]:,} of {clean[1]:,} (threshold {_COVERED:.0%})"),
            ("encryption", ", ".join(sorted({row["encryption"] for row in held if row["encryption"]})) or "not said"),
        ),
        places=tuple(dict.fromkeys((first_place(held[0]), last_place(held[-1])))),
        entities=tuple(entities),
        count=n_tickets,
        n_days=len(days),
        level=Level.HIGH if is_weak else None,
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-golden-ticket",
        title="Service tickets for an account that was never given a ticket",
        description="An account uses Kerberos services although no domain controller gave it a ticket-granting ticket: "
        "what a forged one looks like from the controllers.",
        level=Level.MEDIUM,
        path="behaviour/golden_ticket",
        tactics=("credential-access", "lateral-movement"),
        techniques=("T1558.001", "T1550.003"),
        false_positives=("A domain controller whose logs are missing for one site",),
    ),
    logs="Kerberos tickets of domain controllers (Windows 4768, 4769, 4770)",
    thresholds={
        "week": f"tickets can be renewed for {_RENEWED_DAYS} days, so none was given in as many days before; "
        "the first week "
        "of the logs says nothing",
        "coverage": f"{_COVERED:.0%} of at least {_FEWEST_ACCOUNTS} accounts have both events: else controllers "
        "are missing",
        "RC4": f"high if at most {_RC4_RARE:.0%} of the accounts use it",
    },
    aggregates=(TICKETS,),
    findings=_findings,
)
