"""Events of one class from dictionaries, and what one analytic says of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from stillhunt.detection.behaviour.watch import Watch
from stillhunt.telemetry.account import account_name
from stillhunt.telemetry.event import COMMON, TEXT, EventBatch, EventClass

START = datetime(2024, 1, 8, tzinfo=UTC)
EXCHANGE = EventClass(product="m365", services=frozenset({"audit", "exchange"}))
DIRECTORY = EventClass(product="m365", services=frozenset({"audit"}))
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"


def at(day, hour=9.0):
    return START + timedelta(days=day, hours=hour)


def batch(event_class, events):
    columns = {}
    for name, (kind, _) in COMMON.items():
        columns[name] = pa.array([event.get(name) for event in events], kind)
    for name in sorted({name for event in events for name in event} - set(COMMON)):
        columns[name] = pa.array([event.get(name) for event in events], TEXT)
    return EventBatch(event_class=event_class, data=pa.RecordBatch.from_pydict(columns))


class House:
    """Events as they are told, numbered as they come."""

    def __init__(self):
        self._events = {}
        self._number = 0

    def add(self, event_class, when, **fields):
        self._number += 1
        event = {"@timestamp": when, "event.file": "log", "event.record": self._number, "event.outcome": "success"}
        self._events.setdefault(event_class, []).append(event | fields)

    def read(self, day, mailbox, *, address, agent=None, hour=9.0, actor=None, app="", session=None, items=1, **more):
        """A mailbox is read: by a browser if it says of itself what it is, else by Outlook or an application."""
        client = f"Client=OWA;{agent};" if agent else "Client=REST;;" if app else "Client=MSExchangeRPC"
        fields = {
            "event.action": "MailItemsAccessed",
            "user.name": actor or account_name(mailbox),
            "email.mailbox": mailbox,
            "source.ip": address,
            "user_agent.original": client,
            "OperationCount": str(items),
            "OperationProperties.MailAccessType": "Bind",
        }
        optional = {"ClientAppId": app or None, "SessionId": session}
        self.add(EXCHANGE, at(day, hour), **fields, **{k: v for k, v in optional.items() if v}, **more)

    def act(self, day, action, *, user, address, hour=10.0, event_class=EXCHANGE, **fields):
        self.add(
            event_class, at(day, hour), **{"event.action": action, "user.name": user, "source.ip": address}, **fields
        )

    def observe(self, name, *, split=0):
        """What an analytic says; in pieces of some events, if that is asked."""
        watch = Watch([name])
        for event_class, events in self._events.items():
            size = split or len(events)
            for first in range(0, len(events), size):
                watch.feed(batch(event_class, events[first : first + size]))
        return [one.observation for one in watch.observed(lambda file, host: 0)]


@pytest.fixture
def house():
    """Twelve people who read mail on sixty working days, from an office and from their homes."""
    told = House()
    for person in range(12):
        for day in (d for d in range(84) if d % 7 < 5):
            is_home = (day + person) % 5 == 0
            told.read(
                day,
                f"user{person}@corp.example",
                address=f"198.51.{person}.7" if is_home else "192.0.2.10",
                agent=CHROME.format(120 + day // 28),
                session=f"session-{person}-{day // 7}",
                items=10 + (day * 7 + person) % 5,
            )
    return told


@pytest.fixture
def empty():
    return House()
