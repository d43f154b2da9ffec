"""The words of a project's file."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from coil.config.model.dataset import Bids
from coil.config.model.identity import Identity
from coil.config.model.push import Push, Target
from coil.config.model.table import UNIQUE, Day, Name, NonEmpty, OneOrMore, Table, WebAddress


class Column(Table, frozen=True, kw_only=True):
    """A custom variable that becomes a column."""

    DEFINITION: ClassVar = "column"

    name: Annotated[str, Meta(pattern="^[A-Za-z][A-Za-z0-9_]*$")]
    """The column's name in the dataset."""
    field: Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]+$")] | None = None
    """The name of the custom variable; demographics/<name> for one of XNAT's own demographics,
    such as demographics/education; forms/<key> for a field of a custom form, or
    forms/<form>/<key> where several forms have the key, <form> being the form's ID (an archive
    that does not list its forms is asked for those of each participant or session, one by one);
    the column's name without it. Of an assessor XNAT's path below its type, such as
    variables/variable[name=mood]/variable."""
    description: NonEmpty
    """What the column means."""
    levels: Annotated[dict[str, str], Meta(min_length=1)] | None = None
    """The values that it may have and what each means."""
    units: str | None = None
    """The unit, in SI's words."""
    format: Literal["number", "integer", "boolean", "date", "time", "string"] = "number"
    """What its values are, where it has no levels. Free text leaves only as `string`; a `date`
    is moved as all dates of its participant."""
    minimum: float | None = None
    """The least that a number may be."""
    maximum: float | None = None
    """The most that a number may be."""


class Archive(Table, frozen=True, kw_only=True):
    """Where the data come from."""

    server: WebAddress | None = None
    """The address of the XNAT, for example https://xnat.example.org. Without it the
    environment's XNAT_HOST counts (XNAT's JupyterHub and Container Service set it). User and
    password come from XNAT_USER and XNAT_PASS or from ~/.netrc, never from here."""
    ca_bundle: str | None = None
    """A file with the certificates to trust, where the server's are not signed by a public
    authority."""
    mount: NonEmpty | None = None
    """The folder where the archive's own files are mounted, above the projects' folders. Files
    are taken from there, compared like any other, and only what is missing or differs comes
    over the network. Without it the environment's XNAT_DATA counts (XNAT's JupyterHub sets
    it)."""
    connections: Annotated[int, Meta(ge=1, le=32)] = 4
    """How many jobs may speak to this server at once, in all invocations from this folder and
    on all nodes of a cluster together. Each also takes its share of the profile's `xnat`
    resource, so that jobs wait in Snakemake's queue and not on a processor."""


class Select(Table, frozen=True, kw_only=True):
    """Which sessions are processed."""

    subjects: OneOrMore = "*"
    """Patterns for the archive's subject labels, with * and ?; one or a list."""
    sessions: OneOrMore = "*"
    """Patterns for the archive's session labels, with * and ?; one or a list."""
    after: Day | None = None
    """Only sessions on or after this day (YYYY-MM-DD)."""
    before: Day | None = None
    """Only sessions on or before this day (YYYY-MM-DD)."""
    session_types: OneOrMore = "*"
    """Patterns for kinds of session, such as MR, PET or CT, in capitals or not; one or a list.
    XNAT's type tells, xnat:mrSessionData is MR."""
    scanners: OneOrMore = "*"
    """Patterns for the scanner, in capitals or not; one or a list. A session is taken if its
    scanner's name, manufacturer or model fits one, as the archive's session has them."""
    scan_quality: Annotated[tuple[str, ...], Meta(min_length=1)] = ("usable", "questionable")
    """Which of the archive's scan qualities are pulled; a scan without a quality counts as
    usable."""
    scan_types: OneOrMore = "*"
    """Patterns for the archive's scan types that are pulled, with * and ?; one or a list."""
    skip_scan_types: OneOrMore = ()
    """Patterns for the archive's scan types that are left out all the same, with * and ?; one
    or a list."""
    shared: bool = False
    """Whether sessions count that other projects of the archive share into this one, under the
    labels that they have here. They take a second listing request."""
    may_vanish: Annotated[float, Meta(ge=0, le=1)] = 0.5
    """The share of the known sessions that the archive may cease to list from one run to the
    next, 0 to 1. What is gone there leaves the dataset; beyond this share discovery stops with
    an error and changes nothing, because a login that lost its rights looks the same. Set 1 for
    one run where they were removed on purpose."""


