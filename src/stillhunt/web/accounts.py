"""Who may do what: users with roles, sessions, tokens for programs. Kept in one SQLite file, secrets only as hashes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from pathlib import Path

from stillhunt.errors import InputError
from stillhunt.terms.marking import Tlp, parse_tlp

__all__ = ["LOCAL", "Accounts", "Role", "Token", "User", "ceiling_of", "role_of"]


class Role(IntEnum):
    """What somebody may do; a greater role may do all that a lesser one may."""

    VIEWER = 1
    ANALYST = 2
    ADMIN = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who works here.

    Attributes:
        name: How they are called in notes, decisions and the audit log.
        role: What they may do.
        ceiling: Strictest marking that they may see of knowledge.
        is_program: Whether it is a token that asks.
    """

    name: str
    role: Role
    ceiling: Tlp = Tlp.RED
    is_program: bool = False


LOCAL = User(name="local", role=Role.ADMIN)
"""Whoever sits at this machine, while there are no users."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token for programs, without its secret."""

    id: str
    user: str
    label: str
    role: Role
    ceiling: Tlp
    created: str
    is_revoked: bool


_TABLES = """
CREATE TABLE IF NOT EXISTS user (
    name TEXT PRIMARY KEY, role INTEGER NOT NULL, salt BLOB NOT NULL, hash BLOB NOT NULL, ceiling INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS session (
    hash TEXT PRIMARY KEY, user TEXT NOT NULL, began TEXT NOT NULL, seen TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS token (
    id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, user TEXT NOT NULL, label TEXT NOT NULL, role INTEGER NOT NULL,
    ceiling INTEGER NOT NULL, created TEXT NOT NULL, revoked INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, value BLOB NOT NULL);
"""

_IDLE = timedelta(hours=2)
_LONGEST = timedelta(hours=12)
_SEEN_AGAIN = timedelta(minutes=1)
"""A session's last use is written down this often."""

_SHORTEST = 12
"""Characters of a password (NIST SP 800-63B asks for 8 at least, where nothing else is asked for)."""

_FAILURES, _LOCKED = 5, timedelta(seconds=60)
_SCRYPT = {"n": 1 << 15, "r": 8, "p": 1, "maxmem": 1 << 26, "dklen": 32}
"""Cost of a password (RFC 7914): 32 MiB and about a tenth of a second."""


