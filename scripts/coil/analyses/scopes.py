"""The scope of one run of an analysis: a session, a subject, or a whole project.

Which of the three it is, is the analysis' level. A scope is written `sub-<subject>_ses-<session>`,
`sub-<subject>` or `project`, as the folder with its record below records/ is called.
"""

from collections.abc import Iterable, Sequence

from coil.units import Unit, Units
from coil.workspace import PROJECT

LEVELS = ("session", "subject", "project")
PATTERN = f"sub-[A-Za-z0-9]+(_ses-[A-Za-z0-9]+)?|{PROJECT}"


def scope_of(unit: Unit, level: str) -> str:
    """The scope of a level to which a session belongs."""
    return {"session": str(unit), "subject": f"sub-{unit.subject}"}.get(level, PROJECT)


def level_of(scope: str) -> str:
    """The level of a scope."""
    if scope == PROJECT:
        return PROJECT
    return "session" if "_" in scope else "subject"


def units_of(scope: str, units: Units) -> Sequence[Unit]:
    """The sessions that belong to a scope."""
    return units.in_scope(scope)


def scopes(level: str, units: Iterable[Unit]) -> list[str]:
    """The scopes of a level that have one of the sessions, in their order."""
    return list(dict.fromkeys(scope_of(unit, level) for unit in units))


def folder(scope: str) -> str:
    """The folder of a scope in a dataset, `.` for a project: sub-x/ses-y."""
    return "." if scope == PROJECT else scope.replace("_", "/")


def labels(scope: str) -> dict[str, str]:
    """The BIDS labels of a scope's subject and session, as far as it has them."""
    pairs = (part.split("-", 1) for part in scope.split("_")) if scope != PROJECT else ()
    return {("subject" if entity == "sub" else "session"): label for entity, label in pairs}
