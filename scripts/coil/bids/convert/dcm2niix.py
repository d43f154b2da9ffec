"""Run dcm2niix on one series at a time, and tell in one line what went wrong with it.

What dcm2niix prints holds identifiers, so it is read here and goes nowhere else.
"""

import os
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator
from gzip import GzipFile
from pathlib import Path

from coil import passing, programs
from coil.bids import names
from coil.bids.convert import complaints, images
from coil.bids.outputs import Made, Wanted, is_allowed, is_whole, left_out
from coil.bids.series.facts import inversion_time
from coil.dicom.header import read
from coil.errors import PassingError
from coil.files import JsonObject, read_json, write_json
from coil.programs import find_program

NO_IMAGE = "dcm2niix makes no image of it; look at its files in the archive"
_STEM = "i"
_SMALLEST_FREE = 2**20
_NIFTI = ".nii.gz"
# As heudiconv runs it, but for compression, which takes most of its time: `anonymize` compresses
# what leaves.
FLAGS = ["-b", "y", "-z", "n", "-x", "n", "-m", "0", "-s", "n", "-v", "n", "-w", "2", "-f"]
_NO_WRITING = 7  # its exit status where it cannot write to the folder
_UNFINISHED = "dcm2niix left an unfinished file, as where a disk is full for a moment; run again"
_DATES = frozenset(
    what + kind for what in ("Acquisition", "Study", "Series") for kind in ("DateTime", "Date")
)


def convert(wanted: Iterable[Wanted], bids: Path, scratch: Path) -> Iterator[Made]:
    """Convert series one after the other, each by a process of its own.

    Parameters
    ----------
    wanted
        The series' folders and the names that they get.
    bids
        Where `sub-X/ses-Y/...` goes.
    scratch
        A folder to work in, on the same file system.

    Raises
    ------
    PassingError
        If a disk is full or a process was ended; what is wrong with one series is told of it.
    """
    for number, one in enumerate(wanted):
        folder = scratch / f"{number:03d}"
        folder.mkdir()
        yield _convert(one, folder, bids)
        shutil.rmtree(folder)


def _convert(one: Wanted, folder: Path, bids: Path) -> Made:
    out = folder / "out"
    out.mkdir()
    for number, part in enumerate(_parts(one, folder)):
        if problem := _run(part, out, f"{_STEM}{number}"):
            return Made(one.name, failed=problem)
    for path in sorted(out.glob("*.nii")):
        _pack(path)
    made = sorted(path for path in out.iterdir() if path.name.endswith(_NIFTI))
    if not all(is_whole(image) for image in made):
        raise PassingError(_UNFINISHED)
    return _name_images(one, made, bids)


def _parts(one: Wanted, folder: Path) -> list[Path]:
    """The folders to convert by themselves: dcm2niix stacks inversions as if they were volumes."""
    datatype, suffix, values = names.split(one.name)
    kind = names.kind(datatype, suffix)
    if kind is None or "inv" not in kind.required or "inv" in values:
        return [one.folder]
    found: dict[float | None, list[Path]] = defaultdict(list)
    for path in sorted(one.folder.iterdir()):
        try:
            found[inversion_time(read(path))].append(path)
        except Exception as error:  # whatever pydicom makes of a broken file; dcm2niix tells
            passing.let_through(error)
            return [one.folder]
    for time, files in found.items():
        (folder / str(time)).mkdir()
        for path in files:
            (folder / str(time) / path.name).symlink_to(path.resolve())
    return [folder / str(time) for time in found] if len(found) > 1 else [one.folder]


def _run(series: Path, out: Path, stem: str) -> str | None:
    """Run dcm2niix; returns why it failed."""
    done = programs.run(
        [program(), *FLAGS, stem, "-o", str(out), str(series)],
        name="dcm2niix",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # It takes defaults from a file at home.
        env={**os.environ, "HOME": str(out), "LC_ALL": "C", "TZ": "UTC"},
    )
    said = done.stdout.decode(errors="replace")
    # What it cannot write beside an image it leaves out without a word.
    if done.returncode == _NO_WRITING or passing.of_words(said) or _is_full(out):
        raise PassingError(f"dcm2niix: {passing.ROOM}")
    return complaints.failure(said, done.returncode, complaints.Folder(series))


