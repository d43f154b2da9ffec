"""Find out what a project holds, give its sessions neutral names, and note what changed.

Runs once, before the jobs are planned. One request lists all sessions and their scans,
one the subjects' demographics. What it leaves:

private/NAME/link.tsv            the link table, the only place that joins both names
private/NAME/archive.json        the server, the project's ID there, where it is mounted
private/NAME/subjects.json       demographics by pseudonym
private/NAME/phenotype.json      the questionnaires' files with their digests
private/NAME/sessions/UNIT.json  what the archive holds for a session, with its fingerprint;
                                 rewritten only when that changes, so its time tells
results/NAME/sessions.tsv        the sessions' neutral names
"""

import hashlib
import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from coil import files
from coil.archive import contents, demographics, listing
from coil.archive.client import Address, Archive, connect, part
from coil.archive.listing import Session
from coil.archive.questionnaires import list_questionnaires
from coil.deid.identities import Kind, Link, LinkTable, check_label, load_secret, pseudonym
from coil.errors import ArchiveError, ConfigError
from coil.planning import session_resources
from coil.units import unit_name

logger = logging.getLogger(__name__)


@dataclass
class Found:
    """What discovery found for a project: the units (neutral session names) by kind."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        total = len(self.new) + len(self.changed) + len(self.same)
        text = f"{total} session{'' if total == 1 else 's'} in the archive"
        kinds = {"new": self.new, "changed": self.changed, "no longer there": self.gone}
        told = [f"{len(units)} {kind}" for kind, units in kinds.items() if units]
        return f"{text} ({', '.join(told) or 'nothing new'})"


def discover(name: str, settings: dict[str, Any], root: Path) -> Found:
    """Discover the project `name` in the working directory `root`; see the module's text.

    Raises `ArchiveError` or `ConfigError`; then nothing of what was known is changed.
    """
    private, results = root / "private" / name, root / "results" / name
    for folder in (root / "private", private, root / "quarantine"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    # Snakemake removes empty folders, and would make the quarantine anew for all to read.
    (root / "quarantine" / ".keep").touch()
    address = Address.of(settings["archive"])
    project = settings["project"]
    with connect(address) as archive:
        everything = listing.list_sessions(archive, project)
        if not everything:
            _check_project(archive, project)
        sessions = listing.select(everything, settings["select"])
        if not sessions and any((private / "sessions").glob("*.json")):
            raise ArchiveError(
                "the archive lists no session where there were some; check the login's rights and "
                "the config's select, or remove results/ and private/ of this project to start anew"
            )
        people = demographics.list_subjects(archive, project)
        links = name_sessions(sessions, settings, private)
        found = _note_sessions(archive, sessions, links, settings, private, results)
        questionnaires = list_questionnaires(archive, project, settings["phenotype"])
    files.write_if_changed(
        private / "archive.json",
        files.json_text(
            {**asdict(address), "project": project, "mount": settings["archive"].get("mount")}
        ),
        0o600,
    )
    files.write_if_changed(
        private / "subjects.json",
        files.json_text(demographics.by_pseudonym(people, sessions, links)),
        0o600,
    )
    files.write_if_changed(private / "phenotype.json", files.json_text(questionnaires), 0o600)
    found.gone = _forget_gone(private, results, {_unit(link) for link in links.values()})
    rows = sorted(f"{link.subject}\t{link.session}\n" for link in links.values())
    files.write_if_changed(results / "sessions.tsv", f"subject\tsession\n{''.join(rows)}", 0o644)
    return found


def name_sessions(
    sessions: list[Session], settings: dict[str, Any], private: Path
) -> dict[str, Link]:
    """The link of each session ID by the config's `identity`, all written to the link table."""
    identity, project = settings["identity"], settings["project"]
    table = LinkTable.read(private / "link.tsv")
    secret_file = identity.get("secret_file") or str(private / "secret")
    secret = load_secret(Path(secret_file), create=not table.rows)

    def name(kind: Kind, way: str, archive_id: str, label: str) -> str:
        if way == "label":
            return check_label(label)
        return pseudonym(secret, project, kind, archive_id)

    links = {
        session.id: Link(
            subject_id=session.subject_id,
            session_id=session.id,
            subject_label=session.subject_label,
            session_label=session.label,
            subject=name(
                "subject", identity["subjects"], session.subject_id, session.subject_label
            ),
            session=name("session", identity["sessions"], session.id, session.label),
        )
        for session in sessions
    }
    table.add(*links.values())
    table.write(private / "link.tsv")
    return links