class Accounts:
    """Users, sessions and tokens.

    Args:
        path: The file they are kept in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._failures: dict[str, list[datetime]] = {}
        self._lock = threading.Lock()
        with self._open() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(_TABLES)
            db.execute("INSERT OR IGNORE INTO secret VALUES ('csrf', ?)", (secrets.token_bytes(32),))
        path.chmod(0o600)
        with self._open() as db:
            (self._secret,) = db.execute("SELECT value FROM secret WHERE name = 'csrf'").fetchone()
        self._nobody = secrets.token_bytes(16)

    @property
    def has_users(self) -> bool:
        """Whether anybody has to log in."""
        with self._open() as db:
            return db.execute("SELECT 1 FROM user LIMIT 1").fetchone() is not None

    def users(self) -> list[User]:
        """Return all users by name."""
        with self._open() as db:
            rows = db.execute("SELECT name, role, ceiling FROM user ORDER BY name").fetchall()
        return [User(name=name, role=Role(role), ceiling=Tlp(ceiling)) for name, role, ceiling in rows]

    def add_user(self, name: str, password: str, role: Role, *, ceiling: Tlp = Tlp.RED) -> None:
        """Add a user, or give one a new password and role; their sessions end.

        Raises:
            InputError: The name or the password cannot be used.
        """
        if not (0 < len(name) <= 64 and name.isprintable() and name == name.strip()):
            raise InputError("a user's name has 1 to 64 visible characters", hint="choose another name")
        if len(password) < _SHORTEST:
            raise InputError(f"the password is shorter than {_SHORTEST} characters", hint="choose a longer one")
        salt = secrets.token_bytes(16)
        row = (name, int(role), salt, _hashed(password, salt), int(ceiling))
        with self._open() as db:
            db.execute("INSERT OR REPLACE INTO user (name, role, salt, hash, ceiling) VALUES (?, ?, ?, ?, ?)", row)
            db.execute("DELETE FROM session WHERE user = ?", (name,))

    def remove_user(self, name: str) -> None:
        """Remove a user with all sessions and tokens.

        Raises:
            InputError: It is the last administrator.
        """
        if [user.name for user in self.users() if user.role is Role.ADMIN] == [name]:
            raise InputError("the last administrator cannot be removed", hint="add another one first")
        with self._open() as db:
            db.execute("DELETE FROM user WHERE name = ?", (name,))
            db.execute("DELETE FROM session WHERE user = ?", (name,))
            db.execute("UPDATE token SET revoked = 1 WHERE user = ?", (name,))

    def log_in(self, name: str, password: str) -> str | None:
        """Return the secret of a new session, or None if name and password do not belong together.

        Raises:
            InputError: It was tried too often.
        """
        self._check_failures(name)
        with self._open() as db:
            row = db.execute("SELECT salt, hash FROM user WHERE name = ?", (name,)).fetchone()
        # The same work is done for a name that does not exist, so that time does not tell.
        salt, kept = row or (self._nobody, b"")
        is_right = hmac.compare_digest(_hashed(password[:1_000], salt), kept) and row is not None
        if not is_right:
            with self._lock:
                self._failures.setdefault(name, []).append(_now())
            return None
        with self._lock:
            self._failures.pop(name, None)
        secret, at = secrets.token_urlsafe(32), _now().isoformat()
        with self._open() as db:
            db.execute("INSERT INTO session VALUES (?, ?, ?, ?)", (_digest(secret), name, at, at))
            db.execute("DELETE FROM session WHERE began < ?", ((_now() - _LONGEST).isoformat(),))
        return secret

    def of_session(self, secret: str) -> User | None:
        """Return whose session it is, or None if it is nobody's or over."""
        with self._open() as db:
            row = db.execute(
                "SELECT u.name, u.role, u.ceiling, s.began, s.seen FROM session s JOIN user u ON u.name = s.user "
                "WHERE s.hash = ?",
                (_digest(secret),),
            ).fetchone()
            if row is None:
                return None
            name, role, ceiling, began, seen = row
            now, last = _now(), datetime.fromisoformat(seen)
            if now - last > _IDLE or now - datetime.fromisoformat(began) > _LONGEST:
                db.execute("DELETE FROM session WHERE hash = ?", (_digest(secret),))
                return None
            if now - last > _SEEN_AGAIN:
                db.execute("UPDATE session SET seen = ? WHERE hash = ?", (now.isoformat(), _digest(secret)))
        return User(name=name, role=Role(role), ceiling=Tlp(ceiling))

    def log_out(self, secret: str) -> None:
        """End a session."""
        with self._open() as db:
            db.execute("DELETE FROM session WHERE hash = ?", (_digest(secret),))

    def csrf(self, secret: str) -> str:
        """Return the word that every form of a session must send back."""
        return hmac.new(self._secret, secret.encode(), hashlib.sha256).hexdigest()

    def add_token(self, user: str, label: str, role: Role, *, ceiling: Tlp = Tlp.RED) -> tuple[Token, str]:
        """Make a token; its secret is returned this once and kept nowhere."""
        secret, token = f"sh_{secrets.token_urlsafe(32)}", f"t-{secrets.token_hex(4)}"
        at = _now().isoformat(timespec="seconds")
        row = (token, _digest(secret), user, label[:200], int(role), int(ceiling), at)
        with self._open() as db:
            db.execute("INSERT INTO token (id, hash, user, label, role, ceiling, created) VALUES (?,?,?,?,?,?,?)", row)
        made = Token(id=token, user=user, label=label[:200], role=role, ceiling=ceiling, created=at, is_revoked=False)
        return made, secret

    def tokens(self, user: str | None = None) -> list[Token]:
        """Return the tokens of a user, or all."""
        with self._open() as db:
            rows = db.execute(
                "SELECT id, user, label, role, ceiling, created, revoked FROM token ORDER BY created, id"
            ).fetchall()
        return [
            Token(id=i, user=u, label=text, role=Role(r), ceiling=Tlp(c), created=at, is_revoked=bool(gone))
            for i, u, text, r, c, at, gone in rows
            if user is None or u == user
        ]

    def revoke(self, token: str, *, user: str | None = None) -> bool:
        """Take a token back; of one user only, if one is given. Tell whether there was one."""
        with self._open() as db:
            asked = "UPDATE token SET revoked = 1 WHERE id = ? AND (? IS NULL OR user = ?)"
            return db.execute(asked, (token, user, user)).rowcount == 1

    def of_token(self, secret: str) -> User | None:
        """Return who asks with a token, or None; no more than its user may."""
        with self._open() as db:
            row = db.execute(
                "SELECT t.user, t.role, t.ceiling, u.role, u.ceiling FROM token t LEFT JOIN user u ON u.name = t.user "
                "WHERE t.hash = ? AND t.revoked = 0",
                (_digest(secret),),
            ).fetchone()
        if row is None:
            return None
        name, role, ceiling, users_role, users_ceiling = row
        if users_role is None:
            if name != LOCAL.name or self.has_users:
                return None
            users_role, users_ceiling = int(LOCAL.role), int(LOCAL.ceiling)
        return User(
            name=name,
            role=Role(min(role, users_role)),
            ceiling=Tlp(min(ceiling, users_ceiling)),
            is_program=True,
        )

    def _check_failures(self, name: str) -> None:
        with self._lock:
            recent = [at for at in self._failures.get(name, ()) if _now() - at < _LOCKED]
            self._failures[name] = recent
            if len(self._failures) > 10_000:
                self._failures.clear()  # names are an attacker's; memory is ours
        if len(recent) >= _FAILURES:
            raise InputError("too many wrong passwords", hint="wait a minute")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self._path, timeout=10)
        try:
            with db:
                yield db
        finally:
            db.close()


def role_of(name: str) -> Role:
    """Return a role by its name.

    Raises:
        InputError: There is no such role.
    """
    if name.upper() not in Role.__members__:
        raise InputError(f"there is no role `{name}`", hint="viewer, analyst or admin")
    return Role[name.upper()]


def ceiling_of(name: str) -> Tlp:
    """Return a ceiling by the name of a marking; none is the strictest.

    Raises:
        InputError: There is no such marking.
    """
    return parse_tlp(name) if name else Tlp.RED


def _hashed(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC)