def _name_images(one: Wanted, made: list[Path], bids: Path) -> Made:
    """Move the images of a series to their names."""
    sidecars = {_stem(path): path.with_name(f"{_stem(path)}.json") for path in made}
    try:
        metas = {stem: read_json(path) for stem, path in sidecars.items() if path.is_file()}
    except ValueError:
        if not all(_ends(path) for path in sidecars.values()):
            raise PassingError(_UNFINISHED) from None
        return Made(one.name, failed="its header makes no valid sidecar; reword its texts")
    found = {stem: (images.describe(stem, meta), meta) for stem, meta in metas.items()}
    if not found:
        return Made(one.name, failed=NO_IMAGE)
    left = [stem.rpartition("_")[2] for stem in sidecars if stem not in found]
    if len({image.partial for image, _ in found.values()}) > 1:
        left += ["an unfinished volume" for image, _ in found.values() if image.partial]
        found = {stem: pair for stem, pair in found.items() if not pair[0].partial}
    try:
        named = images.assign(one.name, [image for image, _ in found.values()], one.chunks)
    except images.UnnamedError as error:
        return Made(one.name, failed=str(error))
    files: list[Path] = []
    if any((bids / f"{path_of(name)}{_NIFTI}").exists() for name in named.values()):
        return Made(one.name, failed="another series has the name of one of its images already")
    for stem, name in named.items():
        files += _move(made[0].with_name(stem), found[stem][1], bids / path_of(name))
    remark = images.remark(one.name, [image for image, _ in found.values()])
    return Made(one.name, sorted(files), (*left_out(left), *([remark] if remark else [])))


def _ends(sidecar: Path) -> bool:
    """Whether a sidecar has an end, if there is one."""
    return not sidecar.is_file() or sidecar.read_bytes().rstrip().endswith(b"}")


def _move(source: Path, meta: JsonObject, target: Path) -> list[Path]:
    """Move one image and what belongs to it; returns the files."""
    target.parent.mkdir(parents=True, exist_ok=True)
    moved: list[Path] = []
    gradients = () if _weighs_nothing(source, target.name) else (".bval", ".bvec")
    for extension in (_NIFTI, *gradients):
        path = target.with_name(target.name + extension)
        part = source.with_name(source.name + extension)
        if part.is_file() and is_allowed(path):
            part.rename(path)
            path.chmod(0o600)
            moved.append(path)
    path = target.with_name(f"{target.name}.json")
    write_json(path, _tidy(meta, target.name))
    return [*moved, path]


def _pack(path: Path) -> None:
    """Make gzip of an image, its bytes as they are."""
    with (
        path.open("rb") as source,
        path.with_name(f"{path.name}.gz").open("wb") as target,
        GzipFile("", "wb", 0, target, 0) as packed,
    ):
        shutil.copyfileobj(source, packed, 1 << 20)
    path.unlink()


def _tidy(meta: JsonObject, name: str) -> JsonObject:
    """A sidecar as heudiconv leaves it: sorted, without dates, with the task's name."""
    task = names.split(name)[2].get("task")
    known = {key: value for key, value in meta.items() if key not in _DATES}
    return dict(sorted((known | ({"TaskName": task} if task else {})).items()))


def _weighs_nothing(source: Path, name: str) -> bool:
    """Whether the b-values are all zero, beside what is no diffusion run."""
    path = source.with_name(f"{source.name}.bval")
    if name.endswith("_dwi") or not path.is_file():
        return False
    # Siemens writes 5 where the sequence could do diffusion.
    return {float(value) for value in path.read_text().split()} in ({0.0}, {5.0})


def path_of(name: str) -> str:
    """The path below the dataset's root of a BIDS name, without extension."""
    datatype, _, base = name.rpartition("/")
    return "/".join([*base.split("_")[:2], datatype, base])


def program() -> str:
    """The dcm2niix to run. Raises DataError if there is none."""
    return find_program("dcm2niix", "dcm2niix")


def versions() -> dict[str, str]:
    """The version of dcm2niix, as it tells it."""
    said = programs.run([program(), "--version"], capture_output=True, text=True)
    found = re.search(r"v\d+\.\d+\.\d{8}", said.stdout)
    return {"dcm2niix": found[0] if found else "unknown"}


def _stem(path: Path) -> str:
    return path.name.removesuffix(_NIFTI)


def _is_full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < _SMALLEST_FREE
