"""The surroundings of an analysis: its environment variables, and what it can reach of the disk.

Where the system lets a user make namespaces, the analysis runs in some of its own: it sees no
other process, the working folder is read-only but for its scratch folder, and what is
identified or secret is not there. Elsewhere the environment alone is clean.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from coil import programs

_PASSED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
_THREADS = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"]
_SCRIPT = Path(__file__).with_name("enclose.sh")


def environment(
    around: Mapping[str, str], scratch: Path, threads: int, prefix: str | None
) -> dict[str, str]:
    """The variables that an analysis gets of those `around`; what is not known is left out.

    scratch     the folder for whatever it writes beside its results
    prefix      where its conda environment is: what activation set from there is passed on.
                Without one it shares that of this process.
    """
    kept = {
        name: value
        for name, value in around.items()
        if name in _PASSED or (prefix and prefix in value and not name.startswith("SNAKEMAKE"))
    }
    here = str(Path(sys.executable).parent)
    path = [folder for folder in kept.get("PATH", os.defpath).split(":") if folder != here]
    kept["PATH"] = ":".join(path if prefix else [here, *path])
    count = {name: str(threads) for name in _THREADS}
    home = dict.fromkeys(("HOME", "TMPDIR"), str(scratch))
    fixed = {"PYTHONHASHSEED": "0", "PYTHONNOUSERSITE": "1", "MPLBACKEND": "Agg"}
    return kept | count | home | fixed | {"LANG": kept.get("LANG", "C.UTF-8")}


def enclosed(
    command: Sequence[str], work: Path, scratch: Path, seen: Iterable[Path], hidden: Iterable[Path]
) -> list[str] | None:
    """`command` in namespaces of its own; None where the system allows none.

    work        the folder that becomes read-only
    scratch     the folder in it that does not
    seen        folders in `scratch` that do
    hidden      files and folders that are not to be read
    """
    for processes in (["--pid", "--fork", "--kill-child", "--mount-proc"], []):
        before = ["unshare", "--map-root-user", "--mount", *processes, "sh", "-eu", str(_SCRIPT)]
        before += [str(work), str(scratch), "\n".join(map(str, seen))]
        before += ["\n".join(str(path) for path in hidden if path.exists()), "--"]
        if _runs([*before, "true"]):
            return [*before, *command]
    return None


def _runs(command: Sequence[str]) -> bool:
    try:
        # Not captured: "no space left on device" says that there are no namespaces (unshare(2)).
        done = programs.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        return False
    return done.returncode == 0
