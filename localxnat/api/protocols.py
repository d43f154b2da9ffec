"""The study protocols of a project: for which types it has custom variables, and which."""

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
        protocol = f"studyProtocol[ID={project}_{xsi_type.replace(':', '_')}]"
        group = f"{protocol}/definitions/definition[ID=default]"
        found |= {
            f"{protocol}/name": name,
            f"{protocol}/data-type": xsi_type,
            f"{group}/data-type": xsi_type,
            f"{group}/shareable": "true",
            f"{group}/project-specific": "false",
        }
    return found
