"""/xapi/customforms: the forms whose values `/xapi/custom-fields` keeps.

A form is of a type of objects, and is used in some projects or in all. What is filled in lies in
an object's custom fields under the form's UUID.
"""

import json
import re
import uuid
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from localxnat import jsons
from localxnat.api.access import Archive, Who, archive, signed_in
from localxnat.errors import Refused
from localxnat.storage.custom_forms import CustomForms, Form

_STATUSES = {"enable": "enabled", "disable": "disabled"}
_MARKUP = re.compile(r"[&<>]")
Json = dict[str, Any]


# What there is -------------------------------------------------------------------------------


async def listing(request: Request, who: Who) -> Response:
    """GET /xapi/customforms[?projectId=P]: all forms; DELETE ends those in the body."""
    if request.method == "DELETE":
        return await _change(request, who, "delete")
    project = request.query_params.get("projectId")
    return JSONResponse(await run_in_threadpool(_listing, archive(request), project))


def _forms(base: Archive) -> CustomForms:
    return CustomForms(base.store.database)


def _used(base: Archive, project: str | None) -> list[Form]:
    """The forms that are used, in a project or anywhere."""
    return [
        form
        for form in _forms(base).all()
        if not project or any(use.project in ("", project) for use in form.uses)
    ]


def _listing(base: Archive, project: str | None) -> list[Json]:
    return [_described(form, _forms(base).has_data(form.uuid)) for form in _used(base, project)]


def _described(form: Form, has_data: bool) -> Json:
    return {
        "appliesToList": [
            {
                "entityId": use.project or None,
                "idCustomVariableFormAppliesTo": f"{form.id}_{use.id}",
                "status": use.status,
            }
            for use in form.uses
        ],
        "contents": form.contents,
        "formId": str(form.id),
        "formUUID": form.uuid,
        "formZIndex": form.position,
        "path": f"datatype/{form.datatype}",
        "scope": "Project" if form.uses[0].project else "Site",
        "doProjectsShareForm": len(form.uses) > 1,
        "username": form.user,
        "dateCreated": form.created,
        "hasData": has_data,
    }


async def element(request: Request, who: Who) -> Response:
    """GET /xapi/customforms/element?xsiType=T[&projectId=P]: the forms of a type as one."""
    asked = request.query_params
    if "xsiType" not in asked or "appendPrevNextButtons" not in asked:
        raise Refused(400, "The request names no xsiType or no appendPrevNextButtons.")
    project = asked.get("projectId", "")
    forms = await run_in_threadpool(_used, archive(request), project or None)
    fitting = [one for one in forms if one.datatype == asked["xsiType"]]
    components = [
        component
        for form in fitting
        if _is_used(form, project)
        for component in json.loads(form.contents).get("components", [])
    ]
    if not components:
        raise Refused(404, "Custom Forms Not Found")
    return JSONResponse({"display": "form", "title": "", "components": components})


def _is_used(form: Form, project: str) -> bool:
    statuses = {use.project: use.status for use in form.uses}
    return statuses.get(project, statuses.get("")) == "enabled"


async def has_data(request: Request, who: Who) -> Response:
    """GET /xapi/customforms/hasdata/{form}_{use}: whether anything is filled in."""
    name: str = request.path_params["row"]
    number = name.partition("_")[0]
    return JSONResponse(await run_in_threadpool(_has_data, archive(request), number))


def _has_data(base: Archive, number: str) -> bool:
    found = next((form for form in _forms(base).all() if str(form.id) == number), None)
    return found is not None and _forms(base).has_data(found.uuid)


# Changes -------------------------------------------------------------------------------------


async def save(request: Request, who: Who) -> Response:
    """PUT /xapi/customforms/save: a form as XNAT's page sends it; the answer is its UUID."""
    given = jsons.read_object(await request.body())
    _only_admin(who)
    submission, builder = given.get("submission"), given.get("builder")
    data = submission.get("data") if isinstance(submission, dict) else None
    if not isinstance(data, dict) or not isinstance(builder, dict):
        raise Refused(400, "Invalid form submission: it has no submission with data, or no builder")
    identifier = await run_in_threadpool(_save, archive(request), who, data, builder)
    return PlainTextResponse(identifier, 201)


