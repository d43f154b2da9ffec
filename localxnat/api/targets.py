"""From an address to the objects it names, as far as the user may see them."""

from dataclasses import dataclass, field
from typing import Self

from localxnat.api import address
from localxnat.api.access import Archive, Who
from localxnat.api.address import Address
from localxnat.api.object_documents import ObjectDocument
from localxnat.api.query import Query
from localxnat.errors import Refused
from localxnat.model import fields
from localxnat.storage.auth import Auth, User
from localxnat.storage.resources import Resource, Resources
from localxnat.storage.store import Object, Store

NOT_FOUND = "Unable to find the specified item."


@dataclass
class Call:
    """One request to the archive's data: who asks for what."""

    store: Store
    resources: Resources
    auth: Auth
    user: User
    method: str
    address: Address
    query: Query
    document: ObjectDocument | None = None
    is_folder: bool = False
    """Whether the path ends in a slash, as that of a folder does."""

    @classmethod
    def of(
        cls,
        base: Archive,
        who: Who,
        method: str,
        parts: list[str],
        asked: Query | None = None,
        document: ObjectDocument | None = None,
        is_folder: bool = False,
    ) -> Self:
        """The call of a user's request; `parts` are those of the path with their prefix.

        404 for a path that XNAT does not route.
        """
        return cls(
            base.store, base.resources, base.auth, who.user, method, address.parse(parts),
            asked if asked is not None else Query(), document, is_folder,
        )  # fmt: skip

    def require(self, action: str, item: Object) -> None:
        """403 unless the user may do this in the item's project (or one it is shared into)."""
        if not self.may(action, item):
            raise Refused(403, f"The user has no right to {action} here.")

    def may(self, action: str, item: Object) -> bool:
        if self.user.admin:
            return True
        names = [item.project]
        if action == "read" and item.kind != "project":
            session = self.store.session_of(item)
            for one in (item, session) if item.kind == "assessor" else (session,):
                names += [project for project, _ in self.store.shares(one)]
        projects = [self.store.project(name) for name in names]
        return any(project and self.auth.may(self.user, action, project) for project in projects)


@dataclass
class Target:
    """The objects on the way of an address; None where it does not go, or names nothing yet."""

    project: Object | None = None
    subject: Object | None = None
    experiment: Object | None = None
    assessor: Object | None = None
    reconstruction: Object | None = None
    scans: list[Object] = field(default_factory=list)
    resource: Resource | None = None
    # With several scans: the resources that are meant of each, by label; empty for all.
    labels: set[str] = field(default_factory=set)
    several: bool = False
    # The project whose name is all that the user may know of it, if the address has such a one.
    listed: Object | None = None
    # The names that were asked for and do not exist, by word; PUT makes them.
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def owner(self) -> Object:
        """The object that resources and files of this address belong to."""
        if self.several:
            raise Refused(400, "The address names several scans; this is done to one at a time.")
        owner = (
            self.assessor or self.reconstruction or self.experiment or self.subject or self.project
        )
        if len(self.scans) == 1:
            owner = self.scans[0]
        if owner is None:
            raise Refused(404, NOT_FOUND)
        return owner


def resolve(call: Call) -> Target:
    """The target of a call; what the user may not read is as good as absent."""
    store, address = call.store, call.address
    target = Target()
    name = address.get("projects") if address.steps and address.steps[0][0] == "projects" else None
    if name is not None:
        known = store.project(name)
        target.project = _visible(call, known, alone=len(address.steps) == 1)
        if target.project is None:
            target.missing["projects"] = name
            target.listed = known if known and call.may("list", known) else None
    scope = target.project.id if target.project else None
    subject, experiment = address.get("subjects"), address.get("experiments")
    if target.listed is not None and (subject or experiment):
        # What is shared with the user is there by its home's address, too, if that is listed.
        scope = target.listed.id
        del target.missing["projects"]
    if subject is not None and not target.missing:
        target.subject = _visible(call, store.subject(subject, scope))
        if target.subject is None:
            target.missing["subjects"] = subject
    if experiment is not None and not target.missing:
        target.experiment = _below(
            target.subject, _visible(call, store.experiment(experiment, scope)), scope
        )
        if target.experiment is None:
            target.missing["experiments"] = experiment
    if target.listed is not None and not (target.subject or target.experiment):
        target.missing["projects"] = target.listed.id
    assessor = address.get("assessors")
    if assessor is not None and target.experiment:
        # A label is one of a project: as in XNAT, without a project only the ID is looked for.
        target.assessor = _visible(call, store.assessor(target.experiment, assessor, scope))
        if target.assessor is None:
            target.missing["assessors"] = assessor
    scans = address.get("scans")
    if scans is not None and target.experiment:
        target.scans = choose_scans(store.children(target.experiment, "scan"), scans)
        if not target.scans and not _wildcard(scans):
            target.missing["scans"] = scans
        target.several = len(target.scans) != 1 and not target.missing
    reconstruction = address.get("reconstructions")
    if reconstruction is not None and target.experiment:
        target.reconstruction = store.part(target.experiment, "reconstruction", reconstruction)
        if target.reconstruction is None:
            target.missing["reconstructions"] = reconstruction
    label = address.get("resources")
    if label is not None and not target.missing:
        if target.several:
            target.labels = set() if _wildcard(label) else set(label.split(","))
            return target
        target.resource = call.resources.find(target.owner, label)
        if target.resource is None:
            target.missing["resources"] = label
    return target


def _below(subject: Object | None, found: Object | None, scope: str | None) -> Object | None:
    """An experiment, unless it is another subject's; a guest in a project need not have its
    subject there."""
    guest = found is not None and scope not in (None, found.project)
    return found if guest or not (found and subject) or found.parent == subject.pk else None


def _visible(call: Call, item: Object | None, *, alone: bool = False) -> Object | None:
    seen = call.address.collection in (None, "accessibility")
    action = "list" if alone and seen else "read"
    return item if item is not None and call.may(action, item) else None


def _wildcard(names: str) -> bool:
    return names in ("ALL", "*")


def choose_scans(scans: list[Object], names: str) -> list[Object]:
    """The scans that `4,5`, `ALL` or a type name; a scan's own ID wins over a type."""
    if _wildcard(names):
        return scans
    exact = [scan for scan in scans if scan.id == names]
    if exact:
        return exact
    wanted = set(names.split(","))
    by_id = [scan for scan in scans if scan.id in wanted]
    return by_id or [scan for scan in scans if fields.look_up(scan.fields, "type") in wanted]


def require_found(target: Target) -> None:
    """404 for anything that is not there."""
    if target.missing:
        raise Refused(404, NOT_FOUND)
