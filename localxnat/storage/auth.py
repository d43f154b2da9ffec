"""Users, passwords, tokens, login sessions and what a role may do."""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
import sqlite3
import threading
import time
import uuid
from dataclasses import dataclass

from localxnat.errors import Refused
from localxnat.storage import passwords
from localxnat.storage.database import Database
from localxnat.storage.store import Object

IDLE_SECONDS = 900
MAX_SESSIONS = 1000
TOO_MANY = "Maximum number of sessions for this user exceeded."
TOKEN_SECONDS = 2 * 24 * 3600
_PROFILE = "login, firstname, lastname, email"
ROLES = ("owner", "member", "collaborator")


@dataclass(frozen=True)
class User:
    """Who is asking."""

    login: str
    admin: bool


@dataclass(frozen=True)
class Profile:
    """A user's names and address."""

    login: str
    firstname: str
    lastname: str
    email: str


@dataclass(frozen=True)
class Member:
    """A user with a role in a project."""

    profile: Profile
    role: str


@dataclass
class Login:
    """A login session, XNAT's JSESSIONID."""

    id: str
    login: str
    used: float


class Auth:
    """Logins in memory (they end with the server, as XNAT's do), users in the database."""

    def __init__(self, database: Database, idle_seconds: float = IDLE_SECONDS) -> None:
        self.idle_seconds = idle_seconds
        self._database = database
        self._logins: dict[str, Login] = {}
        self._lock = threading.Lock()
        # scrypt is slow on purpose; clients with Basic auth would pay it at every request.
        self._pepper = os.urandom(32)
        self._verified: dict[str, bytes] = {}

    # Users -----------------------------------------------------------------------------------

    def ensure_admin(self, password: str | None) -> None:
        """The user `admin`: made with the password, or `admin`; given the password if there."""
        row = self._user("admin")
        if row is None:
            self.add_user(
                "admin",
                password or "admin",
                admin=True,
                firstname="Admin",
                lastname="Admin",
                email="admin@localhost",
            )
        elif password is not None and not passwords.matches(password, row["password"]):
            self.set_password("admin", password)

    def add_user(
        self,
        login: str,
        password: str,
        *,
        admin: bool = False,
        firstname: str = "",
        lastname: str = "",
        email: str = "",
    ) -> None:
        with self._database.write() as connection:
            try:
                connection.execute(
                    "INSERT INTO users VALUES (?, ?, ?, ?, ?, ?)",
                    (login, passwords.hashed(password), firstname, lastname, email, int(admin)),
                )
            except sqlite3.IntegrityError:
                raise Refused(409, "A user of this name exists.") from None

    def change_user(self, login: str, changes: dict[str, str | int]) -> None:
        """Set firstname, lastname, email or admin of a user."""
        with self._database.write() as connection:
            for name in ("firstname", "lastname", "email", "admin"):
                if name in changes:
                    values = (changes[name], login)
                    connection.execute(f"UPDATE users SET {name} = ? WHERE login = ?", values)

    def enabled(self, login: str) -> bool:
        return not self._database.connection.execute(
            "SELECT 1 FROM disabled_users WHERE login = ?", (login,)
        ).fetchone()

    def enable(self, login: str, enabled: bool) -> None:
        """Let a user log in, or not any more."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM disabled_users WHERE login = ?", (login,))
            if not enabled:
                connection.execute("INSERT INTO disabled_users VALUES (?)", (login,))
                connection.execute("DELETE FROM tokens WHERE login = ?", (login,))
        if not enabled:
            self.end(login)

    def open_logins(self) -> dict[str, int]:
        """The number of logins that each user has open."""
        with self._lock:
            logins = [login.login for login in self._logins.values()]
        return {name: logins.count(name) for name in sorted(set(logins))}

    def end(self, login: str) -> list[str]:
        """End all logins of a user; their IDs."""
        with self._lock:
            ended = [key for key, value in self._logins.items() if value.login == login]
            for key in ended:
                del self._logins[key]
        return ended

    def groups(self, login: str) -> list[str]:
        """The groups that a user is in: a project with a role, as in `P_owner`."""
        rows = self._database.connection.execute(
            "SELECT project, role FROM roles WHERE login = ? ORDER BY project", (login,)
        )
        return [f"{row['project']}_{row['role']}" for row in rows]

    def set_password(self, login: str, password: str) -> None:
        """Give a user a password; what the old one opened ends: logins, and alias tokens."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE users SET password = ? WHERE login = ?", (passwords.hashed(password), login)
            )
            connection.execute("DELETE FROM tokens WHERE login = ?", (login,))
        self.end(login)

    def remove_user(self, login: str) -> None:
        """Remove a user with its roles, tokens and open logins."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM users WHERE login = ?", (login,))
        self.end(login)

    def users(self) -> list[Profile]:
        """All users by their logins."""
        rows = self._database.connection.execute(f"SELECT {_PROFILE} FROM users ORDER BY login")
        return [Profile(*row) for row in rows]

    def profile(self, login: str) -> Profile | None:
        row = self._database.connection.execute(
            f"SELECT {_PROFILE} FROM users WHERE login = ?", (login,)
        ).fetchone()
        return Profile(*row) if row else None

    def _user(self, login: str) -> sqlite3.Row | None:
        return self._database.connection.execute(
            "SELECT * FROM users WHERE login = ?", (login,)
        ).fetchone()

    def check(self, login: str, password: str) -> User | None:
        """The user whose name (or alias) and password (or secret) these are."""
        token = self._database.connection.execute(
            "SELECT * FROM tokens WHERE alias = ? AND expires > ?", (login, time.time())
        ).fetchone()
        if token is not None:
            digest = hashlib.sha256(password.encode()).hexdigest()
            fits = hmac.compare_digest(digest, token["secret"]) and self.enabled(token["login"])
            return self.user(token["login"]) if fits else None
        row = self._user(login)
        if row is None or not self.enabled(login):
            return None
        # With the hash that is stored: once there is another, nothing that fitted it counts.
        known = f"{login}\0{row['password']}\0{password}".encode()
        quick = hmac.digest(self._pepper, known, "sha256")
        if not hmac.compare_digest(self._verified.get(login, b""), quick):
            if not passwords.matches(password, row["password"]):
                return None
            self._verified[login] = quick
        return User(login, bool(row["admin"]))

    def user(self, login: str) -> User | None:
        row = self._user(login)
        return User(login, bool(row["admin"])) if row else None

    def check_basic(self, header: str) -> User | None:
        """The user of an `Authorization: Basic` header."""
        try:
            login, _, password = base64.b64decode(header[6:]).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return self.check(login, password)

    # Tokens ----------------------------------------------------------------------------------

    def issue_token(self, user: User) -> dict[str, object]:
        alias, secret = str(uuid.uuid4()), secrets.token_urlsafe(48)
        expires = time.time() + TOKEN_SECONDS
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO tokens VALUES (?, ?, ?, ?)",
                (alias, hashlib.sha256(secret.encode()).hexdigest(), user.login, expires),
            )
        return {
            "alias": alias,
            "secret": secret,
            "xdatUserId": user.login,
            "estimatedExpirationTime": int(expires * 1000),
            "singleUse": False,
            "enabled": True,
        }

    def validate_token(self, alias: str, secret: str) -> str | None:
        user = self.check(alias, secret)
        return user.login if user else None

    def invalidate_token(self, alias: str, secret: str) -> None:
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM tokens WHERE alias = ? AND secret = ?",
                (alias, hashlib.sha256(secret.encode()).hexdigest()),
            )

    # Logins ----------------------------------------------------------------------------------

    def open(self, user: User) -> Login:
        """A new login; refused (401) when the user has too many open ones, as XNAT does."""
        now = time.time()
        with self._lock:
            expired = [key for key, value in self._logins.items() if self._over(value, now)]
            for key in expired:
                del self._logins[key]
            if sum(login.login == user.login for login in self._logins.values()) >= MAX_SESSIONS:
                raise Refused(401, TOO_MANY)
            login = Login(secrets.token_hex(16).upper(), user.login, now)
            self._logins[login.id] = login
            return login

    def _over(self, login: Login, now: float) -> bool:
        return now - login.used > self.idle_seconds

    def resume(self, identifier: str) -> tuple[User, Login] | None:
        """The user of an open login, which is thereby used; None when unknown or expired."""
        now = time.time()
        with self._lock:
            login = self._logins.get(identifier)
            if login is None:
                return None
            if self._over(login, now):
                del self._logins[identifier]
                return None
            login.used = now
        user = self.user(login.login)
        return (user, login) if user else None

    def close(self, identifier: str) -> None:
        with self._lock:
            self._logins.pop(identifier, None)

    # Roles -----------------------------------------------------------------------------------

    def role(self, user: User, project: str) -> str | None:
        row = self._database.connection.execute(
            "SELECT role FROM roles WHERE project = ? AND login = ?", (project, user.login)
        ).fetchone()
        return row["role"] if row else None

    def set_role(self, login: str, project: str, role: str | None) -> None:
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM roles WHERE project = ? AND login = ?", (project, login)
            )
            if role is not None:
                connection.execute("INSERT INTO roles VALUES (?, ?, ?)", (project, login, role))

    def members(self, project: str) -> list[Member]:
        """The users who have a role in a project, by their logins."""
        rows = self._database.connection.execute(
            f"SELECT role, {_PROFILE} FROM roles JOIN users USING (login) WHERE project = ?"
            " ORDER BY login",
            (project,),
        )
        return [Member(Profile(*profile), role) for role, *profile in rows]

    def may(self, user: User, action: str, project: Object) -> bool:
        """Whether a user may `list`, `read`, `edit` or `delete` in a project.

        `list` is to know that it exists, which protected projects let anyone.
        """
        if user.admin:
            return True
        role = self.role(user, project.id)
        access = project.fields.get("accessibility", "private")
        if action == "list":
            return role is not None or access in ("public", "protected")
        if action == "read":
            return role is not None or access == "public"
        if action == "edit":
            return role in ("owner", "member")
        return role == "owner"
