"""The study protocols of a project: for which types it has custom variables, and which."""

import re

_ENTRY = re.compile(r"studyProtocol\[(?!ID=)(?P<mark>[^\]]*)\]/(?P<field>.*)")
_TYPES = {
    "xnat:subjectData": "Subjects",
    "xnat:mrSessionData": "MR Sessions",
    "xnat:petSessionData": "PET Sessions",
    "xnat:ctSessionData": "CT Sessions",
}


def default(project: str) -> dict[str, str | None]:
    """The fields of a new project that say its protocols, one for each common type."""
    found: dict[str, str | None] = {}
    for xsi_type, name in _TYPES.items():
        protocol = _protocol(project, xsi_type)
        group = f"{protocol}/definitions/definition[ID=default]"
        found |= {
            f"{protocol}/name": name,
            f"{protocol}/data-type": xsi_type,
            f"{group}/data-type": xsi_type,
            f"{group}/shareable": "true",
            f"{group}/project-specific": "false",
        }
    return found


def _protocol(project: str, xsi_type: str) -> str:
    return f"studyProtocol[ID={project}_{xsi_type.replace(':', '_')}]"


def identified(project: str, changes: dict[str, str | None]) -> dict[str, str | None]:
    """A document's fields of a project, its protocols all by their IDs.

    A project has one protocol of an ID: a document that is read and written changes the
    protocols that are there. One without an ID has that of the protocol of its type.
    """
    found: dict[str, str | None] = {}
    for key, value in changes.items():
        entry = _ENTRY.fullmatch(key)
        mark = entry["mark"] if entry else ""
        xsi_type = changes.get(f"studyProtocol[{mark}]/data-type") if entry else None
        if entry is None or xsi_type is None:
            found[key] = value
            continue
        protocol = _protocol(project, xsi_type)
        if mark.startswith("name="):
            found[f"{protocol}/name"] = mark.removeprefix("name=")
        found[f"{protocol}/{entry['field']}"] = value
    return found
