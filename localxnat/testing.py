"""A server for tests and demos: started as a process of its own, stopped at the end."""

import base64
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from localxnat.storage import seeding
from localxnat.storage.store import Store

PACKAGE_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Server:
    """A running server. `log` has a line `METHOD path status` for each request."""

    url: str
    user: str
    password: str = field(repr=False)
    root: Path
    log: Path
    pid: int

    def requests(self) -> list[str]:
        """The requests so far."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def faults(self, *rules: Mapping[str, object]) -> None:
        """Inject these faults from now on, and no others; see `localxnat.faults.rules`."""
        login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        request = urllib.request.Request(
            f"{self.url}/localxnat/faults",
            json.dumps(rules).encode(),
            {"Authorization": f"Basic {login}"},
            method="PUT",
        )
        urllib.request.urlopen(request, timeout=10).close()


def _environment(password: str | None = None) -> dict[str, str]:
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(PACKAGE_ROOT), *filter(None, [environment.get("PYTHONPATH")])]
    )
    if password is not None:
        environment["LOCALXNAT_PASSWORD"] = password
    return environment


@contextmanager
def running(
    root: Path,
    *,
    port: int = 0,
    password: str = "admin",
    idle: float | None = None,
    quiet: float | None = None,
    rights: float | None = None,
    faults: Path | None = None,
    options: Sequence[str] = (),
) -> Iterator[Server]:
    """A server on `root` (made if absent) on a free loopback port, until the block ends.

    `idle` is the seconds until an idle login ends, `quiet` those until a session that arrives
    in parts is taken to be whole, `rights` those that 10,000 rows of `/data/experiments` cost a
    user who is no administrator (6 on a real server), `faults` a file of faults.

    Raises RuntimeError, with what the server said, if it does not start.
    """
    root.mkdir(parents=True, exist_ok=True)
    log = root / "access.log"
    command = [sys.executable, "-m", "localxnat", "serve", str(root), "--port", str(port)]
    command += ["--log", str(log), *options]
    if idle is not None:
        command += ["--idle", str(idle)]
    if quiet is not None:
        command += ["--quiet", str(quiet)]
    if rights is not None:
        command += ["--rights", str(rights)]
    if faults is not None:
        command += ["--faults", str(faults)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=_environment(password)
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line.startswith("localxnat at "):
            process.wait(10)
            raise RuntimeError(f"localxnat did not start: {line.strip() or 'see its messages'}")
        url = line.removeprefix("localxnat at ").strip()
        yield Server(url, "admin", password, root, log, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def import_dicom(root: Path, project: str, subject: str, session: str, *folders: Path) -> str:
    """Import DICOM folders as one session, by the command line; what it printed."""
    command = [sys.executable, "-m", "localxnat", "import", str(root)]
    command += ["--project", project, "--subject", subject, "--session", session]
    done = subprocess.run(
        [*command, *map(str, folders)],
        capture_output=True,
        text=True,
        env=_environment(),
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stdout.strip()


def forget_counts(root: Path, project: str) -> None:
    """Leave the catalogs of a project's scans and sessions without counts of files, as those are
    in XNAT that were never refreshed."""
    seeding.forget_counts(Store(root).database, project)


def seed(
    root: Path, project: str, sessions: int, scans: int = 10, *, shared_into: str | None = None
) -> None:
    """A new project with MR sessions of `scans` scans each, one session a subject.

    Every scan has a resource DICOM that claims files, and there are none on disk: this is for
    listings of any size, at some 100,000 scans in a second. `shared_into` is a second new
    project that all of it is shared into.
    """
    projects = [project, *filter(None, [shared_into])]
    seeding.seed(Store(root).database, projects, sessions, scans)
