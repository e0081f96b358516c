"""Accounts at work: who signed in or acted, from where, with what, on what, by day.

Read are Windows' logons (4624, 4625, 4768, 4771), every record of a cloud service that names an account and an
address, and web servers that know their users. Accounts of machines and of the system itself are left out, and so are
failures of names that are no account anywhere.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from stillhunt.detection.behaviour.join import Columns, in_order_of, places, text
from stillhunt.detection.behaviour.model import Aggregate, Place
from stillhunt.detection.behaviour.names import is_outside, network_of
from stillhunt.telemetry.columns import combined
from stillhunt.telemetry.event import EventBatch, EventClass

__all__ = ["DAY_US", "SESSIONS", "SIGN_INS", "Use", "by_account", "client_of", "is_person", "uses_of"]

DAY_US = 86_400_000_000

_INT: Any = pa.int64()
_STRING: Any = pa.string()
_LOGONS = {"4624": "success", "4625": "failure", "4768": "", "4771": "failure"}
"""Event id to outcome; of 4768 the status says."""

_CLOUDS = frozenset({"m365", "azure", "gcp", "aws", "okta", "github"})
_NOT_PEOPLE = frozenset({"guardduty", "vpcflow"})
_SYSTEM = re.compile(
    r"(?:^|\\)(?:system|anonymous logon|local service|network service|iusr|dwm-\d+|umfd-\d+|not available|unknown|"
    r"app@sharepoint|healthmailbox.*|-)$|[$]$|^s-1-|^nt authority\\|^window manager\\|^font driver host\\|"
    r"^serviceprincipal_"
)
_VERSION = re.compile(r"[\d._;:/+()\[\]-]*\d[\w.]*")
_CLIENT_CHARACTERS = 80
_FAILED_STATUS = re.compile(r"^(?:401|403|440)$")


def is_person(account: str) -> bool:
    r"""Tell whether an account may be a person's or a service's, and no machine's or the system's own.

    >>> is_person("corp\\alice"), is_person("corp\\ws01$"), is_person("nt authority\\system")
    (True, False, False)
    """
    return bool(account) and not _SYSTEM.search(account)


@lru_cache(maxsize=50_000)
def client_of(agent: str) -> str:
    """Return what a client says it is without its versions, which change every week.

    >>> client_of("Mozilla/5.0 (Windows NT 10.0) Firefox/118.0"), client_of("python-requests/2.31")
    ('mozilla windows nt firefox', 'python-requests')
    """
    words = _VERSION.sub(" ", agent.lower().replace("client=", "")).replace("/", " ")
    return " ".join(re.findall(r"[a-z][a-z_.-]+", words))[:_CLIENT_CHARACTERS]


def _is_use(event_class: EventClass) -> bool:
    if event_class.product == "windows":
        return "security" in event_class.services and event_class.event_id in _LOGONS
    if event_class.product in _CLOUDS:
        return not event_class.services & _NOT_PEOPLE
    return event_class.product == "iis" or "auth" in event_class.services


def _rows(batch: EventBatch) -> pa.Table | None:
    event, data = batch.event_class, batch.data
    is_windows = event.product == "windows"
    account: Any = data.column("user.target.name" if is_windows and event.event_id in {"4624", "4625"} else "user.name")
    if not is_windows and account.null_count:
        # Who signs in is named as acting by some services, and as acted upon by those that let them in.
        account = combined([account, data.column("user.target.name")], lambda acting, target: acting or target)
    lower = [(value or "").lower() for value in account.dictionary.to_pylist()]
    is_known: Any = pa.array([is_person(name) for name in lower], pa.bool_()).take(account.indices)
    if is_windows and event.event_id == "4624":
        # Interactive logons at the machine itself come from no address.
        is_placed: Any = is_known
    else:
        is_placed = pc.and_(pc.fill_null(is_known, pa.scalar(False)), pc.is_valid(data.column("source.ip")))
    rows: Any = pc.indices_nonzero(pc.fill_null(is_placed, pa.scalar(False)))
    if not len(rows):
        return None
    # Batches of some services have a hundred columns: taken are those that are read here.
    asked = [name for name in (*_READ, *SIGN_INS.fields) if name in data.schema.names]
    taken = data.select(asked).take(rows)
    at = taken.column("@timestamp").cast(_INT)
    day = pc.divide(at, pa.scalar(DAY_US, _INT)).cast(_STRING)
    columns = {
        "account": pa.DictionaryArray.from_arrays(account.indices, pa.array(lower, _STRING)).take(rows),
        "address": taken.column("source.ip"),
        "client": _mapped(taken.column("user_agent.original"), client_of),
        "service": pa.repeat(pa.scalar(event.product, _STRING), len(rows)),
        "host": taken.column("host.name") if is_windows else pa.nulls(len(rows), _STRING),
        "logon": taken.column("logon.type") if is_windows else pa.nulls(len(rows), _STRING),
        "outcome": _outcome(EventBatch(event_class=event, data=taken)),
        "day": day,
        **places(batch, rows),
    }
    return pa.table(columns)


_READ = (
    *("@timestamp", "source.ip", "user_agent.original", "host.name", "logon.type", "http.response.status_code"),
    "event.outcome",
)
"""Common columns of which every row taken is looked at."""


def _mapped(column: Any, change: Any) -> Any:
    values = [None if value is None else change(value) for value in column.dictionary.to_pylist()]
    return pa.array(values, _STRING).take(column.indices)


def _outcome(batch: EventBatch) -> Any:
    event, data = batch.event_class, batch.data
    n_rows = data.num_rows
    if event.product == "windows":
        known = _LOGONS.get(event.event_id or "", "")
        if known:
            return pa.repeat(pa.scalar(known, _STRING), n_rows)
        return _mapped_null(
            text(batch, "Status"), lambda said: "success" if said.lower() in {"0x0", "0"} else "failure"
        )
    if event.product == "iis":
        column = data.column("http.response.status_code")
        return _mapped_null(column, lambda code: "failure" if _FAILED_STATUS.match(code) else "success")
    return data.column("event.outcome").cast(_STRING)


def _mapped_null(column: Any, change: Any) -> Any:
    return pc.fill_null(_mapped(column, change), pa.scalar("", _STRING))


SIGN_INS = Aggregate(
    name="sign-ins",
    wants=_is_use,
    fields=("Status",),
    keys=("account", "address", "client", "service", "host", "logon", "outcome", "day"),
    rows=_rows,
)
"""Uses of accounts: one row for an account, address, client, service, host, type of logon, outcome and day (days since
1970, as text)."""


_SESSION_FIELDS = ("AppAccessContext.AADSessionId", "SessionId", "DeviceProperties.SessionId")


def _session_rows(batch: EventBatch) -> pa.Table | None:
    data = batch.data
    held = [text(batch, name).cast(_STRING) for name in _SESSION_FIELDS]
    session = pc.coalesce(*held)
    is_known = pc.and_(
        pc.is_valid(session), pc.and_(pc.is_valid(data.column("source.ip")), pc.is_valid(data.column("user.name")))
    )
    rows: Any = pc.indices_nonzero(
        pc.and_(is_known, pc.not_equal(pc.fill_null(session, pa.scalar("", _STRING)), pa.scalar("", _STRING)))
    )
    if not len(rows):
        return None
    columns = {
        "account": data.column("user.name").take(rows),
        "session": session.take(rows),
        "address": data.column("source.ip").take(rows),
        "client": _mapped(data.column("user_agent.original").take(rows), client_of),
        **places(batch, rows),
    }
    return pa.table(columns)


SESSIONS = Aggregate(
    name="sessions",
    wants=lambda event_class: event_class.product == "m365",
    fields=_SESSION_FIELDS,
    keys=("account", "session", "address", "client"),
    rows=_session_rows,
)
"""Sessions of accounts, and the addresses and clients that they were used from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """The uses of an account on one day, from one address with one client; the columns of :data:`SIGN_INS`.

    Attributes:
        account: Who.
        address: From where; empty at the machine itself.
        network: Its network, empty for addresses inside.
        client: With what, without versions.
        service: Product of the log.
        host: On which machine; empty for services.
        logon: Windows logon type.
        outcome: ``success``, ``failure`` or empty.
        day: Days since 1970.
        n: How often.
        number: Which row of its table it is.
        columns: The table, for what is asked seldom.
    """

    account: str
    address: str
    network: str
    client: str
    service: str
    host: str
    logon: str
    outcome: str
    day: int
    n: int
    number: int
    columns: Columns

    @property
    def first(self) -> Place:
        """Where the first record lies."""
        return self.columns.first(self.number)

    @property
    def last(self) -> Place:
        """Where the last record lies."""
        return self.columns.last(self.number)


