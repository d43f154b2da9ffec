"""The derivative dataset of what the scanners computed and raw BIDS has no name for."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from coil import __version__
from coil.bids import names
from coil.bids.validate import validate
from coil.files import read_json, remove_tree, write_if_changed, write_json
from coil.records.session import SessionRecord
from coil.records.validation import Verdict
from coil.workspace import Results

_README = """\
What the scanners computed
==========================

These images were computed by the scanners' own software, from the raw data in this study's
dataset, and delivered with them. BIDS has no name for them among raw data. How they were
computed is the manufacturers' to say. They were converted and anonymized as the raw data were.
"""
_TELLING = ("Manufacturer", "ManufacturersModelName", "SoftwareVersions")


def folder(dataset: Path) -> Path:
    """The folder of the derivative dataset of a raw `dataset`."""
    return dataset.parent / "derivatives" / "scanner"


def part(files: Iterable[Path], bids: Path) -> list[Path]:
    """Move files from `bids`/sub-X/ses-Y/derivatives/ to derivatives/sub-X/ses-Y/ beside `bids`.

    Their sidecars say what BIDS asks of a derivative: that the skull is there, unless the
    config knows better.
    """
    moved = []
    for path in files:
        subject, session, derivatives, *rest = path.relative_to(bids).parts
        target = bids.parent.joinpath(derivatives, subject, session, *rest)
        target.parent.mkdir(parents=True, exist_ok=True)
        moved.append(path.rename(target))
        if target.suffix == ".json":
            write_json(target, {"SkullStripped": False} | read_json(target))
    return moved


def unnamed(listed: Iterable[str]) -> list[str]:
    """The .bidsignore that files need for which BIDS has no name among derivatives, either."""
    suffixes = {names.split(name)[1] for name in listed}
    known = {suffix for _, suffix in names.kinds()}
    return [f"*_{suffix}.*" for suffix in sorted(suffixes - known)]


def judge(verdict: Path, records: Iterable[Path], authors: Sequence[str]) -> Verdict:
    """Write the dataset of what the scanners computed for the sessions of a project.

    Parameters
    ----------
    verdict
        The file for the verdict, beside the derivative dataset.
    records
        Those of all sessions of the project.
    authors
        The study's.

    Returns
    -------
    The validator's verdict.
    """
    sessions = [SessionRecord.read(path) for path in records]
    return write(Results.of_verdict(verdict).bids, sessions, authors)


def write(dataset: Path, records: Iterable[SessionRecord], authors: Sequence[str] = ()) -> Verdict:
    """Describe the derivative dataset of a raw `dataset`, and let the validator judge it.

    Sessions that are in no record are taken out; with none left the whole dataset is.

    Parameters
    ----------
    dataset
        The raw dataset.
    records
        The sessions' records.
    authors
        The study's.

    Returns
    -------
    The validator's verdict.
    """
    target = folder(dataset)
    listed = [name for record in records for name in record.derivatives]
    kept = {tuple(name.split("/")[1:3]) for name in listed}
    for session in target.glob("sub-*/ses-*"):
        if (session.parent.name, session.name) not in kept:
            remove_tree(session)
            if not any(session.parent.iterdir()):
                session.parent.rmdir()
    if not listed:
        remove_tree(target)
        return Verdict()
    description = {
        "Name": "What the scanners computed",
        "BIDSVersion": names.bids_version(),
        "DatasetType": "derivative",
        **({"Authors": list(authors)} if authors else {}),
        "GeneratedBy": [
            *_scanners(sorted(target.glob("sub-*/ses-*/*/*.json"))),
            {"Name": "Coil", "Version": __version__, "Description": "Conversion, anonymization"},
        ],
        "SourceDatasets": [{"URL": "bids:raw:"}],
        "DatasetLinks": {"raw": "../../bids"},
    }
    write_json(target / "dataset_description.json", description)
    write_if_changed(target / "README", _README)
    ignore = unnamed(listed)
    write_if_changed(target / ".bidsignore", "".join(f"{line}\n" for line in ignore))
    return validate(target)


def _scanners(sidecars: Iterable[Path]) -> list[dict[str, str]]:
    """The makers of the images, by what of them may stand in sidecars."""
    found = set()
    for path in sidecars:
        sidecar = read_json(path)
        maker, model, software = (str(sidecar.get(key) or "") for key in _TELLING)
        found.add((" ".join(filter(None, (maker, model))) or "scanner", software))
    return [
        {"Name": name} | ({"Version": software} if software else {})
        for name, software in sorted(found)
    ]
