"""What the sessions of a dataset share: its description, its participants, its tables.

Everything is derived from the sessions' records, sorted, so that the same sessions give the
same bytes in whatever order they came.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from coil import __version__
from coil.bids import names, tables
from coil.bids.phenotype import Instrument
from coil.bids.tables import UNKNOWN
from coil.files import remove_tree, write_if_changed, write_json

_README = """\
{title}
{line}

{about}This dataset was made from the scanner's DICOM files by Coil. Every series of every session
was either converted by a rule of the project or left out for a stated reason. The images'
metadata were reduced to an allow-list, faces were removed from anatomical images where the
project asks for it, participants and sessions bear pseudonyms, and dates, where there are any,
are moved by a secret number of days per participant.

The dataset holds {sessions} sessions of {subjects} participants.
"""


def write_dataset(
    bids: Path,
    *,
    records: Iterable[dict[str, Any]],
    name: str,
    participants: Mapping[str, Mapping[str, Any]],
    mapping_digest: str,
    authors: Sequence[str] = (),
    license: str | None = None,
    readme: str = "",
    phenotype: Sequence[Instrument] = (),
    versions: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Write the dataset-level files and take out what no admitted session accounts for.

    Parameters
    ----------
    bids
        The dataset's root, with the admitted sessions in `sub-X/ses-Y/`.
    records
        The sessions' records (`admit.json`); only those with state `done` count.
    name, authors, license, readme
        From the project's config.
    participants
        Demographics by subject label: `sex` (or `gender`) and `handedness` as the archive
        writes them. The age is that of the records, at the first session.
    mapping_digest
        SHA-256 of the mapping's rules.
    phenotype
        The questionnaires; rows of participants who are not in the dataset are left out.
    versions
        Versions of more tools, beside those of the records.

    Returns
    -------
    A summary: the numbers of `subjects`, `sessions`, `images` and `instruments`.
    """
    done = sorted(
        (record for record in records if record["state"] == "done"),
        key=lambda record: (record["subject"], record["session"]),
    )
    by_subject: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in done:
        by_subject[record["subject"]].append(record)
    bids.mkdir(parents=True, exist_ok=True)
    _prune(bids, by_subject, {instrument.name for instrument in phenotype})
    # Always anew, so that its time tells a workflow that the dataset is up to date.
    write_json(
        bids / "dataset_description.json",
        _description(name, authors, license, _generated_by(done, mapping_digest, versions or {})),
    )
    about = f"{readme.strip()}\n\n" if readme.strip() else ""
    text = _README.format(
        title=name, line="=" * len(name), about=about, sessions=len(done), subjects=len(by_subject)
    )
    write_if_changed(bids / "README", text)
    _write_participants(bids, by_subject, participants)
    for subject, sessions in by_subject.items():
        _write_sessions(bids / f"sub-{subject}", subject, sessions)
    tables.write_json(bids / "sessions.json", tables.SESSIONS)
    tables.write_json(bids / "scans.json", tables.SCANS)
    for instrument in phenotype:
        _write_phenotype(bids / "phenotype", instrument, set(by_subject))
    return {
        "subjects": len(by_subject),
        "sessions": len(done),
        "images": sum(file.endswith(".nii.gz") for record in done for file in record["files"]),
        "instruments": len(phenotype),
    }


def _description(
    name: str, authors: Sequence[str], license: str | None, generated_by: list[dict[str, str]]
) -> dict[str, Any]:
    return {
        "Name": name,
        "BIDSVersion": names.bids_version(),
        "DatasetType": "raw",
        **({"License": license} if license else {}),
        **({"Authors": list(authors)} if authors else {}),
        "GeneratedBy": generated_by,
    }


def _generated_by(
    done: list[dict[str, Any]], mapping_digest: str, versions: Mapping[str, str]
) -> list[dict[str, str]]:
    """Coil first, then the tools of all records, each with every version that was used."""
    used: dict[str, set[str]] = defaultdict(set)
    for found in (versions, *(record.get("versions") or {} for record in done)):
        for tool, version in found.items():
            used[tool].add(version)
    used.pop("Coil", None)
    coil = {
        "Name": "Coil",
        "Version": __version__,
        "Description": f"Converted by the mapping with SHA-256 {mapping_digest}",
    }
    tools = [{"Name": tool, "Version": ", ".join(sorted(used[tool]))} for tool in sorted(used)]
    return [coil, *tools]


def _write_participants(
    bids: Path,
    by_subject: Mapping[str, list[dict[str, Any]]],
    participants: Mapping[str, Mapping[str, Any]],
) -> None:
    rows = []
    for subject, sessions in by_subject.items():
        known = participants.get(subject, {})
        ages = [record["age"] for record in sessions if record.get("age") is not None]
        rows.append(
            [
                f"sub-{subject}",
                tables.number(min(ages, default=None)),
                tables.sex(known.get("sex") or known.get("gender")),
                tables.handedness(known.get("handedness")),
            ]
        )
    tables.write_table(bids / "participants.tsv", list(tables.PARTICIPANTS), rows)
    tables.write_json(bids / "participants.json", tables.PARTICIPANTS)


def _write_sessions(folder: Path, subject: str, sessions: list[dict[str, Any]]) -> None:
    rows = []
    for record in sessions:
        converted = [row for row in record["series"] if row["state"] == "mapped"]
        times = [row["acq_time"] for row in converted if row.get("acq_time")]
        rows.append(
            [
                f"ses-{record['session']}",
                min(times, default=UNKNOWN),
                tables.number(record.get("age")),
            ]
        )
    tables.write_table(folder / f"sub-{subject}_sessions.tsv", list(tables.SESSIONS), rows)


def _write_phenotype(folder: Path, instrument: Instrument, subjects: set[str]) -> None:
    rows = [row for row in instrument.rows if row[0].removeprefix("sub-") in subjects]
    tables.write_table(folder / f"{instrument.name}.tsv", instrument.header, rows)
    tables.write_json(folder / f"{instrument.name}.json", instrument.dictionary)


def _prune(
    bids: Path, by_subject: Mapping[str, list[dict[str, Any]]], instruments: set[str]
) -> None:
    """Remove subjects, sessions and questionnaires that are no longer accounted for."""
    for folder in bids.glob("sub-*"):
        sessions = {f"ses-{record['session']}" for record in by_subject.get(folder.name[4:], [])}
        if not sessions:
            remove_tree(folder)
            continue
        for session in folder.glob("ses-*"):
            if session.name not in sessions:
                remove_tree(session)
    for path in (bids / "phenotype").glob("*"):
        if path.stem not in instruments:
            path.unlink()
    if not instruments:
        remove_tree(bids / "phenotype")
