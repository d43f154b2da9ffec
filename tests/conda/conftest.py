"""The bench, the environment that Snakemake runs in, and the study run with conda and without."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from coil.analyses.entries import bundled
from demo.load import load
from demo.study import generate
from localxnat.testing import import_dicom
from tests.conda import bench
from tests.conda.bench import ENVS, Bench
from tests.conda.imports import watch
from tests.workflow import test_dataset
from tests.workflow.lab import CHECKOUT, Lab, Run

OTHER = {**test_dataset.OTHER, "export": "dicom"}
SCANNER = "results/study/derivatives/scanner.json"  # no rule asks for it here
BOTH = {"name": "both", "projects": ["study", "other"], "site": "entity", "bids": {"name": "Both"}}


@dataclass
class CondaLab(Lab):
    """A lab whose Snakemake runs in the environment of envs/coil.yaml, with `--sdm conda`."""

    bench: Bench | None = None
    python: Path | None = None

    @property
    def interpreter(self) -> str:
        return str(self.python)

    def with_conda(self, *arguments: str) -> Run:
        """One invocation, its jobs in the environments that their rules name."""
        assert self.bench
        place = ("--sdm", "conda", "--conda-prefix", str(self.bench.prefixes))
        return self.snakemake(*place, *arguments, PATH=self.bench.environment["PATH"])


@pytest.fixture(scope="session")
def conda() -> Bench:
    """The bench; tests that need it are skipped where it cannot be."""
    if reason := bench.why_not():
        pytest.skip(reason)
    return bench.prepare()


@pytest.fixture(scope="session")
def snakemake_prefix(conda: Bench) -> Path:
    """The environment of envs/coil.yaml, its imports watched."""
    prefix = conda.root / "coil"
    if not prefix.exists():
        done = conda.create(ENVS / "coil.yaml", prefix)
        assert done.returncode == 0, done.stderr
    watch(prefix)
    return prefix


@pytest.fixture(scope="session")
def unworked(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Two small projects in an archive, one of them simulated, to be merged; nothing run yet."""
    folder = tmp_path_factory.mktemp("unworked")
    generate(folder / "study", seed=2, subjects=1, sessions=1)
    lab = Lab(folder / "lab")
    load(folder / "study", lab.archive)
    series = next((folder / "study" / "dicom").glob("*/*/*se_epi_AP*"))
    import_dicom(lab.archive, "OTHER", "guest", "guest_1", series)
    project = yaml.safe_load((CHECKOUT / "demo" / "study.yaml").read_text())
    project["analyses"] = list(bundled())
    lab.configure(project, projects=["study.yaml", "other.yaml"], merged=[BOTH])
    (lab.work / "other.yaml").write_text(yaml.safe_dump(OTHER))
    return lab


@pytest.fixture(scope="session")
def plain(unworked: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The projects after a run without conda."""
    lab = unworked.copy(tmp_path_factory.mktemp("plain") / "lab")
    with lab.open():
        run = lab.snakemake("all", SCANNER)
    assert run.status == 0, run.output
    return lab


@pytest.fixture(scope="session")
def isolated(
    unworked: Lab, plain: Lab, conda: Bench, snakemake_prefix: Path, tmp_path_factory
) -> CondaLab:
    """The same projects, their secrets too, after runs with conda that start every script."""
    root = tmp_path_factory.mktemp("isolated") / "lab"
    unworked.copy(root)
    lab = CondaLab(root, bench=conda, python=snakemake_prefix / "bin" / "python")
    for secret in (plain.work / "private").glob("*/secret"):
        target = lab.work / secret.relative_to(plain.work)
        target.parent.mkdir(parents=True, mode=0o700)
        shutil.copy(secret, target)
    with lab.open() as server:
        draft = ("init", "--config", f"server={server.url}", "project=OTHER", "preview=headers")
        assert lab.snakemake("discover").status == 0  # making environments alone asks no archive
        calls = (("all", SCANNER), draft, ("preview", *draft[1:]), ("doctor",), ("status",))
        for call in calls:
            made = lab.with_conda("--conda-create-envs-only", *call)
            assert made.status == 0, made.output
        for prefix in conda.prefixes.glob("*_"):
            watch(prefix)
        for call in calls:
            run = lab.with_conda(*call)
            assert run.status == 0, run.output
    return lab
