"""PUT and POST of projects, subjects, experiments, scans, reconstructions and assessors.

What an object is to be comes from an XML document, if there is one, and from the query, which
has the last word.
"""

from starlette.responses import Response

from localxnat.api import history, project_names, protocols, pulled, scan_types
from localxnat.api.object_documents import ObjectDocument
from localxnat.api.targets import NOT_FOUND, Call, Target
from localxnat.errors import Refused
from localxnat.model import fields, types, xsi
from localxnat.storage.names import check_label, check_scan_id
from localxnat.storage.store import Object

_WORDS = {
    "subjects": "subject",
    "experiments": "experiment",
    "scans": "scan",
    "reconstructions": "reconstruction",
    "assessors": "assessor",
}
_LABELLED = ("subject", "experiment", "assessor")


def put(call: Call, target: Target, word: str) -> Response:
    """The answer to a PUT or a POST: 201 for a new object, 200 for a change; its ID."""
    if word == "projects":
        return _put_project(call, target)
    kind = _WORDS[word]
    existing = {
        "subject": target.subject,
        "experiment": target.experiment,
        "scan": target.scans[0] if len(target.scans) == 1 else None,
        "reconstruction": target.reconstruction,
        "assessor": target.assessor,
    }[kind]
    if kind == "assessor":
        existing = _assessor(call, target, existing)
    if existing is not None and word not in target.missing and call.address.collection is None:
        return _update(call, existing)
    if target.listed:
        call.require("edit", target.listed)
    if kind == "experiment" and _is_renaming(call, target):
        raise Refused(404, NOT_FOUND)
    parent = _parent(call, target, kind)
    home = _home(call, target, parent, kind)
    call.require("edit", home)
    named = dict(call.address.steps).get(word) if call.address.collection is None else None
    item = _create(call, kind, named, parent, home)
    _add_below(call, item, call.document)
    status = 200 if kind == "reconstruction" else 201  # as XNAT says it
    return Response(item.id, status, media_type="text/plain")


def _is_renaming(call: Call, target: Target) -> bool:
    """Whether a request is about an experiment that should be there: it could make none."""
    by_id = call.address.get("projects") is None
    absent = "projects" in target.missing or (by_id and "experiments" in target.missing)
    makes = call.document or call.query.get("xsiType") or any(":" in name for name, _ in call.query)
    return bool(absent and call.query and not makes and call.address.collection is None)


def _assessor(call: Call, target: Target, found: Object | None) -> Object | None:
    """The assessor that a request is about; 422 where nothing says of which project it is.

    As in XNAT (`ExptAssessmentResource`), an address that begins with /experiments finds one by
    its ID only; with a project in the document or in the query the label counts, too.
    """
    name = _project_named(call)
    complete = call.document is not None and call.query.flag("allowDataDeletion")
    if target.project is not None or target.experiment is None or (found and not complete):
        return found
    if not name:
        raise Refused(422, "Submitted subject record must include the project attribute.")
    label = target.missing.get("assessors", "")
    known = found or call.store.assessor(target.experiment, label, name)
    if known is not None:
        target.missing.pop("assessors", None)
    return known


def _project_named(call: Call) -> str:
    """The project that a document or the query gives to an object."""
    documented = call.document.identity.get("project", "") if call.document else ""
    paths = (value for name, value in call.query if name.lower().endswith("data/project"))
    return call.query.get("project") or next(paths, "") or documented


def _parent(call: Call, target: Target, kind: str) -> Object:
    """The object that a new one belongs to.

    As in XNAT, a subject that is not there yet is made by the PUT of its session, and not by a
    POST to its sessions.
    """
    if kind in ("scan", "reconstruction", "assessor"):
        if target.experiment is None:
            raise Refused(404, NOT_FOUND)
        return target.experiment
    project = target.project
    if "subjects" in target.missing and (project is None or call.address.collection):
        raise Refused(404, NOT_FOUND)
    if project is None or "projects" in target.missing:
        raise Refused(422, "The project does not exist, or is not named in the address.")
    if kind == "subject" or target.subject is not None:
        return target.subject if kind == "experiment" and target.subject else project
    identity = call.document.identity if call.document else {}
    name = (
        target.missing.get("subjects")
        or call.query.get("subject_ID")
        or identity.get("subject_ID", "")
    )
    if not name:
        raise Refused(422, "The experiment must include the subject.")
    known = call.store.subject(name, project.id)
    if known is not None:
        return known
    call.require("edit", project)
    _type_of(call, kind)
    label = check_label(name, "label")
    return call.store.create(
        "subject", label, "xnat:subjectData", project.id, project, call.user.login
    )


