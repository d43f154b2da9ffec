"""Find out what a project holds, give its sessions neutral names, and note what changed.

Runs once, before the jobs are planned. One request lists all sessions with their scans and
subjects; where something is new, a second the archive's prearchive. What it leaves:

private/NAME/link.tsv       the link table, the only place that joins both names
private/NAME/archive.json   the server, the project's ID there, where it is mounted
private/NAME/subjects.json  demographics and custom variables by pseudonym, assessors
private/NAME/phenotype.json the questionnaires' files with their digests
private/NAME/bidsmap.json   the archive's bidsmaps, if the mapping uses them
private/NAME/refused.json   the columns that the archive refused, not asked for again for a week
private/NAME/sessions/      what the archive holds for each session (see `changes`)
results/NAME/sessions.tsv   the sessions' neutral names
"""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from coil import files
from coil.archive import listing
from coil.archive.client import Address, Archive, connect
from coil.archive.columns import Lister, remember, remembered
from coil.archive.discover import demographics, prearchive, selection, variables
from coil.archive.discover.bidsmap import fetch_bidsmaps
from coil.archive.discover.changes import Look, Notes
from coil.archive.discover.demographics import Wanted
from coil.archive.discover.naming import name_sessions
from coil.archive.discover.questionnaires import list_questionnaires
from coil.archive.listing import Session
from coil.bids.mapping.sources import bidsmap
from coil.config.derived import wanted_resources
from coil.deid.identity.dates import shift_days
from coil.deid.identity.identities import SALT, Link, LinkTable, keyed_digest, project_secret
from coil.errors import ArchiveError, ConfigError
from coil.records.archive import ArchiveRecord
from coil.records.phenotype import QuestionnaireFiles
from coil.records.subjects import SubjectsRecord
from coil.units import unit_name
from coil.workspace import Private, Results, Workspace


@dataclass
class Found:
    """What discovery found for a project: the units (neutral session names) by kind."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    waiting: int = 0
    """Sessions that the archive is still receiving."""
    unarchived: int = 0
    """Sessions that are in the prearchive only."""
    unnamed: int = 0
    """Sessions that `identity` has no label for."""
    remarks: list[str] = field(default_factory=list)
    """What the archive did not tell, and was gone on without."""

    def __str__(self) -> str:
        total = len(self.new) + len(self.changed) + len(self.same)
        text = f"{total} session{'' if total == 1 else 's'} in the archive"
        kinds = {"new": self.new, "changed": self.changed, "no longer there": self.gone}
        told = [f"{len(units)} {kind}" for kind, units in kinds.items() if units]
        text = f"{text} ({', '.join(told) or 'nothing new'})"
        if self.waiting:
            them = "it" if self.waiting == 1 else "them"
            text += f"; {self.waiting} waiting: the archive is still receiving {them}"
        if self.unnamed:
            text += f"; {self.unnamed} left out: no BIDS label by the config's `identity`"
        if self.unarchived:
            text += f"; {self.unarchived} so far only in the archive's prearchive"
        return "; ".join([text, *self.remarks])


def discover(name: str, settings: dict[str, Any], root: Path, thorough: bool = False) -> Found:
    """Discover the project `name` in the working directory `root`; see the module's text.

    `thorough` looks at the files of each session, one by one.

    Raises `ArchiveError` or `ConfigError`; then nothing of what was known is changed.
    """
    workspace = Workspace(root)
    private, results = workspace.private(name).root, workspace.results(name).root
    for folder in (workspace.private_zone, private, workspace.quarantine_zone):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    # Snakemake removes empty folders, and would make the quarantine anew for all to read.
    (workspace.quarantine_zone / ".keep").touch()
    address = Address.of(settings["archive"], root)
    project, select = settings["project"], settings["select"]
    notes = Notes(private)
    with connect(address) as archive:
        lister = Lister(archive, {} if thorough else remembered(private))
        everything = listing.list_sessions(
            archive, project, select["shared"], lister, selection.needs(select)
        )
        selected = selection.select(everything, select)
        table, links = name_sessions(selected, settings, private)
        sessions = [session for session in selected if session.id in links]
        unnamed = len(selected) - len(sessions)
        if selected and not sessions:
            raise ConfigError(
                "identity: none of the sessions has a BIDS label by it; correct the table or the "
                "archive's labels, or use hmac"
            )
        _check_vanished(everything, sessions, table, notes.times, select["may_vanish"])
        taken, look = selection.scan_filter(select), Look(wanted_resources(settings), thorough)
        noted = [
            notes.compare(
                archive, session, _unit(links[session.id]), [*filter(taken, session.scans)], look
            )
            for session in sessions
        ]
        entries = []
        if not sessions or any(one.state for one in noted):
            entries = prearchive.list_prearchive(lister, project)
        wanted = _wanted(lister, settings, private, sessions)
        people = demographics.list_people(
            lister,
            project,
            everything,
            every_label=bool(settings["phenotype"]),
            fields=wanted.fields,
            taken=sessions,
        )
        questionnaires = list_questionnaires(archive, project, settings["phenotype"])
        maps = _bidsmaps(archive, project, settings["bids"]["mapping"])
        assessors = variables.list_assessors(lister, project, settings["phenotype"], everything)
        lister.notes += listing.uncounted(sessions)
    ready = [one for one in noted if not (one.state and prearchive.waits(one.session, entries))]
    table.write(private / "link.tsv")
    notes.write(ready)
    # One that waits stays in the dataset as it was; one that is new is not there yet.
    links = {one.session.id: links[one.session.id] for one in noted if one.unit in notes.times}
    sessions = [session for session in sessions if session.id in links]
    # Of these Snakemake notes digests, which nobody may compute from guesses; see `SALT`.
    salt = keyed_digest(project_secret(settings["identity"], private), SALT).hex()[:32]
    place = ArchiveRecord(
        **asdict(address), project=project, mount=settings["archive"].get("mount"), salt=salt
    )
    place.write_if_changed(private / "archive.json", 0o600)
    phenotype = settings["phenotype"]
    # Only tables with rows of sessions must know of those that were not taken.
    others = everything if any("session_column" in entry for entry in phenotype) else ()
    known = demographics.by_pseudonym(people, sessions, links, others, wanted)
    measured = variables.measured(phenotype, known, people, everything, assessors)
    subjects = {"version": SubjectsRecord.VERSION, **known, "measured": measured, SALT: salt}
    SubjectsRecord.from_fields(subjects).write_if_changed(private / "subjects.json", 0o600)
    listed = QuestionnaireFiles(files=questionnaires, salt=salt)
    listed.write_if_changed(private / "phenotype.json", 0o600)
    if maps:
        _write(private / "bidsmap.json", maps)
    remember(private, lister.refused)
    found = Found(waiting=len(noted) - len(ready), unnamed=unnamed, remarks=lister.remarks())
    found.unarchived = prearchive.count_unarchived(entries, everything, select)
    for link in links.values():
        unit = _unit(link)
        record = Results(results).record(unit, "admit")
        getattr(found, _work(notes.times[unit], record)).append(unit)
    found.gone = _forget_gone(private, results, set(notes.times) - {*map(_unit, links.values())})
    if found.gone:
        files.remove_tree(workspace.doctor_page)  # it may name them; the next look writes it anew
    rows = sorted(f"{link.subject}\t{link.session}\n" for link in links.values())
    files.write_if_changed(results / "sessions.tsv", f"subject\tsession\n{''.join(rows)}", 0o644)
    return found


def _wanted(
    lister: Lister, settings: dict[str, Any], private: Path, sessions: list[Session]
) -> Wanted:
    """What the config's tables take of people, and by how much each subject's dates move."""
    project, identity = settings["project"], settings["identity"]
    secret = project_secret(identity, private)

    def days(subject_id: str) -> int | None:
        return None if identity["dates"] == "none" else shift_days(secret, project, subject_id)

    return Wanted(
        fields=variables.fields_of(settings, "subject"),
        of_sessions=variables.list_session_fields(
            lister, project, sessions, variables.fields_of(settings, "session")
        ),
        days=days,
    )


def _bidsmaps(
    archive: Archive, project: str, mapping: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The archive's bidsmaps, checked, if the mapping uses them; `ConfigError` for a broken one."""
    if not any(rule.get("use") == "bidsmap" for rule in mapping):
        return []
    found = fetch_bidsmaps(archive, project)
    bidsmap.parse(found)
    return found


