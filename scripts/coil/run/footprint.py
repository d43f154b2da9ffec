"""The files that a step left, as lines of the memory: whether they are there as they were."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from coil import files
from coil.records.memory import End
from coil.run.memory import Ended, Made
from coil.run.steps import DATASET, PAGE, PROTECTION
from coil.units import Unit
from coil.workspace import PROJECT, Private, Results, session_folder


class _Record(msgspec.Struct, frozen=True):
    """What every record says of its step's end, and of its files, among much else."""

    state: End = "done"
    retry: bool = False
    files: dict[str, str] | list[str] | int | None = None


@dataclass(frozen=True)
class Footprint:
    """What the steps of a project left in its parts of `results` and `private`.

    thorough   whether what files hold is compared, too, and not only their sizes
    """

    results: Results
    private: Private
    thorough: bool = False

    def path(self, scope: str, step: str) -> Path:
        """The record of a step, or the file that it makes."""
        if step == PAGE:
            return self.results.page(scope)
        return self.results.root / step if "." in step else self.results.record(scope, step)

    def digest(self, scope: str, step: str) -> str:
        """A digest of a step's record or file, "" where there is none."""
        return digest_of_file(self.path(scope, step))

    def ended(self, scope: str, step: str) -> Ended | None:
        """How a step ended; None where it left nothing, or nothing that can be read."""
        record = self._read(self.path(scope, step), step)
        return record and Ended(record.state, record.retry)

    def made(self, scope: str, step: str) -> Made | None:
        """What a step left; None if that is nothing."""
        path = self.path(scope, step)
        record = self._read(path, step)
        if record is None:
            return None
        known = record.files if isinstance(record.files, dict) else {}
        listed = () if isinstance(record.files, int | None) else record.files
        paths = {path, *self._others(scope, step, listed)}
        lines = (self._line(path, known) for path in sorted(paths) if path.is_file())
        ended = Ended(record.state, record.retry)
        return Made(self.digest(scope, step), ended, "\n".join(lines))

    def lost(self, lines: str) -> bool:
        """Whether one of the files of a step is not there, or has another size."""
        return any(not self._is_there(line) for line in lines.split("\n")) if lines else False

    @staticmethod
    def _read(path: Path, step: str) -> _Record | None:
        if not path.is_file():
            return None
        try:
            data = b"{}" if "." in step else path.read_bytes()
            return msgspec.json.decode(data, type=_Record)
        except (msgspec.DecodeError, msgspec.ValidationError):
            return None  # it is made anew

    def _line(self, path: Path, known: dict[str, str]) -> str:
        zone = "P" if path.is_relative_to(self.private.root) else "R"
        name = path.relative_to(self._root(zone)).as_posix()
        digest = known.get(name.removeprefix("bids/")) or files.sha256(path)
        return f"{zone} {path.stat().st_size} {digest[:16]} {name}"

    def _is_there(self, line: str) -> bool:
        zone, size, digest, name = line.split(" ", 3)
        path = f"{self._root(zone)}/{name}"  # a Path would take as long as the question itself
        try:
            same = os.stat(path).st_size == int(size)  # noqa: PTH116
        except OSError:
            return False
        return same and not (self.thorough and files.sha256(Path(path))[:16] != digest)

    def _root(self, zone: str) -> Path:
        return self.private.root if zone == "P" else self.results.root

    def _others(self, scope: str, step: str, listed: Collection[str]) -> Iterator[Path]:
        """The files beside the record of a step."""
        results = self.results
        if step == "admit":
            yield self.private.people(scope)
            yield from (results.bids / name for name in listed)
            yield from _below(_of_session(results.scanner, scope))
        elif step == "export" and scope != PROJECT:
            yield from _below(_of_session(results.dicom, scope))
        elif step == DATASET:
            yield from _shared(results.bids)
        elif step == PROTECTION:
            yield results.protection.with_suffix(".json")
        elif step.startswith("derivatives/"):
            yield from _beside(results.root / step.removesuffix(".json"))
        elif "." not in step:  # an analysis
            yield from (results.derivatives / step / name for name in listed)


def digest_of_file(path: Path) -> str:
    """A digest of a file, "" where there is none."""
    try:
        return files.sha256(path)[:16]
    except FileNotFoundError:
        return ""


def _of_session(root: Path, scope: str) -> Path:
    return session_folder(root, *Unit.of_name(scope))


def _below(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _shared(dataset: Path) -> Iterator[Path]:
    """The files of a dataset that are of no session."""
    yield from _beside(dataset)
    for folder in dataset.glob("sub-*"):
        yield from _beside(folder)
    yield from _below(dataset / "phenotype")


def _beside(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob("*") if path.is_file())
