"""What web servers were asked for, and pages and archives that were written on machines: shared views.

Reference: W3C extended log format; Sysmon 11 and Security 4663 (files written).
"""

from __future__ import annotations

import re

import pyarrow as pa

from stillhunt.detection.behaviour.join import hashed
from stillhunt.detection.behaviour.model import Aggregate
from stillhunt.detection.behaviour.taking import Taken
from stillhunt.telemetry.event import EventBatch, EventClass

__all__ = ["PAGES", "POSTERS", "SITES", "WRITTEN", "base_name", "is_page", "is_web"]

_SCRIPT = re.compile(
    r"\.(?:aspx?|ashx|asmx|asax|php\d?|phtml|jspx?|jsw|cfml?|cgi|pl|py|do|action)(?=$|[/;?])", re.IGNORECASE
)
_WRITES = re.compile(r"\.(?:aspx?|ashx|asmx|php\d?|phtml|jspx?|cfml?|cgi)$", re.IGNORECASE)


def is_web(event_class: EventClass) -> bool:
    """Tell whether events are a web server's requests."""
    return "webserver" in event_class.categories


def is_page(path: str) -> bool:
    """Tell whether a path is one of something that runs.

    >>> is_page("/owa/auth/x.aspx"), is_page("/img/logo.png")
    (True, False)
    """
    return bool(_SCRIPT.search(path))


def base_name(path: str) -> str:
    r"""Return the last part of a path, lower case.

    >>> base_name(r"C:\inetpub\wwwroot\X.aspx"), base_name("/a/b.php")
    ('x.aspx', 'b.php')
    """
    return re.split(r"[\\/]", path.rstrip("\\/"))[-1].lower()


def _answered(took: Taken) -> list[bool]:
    """Say of each request whether something was there: answers from 200 to 399, or failures of what ran (500)."""
    return [code[:1] in {"2", "3"} or code == "500" for code in took.texts("http.response.status_code")]


def _page_rows(batch: EventBatch) -> pa.Table | None:
    took = Taken(batch)
    paths = took.texts("url.path")
    posts = [method.upper() in {"POST", "PUT"} for method in took.texts("http.request.method")]
    referers = zip(took.texts("cs-referer"), took.texts("referer"), strict=True)
    table = took.table(
        {
            "host": took.column("host.name"),
            "path": took.column("url.path", str.lower),
            "posts": pa.array([int(post) for post in posts], pa.int64()),
            "referred": pa.array([int(any(value not in {"", "-"} for value in both)) for both in referers], pa.int64()),
            "guests": hashed(took.coded("source.ip")),
            "agents": hashed(took.coded("user_agent.original")),
        }
    )
    if table is None:
        return None
    answered = _answered(took)
    kept = [ok and is_page(path) for ok, path in zip(answered, paths, strict=True)]
    return table.filter(pa.array(kept, pa.bool_()))


PAGES = Aggregate(
    name="web pages",
    wants=is_web,
    fields=("cs-referer", "referer"),
    keys=("host", "path"),
    measures={"posts": "sum", "referred": "sum", "guests": "least", "agents": "least"},
    rows=_page_rows,
)
"""How often, by how many and how a page that runs was asked for; requests that found nothing are left out."""


def _poster_rows(batch: EventBatch) -> pa.Table | None:
    took = Taken(batch)
    paths, methods, answered = took.texts("url.path"), took.texts("http.request.method"), _answered(took)
    table = took.table(
        {
            "host": took.column("host.name"),
            "path": took.column("url.path", str.lower),
            "address": took.column("source.ip"),
            "agent": took.column("user_agent.original"),
        }
    )
    if table is None:
        return None
    kept = [
        ok and method.upper() in {"POST", "PUT"} and is_page(path)
        for ok, method, path in zip(answered, methods, paths, strict=True)
    ]
    return table.filter(pa.array(kept, pa.bool_()))


POSTERS = Aggregate(
    name="web posters", wants=is_web, fields=(), keys=("host", "path", "address", "agent"), rows=_poster_rows
)
"""Who sent data to a page that runs, and got an answer."""


def _site_rows(batch: EventBatch) -> pa.Table | None:
    took = Taken(batch)
    return took.table({"host": took.column("host.name"), "guests": hashed(took.coded("source.ip"))})


SITES = Aggregate(
    name="web sites", wants=is_web, fields=(), keys=("host",), measures={"guests": "least"}, rows=_site_rows
)
"""How many addresses asked a web server for anything, and since when it is recorded."""


def _is_write(event_class: EventClass) -> bool:
    return "file_event" in event_class.categories or event_class.event_id == "4663"


def _written_rows(batch: EventBatch) -> pa.Table | None:
    took = Taken(batch)
    paths = [own or other for own, other in zip(took.texts("file.path"), took.texts("ObjectName"), strict=True)]
    if batch.event_class.event_id == "4663":
        accesses = zip(took.texts("AccessMask"), took.texts("AccessList"), strict=True)
        is_written = [mask.lower() in {"0x2", "0x4", "0x6"} or "%%4417" in names for mask, names in accesses]
    else:
        is_written = [True] * len(paths)
    table = took.table(
        {
            "host": took.column("host.name"),
            "path": pa.array([path.lower()[:400] for path in paths], pa.string()),
            "process": took.column("process.executable", base_name),
        }
    )
    if table is None:
        return None
    kept = [ok and bool(_WRITES.search(path)) for ok, path in zip(is_written, paths, strict=True)]
    return table.filter(pa.array(kept, pa.bool_()))


WRITTEN = Aggregate(
    name="pages written",
    wants=_is_write,
    fields=("ObjectName", "AccessMask", "AccessList"),
    keys=("host", "path", "process"),
    rows=_written_rows,
)
"""Pages that a program wrote on a machine."""
