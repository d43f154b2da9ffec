"""The page of a project: all sessions, their numbers side by side, what became of the series."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coil import files
from coil.records.analysis import AnalysisRecord
from coil.records.dataset import DatasetRecord, LeftOut
from coil.records.series import SeriesRow
from coil.records.session import SessionRecord
from coil.records.validation import Verdict
from coil.report import analyses, group, page, words
from coil.report.analyses import Measured, Outcome
from coil.workspace import Results


@dataclass(frozen=True)
class Session:
    """A session of the project.

    analyses   the records of its own, by name
    report     a relative link to its page, if it has one
    pushed     whether anything of it was
    """

    record: SessionRecord
    analyses: Mapping[str, AnalysisRecord] = field(default_factory=dict)
    report: str | None = None
    pushed: bool = False


@dataclass(frozen=True)
class Analysis:
    """One analysis, of one session, one subject or the project (`scope`)."""

    name: str
    scope: str
    record: AnalysisRecord


@dataclass(frozen=True)
class Project:
    """A project: its sessions, its analyses, and the verdicts on its datasets.

    name           of the study
    results        its folder, which is called after the project
    participants   how many are in the dataset
    problems       what was left out of it
    validator      the verdict on it; None if it was not judged
    derivatives    the same of each derivative dataset, by its name
    """

    name: str
    results: Results
    sessions: Sequence[Session]
    participants: int
    validator: Verdict | None
    analyses: Sequence[Analysis] = ()
    derivatives: Mapping[str, Verdict] = field(default_factory=dict)
    problems: Sequence[LeftOut] = ()


@dataclass(frozen=True)
class Sources:
    """The files that a project's page is made from.

    admits        the sessions' records
    analyses      those of all analyses
    dataset       what was written of the dataset
    verdict       the validator's on the dataset
    derivatives   its verdicts on the derivative datasets
    """

    admits: Sequence[Path]
    analyses: Sequence[Path]
    dataset: Path
    verdict: Path
    derivatives: Sequence[Path]


@dataclass(frozen=True)
class Cell:
    """A number of the overview, and whether it stands out."""

    text: str
    out: bool


@dataclass(frozen=True)
class Row:
    """A session in the tables of the page.

    total, open   of its series: all, and those that somebody should decide about
    cells         of the overview, by heading
    """

    record: SessionRecord
    label: str
    done: bool
    report: str | None
    push: bool
    images: Sequence[Measured]
    failed_analyses: Sequence[str]
    counts: Mapping[str, int]
    total: int
    open: int
    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class OpenSeries:
    """A series that somebody should decide about, with its session."""

    session: str
    report: str | None
    series: SeriesRow


@dataclass(frozen=True)
class Judged:
    """A derivative dataset: the validator's verdict on it, and the issues of that."""

    validator: Verdict
    issues: Sequence[page.Remark]


@dataclass(frozen=True)
class ProjectPage:
    """The values that the page of a project is made from."""

    project: Project
    sessions: Sequence[Row]
    columns: Sequence[str]
    counts: Mapping[str, int]
    open_series: Sequence[OpenSeries]
    groups: Mapping[str, tuple[list[group.Strip], list[str]]]
    marked: int
    differences: Sequence[group.Difference]
    issues: Sequence[page.Remark]
    derivatives: Mapping[str, Judged]
    counts_of_analyses: Sequence[analyses.Counts]
    analyses: Sequence[Outcome]
    versions: Mapping[str, str]
    limit: float = group.LIMIT
    away: float = group.AWAY
    fewest: int = group.FEWEST


# The overview's columns: heading, suffix, metric, and which image of several stands for it.
_OVERVIEW = (
    ("T1w SNR", "T1w", "snr_air", min),
    ("tSNR", "bold", "tsnr_median", min),
    ("FD mean, mm", "bold", "fd_mean", max),
    ("Slices lost", "dwi", "outlier_slices", max),
)


def write(out: Path, name: str, sources: Sources) -> None:
    """Write the page of a project; `name` is the study's."""
    files.write_text(out, render(read(Results.of_page(out), name, sources)))


