"""What is run against the server: each part for itself, and what came of it."""

import os
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml

from coil.files import read_json
from demo.load import describe, sessions
from demo.study import generate
from tests.support.elsewhere import PREFIX, Elsewhere

CHECKOUT = Path(__file__).resolve().parents[2]
PROJECT = f"{PREFIX}DEMO"
SECONDS = 3600
"""After which a part is ended."""
_LAST = 40  # lines of what it printed
_DONE = re.compile(r"^Finished jobid: \d+ \(Rule: (\w+)\)$", re.M)


@dataclass
class Part:
    """A part by its name; `done`, `failed` or `skipped`, after so many seconds, and details."""

    name: str
    state: str
    seconds: float
    told: dict[str, Any] = field(default_factory=dict)


class FailedError(Exception):
    """A part failed; `told` says how."""

    def __init__(self, **told: Any) -> None:
        super().__init__(str(told))
        self.told = told


def carry_out(name: str, work: Callable[[], dict[str, Any]]) -> Part:
    """Do a part, whatever becomes of it."""
    print(f"{name} ...", flush=True)
    begun = time.monotonic()
    try:
        state, told = "done", work()
    except FailedError as error:
        state, told = "failed", error.told
    except Exception:
        state, told = "failed", {"error": traceback.format_exc().splitlines()[-_LAST:]}
    part = Part(name, state, round(time.monotonic() - begun, 1), told)
    print(f"{name}: {part.state}, {part.seconds:.0f} s", flush=True)
    return part


class Parts:
    """The parts, all against one server, in one folder."""

    def __init__(self, server: Elsewhere, folder: Path, cores: int, size: tuple[int, int]) -> None:
        self.server, self.folder, self.cores, self.size = server, folder, cores, size
        self.work = folder / "run"

    def study(self) -> dict[str, Any]:
        """Simulate the study and upload it, as a scanner's DICOM files and by the client."""
        out = self.folder / "study"
        if not (out / "truth.json").is_file():
            subjects, visits = self.size
            generate(out, subjects=subjects, sessions=visits)
        if PROJECT in self.server.projects():
            raise FailedError(error=f"the server has a project {PROJECT}; remove it by hand")
        self.server.send("PUT", f"/data/projects/{PROJECT}")
        for subject, session, folder in sessions(out):
            self.server.upload(PROJECT, subject, session, folder)
        set_ = describe(out, self.server, PROJECT)
        self._configure()
        return {"sessions": len(list(sessions(out))), "set": len(set_)}

    def doctor(self) -> dict[str, Any]:
        """What the doctor says, who writes a resource and removes it again."""
        status, output = self._snakemake("doctor", "--config", "doctor=write")
        record = self.work / "results" / "doctor.json"
        found = read_json(record) if record.is_file() else None
        if status or found is None:
            raise FailedError(status=status, output=_last(output), found=found)
        return {"found": found}

    def tests(self) -> dict[str, Any]:
        """The archive's tests, those that any XNAT can pass."""
        results = self.folder / "tests.xml"
        results.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += [f"--junitxml={results}", "tests/archive"]
        status, output = self._run(command, CHECKOUT, COIL_XNAT=self.server.url)
        if not results.is_file():
            raise FailedError(status=status, output=_last(output))
        told = read_tests(results)
        if status:
            raise FailedError(**told)
        return told

    def demo(self) -> dict[str, Any]:
        """The whole workflow, from pull to push."""
        status, output = self._snakemake()
        told = {"summary": _summary(output)}
        if status:
            raise FailedError(status=status, output=_last(output), **told)
        return told

    def again(self) -> dict[str, Any]:
        """The same once more, which has nothing to do."""
        status, output = self._snakemake()
        jobs = [rule for rule in _DONE.findall(output) if rule != "all"]
        if status or jobs:
            raise FailedError(status=status, jobs=sorted(jobs), output=_last(output))
        return {"jobs": 0}

    def clean(self) -> dict[str, Any]:
        """Remove the project that was made."""
        self.server.remove(PROJECT)
        return {}

    def _configure(self) -> None:
        """The study's config, for the project that was made."""
        self.work.mkdir(parents=True, exist_ok=True)
        settings = yaml.safe_load((CHECKOUT / "demo" / "study.yaml").read_text())
        settings["project"] = PROJECT
        (self.work / "study.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
        (self.work / "config.yaml").write_text("projects: [study.yaml]\n")

    def _snakemake(self, *arguments: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(CHECKOUT / "Snakefile")]
        command += ["--configfile", "config.yaml", "--cores", str(self.cores)]
        command += ["--workflow-profile", str(CHECKOUT / "config" / "profiles" / "local")]
        return self._run([*command, *arguments], self.work, XNAT_HOST=self.server.url)

    def _run(self, command: list[str], cwd: Path, **environment: str) -> tuple[int, str]:
        """The exit status of a program, and what it printed, which also goes to a log."""
        login = {"XNAT_USER": self.server.user, "XNAT_PASS": self.server.password}
        try:
            done = subprocess.run(
                command,
                cwd=cwd,
                env=os.environ | login | environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise FailedError(error=f"ended after {SECONDS} s") from None
        return done.returncode, done.stdout


def read_tests(path: Path) -> dict[str, Any]:
    """Counts, and the failures with their last lines, of a JUnit file."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    failures = []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        broken = [one for one in case if one.tag in ("failure", "error")]
        skipped = case.find("skipped") is not None
        counts["failed" if broken else "skipped" if skipped else "passed"] += 1
        for one in broken:
            name = f"{case.get('classname')}::{case.get('name')}"
            failures.append({"test": name, "message": _last(one.get("message") or "", 5)})
    return {"counts": counts, "failures": failures}


def _summary(output: str) -> list[str]:
    """What the workflow says at its end, by project."""
    lines = output.splitlines()
    begins = [number for number, line in enumerate(lines) if line.startswith("study: ")]
    return [line for line in lines[begins[-1] :] if line.strip()][:_LAST] if begins else []


def _last(text: str, lines: int = _LAST) -> list[str]:
    return text.splitlines()[-lines:]