def uses_of(table: pa.Table) -> Sequence[Use]:
    """Return the rows of :data:`SIGN_INS` in order of account and time."""
    if not _last or _last[0][0]() is not table:
        # Analytics ask for the rows of one table one after another; they go when it does.
        _last[:] = [(weakref.ref(table, lambda _: _last.clear()), _uses(table))]
    return _last[0][1]


_last: list[tuple[weakref.ref[pa.Table], Sequence[Use]]] = []
"""The table asked about last, and its rows."""

_ORDER = ("account", "first_at", "first_file", "first_host", "first_number", "first_place")
_ORDER_THEN = ("address", "client", "host", "logon", "outcome")


def _uses(table: pa.Table) -> Sequence[Use]:
    columns = Columns(in_order_of(table, (*_ORDER, *_ORDER_THEN)))
    texts = ("account", "address", "client", "service", "host", "logon", "outcome", "day")
    # Equal texts, networks and days are the same object: there are few of them, and very many rows.
    networks = {address: network_of(address) if is_outside(address) else "" for address in columns.distinct("address")}
    days = {day: int(day) for day in columns.distinct("day")}
    values = zip(*(columns.values(name) for name in (*texts, "n")), strict=True)
    return tuple(
        Use(
            account=account,
            address=address,
            network=networks[address],
            client=client,
            service=service,
            host=host,
            logon=logon,
            outcome=outcome,
            day=days[day],
            n=n,
            number=number,
            columns=columns,
        )
        for number, (account, address, client, service, host, logon, outcome, day, n) in enumerate(values)
    )


def by_account(uses: Iterable[Use]) -> dict[str, list[Use]]:
    """Return the uses of every account, in their order."""
    found: dict[str, list[Use]] = {}
    for use in uses:
        found.setdefault(use.account, []).append(use)
    return found