class Export(Table, frozen=True, kw_only=True):
    """The export of de-identified DICOM."""

    dicom: Literal["mapped", "all"] = "mapped"
    """Which series: those that the mapping takes, or all."""
    faces: Literal["withhold", "keep"] = "withhold"
    """DICOM files are not defaced. `withhold` the series whose suffixes are in `deface` (and
    those that no rule takes), or `keep` their faces."""
    to: NonEmpty | Target | None = None
    """Another project that gets the same: its ID where it is of the same archive, else a table.
    There each session is `<subject>_<session>` of the subject's pseudonym, each series a scan
    with a resource `DICOM`. What this workflow wrote is replaced when it changed and removed
    when it is no longer exported, also of sessions that the archive or `select` lost; what
    others wrote stays. A login may edit there, and needs the right to delete for what is
    removed."""


class Phenotype(Table, frozen=True, kw_only=True):
    """A questionnaire, or other measurement."""

    FORMS: ClassVar = (("resource", "file", "dictionary"), ("columns",))

    instrument: Annotated[str, Meta(pattern="^[A-Za-z0-9_]+$")]
    """The name of the files in phenotype/."""
    description: str | None = None
    """What the instrument is, for its dictionary's MeasurementToolMetadata."""
    resource: str | None = None
    """The project resource's label."""
    file: Annotated[str, Meta(pattern=r"\.(csv|tsv|xlsx)$")] | None = None
    """The table in the resource, CSV, TSV or XLSX: one row a subject, or one a subject and
    session."""
    sheet: str | None = None
    """The sheet of a workbook; the first without it."""
    dictionary: Annotated[str, Meta(pattern=r"\.(json|csv)$")] | None = None
    """What describes each column, in the resource: a BIDS JSON dictionary, or REDCap's data
    dictionary as CSV (the table is then REDCap's raw export)."""
    form: str | None = None
    """The REDCap form whose fields are taken; the instrument's name without it."""
    identifiers: Literal["refuse", "omit"] = "refuse"
    """What becomes of fields that REDCap's dictionary flags as identifiers, or that are
    validated as addresses or telephone numbers: `refuse` the instrument, or `omit` the
    fields."""
    subject_column: str = "subject"
    """The column with the archive's subject label."""
    session_column: str | None = None
    """The column that tells the session, where rows are of sessions: the archive's session
    label, or what `sessions` lists. It becomes `session_id`."""
    sessions: Annotated[dict[str, str | None], Meta(min_length=1)] | None = None
    """For each value of `session_column` (a REDCap event, for example) a pattern with * and ?
    for the archive's session label, or null where rows stay behind. BIDS wants each participant
    once in a table, so that several occasions become a table each,
    `<instrument>_<occasion>`."""
    omit: tuple[str, ...] = ()
    """Columns of the table that stay behind."""
    strings: tuple[str, ...] = ()
    """Columns of the table whose free text may leave; searched for dates, labels and people
    whom DICOM headers name, but read it first."""
    assessor: Annotated[str, Meta(pattern="^[A-Za-z0-9_]+:[A-Za-z0-9_]+$")] | None = None
    """The archive's type of the assessors whose fields are taken, for example
    xnat:qcManualAssessorData."""
    per: Literal["subject", "session"] = "subject"
    """Whether the fields are of the `subject` or of the `session`."""
    columns: Annotated[tuple[Column, ...], Meta(min_length=1)] | None = None
    """The fields that are taken. Of an assessor `field` is the path below its type, for example
    scans/scan/quality."""


class DatasetInput(Table, frozen=True, kw_only=True):
    """A part of the dataset that an analysis sees."""

    dataset: Annotated[
        tuple[Annotated[str, Meta(pattern="^[A-Za-z0-9]+$")], ...], Meta(min_length=1)
    ]
    """The suffixes of the files, with their sidecars. A session without any is skipped."""


