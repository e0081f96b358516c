"""Any line of a web server's logs, requests and errors alike, with the class of its event.

Containers and some set-ups write both into one file, and servers that log to syslog do too.
"""

from __future__ import annotations

from functools import lru_cache

from stillhunt.telemetry.access import Request, flavour, read_access_line
from stillhunt.telemetry.event import EventClass
from stillhunt.telemetry.server_error import read_apache_error, read_nginx_error

__all__ = ["error_class", "read_web_line"]

_WEBSERVER = frozenset({"webserver"})


@lru_cache(maxsize=64)
def _request_class(server: str, product: str) -> EventClass:
    return EventClass(product=product or server or "web", categories=_WEBSERVER, services=_services(server))


@lru_cache(maxsize=64)
def error_class(server: str, product: str = "") -> EventClass:
    """Return the class of lines of error logs, which have no fields of Sigma's category.

    Args:
        server: ``apache`` or ``nginx``, empty where that is not known.
        product: Sigma's product, if the server's own name is not it.
    """
    return EventClass(product=product or server or "web", services=_services(server))


def _services(server: str) -> frozenset[str]:
    return frozenset({server}) if server else frozenset()


def read_web_line(line: str, *, server: str = "", product: str = "") -> tuple[EventClass, Request] | None:
    """Read a line of either log.

    Args:
        line: The line.
        server: ``apache`` or ``nginx`` where that is known; else what the line itself shows.
        product: Sigma's product, if the server's own name is not it.

    Returns:
        Class and fields; None if it is of neither log.
    """
    if line[:1] == "[" and (found := read_apache_error(line)):
        return error_class("apache", product), found
    if found := read_access_line(line):
        return _request_class(server or flavour(line), product), found
    if found := read_nginx_error(line):
        return error_class("nginx", product), found
    return None
