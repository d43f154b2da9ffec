"""What the tests of discovery share: a project of their own on a server, and what is done to it.

PYTEST_DONT_REWRITE: test modules import from here before pytest takes it as a plugin.
"""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, cast

import pytest

from coil import files
from coil.archive import contents
from coil.archive.client import Address, connect
from coil.archive.discover.discovery import Discovered, discover
from coil.config.reading import load_schema, with_defaults
from coil.deid.identity.identities import LinkTable
from coil.records.held import HeldFiles
from coil.units import unit_name
from localxnat.testing import Server, running
from localxnat.tests.support import Raw
from tests.support import elsewhere


class Study:
    """A project in the archive, and the folder where it is worked on."""

    def __init__(self, server: Server, project: str, work: Path) -> None:
        self.server, self.project, self.work = server, project, work
        self.raw = Raw(server)
        self.settings: dict[str, Any] = {}
        self.thorough = False
        self.listing = f"/data/projects/{project}/experiments"
        self.put(f"/data/projects/{project}")

    def put(self, path: str, data: bytes | None = None, /, **query: str) -> str:
        answer = self.raw("PUT", path, params=query, data=data)
        assert answer.ok, answer.text
        return answer.text

    def session(self, label: str, subject: str = "A", kind: str = "mr", **fields: str) -> str:
        """A session with one scan of one file; its path."""
        home = f"/data/projects/{self.project}/subjects/{subject}/experiments/{label}"
        path = f"/data/experiments/{self.put(home, xsiType=f'xnat:{kind}SessionData', **fields)}"
        self.scan(path, "1", type="T1w", quality="usable")
        return path

    def scan(self, session: str, scan: str, **fields: str) -> None:
        path = f"{session}/scans/{scan}"
        self.put(path, xsiType="xnat:mrScanData", **fields)
        self.put(f"{path}/resources/DICOM/files/1.dcm", b"12345678")

    def discover(self, **select: Any) -> Discovered:
        given = {"project": self.project, "select": select, "bids": {"name": "n", "mapping": []}}
        given |= {"archive": {"server": self.server.url}} | self.settings
        settings = with_defaults(given, load_schema("project"))
        return discover("study", settings, self.work, self.thorough)

    def asked(self, **select: Any) -> list[str]:
        """What one more discovery asks the archive for, but for the login."""
        before = len(self.server.requests())
        self.discover(**select)
        lines = [line.split()[1] for line in self.server.requests()[before:]]
        return [
            line.partition("?")[0]
            for line in lines
            if re.match("/data/(experiments|projects|prearchive)", line)
        ]

    @property
    def private(self) -> Path:
        return self.work / "private" / "study"

    def units(self) -> dict[str, str]:
        """The sessions of the dataset: their units by the archive's label."""
        table = (self.work / "results" / "study" / "sessions.tsv").read_text().splitlines()[1:]
        there = {unit_name(*line.split("\t")) for line in table}
        rows = LinkTable.read(self.private / "link.tsv").rows
        units = {row.session_label: unit_name(row.subject, row.session) for row in rows}
        return {label: unit for label, unit in units.items() if unit in there}

    def noted(self, label: str) -> Path:
        return self.private / "sessions" / f"{self.units()[label]}.json"

    def fingerprint(self, label: str) -> str:
        return files.read_json(self.noted(label))["fingerprint"]

    def work_on(self, label: str, session: str) -> None:
        """What the jobs leave of a session that discovery and they look at later."""
        unit = self.units()[label]
        with connect(Address(self.server.url)) as archive:
            beside = ["events", "scans/PHYSIO"]
            held = contents.digest(contents.list_files(archive, Path(session).name, beside))
        HeldFiles(held=held).write(self.private / "pulled" / f"{unit}.json")
        record = self.work / "results" / "study" / "records" / unit / "admit.json"
        files.write_json(record, {"state": "done"})


@pytest.fixture(scope="session")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if there := elsewhere.given():
        yield cast(Server, there)
        return
    with running(tmp_path_factory.mktemp("archive") / "root") as started:
        yield started


_made = iter(range(1, 1000))


@pytest.fixture
def study(studies: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Study]:
    monkeypatch.setenv("XNAT_USER", studies.user)
    monkeypatch.setenv("XNAT_PASS", studies.password)
    name = f"{elsewhere.PREFIX}P{next(_made)}"
    with _new(name):
        yield Study(studies, name, tmp_path / "work")
    studies.faults()


def _new(project: str) -> AbstractContextManager[None]:
    """A server elsewhere may have the project, and keeps it, if it is not removed."""
    there = elsewhere.given()
    return there.borrowed(project) if there else nullcontext()
