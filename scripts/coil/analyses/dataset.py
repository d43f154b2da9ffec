"""The derivative dataset of an analysis: what makes it one, and what no longer belongs to it."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from coil import __version__, files
from coil.analyses import places
from coil.bids import names


def write(dataset: Path, about: Mapping[str, Any], kept: Collection[str]) -> bool:
    """Describe a derivative dataset and take out places that are gone; whether anything is left.

    dataset     its folder
    about       `definitions.Analysis.about`
    kept        the places that have results
    """
    if not kept:
        files.remove_tree(dataset)
        return False
    if places.PROJECT not in kept:
        _prune(dataset, {places.folder(place) for place in kept})
    for name, text in _texts(about).items():
        files.write_if_changed(dataset / name, text)
    if not about["bidsignore"]:
        (dataset / ".bidsignore").unlink(missing_ok=True)
    return True


def _texts(about: Mapping[str, Any]) -> dict[str, str]:
    """The files at the root of the dataset, by name."""
    name = about["name"]
    told = about["description"].strip() or f"Results of the analysis {name}"
    title = told.splitlines()[0]
    coil = {"Name": "Coil", "Version": __version__, "Description": f"ran the analysis {name}"}
    links = {"raw": "../../bids"} | {other: f"../{other}" for other in about["others"]}
    description = {
        "Name": title,
        "BIDSVersion": names.bids_version(),
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": name, "Description": title}, coil],
        "SourceDatasets": [{"URL": f"bids:{link}:"} for link in links],
        "DatasetLinks": links,
    }
    readme = f"{told}\n\nMade by the analysis `{name}`, once for each {about['level']}.\n"
    texts = {"dataset_description.json": files.json_text(description), "README": readme}
    if about["bidsignore"]:
        texts[".bidsignore"] = "".join(f"{line}\n" for line in about["bidsignore"])
    return texts


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
