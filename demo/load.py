"""Put a generated study into a localxnat archive, through the client that real archives get."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
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
    study = description(out)
    project = study["project"]
    changed = []
    resources = Resources(Store(root))
    for subject, session, folder in sessions(out):
        done = import_session(resources, project, subject, session, [folder])
        if done.files > done.present:
            changed.append(str(done))
    with running(root) as server:
        return changed + describe(out, server, project)


def sessions(out: Path) -> Iterator[tuple[str, str, Path]]:
    """Subject, session and folder of DICOM files of each session of the study in ``out``."""
    for subject in description(out)["subjects"]:
        for session in subject["sessions"]:
            folder = out / "dicom" / subject["label"] / session["label"]
            yield subject["label"], session["label"], folder


def describe(out: Path, server: Any, project: str) -> list[str]:
    """Set demographics, notes and resources of a study that a server has the images of.

    ``server`` has ``url``, ``user`` and ``password``, and may be any XNAT's. Returns one line for
    each thing that changed.
    """
    changed = []
    login = {"user": server.user, "password": server.password}
    with xnat.connect(server.url, **login, loglevel="ERROR") as connection:
        place = connection.projects[project]
        for subject in description(out)["subjects"]:
            changed += _set_subject(place.subjects[subject["label"]], subject, out / "archive")
        changed += _fill_resource(place, QUESTIONNAIRES, out / "archive" / QUESTIONNAIRES)
    return changed


def description(out: Path) -> dict[str, Any]:
    """What ``demo.study.generate`` left of the study in ``out``; FileNotFoundError if nothing."""
    path = out / "archive" / "archive.json"
    if not path.exists():
        raise FileNotFoundError(f"{out} holds no study: run `python -m demo generate {out}`")
    return json.loads(path.read_text())


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
