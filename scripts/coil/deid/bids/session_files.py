"""The files of one session, each cleaned by what it is, and the count of what stayed behind."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coil.deid.bids.recordings import clean_described, clean_samples
from coil.deid.bids.session_search import SessionSearch
from coil.deid.bids.sidecar import clean_sidecar, dump_sidecar, read_object
from coil.deid.bids.tables import (
    PRESENTATION,
    clean_asl_context,
    clean_behaviour,
    clean_column_notes,
    clean_events,
    clean_numbers,
    numbering,
)
from coil.deid.bids.terms import Terms
from coil.deid.bids.trees import RECORDINGS, TABLES, Tree
from coil.deid.nifti import clean_nifti
from coil.errors import DataError
from coil.files import JsonObject, packed
from coil.records.series import SeriesRow
from coil.records.session import DefacedImage


@dataclass
class Tally:
    """The count of what was removed and kept of a session's files, by name."""

    removed_keys: Counter[str] = field(default_factory=Counter[str])
    kept_keys: Counter[str] = field(default_factory=Counter[str])
    header_fields: Counter[str] = field(default_factory=Counter[str])
    columns: Counter[str] = field(default_factory=Counter[str])
    deface: list[DefacedImage] = field(default_factory=list[DefacedImage])


class SessionAnonymizer:
    """Writes the files of one session, cleaned, to where its trees go."""

    def __init__(self, search: SessionSearch, terms: Terms, series: Iterable[SeriesRow]) -> None:
        """`series` tells what the config itself supplied to sidecars, which may leave."""
        self.tally = Tally()
        self._search, self._terms = search, terms
        self._supplied: Mapping[str, frozenset[str]] = {
            re.sub(r"\.nii\.gz$", "", name): frozenset(row.supplied or ())
            for row in series
            for name in row.files or ()
        }
        self._faces: list[tuple[Tree, Path]] = []

    def write(self, trees: Iterable[Tree]) -> None:
        """Write all known files of the trees; the images that lose their faces last, together."""
        for tree in trees:
            for path in tree.known():
                self._write(tree, path)
        self._remove_faces()

    def _write(self, tree: Tree, path: Path) -> None:
        target = tree.target(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        stem, _, extension = path.name.partition(".")
        suffix = stem.rpartition("_")[2]
        if extension == "nii.gz" and suffix in self._terms.deface:
            self._faces.append((tree, path))
        elif extension == "nii.gz":
            self.tally.header_fields.update(clean_nifti(path, target))
        elif extension == "json":
            name = tree.listed(path).removesuffix(".json")
            target.write_bytes(self._json(path, suffix, name))
        elif extension == "tsv.gz":
            described = self._recording(path.with_name(f"{stem}.json"))
            target.write_bytes(packed(clean_samples(path, described["Columns"])))
        elif extension == "tsv" and suffix == "aslcontext":
            self._write_table(target, *clean_asl_context(path))
        elif extension == "tsv":
            self._write_table(target, *self._table(path))
        else:
            target.write_bytes(clean_numbers(path))

    def _remove_faces(self) -> None:
        """Write the images that lose their faces, those of one acquisition by one mask."""
        if not self._faces:
            return
        from coil.deid.deface import deface_together  # nibabel and scipy take long

        pairs = [(path, tree.target(path)) for tree, path in self._faces]
        for (tree, path), result in zip(self._faces, deface_together(pairs), strict=True):
            self.tally.deface.append(result.image(tree.listed(tree.target(path))))
            self.tally.header_fields.update(result.removed)

    def _write_table(self, target: Path, data: bytes, removed: list[str]) -> None:
        target.write_bytes(data)
        self.tally.columns.update(removed)

    def _json(self, path: Path, suffix: str, name: str) -> bytes:
        """The bytes of a json file that may leave: of a table, a recording or an image."""
        if suffix in TABLES:
            return self._json_of_table(path)
        if suffix in RECORDINGS:
            return dump_sidecar(self._recording(path))
        return self._sidecar(path, name)

    def _json_of_table(self, path: Path) -> bytes:
        """The json of a table: of the columns that leave, and of how stimuli were presented."""
        if not path.with_suffix(".tsv").is_file():
            raise DataError(f"{path.name}: describes no table; convert the session again")
        data, _ = self._table(path.with_suffix(".tsv"))
        columns = data.decode().partition("\n")[0].split("\t")
        notes = self._column_notes(path)
        return dump_sidecar(
            {name: notes[name] for name in (*columns, PRESENTATION) if name in notes}
        )

    def _sidecar(self, path: Path, name: str) -> bytes:
        """The keys of an image's sidecar that may leave; a text that passes its rule but holds an
        identifier stays behind."""
        task = re.search("_task-([0-9A-Za-z]+)", path.name)
        unchecked = self._terms.sidecar_keys
        allow = unchecked | self._supplied.get(name, frozenset())
        kept, removed = clean_sidecar(read_object(path), allow, task=task[1] if task else None)
        if "TimeZero" in kept and not self._terms.keeps_times:
            kept["TimeZero"] = "00:00:00"  # the other times of PET count from it
        identified = [
            key
            for key, value in kept.items()
            if key not in unchecked and self._search.holds(json.dumps(value, ensure_ascii=False))
        ]
        self.tally.removed_keys.update(removed + identified)
        leaving = {key: value for key, value in kept.items() if key not in identified}
        self.tally.kept_keys.update(leaving.keys())
        return dump_sidecar(leaving)

    def _table(self, path: Path) -> tuple[bytes, list[str]]:
        """The part of a table that may leave, and the columns that may not."""
        clean = clean_events if path.stem.endswith("_events") else clean_behaviour
        notes = self._column_notes(path.with_suffix(".json"))
        for column in numbering(path, self._search.numbers):
            notes.pop(column, None)
        return clean(path, self._terms.sidecar_keys, notes)

    def _column_notes(self, path: Path) -> JsonObject:
        """The notes on a table's columns that may leave; none where there is no such file."""
        if not path.is_file() or path.is_symlink():
            return {}
        return clean_column_notes(read_object(path), self._terms.sidecar_keys, self._search.holds)

    def _recording(self, path: Path) -> JsonObject:
        """The json of a recording, cleaned."""
        if not path.is_file() or path.is_symlink():
            raise DataError(f"{path.name}: missing; convert the session again")
        return clean_described(read_object(path), path.name, self._search.holds)
