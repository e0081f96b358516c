"""The parts an estate may have beside its Windows domain; a scenario names those it needs."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Part"]


class Part(StrEnum):
    """Something an organisation runs, with logs of its own."""

    MAIL_SERVER = "mail-server"
    """A mail server in the house, with the web log of its front end."""
    VPN = "vpn"
    """A firewall that lets staff in from outside, with its syslog."""
    SENSOR = "sensor"
    """A network sensor before the workstations and the web server, with Zeek's logs."""
    POSTBOX = "postbox"
    """The messages of the staff's mailboxes, as mbox files."""
    TENANT = "tenant"
    """A cloud tenant with its unified audit log and its directory's sign-ins and audit."""
    FEDERATION = "federation"
    """A federation server that signs the staff in to the tenant."""
    WEB_LINUX = "web-linux"
    """A public web server on Linux, and two servers behind it."""
    WEB_WINDOWS = "web-windows"
    """A public web server on Windows, and two Linux servers behind it."""
