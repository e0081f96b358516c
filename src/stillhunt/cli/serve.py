"""``stillhunt serve``: the web application, on this machine unless told otherwise."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stillhunt.cli.console import handles_errors, say

if TYPE_CHECKING:
    from stillhunt.web.accounts import Accounts

__all__ = ["command"]

_ANY = ("0.0.0.0", "::")  # noqa: S104 - compared, not listened at
_PASSWORD = "STILLHUNT_PASSWORD"  # noqa: S105 - the name of a variable


@click.command("serve")
@click.argument("folder", default=Path("stillhunt-out"), type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8787, show_default=True, type=click.IntRange(0, 65535), help="Port to listen at.")
@click.option(
    "--logs",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder below which logs may be hunted from a page; by default FOLDER. Repeatable.",
)
@click.option("--base", help="Knowledge base: a file, or the URL of a PostgreSQL database.")
@click.option("--name", "names", multiple=True, help="Name that browsers ask for, beside the address. Repeatable.")
@click.option("--tls-cert", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Certificate, PEM.")
@click.option("--tls-key", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Its key, PEM.")
@click.option("--behind-proxy", is_flag=True, help="A proxy on this machine speaks https to browsers.")
@click.option("--add-user", metavar="NAME", help=f"Add a user and end; the password is asked for, or in {_PASSWORD}.")
@click.option("--role", type=click.Choice(["viewer", "analyst", "admin"]), default="admin", show_default=True)
@click.option("--jobs", "-j", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes of a hunt.")
@handles_errors
def command(
    folder: Path,
    *,
    host: str,
    port: int,
    logs: tuple[Path, ...],
    base: str | None,
    names: tuple[str, ...],
    tls_cert: Path | None,
    tls_key: Path | None,
    add_user: str | None,
    role: str,
    jobs: int,
    behind_proxy: bool,
) -> None:
    """Serve the hunts below FOLDER to a browser: cases, findings, events, knowledge, and TAXII 2.1 at /taxii2/.

    While no user was added, whoever sits at this machine may do everything, and no other machine can ask.
    """
    from stillhunt.errors import InputError, MissingExtraError

    try:
        import starlette  # noqa: F401 - everything below rests on it
        import uvicorn
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "web") from error
    from stillhunt.web.accounts import Accounts
    from stillhunt.web.app import create
    from stillhunt.web.site import STATE, Settings

    if not folder.is_dir():
        raise InputError("is no folder", where=str(folder), hint="give the folder that hunts are written into")
    state = folder / STATE
    state.mkdir(exist_ok=True, mode=0o700)
    accounts = Accounts(state / "accounts.db")
    if add_user is not None:
        _add(accounts, add_user, role)
        return
    is_secure = behind_proxy or tls_cert is not None
    _check(accounts, host, is_secure=is_secure)
    if (behind_proxy or host in _ANY) and not names:
        raise InputError("nobody said by which name browsers ask", where=host, hint="give --name hunt.example.org")
    settings = Settings(
        root=folder,
        logs=logs or (folder,),
        base=base,
        hosts=(*_names(host), *(name.lower() for name in names)),
        is_secure=is_secure,
        jobs=jobs,
    )
    say(f"http{'s' if tls_cert else ''}://{host}:{port}/ serves {folder}; stop it with Ctrl-C")
    uvicorn.run(
        create(settings),
        host=host,
        port=port,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
        log_level="warning",
        proxy_headers=behind_proxy,
        server_header=False,
        timeout_graceful_shutdown=3,
        h11_max_incomplete_event_size=64 << 10,
    )


def _add(accounts: Accounts, name: str, role: str) -> None:
    from stillhunt.web.accounts import role_of

    given = os.environ.get(_PASSWORD)
    password = given if given is not None else click.prompt("Password", hide_input=True, confirmation_prompt=True)
    accounts.add_user(name, password, role_of(role))
    say(f"{name} is {role}")


def _check(accounts: Accounts, host: str, *, is_secure: bool) -> None:
    """Refuse to listen where others can ask, without users, or where a password would travel in the open."""
    from stillhunt.errors import InputError

    if _is_this_machine(host):
        return
    if not accounts.has_users:
        hint = "add one: stillhunt serve --add-user NAME"
        raise InputError("other machines could ask here, and nobody has to log in", where=host, hint=hint)
    if not is_secure:
        hint = "give --tls-cert and --tls-key, or --behind-proxy"
        raise InputError("passwords would travel in the open", where=host, hint=hint)


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _names(host: str) -> tuple[str, ...]:
    if host in _ANY:
        return ("localhost", "127.0.0.1", "[::1]")
    shown = f"[{host}]" if ":" in host else host
    return (shown, "localhost", "127.0.0.1", "[::1]") if _is_this_machine(host) else (shown,)
