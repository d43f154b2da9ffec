"""The words of `bids.mapping`, `bids.behaviour` and of overrides."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from coil.columns import ColumnNote
from coil.config.model.table import Label, NonEmpty, OneOrMore, Regex, Table

Direction = Literal["ROW", "COL", "i", "i-", "j", "j-", "AP", "PA", "LR", "RL", "IS", "SI"]
Duplicates = Literal["fail", "runs", "last-complete"]
AslVolume = Literal["control", "label", "m0scan", "deltam", "cbf", "noRF"]
Of = Literal["session", "scan"]
BehaviourKind = Literal["beh", "events"]
Pattern = Regex | None
Columns = Annotated[
    dict[str, ColumnNote],
    Meta(
        description="What the columns hold, each by its name; adds to what the json file of the "
        "table's name says. Only what is described here or there leaves, and of it numbers, and "
        "texts that Levels lists."
    ),
]


class Range(Table, frozen=True, kw_only=True):
    """A range of numbers, each end in it."""

    DEFINITION: ClassVar = "number"

    min: float | None = None
    max: float | None = None


Number = float | Range | None


class Condition(Table, frozen=True, kw_only=True):
    """The keys of a condition, all of which must fit. In the order of their cost: the last
    texts, words and numbers may read every header of the series."""

    DEFINITION: ClassVar = "condition"
    LEAST: ClassVar = 1

    series_description: Pattern = None
    """SeriesDescription."""
    scan_type: Pattern = None
    """The archive's type of the scan."""
    quality: Pattern = None
    """The archive's quality of the scan."""
    note: Pattern = None
    """The archive's note on the scan."""
    protocol_name: Pattern = None
    """ProtocolName."""
    sequence_name: Pattern = None
    """SequenceName or PulseSequenceName."""
    manufacturer: Pattern = None
    """Manufacturer."""
    model: Pattern = None
    """ManufacturerModelName."""
    station: Pattern = None
    """StationName, the scanner's name."""
    sop_class: Pattern = None
    """The SOP class by its name in DICOM, for example Enhanced MR Image Storage."""
    image_type: OneOrMore | None = None
    """Values that ImageType must hold, one or all of a list."""
    phase_encoding: Direction | None = None
    """How the phase is encoded: `ROW` or `COL` (DICOM's word for the axis, which every vendor
    writes), or where the scanner tells the polarity the direction in the image (`i`, `i-`, `j`,
    `j-`) or in the patient (`AP`, `PA`, `LR`, `RL`, `IS`, `SI`)."""
    files: Number = None
    """Number of DICOM files."""
    repetition_time: Number = None
    """RepetitionTime in milliseconds."""
    inversion_time: Number = None
    """InversionTime in milliseconds."""
    flip_angle: Number = None
    """FlipAngle in degrees."""
    rows: Number = None
    """Rows of a slice, also of one in a mosaic."""
    columns: Number = None
    """Columns of a slice."""
    echo_time: Number = None
    """EchoTime in milliseconds, of any echo of the series."""
    slices: Number = None
    """Number of slices of a volume."""
    volumes: Number = None
    """Number of complete volumes of one echo."""
    echoes: Number = None
    """Number of echo times in the series."""
    b_values: Number = None
    """A b-value in s/mm² that an image of the series has."""
    any: "Annotated[tuple[Condition, ...], Meta(min_length=1)] | None" = None
    """Conditions of which at least one must fit; a named group that several could fill takes
    the first that fits."""
    all: "Annotated[tuple[Condition, ...], Meta(min_length=1)] | None" = None
    """Conditions that must all fit, each a table of these keys, for example to ask for one key
    twice."""
    not_: "Condition | None" = msgspec.field(name="not", default=None)
    """A condition that must not fit; its named groups fill nothing."""


