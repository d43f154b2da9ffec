"""What an analysis is run on: a session, a subject, or a whole project.

A place is `sub-<subject>_ses-<session>`, `sub-<subject>` or `project`: the name of the folder
with its record below records/.
"""

from collections.abc import Iterable

from coil.units import Unit

PROJECT = "project"
LEVELS = ("session", "subject", PROJECT)
PATTERN = "sub-[A-Za-z0-9]+(_ses-[A-Za-z0-9]+)?|project"


def place_of(unit: Unit, level: str) -> str:
    """The place of a level to which a session belongs."""
    return {"session": str(unit), "subject": f"sub-{unit.subject}"}.get(level, PROJECT)


def units_of(place: str, units: Iterable[Unit]) -> list[Unit]:
    """The sessions that belong to a place."""
    return [u for u in units if place in (place_of(u, level) for level in LEVELS)]


def places(level: str, units: Iterable[Unit]) -> list[str]:
    """The places of a level that have one of the sessions, in their order."""
    return list(dict.fromkeys(place_of(unit, level) for unit in units))


def folder(place: str) -> str:
    """The folder of a place in a dataset, `.` for a project: sub-x/ses-y."""
    return "." if place == PROJECT else place.replace("_", "/")
