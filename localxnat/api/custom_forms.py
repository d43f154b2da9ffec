"""/xapi/customforms: the forms whose values `/xapi/custom-fields` keeps.

A form is of a type of objects, and is used in some projects or in all. What is filled in lies in
an object's custom fields under the form's UUID.
"""

import json
import re
import sqlite3
import time
import uuid
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from localxnat import jsons
from localxnat.api.access import Archive, Who, archive, signed_in
from localxnat.errors import Refused

_STATUSES = {"enable": "enabled", "disable": "disabled"}
_MARKUP = re.compile(r"[&<>]")
Form = dict[str, Any]


# What there is -------------------------------------------------------------------------------


async def listing(request: Request, who: Who) -> Response:
    """GET /xapi/customforms[?projectId=P]: all forms; DELETE ends those in the body."""
    if request.method == "DELETE":
        return await _change(request, who, "delete")
    project = request.query_params.get("projectId")
    return JSONResponse(await run_in_threadpool(_listing, archive(request), project))


def _listing(base: Archive, project: str | None) -> list[Form]:
    connection = base.store.database.connection
    forms = connection.execute("SELECT * FROM custom_forms ORDER BY position, id").fetchall()
    uses = connection.execute("SELECT * FROM custom_form_uses ORDER BY id").fetchall()
    found: list[Form] = []
    for form in forms:
        mine = [use for use in uses if use["form"] == form["id"]]
        if mine and (not project or any(use["project"] in ("", project) for use in mine)):
            found.append(_described(base, form, mine))
    return found


def _described(base: Archive, form: sqlite3.Row, uses: list[sqlite3.Row]) -> Form:
    return {
        "appliesToList": [
            {
                "entityId": use["project"] or None,
                "idCustomVariableFormAppliesTo": f"{form['id']}_{use['id']}",
                "status": use["status"],
            }
            for use in uses
        ],
        "contents": form["contents"],
        "formId": str(form["id"]),
        "formUUID": form["uuid"],
        "formZIndex": form["position"],
        "path": f"datatype/{form['datatype']}",
        "scope": "Project" if uses[0]["project"] else "Site",
        "doProjectsShareForm": len(uses) > 1,
        "username": form["user"],
        "dateCreated": form["created"],
        "hasData": _has_data(base, form["uuid"]),
    }


def _has_data(base: Archive, identifier: str) -> bool:
    found = base.store.database.connection.execute(
        "SELECT 1 FROM objects WHERE instr(json_extract(fields, '$.custom_fields'), ?) LIMIT 1",
        (f'"{identifier}"',),
    )
    return found.fetchone() is not None


async def element(request: Request, who: Who) -> Response:
    """GET /xapi/customforms/element?xsiType=T[&projectId=P]: the forms of a type as one."""
    asked = request.query_params
    if "xsiType" not in asked or "appendPrevNextButtons" not in asked:
        raise Refused(400, "The request names no xsiType or no appendPrevNextButtons.")
    project = asked.get("projectId", "")
    forms = await run_in_threadpool(_listing, archive(request), project or None)
    fitting = [one for one in forms if one["path"] == f"datatype/{asked['xsiType']}"]
    components = [
        component
        for form in fitting
        if _is_used(form, project)
        for component in json.loads(form["contents"]).get("components", [])
    ]
    if not components:
        raise Refused(404, "Custom Forms Not Found")
    return JSONResponse({"display": "form", "title": "", "components": components})


def _is_used(form: Form, project: str) -> bool:
    statuses = {use["entityId"]: use["status"] for use in form["appliesToList"]}
    return statuses.get(project, statuses.get(None)) == "enabled"


async def has_data(request: Request, who: Who) -> Response:
    """GET /xapi/customforms/hasdata/{form}_{use}: whether anything is filled in."""
    name: str = request.path_params["row"]
    forms = await run_in_threadpool(_listing, archive(request), None)
    found = next((one for one in forms if one["formId"] == name.partition("_")[0]), None)
    return JSONResponse(bool(found and found["hasData"]))


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


def _save(base: Archive, who: Who, data: Form, builder: Form) -> str:
    datatype, projects = _valid(data, builder)
    form, _, _ = str(data.get("idCustomVariableFormAppliesTo", "-1_-1")).partition("_")
    with base.store.database.write() as connection:
        known = connection.execute("SELECT * FROM custom_forms WHERE id = ?", (form,)).fetchone()
        identifier = known["uuid"] if known else str(uuid.uuid4())
        title = str(data.get("formTitle") or builder.get("title") or "")
        contents = json.dumps(builder if known else _in_container(builder, identifier, title))
        position = int(data.get("zIndex") or 0)
        if known:
            connection.execute(
                "UPDATE custom_forms SET contents = ?, position = ? WHERE id = ?",
                (contents, position, form),
            )
        else:
            form = connection.execute(
                "INSERT INTO custom_forms (uuid, datatype, position, contents, user, created)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (identifier, datatype, position, contents, who.user.login, int(time.time() * 1000)),
            ).lastrowid
        connection.executemany(
            "INSERT OR REPLACE INTO custom_form_uses (form, project, status)"
            " VALUES (?, ?, 'enabled')",
            [(form, project) for project in projects],
        )
    return identifier


def _valid(data: Form, builder: Form) -> tuple[str, list[str]]:
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


def _in_container(builder: Form, identifier: str, title: str) -> Form:
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
    with base.store.database.write() as connection:
        for name in names:
            form, _, use = name.partition("_")
            row = connection.execute(
                "SELECT uuid FROM custom_forms JOIN custom_form_uses AS uses ON form ="
                " custom_forms.id WHERE custom_forms.id = ? AND uses.id = ?",
                (form, use),
            ).fetchone()
            if row is None:
                continue
            if action == "delete" and not _has_data(base, row["uuid"]):
                connection.execute("DELETE FROM custom_form_uses WHERE id = ?", (use,))
                connection.execute(
                    "DELETE FROM custom_forms WHERE id NOT IN (SELECT form FROM custom_form_uses)"
                )
                done.append("deleted")
                continue
            status = _STATUSES.get(action, "disabled")
            connection.execute("UPDATE custom_form_uses SET status = ? WHERE id = ?", (status, use))
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
