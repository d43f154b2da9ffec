"""The words of `bids`: what a dataset says of itself, and how it is made."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from coil.config.model.mapping import Behaviour, Rule
from coil.config.model.table import Address, Day, NonEmpty, Regex, Table, WebAddress

Consequence = Literal["report", "fail"]


class Author(Table, frozen=True, kw_only=True):
    """An author by the parts of the name."""

    family: NonEmpty
    """Family name."""
    given: str | None = None
    """Given names."""
    orcid: Annotated[str, Meta(pattern=r"^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$")] | None = None
    """The ORCID."""
    affiliation: str | None = None
    """Where the author works."""


class Reference(Table, frozen=True, kw_only=True):
    """A publication about the dataset."""

    title: NonEmpty
    """The title."""
    authors: Annotated[tuple[str, ...], Meta(min_length=1)]
    """The authors."""
    doi: str | None = None
    """The DOI."""
    url: WebAddress | None = None
    """The address."""


class SourceDataset(Table, frozen=True, kw_only=True):
    """A dataset that this one was made from."""

    LEAST: ClassVar = 1

    url: Address | None = None
    """The address."""
    doi: str | None = None
    """The DOI."""
    version: str | None = None
    """The version."""


class Release(Table, frozen=True, kw_only=True):
    """An entry of CHANGES."""

    version: Annotated[str, Meta(pattern=r"^\d+(\.\d+)+[A-Za-z0-9.-]*$")]
    """The version."""
    date: Day
    """The day of the release (YYYY-MM-DD)."""
    changes: Annotated[tuple[str, ...], Meta(min_length=1)]
    """What changed."""


class Citation(Table, frozen=True, kw_only=True):
    """The part of CITATION.cff that the dataset's description does not say."""

    message: str = "If you use this dataset, please cite it by these metadata."
    """How the dataset shall be cited."""
    url: WebAddress | None = None
    """The dataset's address."""


class GeneticInfo(Table, frozen=True, kw_only=True):
    """How genetic data were obtained."""

    genetic_level: Annotated[
        tuple[
            Literal[
                "Genetic", "Genomic", "Epigenomic", "Transcriptomic", "Metabolomic", "Proteomic"
            ],
            ...,
        ],
        Meta(min_length=1),
    ]
    """The levels of analysis."""
    analytical_approach: tuple[str, ...] | None = None
    """The methods, in the words of dbGaP."""
    sample_origin: Literal[
        "blood",
        "saliva",
        "brain",
        "csf",
        "breast milk",
        "bile",
        "amniotic fluid",
        "other biospecimen",
    ]
    """Where the samples are from."""
    tissue_origin: (
        Literal["gray matter", "white matter", "csf", "meninges", "macrovascular", "microvascular"]
        | None
    ) = None
    """The tissue."""
    brain_location: str | None = None
    """Where in the brain the tissue is from."""
    cell_type: str | None = None
    """The type of cells."""


class Genetics(Table, frozen=True, kw_only=True):
    """Where the participants' genetic data are."""

    dataset: Address
    """The address where the data can be asked for."""
    database: Address | None = None
    """The address of the database that holds them."""
    descriptors: tuple[str, ...] | None = None
    """Publications about them."""
    info: GeneticInfo | None = None
    """How they were obtained; written as genetic_info.json."""


class Policy(Table, frozen=True, kw_only=True):
    """The consequence of each state of a series for its session."""

    unmapped: Consequence = "report"
    """No rule takes a series."""
    ambiguous: Consequence = "fail"
    """Two rules take a series, or two series would get one name."""
    incomplete: Consequence = "report"
    """A series has less than its rule expects."""
    missing: Consequence = "report"
    """No complete series of a required rule is there."""
    failed: Consequence = "report"
    """The conversion of a series failed."""
    refused: Consequence = "report"
    """The pixels of a series may show text, such as a name."""


class About(Table, frozen=True, kw_only=True):
    """The description of a dataset, also of a merged one."""

    name: NonEmpty
    """The dataset's name in dataset_description.json."""
    authors: tuple[str | Author, ...] = ()
    """The dataset's authors, each a name or a table of its parts."""
    license: str | None = None
    """The dataset's licence, for example CC0; with `citation` a name of SPDX's list, for
    example CC-BY-4.0."""
    keywords: tuple[str, ...] = ()
    """Words that describe the dataset."""
    acknowledgements: str | None = None
    """Who else is thanked."""
    how_to_acknowledge: str | None = None
    """How people who use the dataset shall acknowledge it; with `citation` its `message` says
    so."""
    funding: tuple[str, ...] = ()
    """Sources of funding, with grant numbers."""
    ethics_approvals: tuple[str, ...] = ()
    """Ethics committees' approvals, with their numbers."""
    references: tuple[str | Reference, ...] = ()
    """Publications and links about the dataset, each a text or a table; with `citation`
    tables."""
    doi: Annotated[str, Meta(pattern=r"10\.\d{4,9}/")] | None = None
    """The dataset's DOI."""
    source_datasets: tuple[SourceDataset, ...] = ()
    """The datasets that this one was made from."""
    releases: tuple[Release, ...] = ()
    """The dataset's releases, each an entry of CHANGES; the newest is the version in
    CITATION.cff."""
    citation: Citation | None = None
    """Write a CITATION.cff. It then holds authors, licence and references, which
    dataset_description.json no longer repeats."""
    genetics: Genetics | None = None
    """Where the participants' genetic data can be found. Pointers only; genotypes have no place
    here."""
    bidsignore: tuple[NonEmpty, ...] = ()
    """Patterns of files in the dataset that the validator shall not look at; written as
    .bidsignore."""
    readme: str = ""
    """What the dataset's README says about the study."""


class Bids(About, frozen=True, kw_only=True):
    """The dataset, and how it is made."""

    converter: Literal["dcm2niix", "heudiconv"] = "dcm2niix"
    """What turns DICOM into images: `dcm2niix`, run on each series by itself, or `heudiconv`,
    which runs dcm2niix by a heuristic compiled from the mapping. Both give the same images and
    sidecars; heudiconv takes several times as long, and leaves out field maps whose magnitude
    and field come in one series."""
    policy: Policy = Policy()
    """What a state of a series means for its session: `report` it, leave the series out and go
    on, or `fail` the session."""
    field_maps: Literal["by_rule", "by_match"] = "by_rule"
    """How field maps find what they correct. `by_rule`: the `b0` of the rules says it.
    `by_match`: where a rule has none, an image takes the field map that has its shims and
    covers it, the nearest in time; each choice is told in the session's report."""
    overrides: NonEmpty | None = None
    """A file beside this one, or in the working folder, that says of single series what no rule
    can: by session (`sub-x_ses-y`, as it is called in results/) and scan number. Only the
    sessions convert again of which something else is said."""
    sidecar_keys: tuple[str, ...] = ()
    """Names of sidecar keys that pass although they hold free text; look at what your scanner
    writes there first."""
    synonyms: dict[str, Regex] = {}
    """The site's words: regular expressions by name. `{name}` stands for one in any regular
    expression of a rule."""
    mapping: Annotated[tuple[Rule, ...], Meta(min_length=1)]
    """The rules that turn series into BIDS names, in the words of the scanner's protocol. An
    entry is a rule, or names another source of rules by `use`."""
    behaviour: tuple[Behaviour, ...] = ()
    """Tables of tasks done outside the scanner, from session resources; several files of one
    task become its runs, in the order of their names."""
