"""XNAT's short names of columns and filters, and the paths that they stand for.

They are those of XNAT's `XMLPathShortcuts`. A column that has a short name comes under it,
however it was asked for; any other comes under its path in lower case.
"""

_META = ("insert_date", "insert_user", "last_modified")


def _of(prefix: str, *names: str, **others: str) -> dict[str, str]:
    same = {name: f"{prefix}/{name}" for name in names}
    return same | {name: f"{prefix}/{path}" for name, path in others.items()}


def _common(prefix: str) -> dict[str, str]:
    """Validation, the server's own dates, and the type."""
    validation = {f"validation_{one}": f"validation/{one}"
                  for one in ("method", "status", "date", "notes")}  # fmt: skip
    meta = {name: f"meta/{name}" for name in _META} | {"insert_user": "meta/insert_user/login"}
    return _of(prefix, **validation, **meta, xsiType="extension_item/element_name")


_EXPERIMENT = (
    _of("xnat:experimentData", "ID", "visit_id", "visit", "date", "time", "note", "project",
        "label", pi_firstname="investigator/firstname", pi_lastname="investigator/lastname")
    | _common("xnat:experimentData")
    | _of("xnat:imageSessionData", session_ID="ID", session_label="label",
          session_project="project")
)  # fmt: skip
_SHORT: dict[str, dict[str, str]] = {
    "project": _of(
        "xnat:projectData", "ID", "secondary_ID", "name", "description", "keywords",
        alias="aliases/alias/alias", pi_firstname="PI/firstname", pi_lastname="PI/lastname",
        note="fields/field[name=note]/field",
    ),
    "subject": _of(
        "xnat:subjectData", "ID", "project", "label", "group", "src",
        pi_firstname="investigator/firstname", pi_lastname="investigator/lastname",
        **{name: f"demographics[@xsi:type=xnat:demographicData]/{name}"
           for name in ("dob", "yob", "age", "gender", "handedness", "ses", "education",
                        "educationDesc", "race", "ethnicity", "weight", "height",
                        "gestational_age", "post_menstrual_age", "birth_weight")},
        insert_date="meta/insert_date", insert_user="meta/insert_user/login",
        last_modified="meta/last_modified",
    ),
    "experiment": _EXPERIMENT
    | _of("xnat:imageSessionData", "scanner", "operator", "dcmAccessionNumber", "dcmPatientId",
          "dcmPatientName", "session_type", "modality", "UID", studyInstanceUID="UID")
    | _of("xnat:mrSessionData", "coil", "fieldStrength", "marker")
    | _of("xnat:petSessionData", "studyType", "patientID", "patientName", "stabilization",
          tracer_name="tracer/name", tracer_startTime="tracer/startTime",
          tracer_dose="tracer/dose", tracer_isotope="tracer/isotope")
    | _of("xnat:subjectAssessorData", "subject_ID")
    | _of("xnat:subjectData", subject_label="label", subject_project="project"),
    "assessor": _EXPERIMENT,
    "scan": _of(
        "xnat:imageScanData", "ID", "type", "UID", "note", "quality", "condition",
        "series_description", "documentation", "scanner", "modality", "frames",
        "xnat_imagescandata_id", scanTime="startTime",
    )
    | _of("xnat:mrScanData", "coil", "fieldStrength", "marker", "stabilization")
    | _common("xnat:imageScanData"),
    "reconstruction": _of(
        "xnat:reconstructedImageData", "ID", "type", "baseScanType",
        "xnat_reconstructedimagedata_id", xsiType="extension_item/element_name",
    ),
}  # fmt: skip
_NAMED: dict[str, dict[str, str]] = {}
for _kind, _names in _SHORT.items():
    for _name, _path in _names.items():
        _NAMED.setdefault(_kind, {}).setdefault(_path.lower(), _name)


def path_of(kind: str, name: str) -> str | None:
    """The path that a column's or a filter's name stands for; None if XNAT knows it not."""
    return name if "/" in name else _SHORT[kind].get(name)


def header(kind: str, path: str) -> str:
    """The header of a column in the table."""
    return _NAMED[kind].get(path.lower(), path.lower())
