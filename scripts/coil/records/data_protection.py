"""The data protection summary: `results/<project>/reports/data_protection.json`.

It says what the page beside it says. People show it and send it on, so that it has no version.
"""

from typing import ClassVar

from coil.records import UNVERSIONED, Part, Record

Number = int | float


class RefusedSession(Part, frozen=True, kw_only=True):
    """A session that did not get in, at which stage and why."""

    subject: str
    session: str
    stage: str | None
    reason: str | None


class LeakChecks(Part, frozen=True, kw_only=True):
    """The searches of all admitted sessions together, and for how many identifiers they were."""

    identifiers: int
    files: int
    bytes: int
    hits: int
    sessions: int
    kinds: dict[str, int]


class LeakRefusals(Part, frozen=True, kw_only=True):
    """How many sessions the leak check refused, and what it found by kind of identifier."""

    sessions: int
    kinds: dict[str, int]


class Faces(Part, frozen=True, kw_only=True):
    """The images that defacing left in a state, with the range of what its gates measured."""

    state: str
    images: int
    changed: tuple[Number, Number] | None
    resemblance: tuple[Number, Number] | None


class Gate(Part, frozen=True, kw_only=True):
    """A gate of defacing, with all the limits that were applied, in words."""

    gate: str
    limit: str


class AccountRow(Part, frozen=True, kw_only=True):
    """One rule of an edition, and how often it removed, changed or kept something."""

    action: str
    what: str
    rule: str
    edition: str
    count: int


class FreeText(Part, frozen=True, kw_only=True):
    """A value that the config lets through though its text is free."""

    where: str
    name: str


class KindSent(Part, frozen=True, kw_only=True):
    """How many sessions and files of a kind are elsewhere now."""

    what: str
    sessions: int
    files: int


class Pushed(Part, frozen=True, kw_only=True):
    """The pushes to the archive, by their records.

    wanted    what the config sends, in words
    rows      what is there now
    states    how many sessions were done, skipped and so on
    left      how often somebody else's data were left alone
    removed   how many things of ours were removed
    """

    wanted: tuple[str, ...]
    rows: tuple[KindSent, ...]
    states: dict[str, int]
    left: int
    removed: int


class Copied(Part, frozen=True, kw_only=True):
    """The pushes to another project; `withdrawn` is how many sessions were taken back."""

    rows: tuple[KindSent, ...]
    states: dict[str, int]
    left: int
    removed: int
    withdrawn: int


class ExportWanted(Part, frozen=True, kw_only=True):
    """The export that the config asks for: series, faces, the project and server that get it."""

    dicom: str
    faces: str
    to: str
    server: str


class FailedExport(Part, frozen=True, kw_only=True):
    """A session that was not exported, and why."""

    subject: str
    session: str
    reason: str | None


class SeriesExported(Part, frozen=True, kw_only=True):
    """How many series had an end in the exports, for a reason."""

    state: str
    reason: str
    count: int


class Exported(Part, frozen=True, kw_only=True):
    """The exports of all sessions.

    wanted     by the config; None where it asks for none
    searched   the files among which identifiers were searched
    tables, options   by which headers were de-identified
    """

    wanted: ExportWanted | None
    sessions: int
    failed: tuple[FailedExport, ...]
    files: int
    searched: int
    series: tuple[SeriesExported, ...]
    tables: tuple[str, ...]
    options: tuple[str, ...]


class DataProtection(Record, frozen=True, kw_only=True):
    """All that the summary of a project says.

    project, name      its label, and the study's name
    policies           how participants, sessions, dates and times of day are named
    keep_quarantine    whether the config keeps the identified files of failed sessions
    sessions, admitted, participants   their numbers
    deface             the suffixes of images that lose their faces
    editions           each rule book with all the editions that were applied
    versions           each tool with all the versions that were used
    """

    VERSION: ClassVar[int] = UNVERSIONED

    project: str
    name: str
    policies: dict[str, str]
    keep_quarantine: bool
    sessions: int
    admitted: int
    participants: int
    refused: tuple[RefusedSession, ...]
    leak_check: LeakChecks
    leak_refusals: LeakRefusals
    deface: tuple[str, ...]
    faces: tuple[Faces, ...]
    gates: tuple[Gate, ...]
    account: tuple[AccountRow, ...]
    editions: dict[str, str]
    free_texts: tuple[FreeText, ...]
    push: Pushed
    export: Exported
    copies: Copied
    versions: dict[str, str]