def _home(call: Call, target: Target, parent: Object, kind: str) -> Object:
    """The object whose project a new object gets: the project itself, or its parent.

    They differ below a subject or a session that is shared into the project that is named.
    """
    if kind not in ("experiment", "assessor"):
        return parent
    return target.project or call.store.project(_project_named(call)) or parent


def _type_of(call: Call, kind: str, default: str = "") -> str:
    asked = call.query.get("xsiType") or (call.document.xsi_type if call.document else "")
    if not asked:
        # A field's path begins with the type: xnat:mrSessionData/date=2024-01-01.
        prefixes = (name.partition("/")[0] for name, _ in call.query if ":" in name)
        asked = next((prefix for prefix in prefixes if xsi.spell(prefix)), default)
    # A type may also be named as a document's root element is: xnat:ReconstructedImage.
    spelled = xsi.spell(asked) or types.of_element(asked.partition(":")[2])
    if spelled is None and call.query.get("xsiType"):
        # XNAT fails where it looks for the element of a type that it does not have.
        raise Refused(500, "The server does not know this xsiType.")
    if spelled is None or not xsi.fits(spelled, kind):
        raise Refused(417, f"No xsiType is given that a new {kind} can have.")
    return spelled


def _create(call: Call, kind: str, name: str | None, parent: Object, home: Object) -> Object:
    defaults = {
        "subject": "xnat:subjectData",
        "reconstruction": "xnat:reconstructedImageData",
        "scan": parent.xsi_type.replace("SessionData", "ScanData"),
    }
    xsi_type = _type_of(call, kind, defaults.get(kind, ""))
    document = call.document or ObjectDocument(xsi_type)
    changes = document.changes | fields.updates(kind, xsi_type, call.query)
    identifier = _asked_id(call, document)
    if kind in _LABELLED:
        label = document.identity.get("label") or name or call.query.get("label") or identifier
        label = check_label(label or "", "label")
    else:
        label = check_scan_id(name or identifier or _next_number(call, parent, kind))
        identifier = label
    if identifier and kind in _LABELLED:
        check_label(identifier, "ID")
    project = home.id if home.kind == "project" else home.project
    return call.store.create(
        kind, label, xsi_type, project, parent, call.user.login, changes, identifier
    )


def _asked_id(call: Call, document: ObjectDocument) -> str:
    """The ID that a client gives to a new object."""
    for name, value in call.query:
        parts = fields.relative(name)
        if name == "ID" or (parts and parts[1] == "ID" and xsi.is_a(document.xsi_type, parts[0])):
            return value
    return document.identity.get("ID", "")


def _next_number(call: Call, parent: Object, kind: str) -> str:
    taken = {item.id for item in call.store.children(parent, kind)}
    return next(str(number) for number in range(1, len(taken) + 2) if str(number) not in taken)


def _add_below(call: Call, parent: Object, document: ObjectDocument | None) -> None:
    """Make or change the objects that a document has below its own."""
    for kind, child in document.below if document else []:
        name = child.identity.get("label" if kind in _LABELLED else "ID", "")
        if not name:
            raise Refused(422, f"A {kind} in the document has no name.")
        if not xsi.fits(child.xsi_type, kind):
            raise Refused(422, f"A {kind} in the document has a type that it cannot have.")
        found = next((one for one in call.store.children(parent, kind) if one.label == name), None)
        if found is None:
            label = check_label(name, "label") if kind in _LABELLED else check_scan_id(name)
            project = parent.project
            found = call.store.create(
                kind, label, child.xsi_type, project, parent, call.user.login, child.changes
            )
        else:
            call.store.set_fields(found, child.changes)
        _add_below(call, found, child)