def read(results: Results, name: str, sources: Sources) -> Project:
    """The project as its files have it."""
    records = [
        Analysis(path.stem, path.parent.name, AnalysisRecord.read(path))
        for path in sources.analyses
    ]
    by_scope: dict[str, dict[str, AnalysisRecord]] = defaultdict(dict)
    for one in records:
        by_scope[one.scope][one.name] = one.record
    dataset = DatasetRecord.read(sources.dataset)
    return Project(
        name=name,
        results=results,
        sessions=[_session(path, by_scope) for path in sources.admits],
        participants=dataset.subjects,
        validator=Verdict.read(sources.verdict),
        analyses=records,
        derivatives={path.stem: Verdict.read(path) for path in sources.derivatives},
        problems=dataset.problems,
    )


def _session(admit: Path, by_scope: Mapping[str, Mapping[str, AnalysisRecord]]) -> Session:
    unit = admit.parent.name
    return Session(SessionRecord.read(admit), by_scope.get(unit, {}), f"{unit}.html")


def render(project: Project) -> str:
    """A project's page as self-contained HTML; the same input gives the same text."""
    measured = [analyses.images(session.analyses) for session in project.sessions]
    labelled = [
        (_label(session.record), one.image)
        for session, images in zip(project.sessions, measured, strict=True)
        for one in images
    ]
    groups = group.gather(labelled)
    marked = group.outlying(groups)
    rows = [
        _row(session, images, marked)
        for session, images in zip(project.sessions, measured, strict=True)
    ]
    content = ProjectPage(
        project=project,
        sessions=rows,
        columns=_columns({image.suffix for _, image in labelled}),
        counts=page.count_states(one.state for row in rows for one in row.record.series),
        open_series=_open_series(rows),
        groups={name: group.strips(metrics) for name, metrics in groups.items()},
        marked=sum(len(metrics) for metrics in marked.values()),
        differences=group.protocol_differences(labelled),
        issues=page.issues(project.validator),
        derivatives={
            name: Judged(verdict, page.issues(verdict))
            for name, verdict in sorted(project.derivatives.items())
        },
        counts_of_analyses=analyses.counts((one.name, one.record) for one in project.analyses),
        analyses=_outcomes(project),
        versions=page.versions(row.record for row in rows),
    )
    return page.render("project.html", **vars(content))


def _outcomes(project: Project) -> list[Outcome]:
    """The analyses of subjects and of the project; sessions have their own pages."""
    return [
        analyses.outcome(one.name, one.record, project.results.derivatives, one.scope)
        for one in project.analyses
        if "_ses-" not in one.scope
    ]


def _label(record: SessionRecord) -> str:
    return f"sub-{record.subject} ses-{record.session}"


def _row(
    session: Session, images: Sequence[Measured], marked: Mapping[str, Mapping[str, float]]
) -> Row:
    record = session.record
    counts = page.count_states(row.state for row in record.series)
    return Row(
        record=record,
        label=_label(record),
        done=record.state == "done",
        report=session.report,
        push=session.pushed,
        images=images,
        failed_analyses=analyses.failed(session.analyses),
        counts=counts,
        total=len(record.series),
        open=sum(counts.get(state, 0) for state in words.ATTENTION),
        cells=_cells(images, marked),
    )


def _columns(suffixes: set[str]) -> list[str]:
    """The headings of the overview's metrics that any session has."""
    return [heading for heading, suffix, _, _ in _OVERVIEW if suffix in suffixes]


def _cells(
    images: Iterable[Measured], marked: Mapping[str, Mapping[str, float]]
) -> dict[str, Cell]:
    """Heading to the number shown for the session and whether it stands out."""
    cells: dict[str, Cell] = {}
    for heading, suffix, metric, choose in _OVERVIEW:
        of_kind = [one.image for one in images if one.image.suffix == suffix]
        values = {
            image.file: value
            for image in of_kind
            if isinstance(value := image.metrics.get(metric), int | float)
        }
        if values:
            out = any(metric in marked.get(file, {}) for file in values)
            cells[heading] = Cell(words.number(choose(values.values()), even=True), out)
        elif of_kind:
            cells[heading] = Cell("n/a", False)
    return cells


def _open_series(rows: Iterable[Row]) -> list[OpenSeries]:
    """The series that somebody should decide about."""
    return [
        OpenSeries(row.label, row.report, series)
        for row in rows
        for series in row.record.series
        if series.state in words.ATTENTION
    ]
