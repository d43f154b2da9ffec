"""The record of an analysis: `results/<project>/records/<scope>/<name>.json`, with its summary.

A script writes its summary as `summary.json`, in a form that is public and has no version of its
own: coil/analyses/summary.schema.yaml says it to who writes one, these types to who reads it.
"""

from typing import ClassVar, Literal

from msgspec import field

from coil.records import Part, Record

Level = Literal["session", "subject", "project"]
"""The part of a project that an analysis is run on, each by itself."""
Number = int | float


class Figure(Part, frozen=True, kw_only=True, omit_defaults=True):
    """A picture for the page; `file` is relative to the derivative dataset."""

    file: str
    title: str | None = None
    alt: str | None = None


class Outliers(Part, frozen=True, kw_only=True):
    """The things that stand out in an image: `count` of the `of` things that `units` names.

    limit       beyond which one stands out, in words
    volumes     in which that is, from 0
    """

    units: str = field(name="unit")
    limit: str
    count: Number
    of: Number
    volumes: tuple[Number, ...]


class MeasuredImage(Part, frozen=True, kw_only=True):
    """The measures of one image of the dataset.

    metrics         name to number, None where it means nothing
    unavailable     the reason for each None
    protocol        how it was acquired, by the keys of BIDS
    figures         relative to the derivative dataset
    problem         why it could not be measured
    """

    file: str
    suffix: str
    metrics: dict[str, object]
    unavailable: dict[str, str] = {}
    outliers: tuple[Outliers, ...] = ()
    protocol: dict[str, object] = {}
    figures: tuple[str, ...] = ()
    problem: str | None = None


class Summary(Part, frozen=True, kw_only=True, omit_defaults=True):
    """The results of an analysis in its own words, for the record and the pages.

    numbers     for a small table, by what they are
    problem     why it counts as failed though its results are kept
    skipped     why there was nothing to be done
    """

    numbers: dict[str, Number | str | None] = {}
    figures: tuple[Figure, ...] = ()
    images: tuple[MeasuredImage, ...] = ()
    problem: str | None = None
    skipped: str | None = None


class AnalysisRecord(Record, frozen=True, kw_only=True):
    """An analysis that was done, that failed, or that had nothing to be done (`skipped`).

    stage, reason, log   of the failure: the analysis, one line, the log to read
    retry                whether the next invocation tries again by itself
    files                in the derivative dataset, relative to it
    """

    VERSION: ClassVar[int] = 1

    state: Literal["done", "failed", "skipped"]
    stage: str
    reason: str | None = None
    log: str
    retry: bool = False
    files: tuple[str, ...] = ()
    summary: Summary = Summary()
