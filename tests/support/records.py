"""Records of made-up sessions for the tests of the pages."""

from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from coil.deid.protection import Rules, protection
from coil.records.analysis import AnalysisRecord, MeasuredImage, Outliers, Summary
from coil.records.series import SeriesRow, State
from coil.records.session import Admitted, SessionRecord
from coil.records.validation import Issue, Verdict
from coil.report.project import Project, Session
from coil.workspace import Results
from tests.support import session_records

VERSIONS = {"coil": "0.1.0", "heudiconv": "1.5.1", "dcm2niix": "v1.0.20260724"}
LIMITS = {
    "resemblance_min": 0.58, "changed_fraction_min": 0.02, "changed_fraction_max": 0.25,
    "brain_depth_mm": 15.0,
}  # fmt: skip
POLICIES = {"subjects": "hmac", "sessions": "label", "dates": "shift", "time_of_day": "keep"}
RULES = msgspec.convert(
    {"identity": POLICIES, "deface": ["T1w"], "sidecar_keys": ["ImageComments"]}, Rules
)
WARNING = Issue(code="README_FILE_SMALL", severity="warning", location="/README", message="")
VALID = Verdict(errors=0, warnings=1, absent_keys=7, issues=(WARNING,), version="1.11.1")


def row(
    scan: str | None, description: str, state: State, name: str | None = None, **more: Any
) -> SeriesRow:
    """One series of a session's record."""
    known = {"scan": scan, "description": description, "name": name, "files": (), "supplied": ()}
    return session_records.row(state, reason=f"why it is {state}", **known, **more)


def admitted(subject: str = "A7KQ", session: str = "1") -> SessionRecord:
    """The record of a session in the dataset."""
    stem = f"sub-{subject}_ses-{session}"
    fields = {
        "series": [
            row("1", "localizer", "ignored"),
            row("2", "t1_mprage", "mapped", f"anat/{stem}_T1w"),
            row("3", "rest", "incomplete", volumes=31, expected=80),
            row("4", "rest", "mapped", f"func/{stem}_task-rest_bold", volumes=80, expected=80),
            row("5", "<b>new & odd</b>", "unmapped"),
            row(None, "", "missing"),
        ],
        "deface": [
            {
                "file": f"{stem}_T1w.nii.gz", "state": "defaced", "changed_fraction": 0.12,
                "resemblance": 0.8, "template": "pydeface 2.1.0", "limits": LIMITS,
            }
        ],
        "leak_check": {
            "identifiers": 57, "kinds": {"name": 40, "UID": 17}, "files": 33, "bytes": 123456,
            "hits": 0,
        },
        "removed": {"sidecar_keys": {"DeviceSerialNumber": 7}, "header_fields": ["descrip"]},
        "validator": VALID,
        "versions": VERSIONS,
    }  # fmt: skip
    return _record(subject, session, state="done", **fields)


def failed(subject: str = "F1QK", session: str = "1") -> SessionRecord:
    """The record of a session that could not be pulled, as short as one may be."""
    why = "two subjects in one session; split it in the archive"
    said = {"stage": "pull", "reason": why, "log": "logs/DEMO/pull.log"}
    return _record(subject, session, state="failed", **said)


def _record(subject: str, session: str, **fields: Any) -> SessionRecord:
    """The record of a session, with the account of its protection as the door gives it."""
    blank = session_records.record(subject, session).fields() | {"project": "DEMO"} | fields
    record = SessionRecord.from_fields(blank)
    done = Admitted(**{name: getattr(record, name) for name in Admitted.__struct_fields__})
    account = protection(RULES, "1.11.1", done if record.state == "done" else None)
    return replace(record, protection=account)


def measured(
    subject: str = "A7KQ", session: str = "1", fd: float = 0.1, tr: float = 2.0
) -> AnalysisRecord:
    """The record of an analysis that measured: one bold image with one outlier."""
    stem = f"sub-{subject}_ses-{session}_task-rest"
    outliers = Outliers(
        units="volumes", limit="framewise displacement above 0.5 mm", count=3, of=80,
        volumes=(4, 5, 9),
    )  # fmt: skip
    image = MeasuredImage(
        file=f"sub-{subject}/ses-{session}/func/{stem}_bold.nii.gz",
        suffix="bold",
        metrics={"volumes": 80, "tsnr_median": 54.2, "fd_mean": fd, "fber": None},
        unavailable={"fber": "the background is zeroed"},
        outliers=(outliers,),
        protocol={"RepetitionTime": tr, "shape": [64, 64, 30, 80]},
        figures=(f"sub-{subject}/ses-{session}/figures/{stem}_desc-carpet_bold.png",),
    )
    log, summary = "logs/DEMO/qc.log", Summary(images=(image,))
    return AnalysisRecord(state="done", stage="qc", log=log, files=image.figures, summary=summary)


def project(count: int = 8, **changed: Any) -> Project:
    """A project of `count` sessions in the dataset, the last of which moved, and a failed one."""
    sessions: list[Session] = []
    for index in range(count):
        label = f"S{index:03d}"
        last = index == count - 1
        qc = measured(label, fd=1.9 if last else 0.1 + 0.01 * index, tr=2.2 if last else 2.0)
        sessions.append(Session(admitted(label), {"qc": qc}, f"sub-{label}_ses-1.html"))
    sessions.append(Session(failed(), {}, "sub-F1QK_ses-1.html"))
    known: dict[str, Any] = {
        "name": "Demo study", "results": Results(Path("DEMO")), "sessions": sessions,
        "participants": count, "validator": VALID,
    }  # fmt: skip
    return Project(**known | changed)
