"""Where everything lies: the checkout, and the folder in which an invocation works.

A working folder has three zones. `quarantine` holds identified images and `private` what joins
names; only what lies under `results` could be shown to a stranger. The Snakefile's pathvars
say the same; a test holds both together. Nothing here is slow to import: every job of a cluster
parses the Snakefile once more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = CHECKOUT / "scripts"
SCHEMAS = CHECKOUT / "config" / "schemas"

PRIVATE, QUARANTINE, RESULTS = "private", "quarantine", "results"
ZONES = (PRIVATE, QUARANTINE, RESULTS)
HIDDEN = (PRIVATE, QUARANTINE)
"""The zones that an analysis may not see."""
PROJECT = "project"
"""The name in the place of a session's where something is of the whole project."""


@dataclass(frozen=True)
class Private:
    """A project's part of `private`: who is who, and the archive's answers."""

    root: Path

    @classmethod
    def of_archive(cls, path: Path) -> "Private":
        """The part of `private` to which an archive's record belongs."""
        return cls(path.parent)

    @property
    def link(self) -> Path:
        """The link table."""
        return self.root / "link.tsv"

    @property
    def archive(self) -> Path:
        """The server and the project's ID there."""
        return self.root / "archive.json"

    @property
    def subjects(self) -> Path:
        """The project's subjects, as the archive has them."""
        return self.root / "subjects.json"

    @property
    def bidsmap(self) -> Path:
        """The archive's bidsmaps, where the mapping uses them."""
        return self.root / "bidsmap.json"

    @property
    def locked(self) -> Path:
        """The lock that the project is rerun from."""
        return self.root / "locked.yaml"

    @property
    def preview(self) -> Path:
        """The page of the preview, with the archive's own descriptions."""
        return self.root / "preview.html"

    @property
    def listed(self) -> Path:
        """The index of how the sessions were listed the last time."""
        return self.root / "listed.json"

    @property
    def memory(self) -> Path:
        """The steps that are settled."""
        return self.root / "memory.json"

    @property
    def phenotype(self) -> Path:
        """The questionnaires' files in the archive."""
        return self.root / "phenotype.json"

    @property
    def refused(self) -> Path:
        """The columns that the archive refused to list."""
        return self.root / "refused.json"

    @property
    def sessions(self) -> Path:
        """The folder with what the archive listed of each session."""
        return self.root / "sessions"

    def session(self, unit: object) -> Path:
        """The archive's listing of a session."""
        return self.sessions / f"{unit}.json"

    @classmethod
    def of_session(cls, path: Path) -> "Private":
        """The project's part to which a session's listing belongs."""
        return cls(path.parent.parent)

    @property
    def all_headers(self) -> Path:
        """The folder with headers that were fetched for a preview."""
        return self.root / "headers"

    def headers(self, unit: object) -> Path:
        """The folder with one header of each series of a session."""
        return self.all_headers / str(unit)

    def pulled(self, unit: object) -> Path:
        """The note of a session when it was pulled."""
        return self.root / "pulled" / f"{unit}.json"

    def people(self, unit: object) -> Path:
        """Those whom a session's headers name."""
        return self.root / "people" / f"{unit}.json"


@dataclass(frozen=True)
class Results:
    """The part of `results` of a project, or of a merged dataset."""

    root: Path

    @property
    def project(self) -> str:
        """The project's name."""
        return self.root.name

    @property
    def sessions(self) -> Path:
        """The table of the sessions' neutral names."""
        return self.root / "sessions.tsv"

    @property
    def bids(self) -> Path:
        """The dataset."""
        return self.root / "bids"

    @property
    def dicom(self) -> Path:
        """The de-identified DICOM."""
        return self.root / "dicom"

    @property
    def derivatives(self) -> Path:
        """The folder of the derivative datasets."""
        return self.root / "derivatives"

    @property
    def scanner(self) -> Path:
        """The derivative dataset of what the scanners computed."""
        return self.derivatives / "scanner"

    @property
    def reports(self) -> Path:
        """The folder of the pages."""
        return self.root / "reports"

    @property
    def index(self) -> Path:
        """The page of the project."""
        return self.reports / "index.html"

    def page(self, unit: object) -> Path:
        """The page of a session."""
        return self.reports / f"{unit}.html"

    @property
    def records(self) -> Path:
        """The folder of the records, of each session and of the project."""
        return self.root / "records"

    def record(self, unit: object, stage: str) -> Path:
        """The record of a stage, or an analysis, of a session; or of the project (`PROJECT`)."""
        return self.records / str(unit) / f"{stage}.json"

    @property
    def dataset(self) -> Path:
        """The record of the dataset as a whole."""
        return self.root / "dataset.json"

    def verdict(self, name: str) -> Path:
        """The validator's verdict on a derivative dataset."""
        return self.derivatives / f"{name}.json"

    @property
    def protection(self) -> Path:
        """The data protection summary, as a page."""
        return self.reports / "data_protection.html"

    @property
    def validation(self) -> Path:
        """The validator's verdict on the dataset."""
        return self.root / "validation.json"

    @property
    def lock(self) -> Path:
        """The lock: what made the project's datasets."""
        return self.root / "run.lock.yaml"

    @classmethod
    def of_record(cls, path: Path) -> "Results":
        """The project's results to which a record belongs."""
        return cls(path.parent.parent.parent)

    @classmethod
    def of_dataset(cls, path: Path) -> "Results":
        """The project's results to which the record of a dataset belongs."""
        return cls(path.parent)

    @classmethod
    def of_verdict(cls, path: Path) -> "Results":
        """The project's results to which the verdict on a derivative dataset belongs."""
        return cls(path.parent.parent)

    @classmethod
    def of_page(cls, path: Path) -> "Results":
        """The project's results to which a page belongs."""
        return cls(path.parent.parent)


@dataclass(frozen=True)
class Workspace:
    """The working folder of an invocation; `Path()` where that is the current one."""

    root: Path = Path()

    @property
    def in_use(self) -> bool:
        """Whether another invocation works in this folder now."""
        locks = self.root / ".snakemake" / "locks"
        return locks.is_dir() and any(locks.iterdir())

    @property
    def zones(self) -> Iterator[Path]:
        """The folders of the three zones."""
        return (self.root / zone for zone in ZONES)

    @property
    def private_zone(self) -> Path:
        """The zone of what joins names; mode 0700."""
        return self.root / PRIVATE

    @property
    def quarantine_zone(self) -> Path:
        """The zone of identified images; mode 0700."""
        return self.root / QUARANTINE

    @property
    def logins(self) -> Path:
        """The folder of the logins at archives that are open."""
        return self.private_zone / ".logins"

    @property
    def doctor_page(self) -> Path:
        """The doctor's findings, with the archive's labels."""
        return self.private_zone / "doctor.html"

    @property
    def doctor_record(self) -> Path:
        """The doctor's findings, counted."""
        return self.root / RESULTS / "doctor.json"

    def private(self, project: str) -> Private:
        """A project's part of `private`."""
        return Private(self.private_zone / project)

    def quarantine(self, project: str) -> Path:
        """A project's part of `quarantine`."""
        return self.quarantine_zone / project

    def results(self, project: str) -> Results:
        """A project's part of `results`."""
        return Results(self.root / RESULTS / project)


def session_folder(root: Path, subject: str, session: str) -> Path:
    """The folder of a session in a dataset, or in another tree of that form."""
    return root / f"sub-{subject}" / f"ses-{session}"


def root_of_session(folder: Path) -> Path:
    """The dataset, or other tree of that form, in which a session has this folder."""
    return folder.parent.parent
