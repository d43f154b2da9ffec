"""Put a generated study into a localxnat archive, through the client that real archives get."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import xnat

from localxnat.storage.importer import import_session
from localxnat.storage.resources import Resources
from localxnat.storage.store import Store
from localxnat.testing import running

EVENTS, QUESTIONNAIRES = "events", "questionnaires"
_DEMOGRAPHICS = ("gender", "yob", "handedness", "education")


def load(out: Path, root: Path) -> list[str]:
    """Import the DICOM files, then set demographics, notes and resources.

    What the archive has already stays as it is, so a second load changes nothing.

    Args:
        out: a study that `demo.study.generate` wrote.
        root: the archive's folder; made if absent. No server may be running on it.

    Returns:
        One line for each thing that changed.

    Raises:
        FileNotFoundError: ``out`` holds no study.
    """
    description = out / "archive" / "archive.json"
    if not description.exists():
        raise FileNotFoundError(f"{out} holds no study: run `python -m demo generate {out}`")
    study = json.loads(description.read_text())
    project = study["project"]
    changed = []
    resources = Resources(Store(root))
    for subject in study["subjects"]:
        for session in subject["sessions"]:
            folder = out / "dicom" / subject["label"] / session["label"]
            done = import_session(resources, project, subject["label"], session["label"], [folder])
            if done.files > done.present:
                changed.append(str(done))
    with running(root) as server, _connect(server) as connection:
        place = connection.projects[project]
        for subject in study["subjects"]:
            changed += _set_subject(place.subjects[subject["label"]], subject, out / "archive")
        changed += _fill_resource(place, QUESTIONNAIRES, out / "archive" / QUESTIONNAIRES)
    return changed


def _connect(server: Any) -> Any:
    return xnat.connect(server.url, user=server.user, password=server.password, loglevel="ERROR")


def _set_subject(subject: Any, wanted: dict[str, Any], extras: Path) -> list[str]:
    """Demographics of the subject, notes and events of its sessions."""
    changed = []
    for name in _DEMOGRAPHICS:
        changed += _set(subject.demographics, name, wanted[name], f"{wanted['label']} {name}")
    changed += _set_fields(subject, wanted["fields"], wanted["label"])
    for session_wanted in wanted["sessions"]:
        label = session_wanted["label"]
        session = subject.experiments[label]
        changed += _set_fields(session, session_wanted["fields"], label)
        changed += _set(session, "note", session_wanted["note"], f"{label} note")
        scan_note = session_wanted["scan_note"]
        scans = [
            scan
            for scan in session.scans.values()
            if scan.series_description == scan_note["series_description"]
        ]
        changed += _set(scans[-1], "note", scan_note["note"], f"{label} scan {scans[-1].id} note")
        folder = extras / EVENTS / wanted["label"] / label
        changed += _fill_resource(session, EVENTS, folder)
    return changed


def _set_fields(owner: Any, fields: dict[str, str], what: str) -> list[str]:
    """Set custom variables unless they have their values."""
    changed = [name for name, value in fields.items() if owner.fields.get(name) != value]
    for name in changed:
        owner.fields[name] = fields[name]
    return [f"{what} {name} set" for name in changed]


def _set(owner: Any, name: str, value: object, what: str) -> list[str]:
    """Set a field unless it has the value."""
    if getattr(owner, name) == value:
        return []
    setattr(owner, name, value)
    return [f"{what} set"]


def _fill_resource(owner: Any, label: str, folder: Path) -> list[str]:
    """Upload the folder's files into a resource, made if absent, unless they are there."""
    if label not in owner.resources:
        owner.create_resource(label)
        owner.resources.clearcache()
    resource = owner.resources[label]
    have = {file.path: file.digest for file in resource.files.values()}
    changed = []
    for path in sorted(folder.iterdir()):
        if have.get(path.name) != hashlib.md5(path.read_bytes()).hexdigest():
            resource.upload_data(path.read_bytes(), path.name, overwrite=True, verbose=False)
            changed.append(f"{label}/{path.name} uploaded")
    return changed
