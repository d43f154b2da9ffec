"""By which names projects are known: no two of them share one, in whatever case."""

from collections.abc import Mapping

from localxnat.errors import Refused
from localxnat.storage.store import Object, Store

_NAMES = ("name", "secondary_ID")


def check(store: Store, own: str, changes: Mapping[str, str | None], *more: str) -> None:
    """409 if another project has a name that these fields give, or one of `more`.

    IDs, names, secondary IDs and aliases count alike, as where XNAT validates a project's fields.
    """
    wanted = _among(changes) | {name.lower() for name in more if name}
    others = (project for project in store.all("project") if project.id != own)
    if wanted and any(wanted & _all(project) for project in others):
        raise Refused(409, "Requested new project conflicts with existing projects.")


def _among(changes: Mapping[str, str | None]) -> set[str]:
    """The names among fields, in lower case."""
    return {
        value.lower()
        for key, value in changes.items()
        if value and (key in _NAMES or key.startswith("aliases/alias"))
    }


def _all(project: Object) -> set[str]:
    return _among(project.fields) | {project.id.lower()}
