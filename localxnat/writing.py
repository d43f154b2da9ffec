"""PUT and DELETE: objects, fields, shares, resources; files arrive by `uploads`."""

from starlette.responses import Response

from localxnat import fields, xsi
from localxnat.auth import ROLES
from localxnat.errors import Refused
from localxnat.names import check_label, check_resource_label, check_scan_id
from localxnat.resources import Resource
from localxnat.store import Object
from localxnat.targets import NOT_FOUND, Call, Target, require_found, resolve


def put(call: Call) -> Response:
    """The answer to a PUT of an object, a resource, a share or a setting."""
    target = resolve(call)
    address = call.address
    match address.collection or address.last:
        case "projects" if address.shared_into is not None:
            return _share(call, target, address.shared_into)
        case "projects":
            return _put_project(call, target)
        case "subjects":
            return _put_subject(call, target)
        case "experiments":
            return _put_experiment(call, target)
        case "scans":
            return _put_scan(call, target)
        case "assessors":
            return _put_assessor(call, target)
        case "resources":
            return _put_resource(call, target)
        case "users":
            return _set_role(call, target, remove=False)
        case "accessibility":
            return _set_accessibility(call, target)
        case _:
            raise Refused(405, "This cannot be put here.")


def _type_of(call: Call, kind: str, default: str | None = None) -> str:
    given = call.query.get("xsiType")
    if not given:
        # A field's path begins with the type: xnat:mrSessionData/date=2024-01-01.
        prefixes = (name.partition("/")[0] for name, _ in call.query if ":" in name)
        given = next((prefix for prefix in prefixes if xsi.spell(prefix)), default or "")
    spelled = xsi.spell(given)
    if spelled is None or not xsi.fits(spelled, kind):
        raise Refused(417, f"No xsiType is given that a new {kind} can have.")
    return spelled


def _update(call: Call, item: Object, kind: str | None = None) -> Response:
    """Set the fields of the query on an object that exists; 200 and its ID."""
    call.require("edit", item)
    changes = fields.updates(kind or item.kind, call.query)
    _check_label_change(call, item)
    call.store.set_fields(item, changes)
    return Response(item.id, 200, media_type="text/plain")


def _check_label_change(call: Call, item: Object) -> None:
    label = call.query.get("label")
    if label and item.kind in ("subject", "experiment", "assessor") and label != item.label:
        call.resources.rename(item, check_label(label, "label"))


def _created(item: Object) -> Response:
    return Response(item.id, 201, media_type="text/plain")


def _put_project(call: Call, target: Target) -> Response:
    address = call.address
    name = address.get("projects") or call.query.get("ID")
    if not name:
        raise Refused(417, "The project has no ID.")
    if target.project:
        return _update(call, target.project)
    if call.store.project(name) is not None:
        raise Refused(403, "The user has no right to edit here.")
    changes = fields.updates("project", call.query)
    check_label(name, "project ID")
    item = call.store.create(
        "project", name, "xnat:projectData", name, None, call.user.login, changes
    )
    call.auth.set_role(call.user.login, item.id, "owner")
    return _created(item)


def _require_project(call: Call, target: Target) -> Object:
    if "projects" in target.missing or target.project is None:
        raise Refused(422, "The project does not exist, or is not named in the address.")
    return target.project


def _put_subject(call: Call, target: Target) -> Response:
    if target.subject is not None:
        return _update(call, target.subject)
    if target.project is None and "subjects" in target.missing:
        raise Refused(404, NOT_FOUND)
    project = _require_project(call, target)
    call.require("edit", project)
    label = check_label(target.missing.get("subjects") or call.query.get("label"), "label")
    changes = fields.updates("subject", call.query)
    item = call.store.create(
        "subject", label, "xnat:subjectData", project.id, project, call.user.login, changes
    )
    return _created(item)