def _check_vanished(
    everything: list[Session],
    sessions: list[Session],
    table: LinkTable,
    units: Collection[str],
    may_vanish: float,
) -> None:
    """Whether as much is missing as if the login had lost a right, or `select` were wrong.

    What vanished is taken out of the dataset, so that it is better not believed at once.
    """
    listed = {session.id for session in everything}
    there = {_unit(link) for link in table.rows if link.session_id in listed}
    vanished = len([unit for unit in units if unit not in there])
    if vanished > may_vanish * len(units):
        raise ArchiveError(
            f"the archive no longer lists {vanished} of the {len(units)} sessions that were there; "
            "check the login's rights and the server, or, if they were removed there, set "
            "select.may_vanish to 1 for one run"
        )
    if everything and units and not sessions:
        raise ConfigError(
            "select: it takes none of the archive's sessions, where it took some before; correct "
            "it, or remove results/ and private/ of this project to start anew"
        )


def _work(noted: int, record: Path) -> str:
    """Whether a session is `new` to the dataset, `changed` since its record, or the `same`."""
    try:
        recorded = record.stat().st_mtime_ns
    except FileNotFoundError:
        return "new"
    return "changed" if noted > recorded else "same"


def _write(path: Path, value: Any) -> None:
    files.write_if_changed(path, files.json_text(value), 0o600)


def _forget_gone(private: Path, results: Path, gone: Iterable[str]) -> list[str]:
    """Remove what was made of sessions that the archive, or the selection, no longer has."""
    for unit in gone:
        for path in (
            Private(private).session(unit),
            Private(private).pulled(unit),
            Private(private).headers(unit),
            Private(private).people(unit),
            Results(results).records / unit,
            Results(results).page(unit),
        ):
            files.remove_tree(path)
    return sorted(gone)


def _unit(link: Link) -> str:
    return unit_name(link.subject, link.session)
