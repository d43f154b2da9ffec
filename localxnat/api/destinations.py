"""The destination of an import, and what becomes of it there: from its query and its form."""

from dataclasses import dataclass, replace
from itertools import pairwise

from localxnat.api.access import Archive, Who
from localxnat.api.query import Query
from localxnat.errors import Refused
from localxnat.model.fields import SETTINGS
from localxnat.storage import merging
from localxnat.storage.names import check_label
from localxnat.storage.store import Object
from localxnat.storage.waiting import AUTOMATIC, DIRECT, MANUAL, OVERWRITES, Arrival

# What comes by these is a part of a session: it goes to the prearchive, and more may follow.
_GRADUAL = ("gradual-dicom", "dicom-zip")
_WORDS = {"projects": "project", "subjects": "subject", "experiments": "session"}
_NAMES = (
    (("project", "PROJECT_ID"), "project"),
    (("subject", "subject_ID", "SUBJECT_ID"), "subject"),
    (("session", "expt_label", "EXPT_LABEL"), "session"),
)


@dataclass(frozen=True)
class Destination:
    """`archive`, `prearchive` or `any`; how the files arrive, and what they may overwrite."""

    kind: str
    arrival: Arrival
    overwrite: str
    overwrite_files: bool


def read(base: Archive, who: Who, asked: Query) -> Destination:
    """The destination of an import; `dest` has it in its path, single parameters say more."""
    parts = [part for part in asked.get("dest").split("/") if part]
    if parts[:1] == ["data"]:
        parts = parts[1:]
    kind = parts[0] if parts else "any"
    if kind not in ("archive", "prearchive", "any"):
        raise Refused(400, "The destination is /archive or /prearchive.")
    gradual = asked.get("import-handler").lower() in _GRADUAL
    labels = _named(asked, parts)
    project = _project(base, who, labels.get("project", ""))
    if project is None and (kind == "archive" or "timestamp" in labels):
        raise Refused(400, "An import into the archive, or to an address, names its project.")
    if project is not None and "subject" in labels:
        known = base.store.subject(labels["subject"], project.id)
        labels["subject"] = known.label if known else labels["subject"]
    # Where to what comes without a destination is for the project to say.
    if kind == "any" and not gradual and project is not None and _code(project) != "0":
        kind = "archive"
    overwrite, overwrite_files = asked.get("overwrite"), asked.flag("overwrite_files")
    if not gradual:
        return Destination(kind, _whole(asked, labels), overwrite, overwrite_files)
    kind = "archive" if _archives_zip(asked, kind) else "prearchive"
    arrival = _in_parts(base, asked, labels, project, kind)
    return Destination(
        kind, arrival, overwrite or OVERWRITES.get(arrival.autoarchive, ""), overwrite_files
    )


def _archives_zip(asked: Query, kind: str) -> bool:
    """Whether a zip is archived at once: with a destination there, or by a commit with AA."""
    if asked.get("import-handler").lower() != "dicom-zip":
        return False
    return kind == "archive" or (asked.get("action").lower() == "commit" and asked.flag("AA"))


def _named(asked: Query, parts: list[str]) -> dict[str, str]:
    """Project, subject and session, and of a session in the prearchive its address."""
    labels: dict[str, str] = {}
    if parts[:2] == ["prearchive", "projects"] and len(parts) == 5:
        labels |= {"timestamp": parts[3], "name": parts[4]}
    elif parts[:2] == ["prearchive", "projects"] and len(parts) == 4:
        raise Refused(400, "A session in the prearchive is named with its timestamp.")
    labels |= {_WORDS[word]: value for word, value in pairwise(parts) if word in _WORDS}
    for names, word in _NAMES:
        value = next((asked.get(name) for name in names if asked.get(name)), "")
        if value:
            labels[word] = value
    for word, value in labels.items():
        check_label(value, word)
    return labels


def _project(base: Archive, who: Who, name: str) -> Object | None:
    if not name:
        return None
    project = base.store.project(name)
    if project is None or not base.auth.may(who.user, "read", project):
        raise Refused(404, "The project does not exist.")
    if not base.auth.may(who.user, "edit", project):
        raise Refused(403, "The user has no right to import into the project.")
    return project


def _code(project: Object | None) -> str:
    fields = project.fields if project else {}
    return fields.get("prearchive_code", SETTINGS["prearchive_code"])


def _addressed(labels: dict[str, str]) -> Arrival:
    return Arrival(
        labels.get("project"),
        labels.get("subject"),
        labels.get("session"),
        labels.get("timestamp", ""),
        labels.get("name", ""),
    )


def _whole(asked: Query, labels: dict[str, str]) -> Arrival:
    existing = merging.how(asked.get("overwrite"), asked.flag("overwrite_files"))
    return replace(_addressed(labels), existing=existing)


def _in_parts(
    base: Archive, asked: Query, labels: dict[str, str], project: Object | None, kind: str
) -> Arrival:
    """The arrival of what comes in parts; it may be archived by itself as soon as it is whole."""
    committed = asked.get("action").lower() == "commit"
    ignores = asked.get("Ignore-Unparsable").lower() or str(committed).lower()
    auto = AUTOMATIC.get(_code(project), MANUAL) if project else MANUAL
    if asked.flag("Direct-Archive") and project and not _exists(base, labels, project):
        auto = DIRECT
    return replace(
        _addressed(labels),
        parts=True,
        complete=committed or kind == "archive",
        rename=asked.flag("rename"),
        strict=ignores != "true",
        autoarchive=auto,
    )


def _exists(base: Archive, labels: dict[str, str], project: Object) -> bool:
    session = labels.get("session")
    return bool(session and base.store.experiment(session, project.id))
