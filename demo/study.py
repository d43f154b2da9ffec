"""The whole study: every subject's sessions, the archive's extras and the ground truth."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from demo import archive, people, protocol
from demo.head import subject_head
from demo.motion import RADIUS_MM
from demo.paths import StudyFolder
from demo.people import Identifier
from demo.scans import write_session
from demo.session import Planted, Session, Truth, new_session

_CONVENTIONS = {
    "coordinates": "scanner RAS, mm",
    "affine": "voxel (column, row, slice) as in the DICOM files to scanner RAS",
    "motion": "one row a volume: translations x y z in mm, rotations about x y z in radians,"
    " x' = Rz Ry Rx x + t about the scanner's origin, relative to the first volume",
    "framewise_displacement": "Power et al. 2012: sum of absolute differences to the volume"
    f" before, rotations as arc length on {RADIUS_MM:.0f} mm; mm, the first is 0",
    "directions_scanner": "unit vectors, zeros where the b-value is 0",
    "volumes": "counted from 0",
}


def generate(out: Path, seed: int = 1, subjects: int = 3, sessions: int = 2) -> Truth:
    """Write the study; the same arguments give the same bytes.

    The special cases always exist: the aborted run is in the second subject's first session, the
    restless run in the first subject's last and the unmapped series in the last subject's last,
    or in what comes nearest in a smaller study.

    Args:
        out: folder, absent or empty. Gets ``dicom/``, ``archive/``, ``truth/`` and ``truth.json``.
        seed: decides heads, motion, noise, task order and answers.
        subjects: 1 to 8.
        sessions: sessions of each subject, 1 to 9.

    Returns:
        What truth.json holds.

    Raises:
        ValueError: too many or too few subjects or sessions.
        FileExistsError: ``out`` holds something.
    """
    everyone, study = people.people(subjects), StudyFolder(out)
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty: choose a new folder or delete it")
    truth: Truth = {"project": people.PROJECT, "seed": seed, "conventions": _CONVENTIONS}
    entries, subject_truths = [], {}
    planted_names: list[dict[str, str]] = []
    for person in everyone:
        head = subject_head(np.random.default_rng([seed, person.number]), protocol.T1_MM)
        visits = people.visits(person, sessions)
        session_truths = {}
        for visit in visits:
            planted = Planted(
                aborted=(person.number, visit.number) == (min(2, subjects), 1),
                restless=(person.number, visit.number) == (1, sessions),
                unmapped=(person.number, visit.number) == (subjects, sessions),
            )
            session = new_session(visit, head, planted, out, seed)
            series = write_session(session)
            archive.write_events(study.events(person.label, visit.label), session)
            session_truths[visit.label] = _session_truth(session, series)
            planted_names += _identifiers(session, series)
        entry = archive.subject_entry(person, visits)
        entries.append(entry)
        demographics = {
            "gender": entry.gender, "yob": entry.yob, "handedness": entry.handedness
        }  # fmt: skip
        subject_truths[person.label] = {"demographics": demographics, "sessions": session_truths}
    folder = study.questionnaires
    archive.write_questionnaire(folder, everyone, seed)
    archive.write_redcap(folder, [v for p in everyone for v in people.visits(p, sessions)], seed)
    archive.Description(people.PROJECT, entries).write(study.description)
    truth["subjects"] = subject_truths
    truth["identifiers"] = planted_names
    archive.write_json(study.truth, truth)
    return truth


def _session_truth(session: Session, series: list[Truth]) -> Truth:
    return {
        "date": f"{session.visit.start:%Y-%m-%d}",
        "head_pose": np.round(session.pose, 6).tolist(),
        "series": series,
    }


def _identifiers(session: Session, series: list[Truth]) -> list[dict[str, str]]:
    """The session's planted identifiers, each with its subject and session."""
    rows = people.identifiers(session.visit)
    rows.append(Identifier(people.image_comment(session.visit), "ImageComments", "DICOM"))
    rows += [Identifier(str(one["series_uid"]), "SeriesInstanceUID", "DICOM") for one in series]
    labels = {"subject": session.visit.person.label, "session": session.visit.label}
    return [asdict(row) | labels for row in rows]
