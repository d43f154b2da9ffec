"""Several projects' datasets merged into one.

Images and sidecars are hard links to those of the projects' own datasets, so that a merged
dataset takes no room. What names a participant is written anew where labels get their site.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from coil import files
from coil.bids.dataset import tables
from coil.bids.dataset.dataset import Problems, describe
from coil.bids.dataset.description import Generator, generated_by, readme, write_description
from coil.bids.dataset.merged_tables import SITE, Table, joined, site_note, unlike, with_site
from coil.bids.dataset.parts import Part, parts_of
from coil.errors import DataError
from coil.files import read_json, write_if_changed
from coil.records.dataset import DatasetRecord
from coil.workspace import Results

_TEXT = re.compile(r"\.(json|tsv)$")  # what may hold a participant's label
_OWN = frozenset(
    {
        "dataset_description.json", "README", "CHANGES", "CITATION.cff", ".bidsignore",
        "genetic_info.json",
    }
)  # fmt: skip


def merge_projects(
    target: Path,
    entry: Mapping[str, Any],
    datasets: Iterable[Path],
    records: Iterable[Path],
    code: str,
) -> DatasetRecord:
    """Write the merged dataset of an entry of the config's `merged`; its record.

    Parameters
    ----------
    target
        The merged dataset's root.
    entry
        The entry.
    datasets, records
        What was written of the projects' datasets, and what became of their sessions.
    code
        A digest of what made the sessions.
    """
    parts = parts_of(entry, map(Results.of_dataset, datasets), records)
    done = [record for part in parts for record in part.records]
    return merge(target, parts, entry["bids"], generated_by(done, {"code": code}))


def merge(
    target: Path,
    parts: Sequence[Part],
    about: Mapping[str, Any],
    generated_by: Sequence[Generator],
) -> DatasetRecord:
    """Write the merged dataset to `target`, and take out what no part has any more.

    Parameters
    ----------
    target
        The merged dataset's root.
    parts
        The projects' datasets, whose dataset-level files are written.
    about
        What the merged dataset says of itself, with the keys of a project's `bids`.
    generated_by
        See `coil.bids.dataset.description.generated_by`.

    Raises
    ------
    DataError
        If two parts have a participant of one label.
    """
    parts = sorted(parts, key=lambda part: part.project)
    _check_labels(parts)
    problems = Problems()
    target.mkdir(parents=True, exist_ok=True)
    written = {name for part in parts for name in _sessions(part, target)}
    describe(target / "scans.json", tables.SCANS, written)
    written |= _write_participants(target, parts, problems)
    written |= _write_session_tables(target, parts, problems)
    instruments = _write_phenotype(target, parts, problems)
    written |= {f"phenotype/{name}{end}" for name in instruments for end in (".tsv", ".json")}
    written |= set(_configs(target, parts))
    _prune(target, written | _OWN | {"scans.json"})
    sessions = sum(len(part.records) for part in parts)
    subjects = sum(len(part.subjects) for part in parts)
    write_description(target, about, generated_by, readme(about, sessions, subjects))
    return DatasetRecord(
        subjects=subjects,
        sessions=sessions,
        images=sum(name.endswith(".nii.gz") for name in written),
        instruments=len(instruments),
        problems=tuple(problems.parts),
        projects=tuple(part.project for part in parts),
    )


def _configs(target: Path, parts: Iterable[Part]) -> Iterator[str]:
    """Bring over what each project's config says of its dataset; yields the copies' names."""
    for part in parts:
        copy = part.bids / "code" / "coil.yaml"
        if copy.is_file():
            _link(copy, target / "code" / f"{part.project}.yaml")
            yield f"code/{part.project}.yaml"


def _check_labels(parts: Iterable[Part]) -> None:
    owner: dict[str, str] = {}
    for part in parts:
        for subject in sorted(part.subjects):
            label = part.prefix + subject
            other = owner.setdefault(label.lower(), part.project)
            if other != part.project:
                raise DataError(
                    f"{other} and {part.project} both have a participant sub-{label}; write "
                    "`site: entity`, so that labels begin with their site, or give the projects "
                    "pseudonyms (identity.subjects: hmac)"
                )


def _sessions(part: Part, target: Path) -> Iterator[str]:
    """Bring the sessions' files over; yields their names in the merged dataset."""
    for record in part.records:
        for name in sorted(record.files):
            new = part.renamed(name)
            source, place = part.bids / name, target / new
            if part.prefix and _TEXT.search(name):
                place.parent.mkdir(parents=True, exist_ok=True)
                write_if_changed(place, part.renamed(source.read_text(encoding="utf-8")))
            else:
                _link(source, place)
            yield new


