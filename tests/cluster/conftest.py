"""A study run on a cluster, and the same on one machine to compare with."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from demo.load import load
from demo.study import generate
from localxnat.testing import import_dicom
from tests.cluster.slurm import Slurm, lacking, running
from tests.workflow.lab import CHECKOUT, Lab, Run

# What the profile leaves to a test: not to wait for a busy cluster and a slow file system.
SLURM = (
    *("--workflow-profile", str(CHECKOUT / "config" / "profiles" / "slurm")),
    *("--slurm-init-seconds-before-status-checks", "1"),
    *("--seconds-between-status-checks", "1", "--latency-wait", "5"),
    *("--slurm-keep-successful-logs",),
)


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """A real Slurm of three nodes."""
    if reason := lacking():
        pytest.skip(reason)
    with running(tmp_path_factory.mktemp("slurm")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def study(slurm: Slurm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated study: two people, seen once each."""
    folder = tmp_path_factory.mktemp("study") / "study"
    generate(folder, seed=2, subjects=2, sessions=1)
    return folder


@pytest.fixture(scope="session")
def discovered(study: Path, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The study in an archive, its pseudonyms given, nothing pulled yet. Copy it.

    With real scanner data here, a session of a Siemens XA30 is a second project.
    """
    lab = Lab(tmp_path_factory.mktemp("discovered") / "lab")
    load(study, lab.archive)
    lab.configure(yaml.safe_load((CHECKOUT / "demo" / "study.yaml").read_text()))
    if folder := os.environ.get("COIL_REAL_DICOM"):
        session = Path(folder) / "dcm_qa_xa30" / "In"
        import_dicom(lab.archive, "REAL", "volunteer", "volunteer_1", session)
        mapping = CHECKOUT / "tests" / "real" / "mappings" / "siemens_xa30.yaml"
        bids = {"name": "A real session", "mapping": yaml.safe_load(mapping.read_text())}
        project = {"project": "REAL", "bids": bids, "push": {"reports": True}}
        (lab.work / "real.yaml").write_text(yaml.safe_dump(project, sort_keys=False))
        (lab.work / "config.yaml").write_text("projects: [study.yaml, real.yaml]\n")
    with lab.open():
        assert lab.snakemake("discover").status == 0
    return lab


@pytest.fixture(scope="session")
def local(discovered: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The same after a run on one machine."""
    lab = discovered.copy(tmp_path_factory.mktemp("local") / "lab")
    with lab.open():
        run = lab.snakemake()
    assert run.status == 0, run.output
    shutil.rmtree(lab.archive)
    return lab


class Watch:
    """What the queue showed while something ran, also of jobs that are over."""

    def __init__(self, slurm: Slurm):
        self._slurm = slurm
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.seen: dict[str, str] = {}
        """The last line on each job."""

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.5):
            with suppress(subprocess.SubprocessError):
                lines = self._slurm.run("scontrol", "show", "job", "--oneliner").splitlines()
                told = {line.split()[0].removeprefix("JobId="): line for line in lines}
                self.seen = self.seen | told

    def jobs(self) -> dict[str, dict[str, str]]:
        """Each job's properties, by its number."""
        return {
            job: dict(word.split("=", 1) for word in line.split() if "=" in word)
            for job, line in self.seen.items()
            if job.isdigit()
        }

    def values(self, key: str) -> set[str]:
        return {job[key] for job in self.jobs().values()}

    def running(self) -> list[str]:
        """The jobs that run now, in the order of their numbers."""
        jobs = self.jobs()
        return sorted((j for j in jobs if jobs[j]["JobState"] == "RUNNING"), key=int)


def run(lab: Lab, *arguments: str) -> Run:
    """One invocation with the cluster's profile."""
    return lab.snakemake(*SLURM, *arguments)


def bytes_of(lab: Lab) -> dict[str, bytes]:
    """All data sets of a lab, byte by byte."""
    return {
        path.relative_to(lab.work).as_posix(): path.read_bytes()
        for kind in ("bids", "derivatives")
        for path in sorted(lab.work.glob(f"results/*/{kind}/**/*"))
        if path.is_file()
    }


def kill_local(pid: int) -> None:
    """Kill a submitting process, and what it started on this machine, as a power cut would."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) == pid:
                os.kill(int(folder.name), 9)
        except ProcessLookupError:
            continue
    time.sleep(0.1)
