"""What makes a folder of results a valid BIDS derivative dataset."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from coil import files

BIDS_VERSION = "1.10.0"


def describe(
    out: Path,
    name: str,
    generated_by: Sequence[Mapping[str, Any]],
    readme: str,
    ignore: Sequence[str] = (),
    raw: str = "../../bids",
) -> None:
    """Write dataset_description.json, README and .bidsignore of a derivative dataset.

    The same arguments give the same bytes and a file that is right already is left alone,
    so that parallel sessions may all call this.

    out             the dataset's folder
    name            of the dataset
    generated_by    BIDS' GeneratedBy objects: Name, Version, Description, ...
    readme          the text for whoever finds the folder
    ignore          patterns of files that BIDS has no name for yet
    raw             the way from `out` to the dataset it was made from; `bids:raw:` in Sources
    """
    description = {
        "Name": name,
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [dict(entry) for entry in generated_by],
        "DatasetLinks": {"raw": raw},
    }
    out.mkdir(parents=True, exist_ok=True)
    files.write_if_changed(out / "dataset_description.json", files.json_text(description))
    files.write_if_changed(out / "README", readme.strip() + "\n")
    if ignore:
        files.write_if_changed(out / ".bidsignore", "".join(f"{line}\n" for line in ignore))


def derived_name(source: str, desc: str, suffix: str, extension: str) -> str:
    """The file name of what was made from a raw image.

    >>> derived_name("sub-1/func/sub-1_task-rest_bold.nii.gz", "motion", "timeseries", ".tsv")
    'sub-1_task-rest_desc-motion_timeseries.tsv'
    """
    entities = source.rsplit("/", 1)[-1].split(".", 1)[0].rsplit("_", 1)[0]
    return f"{entities}_desc-{desc}_{suffix}{extension}"