def _put_experiment(call: Call, target: Target) -> Response:
    if target.experiment is not None:
        return _update(call, target.experiment)
    project = _require_project(call, target)
    if target.subject is None:
        raise Refused(422, "The subject does not exist, or is not named in the address.")
    call.require("edit", project)
    label = check_label(target.missing.get("experiments") or call.query.get("label"), "label")
    xsi_type = _type_of(call, "experiment")
    changes = fields.updates("experiment", call.query)
    item = call.store.create(
        "experiment", label, xsi_type, project.id, target.subject, call.user.login, changes
    )
    return _created(item)


def _session(target: Target) -> Object:
    if target.experiment is None:
        raise Refused(404, NOT_FOUND)
    return target.experiment


def _put_scan(call: Call, target: Target) -> Response:
    session = _session(target)
    if len(target.scans) == 1:
        return _update(call, target.scans[0])
    call.require("edit", session)
    name = check_scan_id(target.missing.get("scans", ""))
    default = session.xsi_type.replace("SessionData", "ScanData")
    xsi_type = _type_of(call, "scan", default)
    changes = fields.updates("scan", call.query)
    item = call.store.create(
        "scan", name, xsi_type, session.project, session, call.user.login, changes
    )
    return _created(item)


def _put_assessor(call: Call, target: Target) -> Response:
    session = _session(target)
    if target.assessor is not None:
        return _update(call, target.assessor)
    call.require("edit", session)
    label = check_label(target.missing.get("assessors") or call.query.get("label"), "label")
    xsi_type = _type_of(call, "assessor")
    changes = fields.updates("assessor", call.query)
    item = call.store.create(
        "assessor", label, xsi_type, session.project, session, call.user.login, changes
    )
    return _created(item)


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


def _share(call: Call, target: Target, into: str) -> Response:
    require_found(target)
    item = target.owner
    if item.kind not in ("subject", "experiment", "assessor"):
        raise Refused(405, "Only subjects and experiments are shared.")
    project = call.store.project(into)
    if project is None or not call.may("read", project):
        raise Refused(422, "The project to share into does not exist.")
    call.require("read", item)
    call.require("edit", project)
    label = call.query.get("label") or item.label
    call.store.share(item, project.id, check_label(label, "label"))
    return Response(status_code=200)


def _own(call: Call, target: Target) -> Object:
    """The project of an address, if the user may decide who works in it."""
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


def _set_accessibility(call: Call, target: Target) -> Response:
    project = _own(call, target)
    value = dict(call.address.steps).get("accessibility", "")
    if value not in ("private", "protected", "public"):
        raise Refused(400, "A project is private, protected or public.")
    call.store.set_fields(project, {"accessibility": value})
    return Response(status_code=200)


def delete(call: Call) -> Response:
    """The answer to a DELETE."""
    target = resolve(call)
    require_found(target)
    address = call.address
    if address.last == "users":
        return _set_role(call, target, remove=True)
    if address.last == "files":
        return _delete_file(call, target, dict(address.steps)["files"])
    if address.collection is not None:
        raise Refused(405, "A whole collection cannot be deleted.")
    if address.shared_into is not None:
        call.require("edit", target.owner)
        call.store.unshare(target.owner, address.shared_into)
        return Response(status_code=200)
    files = call.query.flag("removeFiles")
    if target.resource is not None:
        call.require("edit", target.owner)
        call.resources.delete(target.owner, target.resource, files=files)
        return Response(status_code=200)
    doomed = target.scans if address.last == "scans" else [target.owner]
    for item in doomed:
        call.require("delete", item)
    for item in doomed:
        call.resources.delete_object(item, files=files)
    return Response(status_code=200)


def _delete_file(call: Call, target: Target, path: str) -> Response:
    resource = target.resource
    if resource is None or call.resources.file(resource, path) is None:
        raise Refused(404, NOT_FOUND)
    call.require("edit", target.owner)
    call.resources.delete_file(target.owner, resource, path)
    return Response(status_code=200)
