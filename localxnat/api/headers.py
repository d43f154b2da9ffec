"""What the columns of listings are called."""

# Columns asked for by a path that XNAT has a short name for come under that name.
_HEADERS: dict[str, dict[str, tuple[str, ...]]] = {
    "experiment": {
        "xnat:experimentdata": ("ID", "label", "project", "date", "time", "note", "visit_id"),
        "xnat:imagesessiondata": ("UID", "scanner", "operator", "session_type", "modality",
                                  "dcmAccessionNumber", "dcmPatientId", "dcmPatientName"),
        "xnat:mrsessiondata": ("coil", "fieldStrength", "marker"),
        "xnat:petsessiondata": ("stabilization",),
        "xnat:subjectassessordata": ("subject_ID",),
    },
    "subject": {"xnat:subjectdata": ("ID", "label", "project", "group", "src")},
    "project": {"xnat:projectdata": ("ID", "secondary_ID", "name", "description", "keywords")},
    "scan": {
        "xnat:imagescandata": ("ID", "type", "UID", "note", "quality", "condition",
                               "series_description", "documentation", "scanner", "modality",
                               "frames"),
        "xnat:mrscandata": ("coil", "fieldStrength", "marker", "stabilization"),
    },
    "reconstruction": {"xnat:reconstructedimagedata": ("ID", "type", "baseScanType")},
    "assessor": {"xnat:experimentdata": ("ID", "label", "project", "date", "time", "note")},
}  # fmt: skip
_SHORT = {
    kind: {f"{prefix}/{name}".lower(): name for prefix, names in types.items() for name in names}
    for kind, types in _HEADERS.items()
}


def header(kind: str, column: str) -> str:
    """What a column is called in the table."""
    if ":" not in column:
        return column
    return _SHORT[kind].get(column.lower(), column.lower())