def _write_participants(target: Path, parts: Sequence[Part], problems: Problems) -> set[str]:
    parts = [part for part in parts if part.records]
    if not parts:
        return set()
    tables_of = {part.project: Table.read(part.bids / "participants.tsv") for part in parts}
    kept = _alike(tables_of, "participants.tsv", problems)
    merged = joined(
        {part.project: with_site(_renamed(kept[part.project], part), part.site) for part in parts}
    )
    tables.write_table(target / "participants.tsv", merged.header, merged.rows)
    names = {part.site: read_json(part.bids / "dataset_description.json")["Name"] for part in parts}
    first, *others = merged.dictionary.items()
    tables.write_json(
        target / "participants.json", dict([first, (SITE, site_note(names)), *others])
    )
    return {"participants.tsv", "participants.json"}


def _write_session_tables(target: Path, parts: Sequence[Part], problems: Problems) -> set[str]:
    """sub-X_sessions.tsv of every participant, and sessions.json for all."""
    written: set[str] = set()
    described: dict[str, Table] = {}
    for part in parts:
        if part.records:
            notes = read_json(part.bids / "sessions.json")
            described[part.project] = Table([*notes], [], notes)
    wrong = unlike(described)
    for column in sorted(wrong):
        problems.attempt(f"sessions.tsv, column {column}", lambda c=column: _refuse(wrong[c]))
    for part in parts:
        for subject in sorted(part.subjects):
            name = f"sub-{subject}/sub-{subject}_sessions.tsv"
            table = Table.read(part.bids / name, part.bids / "sessions.json").without(wrong)
            new = part.renamed(name)
            tables.write_table(target / new, table.header, table.rows)
            written.add(new)
    merged = joined({project: table.without(wrong) for project, table in described.items()})
    describe(target / "sessions.json", merged.dictionary, written)
    return {*written, "sessions.json"}


def _write_phenotype(target: Path, parts: Sequence[Part], problems: Problems) -> list[str]:
    """The instruments of all parts by name; returns those that were written."""
    by_name: dict[str, dict[str, Table]] = {}
    for part in parts:
        for path in sorted((part.bids / "phenotype").glob("*.tsv")):
            table = _renamed(Table.read(path), part)
            by_name.setdefault(path.stem, {})[part.project] = table
    written = []
    for name, parts_of_it in sorted(by_name.items()):
        merged = problems.attempt(f"phenotype/{name}", lambda one=parts_of_it: joined(one))
        if merged is not None:
            tables.write_table(target / "phenotype" / f"{name}.tsv", merged.header, merged.rows)
            tables.write_json(target / "phenotype" / f"{name}.json", merged.dictionary)
            written.append(name)
    return written


def _alike(originals: Mapping[str, Table], what: str, problems: Problems) -> dict[str, Table]:
    """The tables without the columns that they describe differently, which are told."""
    wrong = unlike(originals)
    for column in sorted(wrong):
        problems.attempt(f"{what}, column {column}", lambda c=column: _refuse(wrong[c]))
    return {project: table.without(wrong) for project, table in originals.items()}


def _refuse(reason: str) -> None:
    raise DataError(reason)


def _renamed(table: Table, part: Part) -> Table:
    rows = [[part.renamed(row[0]), *row[1:]] for row in table.rows]
    return Table(table.header, rows, table.dictionary)


def _link(source: Path, place: Path) -> None:
    """A hard link, or a copy where the file system has none; one that is there stays."""
    if place.is_file():
        if place.samefile(source):
            return
        place.unlink()
    place.parent.mkdir(parents=True, exist_ok=True)
    files.link(source, place)


def _prune(target: Path, kept: set[str]) -> None:
    """Remove the files that no part has any more, and the folders that are empty then."""
    for folder, _, names in os.walk(target, topdown=False):
        for name in names:
            path = Path(folder, name)
            if path.relative_to(target).as_posix() not in kept:
                path.unlink()
        if not any(Path(folder).iterdir()) and Path(folder) != target:
            Path(folder).rmdir()
