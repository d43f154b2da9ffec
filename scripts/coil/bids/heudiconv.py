"""Run heudiconv with dcm2niix on one session, in a scratch folder, and name what failed.

What heudiconv and dcm2niix print holds identifiers, so it stays in the scratch folder.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from coil.errors import DataError
from coil.files import remove_tree, write_json, write_text

_LOCK_SECONDS = "60"


def run(text: str, folders: list[Path], scratch: Path, subject: str, session: str) -> Path:
    """Convert series folders by a heuristic's text.

    Parameters
    ----------
    text
        The heuristic.
    folders
        The folders of the series that it names.
    scratch
        An empty folder; everything is written below it.
    subject, session
        BIDS labels.

    Returns
    -------
    The folder with `sub-<subject>/`.

    Raises
    ------
    DataError
        If the conversion of a series failed; the text names its folder.
    """
    given = scratch / "in" / subject
    given.mkdir(parents=True)
    for folder in folders:
        (given / folder.name).symlink_to(folder.resolve(), target_is_directory=True)
    write_text(scratch / "heuristic.py", text)
    # Compression inside dcm2niix: with pigz the bytes depend on what is installed.
    write_json(scratch / "dcm2niix.json", {"compress": "i"})
    log = scratch / "heudiconv.log"
    # nipype takes no path with a blank, so the scratch folder goes by a name without one, and
    # nipype's own working folders, which hold links to the files only, lie beside that name.
    with tempfile.TemporaryDirectory(prefix="coil-") as place, log.open("wb") as stream:
        alias = Path(place) / "scratch"
        alias.symlink_to(scratch.resolve(), target_is_directory=True)
        done = subprocess.run(
            _command(alias, subject, session),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            cwd=alias,
            env=_environment(Path(place)),
            check=False,
        )
    if problem := failure(log.read_text(errors="replace"), done.returncode, text):
        raise DataError(problem)
    out = scratch / "bids"
    remove_tree(out / ".heudiconv")
    return out


def versions() -> dict[str, str]:
    """The versions of heudiconv and dcm2niix that `run` uses."""
    program = shutil.which("dcm2niix", path=_search_path())
    if program is None:
        raise DataError("dcm2niix is not installed; set up the environment of the convert rule")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"v\d+\.\d+\.\d{8}", said.stdout)
    return {"heudiconv": version("heudiconv"), "dcm2niix": found[0] if found else "unknown"}


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
    """PATH with the folder of dcm2niix first: the binary of its wheel, else beside Python."""
    beside = Path(sys.executable).parent
    try:
        import dcm2niix
    except ImportError:
        return os.pathsep.join([str(beside), os.environ.get("PATH", "")])
    return os.pathsep.join([str(dcm2niix.bin_path.parent), str(beside), os.environ["PATH"]])


def failure(log: str, code: int, heuristic: str) -> str | None:
    """What went wrong in a run, in one line without identifiers, or None.

    dcm2niix leaves out a file that it cannot read and heudiconv goes on with the rest, so the
    files that it found are counted against those that it was given.
    """
    parts = re.split(r"^INFO: Converting \S*?/(sub-\S+) \((\d+) DICOMs\)", log, flags=re.MULTILINE)
    where = "the session"
    for prefix, given, said in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        found = re.search(rf"'([^']+)': '{re.escape(prefix)}'", heuristic)
        where = f"series/{found[1]}" if found else where
        read = re.search(r":Found (\d+) DICOM", said)
        if read and int(read[1]) < int(given):
            count = int(given) - int(read[1])
            return f"{where}: {count} of {given} files cannot be read; repair them in the archive"
    if code == 0:
        return None
    troubles = "\n".join(re.findall(r".*(?:Error|Warning|assert).*", parts[-1]))
    for pattern, cause in _CAUSES:
        if re.search(pattern, troubles):
            return f"{where}: {cause}"
    return (
        f"{where}: heudiconv stopped with status {code}; "
        "convert the series by hand with dcm2niix to see why"
    )


# What dcm2niix and heudiconv print -> the cause and the remedy, the most telling first.
_CAUSES = (
    (r"(?i)no space left", "the disk is full; make room and run again"),
    (
        r"File not large enough",
        "a file is truncated; repair it in the archive",
    ),
    (
        r"Missing images",
        "slices are missing (aborted, or not wholly archived); set `expect: {volumes: n}` on its "
        "rule to have it left out",
    ),
    (
        r"(?i)transfer syntax|unable to decode|decompress",
        "its pixels are compressed in a way that dcm2niix cannot read; "
        "decompress it in the archive",
    ),
    (r"(?i)already exists", "two of its images get one name; ignore it or narrow its rule"),
    (
        r"len\(bvecs\) == len\(bvals\)",
        "dcm2niix makes more than one diffusion image of it; ignore it or narrow its rule",
    ),
    (
        r"There must be no dates",
        "a text in its header has the word Date in it, which heudiconv refuses; reword it in the "
        "archive",
    ),
    (
        r"we do expect some files",
        "dcm2niix makes no image of it; look at its files in the archive",
    ),
)
