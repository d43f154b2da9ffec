"""One look at an archive: its server, the login, and each project that the config names."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from coil.archive.client import Address, Archive, connect, part
from coil.doctor import custom, data, resources, rights, server, survey, writing
from coil.doctor.checks import Check, carried_out, run
from coil.doctor.findings import PROBLEM, UNKNOWN, Finding
from coil.doctor.machine import Load
from coil.doctor.rights import User
from coil.doctor.survey import Surveyed
from coil.errors import ArchiveError

Look = Callable[[Archive], Iterable[Finding]]
CHECKS: dict[str, Callable[[Surveyed], Iterable[Finding]]] = {
    "sessions": data.sessions,
    "columns": data.columns,
    "labels": data.labels,
    "mount": data.mount,
}
"""The checks of what the listings told of a project."""
ASKED: dict[str, Callable[[Surveyed, Archive], Iterable[Finding]]] = {
    "catalogs": data.catalogs,
    "prearchive": data.waiting,
    "variables": custom.look,
    "resources": resources.named,
    "questionnaires": resources.of_project,
}
"""The checks that ask for more."""


class ArchiveProject(NamedTuple):
    """A project of an archive by its ID there, and `name`, the config's name for it.

    `settings` are the config's, with defaults; None for a project that only gets something.
    `wanted` says for what it must be edited, empty if it need not.
    """

    name: str
    id: str
    settings: Mapping[str, Any] | None
    wanted: str = ""


def look(
    address: Address, projects: Sequence[ArchiveProject], write: bool
) -> tuple[list[Finding], Load]:
    """The findings at the archive, and how much it holds in these projects."""
    findings, reached = _meet(address)
    if not reached:
        return [*findings, _not_looked_at("the server cannot be used")], Load()
    user: list[User] = []
    login = Check("Login", "login", lambda: user.append(_user(address)) or ())
    findings += carried_out(login)
    if not user:
        return [*findings, _not_looked_at("there is no login")], Load()
    surveys: dict[str, Surveyed] = {}
    findings += run(_first(address, projects, user[0], surveys), address.connections)
    findings += run(_second(address, projects, surveys, write), address.connections)
    sizes = [size for one in surveys.values() for size in one.survey.sizes]
    return findings, Load(max(sizes, default=0), sum(sizes))


def _meet(address: Address) -> tuple[list[Finding], bool]:
    """The findings without a login, and whether a server answers that can be trusted."""
    trust = carried_out(Check("Server", "certificate", partial(server.certificate, address)))
    try:
        reached = server.reach(address)
    except ArchiveError as error:
        known = any(one.state == PROBLEM for one in trust)  # why, and in better words
        problem = Finding.of_error(error, "Server", "address")
        return trust if known else [problem, *trust], False
    checks = [
        Check("Server", "address", partial(server.address, address.server, reached)),
        Check("Server", "clock", partial(server.clock, reached)),
    ]
    return run(checks, 1) + trust, True


def _user(address: Address) -> User:
    with connect(address) as archive:
        return rights.ask(archive)


def _not_looked_at(why: str) -> Finding:
    return Finding("Data", "data", UNKNOWN, f"not looked at: {why}")


def _first(
    address: Address, projects: Sequence[ArchiveProject], user: User, surveys: dict[str, Surveyed]
) -> Iterator[Check]:
    """Of server, login and rights; and the large listings, on which the rest is built."""

    def check(area: str, what: str, look: Look, name: str = "") -> Check:
        return Check(area, what, partial(_connected, address, look), name)

    yield check("Server", "version", server.version)
    yield check("Server", "plugins", server.plugins)
    yield check("Server", "listing", _small_listing)
    yield Check("Login", "kind", partial(rights.kind, address))
    yield Check("Login", "roles", partial(rights.roles, user))
    for project in projects:
        yield check("Login", "rights", partial(_project, project, user, surveys), project.name)


def _project(
    project: ArchiveProject, user: User, surveys: dict[str, Surveyed], archive: Archive
) -> Iterator[Finding]:
    """The rights in one project, and if it can be read, what its large listing tells."""
    readable = archive.exists(f"/data/projects/{part(project.id)}")
    yield rights.rights(readable, user.may(project.id), project.wanted, project.name)
    if readable and project.settings:
        taken = partial(_survey, archive, project, surveys)
        yield from carried_out(Check("Data", "listing", taken, project.name))


def _survey(
    archive: Archive, project: ArchiveProject, surveys: dict[str, Surveyed]
) -> Iterator[Finding]:
    assert project.settings is not None
    taken = survey.take(archive, project.id, project.settings)
    surveys[project.name] = Surveyed(project.name, project.id, project.settings, taken)
    yield server.listing_time("all sessions", taken.rows, taken.seconds, project.name)


def _second(
    address: Address,
    projects: Sequence[ArchiveProject],
    surveys: Mapping[str, Surveyed],
    write: bool,
) -> Iterator[Check]:
    """Of the data of each project that could be listed."""
    for project in projects:
        if surveyed := surveys.get(project.name):
            for what, check in CHECKS.items():
                yield Check("Data", what, partial(check, surveyed), project.name)
            for what, ask in ASKED.items():
                look = partial(_connected, address, partial(ask, surveyed))
                yield Check("Data", what, look, project.name)
        if write:
            one = partial(writing.look, project=project.id, name=project.name)
            yield Check("Login", "writing", partial(_connected, address, one), project.name)


def _connected(address: Address, look: Look) -> list[Finding]:
    with connect(address) as archive:
        return list(look(archive))


def _small_listing(archive: Archive) -> Iterator[Finding]:
    begun = time.monotonic()
    rows = archive.rows("/data/projects")
    yield server.listing_time("the projects", len(rows), time.monotonic() - begun)
