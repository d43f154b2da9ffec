"""What the tests of the doctor share: an archive, a login that may less, and one look."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from coil.doctor.examine import examine
from coil.doctor.findings import OK, Finding
from coil.start import doctor
from localxnat.testing import Server
from localxnat.tests.support import Raw
from tests.support.archives import served_study

MAPPING = "bids: {name: n, mapping: [{match: {note: x}, ignore: y}]}\n"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The study in P; Q and R beside it; `nurse`, a collaborator of P and a member of R."""
    with served_study(tmp_path_factory.mktemp("archive")) as server:
        raw = Raw(server)
        assert raw("POST", "/xapi/users", json={"username": "nurse", "password": "pw"}).ok
        for project in "QR":
            home = f"/data/projects/{project}"
            assert raw("PUT", home).ok
            session = f"{home}/subjects/S_1/experiments/E_1"
            assert raw("PUT", session, params={"xsiType": "xnat:mrSessionData"}).ok
        for group in ("P_collaborator", "R_member"):
            assert raw("PUT", f"/xapi/users/nurse/groups/{group}").ok
        yield server


@pytest.fixture(autouse=True)
def login(archive: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    log_in(monkeypatch, archive.user, archive.password)
    monkeypatch.setenv("NETRC", "/nowhere")
    monkeypatch.delenv("XNAT_HOST", raising=False)
    archive.faults()
    yield
    archive.faults()


def log_in(monkeypatch: pytest.MonkeyPatch, user: str, password: str) -> None:
    monkeypatch.setenv("XNAT_USER", user)
    monkeypatch.setenv("XNAT_PASS", password)


def config(work: Path, archive: Server, project: str, more: str = "", name: str = "") -> str:
    """A project's config file."""
    path = work / f"{name or project.lower()}.yaml"
    server = f"archive: {{server: '{archive.url}'}}\n"
    path.write_text(f"project: {project}\n{server}{MAPPING}{more}")
    return path.name


def look(work: Path, *files: str, write: bool = False) -> list[Finding]:
    projects, wrong = doctor.chosen(work, list(files), "", "")
    return wrong + examine(work, projects, write=write, conda=True)


def of(found: list[Finding], *whats: str) -> list[tuple[str, str]]:
    """State and line of the findings on these."""
    return [(one.state, one.line) for one in found if one.what in whats]


def elsewhere(found: list[Finding]) -> list[Finding]:
    """What is found beside the machine, where something is other than well."""
    return [one for one in found if one.state != OK and one.area != "Machine"]


def changes(lines: list[str]) -> list[str]:
    """The requests that change something, but for login and logout."""
    changing = [line for line in lines if line.startswith(("PUT", "POST", "DELETE"))]
    return [one for one in changing if "/services/auth" not in one and "/JSESSION" not in one]
