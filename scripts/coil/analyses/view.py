"""What an analysis may see: a small dataset of its own, made of hard links."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from coil import files
from coil.analyses import places
from coil.units import Unit

Stamps = dict[Path, tuple[int, int]]


def dataset(
    results: Path,
    place: str,
    admitted: Mapping[Unit, Mapping[str, Any]],
    suffixes: Iterable[str] | None,
    target: Path,
) -> int:
    """Fill `target` with the files of a place; how many are of its sessions.

    results     the project's results
    admitted    the records of the place's sessions in the dataset
    suffixes    only files that end so before their extension; None for all
    """
    source = results / "bids"
    target.mkdir()
    wanted = None if suffixes is None else set(suffixes)
    names = [
        name
        for record in admitted.values()
        for name in record["files"]
        if wanted is None or suffix(name) in wanted
    ]
    for name in names:
        link(source / name, target / name)
    if place == places.PROJECT:
        for path in _shared(source, {unit.subject for unit in admitted}):
            link(path, target / path.relative_to(source))
    if not (target / "dataset_description.json").is_file():
        about = {"Name": "What the analysis sees", "BIDSVersion": "1.10.0", "DatasetType": "raw"}
        files.write_json(target / "dataset_description.json", about)
    return len(names)


def suffix(name: str) -> str:
    """The last part of a BIDS name before its extension.

    >>> suffix("sub-1/func/sub-1_task-rest_bold.nii.gz")
    'bold'
    """
    return name.rsplit("/", 1)[-1].split(".", 1)[0].rsplit("_", 1)[-1]


def tree(source: Path, target: Path) -> None:
    """Link every file below `source` to the same place below `target`."""
    for path in sorted(source.rglob("*")):
        if path.is_file():
            link(path, target / path.relative_to(source))


def link(source: Path, target: Path) -> None:
    """Make `target` the same file as `source`; folders between are made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    files.link(source, target)


def stamps(folder: Path) -> Stamps:
    """Size and time of each file, to see whether any was written to."""
    found = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {path: (state.st_size, state.st_mtime_ns) for path, state in found.items()}


def _shared(source: Path, subjects: set[str]) -> list[Path]:
    """The files that describe the dataset, and its subjects' tables of sessions."""
    found = [path for path in source.glob("*") if path.is_file()]
    found += [path for path in source.glob("phenotype/*") if path.is_file()]
    of_subjects = (source.glob(f"sub-{subject}/sub-{subject}_sessions.*") for subject in subjects)
    return found + [path for paths in of_subjects for path in paths]
