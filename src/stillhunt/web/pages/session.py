"""Log in and out; tokens for programs; users and the audit log."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from stillhunt.errors import InputError
from stillhunt.terms.marking import Tlp
from stillhunt.web.accounts import Role, ceiling_of, role_of
from stillhunt.web.answer import Ask, Refused, page, redirect
from stillhunt.web.route import Route

__all__ = ["ROUTES", "cookie_name"]

_ROLES = [str(role) for role in Role]
_MARKINGS = [str(mark) for mark in Tlp]


def cookie_name(*, is_secure: bool) -> str:
    """Return the name of the session's cookie; browsers hold the prefix to https and to this host."""
    return "__Host-stillhunt" if is_secure else "stillhunt"


def _ask_login(ask: Ask) -> Response:
    if ask.user is not None:
        return redirect("/")
    return page(ask, "login.html.j2", error="", name="", to=_own(ask.text("to", "/")))


def _log_in(ask: Ask) -> Response:
    name, to = ask.text("name"), _own(ask.text("to", "/"))
    try:
        secret = ask.site.accounts.log_in(name, ask.form.get("password", ""))
    except InputError as error:
        return page(ask, "login.html.j2", status=429, error=f"{error.message}: {error.hint}", name=name, to=to)
    ask.site.audit.note(name[:64], "log-in" if secret else "log-in refused", address=ask.address)
    if secret is None:
        return page(ask, "login.html.j2", status=403, error="Name and password do not match.", name=name, to=to)
    answer = redirect(to)
    is_secure = ask.site.settings.is_secure
    answer.set_cookie(
        cookie_name(is_secure=is_secure), secret, httponly=True, secure=is_secure, samesite="strict", path="/"
    )
    return answer


def _own(to: str) -> str:
    """Return an address on this site, whatever was asked for."""
    is_ours = to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable() and "\\" not in to
    return to if is_ours else "/"


def _log_out(ask: Ask) -> Response:
    name = cookie_name(is_secure=ask.site.settings.is_secure)
    ask.site.accounts.log_out(ask.request.cookies.get(name, ""))
    ask.note("log-out")
    answer = redirect("/login" if ask.site.needs_login else "/")
    answer.delete_cookie(name, path="/", httponly=True, samesite="strict", secure=ask.site.settings.is_secure)
    return answer


def _tokens(ask: Ask, secret: str = "") -> Response:
    tokens = ask.site.accounts.tokens(ask.who.name)
    return page(ask, "tokens.html.j2", tokens=tokens, secret=secret, roles=_ROLES, markings=_MARKINGS)


def _add_token(ask: Ask) -> Response:
    role, ceiling = role_of(ask.text("role", "viewer")), ceiling_of(ask.text("ceiling"))
    if role > ask.who.role:
        raise Refused(403, f"a token cannot have the role {role}: {ask.who.name} has {ask.who.role}")
    label = ask.text("label").strip() or "without a name"
    made, secret = ask.site.accounts.add_token(ask.who.name, label, role, ceiling=min(ceiling, ask.who.ceiling))
    ask.note("token made", f"{made.id} {made.role} {made.ceiling}")
    return _tokens(ask, secret)


def _revoke(ask: Ask) -> Response:
    if ask.site.accounts.revoke(ask.text("token"), user=ask.who.name):
        ask.note("token revoked", ask.text("token"))
    return redirect("/tokens")


def _users(ask: Ask, error: str = "") -> Response:
    shown: dict[str, Any] = {"users": ask.site.accounts.users(), "tokens": ask.site.accounts.tokens(), "error": error}
    return page(ask, "users.html.j2", status=400 if error else 200, roles=_ROLES, markings=_MARKINGS, **shown)


def _add_user(ask: Ask) -> Response:
    name, role = ask.text("name").strip(), role_of(ask.text("role", "viewer"))
    if not ask.site.needs_login and role is not Role.ADMIN:
        return _users(ask, "the first user must be an administrator")
    try:
        ask.site.accounts.add_user(name, ask.form.get("password", ""), role, ceiling=ceiling_of(ask.text("ceiling")))
    except InputError as error:
        return _users(ask, str(error))
    ask.note("user added", f"{name} {role}")
    ask.site.users_changed()
    return redirect("/users")


def _remove_user(ask: Ask) -> Response:
    try:
        ask.site.accounts.remove_user(ask.text("name"))
    except InputError as error:
        return _users(ask, str(error))
    ask.note("user removed", ask.text("name"))
    return redirect("/users")


def _audit(ask: Ask) -> Response:
    entries = ask.site.audit.entries(limit=ask.number("limit", 200, most=5_000))
    return page(ask, "audit.html.j2", entries=entries, broken_at=ask.site.audit.broken_at())


ROUTES = (
    Route(path="/login", answer=_ask_login, role=None),
    Route(path="/login", answer=_log_in, method="POST", role=None),
    Route(path="/logout", answer=_log_out, method="POST"),
    Route(path="/tokens", answer=_tokens),
    Route(path="/tokens", answer=_add_token, method="POST"),
    Route(path="/tokens/revoke", answer=_revoke, method="POST"),
    Route(path="/users", answer=_users, role=Role.ADMIN),
    Route(path="/users", answer=_add_user, method="POST", role=Role.ADMIN),
    Route(path="/users/remove", answer=_remove_user, method="POST", role=Role.ADMIN),
    Route(path="/audit", answer=_audit, role=Role.ADMIN),
)
