"""The one door from the quarantine to the dataset.

What is not a known kind of file, in a known place, with checked contents, stays behind. At the
end the candidate is searched for the session's own identifiers; one hit and nothing leaves.
"""

import json
import re
from collections import Counter
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any

from coil import passing
from coil.deid.bids.descriptions import tell
from coil.deid.bids.recordings import clean_described, clean_samples
from coil.deid.bids.sidecar import clean_sidecar, dump_sidecar
from coil.deid.bids.tables import (
    PRESENTATION,
    clean_asl_context,
    clean_behaviour,
    clean_column_notes,
    clean_events,
    clean_numbers,
    numbering,
)
from coil.deid.bids.trees import RECORDINGS, TABLES, Tree
from coil.deid.identity.dates import NOT_KNOWN, acq_time, shift_days
from coil.deid.leak.headers import collect, session_age
from coil.deid.leak.people import write as note_people
from coil.deid.leak.search import Searcher, labels_of, redact, search_with
from coil.deid.nifti import clean_nifti
from coil.errors import DataError, LeakError
from coil.files import packed, read_json, remove_tree, sha256

ROW = "scan folder description state rule name reason volumes expected files acq_time supplied"


def admit_session(
    pulled: Path,
    converted: Path,
    candidate: Path,
    *,
    subject: str,
    session: str,
    secret: bytes,
    subject_id: str,
    project: str = "",
    dates: str = "shift",
    time_of_day: str = "keep",
    deface: Collection[str] = (),
    allow_keys: Collection[str] = (),
    words: Collection[str] = (),
    derivatives: Path | None = None,
    people: Path | None = None,
) -> dict[str, Any]:
    """Build `candidate/sub-<subject>/ses-<session>` from a converted session.

    `deface` names the suffixes whose images lose their faces, `allow_keys` the sidecar keys and
    the columns of events that pass unchecked, `words` what a series' description may say beside
    the words of protocols; what the scanner computed goes below `derivatives`; `people` is where
    those are noted whom the headers name (see `coil.deid.leak.people`). Returns what the
    record of the session tells of this stage: series, files and derivatives (with SHA-256), age,
    deface, leak_check, removed, kept.

    Raises DataError, naming a file and a kind of identifier but no value, if something in the
    session cannot be checked or would leak; nothing is left in `candidate` then.
    """
    trees = [Tree(converted / "bids", candidate, subject, session)]
    if derivatives is not None:
        source = converted / "derivatives"
        trees.append(Tree(source, derivatives, subject, session, prefix="derivatives/"))
    try:
        anonymizer = SessionAnonymizer(pulled, trees)
        anonymizer.allow, anonymizer.words = frozenset(allow_keys), frozenset(words)
        days = shift_days(secret, project, subject_id)
        times = {"dates": dates, "time_of_day": time_of_day}
        anonymizer.prepare(keep_times=dates == "shift" and time_of_day == "keep")
        if people is not None:
            note_people(people, anonymizer.identifiers.people, secret)
        for tree in trees:
            for path in tree.known():
                anonymizer.pass_file(tree, path, frozenset(deface))
        anonymizer.remove_faces()
        rows = [anonymizer.series_row(row, days, times) for row in anonymizer.record["series"]]
        anonymizer.write_scans(rows)
        return anonymizer.finish(rows)
    except BaseException:
        for tree in trees:
            remove_tree(tree.out / tree.inner)
        raise