class Events(Table, frozen=True, kw_only=True):
    """Where the events of the runs are."""

    DEFINITION: ClassVar = "events"

    resource: str
    """The resource's label."""
    of: Of = "session"
    """Whose resource it is: the `session`'s, or the one that each run's `scan` has."""
    file: str = "*.tsv"
    """A pattern with * and ?, for tab-separated files or `.csv`; `{run}`, `{task}` and other
    entities, and the archive's `{scan}`, are those of the run. Without them as many files as
    runs go to the runs in the order of their names."""
    columns: Columns | None = None


class Recording(Table, frozen=True, kw_only=True):
    """Where recordings of the runs are."""

    DEFINITION: ClassVar = "recording"

    resource: str
    """The resource's label."""
    of: Of = "session"
    """Whose resource it is: the `session`'s, or the one that each run's `scan` has."""
    file: str | None = None
    """A pattern as for events."""
    columns: Columns | None = None
    recording: Label | None = None
    """The label of the `recording` entity."""
    sampling_frequency: Annotated[float, Meta(gt=0)] | None = None
    """Samples a second, where the file's json has no SamplingFrequency."""
    start_time: float | None = None
    """Seconds from the start of the run to the first sample, where the file's json has no
    StartTime."""


class Expect(Table, frozen=True, kw_only=True):
    """The numbers of a complete series."""

    volumes: Number = None
    """Complete volumes of one echo."""
    slices: Number = None
    """Slices of a volume."""
    echoes: Number = None
    """Echo times."""
    files: Number = None
    """DICOM files."""


class B0(Table, frozen=True, kw_only=True):
    """The ties of a series to field maps: names of estimations of the B0 field."""

    identifier: OneOrMore | None = None
    """The field estimations that the series is an input of."""
    source: OneOrMore | None = None
    """The field estimations that correct the series."""


class Rule(Table, frozen=True, kw_only=True):
    """A rule, or (`use`) another source of names."""

    DEFINITION: ClassVar = "rule"
    FORMS: ClassVar = (("match", "to"), ("match", "ignore"), ("use",))

    use: NonEmpty | None = None
    """Another source of names in place of a rule: `reproin`, the names of the ReproIn
    convention; `bidsmap`, the project's and the site's bidsmap in the archive, of XNAT's
    configuration service (`bids/bidsmap`) or the file bidsmap.json in the project's resource
    `config`; or the path of a heudiconv heuristic of the lab's own, beside this file or in the
    working folder. Rules go before sources, which have the priority -1 unless `priority` says
    otherwise; two sources that name a series differently make it ambiguous."""
    match: Condition | None = None
    """What a series must look like; all keys given must fit. Texts are regular expressions,
    searched anywhere, with `(?i)` at their start in capitals or not; named groups can fill
    entities."""
    to: Annotated[str, Meta(pattern="^(derivatives/)?[a-z]+/[A-Za-z0-9]+$")] | None = None
    """The BIDS data type and suffix, for example anat/T1w. A series with a scanner's log of
    physiology (CMRR's _PhysioLog) goes to func/physio, dwi/physio or perf/physio and is named
    after the run before it that is described alike. What the scanner computed is asked for by
    image_type; where raw BIDS has a name for it (dwi/ADC, dwi/FA, anat/T1map) it goes there,
    else `derivatives/perf/cbf` puts it into a derivative dataset of the scanner's."""
    ignore: NonEmpty | None = None
    """Why series like this are left out; listed in every report."""
    entities: dict[str, str | int] | None = None
    """BIDS entities of the name; `{name}` takes a named group of a match. `run: auto` numbers
    the runs in order of acquisition, and `chunk: auto` the images that the converter makes of
    one series for their geometry. Echoes, components (`part`), inversions and flip angles
    within a series are told apart without being written here."""
    expect: Expect | None = None
    """What a complete series has, each a number or `{min, max}`; one with less is left out as
    incomplete, one with more is noted."""
    duplicates: Duplicates | None = None
    """When several complete series get one name: number them as `runs`, take the
    `last-complete`, or `fail`."""
    required: bool | None = None
    """Whether a session without such a series is flagged."""
    priority: int | None = None
    """Of several rules that take a series, the one with the highest priority wins."""
    supplement: dict[str, object] | None = None
    """Sidecar values that the scanner did not write; marked as supplied in the session's
    record."""
    events: Events | Annotated[tuple[Events, ...], Meta(min_length=1)] | None = None
    """Where the events of the runs are, one place or several. Onsets must lie inside the run,
    and each column must be documented."""
    physio: Recording | Annotated[tuple[Recording, ...], Meta(min_length=1)] | None = None
    """Where the physiological recordings of the runs are: tables as BIDS has them, or logs of
    Siemens scanners (.puls, .resp, .ecg and .ext of the PMU; CMRR's .log and DICOM files,
    .dcm), which find their runs by the clock. Each is cut to the run and up to 30 s around
    it."""
    stim: Recording | Annotated[tuple[Recording, ...], Meta(min_length=1)] | None = None
    """Where the recordings of what was presented are, as for physio."""
    aslcontext: Annotated[tuple[AslVolume, ...], Meta(min_length=1)] | None = None
    """The types of an ASL run's volumes, in their order; a shorter list is repeated. Without it
    they come from the headers, where these tell for certain which volume is a label (Siemens
    XA, Philips)."""
    b0: OneOrMore | B0 | None = None
    """A name that ties field maps to the series they correct; written as B0FieldIdentifier and
    B0FieldSource. Alone it says what a field map is for, or what corrects any other series;
    series that do both, as diffusion in two directions, have the two keys. Several runs of a
    field map share a name, and each series takes the one that fits it best."""


