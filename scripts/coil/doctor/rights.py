"""Who is logged in, and what that user may do in each project: as the server says it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coil.archive.client import Archive, part
from coil.archive.credentials import login
from coil.archive.login import Address
from coil.archive.signing import ALIAS, credentials
from coil.doctor.findings import LIMIT, OK, PROBLEM, UNKNOWN, Finding
from coil.errors import ArchiveError

PERMISSIONS = ("read", "edit", "delete")
ROLES = {"owner": {"read", "edit", "delete"}, "member": {"read", "edit"}, "collaborator": {"read"}}
"""The permissions of XNAT's three roles in a project."""
_TYPE = "xnat:mrSessionData"


def kind(address: Address) -> Iterator[Finding]:
    """With what the login is made; never who it is."""
    who = credentials(address.server, address.login)
    if not who:
        yield Finding(
            "Login", "kind", LIMIT, "no user: only what is public can be read",
            f"set {address.login}_USER and {address.login}_PASS, or write them to ~/.netrc",
        )  # fmt: skip
        return
    of_environment = login().get(f"{address.login}_USER") == who[0]
    where = "the environment" if of_environment else "~/.netrc"
    if ALIAS.fullmatch(who[0]):
        yield Finding(
            "Login", "kind", OK, f"alias token of {where}; by XNAT's default it lives two days"
        )
    else:
        yield Finding("Login", "kind", OK, f"user and password of {where}")


@dataclass(frozen=True)
class User:
    """A login as the server tells it: its roles at the site, its groups (`PROJECT_role`), and
    the projects in which it may read, edit and delete data; None where it does not say that."""

    roles: Sequence[str] | None = None
    groups: Sequence[str] | None = None
    projects: Mapping[str, set[str]] | None = None

    def may(self, project: str) -> set[str] | None:
        """The permissions of this login in a project; None if the server tells in no way."""
        if self.projects is not None:
            return {name for name in PERMISSIONS if project in self.projects[name]}
        groups = self.groups or ()
        if "Administrator" in (self.roles or ()) or "ALL_DATA_ADMIN" in groups:
            return set(PERMISSIONS)
        return next((ROLES[role] for role in ROLES if f"{project}_{role}" in groups), None)


def ask(archive: Archive) -> User:
    """The login as the server tells it."""
    name = _text(archive, "/xapi/users/username")
    base = f"/xapi/users/{part(name)}"
    roles, groups = (
        _names(archive, f"{base}/{what}") if name else None for what in ("roles", "groups")
    )
    return User(roles, groups, _projects(archive))


def roles(user: User) -> Iterator[Finding]:
    """The roles of the login at the site."""
    known = "not told" if user.roles is None else ", ".join(sorted(user.roles)) or "none"
    groups = "" if user.groups is None else f"; in {len(user.groups)} project groups"
    yield Finding("Login", "roles", OK, known + groups)


def rights(readable: bool, allowed: set[str] | None, wanted: str = "", name: str = "") -> Finding:
    """The login's permissions in a project, against what the config wants of it.

    `wanted` says for what it must edit there, empty if it need not.
    """

    def finding(state: str, text: str, remedy: str = "") -> Finding:
        return Finding("Login", "rights", state, text, remedy, name)

    if not readable:
        return finding(
            PROBLEM,
            "the archive has no such project, or this login may not see it",
            "correct the project's ID or ask its owner for access",
        )
    if allowed is not None and "read" not in allowed:
        text = "the archive shows the project and, by what it says, not its data"
        return finding(LIMIT, text, "ask the project's owner for access")
    if allowed is None:
        remedy = "--config doctor=write tries it" if wanted else ""
        return finding(UNKNOWN, "may read; the server does not say whether it may edit", remedy)
    can = [name for name in PERMISSIONS if name in allowed]
    text = f"may {' and '.join(filter(None, [', '.join(can[:-1]), can[-1]]))}"
    if wanted and "edit" not in allowed:
        return finding(
            PROBLEM, f"{text}, not edit: {wanted} will not work",
            "ask the project's owner to make you a member, or take it out of the config",
        )  # fmt: skip
    if wanted and "delete" not in allowed:
        return finding(
            LIMIT, f"{text}, not delete: what {wanted} no longer holds may stay in the archive",
            "ask the project's owner to make you an owner",
        )  # fmt: skip
    return finding(OK, text)


def wants(settings: Mapping[str, Any]) -> str:
    """For what the config has to edit the project itself."""
    wanted = settings["push"]
    pushes = [name for name in sorted(wanted) if wanted[name] and name != "resource"]
    return f"push ({', '.join(pushes)})" if pushes else ""


def _projects(archive: Archive) -> Mapping[str, set[str]] | None:
    """The IDs of the projects by permission, as XNAT lists them for uploads; None if this
    server does not know the question and lists all projects as ever."""
    projects = {}
    for permission in PERMISSIONS:
        try:
            rows = archive.rows("/data/projects", permissions=permission, dataType=_TYPE)
        except ArchiveError:
            return None
        if any({key.lower() for key in row} - {"id", "secondary_id", "uri"} for row in rows):
            return None
        projects[permission] = {row.get("id") or row.get("ID") or "" for row in rows}
    return projects


def _text(archive: Archive, path: str) -> str:
    """A text of the archive's newer interface; empty where it refuses it."""
    try:
        with archive.stream(path) as chunks:
            return b"".join(chunks).decode("utf-8", "replace").strip()
    except ArchiveError:
        return ""


def _names(archive: Archive, path: str) -> list[str] | None:
    """A list of names of that interface; None where it refuses it."""
    try:
        names = json.loads(_text(archive, path))
    except ValueError:
        return None
    return [str(name) for name in names] if isinstance(names, list) else None