class Resources(Table, frozen=True, kw_only=True):
    """The resources of a job of an analysis."""

    mem_mb: Annotated[int, Meta(ge=1)] | None = None
    """Memory in MB; 2000 unless written. Another attempt gets as much again, likewise of the
    time."""
    mem_mb_per_gb: Annotated[int, Meta(ge=0)] | None = None
    """MB in addition for each GB of images that the archive holds."""
    runtime: Annotated[int, Meta(ge=1)] | None = None
    """Minutes; 60 unless written."""
    runtime_per_gb: Annotated[int, Meta(ge=0)] | None = None
    """Minutes in addition for each GB of images."""
    threads: Annotated[int, Meta(ge=1)] | None = None
    """Processors; 1 unless written."""


class Analysis(Table, frozen=True, kw_only=True):
    """An analysis of the lab's own, or what is said of a bundled one."""

    name: Name
    """The analysis' name in every path, or that of a bundled one, of which only `inputs`,
    `params` and `resources` can be said."""
    script: NonEmpty | None = None
    """The script: Python (.py), R (.R) or shell (.sh), beside this file or in the working
    folder."""
    notebook: NonEmpty | None = None
    """The Jupyter notebook (.ipynb), in place of a script. It is executed with papermill, kept
    with its outputs and rendered to HTML."""
    env: NonEmpty | None = None
    """Its conda environment, for `--sdm conda`: a YAML file, or the name of one of Coil's own
    in envs/. Without it the analysis runs with what Snakemake runs with."""
    level: Literal["session", "subject", "project"] | None = None
    """What it is run on, each time by itself: a `session` (unless another is written), a
    `subject` or the whole `project`."""
    inputs: Annotated[tuple[str | DatasetInput, ...], Meta(min_length=1), UNIQUE] | None = None
    """What it sees: the `dataset` (unless something else is written), of it only files with
    some suffixes, `{dataset: [bold, events]}`, and results of other analyses by their names."""
    params: dict[str, object] | None = None
    """What the analysis is told, as it likes."""
    resources: Resources | None = None
    """What a job may use."""
    description: str | None = None
    """What the analysis does, for the README of its results; the first line is their title."""
    bidsignore: tuple[str, ...] | None = None
    """Patterns of result files that BIDS has no name for, for .bidsignore."""


class Project(Table, frozen=True, kw_only=True):
    """One study, from the archive's project to the reports that go back."""

    project: NonEmpty
    """The XNAT project's ID."""
    archive: Archive = Archive()
    """Where the data come from."""
    select: Select = Select()
    """Which of the project's imaging sessions are processed."""
    identity: Identity = Identity()
    """How participants are named in the dataset, and what becomes of dates."""
    bids: Bids
    """The dataset."""
    deface: tuple[str, ...] = ("T1w", "T2w", "FLAIR", "PDw", "PDT2", "UNIT1", "MP2RAGE")
    """The suffixes of images whose faces are removed, with the eyes and the brow. An image
    without a recognizable head is refused, but for an even fluid (a phantom) and another part
    of the body by `BodyPartExamined`: these pass whole, and the record tells so."""
    export: Annotated[str, Meta(pattern="^(none|dicom)$")] | Export = "none"
    """Write the series as de-identified DICOM, too: `dicom` into
    results/<project>/dicom/sub-X/ses-Y, or a table of the keys below. By an allow-list per SOP
    class and PS3.15 Annex E; searched for the session's identifiers as the dataset is."""
    participants: tuple[Column, ...] = ()
    """Custom variables of the archive's subjects that become columns of participants.tsv, after
    age, sex and handedness. A value that a column does not allow is an error, and the column is
    left out until it is corrected."""
    sessions: tuple[Column, ...] = ()
    """Custom variables of the archive's sessions that become columns of sessions.tsv,
    likewise."""
    phenotype: tuple[Phenotype, ...] = ()
    """Questionnaires and other measurements that become phenotype/: from a file in a resource
    of the archive's project (`resource`, `file`, `dictionary`), from assessors (`assessor`,
    `columns`), or from custom variables (`columns`). One with an error is left out, the rest of
    the dataset is written."""
    analyses: tuple[str | Analysis, ...] = ("qc",)
    """What runs on the dataset: bundled analyses by their names (`qc`), and scripts and
    notebooks of the lab's own; docs/analyses.md shows how one is written. Each makes a
    derivative dataset results/<project>/derivatives/<name>."""
    push: Push = Push()
    """What goes back to the archive; nothing, unless it is written here."""