def _save(base: Archive, who: Who, data: Json, builder: Json) -> str:
    datatype, projects = _valid(data, builder)
    number, _, _ = str(data.get("idCustomVariableFormAppliesTo", "-1_-1")).partition("_")
    position, forms = int(data.get("zIndex") or 0), _forms(base)
    with base.store.database.write():
        known = forms.find(number)
        identifier = known.uuid if known else str(uuid.uuid4())
        if known:
            forms.change(known, position, json.dumps(builder))
            forms.use(known.id, projects)
            return identifier
        title = str(data.get("formTitle") or builder.get("title") or "")
        contents = json.dumps(_in_container(builder, identifier, title))
        new = forms.add(identifier, datatype, position, contents, who.user.login)
        forms.use(new, projects)
    return identifier


def _valid(data: Json, builder: Json) -> tuple[str, list[str]]:
    """A form's type, and its projects: '' for all of them. 400 for what XNAT does not take."""
    everywhere = str(data.get("isThisASiteWideConfiguration") or "").upper()
    if everywhere not in ("YES", "NO"):
        raise Refused(400, "Invalid form submission: isThisASiteWideConfiguration is yes or no")
    if _MARKUP.search(str(data.get("formTitle") or "")):
        raise Refused(400, "Invalid form submission: the title has markup")
    datatype = str((data.get("xnatDatatype") or {}).get("value") or "")
    listed = [str(one.get("value") or "") for one in data.get("xnatProject") or []]
    if not datatype or (everywhere == "NO" and not all(listed)):
        raise Refused(400, "Invalid form submission: it names no type, or no project")
    return datatype, listed if everywhere == "NO" and listed else [""]


def _in_container(builder: Json, identifier: str, title: str) -> Json:
    """A new form with its components in one container, whose key is the form's UUID."""
    container = {
        "label": title,
        "key": identifier,
        "type": "container",
        "input": True,
        "components": builder.get("components", []),
    }
    return {"settings": {}, **builder, "title": title, "components": [container]}


async def change(request: Request, who: Who) -> Response:
    """POST /xapi/customforms/enable or /disable: of the forms in the body."""
    return await _change(request, who, request.path_params["action"])


async def _change(request: Request, who: Who, action: str) -> Response:
    given = jsons.read(await request.body())
    _only_admin(who)
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise Refused(400, "The body is no list of what forms apply to.")
    names = [str(one.get("idCustomVariableFormAppliesTo", "")) for one in given]
    done = await run_in_threadpool(_apply, archive(request), action, names)
    if not done:
        raise Refused(400, f"Custom Form could not be {_STATUSES.get(action, 'deleted')}")
    return PlainTextResponse(f"Form {', '.join(done)}")


def _apply(base: Archive, action: str, names: list[str]) -> list[str]:
    """Enable, disable or delete uses of forms; a form that has data is disabled instead."""
    done: list[str] = []
    forms = _forms(base)
    with base.store.database.write():
        for name in names:
            number, _, use = name.partition("_")
            form = forms.used(number, use)
            if form is None:
                continue
            if action == "delete" and not forms.has_data(form.uuid):
                forms.remove_use(use)
                done.append("deleted")
                continue
            status = _STATUSES.get(action, "disabled")
            forms.set_status(use, status)
            done.append(status)
    return done


def _only_admin(who: Who) -> None:
    if not who.user.admin:
        raise Refused(403, "Not enough permissions to change custom forms")


def routes() -> list[Route]:
    base = "/xapi/customforms"
    return [
        Route(base, signed_in(listing), methods=["GET", "DELETE"]),
        Route(f"{base}/save", signed_in(save), methods=["PUT"]),
        Route(f"{base}/element", signed_in(element)),
        Route(f"{base}/hasdata/{{row}}", signed_in(has_data)),
        Route(f"{base}/{{action}}", signed_in(change), methods=["POST"]),
    ]
