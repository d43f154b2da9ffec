"""The derivative dataset of an analysis: its description, and what no longer belongs to it."""

from collections.abc import Collection, Sequence
from pathlib import Path

from coil import __version__, files
from coil.analyses import scopes
from coil.analyses.description import Description
from coil.bids import names
from coil.bids.validate import validate
from coil.records.analysis import AnalysisRecord
from coil.records.validation import Verdict
from coil.workspace import PROJECT


def judge(records: Sequence[Path], description: Description, verdict: Path) -> None:
    """Describe a derivative dataset and write the validator's verdict on it.

    records         those of the analysis, in the folder of a scope each
    description     what the dataset says of itself
    verdict         the file to write; the dataset is the folder of the same name
    """
    dataset = verdict.with_suffix("")
    kept = [path.parent.name for path in records if AnalysisRecord.read(path).files]
    left = write(dataset, description, kept)
    (validate(dataset) if left else Verdict()).write(verdict)


def write(dataset: Path, description: Description, kept: Collection[str]) -> bool:
    """Describe a derivative dataset and take out scopes that are gone; whether anything is left.

    dataset         its folder
    description     what it says of itself
    kept            the scopes that have results
    """
    if not kept:
        files.remove_tree(dataset)
        return False
    if PROJECT not in kept:
        _prune(dataset, {scopes.folder(scope) for scope in kept})
    for name, text in _texts(description).items():
        files.write_if_changed(dataset / name, text)
    if not description.bidsignore:
        (dataset / ".bidsignore").unlink(missing_ok=True)
    return True


def _texts(description: Description) -> dict[str, str]:
    """The files at the root of the dataset, by name."""
    name = description.name
    about = description.description.strip() or f"Results of the analysis {name}"
    readme = f"{about}\n\nMade by the analysis `{name}`, once for each {description.level}.\n"
    fields = _dataset_description(description, title=about.splitlines()[0])
    texts = {"dataset_description.json": files.json_text(fields), "README": readme}
    if description.bidsignore:
        texts[".bidsignore"] = "".join(f"{line}\n" for line in description.bidsignore)
    return texts


def _dataset_description(description: Description, title: str) -> dict[str, object]:
    """The fields of dataset_description.json."""
    name = description.name
    coil = {"Name": "Coil", "Version": __version__, "Description": f"ran the analysis {name}"}
    links = {"raw": "../../bids"} | {other: f"../{other}" for other in description.others}
    return {
        "Name": title,
        "BIDSVersion": names.bids_version(),
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": name, "Description": title}, coil],
        "SourceDatasets": [{"URL": f"bids:{link}:"} for link in links],
        "DatasetLinks": links,
    }


def _prune(dataset: Path, kept: Collection[str]) -> None:
    """Remove the folders of sessions and subjects that have no result."""
    for subject in dataset.glob("sub-*"):
        if subject.name in kept:
            continue
        for session in subject.iterdir():
            if f"{subject.name}/{session.name}" not in kept:
                files.remove_tree(session)
        if not any(subject.iterdir()):
            subject.rmdir()
