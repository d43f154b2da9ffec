"""The page of one session."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from coil import files
from coil.records.analysis import AnalysisRecord, MeasuredImage, Number, Outliers
from coil.records.session import SessionRecord
from coil.report import page, words
from coil.report.analyses import Outcome, Picture, outcome
from coil.report.analyses import images as measured
from coil.words import plural
from coil.workspace import Results


@dataclass(frozen=True)
class OutlierLine:
    """One kind of outliers of an image, in words, and the volumes in which they are."""

    text: str
    count: Number
    volumes: str


@dataclass(frozen=True)
class ImageFigure(Picture):
    """A picture of an image, and the `desc` of its file."""

    kind: str


@dataclass(frozen=True)
class Image:
    """An image for the page: what an analysis measured of it, under the image's own anchor."""

    name: str
    id: str
    file: str
    metrics: Mapping[str, object]
    unavailable: Mapping[str, str]
    outliers: tuple[OutlierLine, ...]
    protocol: Mapping[str, object]
    problem: str | None
    figures: tuple[ImageFigure, ...]


@dataclass(frozen=True)
class SessionPage:
    """The values that the page of a session is made from.

    stage    in words, where the session failed
    counts   of its series by state
    points   what a reader should look at
    issues   of the validator's verdict on the session
    """

    record: SessionRecord
    label: str
    done: bool
    stage: str
    counts: Mapping[str, int]
    analyses: Sequence[Outcome]
    images: Sequence[Image]
    points: Sequence[str]
    issues: Sequence[page.Remark]


def write(out: Path, admit: Path, analyses: Iterable[Path]) -> None:
    """Write the page of a session from its record and those of its analyses."""
    records = {path.stem: AnalysisRecord.read(path) for path in analyses}
    derivatives = Results.of_page(out).derivatives
    files.write_text(out, render(SessionRecord.read(admit), records, derivatives))


def render(record: SessionRecord, analyses: Mapping[str, AnalysisRecord], derivatives: Path) -> str:
    """One session's page as self-contained HTML; the same input gives the same text.

    Parameters
    ----------
    record
        The session's.
    analyses
        The records of its analyses by name.
    derivatives
        The folder with their derivative datasets.
    """
    content = SessionPage(
        record=record,
        label=f"sub-{record.subject} · ses-{record.session}",
        done=record.state == "done",
        stage=words.STAGES.get(record.stage or "", ""),
        counts=page.count_states(row.state for row in record.series),
        analyses=[outcome(name, one, derivatives) for name, one in analyses.items()],
        images=[_image(one.image, derivatives / one.by) for one in measured(analyses)],
        points=points(record, analyses),
        issues=page.issues(record.validator),
    )
    return page.render("session.html", **vars(content))


def points(record: SessionRecord, analyses: Mapping[str, AnalysisRecord]) -> list[str]:
    """The lines on which a reader of this session should look, the most important first."""
    lines = []
    if record.validator and record.validator.errors:
        lines.append(f"The validator found {plural(record.validator.errors, 'error')}.")
    counts = page.count_states(row.state for row in record.series)
    for state in words.ATTENTION:
        if counts.get(state):
            lines.append(f"{plural(counts[state], 'series', 'series')} {state}.")
    for name, one in analyses.items():
        if one.state == "failed":
            lines.append(f"The analysis {name} failed: {(one.reason or '').rstrip('.')}.")
    return lines + [line for one in measured(analyses) for line in _points_of(one.image)]


def _points_of(image: MeasuredImage) -> Iterator[str]:
    name, start = page.base_name(image.file), image.metrics.get("nonsteady_volumes")
    if isinstance(start, int | float) and start:
        yield f"{name}: {plural(int(start), 'volume')} at the start not steady."
    yield from (f"{name}: {outlier(one)}." for one in image.outliers if one.count)


def outlier(outliers: Outliers) -> str:
    """One kind of outliers of an image in words, with the limit they were judged by."""
    units = outliers.units if outliers.of != 1 else outliers.units.rstrip("s")
    return f"{outliers.count:,} of {outliers.of:,} {units} with {outliers.limit}"


def _image(image: MeasuredImage, root: Path) -> Image:
    name = page.base_name(image.file)
    figures = (_figure(path, root, name) for path in image.figures)
    return Image(
        name=name,
        id=name.replace("_", "-"),
        file=image.file,
        metrics=image.metrics,
        unavailable=image.unavailable,
        outliers=tuple(
            OutlierLine(outlier(one), one.count, _volumes(one.volumes)) for one in image.outliers
        ),
        protocol=image.protocol,
        problem=image.problem,
        figures=tuple(figure for figure in figures if figure),
    )


def _figure(path: str, root: Path, name: str) -> ImageFigure | None:
    """The figure of an image called `name`; None where its file is not there."""
    kind = path.rsplit("_desc-", 1)[-1].split("_", 1)[0]
    title, alt = words.FIGURES.get(kind, (kind, kind))
    source = page.data_uri(root / path)
    return ImageFigure(title, f"{alt}: {name}", source, kind) if source else None


def _volumes(numbers: Sequence[Number]) -> str:
    return f"volume{'s' if len(numbers) > 1 else ''} {_ranges(numbers)}" if numbers else ""


def _ranges(numbers: Sequence[Number]) -> str:
    """Sorted numbers with runs drawn together.

    >>> _ranges([1, 2, 3, 7])
    '1\u20133, 7'
    """
    parts: list[list[Number]] = []
    for value in numbers:
        if parts and value == parts[-1][-1] + 1:
            parts[-1].append(value)
        else:
            parts.append([value])
    return ", ".join(f"{p[0]}\u2013{p[-1]}" if len(p) > 1 else str(p[0]) for p in parts)
