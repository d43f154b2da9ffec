"""What a page shows of analyses: what became of each, with its numbers, figures and pages."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from coil.records.analysis import AnalysisRecord, Figure, MeasuredImage
from coil.report import page


@dataclass(frozen=True)
class Picture:
    """A figure in the page itself: what it is called, and the image as a data URI."""

    title: str
    alt: str
    source: str


@dataclass(frozen=True)
class Outcome:
    """One analysis for `parts.analyses`.

    scope    what it was run on, where the page has to say so
    log      the log to read where it failed
    files    how many it has
    pages    links to those that are HTML
    """

    name: str
    scope: str | None
    state: str
    reason: str | None
    log: str | None
    files: int
    numbers: Mapping[str, object]
    figures: tuple[Picture, ...]
    pages: tuple[str, ...]


@dataclass(frozen=True)
class Counts:
    """How often an analysis was done, failed and was skipped."""

    name: str
    done: int
    failed: int
    skipped: int


@dataclass(frozen=True)
class Measured:
    """An image of a session, and the analysis that measured it."""

    by: str
    image: MeasuredImage


def outcome(
    name: str, record: AnalysisRecord, derivatives: Path, scope: str | None = None
) -> Outcome:
    """One analysis, for the page.

    Parameters
    ----------
    name
        Of the analysis.
    record
        Its record.
    derivatives
        The folder with the derivative datasets.
    scope
        What it was run on, where the page has to say so.
    """
    pictures = (_picture(name, figure, derivatives) for figure in record.summary.figures)
    pages = (file for file in record.files if file.endswith(".html"))
    return Outcome(
        name=name,
        scope=scope,
        state=record.state,
        reason=record.reason,
        log=record.log if record.state == "failed" else None,
        files=len(record.files),
        numbers=record.summary.numbers,
        figures=tuple(picture for picture in pictures if picture),
        pages=tuple(f"../derivatives/{name}/{file}" for file in pages),
    )


def images(analyses: Mapping[str, AnalysisRecord]) -> list[Measured]:
    """The images that any of a session's analyses measured."""
    return [
        Measured(name, image)
        for name, record in analyses.items()
        for image in record.summary.images
    ]


def failed(analyses: Mapping[str, AnalysisRecord]) -> list[str]:
    """The names of those that failed."""
    return [name for name, record in analyses.items() if record.state == "failed"]


def counts(records: Iterable[tuple[str, AnalysisRecord]]) -> list[Counts]:
    """How often each analysis was done, failed and was skipped, from names and records."""
    states: dict[str, Counter[str]] = {}
    for name, record in records:
        states.setdefault(name, Counter())[record.state] += 1
    return [Counts(name, of["done"], of["failed"], of["skipped"]) for name, of in states.items()]


def _picture(name: str, figure: Figure, derivatives: Path) -> Picture | None:
    """The figure of an analysis; None where its file is not there."""
    title = figure.title or name
    source = page.data_uri(derivatives / name / figure.file)
    return Picture(title, figure.alt or title, source) if source else None
