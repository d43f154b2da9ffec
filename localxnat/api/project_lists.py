"""/data/projects by what the user may do there: `accessible`, `data`, roles, `permissions`,
`creatableTypes`.

As in XNAT (`ProjectListResource`) these are lists of their own, whose columns nobody chooses.
"""

from starlette.responses import Response

from localxnat.api.columns import UnknownField
from localxnat.api.responses import Row, rows_as
from localxnat.api.targets import Call
from localxnat.model import xsi
from localxnat.storage.auth import ROLES
from localxnat.storage.store import Object

_OPEN = ("public", "protected")
_PERMISSIONS = {"read": "read", "edit": "edit", "create": "edit", "delete": "delete",
                "activate": "delete"}  # fmt: skip
_SHOWN = ("accessible", "data", "admin", "users", *ROLES)


def answer(call: Call) -> Response | None:
    """The list that the query asks for; None where it asks for a listing like any other."""
    asked = {name for name, _ in call.query}
    if call.query.flag("creatableTypes"):
        rows = [_named(one) for one in _all(call) if call.may("edit", one)]
    elif "permissions" in asked:
        rows = _permitted(call)
    elif asked & set(_SHOWN):
        rows = [_shown(one) for one in _all(call) if _fits(call, one)]
        rows.sort(key=lambda row: row["secondary_id"])
    else:
        return None
    return rows_as(rows, call.query.get("format"))


def creatable(call: Call, project: Object) -> Response:
    """The types of which the user may make objects in a project (`creatableTypes=true`)."""
    may = call.may("edit", project)
    kinds = ("subject", "experiment", "assessor")
    names = [name for name in xsi.ELEMENTS if any(xsi.fits(name, kind) for kind in kinds)]
    return rows_as([{"element_name": name} for name in names if may], call.query.get("format"))


def listed(call: Call) -> list[Object]:
    """The projects of a listing: those that the user knows of or, with `restrict`, may change."""
    restrict = call.query.get("restrict")
    action = restrict if restrict in ("edit", "delete") else "list"
    return [one for one in call.store.all("project") if call.may(action, one)]


def _all(call: Call) -> list[Object]:
    return [one for one in call.store.all("project") if call.may("list", one)]


def _permitted(call: Call) -> list[Row]:
    """The projects in which the user has a permission for a type; 500 if it is none."""
    wanted = call.query.get("permissions")
    if wanted not in _PERMISSIONS:
        raise UnknownField
    kind = call.query.get("dataType")
    # Without a type XNAT asks whether sessions can be uploaded, whatever the permission.
    action = _PERMISSIONS[wanted] if kind else "edit"
    known = not kind or xsi.spell(kind) is not None
    found = [one for one in _all(call) if known and call.may(action, one)]
    rows = [{name: _named(one)[name] for name in ("id", "secondary_id")} for one in found]
    return sorted(rows, key=lambda row: row["secondary_id"])


def _named(project: Object) -> Row:
    """A project by its names, as a list has it of those in which the user may make objects."""
    fields = project.fields
    return {
        "id": project.id,
        "name": fields.get("name", project.id),
        "description": fields.get("description", ""),
        "secondary_id": fields.get("secondary_ID", project.id),
    }


def _fits(call: Call, project: Object) -> bool:
    """Whether a project is one of those that the query's words ask for."""
    role = call.auth.role(call.user, project.id)
    access = project.fields.get("accessibility", "private")
    data = call.query.get("data")
    if data and data not in ("writable", "readable"):
        raise UnknownField
    if data and not call.user.admin:
        if data == "writable" and role not in ("owner", "member"):
            return False
        if data == "readable" and role is None and access != "public":
            return False
    accessible = call.query.get("accessible").lower()
    if accessible and not call.user.admin and role is None and access not in _OPEN:
        return False
    if accessible == "false" and role is not None:
        return False
    return _has_role(call, role)


def _has_role(call: Call, role: str | None) -> bool:
    """Whether any of the roles that are asked for is the user's; true if none is asked for."""
    words = {name: value.lower() == "true" for name, value in call.query if name in _SHOWN}
    tests = [role is not None] if words.get("users") else []
    tests += [call.user.admin] if words.get("admin") else []
    for name in ROLES:
        if name in words:
            nobody = role is None if name == "owner" else role != name
            tests.append(role == name if words[name] else nobody)
    return any(tests) or not tests


def _shown(project: Object) -> Row:
    fields = project.fields
    investigator = (fields.get("PI/lastname", ""), fields.get("PI/firstname", ""))
    return {
        **_named(project),
        "pi": ", ".join(name for name in investigator if name),
        "project_invs": "",
        "project_access": fields.get("accessibility", "private"),
        "insert_date": project.insert_date,
        "insert_user": project.insert_user,
    }
