"""One look at an archive: its server, the login, and each place there that the config names."""

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
"""What the listings told of a project."""
ASKED: dict[str, Callable[[Surveyed, Archive], Iterable[Finding]]] = {
    "catalogs": data.catalogs,
    "prearchive": data.waiting,
    "variables": custom.look,
    "resources": resources.named,
    "questionnaires": resources.of_project,
}
"""What is asked beyond them."""


class Place(NamedTuple):
    """A project of an archive by its ID there, and `name`, the config's name for it.

    `settings` are the config's, with defaults; None for a project that only gets something.
    `wanted` says for what it must be edited, empty if it need not.
    """

    name: str
    id: str
    settings: Mapping[str, Any] | None
    wanted: str = ""


def look(address: Address, places: Sequence[Place], write: bool) -> tuple[list[Finding], Load]:
    """What is found at the archive, and how much it holds in these places."""
    found, reached = _meet(address)
    if not reached:
        return [*found, _not_looked_at("the server cannot be used")], Load()
    user: list[User] = []
    login = Check("Login", "login", lambda: user.append(_user(address)) or ())
    found += carried_out(login)
    if not user:
        return [*found, _not_looked_at("there is no login")], Load()
    surveys: dict[str, Surveyed] = {}
    found += run(_first(address, places, user[0], surveys), address.connections)
    found += run(_second(address, places, surveys, write), address.connections)
    sizes = [size for one in surveys.values() for size in one.survey.sizes]
    return found, Load(max(sizes, default=0), sum(sizes))


def _meet(address: Address) -> tuple[list[Finding], bool]:
    """What can be told without a login, and whether a server answers that can be trusted."""
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
    address: Address, places: Sequence[Place], user: User, surveys: dict[str, Surveyed]
) -> Iterator[Check]:
    """Of server, login and rights; and the large listings, on which the rest is built."""

    def check(area: str, what: str, look: Look, name: str = "") -> Check:
        return Check(area, what, partial(_connected, address, look), name)

    yield check("Server", "version", server.version)
    yield check("Server", "plugins", server.plugins)
    yield check("Server", "listing", _small_listing)
    yield Check("Login", "kind", partial(rights.kind, address))
    yield Check("Login", "roles", partial(rights.roles, user))
    for place in places:
        yield check("Login", "rights", partial(_place, place, user, surveys), place.name)


def _place(
    place: Place, user: User, surveys: dict[str, Surveyed], archive: Archive
) -> Iterator[Finding]:
    """The rights in one place, and if it can be read, what its large listing tells."""
    readable = archive.exists(f"/data/projects/{part(place.id)}")
    yield rights.rights(readable, user.may(place.id), place.wanted, place.name)
    if readable and place.settings:
        taken = partial(_survey, archive, place, surveys)
        yield from carried_out(Check("Data", "listing", taken, place.name))


def _survey(archive: Archive, place: Place, surveys: dict[str, Surveyed]) -> Iterator[Finding]:
    assert place.settings is not None
    taken = survey.take(archive, place.id, place.settings)
    surveys[place.name] = Surveyed(place.name, place.id, place.settings, taken)
    yield server.listing_time("all sessions", taken.rows, taken.seconds, place.name)


def _second(
    address: Address, places: Sequence[Place], surveys: Mapping[str, Surveyed], write: bool
) -> Iterator[Check]:
    """Of the data of each place that could be listed."""
    for place in places:
        if project := surveys.get(place.name):
            for what, told in CHECKS.items():
                yield Check("Data", what, partial(told, project), place.name)
            for what, asked in ASKED.items():
                look = partial(_connected, address, partial(asked, project))
                yield Check("Data", what, look, place.name)
        if write:
            one = partial(writing.look, project=place.id, name=place.name)
            yield Check("Login", "writing", partial(_connected, address, one), place.name)


def _connected(address: Address, look: Look) -> list[Finding]:
    with connect(address) as archive:
        return list(look(archive))


def _small_listing(archive: Archive) -> Iterator[Finding]:
    begun = time.monotonic()
    rows = archive.rows("/data/projects")
    yield server.listing_time("the projects", len(rows), time.monotonic() - begun)
