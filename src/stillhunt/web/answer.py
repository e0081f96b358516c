"""Requests and answers: who asks, what they may, what was sent, and what goes back with every page.

Handlers are plain functions in a thread; what is here is all they see of the protocol.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stillhunt.errors import InputError, StillhuntError
from stillhunt.web.accounts import Role, User

if TYPE_CHECKING:
    from stillhunt.web.site import Site

__all__ = ["Ask", "Refused", "as_json", "decoded", "download", "page", "redirect"]

_TEXT_CHARACTERS = 20_000


class Refused(StillhuntError):  # noqa: N818 - an answer, not a fault
    """The answer is no, with the status that says so."""

    def __init__(self, status: int, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status


@dataclass(slots=True, kw_only=True)
class Ask:
    """A request.

    Attributes:
        request: As it came.
        site: What is served.
        user: Who asks; None where nobody logged in.
        csrf: What forms of this session send back.
        form: Fields that were sent.
        body: What was sent, if it was no form.
    """

    request: Request
    site: Site
    user: User | None
    csrf: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def who(self) -> User:
        """Who asks; only where somebody must have logged in."""
        if self.user is None:
            raise Refused(401, "nobody is logged in")
        return self.user

    @property
    def address(self) -> str:
        """Where the request came from."""
        return self.request.client.host if self.request.client else ""

    def path(self, name: str) -> str:
        """Return a part of the address."""
        return str(self.request.path_params[name])

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter of the query or a field of the form."""
        value = self.form.get(name) if name in self.form else self.request.query_params.get(name, default)
        return (value or default)[:_TEXT_CHARACTERS]

    def number(self, name: str, default: int, *, least: int = 1, most: int = 1_000_000) -> int:
        """Return a whole number.

        Raises:
            Refused: It is none, or out of bounds.
        """
        given = self.text(name)
        if not given:
            return default
        if not (given.isascii() and given.isdigit() and len(given) < 10 and least <= int(given) <= most):
            raise Refused(400, f"`{name}` is no whole number from {least:,} to {most:,}")
        return int(given)

    def day(self, name: str) -> date | None:
        """Return a day, or None if none was given.

        Raises:
            Refused: It is none.
        """
        given = self.text(name)
        try:
            return date.fromisoformat(given) if given else None
        except ValueError:
            raise Refused(400, f"`{name}` is no day such as 2024-03-25") from None

    def needs(self, role: Role) -> User:
        """Return who asks if they may do what a role may.

        Raises:
            Refused: They may not.
        """
        if self.who.role < role:
            raise Refused(403, f"this needs the role {role}; {self.who.name} has {self.who.role}")
        return self.who

    def note(self, what: str, about: str = "") -> None:
        """Write what was done into the audit log."""
        self.site.audit.note(self.who.name, what, about, address=self.address)


def page(ask: Ask, template: str, *, status: int = 200, **values: Any) -> Response:
    """Render a page with what every page needs."""
    query = {name: value for name, value in ask.request.query_params.items() if name != "page"}
    text = ask.site.templates.get_template(template).render(
        user=ask.user,
        csrf=ask.csrf,
        here=ask.request.url.path,
        query=query,
        with_query=lambda **changed: _with(query, changed),
        has_users=ask.site.needs_login,
        is_analyst=ask.user is not None and ask.user.role >= Role.ANALYST,
        is_admin=ask.user is not None and ask.user.role >= Role.ADMIN,
        n_waiting=ask.site.n_waiting(ask.user),
        **values,
    )
    return Response(text, status_code=status, media_type="text/html; charset=utf-8")


def _with(query: Mapping[str, str], changed: Mapping[str, object]) -> str:
    joined = {name: str(value) for name, value in {**query, **changed}.items() if value not in {None, ""}}
    return "?" + urlencode(joined)


def redirect(to: str) -> Response:
    """Lead to another page of ours, to be asked for anew."""
    return RedirectResponse(to, status_code=303)


def as_json(value: object, *, status: int = 200, media_type: str = "application/json") -> Response:
    """Return JSON."""
    return Response(msgspec.json.encode(value), status_code=status, media_type=media_type)


def download(content: bytes, name: str, media_type: str) -> Response:
    """Return a file to be saved, never to be shown."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)
    headers = {"Content-Disposition": f'attachment; filename="{safe}"'}
    return Response(content, media_type=media_type, headers=headers)


def decoded(ask: Ask, kind: type[Any]) -> Any:
    """Return what was sent as JSON.

    Raises:
        InputError: It is not what is expected.
    """
    try:
        return msgspec.json.decode(ask.body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"the body is not what is expected: {error}") from error
