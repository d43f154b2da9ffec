"""Put a generated study into a localxnat archive, through the client that real archives get."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec
import xnat

from demo.archive import Description, SessionEntry, SubjectEntry
from demo.paths import StudyFolder
from localxnat.storage.importer import import_session
from localxnat.storage.resources import Resources
from localxnat.storage.store import Store
from localxnat.testing import running

EVENTS, QUESTIONNAIRES = "events", "questionnaires"
_DEMOGRAPHICS = ("gender", "yob", "handedness", "education")


class Account(Protocol):
    """A server's address, and a user there."""

    @property
    def url(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def password(self) -> str: ...


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
    project = description(out).project
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
    study = StudyFolder(out)
    for subject in description(out).subjects:
        for session in subject.sessions:
            yield subject.label, session.label, study.dicom(subject.label, session.label)


def describe(out: Path, server: Account, project: str) -> list[str]:
    """Set demographics, notes and resources of a study that a server has the images of.

    ``server`` may be any XNAT's. Returns one line for each thing that changed.
    """
    changed, study = [], StudyFolder(out)
    with xnat.connect(
        server.url, user=server.user, password=server.password, loglevel="ERROR"
    ) as connection:
        home = connection.projects[project]
        for entry in description(out).subjects:
            changed += _set_subject(home.subjects[entry.label], entry, study)
        changed += _fill_resource(home, QUESTIONNAIRES, study.questionnaires)
    return changed


def description(out: Path) -> Description:
    """The archive's side of the study in ``out``; FileNotFoundError if there is none."""
    path = StudyFolder(out).description
    if not path.exists():
        raise FileNotFoundError(f"{out} holds no study: run `python -m demo generate {out}`")
    return msgspec.json.decode(path.read_bytes(), type=Description)


def _set_subject(subject: Any, entry: SubjectEntry, study: StudyFolder) -> list[str]:
    """Set demographics of the subject, notes and events of its sessions."""
    changed = []
    for name in _DEMOGRAPHICS:
        changed += _set(subject.demographics, name, getattr(entry, name), f"{entry.label} {name}")
    changed += _set_fields(subject, entry.fields, entry.label)
    for wanted in entry.sessions:
        session = subject.experiments[wanted.label]
        changed += _set_session(session, wanted)
        folder = study.events(entry.label, wanted.label)
        changed += _fill_resource(session, EVENTS, folder)
    return changed


def _set_session(session: Any, wanted: SessionEntry) -> list[str]:
    """Set custom variables and notes of a session."""
    label = wanted.label
    changed = _set_fields(session, wanted.fields, label)
    changed += _set(session, "note", wanted.note, f"{label} note")
    scans = [
        scan
        for scan in session.scans.values()
        if scan.series_description == wanted.scan_note.series_description
    ]
    what = f"{label} scan {scans[-1].id} note"
    return changed + _set(scans[-1], "note", wanted.scan_note.note, what)


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
