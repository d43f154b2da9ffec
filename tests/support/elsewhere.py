"""A server that runs already, in place of localxnat: COIL_XNAT names its address.

The tests are the same. One that wants what only localxnat does (faults on request, its own folder)
is skipped where it asks for that; what the server was asked is noted here, as it is sent. The
server has to be there for tests alone: projects that it has are left alone, so that the tests
refuse to start where theirs exist. User and password come from XNAT_USER and XNAT_PASS.
"""

import io
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pytest
from requests import PreparedRequest, Response, Session, request

PREFIX = "COIL_TEST_"
"""How the IDs of the tests' projects begin, but for P."""
TIMEOUT = 600
"""Seconds that an XNAT may take for an upload, which it archives meanwhile."""


_ASKED: list[str] = []


@contextmanager
def noting() -> Iterator[None]:
    """Note each request that is sent until the block ends."""
    send = Session.send

    def noted(session: Session, asked: PreparedRequest, **options: Any) -> Response:
        answer = send(session, asked, **options)
        _ASKED.append(f"{asked.method} {asked.path_url} {answer.status_code}")
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Session, "send", noted)
        yield


@dataclass(frozen=True)
class Elsewhere:
    """What tests know of the server; see `localxnat.testing.Server`."""

    url: str
    user: str
    password: str = field(repr=False)

    def requests(self) -> list[str]:
        """What this process asked of any server so far: `METHOD path status` each."""
        return list(_ASKED)

    def faults(self, *rules: dict[str, Any]) -> None:
        if rules:
            pytest.skip("this server makes no faults on request")

    def __getattr__(self, name: str) -> NoReturn:
        if name in ("root", "log", "pid"):
            pytest.skip("this server's folder is not here")
        raise AttributeError(name)

    def send(self, method: str, path: str, data: bytes | None = None, **query: str) -> Response:
        """A request of the tests' own, which must succeed."""
        answer = request(
            method,
            self.url + path,
            params=query,
            data=data,
            auth=(self.user, self.password),
            headers={"Content-Type": "application/zip"} if data else {},
            timeout=TIMEOUT,
        )
        assert answer.ok, f"{method} {path}: {answer.status_code}"
        return answer

    def projects(self) -> set[str]:
        """The IDs of the projects that there are."""
        rows = self.send("GET", "/data/projects", format="json").json()["ResultSet"]["Result"]
        return {row["ID"] for row in rows}

    def upload(self, project: str, subject: str, session: str, folder: Path) -> None:
        """Send the DICOM files of a folder as one session."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*.dcm")):
                archive.write(path, path.relative_to(folder).as_posix())
        place = f"/archive/projects/{project}/subjects/{subject}/experiments/{session}"
        query = {"dest": place, "overwrite": "append", "inbody": "true"}
        self.send("POST", "/data/services/import", packed.getvalue(), **query)

    @contextmanager
    def borrowed(self, *projects: str) -> Iterator[None]:
        """New projects, removed at the end with all that is in them.

        Raises AssertionError where one is there already.
        """
        there = self.projects() & set(projects)
        assert not there, f"the server has {', '.join(sorted(there))} already; remove it by hand"
        try:
            for project in projects:
                self.send("PUT", f"/data/projects/{project}")
            yield
        finally:
            self.remove(*projects)

    @contextmanager
    def left_clean(self) -> Iterator[None]:
        """All projects that begin with `PREFIX` and were not there before, removed at the end."""
        before = self.projects()
        yield
        self.remove(*(one for one in self.projects() - before if one.startswith(PREFIX)))

    def remove(self, *projects: str) -> None:
        """Remove those of the projects that there are."""
        for project in sorted(self.projects() & set(projects)):
            self.send("DELETE", f"/data/projects/{project}", removeFiles="true")


def given() -> Elsewhere | None:
    """The server that COIL_XNAT names, if it does."""
    url = os.environ.get("COIL_XNAT", "").rstrip("/")
    return Elsewhere(url, os.environ["XNAT_USER"], os.environ["XNAT_PASS"]) if url else None