def _update(call: Call, item: Object) -> Response:
    """Set the fields of the request on an object that exists; 200 and its ID."""
    call.require("edit", item)
    document = call.document
    _check_type(call, item)
    if document is not None and (document.identity.get("project") or item.project) != item.project:
        raise Refused(409, "Project must be modified through separate URI.")
    changes: dict[str, str | None] = {}
    if call.query.flag("allowDataDeletion") and document is not None:
        # The document says all: what it has not is deleted, but for what no document has.
        changes = {key: None for key in item.fields if key.lower() not in fields.IDENTITY}
    changes |= _from_document(item.id, document) if document else {}
    changes |= fields.updates(item.kind, item.xsi_type, call.query)
    if item.kind == "project":
        return _update_project(call, item, changes)
    label = call.query.get("label")
    if label and item.kind in _LABELLED and label != item.label:
        call.resources.rename(item, check_label(label, "label"))
        history.renamed(call.store.database, item, call.user.login)
    call.store.set_fields(item, changes)
    _add_below(call, item, document)
    if item.kind == "experiment" and call.query.flag("fixScanTypes"):
        scan_types.fix(call.store, item)
    if item.kind in ("experiment", "scan") and call.query.flag("pullDataFromHeaders"):
        pulled.pull(call.resources, item)
    return Response(item.id, 200, media_type="text/plain")


def _update_project(call: Call, item: Object, changes: dict[str, str | None]) -> Response:
    """Set the fields of a project; 409, and nothing is done, if a name is another's."""
    with call.store.database.write():
        project_names.check(call.store, item.id, changes, call.query.get("alias"))
        call.store.set_fields(item, changes)
        _keep_aliases(call, item)
    _add_below(call, item, call.document)
    return Response(item.id, 200, media_type="text/plain")


def _check_type(call: Call, item: Object) -> None:
    """409 for another type of a scan, 422 for the document of another type of anything."""
    documented = call.document.xsi_type if call.document else ""
    asked = xsi.spell(call.query.get("xsiType")) or documented
    if item.kind == "scan" and asked not in ("", *xsi.ABSTRACT, item.xsi_type):
        raise Refused(409, "Specified xsiType differs from existing xsiType")
    related = xsi.is_a(documented, item.xsi_type) or xsi.is_a(item.xsi_type, documented)
    if documented and not related:
        raise Refused(422, "The document is of another type than the object.")


def _put_project(call: Call, target: Target) -> Response:
    document = call.document or ObjectDocument("xnat:projectData")
    if document.xsi_type != "xnat:projectData":
        raise Refused(422, "Only documents of projects can be put to this address.")
    if target.project:
        _check_own_name(call, target.project)
        return _update(call, target.project)
    name = call.address.get("projects") or call.query.get("ID") or _asked_id(call, document)
    if not name:
        raise Refused(417, "The project has no ID.")
    if call.store.project(name) is not None:
        raise Refused(403, "The user has no right to edit here.")
    changes = (
        protocols.default(name)
        | _from_document(name, document)
        | fields.updates("project", document.xsi_type, call.query)
    )
    check_label(name, "project ID")
    with call.store.database.write():
        project_names.check(call.store, name, changes, name, call.query.get("alias"))
        item = call.store.create(
            "project", name, document.xsi_type, name, None, call.user.login, changes
        )  # fmt: skip
        call.auth.set_role(call.user.login, item.id, "owner")
        _keep_aliases(call, item)
    return Response(item.id, 201, media_type="text/plain")


def _check_own_name(call: Call, project: Object) -> None:
    """409 where a project is put under an alias: XNAT takes it for another one of that ID."""
    call.require("edit", project)
    if call.address.get("projects") not in (None, project.id):
        raise Refused(409, "Requested new project conflicts with existing projects.")


def _from_document(identifier: str, document: ObjectDocument) -> dict[str, str | None]:
    """The fields that a document has of the object of this ID."""
    if document.xsi_type != "xnat:projectData":
        return document.changes
    return protocols.identified(identifier, document.changes)


def _keep_aliases(call: Call, project: Object) -> None:
    """Add the alias that the query has to those of a project, and let them all be found."""
    item = call.store.by_pk(project.pk) or project
    known = [value for key, value in item.fields.items() if key.startswith("aliases/alias")]
    alias = call.query.get("alias")
    if alias and alias not in known:
        key = f"aliases/alias[{len(known)}]/alias"
        call.store.set_fields(item, {key: check_label(alias, "alias")})
        item = call.store.by_pk(project.pk) or project
    call.store.keep_aliases(item)
