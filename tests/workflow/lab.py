"""A lab for one test: an archive, a working directory, and snakemake as a person calls it."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from coil.deid.identity.identities import LinkTable
from coil.files import read_json
from coil.units import unit_name
from localxnat.testing import Server, running

CHECKOUT = Path(__file__).resolve().parents[2]
_JOB = re.compile(r"^Finished jobid: \d+ \(Rule: (\w+)\)$", re.M)
_STATE = ("results", "logs", "benchmarks", ".snakemake")


@dataclass
class Run:
    """What one invocation printed and did."""

    status: int
    output: str
    jobs: Counter[str] = field(default_factory=Counter)


@dataclass
class Lab:
    """A folder with `archive/` (localxnat's) and `work/` (snakemake's)."""

    root: Path
    server: Server | None = None
    checkout: Path = CHECKOUT
    """The clone of the project whose workflow runs."""
    called_from: Path | None = None
    """Where snakemake is called with `--directory work`; else it is called in `work`."""

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def results(self) -> Path:
        return self.work / "results" / "study"

    @property
    def interpreter(self) -> str:
        """The Python that has Snakemake."""
        return sys.executable

    def copy(self, root: Path) -> "Lab":
        """The same lab elsewhere, with all times of files kept."""
        shutil.copytree(self.root, root, symlinks=True)
        return Lab(root)

    def configure(self, project: dict[str, Any], **config: Any) -> None:
        """Write the project's config `study.yaml` and the main config."""
        self.work.mkdir(parents=True, exist_ok=True)
        (self.work / "study.yaml").write_text(yaml.safe_dump(project, sort_keys=False))
        text = yaml.safe_dump({"projects": ["study.yaml"], **config})
        (self.work / "config.yaml").write_text(text)

    def settings(self) -> dict[str, Any]:
        return yaml.safe_load((self.work / "study.yaml").read_text())

    @contextmanager
    def open(self) -> Iterator[Server]:
        """The archive's server, running until the block ends."""
        with running(self.archive) as server:
            self.server = server
            try:
                yield server
            finally:
                self.server = None

    def snakemake(self, *arguments: str, **environment: str) -> Run:
        """One invocation, against the archive if it is open."""
        process = self.start(*arguments, stderr=subprocess.STDOUT, **environment)
        output, _ = process.communicate()
        return Run(process.returncode, output, Counter(_JOB.findall(output)))

    def start(
        self, *arguments: str, stderr: int = subprocess.STDOUT, **environment: str
    ) -> subprocess.Popen[str]:
        """An invocation that goes on by itself."""
        login = {"XNAT_HOST": "http://127.0.0.1:1", "XNAT_USER": "admin", "XNAT_PASS": "admin"}
        if self.server:
            login["XNAT_HOST"] = self.server.url
        command = [self.interpreter, "-m", "snakemake", "--snakefile", f"{self.checkout}/Snakefile"]
        command += ["--configfile", str(self.work / "config.yaml"), "--cores", "2"]
        command += ["--directory", str(self.work)] if self.called_from else []
        command += ["--workflow-profile", f"{self.checkout}/config/profiles/local"]
        return subprocess.Popen(
            [*command, *arguments],
            cwd=self.called_from or self.work,
            env=os.environ | login | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,  # so that a test can kill it with all its jobs
        )

    def units(self) -> list[str]:
        """The sessions' neutral names, sorted."""
        return sorted(path.name for path in (self.results / "records").glob("sub-*_ses-*"))

    def record(self, unit: str, name: str = "admit") -> dict[str, Any]:
        return read_json(self.results / "records" / unit / f"{name}.json")

    def records(self) -> list[dict[str, Any]]:
        return [self.record(unit) for unit in self.units()]

    def unit_of(self, session_label: str) -> str:
        """The neutral name of an archive session, from the link table."""
        table = LinkTable.read(self.work / "private" / "study" / "link.tsv")
        row = next(row for row in table.rows if row.session_label == session_label)
        return unit_name(row.subject, row.session)

    def published(self) -> list[Path]:
        """Every file that could be shown to a stranger."""
        return sorted(
            path for name in _STATE for path in (self.work / name).rglob("*") if path.is_file()
        )
