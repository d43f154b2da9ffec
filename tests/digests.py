"""One study run in every way, and a table of what came out: `make digests`.

Two fresh clones, one core and two, before and after a kill, on Slurm and in conda environments
(where this machine has them): all data sets and reports have to be the same, byte by byte.
Notebooks and pages need no exception: Coil takes times and random names out of them
(`coil.analyses.notebook`).
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from tabulate import tabulate

from coil.run.lock_digests import tree_digest
from demo.load import load
from demo.study import generate
from tests.cluster import slurm
from tests.cluster.conftest import SLURM
from tests.conda import bench
from tests.workflow.lab import CHECKOUT, Lab, Run

PARTS = ("bids", "derivatives/qc", "derivatives/glm", "derivatives/overview", "reports")
SHOWN = 12  # characters of a digest in the table


class RunError(Exception):
    """A run failed."""


def digests(lab: Lab) -> dict[str, str]:
    """The digest of each part of a lab's results; all bytes are read."""
    return {part: tree_digest(lab.results / part, {}) for part in PARTS}


@contextmanager
def clone(folder: Path) -> Iterator[Path]:
    """A fresh clone of what is committed here."""
    subprocess.run(["git", "clone", "--quiet", CHECKOUT, folder], check=True)
    yield folder
    shutil.rmtree(folder)


def prepared(folder: Path) -> Lab:
    """The simulated study in an archive, its pseudonyms given, nothing pulled yet."""
    generate(folder / "study", seed=2, subjects=2, sessions=1)
    lab = Lab(folder / "lab")
    load(folder / "study", lab.archive)
    lab.configure(yaml.safe_load((CHECKOUT / "demo" / "study.yaml").read_text()))
    with lab.open():
        checked(lab.snakemake("discover"))
    return lab


def checked(run: Run) -> Run:
    if run.status != 0:
        raise RunError(run.output)
    return run


def on_cores(count: int) -> Callable[[Lab], None]:
    """A run on so many cores of this machine."""

    def work(lab: Lab) -> None:
        checked(lab.snakemake("--cores", str(count)))

    return work


def killed(lab: Lab) -> None:
    """Kill the run and all its jobs once a session is in, unlock, and run again."""
    process = lab.start()
    while not any((lab.results / "bids").glob("sub-*/ses-*")):
        if process.poll() is not None:
            raise RunError("the run ended before it could be killed")
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    checked(lab.snakemake("--unlock"))
    checked(lab.snakemake())


def on_slurm(lab: Lab) -> None:
    """Run on a real Slurm of three nodes."""
    with tempfile.TemporaryDirectory() as root, slurm.running(Path(root)):
        checked(lab.snakemake(*SLURM))


def in_conda(lab: Lab) -> None:
    """Run each job in the environment that its rule names."""
    made = bench.prepare()
    place = ("--sdm", "conda", "--conda-prefix", str(made.prefixes))
    checked(lab.snakemake(*place, PATH=made.environment["PATH"]))


def main() -> None:
    """Run all, print the table, exit 1 if anything differs."""
    ways: list[tuple[str, str, Callable[[Lab], None] | str]] = [
        ("one core", "one", on_cores(1)),
        ("two cores", "two", on_cores(2)),
        ("killed with -9, begun again", "two", killed),
        ("Slurm, three nodes", "two", slurm.lacking() or on_slurm),
        ("conda environments", "two", bench.why_not() or in_conda),
    ]
    rows, found = [], []
    with tempfile.TemporaryDirectory() as root:
        base = Path(root)
        first = prepared(base)
        with clone(base / "one") as one, clone(base / "two") as two:
            for number, (name, place, work) in enumerate(ways):
                if isinstance(work, str):
                    rows.append([name, f"left out: {work}"])
                    continue
                lab = first.copy(base / f"lab{number}")
                lab.checkout = one if place == "one" else two
                with lab.open():
                    work(lab)
                found.append(digests(lab))
                rows.append([f"{name} (clone {place})", *(d[:SHOWN] for d in found[-1].values())])
                print(f"{name}: done", file=sys.stderr)
                shutil.rmtree(lab.root)
    print(tabulate(rows, headers=["run", *PARTS]))
    different = [part for part in PARTS if len({one[part] for one in found}) > 1]
    print(
        f"\n{len(found)} runs: "
        + (f"DIFFERENT: {', '.join(different)}" if different else "the same bytes")
    )
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
