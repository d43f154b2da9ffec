"""The narrow waist: the one door from the quarantine to the dataset.

What is not a known kind of file, in a known place, with checked contents, stays behind. At the
end the candidate is searched for the session's own identifiers; one hit and nothing leaves.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from coil.deid.dates import NOT_KNOWN, acq_time, shift_days
from coil.deid.deface import deface as deface_image
from coil.deid.headers import collect, session_age
from coil.deid.leak import Searcher, labels_of, redact, search_with
from coil.deid.nifti import clean_nifti
from coil.deid.recordings import clean_described, clean_samples
from coil.deid.sidecar import clean_sidecar, dump_sidecar
from coil.deid.tables import (
    clean_asl_context,
    clean_behaviour,
    clean_column_notes,
    clean_events,
    clean_numbers,
)
from coil.errors import DataError
from coil.files import packed, read_json, remove_tree, sha256

TABLES = ("events", "beh")
RECORDINGS = ("physio", "stim")
_DATATYPES = "anat|beh|dwi|fmap|func|perf|pet"
_KINDS = (
    rf"[0-9A-Za-z]+\.(nii\.gz|json|bval|bvec)|({'|'.join(TABLES)}|aslcontext)\.tsv|"
    rf"({'|'.join(RECORDINGS)})\.tsv\.gz"
)
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
) -> dict[str, Any]:
    """Build `candidate/sub-<subject>/ses-<session>` from a converted session.

    `deface` names the suffixes whose images lose their faces, `allow_keys` the sidecar keys and
    the columns of events that pass unchecked. Returns what the record of the session tells of
    this stage: series, files (with SHA-256), age, deface, leak_check, removed.

    Raises DataError, naming a file and a kind of identifier but no value, if something in the
    session cannot be checked or would leak; nothing is left in `candidate` then.
    """
    try:
        waist = _Waist(pulled, converted, candidate, subject, session)
        waist.allow = frozenset(allow_keys)
        days = shift_days(secret, project, subject_id)
        times = {"dates": dates, "time_of_day": time_of_day}
        waist.prepare(keep_times=dates == "shift" and time_of_day == "keep")
        for path in waist.sources():
            waist.pass_file(path, frozenset(deface))
        rows = [waist.series_row(row, days, times) for row in waist.record["series"]]
        waist.write_scans(rows)
        return waist.finish(rows)
    except BaseException:
        remove_tree(candidate / f"sub-{subject}" / f"ses-{session}")
        raise


class _Waist:
    """One session on its way out."""

    def __init__(
        self, pulled: Path, converted: Path, candidate: Path, subject: str, session: str
    ) -> None:
        self.pulled, self.candidate = pulled, candidate
        self.labels = (subject, session)
        self.inner = Path(f"sub-{subject}") / f"ses-{session}"
        self.source = converted / "bids" / self.inner
        self.allow: frozenset[str] = frozenset()
        self.deface_results: list[dict[str, Any]] = []
        self.removed_keys: Counter[str] = Counter()
        self.removed_fields: Counter[str] = Counter()
        self.removed_columns: Counter[str] = Counter()
        self.left_behind: Counter[str] = Counter()
        try:
            self.record = read_json(converted / "converted.json")
        except (OSError, ValueError):
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
        names = [path.name for path in self.source.rglob("*") if path.is_file()]
        subject, session = self.labels
        public = {subject, session, f"sub{subject}", f"ses{session}"}
        public |= {str(version) for version in self.record.get("versions", {}).values()}
        self.searcher = Searcher(self.identifiers, public, labels_of(names))

    def sources(self) -> Iterable[Path]:
        """The files to let through, sorted. What else there is is counted."""
        subject, session = self.labels
        known = re.compile(
            rf"({_DATATYPES})/sub-{subject}_ses-{session}(_[a-z]+-[0-9A-Za-z+]+)*_({_KINDS})"
        )
        for path in sorted(self.source.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                continue
            name = path.relative_to(self.source).as_posix()
            if known.fullmatch(name) and not path.is_symlink():
                yield path
            elif not name.endswith("_scans.tsv"):  # the converter's own; ours replaces it
                kind = re.search(r"_([0-9A-Za-z]{1,20}(\.[a-z]{1,5}){1,2})$", path.name)
                self.left_behind[kind[1] if kind else "other"] += 1

    def pass_file(self, path: Path, deface: frozenset[str]) -> None:
        """Write one file, cleaned, to the candidate."""
        target = self.candidate / self.inner / path.relative_to(self.source)
        target.parent.mkdir(parents=True, exist_ok=True)
        stem, _, extension = path.name.partition(".")
        suffix = stem.rpartition("_")[2]
        if extension == "nii.gz" and suffix in deface:
            result = deface_image(path, target)
            name = target.relative_to(self.candidate).as_posix()
            self.deface_results.append({"file": name, **result.record()})
            self.removed_fields.update(result.removed)
        elif extension == "nii.gz":
            self.removed_fields.update(clean_nifti(path, target))
        elif extension == "json":
            target.write_bytes(self.clean_json(path, suffix))
        elif extension == "tsv.gz":
            described = self.recording(path.with_name(f"{stem}.json"))
            target.write_bytes(packed(clean_samples(path, described["Columns"])))
        elif extension == "tsv" and suffix == "aslcontext":
            self.write_table(target, *clean_asl_context(path))
        elif extension == "tsv":
            self.write_table(target, *self.table(path))
        else:
            target.write_bytes(clean_numbers(path))

    def write_table(self, target: Path, data: bytes, removed: list[str]) -> None:
        target.write_bytes(data)
        self.removed_columns.update(removed)

    def clean_json(self, path: Path, suffix: str) -> bytes:
        """A sidecar's bytes. A text that passes its rule but holds an identifier stays behind."""
        if suffix in TABLES:
            if not path.with_suffix(".tsv").is_file():
                raise DataError(f"{path.name}: describes no table; convert the session again")
            data, _ = self.table(path.with_suffix(".tsv"))
            columns = data.decode().partition("\n")[0].split("\t")
            notes = self.column_notes(path)
            return dump_sidecar({name: notes[name] for name in columns if name in notes})
        if suffix in RECORDINGS:
            return dump_sidecar(self.recording(path))
        sidecar = _object(path)
        task = re.search("_task-([0-9A-Za-z]+)", path.name)
        name = path.relative_to(self.source.parents[1]).with_suffix("").as_posix()
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
        return dump_sidecar({key: value for key, value in kept.items() if key not in told})

    def table(self, path: Path) -> tuple[bytes, list[str]]:
        """What may leave of a table, and the columns that may not."""
        clean = clean_events if path.stem.endswith("_events") else clean_behaviour
        return clean(path, self.allow, self.column_notes(path.with_suffix(".json")))

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
        moved = acq_time(_moment(row.get("acq_time")), days, **times)
        return shown | {"acq_time": None if moved == NOT_KNOWN else moved}

    def write_scans(self, rows: list[dict[str, Any]]) -> None:
        """sub-X_ses-Y_scans.tsv: every image with its moved time."""
        when = {name: row["acq_time"] for row in rows for name in row["files"] or ()}
        folder = self.candidate / self.inner
        lines = ["filename\tacq_time\n"]
        for path in sorted(folder.rglob("*.nii.gz")):
            name = path.relative_to(self.candidate).as_posix()
            lines.append(f"{path.relative_to(folder).as_posix()}\t{when.get(name) or NOT_KNOWN}\n")
        if len(lines) == 1:
            raise DataError("the session has no image that the mapping names; nothing to admit")
        # A moved year may be what a number of the session happens to be.
        self.searcher.permit(re.split(r"\W+", " ".join(filter(None, when.values()))))
        name = "_".join(self.inner.parts) + "_scans.tsv"
        (folder / name).write_text("".join(lines), encoding="utf-8")

    def finish(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """The leak check, and what the record says."""
        files = sorted(p for p in (self.candidate / self.inner).rglob("*") if p.is_file())
        names = [path.relative_to(self.candidate).as_posix() for path in files]
        parts = {
            "series": rows,
            "age": session_age(self.pulled),
            "deface": self.deface_results,
            "removed": self.removed(),
        }
        hits = search_with(self.searcher, files, names)
        if hits:
            more = f" (and {len(hits) - 1} more)" if len(hits) > 1 else ""
            raise DataError(
                f"leak check: {hits[0].file} holds an identifier of the session, "
                f"kind: {hits[0].kind}{more}; remove what brings it there from the config's "
                "names and allowed keys, or from the session's events"
            )
        if self.tells(json.dumps(parts, ensure_ascii=False)):
            raise DataError("leak check: the session's record holds an identifier; report this")
        for path in files:
            path.chmod(0o644)
        for folder in {path.parent for path in files} | {(self.candidate / self.inner).parent}:
            folder.chmod(0o755)
        (self.candidate / self.inner).chmod(0o755)
        return parts | {
            "files": {name: sha256(path) for name, path in zip(names, files, strict=True)},
            "leak_check": {
                "identifiers": len(self.identifiers),
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
            "files": self.named(self.left_behind),
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
