"""Run heudiconv with dcm2niix on one session, in a scratch folder, and name what failed.

What heudiconv and dcm2niix print holds identifiers, so it stays in the scratch folder.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

from coil import passing, programs
from coil.bids import names, outputs
from coil.bids.convert import complaints, dcm2niix
from coil.bids.convert.heuristic import render
from coil.bids.outputs import Made, Wanted
from coil.errors import DataError, PassingError
from coil.files import remove_tree, write_json, write_text

_LOCK_SECONDS = "60"


class SeriesError(Exception):
    """The conversion of one series failed; `folder` is the name of its folder."""

    def __init__(self, folder: str, reason: str) -> None:
        super().__init__(reason)
        self.folder = folder


def convert(wanted: Iterable[Wanted], bids: Path, scratch: Path) -> Iterator[Made]:
    """Convert the series of a session in one run of heudiconv, without those that fail.

    A series that fails stops heudiconv, so it runs again without it. Arguments and result are
    those of `coil.bids.convert.dcm2niix.convert`.
    """
    rest = {one.folder.name: one for one in wanted}
    while rest:
        work = scratch / "heudiconv"
        work.mkdir()
        try:
            made = run([*rest.values()], work)
        except SeriesError as error:
            yield Made(rest.pop(error.folder).name, failed=str(error))
        else:
            yield from _take(made, [one.name for one in rest.values()], bids)
            rest = {}
        remove_tree(work)


def _take(made: Path, wanted: list[str], bids: Path) -> Iterator[Made]:
    bids.rmdir()
    shutil.move(made, bids)
    found, left = outputs.by_name(bids, wanted)
    for name in wanted:
        files = found.get(name, [])
        if not outputs.images(files):
            yield Made(name, failed=dcm2niix.NO_IMAGE)
        elif problem := outputs.problem(name, files):
            for path in files:
                path.unlink()
            yield Made(name, failed=problem)
        else:
            yield Made(name, files, outputs.left_out([left[name]] if name in left else []))


def run(wanted: list[Wanted], scratch: Path) -> Path:
    """Convert series by a heuristic that names them.

    Parameters
    ----------
    wanted
        The series of one session.
    scratch
        An empty folder; everything is written below it.

    Returns
    -------
    The folder with `sub-<subject>/`.

    Raises
    ------
    SeriesError
        If the conversion of a series failed.
    PassingError
        If a disk is full or a process was ended.
    DataError
        If the run failed as a whole.
    """
    values = names.split(wanted[0].name)[2]
    subject, session = values["sub"], values["ses"]
    heuristic = _prepare(wanted, scratch, subject)
    status, said = _start(scratch, subject, session)
    if reason := passes(said):
        raise PassingError(f"heudiconv: {reason}")
    folders = {one.folder.name: one.folder for one in wanted}
    if problem := failure(said, status, heuristic, folders):
        folder, reason = problem
        if folder is None:
            raise DataError(f"the session: {reason}")
        raise SeriesError(folder, reason)
    out = scratch / "bids"
    remove_tree(out / ".heudiconv")
    return out


def _prepare(wanted: list[Wanted], scratch: Path, subject: str) -> str:
    """Write what heudiconv reads, below `scratch`; returns the heuristic."""
    series = scratch / "in" / subject
    series.mkdir(parents=True)
    for one in wanted:
        (series / one.folder.name).symlink_to(one.folder.resolve(), target_is_directory=True)
    heuristic = render({one.folder.name: one.name for one in wanted})
    write_text(scratch / "heuristic.py", heuristic)
    # Compression inside dcm2niix: with pigz the bytes depend on what is installed.
    write_json(scratch / "dcm2niix.json", {"compress": "i"})
    return heuristic


def _start(scratch: Path, subject: str, session: str) -> tuple[int, str]:
    """Run heudiconv; returns its exit status and what it printed."""
    log = scratch / "heudiconv.log"
    # nipype takes no path with a blank, so the scratch folder goes by a name without one, and
    # nipype's own working folders, which hold links to the files only, lie beside that name.
    with tempfile.TemporaryDirectory(prefix="coil-") as folder, log.open("wb") as stream:
        alias = Path(folder) / "scratch"
        alias.symlink_to(scratch.resolve(), target_is_directory=True)
        done = programs.run(
            _command(alias, subject, session),
            name="heudiconv",
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=alias,
            env=_environment(Path(folder)),
        )
    return done.returncode, log.read_text(errors="replace")


def versions() -> dict[str, str]:
    """The versions of heudiconv and dcm2niix that `run` uses."""
    return {"heudiconv": version("heudiconv"), **dcm2niix.versions()}


def _command(scratch: Path, subject: str, session: str) -> list[str]:
    return [
        *(sys.executable, "-m", "heudiconv.cli.run"),
        *("-d", str(scratch / "in" / "{subject}" / "*" / "*")),
        *("-s", subject, "-ss", session),
        *("-f", str(scratch / "heuristic.py"), "-o", str(scratch / "bids")),
        *("-g", "custom", "-c", "dcm2niix", "-b", "notop", "--minmeta"),
        *("--dcmconfig", str(scratch / "dcm2niix.json")),
    ]


def _environment(temporary: Path) -> dict[str, str]:
    """No network, no locks that wait for ever, no files elsewhere than `temporary`."""
    return {
        **os.environ,
        "PATH": _search_path(),
        "TMPDIR": str(temporary),
        "HOME": str(temporary),
        "NIPYPE_CONFIG_DIR": str(temporary),
        "NO_ET": "1",
        "NIPYPE_NO_ET": "1",
        "DUECREDIT_ENABLE": "no",
        "HEUDICONV_LOCKFILE_TIMEOUT": _LOCK_SECONDS,
        "OPENBLAS_NUM_THREADS": "1",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


def _search_path() -> str:
    """PATH with the folder of dcm2niix first."""
    folders = [str(Path(dcm2niix.program()).parent), str(Path(sys.executable).parent)]
    return os.pathsep.join([*folders, os.environ.get("PATH", "")])


def passes(log: str) -> str | None:
    """The reason why a failure passes by itself, by what heudiconv said or how dcm2niix ended."""
    statuses = re.findall(r"subprocess exited with code (-?\d+)", log)  # nipype's
    ended = next(filter(None, (passing.of_status(int(status)) for status in statuses)), None)
    return passing.of_words(log) or (f"dcm2niix: {ended}" if ended else None)


def failure(
    log: str, code: int, heuristic: str, folders: Mapping[str, Path]
) -> tuple[str | None, str] | None:
    """The failure of a run in one line without identifiers, or None.

    The first value is the name of the folder of the series that it is about, None where the
    run failed as a whole. heudiconv goes on where dcm2niix leaves out a file or reports an
    error, so what dcm2niix printed is looked at, too.
    """
    parts = re.split(r"^INFO: Converting \S*?/(sub-\S+) \((\d+) DICOMs\)", log, flags=re.MULTILINE)
    folder = None
    for start in range(1, len(parts), 3):
        prefix, _, said = parts[start : start + 3]
        found = re.search(rf"'([^']+)': '{re.escape(prefix)}'", heuristic)
        folder = found[1] if found else None
        printed = re.sub(r"^.*INFO: std\w+ [-\dT:.]*:", "", said, flags=re.MULTILINE)
        is_last = start + 3 == len(parts)
        troubles = "\n".join(re.findall(r".*(?:Error|assert).*", said)) if is_last and code else ""
        for pattern, cause in _CAUSES:
            if re.search(pattern, troubles):
                return folder, cause
        if folder is None:
            continue
        status = code if is_last else 0
        if problem := complaints.failure(printed, status, complaints.Folder(folders[folder])):
            return folder, problem
    if code == 0:
        return None
    return None, f"heudiconv stopped with status {code}; convert it by hand to see why"


# What heudiconv prints -> the cause and the remedy.
_CAUSES = (
    (r"(?i)already exists", "two of its images get one name; ignore it or narrow its rule"),
    (
        r"len\(bvecs\) == len\(bvals\)",
        "dcm2niix makes more than one diffusion image of it; ignore it or narrow its rule",
    ),
    (
        r"There must be no dates",
        "a text in its header has the word Date in it, which heudiconv refuses; reword it in the "
        "archive, or set `converter: dcm2niix`",
    ),
)
