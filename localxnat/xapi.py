"""/xapi and /data/search: what clients ask to know the server and its types."""

from pathlib import Path

from localxnat import XNAT_VERSION, fields, xsi
from localxnat.auth import Auth, User
from localxnat.errors import Refused
from localxnat.store import Store

_SCHEMAS = Path(__file__).parent / "schemas"
_COMMON = ["ID", "LABEL", "PROJECT", "INSERT_DATE", "INSERT_USER", "LAST_MODIFIED"]


def build_info() -> dict[str, str]:
    return {"version": XNAT_VERSION, "buildNumber": "1", "commit": "localxnat", "isDirty": "false"}


def schema_names() -> list[str]:
    return ["xdat", "xnat"]


def schema(name: str) -> str:
    """The text of a schema; only those of `schema_names` are there."""
    if name not in schema_names():
        raise Refused(404, "There is no schema of this name.")
    return (_SCHEMAS / f"{name}.xsd").read_text()


def elements(store: Store) -> list[dict[str, str]]:
    """The types that can be searched, with how many objects of them there are."""
    counts: dict[str, int] = {}
    rows = store.database.connection.execute(
        "SELECT xsi_type, COUNT(*) AS number FROM objects GROUP BY xsi_type"
    )
    for row in rows:
        counts[row["xsi_type"]] = row["number"]
    return [
        {
            "ELEMENT_NAME": name,
            "SINGULAR": xsi.ELEMENTS.get(name, name),
            "PLURAL": f"{xsi.ELEMENTS.get(name, name)}s",
            "SECURED": "true",
            "COUNT": str(counts.get(name, 0)),
        }
        for name in xsi.ELEMENTS
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
