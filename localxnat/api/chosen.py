"""The experiments that a listing is about, as far as the user may see them."""

import time
from collections.abc import Iterable, Iterator, Sequence

from localxnat.api.bulk import BATCH, by_key
from localxnat.api.listings import Listing
from localxnat.api.targets import Call, Target
from localxnat.model import xsi
from localxnat.storage import listings
from localxnat.storage.listings import Guest
from localxnat.storage.store import Object

_ASSESSOR = "xnat:imageAssessorData"


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


def _chosen(call: Call, target: Target, root: str) -> list[Guest]:
    database, kinds = call.store.database, _kinds(root)
    project = target.project.id if target.project else None
    if target.subject:
        return _own(call, kinds, subject=target.subject.pk, project=project, shared=True)
    if project:
        return [*_own(call, kinds, project=project), *listings.guests(database, kinds, project)]
    named = {name.lower(): value for name, value in call.query}
    shared = next((one for name, one in named.items() if name.endswith(_SHARE)), "")
    if shared and _plain(shared):
        return [Guest(pk) for pk, _ in listings.guests(database, kinds, shared)]
    asked = call.query.get("project")
    return _own(call, kinds, project=asked if asked and _plain(asked) else None)


def _kinds(root: str) -> tuple[str, ...]:
    """The kinds of objects that may be of a type."""
    if xsi.is_a(root, _ASSESSOR):
        return ("assessor",)
    return ("experiment", "assessor") if root == "xnat:experimentData" else ("experiment",)


def _own(
    call: Call,
    kinds: Sequence[str],
    *,
    subject: int | None = None,
    project: str | None = None,
    shared: bool = False,
) -> list[Guest]:
    """Experiments under the labels that they have at home."""
    found = listings.experiments(
        call.store.database, kinds, subject=subject, project=project, shared=shared
    )
    return [Guest(pk) for pk in found]


_SHARE = "sharing/share/project"


def _plain(value: str) -> bool:
    return not set("*%,") & set(value)


def _wait(call: Call, pks: Sequence[int], with_scans: bool) -> None:
    """Take the time that XNAT's join with permissions takes, if the server is to.

    Its query of all experiments has no clause on one project, so that the rights of whoever is no
    administrator are joined to every row.
    """
    if not (seconds := call.store.seconds_for_rights):
        return
    number = listings.count_scans(call.store.database, pks) if with_scans else len(pks)
    time.sleep(seconds * number / 10_000)


class _Readable:
    """The experiments that a user may read: those of readable projects, owning or shared into."""

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
        for pk, share in listings.shares(self._call.store.database, homes):
            homes[pk].add(share.project)
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
