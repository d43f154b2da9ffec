"""Subjects, experiments and assessors in other projects than their own, and from one to another."""

from starlette.responses import Response

from localxnat.api.targets import Call, Target, require_found
from localxnat.errors import Refused
from localxnat.storage.names import check_label
from localxnat.storage.store import Object

SHARED = ("subjects", "experiments", "assessors")
_KINDS = ("subject", "experiment", "assessor")


def share(call: Call, target: Target, into: str) -> Response:
    """PUT .../projects/{into}: a share, or with `primary=true` a move."""
    require_found(target)
    item = target.owner
    if item.kind not in _KINDS:
        raise Refused(405, "Only subjects and experiments are shared.")
    project = call.store.project(into)
    if project is None or not call.may("read", project):
        raise Refused(404, "Unable to identify the project to share into.")
    here = [name for name, _ in call.store.shares(item)]
    moves = call.query.flag("primary")
    if project.id == item.project or (project.id in here and not moves):
        raise Refused(409, "Already assigned to that project.")
    call.require("delete" if moves else "read", item)
    call.require("edit", project)
    label = check_label(call.query.get("label") or item.label, "label")
    if moves:
        call.resources.move(item, project.id, label)
    else:
        call.store.share(item, project.id, label)
    return Response(status_code=200)


def guest_in(call: Call, target: Target) -> str | None:
    """The project of an address, if its object is shared into it."""
    shares = {name for name, _ in call.store.shares(target.owner)}
    return target.project.id if target.project and target.project.id in shares else None


def unshare(call: Call, item: Object, project: str) -> Response:
    """End a share. As in XNAT, to unshare an object from its own project is to delete it."""
    if project == item.project:
        call.require("delete", item)
        call.resources.delete_object(item, files=call.query.flag("removeFiles"))
        return Response(status_code=200)
    shared = project in (name for name, _ in call.store.shares(item))
    if not shared and item.kind == "subject":
        raise Refused(403, "Subject is not assigned to specified project.")
    there = call.store.project(project)
    if there is None or not call.may("delete", there):
        call.require("edit", item)
    for one in _with_below(call, item):
        call.store.unshare(one, project)
    return Response(status_code=200)


def _with_below(call: Call, item: Object) -> list[Object]:
    """An object and all below it that is shared by itself."""
    below = {"subject": "experiment", "experiment": "assessor"}.get(item.kind)
    children = call.store.children(item, below) if below else []
    return [item, *(one for child in children for one in _with_below(call, child))]
