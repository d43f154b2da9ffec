"""PUT and DELETE: objects, fields, shares, resources; files arrive by `uploads`."""

import re

from starlette.responses import Response

from localxnat.api import objects, sharing
from localxnat.api.targets import NOT_FOUND, Call, Target, require_found, resolve
from localxnat.errors import Refused
from localxnat.storage.auth import ROLES
from localxnat.storage.names import check_resource_label
from localxnat.storage.resources import Resource
from localxnat.storage.store import Object


def put(call: Call) -> Response:
    """The answer to a PUT of an object, a resource, a share or a setting."""
    target = resolve(call)
    address = call.address
    match address.collection or address.last:
        case "projects" if address.shared_into is not None:
            return sharing.share(call, target, address.shared_into)
        case (
            "projects" | "subjects" | "experiments" | "scans" | "reconstructions" | "assessors"
        ) as w:
            return objects.put(call, target, w)
        case "resources":
            return _put_resource(call, target)
        case "users":
            return _set_role(call, target, remove=False)
        case ("accessibility" | "prearchive_code" | "quarantine_code" | "current_arc") as setting:
            return _set_setting(call, target, setting)
        case _:
            raise Refused(405, "This cannot be put here.")


def _put_resource(call: Call, target: Target) -> Response:
    label = target.missing.pop("resources", None)
    require_found(target)
    owner = target.owner
    call.require("edit", owner)
    if target.resource is not None:
        raise Refused(409, "Specified resource already exists.")
    if label is None:
        raise Refused(417, "The resource has no label.")
    make_resource(call, owner, label)
    return Response(status_code=200)


def make_resource(call: Call, owner: Object, label: str) -> Resource:
    """A new resource with what the query says about it."""
    query = call.query
    return call.resources.create(
        owner,
        check_resource_label(label),
        format=query.get("format"),
        content=query.get("content"),
        tags=query.get("tags"),
        description=query.get("description"),
    )


def _own(call: Call, target: Target) -> Object:
    """The project of an address, if the user may decide who works in it."""
    if target.listed:
        call.require("delete", target.listed)
    require_found(target)
    if target.project is None:
        raise Refused(404, NOT_FOUND)
    call.require("delete", target.project)
    return target.project


def _set_role(call: Call, target: Target, *, remove: bool) -> Response:
    """PUT or DELETE .../users/{Owners, P_owner}/{login}."""
    project = _own(call, target)
    group, _, login = dict(call.address.steps).get("users", "").partition("/")
    role = group.removeprefix(f"{project.id}_").lower().removesuffix("s")
    if role not in ROLES:
        raise Refused(404, "The group is not Owners, Members or Collaborators.")
    if call.auth.user(login) is None:
        raise Refused(404, "There is no user of this name.")
    call.auth.set_role(login, project.id, None if remove else role)
    return Response(status_code=200)


_ALLOWED = {
    "accessibility": r"private|protected|public",
    "prearchive_code": r"[0-9]+",
    "quarantine_code": r"[01]",
    "current_arc": r"[\w-]{1,64}",
}


def _set_setting(call: Call, target: Target, name: str) -> Response:
    project = _own(call, target)
    value = dict(call.address.steps).get(name, "")
    if not re.fullmatch(_ALLOWED[name], value):
        raise Refused(400, f"This is no {name} that a project can have.")
    call.store.set_fields(project, {name: value})
    return Response(status_code=200)


def delete(call: Call) -> Response:
    """The answer to a DELETE."""
    target = resolve(call)
    address = call.address
    labels = target.missing.get("resources", "").split(",")
    if len(labels) > 1 and address.last == "resources":
        return _delete_resources(call, target, labels)
    require_found(target)
    if address.last == "users":
        return _set_role(call, target, remove=True)
    if address.last == "files":
        return _delete_file(call, target, dict(address.steps)["files"])
    if address.collection is not None:
        raise Refused(405, "A whole collection cannot be deleted.")
    if address.shared_into is not None:
        return sharing.unshare(call, target.owner, address.shared_into)
    if address.last in sharing.SHARED and (here := sharing.guest_in(call, target)):
        return sharing.unshare(call, target.owner, here)
    files = call.query.flag("removeFiles")
    if target.resource is not None:
        call.require("delete", target.owner)
        call.resources.delete(target.owner, target.resource, files=files)
        return Response(status_code=200)
    doomed = target.scans if address.last == "scans" else [target.owner]
    for item in doomed:
        call.require("delete", item)
    for item in doomed:
        call.resources.delete_object(item, files=files)
    return Response(status_code=200)


def _delete_resources(call: Call, target: Target, labels: list[str]) -> Response:
    """Delete several resources; 207 when it can be done with some of them only."""
    del target.missing["resources"]
    require_found(target)
    call.require("delete", target.owner)
    found = [call.resources.find(target.owner, label) for label in labels]
    for resource in found:
        if resource is not None:
            call.resources.delete(target.owner, resource, files=call.query.flag("removeFiles"))
    if not any(found):
        raise Refused(404, NOT_FOUND)
    return Response(status_code=200 if all(found) else 207)


def _delete_file(call: Call, target: Target, path: str) -> Response:
    """Delete a file or, by the name of a folder, all files below it."""
    resource = target.resource
    doomed = _named(call, resource, path) if resource else []
    if resource is None or not doomed:
        raise Refused(404, NOT_FOUND)
    call.require("delete", target.owner)
    call.resources.delete_files(target.owner, resource, doomed)
    return Response(status_code=200)


def _named(call: Call, resource: Resource, path: str) -> list[str]:
    if call.resources.file(resource, path) and not call.is_folder:
        return [path]
    files = call.resources.files(resource)
    return [file.path for file in files if file.path.startswith(f"{path}/")]
