"""The small dataset that an analysis may see, made of hard links."""

from collections.abc import Collection, Mapping
from pathlib import Path

from coil import files
from coil.records.session import SessionRecord
from coil.units import Unit
from coil.workspace import PROJECT

Stamps = dict[Path, tuple[int, int]]


def dataset(
    bids: Path,
    scope: str,
    admitted: Mapping[Unit, SessionRecord],
    suffixes: Collection[str] | None,
    target: Path,
) -> int:
    """Fill `target` with the files of a scope; how many are of its sessions.

    bids        the project's dataset
    admitted    the records of the scope's sessions in the dataset
    suffixes    only files that end so before their extension; None for all
    """
    target.mkdir()
    names = [
        name
        for record in admitted.values()
        for name in record.files
        if suffixes is None or suffix(name) in suffixes
    ]
    for name in names:
        link(bids / name, target / name)
    if scope == PROJECT:
        for path in _shared(bids, {unit.subject for unit in admitted}):
            link(path, target / path.relative_to(bids))
    if not (target / "dataset_description.json").is_file():
        described = {"Name": "What the analysis sees", "BIDSVersion": "1.10.0"}
        files.write_json(target / "dataset_description.json", described | {"DatasetType": "raw"})
    return len(names)


def suffix(name: str) -> str:
    """The last part of a BIDS name before its extension.

    >>> suffix("sub-1/func/sub-1_task-rest_bold.nii.gz")
    'bold'
    """
    return name.rsplit("/", 1)[-1].split(".", 1)[0].rsplit("_", 1)[-1]


def tree(source: Path, target: Path) -> None:
    """Link every file below `source` below `target`, under the same name."""
    for path in sorted(source.rglob("*")):
        if path.is_file():
            link(path, target / path.relative_to(source))


def link(source: Path, target: Path) -> None:
    """Make `target` the same file as `source`; folders between are made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    files.link(source, target)


def stamps(folder: Path) -> Stamps:
    """Size and time of each file, to see whether any was written to."""
    states = {path: path.stat() for path in folder.rglob("*") if path.is_file()}
    return {path: (state.st_size, state.st_mtime_ns) for path, state in states.items()}


def _shared(source: Path, subjects: set[str]) -> list[Path]:
    """The files that describe the dataset, and its subjects' tables of sessions."""
    shared = [path for path in source.glob("*") if path.is_file()]
    shared += [path for path in source.glob("phenotype/*") if path.is_file()]
    of_subjects = (source.glob(f"sub-{subject}/sub-{subject}_sessions.*") for subject in subjects)
    return shared + [path for paths in of_subjects for path in paths]