class SessionAnonymizer:
    """One session on its way out."""

    def __init__(self, pulled: Path, trees: list[Tree]) -> None:
        self.pulled, self.trees = pulled, trees
        self.raw = trees[0]
        self.allow: frozenset[str] = frozenset()
        self.words: frozenset[str] = frozenset()
        self.faces: list[tuple[Tree, Path]] = []
        self.deface_results: list[dict[str, Any]] = []
        self.removed_keys: Counter[str] = Counter()
        self.kept_keys: Counter[str] = Counter()
        self.removed_fields: Counter[str] = Counter()
        self.removed_columns: Counter[str] = Counter()
        try:
            self.record = read_json(self.raw.source.parent / "converted.json")
        except (OSError, ValueError) as error:
            passing.let_through(error)
            raise DataError(
                "converted.json: missing or damaged; convert the session again"
            ) from None

    def prepare(self, keep_times: bool) -> None:
        """Collect what may not leave. Times of day may, if the config keeps them.

        What the config itself supplies to sidecars may, but for identifiers.
        """
        self.keep_times = keep_times
        self.supplied = {
            re.sub(r"\.nii\.gz$", "", name): frozenset(row.get("supplied") or ())
            for row in self.record["series"]
            for name in row.get("files") or ()
        }
        found = collect(self.pulled)
        self.identifiers = found.without("time") if keep_times else found
        folders = [tree.source / tree.inner for tree in self.trees]
        self.numbers = {
            int(digits)
            for one in found.values
            if one.kind in ("ID", "name or ID of the archive")
            for digits in re.findall(r"\d{1,18}", one.value)
        }
        names = [path.name for folder in folders for path in folder.rglob("*") if path.is_file()]
        subject, session = self.raw.subject, self.raw.session
        public = {subject, session, f"sub{subject}", f"ses{session}"}
        public |= {str(version) for version in self.record.get("versions", {}).values()}
        self.searcher = Searcher(self.identifiers, public, labels_of(names))

    def pass_file(self, tree: Tree, path: Path, deface: frozenset[str]) -> None:
        """Write one file, cleaned, to the candidate."""
        target = tree.target(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        stem, _, extension = path.name.partition(".")
        suffix = stem.rpartition("_")[2]
        if extension == "nii.gz" and suffix in deface:
            self.faces.append((tree, path))
        elif extension == "nii.gz":
            self.removed_fields.update(clean_nifti(path, target))
        elif extension == "json":
            name = tree.listed(path).removesuffix(".json")
            target.write_bytes(self.clean_json(path, suffix, name))
        elif extension == "tsv.gz":
            described = self.recording(path.with_name(f"{stem}.json"))
            target.write_bytes(packed(clean_samples(path, described["Columns"])))
        elif extension == "tsv" and suffix == "aslcontext":
            self.write_table(target, *clean_asl_context(path))
        elif extension == "tsv":
            self.write_table(target, *self.table(path))
        else:
            target.write_bytes(clean_numbers(path))

    def remove_faces(self) -> None:
        """Write the images that lose their faces, those of one acquisition by one mask."""
        if not self.faces:
            return
        from coil.deid.deface import deface_together  # nibabel and scipy take long

        pairs = [(path, tree.target(path)) for tree, path in self.faces]
        for (tree, path), result in zip(self.faces, deface_together(pairs), strict=True):
            name = tree.listed(tree.target(path))
            self.deface_results.append({"file": name, **result.record()})
            self.removed_fields.update(result.removed)

    def write_table(self, target: Path, data: bytes, removed: list[str]) -> None:
        target.write_bytes(data)
        self.removed_columns.update(removed)

    def clean_json(self, path: Path, suffix: str, name: str) -> bytes:
        """A sidecar's bytes. A text that passes its rule but holds an identifier stays behind."""
        if suffix in TABLES:
            if not path.with_suffix(".tsv").is_file():
                raise DataError(f"{path.name}: describes no table; convert the session again")
            data, _ = self.table(path.with_suffix(".tsv"))
            columns = data.decode().partition("\n")[0].split("\t")
            notes = self.column_notes(path)
            kept = [*columns, PRESENTATION]
            return dump_sidecar({name: notes[name] for name in kept if name in notes})
        if suffix in RECORDINGS:
            return dump_sidecar(self.recording(path))
        sidecar = _object(path)
        task = re.search("_task-([0-9A-Za-z]+)", path.name)
        allow = self.allow | self.supplied.get(name, frozenset())
        kept, removed = clean_sidecar(sidecar, allow, task=task[1] if task else None)
        if "TimeZero" in kept and not self.keep_times:
            kept["TimeZero"] = "00:00:00"  # the other times of PET count from it
        told = [
            key
            for key, value in kept.items()
            if key not in self.allow and self.tells(json.dumps(value, ensure_ascii=False))
        ]
        self.removed_keys.update(removed + told)
        self.kept_keys.update(key for key in kept if key not in told)
        return dump_sidecar({key: value for key, value in kept.items() if key not in told})

    def table(self, path: Path) -> tuple[bytes, list[str]]:
        """What may leave of a table, and the columns that may not."""
        clean = clean_events if path.stem.endswith("_events") else clean_behaviour
        notes = self.column_notes(path.with_suffix(".json"))
        for column in numbering(path, self.numbers):
            notes.pop(column, None)
        return clean(path, self.allow, notes)

    def column_notes(self, path: Path) -> dict[str, Any]:
        """What may be told of a table's columns; nothing where there is no such file."""
        if not path.is_file() or path.is_symlink():
            return {}
        return clean_column_notes(_object(path), self.allow, self.tells)

    def recording(self, path: Path) -> dict[str, Any]:
        """The json of a recording, cleaned."""
        if not path.is_file() or path.is_symlink():
            raise DataError(f"{path.name}: missing; convert the session again")
        return clean_described(_object(path), path.name, self.tells)

    def tells(self, text: str) -> bool:
        return any(True for _ in self.searcher.in_text(text.encode()))

    def series_row(self, row: dict[str, Any], days: int, times: dict[str, Any]) -> dict[str, Any]:
        """A series as the record shows it: known fields, text without identifiers, dates moved."""
        shown = {key: row.get(key) for key in ROW.split()}
        for key in ("scan", "description", "reason"):
            if shown[key] is not None:
                shown[key] = redact(self.searcher, str(shown[key]))
        if shown["description"] is not None:
            shown["description"] = tell(shown["description"], self.words)
        moved = acq_time(_moment(row.get("acq_time")), days, **times)
        return shown | {"acq_time": None if moved == NOT_KNOWN else moved}

    def write_scans(self, rows: list[dict[str, Any]]) -> None:
        """sub-X_ses-Y_scans.tsv: every image with its moved time."""
        when = {name: row["acq_time"] for row in rows for name in row["files"] or ()}
        folder = self.raw.out / self.raw.inner
        lines = ["filename\tacq_time\n"]
        for path in sorted(folder.rglob("*.nii.gz")):
            name = self.raw.listed(path)
            lines.append(f"{path.relative_to(folder).as_posix()}\t{when.get(name) or NOT_KNOWN}\n")
        if len(lines) == 1:
            raise DataError("the session has no image that the mapping names; nothing to admit")
        # A moved year may be what a number of the session happens to be.
        self.searcher.permit(re.split(r"\W+", " ".join(filter(None, when.values()))))
        name = "_".join(self.raw.inner.parts) + "_scans.tsv"
        (folder / name).write_text("".join(lines), encoding="utf-8")

    def finish(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """The leak check, and what the record says."""
        leaving = {tree.listed(path): path for tree in self.trees for path in tree.written()}
        files, names = list(leaving.values()), list(leaving)
        parts = {
            "series": rows,
            "age": session_age(self.pulled),
            "deface": self.deface_results,
            "removed": self.removed(),
            "kept": {"sidecar_keys": self.named(self.kept_keys)},
        }
        hits = search_with(self.searcher, files, names)
        if hits:
            more = f" (and {len(hits) - 1} more)" if len(hits) > 1 else ""
            raise LeakError(
                f"leak check: {hits[0].file} holds an identifier of the session, "
                f"kind: {hits[0].kind}{more}; remove what brings it there from the config's "
                "names and allowed keys, or from the session's events",
                Counter(hit.kind for hit in hits),
            )
        if self.tells(json.dumps(parts, ensure_ascii=False)):
            kinds = {"in the record": 1}
            raise LeakError(
                "leak check: the session's record holds an identifier; report this", kinds
            )
        for path in files:
            path.chmod(0o644)
        for tree in self.trees:
            tree.open_folders()
        digests = {name: sha256(path) for name, path in leaving.items()}
        beside = {name for name in digests if name.startswith("derivatives/")}
        return parts | {
            "files": {name: digests[name] for name in names if name not in beside},
            "derivatives": {name: digests[name] for name in names if name in beside},
            "leak_check": {
                "identifiers": len(self.identifiers),
                "kinds": dict(sorted(Counter(v.kind for v in self.identifiers.values).items())),
                "files": len(files),
                "bytes": sum(path.stat().st_size for path in files),
                "hits": 0,
            },
        }

    def removed(self) -> dict[str, Any]:
        """What stayed behind, by name where the name itself may be told."""
        return {
            "sidecar_keys": self.named(self.removed_keys),
            "header_fields": sorted(self.removed_fields),
            "columns": self.named(self.removed_columns),
            "files": self.named(sum((tree.left_behind for tree in self.trees), Counter())),
        }

    def named(self, counts: Counter[str]) -> dict[str, int]:
        safe: Counter[str] = Counter()
        for name, count in counts.items():
            told = not re.fullmatch(r"[A-Za-z][\w.]{0,63}", name) or self.tells(name)
            safe["other" if told else name] += count
        return dict(sorted(safe.items()))


def _object(path: Path) -> dict[str, Any]:
    try:
        value = read_json(path)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise DataError(f"{path.name}: not a JSON object; convert the session again")
    return value


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
