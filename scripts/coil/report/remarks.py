"""Why a dataset has the validator's warnings: what each means here, and what would end it."""

import re

from coil.deid.allow_list import sidecar_keys
from coil.records.validation import Issue

_ABSENT_KEY = re.compile(r"_KEY_RECOMMENDED$")
_NAME = re.compile(r"\((\w+)\)$")

_OF_THE_TASK = frozenset(
    ["TaskDescription", "Instructions", "CogAtlasID", "CogPOID", "TaskName", "StimulusPresentation"]
)
_OF_THE_STUDY = frozenset(
    [
        "Authors",
        "License",
        "Funding",
        "EthicsApprovals",
        "Acknowledgements",
        "HowToAcknowledge",
        "Keywords",
        "ReferencesAndLinks",
        "DatasetDOI",
        "SourceDatasets",
        "Genetics",
        "HEDVersion",
        "DatasetLinks",
    ]
)

_TASK = "only the study knows what the task was; the key supplement in the rule can say it"
_STUDY = "the project's config does not say it"
_IDENTIFYING = "left out on purpose: such a value could identify a person or a place"
_ABSENT = "the scanner's files do not give it; the key supplement in the rule can"

_CODES = {
    "B0_FIELD_IDENTIFIER_RECOMMENDED": (
        "no rule says what the field map corrects; give its rule the key b0, or set "
        "field_maps: by_match"
    ),
    "EVENTS_TSV_MISSING": "the archive holds no events of the task, or its rule does not name them",
    "TOO_FEW_AUTHORS": (
        "the project's config names one author or none; or the authors stand in "
        "CITATION.cff, where BIDS wants them and the validator does not count them"
    ),
    "NO_AUTHORS": "the project's config names no authors",
    "README_FILE_SMALL": "the readme in the project's config says little of the study",
    "INCONSISTENT_PARAMETERS": "the scanner's protocol differed between sessions",
    "INCONSISTENT_SUBJECTS": "not every participant has every image",
    "MISSING_SESSION": "not every participant has every session",
    "MISSING_MAGNITUDE1_FILE": "no complete magnitude image of this field map was converted",
    "NIFTI_PIXDIM4": "the header's repetition time is not that of the sidecar",
}


def absent_key(issue: Issue) -> str | None:
    """The key that BIDS recommends and a file lacks, if that is the issue."""
    name = _NAME.search(issue.message)
    return name[1] if name and _ABSENT_KEY.search(issue.code) else None


def reason(issue: Issue) -> str | None:
    """Why a dataset of Coil has an issue, and what would end it; None if that is not known."""
    key = absent_key(issue)
    if key is None:
        return _CODES.get(issue.code)
    if key in _OF_THE_STUDY:
        return _STUDY
    if key in _OF_THE_TASK:
        return _TASK
    return _ABSENT if key in sidecar_keys.RULES else _IDENTIFYING
