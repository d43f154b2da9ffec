"""/xapi/customforms: the forms whose values `/xapi/custom-fields` keeps.

A form is of a type of objects, and is used in some projects or in all. What is filled in lies in
an object's custom fields under the form's UUID.
"""

import json
import re
import uuid
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from localxnat import jsons
from localxnat.api.access import Archive, Who, archive, only_admin, signed_in
from localxnat.errors import Refused
from localxnat.jsons import as_list, as_object, as_text, as_whole
from localxnat.storage.custom_forms import CustomForms, Form

_STATUSES = {"enable": "enabled", "disable": "disabled"}
_USE = "idCustomVariableFormAppliesTo"
_NOT_ALLOWED = "Not enough permissions to change custom forms"
_MARKUP = re.compile(r"[&<>]")
Json = dict[str, object]


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
                _USE: f"{form.id}_{use.id}",
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
        for component in json.loads(form.contents).get("components") or []
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
    body = jsons.read_object(await request.body())
    only_admin(who, _NOT_ALLOWED)
    identifier = await run_in_threadpool(_save, archive(request), who, _submission(body))
    return PlainTextResponse(identifier, 201)


@dataclass(frozen=True)
class Submission:
    """A form as it is to be; `number` is that of the form it changes, if there is one."""

    number: str
    datatype: str
    projects: list[str]
    """The projects that use it; '' is all of them."""
    title: str
    position: int
    builder: Json


def _submission(body: Json) -> Submission:
    """The form that a body asks for; 400 for what XNAT does not take."""
    submission, builder = body.get("submission"), body.get("builder")
    data = submission.get("data") if isinstance(submission, dict) else None
    if not isinstance(data, dict) or not isinstance(builder, dict):
        raise Refused(400, "Invalid form submission: it has no submission with data, or no builder")
    use = as_text(data.get(_USE, "-1_-1"), _USE)
    title = as_text(data.get("formTitle"), "formTitle")
    if _MARKUP.search(title):
        raise Refused(400, "Invalid form submission: the title has markup")
    for component in as_list(builder.get("components"), "components"):
        as_object(component, "components")
    return Submission(
        use.partition("_")[0],
        _option(data.get("xnatDatatype"), "xnatDatatype"),
        _projects(data),
        title or as_text(builder.get("title"), "title"),
        as_whole(data.get("zIndex"), "zIndex"),
        builder,
    )


def _option(value: object, name: str) -> str:
    """The value of something that was chosen on XNAT's page; 400 where nothing was."""
    chosen = as_text(as_object(value, name).get("value"), name)
    if not chosen:
        raise Refused(400, "Invalid form submission: it names no type, or no project")
    return chosen


def _projects(data: Json) -> list[str]:
    everywhere = as_text(data.get("isThisASiteWideConfiguration"), "isThisASiteWideConfiguration")
    if everywhere.upper() not in ("YES", "NO"):
        raise Refused(400, "Invalid form submission: isThisASiteWideConfiguration is yes or no")
    listed = as_list(data.get("xnatProject"), "xnatProject")
    if everywhere.upper() == "YES" or not listed:
        return [""]
    return [_option(one, "xnatProject") for one in listed]


def _save(base: Archive, who: Who, asked: Submission) -> str:
    forms = _forms(base)
    with base.store.database.write():
        known = forms.find(asked.number)
        if known:
            forms.change(known, asked.position, json.dumps(asked.builder))
            forms.use(known.id, asked.projects)
            return known.uuid
        identifier = str(uuid.uuid4())
        contents = json.dumps(_in_container(asked.builder, identifier, asked.title))
        login = who.user.login
        new = forms.add(identifier, asked.datatype, asked.position, contents, login)
        forms.use(new, asked.projects)
    return identifier


def _in_container(builder: Json, identifier: str, title: str) -> Json:
    """A new form with its components in one container, whose key is the form's UUID."""
    container = {
        "label": title,
        "key": identifier,
        "type": "container",
        "input": True,
        "components": builder.get("components") or [],
    }
    return {"settings": {}, **builder, "title": title, "components": [container]}


async def change(request: Request, who: Who) -> Response:
    """POST /xapi/customforms/enable or /disable: of the forms in the body."""
    return await _change(request, who, request.path_params["action"])


async def _change(request: Request, who: Who, action: str) -> Response:
    body = jsons.read(await request.body())
    only_admin(who, _NOT_ALLOWED)
    if not isinstance(body, list) or not all(isinstance(one, dict) for one in body):
        raise Refused(400, "The body is no list of what forms apply to.")
    names = [as_text(one.get(_USE), _USE) for one in body]
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


def routes() -> list[Route]:
    base = "/xapi/customforms"
    return [
        Route(base, signed_in(listing), methods=["GET", "DELETE"]),
        Route(f"{base}/save", signed_in(save), methods=["PUT"]),
        Route(f"{base}/element", signed_in(element)),
        Route(f"{base}/hasdata/{{row}}", signed_in(has_data)),
        Route(f"{base}/{{action}}", signed_in(change), methods=["POST"]),
    ]
