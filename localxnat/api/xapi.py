"""/xapi and /data/search: what clients ask to know the server and its types."""

import time

from localxnat import XNAT_VERSION
from localxnat.api import displays
from localxnat.errors import Refused
from localxnat.model import fields, xsi
from localxnat.storage import summaries
from localxnat.storage.auth import Auth, User
from localxnat.storage.store import Store

_COMMON = ["ID", "LABEL", "PROJECT", "INSERT_DATE", "INSERT_USER", "LAST_MODIFIED"]
_OPEN = "xnat:investigatorData"


_STARTED = time.monotonic()


def uptime() -> int:
    """For how many seconds the server runs."""
    return int(time.monotonic() - _STARTED)


def build_info() -> dict[str, str]:
    return {"version": XNAT_VERSION, "buildNumber": "1", "commit": "localxnat", "isDirty": "false"}


def elements(store: Store) -> list[dict[str, str]]:
    """The types that can be searched, with how many objects of them there are."""
    counts = summaries.types(store.database)
    return [
        {
            "ELEMENT_NAME": name,
            "SINGULAR": displays.singular(name),
            "PLURAL": displays.plural(name),
            # As in a new XNAT, where whom one investigates with is open to all.
            "SECURED": "false" if name == _OPEN else "true",
            "COUNT": str(counts.get(name, 0)),
        }
        for name in (*xsi.ELEMENTS, _OPEN)
    ]


def element_fields(name: str) -> list[dict[str, str]]:
    """The fields of a type that a search can show."""
    spelled = xsi.spell(name)
    if spelled is None:
        raise Refused(404, "There is no such type.")
    kinds = [kind for kind in xsi.ROOTS if xsi.is_a(spelled, xsi.ROOTS[kind])]
    short = fields.SHORTCUTS[kinds[0]] if kinds else {}
    names = [*_COMMON, *(field.upper() for field in short)]
    if kinds and kinds[0] in ("experiment", "assessor"):
        names += ["SESSION_ID", "SUBJECT_ID", "SUBJECT_LABEL"]
    if spelled == "xnat:projectData":
        names += [f"PROJ_{short}_COUNT" for short in ("MR", "PET", "CT", "UT")]
        names += ["PROJ_SUBJECT_COUNT", "PROJECT_ACCESS", "PROJECT_OWNERS"]
    if spelled == "xnat:subjectData":
        names += ["SUBJECT_ID", "SUBJECT_LABEL", "GENDER_TEXT", "HANDEDNESS_TEXT"]
    return [
        {
            "FIELD_ID": field,
            "HEADER": field.title(),
            "SUMMARY": f"{spelled}.{field}",
            "TYPE": "string",
            "DESC": "",
            "ELEMENT_NAME": spelled,
        }
        for field in dict.fromkeys(names)
    ]


def access(store: Store, auth: Auth, user: User) -> list[dict[str, str]]:
    """The projects a user sees, with the role in each."""
    rows: list[dict[str, str]] = []
    for project in store.all("project"):
        role = auth.role(user, project.id)
        if auth.may(user, "list", project):
            level = f"{role}s".capitalize() if role else "Administrator" if user.admin else "Read"
            rows.append({"ID": project.id, "name": project.id, "role": level})
    return rows