class Behaviour(Table, frozen=True, kw_only=True):
    """A table of a task done outside the scanner."""

    task: Label
    """The task's label."""
    kind: BehaviourKind = "beh"
    """`beh`: a table of behaviour; `events`: one with onsets."""
    acquisition: Label | None = None
    """The label of the `acq` entity."""
    resource: str
    """The session resource's label."""
    file: str = "*.tsv"
    """A pattern with * and ?, for tab-separated files or `.csv`."""
    columns: Columns | None = None


class Override(Table, frozen=True, kw_only=True):
    """An override, of one series."""

    LEAST: ClassVar = 1

    to: Annotated[str, Meta(pattern="^[a-z]+/[A-Za-z0-9]+$")] | None = None
    """The BIDS data type and suffix."""
    ignore: NonEmpty | None = None
    """Why this series is left out."""
    entities: dict[str, str | int] | None = None
    """BIDS entities, beside those of the amended rule or in their place."""
    expect: dict[str, object] | None = None
    """What a complete series has, in place of what the amended rule says; `{}` takes it as
    it is."""
    duplicates: Duplicates | None = None
    """What to do when another series gets the same name."""
    supplement: dict[str, object] | None = None
    """Sidecar values that the scanner did not write, beside those of the amended rule."""
    aslcontext: Annotated[tuple[object, ...], Meta(min_length=1)] | None = None
    """What each volume is."""
    b0: str | tuple[object, ...] | dict[str, object] | None = None
    """What the series is to field maps, as in a rule."""


Scan = Annotated[
    str,
    Meta(
        title="scan",
        pattern=r"^\S+$",
        description="The number of a scan. With `to` or `ignore` the entry stands in place of any "
        "rule; without, it amends the rule that takes the series.",
    ),
]
Session = Annotated[
    str,
    Meta(
        title="session",
        pattern="^sub-[0-9A-Za-z]+_ses-[0-9A-Za-z]+$",
        description="A session as it is called in results/: `sub-x_ses-y`.",
    ),
]
Overrides = Annotated[
    dict[Session, Annotated[dict[Scan, Override], Meta(min_length=1)]],
    Meta(description="What is said of single series, by session and scan number."),
]
