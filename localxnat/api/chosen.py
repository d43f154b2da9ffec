"""Which experiments a listing is about, as far as the user may see them."""

import json
import time
from collections.abc import Iterable, Iterator, Sequence

from localxnat.api.bulk import BATCH, by_key, rows
from localxnat.api.listings import Listing
from localxnat.api.targets import Call, Target
from localxnat.model import xsi
from localxnat.storage.store import Object

_ASSESSOR = "xnat:imageAssessorData"
_AMONG = "(SELECT value FROM json_each(?))"
Chosen = tuple[int, str]
"""An object's key, and the label that it has where it is shared; empty for its own."""


def experiments(call: Call, target: Target, listing: Listing) -> Iterable[Object]:
    """The experiments that a query is about, those shared into the project of the address too."""
    # XNAT puts the share's label and project into the rows where these have a key of the listed
    # type's own; a session's ID has a short name, and so its rows stay as at home.
    if target.project and listing.root != "xnat:imageSessionData":
        listing.into = target.project.id
    return _experiments(call, target, listing)


def _experiments(call: Call, target: Target, listing: Listing) -> Iterator[Object]:
    found = _chosen(call, target, listing.root)
    readable = None if target.project or call.user.admin else _Readable(call)
    if readable:
        _wait(call, [pk for pk, _ in found], listing.with_scans)
    for start in range(0, len(found), BATCH):
        batch = found[start : start + BATCH]
        things = by_key(call, (pk for pk, _ in batch))
        allowed = readable.among(things) if readable else set(things)
        for pk, there in batch:
            thing = things.get(pk)
            if thing is None or pk not in allowed or not xsi.is_a(thing.xsi_type, listing.root):
                continue
            if there and listing.into:
                thing.label, thing.project = there, listing.into
            yield thing


def _chosen(call: Call, target: Target, root: str) -> list[Chosen]:
    kinds = "kind IN ('experiment', 'assessor')"
    if xsi.is_a(root, _ASSESSOR):
        kinds = "kind = 'assessor'"
    elif root != "xnat:experimentData":
        kinds = "kind = 'experiment'"
    if target.subject and target.project:
        here = "project = ? OR pk IN (SELECT object FROM shares WHERE project = ?)"
        values = [target.subject.pk, *[target.project.id] * 2]
        return _keys(call, f"parent = ? AND {kinds} AND ({here})", *values)
    if target.subject:
        return _keys(call, f"parent = ? AND {kinds}", target.subject.pk)
    if target.project:
        home = target.project.id
        return [*_keys(call, f"project = ? AND {kinds}", home), *_guests(call, home, kinds)]
    named = {name.lower(): value for name, value in call.query}
    shared = next((one for name, one in named.items() if name.endswith(_SHARE)), "")
    if shared and _plain(shared):
        return [(pk, "") for pk, _ in _guests(call, shared, kinds)]
    project = call.query.get("project")
    if project and _plain(project):
        return _keys(call, f"project = ? AND {kinds}", project)
    return _keys(call, kinds)


_SHARE = "sharing/share/project"


def _plain(value: str) -> bool:
    return not set("*%,") & set(value)


def _keys(call: Call, where: str, *values: object) -> list[Chosen]:
    found = rows(call, f"SELECT pk FROM objects WHERE {where} ORDER BY pk", values)
    return [(pk, "") for (pk,) in found]


def _guests(call: Call, project: str, kinds: str) -> list[Chosen]:
    return rows(
        call,
        "SELECT pk, shares.label FROM shares JOIN objects ON pk = object"
        f" WHERE shares.project = ? AND {kinds} ORDER BY pk",
        [project],
    )  # type: ignore[return-value]  # two columns


def _wait(call: Call, pks: Sequence[int], with_scans: bool) -> None:
    """Take the time that XNAT's join with permissions takes, if the server is to.

    Its query of all experiments has no clause on one project, so that the rights of whoever is no
    administrator are joined to every row.
    """
    if not (seconds := call.store.seconds_for_rights):
        return
    number = len(pks)
    if with_scans:
        counted = "SELECT COUNT(*) FROM objects WHERE kind = 'scan' AND parent IN "
        number = rows(call, counted + _AMONG, [json.dumps(pks)])[0][0]
    time.sleep(seconds * number / 10_000)


class _Readable:
    """Which experiments a user may read: those of readable projects, owning or shared into."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._projects: dict[str, bool] = {}

    def among(self, things: dict[int, Object]) -> set[int]:
        # An assessor goes where its session is shared.
        shared_as = {
            pk: one.parent if one.kind == "assessor" and one.parent else pk
            for pk, one in things.items()
        }
        homes: dict[int, set[str]] = {pk: set() for pk in shared_as.values()}
        shares = rows(
            self._call,
            f"SELECT object, project FROM shares WHERE object IN {_AMONG}",
            [json.dumps(list(homes))],
        )
        for pk, project in shares:
            homes[pk].add(project)
        return {
            pk
            for pk, one in things.items()
            if any(self._may(name) for name in (one.project, *homes[shared_as[pk]]))
        }

    def _may(self, name: str) -> bool:
        if name not in self._projects:
            project = self._call.store.project(name)
            self._projects[name] = project is not None and self._call.auth.may(
                self._call.user, "read", project
            )
        return self._projects[name]
