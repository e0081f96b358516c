"""One address goes through the steps of breaking into a mail or document server, in their order.

Each step alone is tried by every scanner of the Internet, and is refused. Whoever gets through goes on within minutes:
from the request that deceives the server to its administration interface, to a page that was not there before.

Method: steps of one address at one server by their time: a request in the shape of a known deception, answered; then
its administration (``/powershell``, ``/ecp`` services) or a page that few ask for and that is answered. Both within a
day make a chain. Pages that more than three addresses ask for are the server's own. The files of such pages that were
written meanwhile are said.
Source: Microsoft, "HAFNIUM targeting Exchange servers" (2021); Orange Tsai, "ProxyLogon", "ProxyShell" (2021);
CISA AA21-062A; Microsoft, "Disrupting active exploitation of on-premises SharePoint vulnerabilities" (2025). Shapes of
requests as published there; MITRE ATT&CK T1190.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from stillhunt.detection.behaviour.join import distinct, first_place, last_place, rows_of
from stillhunt.detection.behaviour.model import Aggregate, Analytic, Observation, Setting, Tables
from stillhunt.detection.behaviour.pages import PAGES, WRITTEN, base_name, is_page, is_web
from stillhunt.detection.behaviour.taking import DAY_US, Taken
from stillhunt.detection.behaviour.telling import among, number, shown_places, time_text
from stillhunt.detection.finding import Detector
from stillhunt.telemetry.event import EventBatch
from stillhunt.terms.level import Level

__all__ = ["ANALYTIC", "STEPS", "chain", "step_of"]

_MOST_GUESTS = 3

_SHAPES = (
    ("deceives", re.compile(r"/autodiscover/autodiscover\.json.*(?:@|%40|powershell|mapi)")),
    ("deceives", re.compile(r"/ecp/[^?]*\.(?:js|css|flt|png|gif)(?:\?|$)")),
    ("deceives", re.compile(r"/owa/auth/[^?]*\.(?:js|css|png|gif)(?:\?|$)")),
    ("deceives", re.compile(r"/_layouts/1[56]/toolpane\.aspx")),
    ("administers", re.compile(r"/ecp/(?:proxylogon\.ecp|ddi/ddiservice\.svc)")),
    ("administers", re.compile(r"/powershell(?:/|\?|$)")),
)
"""Step to the shape of its requests, path and query in lower case."""

_OWN_PAGES = re.compile(
    r"/(?:owa/(?:auth/(?:logon|logoff|errorfe|signout|timeout|expiredpassword)\.aspx|$)|ecp/(?:default|)\.?(?:aspx)?$"
    r"|ews/exchange\.asmx|autodiscover/|mapi/|rpc/|oab/|microsoft-server-activesync)"
)


def step_of(method: str, path: str, query: str) -> str:
    """Return which step a request is: ``deceives``, ``administers``, ``page`` or nothing.

    >>> step_of("POST", "/ecp/y.js", ""), step_of("GET", "/ecp/main.js", ""), step_of("POST", "/client/x.aspx", "")
    ('deceives', '', 'page')
    """
    whole = f"{path}?{query}".lower() if query else path.lower()
    for step, shape in _SHAPES:
        # Pictures and scripts are read by everybody; nobody sends them data.
        if shape.search(whole) and (method == "POST" or "autodiscover.json" in whole or step == "administers"):
            return step
    is_own = _OWN_PAGES.search(path.lower())
    return "page" if is_page(path) and not is_own else ""


def _rows(batch: EventBatch) -> pa.Table | None:
    took = Taken(batch)
    requests = zip(took.texts("http.request.method"), took.texts("url.path"), took.texts("cs-uri-query"), strict=True)
    steps = [step_of(method.upper(), path, query) for method, path, query in requests]
    codes = took.texts("http.response.status_code")
    table = took.table(
        {
            "host": took.column("host.name"),
            "address": took.column("source.ip"),
            "step": pa.array(steps, pa.string()),
            "path": took.column("url.path", str.lower),
        }
    )
    if table is None:
        return None
    kept = [bool(step) and code[:1] in {"2", "3"} for step, code in zip(steps, codes, strict=True)]
    return table.filter(pa.array(kept, pa.bool_()))


STEPS = Aggregate(
    name="server steps",
    wants=is_web,
    fields=("cs-uri-query",),
    keys=("host", "address", "step", "path"),
    rows=_rows,
)
"""Answered requests of an address that may be steps of a break-in."""

Row = Mapping[str, Any]


def chain(rows: Sequence[Row], rare: frozenset[str]) -> list[Row]:
    """Return the steps of one address that make a chain, or nothing.

    Args:
        rows: All rows of one address at one server.
        rare: Pages of the server that few ask for.
    """
    first = min((row["first_at"] for row in rows if row["step"] == "deceives"), default=None)
    if first is None:
        return []
    begun = [row for row in rows if row["step"] == "deceives"]
    after = [
        row
        for row in rows
        if row["last_at"] >= first
        and row["first_at"] - first <= DAY_US
        and (row["step"] == "administers" or (row["step"] == "page" and row["path"] in rare))
    ]
    return [*begun, *after] if after else []


def _findings(tables: Tables, setting: Setting) -> Iterator[Observation]:
    del setting
    rare: dict[str, set[str]] = {}
    for row in rows_of(tables[PAGES.name]):
        if distinct(row["guests"]) <= _MOST_GUESTS:
            rare.setdefault(row["host"], set()).add(row["path"])
    guests: dict[tuple[str, str], list[Row]] = {}
    for row in rows_of(tables[STEPS.name]):
        guests.setdefault((row["host"], row["address"]), []).append(row)
    written = tables[WRITTEN.name].to_pylist()
    for (host, address), rows in guests.items():
        steps = chain(rows, frozenset(rare.get(host, ())))
        if steps:
            yield _observation(host, address, steps, written)


def _observation(host: str, address: str, steps: Sequence[Row], written: Sequence[Row]) -> Observation:
    first = min(row["first_at"] for row in steps)
    names = {base_name(row["path"]) for row in steps if row["step"] == "page"}
    files = [row for row in written if base_name(row["path"]) in names and abs(row["first_at"] - first) <= DAY_US]
    then = sorted({row["path"] for row in steps if row["step"] != "deceives"})
    wrote = (
        f" Meanwhile {among(row['process'] for row in files)} wrote {among(row['path'] for row in files)}."
        if files
        else ""
    )
    return Observation(
        identity=(host, address),
        sentence=f"At {time_text(first)} {address} deceived {host or 'the web server'} with a request for"
        f" {among(row['path'] for row in steps if row['step'] == 'deceives')} and then used {among(then)}.{wrote}",
        why=(
            ("steps", among(row["step"] for row in steps)),
            ("requests", number(sum(row["n"] for row in steps), "request")),
        ),
        places=shown_places(place for row in (*steps, *files) for place in (first_place(row), last_place(row))),
        entities=tuple(
            sorted(
                {("host", host, ""), ("address", address, "source")}
                | {("url", path, "") for path in then}
                | {("file", row["path"], "") for row in files}
            )
        ),
        count=sum(row["n"] for row in steps),
        level=Level.CRITICAL if files else None,
    )


ANALYTIC = Analytic(
    detector=Detector(
        kind="behaviour",
        id="behaviour-exchange-chain",
        title="Steps of a break-in into a mail or document server, one after the other",
        description="An address deceives a server, is answered, and then uses its administration or a page that hardly"
        " anybody asks for.",
        level=Level.HIGH,
        path="behaviour/exchange_chain",
        tactics=("initial-access", "persistence"),
        techniques=("T1190", "T1505.003"),
        false_positives=("A test of the house's own security",),
    ),
    logs="web server logs of Exchange or SharePoint (IIS)",
    thresholds={
        "answers": "only requests that were answered (200 to 399): what is refused is a scan",
        "day": "steps within a day: whoever gets in goes on",
        "pages": "pages that at most 3 addresses ask for: the server's own pages have many guests",
    },
    aggregates=(STEPS, PAGES, WRITTEN),
    findings=_findings,
)
