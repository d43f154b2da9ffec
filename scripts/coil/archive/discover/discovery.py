"""Find out what a project holds, give its sessions neutral names, and leave what changed.

Runs once, before the jobs are planned. One request lists all sessions with their scans and
subjects; where something is new, a second the archive's prearchive. What it leaves:

private/NAME/link.tsv       the link table, the only place that joins both names
private/NAME/archive.json   the server, the project's ID there, where it is mounted
private/NAME/subjects.json  demographics and custom variables by pseudonym, assessors
private/NAME/phenotype.json the questionnaires' files with their digests
private/NAME/bidsmap.json   the archive's bidsmaps, if the mapping uses them
private/NAME/refused.json   the columns that the archive refused, not asked for again for a week
private/NAME/listed.json    how each session was listed (see `changes`)
private/NAME/sessions/      what the archive holds for each session
results/NAME/sessions.tsv   the sessions' neutral names

All but the tables are records (see `coil.records`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from msgspec import structs

from coil import files
from coil.archive.client import Address, connect
from coil.archive.columns import Lister, remember, remembered
from coil.archive.discover import demographics, prearchive, variables
from coil.archive.discover.answers import Answers, Settings, ask, unit_of
from coil.archive.discover.changes import Compared, Notes
from coil.archive.listing import Session
from coil.deid.identity.identities import SALT, Link, keyed_digest, project_secret
from coil.records import bidsmaps
from coil.records.archive import ArchiveRecord
from coil.records.phenotype import QuestionnaireFiles
from coil.workspace import Private, Results, Workspace


@dataclass
class Discovered:
    """The units (neutral session names) of a project by what became of them, and what is said."""

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
    """The remarks on what the archive did not tell, and was gone on without."""

    def __str__(self) -> str:
        total = len(self.new) + len(self.changed) + len(self.same)
        text = f"{total} session{'' if total == 1 else 's'} in the archive"
        kinds = {"new": self.new, "changed": self.changed, "no longer there": self.gone}
        counts = [f"{len(units)} {kind}" for kind, units in kinds.items() if units]
        text = f"{text} ({', '.join(counts) or 'nothing new'})"
        if self.waiting:
            them = "it" if self.waiting == 1 else "them"
            text += f"; {self.waiting} waiting: the archive is still receiving {them}"
        if self.unnamed:
            text += f"; {self.unnamed} left out: no BIDS label by the config's `identity`"
        if self.unarchived:
            text += f"; {self.unarchived} so far only in the archive's prearchive"
        return "; ".join([text, *self.remarks])


def discover(name: str, settings: Settings, root: Path, thorough: bool = False) -> Discovered:
    """Discover the project `name` in the working folder `root`; see the module's text.

    `thorough` looks at the files of each session, one by one.

    Raises `ArchiveError` or `ConfigError`; then nothing of what was known is changed.
    """
    workspace = Workspace(root)
    private, results = workspace.private(name), workspace.results(name)
    _protect(workspace, private)
    address, notes = Address.of(settings["archive"], root), Notes(private)
    with connect(address) as archive:
        lister = Lister(archive, {} if thorough else remembered(private.refused))
        answers = ask(lister, settings, private, notes, thorough)
    ready = [one for one in answers.compared if not (one.changed and _waits(one, answers))]
    answers.table.write(private.link)
    notes.write(ready)
    # One that waits stays in the dataset as it was; one that is new is not there yet.
    there = {one.session.id: one.session for one in answers.compared if one.unit in notes.times}
    links = {ident: answers.links[ident] for ident in there}
    _write_records(private, settings, address, answers, [*there.values()], links)
    remember(private.refused, lister.refused)
    discovered = _by_work(links, notes, results)
    discovered.waiting = len(answers.compared) - len(ready)
    discovered.unnamed, discovered.remarks = answers.unnamed, lister.remarks()
    discovered.unarchived = prearchive.count_unarchived(
        answers.entries, answers.everything, settings["select"]
    )
    gone = set(notes.times) - {*map(unit_of, links.values())}
    discovered.gone = _forget_gone(private, results, gone)
    if gone:
        files.remove_tree(workspace.doctor_page)  # it may name them; the next look writes it anew
    rows = sorted(f"{link.subject}\t{link.session}\n" for link in links.values())
    files.write_if_changed(results.sessions, f"subject\tsession\n{''.join(rows)}", 0o644)
    return discovered


def _protect(workspace: Workspace, private: Private) -> None:
    """Make the folders that others may not see."""
    for folder in (workspace.private_zone, private.root, workspace.quarantine_zone):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
    # Snakemake removes empty folders, and would make the quarantine anew for all to read.
    (workspace.quarantine_zone / ".keep").touch()


def _waits(compared: Compared, answers: Answers) -> bool:
    return prearchive.waits(compared.session, answers.entries)


def _write_records(
    private: Private,
    settings: Settings,
    address: Address,
    answers: Answers,
    sessions: Sequence[Session],
    links: Mapping[str, Link],
) -> None:
    """Leave what the jobs need to know of archive, people and questionnaires."""
    project, phenotype = settings["project"], settings["phenotype"]
    # Of these Snakemake notes digests, which nobody may compute from guesses; see `SALT`.
    salt = keyed_digest(
        project_secret(settings["identity"].get("secret_file"), private.root), SALT
    ).hex()[:32]
    mount = settings["archive"].get("mount")
    record = ArchiveRecord(**asdict(address), project=project, mount=mount, salt=salt)
    record.write_if_changed(private.archive, 0o600)
    # Only tables with rows of sessions must know of those that were not taken.
    others = answers.everything if any("session_column" in entry for entry in phenotype) else ()
    people = demographics.by_pseudonym(answers.subjects, sessions, links, others, answers.wanted)
    labels = {subject.id: subject.label for subject in answers.subjects}
    measured = variables.measured(
        phenotype, people.linked.values(), labels, answers.everything, answers.assessors
    )
    people = structs.replace(people, measured=measured, salt=salt)
    people.write_if_changed(private.subjects, 0o600)
    questionnaires = QuestionnaireFiles(files=tuple(answers.questionnaires), salt=salt)
    questionnaires.write_if_changed(private.phenotype, 0o600)
    if answers.bidsmaps:
        bidsmaps.write_if_changed(private.bidsmap, answers.bidsmaps)


def _by_work(links: Mapping[str, Link], notes: Notes, results: Results) -> Discovered:
    """The units by whether they are new to the dataset, changed since their record, or the same."""
    discovered = Discovered()
    for link in links.values():
        unit = unit_of(link)
        kind = _work(notes.times[unit], results.record(unit, "admit"))
        getattr(discovered, kind).append(unit)
    return discovered


def _work(listed: int, record: Path) -> str:
    """Whether a session is `new` to the dataset, `changed` since its record, or the `same`."""
    try:
        recorded = record.stat().st_mtime_ns
    except FileNotFoundError:
        return "new"
    return "changed" if listed > recorded else "same"


def _forget_gone(private: Private, results: Results, gone: Iterable[str]) -> list[str]:
    """Remove what was made of sessions that the archive, or the selection, no longer has."""
    for unit in gone:
        for path in (
            private.session(unit),
            private.pulled(unit),
            private.headers(unit),
            private.people(unit),
            results.records / unit,
            results.page(unit),
        ):
            files.remove_tree(path)
    return sorted(gone)
