"""The application: every route behind one door that knows who asks, what they may, and what goes with each answer."""

from __future__ import annotations

import hmac
import logging
import threading
from collections.abc import Mapping
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as StarletteRoute

from stillhunt.errors import EngineError, StillhuntError, UnknownNameError
from stillhunt.web import api, taxii
from stillhunt.web.accounts import User
from stillhunt.web.answer import Ask, Refused, page, redirect
from stillhunt.web.pages import cases, findings, hunts, knowledge, reading, session
from stillhunt.web.route import Route
from stillhunt.web.site import Settings, Site

__all__ = ["create"]

_LOG = logging.getLogger(__name__)
_FORM = "application/x-www-form-urlencoded"
_FIELDS = 200

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
"""What goes with every answer."""

_STATIC = {"page.css": "text/css", "web.css": "text/css", "web.js": "text/javascript", "icon.svg": "image/svg+xml"}


def create(settings: Settings) -> Starlette:
    """Return the application over a folder of workspaces."""
    site = Site(settings)
    taxii.prepare(site.state)
    routes: list[Route] = [
        route for pages in (session, hunts, cases, findings, knowledge, reading) for route in pages.ROUTES
    ]
    doors = [StarletteRoute("/static/{name}", _static, methods=["GET"])]
    doors += [_door(site, route, is_page=True) for route in routes]
    doors += [_door(site, route, is_page=False) for route in (*api.ROUTES, *taxii.ROUTES)]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> Any:
        del app
        threading.Thread(target=site.warm, daemon=True).start()
        yield
        site.runs.stop()

    app = Starlette(
        routes=doors,
        lifespan=lifespan,
        exception_handlers={HTTPException: _not_found, Exception: _failed},  # type: ignore[dict-item]
    )
    app.state.site = site
    return app


def _door(site: Site, route: Route, *, is_page: bool) -> StarletteRoute:
    async def answer(request: Request) -> Response:
        if not _is_our_name(request, site.settings.hosts):
            return Response("this is not the name of this server", status_code=421, headers=HEADERS)
        try:
            ask = await _ask(site, request, route, is_page=is_page)
            found = await run_in_threadpool(_answered, ask, route)
        except Refused as refusal:
            found = _refused(site, request, refusal, is_page=is_page)
        except ClientDisconnect:
            return Response(status_code=499)
        for name, value in HEADERS.items():
            found.headers.setdefault(name, value)
        return found

    return StarletteRoute(route.path, answer, methods=[route.method], name=f"{route.method} {route.path}")


async def _ask(site: Site, request: Request, route: Route, *, is_page: bool) -> Ask:
    user, csrf = await run_in_threadpool(_who, site, request, is_page)
    if route.role is not None:
        if user is None:
            raise Refused(401, "nobody is logged in")
        if user.role < route.role:
            await run_in_threadpool(
                site.audit.note, user.name, "refused", f"{route.method} {request.url.path}", address=_address(request)
            )
            raise Refused(403, f"this needs the role {route.role}; {user.name} has {user.role}")
    body = await _body(request, route.most_bytes) if route.method == "POST" else b""
    form: Mapping[str, str] = {}
    if is_page and route.method == "POST":
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
            raise Refused(415, "a form is expected")
        form = _fields(body)
        if not _is_from_here(request) or (
            csrf and not hmac.compare_digest(form.get("csrf", "").encode(), csrf.encode())
        ):
            raise Refused(403, "this form is too old, or was not ours", hint="go back, reload the page, try again")
    return Ask(request=request, site=site, user=user, csrf=csrf, form=form, body=body)


def _who(site: Site, request: Request, is_page: bool) -> tuple[User | None, str]:  # noqa: FBT001 - through the pool
    """Return who asks and the word that their forms send back."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not is_page:
        if scheme.lower() in {"bearer", "token"}:
            return site.accounts.of_token(token.strip()), ""
        # A program without a token is nobody, also on this machine: pages of others can make a browser ask.
        return None, ""
    secret = request.cookies.get(session.cookie_name(is_secure=site.settings.is_secure), "")
    if not site.needs_login:
        return site.user_without_login(), site.accounts.csrf("local")
    user = site.accounts.of_session(secret) if secret else None
    return user, site.accounts.csrf(secret) if user else ""


async def _body(request: Request, most: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise Refused(413, f"more than {most:,} bytes were sent")
        parts.append(part)
    return b"".join(parts)


def _fields(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError as error:
        raise Refused(400, "the form cannot be read") from error


def _is_from_here(request: Request) -> bool:
    """Tell whether a form came from a page of ours, as far as the browser says."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


def _is_our_name(request: Request, hosts: tuple[str, ...]) -> bool:
    """Tell whether we were asked by a name of ours; others can point their names at this machine (DNS rebinding)."""
    if not hosts:
        return True
    name = request.headers.get("host", "")
    name = name.rpartition(":")[0] if name.rpartition(":")[2].isdigit() and not name.endswith("]") else name
    return name.lower() in hosts


def _answered(ask: Ask, route: Route) -> Response:
    try:
        return route.answer(ask)
    except Refused:
        raise
    except UnknownNameError as error:
        raise Refused(404, str(error), hint=error.hint) from error
    except EngineError as error:
        _LOG.error("%s", error)
        raise Refused(503, "the work failed here; the administrator finds the reason in the log") from error
    except StillhuntError as error:
        raise Refused(400, str(error), hint=error.hint) from error
    except ValueError as error:
        # Half surrogates and NUL of a hostile address reach SQLite and files as such.
        if "surrogate" in str(error) or "null" in str(error).lower():
            raise Refused(400, "the address holds what no name has") from error
        raise


def _refused(site: Site, request: Request, refusal: Refused, *, is_page: bool) -> Response:
    if not is_page:
        return api.refused(request, refusal)
    if refusal.status == 401:
        to = request.url.path if request.method == "GET" else "/"
        return redirect(f"/login?to={quote(to, safe='/')}")
    user, csrf = _who(site, request, is_page)
    ask = Ask(request=request, site=site, user=user, csrf=csrf)
    return page(ask, "refused.html.j2", status=refusal.status, message=refusal.message, hint=refusal.hint or "")


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _STATIC:
        return Response("not found", status_code=404, headers=HEADERS)
    folder = files("stillhunt.report") / "templates" if name == "page.css" else files("stillhunt.web") / "static"
    content = (folder / name).read_bytes()
    headers = {**HEADERS, "Cache-Control": "max-age=300"}
    return Response(content, media_type=_STATIC[name], headers=headers)


async def _not_found(request: Request, error: HTTPException) -> Response:
    site: Site = request.app.state.site
    refusal = Refused(error.status_code, "there is nothing here" if error.status_code == 404 else error.detail)
    is_page = not request.url.path.startswith(("/api", "/taxii2"))
    found = await run_in_threadpool(lambda: _refused(site, request, refusal, is_page=is_page))
    for name, value in {**HEADERS, **(error.headers or {})}.items():
        found.headers.setdefault(name, value)
    return found


async def _failed(request: Request, error: Exception) -> Response:
    _LOG.exception("%s %s", request.method, request.url.path, exc_info=error)
    return JSONResponse({"title": "it failed here, and was written to the log"}, status_code=500, headers=HEADERS)