def _note_sessions(
    archive: Archive,
    sessions: list[Session],
    links: dict[str, Link],
    settings: dict[str, Any],
    private: Path,
    results: Path,
) -> Found:
    """Write private/NAME/sessions/UNIT.json of what is new or changed."""
    hints_file = private / "hints.json"
    hints: dict[str, str] = files.read_json(hints_file) if hints_file.is_file() else {}
    found = Found()
    qualities = settings["select"]["scan_quality"]
    for session in sessions:
        unit = _unit(links[session.id])
        path = private / "sessions" / f"{unit}.json"
        known = files.read_json(path) if path.is_file() else None
        scans = [asdict(s) for s in session.scans if listing.usable(s, qualities)]
        held = known["held"] if known and known["scans"] == scans else None
        if held is not None and hints.get(session.id) != session.last_modified:
            # Something was touched that the listing does not show: look at the digests.
            held = _look(archive, session, private / "pulled" / path.name, settings, held)
        state = {"scans": scans, "held": held or ""}
        state["fingerprint"] = fingerprint(state)
        files.write_if_changed(path, files.json_text(state), 0o600)
        getattr(found, _work(path, results / "records" / unit / "admit.json")).append(unit)
    hints = {session.id: session.last_modified for session in sessions}
    files.write_if_changed(hints_file, files.json_text(hints), 0o600)
    return found


def _work(noted: Path, record: Path) -> str:
    """Whether a session is `new` to the dataset, `changed` since its record, or the `same`."""
    if not record.is_file():
        return "new"
    return "changed" if noted.stat().st_mtime_ns > record.stat().st_mtime_ns else "same"


def fingerprint(state: dict[str, Any]) -> str:
    """A digest that changes when the listing of the data or a file's digest does."""
    content = json.dumps([state["scans"], state["held"]], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _look(
    archive: Archive,
    session: Session,
    pulled: Path,
    settings: dict[str, Any],
    held: str,
) -> str:
    """What the archive holds now, if it differs from what was pulled; else `held`."""
    if not pulled.is_file():
        return held
    now = contents.digest(contents.list_files(archive, session.id, session_resources(settings)))
    return held if now == files.read_json(pulled)["held"] else now


def _forget_gone(private: Path, results: Path, units: set[str]) -> list[str]:
    """Remove what was made of sessions that the archive, or the selection, no longer has."""
    gone = sorted(
        path.stem for path in (private / "sessions").glob("*.json") if path.stem not in units
    )
    for unit in gone:
        for path in (
            private / "sessions" / f"{unit}.json",
            private / "pulled" / f"{unit}.json",
            results / "records" / unit,
            results / "reports" / f"{unit}.html",
        ):
            files.remove_tree(path)
    return gone


def clear_failures(results: Path, retry: str) -> int:
    """Remove the records of failures that are to be tried again; returns how many.

    A missing record makes Snakemake run the session's stages once more. A push that was
    only rehearsed is no failure, but always to be done.
    """
    cleared = 0
    for path in sorted((results / "records").glob("*/*.json")):
        record = files.read_json(path)
        if record["state"] == "rehearsed":
            path.unlink()
        elif (
            retry != "none"
            and record["state"] != "done"
            and (retry == "all" or record.get("retry"))
        ):
            path.unlink()
            cleared += 1
    return cleared


def _check_project(archive: Archive, project: str) -> None:
    if not archive.exists(f"/data/projects/{part(project)}"):
        raise ConfigError(
            f"project: {project}: the archive has no such project, or this login may not see it; "
            "correct the ID or ask for access"
        )


def _unit(link: Link) -> str:
    return unit_name(link.subject, link.session)
