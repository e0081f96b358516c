"""What a route is: an address, a method, who may, and what answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from stillhunt.web.accounts import Role
from stillhunt.web.answer import Ask

__all__ = ["Handler", "Route"]

Handler = Callable[[Ask], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An address and what answers there.

    Attributes:
        path: With ``{name}`` for what varies.
        answer: Called in a thread of its own.
        method: ``GET`` or ``POST``.
        role: The least role that may; None for everybody.
        most_bytes: Of a body.
    """

    path: str
    answer: Handler
    method: str = "GET"
    role: Role | None = Role.VIEWER
    most_bytes: int = 1 << 20
