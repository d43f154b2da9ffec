"""Records of made-up sessions for the tests of the pages."""

from typing import Any

VERSIONS = {"coil": "0.1.0", "heudiconv": "1.5.1", "dcm2niix": "v1.0.20260724"}
LIMITS = {
    "resemblance_min": 0.58, "changed_fraction_min": 0.02, "changed_fraction_max": 0.25,
    "brain_depth_mm": 15.0,
}  # fmt: skip
WARNING = {"code": "README_FILE_SMALL", "severity": "warning", "location": "/README"}


def row(scan: str | None, description: str, state: str, name: str | None = None, **more: Any):
    """One series of a session's record."""
    return {
        "scan": scan, "folder": None, "description": description, "state": state, "rule": None,
        "name": name, "reason": f"why it is {state}", "volumes": None, "expected": None,
        "files": [], "acq_time": None, "supplied": [],
    } | more  # fmt: skip


def admitted(subject: str = "A7KQ", session: str = "1") -> dict[str, Any]:
    """The record of a session in the dataset."""
    stem = f"sub-{subject}_ses-{session}"
    return {
        "project": "DEMO", "subject": subject, "session": session,
        "state": "done", "stage": None, "reason": None, "log": None, "retry": False,
        "series": [
            row("1", "localizer", "ignored"),
            row("2", "t1_mprage", "mapped", f"anat/{stem}_T1w"),
            row("3", "rest", "incomplete", volumes=31, expected=80),
            row("4", "rest", "mapped", f"func/{stem}_task-rest_bold", volumes=80, expected=80),
            row("5", "<b>new & odd</b>", "unmapped"),
            row(None, "", "missing"),
        ],
        "files": {}, "age": None,
        "deface": [
            {
                "file": f"{stem}_T1w.nii.gz", "state": "defaced", "changed_fraction": 0.12,
                "template": "pydeface 2.1.0", "limits": LIMITS,
            }
        ],
        "leak_check": {"identifiers": 57, "files": 33, "bytes": 123456, "hits": 0},
        "removed": {"sidecar_keys": {"DeviceSerialNumber": 7}, "header_fields": ["descrip"]},
        "validator": {"errors": 0, "warnings": 1, "absent_keys": 7, "issues": [WARNING]},
        "versions": VERSIONS,
    }  # fmt: skip


def failed(subject: str = "F1QK", session: str = "1") -> dict[str, Any]:
    """The record of a session that could not be pulled, as short as one may be."""
    return {
        "project": "DEMO", "subject": subject, "session": session, "state": "failed",
        "stage": "pull", "reason": "two subjects in one session; split it in the archive",
        "log": "logs/DEMO/pull.log", "retry": False, "series": [], "files": {},
    }  # fmt: skip


def measured(
    subject: str = "A7KQ", session: str = "1", fd: float = 0.1, tr: float = 2.0
) -> dict[str, Any]:
    """The record of an analysis that measured: one bold image with one outlier."""
    stem = f"sub-{subject}_ses-{session}_task-rest"
    images = [
        {
            "file": f"sub-{subject}/ses-{session}/func/{stem}_bold.nii.gz",
            "suffix": "bold",
            "metrics": {"volumes": 80, "tsnr_median": 54.2, "fd_mean": fd, "fber": None},
            "unavailable": {"fber": "the background is zeroed"},
            "outliers": [
                {
                    "unit": "volumes", "limit": "framewise displacement above 0.5 mm",
                    "count": 3, "of": 80, "volumes": [4, 5, 9],
                }
            ],
            "protocol": {"RepetitionTime": tr, "shape": [64, 64, 30, 80]},
            "figures": [f"sub-{subject}/ses-{session}/figures/{stem}_desc-carpet_bold.png"],
            "problem": None,
        }
    ]  # fmt: skip
    return {
        "state": "done", "stage": "qc", "reason": None, "log": "logs/DEMO/qc.log", "retry": False,
        "files": images[0]["figures"], "summary": {"images": images},
    }  # fmt: skip


def project(count: int = 8) -> dict[str, Any]:
    """A project of `count` sessions in the dataset, the last of which moved, and a failed one."""
    sessions = []
    for index in range(count):
        label = f"S{index:03d}"
        last = index == count - 1
        qc = measured(label, fd=1.9 if last else 0.1 + 0.01 * index, tr=2.2 if last else 2.0)
        page = {"report": f"sub-{label}_ses-1.html", "push": None}
        sessions.append({"record": admitted(label), "analyses": {"qc": qc}, **page})
    page = {"report": "sub-F1QK_ses-1.html", "push": None}
    sessions.append({"record": failed(), "analyses": {}, **page})
    return {
        "name": "Demo study", "project": "DEMO", "sessions": sessions,
        "validator": {"errors": 0, "warnings": 1, "absent_keys": 7, "issues": [WARNING]},
        "dataset": "../bids", "versions": VERSIONS, "participants": count,
    }  # fmt: skip
