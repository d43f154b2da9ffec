"""The steps that push an export to another project: what the records say is what is there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from pydicom.uid import MRImageStorage

from coil import files
from coil.archive.client import Address, Archive, connect
from coil.archive.push import mirror
from coil.archive.push.copies import push_copy, push_dicom, withdraw_copies
from coil.archive.push.exports import session_type
from coil.archive.push.job import Job
from coil.config.model.push import Target
from coil.deid.identity.identities import Link, LinkTable
from coil.errors import ArchiveError, RefusedError
from coil.jobs import DONE, Failure
from coil.records.export import ExportedSeries, ExportRecord, State
from coil.records.push import PushRecord
from coil.units import Unit
from localxnat.testing import Server, running
from localxnat.tests.support import write_dicom
from tests.support import session_records
from tests.support.archive_records import archive_at

UNIT = Unit("x1", "y1")
SERIES = [("001_T1w", 4, "1"), ("002_dwi", 6, "2"), ("003_dwi", 6, "3")]


def exported(state: State, folder: str | None, number: int) -> ExportedSeries:
    """A series of an export's record."""
    return ExportedSeries(state=state, folder=folder, name=None, files=number, reason="")


class Project:
    """The folders of a project whose session was exported, and the other project's name."""

    def __init__(self, root: Path, server: Server, to: dict[str, str]) -> None:
        self.private, self.results, self.to = root / "private", root / "results", to
        self.records = self.results / "records" / str(UNIT)
        files.write_text(self.private / "secret", "0123456789abcdef" * 4 + "\n", 0o600)
        archive_at(server.url, "P").write(self.private / "archive.json")
        LinkTable(Link("S1", "E1", "S", "E", *UNIT)).write(self.private / "link.tsv")
        self.list_sessions(UNIT)
        rows = []
        for folder, number, uid in SERIES:
            path = self.results / "dicom" / "sub-x1" / "ses-y1" / folder
            for instance in (1, 2):
                name = path / f"{instance:06d}.dcm"
                write_dicom(name, number, folder[4:], uid, MRImageStorage, "MR", instance)
            rows.append(exported("exported", folder, 2))
        rows.append(exported("withheld", None, 0))
        self.record("admit", DONE)
        self.record("export", DONE | {"series": tuple(rows), "files": 6})

    def record(self, name: str, value: dict) -> None:
        path = self.records / f"{name}.json"
        if name == "admit":
            session_records.write(path, **value)
        else:
            subject, session = UNIT
            ExportRecord(project="P", subject=subject, session=session, **value).write(path)

    def list_sessions(self, *units: Unit) -> None:
        rows = "".join(f"{unit.subject}\t{unit.session}\n" for unit in units)
        files.write_text(self.results / "sessions.tsv", f"subject\tsession\n{rows}")

    def job(self, stage: str, dry: bool) -> Job:
        receipt = self.records / f"{stage}.json"
        return Job(stage, self.private / "archive.json", receipt, f"{receipt}.log", dry)

    def push(self, dry: bool = False) -> PushRecord:
        paths = self.records / "admit.json", self.records / "export.json"
        return push_copy(self.job("push_dicom", dry), *paths, Target(**self.to), None)

    def withdraw(self, dry: bool = False) -> PushRecord:
        sessions = self.results / "sessions.tsv"
        return withdraw_copies(self.job("withdraw_dicom", dry), sessions, Target(**self.to), None)


@pytest.fixture
def project(
    archive: Archive, server: Server, tmp_path: Path, request: pytest.FixtureRequest
) -> Project:
    name = f"T{abs(hash(request.node.name))}"
    archive.put(f"/data/projects/{name}")
    return Project(tmp_path, server, {"project": name})


def labels(archive: Archive, project: Project) -> set[str]:
    return mirror.list_labels(archive, project.to["project"])


def test_scans_are_called_by_their_series_numbers_as_on_an_import(
    archive: Archive, project: Project
) -> None:
    receipt = project.push()
    assert receipt.state == "done" and len(receipt.files) == 6
    scans = {name.split("/")[1] for name in receipt.files}
    assert scans == {"4", "6-MR1", "6-MR2"}
    address = f"/data/projects/{project.to['project']}/subjects/x1/experiments/x1_y1"
    rows = archive.rows(f"{address}/scans")
    assert {row["xsiType"] for row in rows} == {"xnat:mrScanData"}
    assert {row["type"] for row in rows} == {"T1w", "dwi"}


@pytest.mark.parametrize("modalities, wanted", [
    (["MR", "MR"], "mr"), (["PT", "CT"], "pet"), (["PT", "MR"], "petmr"), (["CT"], "ct"),
    (["NM"], "nm"), (["XA"], "xa"), (["RTSTRUCT", "CT"], "ct"), (["OT"], "otherDicom"),
])  # fmt: skip
def test_the_type_of_a_session_is_that_of_its_scans(modalities: list[str], wanted: str) -> None:
    assert session_type(modalities) == f"xnat:{wanted}SessionData"


@pytest.mark.parametrize("which", ["admit", "export"])
def test_a_session_that_is_refused_is_taken_back(
    archive: Archive, project: Project, which: str
) -> None:
    project.push()
    project.record(which, Failure("x", "leak check", "log", False).record())
    assert project.push(dry=True).would == {"x1_y1": "remove"}
    assert labels(archive, project) == {"x1_y1"}
    receipt = project.push()
    assert (receipt.state, receipt.removed) == ("skipped", ("x1_y1",))
    assert labels(archive, project) == set()


def test_a_push_that_fails_leaves_a_receipt_that_says_why(
    archive: Archive, project: Project
) -> None:
    job = project.job("push_dicom", dry=False)
    paths = project.records / "admit.json", project.records / "export.json"
    push_dicom(job, paths, Target(project="NOWHERE"), None)
    receipt = PushRecord.read(job.receipt)
    assert (receipt.state, receipt.stage, receipt.log) == ("failed", "push_dicom", job.log)
    assert receipt.reason and receipt.reason.startswith("export.to: NOWHERE: ")
    push_dicom(job, paths, Target(**project.to), None)
    assert PushRecord.read(job.receipt).state == "done"


def test_a_session_whose_failure_may_pass_stays(archive: Archive, project: Project) -> None:
    project.push()
    project.record("export", Failure("pull", "the server was away", "log", True).record())
    assert project.push().retry
    assert labels(archive, project) == {"x1_y1"}


def test_a_session_that_is_gone_is_taken_back_and_no_other(
    archive: Archive, project: Project
) -> None:
    project.push()
    assert project.withdraw().removed == ()
    project.list_sessions()
    assert project.withdraw(dry=True).would == {"x1_y1": "remove"}
    assert project.withdraw().removed == ("x1_y1",)
    assert labels(archive, project) == set()
    address = f"/data/projects/{project.to['project']}/subjects/x1/experiments/x1_y1"
    archive.put(address, xsiType="xnat:mrSessionData")
    assert project.withdraw().removed == ()
    assert labels(archive, project) == {"x1_y1"}


def test_a_login_without_the_right_to_write_there_is_told_so_in_one_line(
    archive: Archive, server: Server, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = (server.user, server.password)
    profile = {"username": "guest1", "password": "reader"}
    requests.post(f"{server.url}/xapi/users", json=profile, auth=login, timeout=20)
    archive.put(f"/data/projects/{project.to['project']}/users/Collaborators/guest1")
    monkeypatch.setenv("XNAT_USER", "guest1")
    monkeypatch.setenv("XNAT_PASS", "reader")
    with pytest.raises(RefusedError, match=r"^export\.to: .*403") as refused:
        project.push()
    assert "\n" not in str(refused.value)
    assert labels(archive, project) == set()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path / "elsewhere", password="another") as server:
        yield server


def test_another_server_has_a_login_of_its_own_and_never_sees_the_first(
    elsewhere: Server, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    project.to = {"project": "OTHER", "server": elsewhere.url}
    with pytest.raises(ArchiveError, match=r"^export\.to: "):
        project.push()
    monkeypatch.setenv("XNAT_EXPORT_USER", elsewhere.user)
    monkeypatch.setenv("XNAT_EXPORT_PASS", "another")
    with connect(Address(elsewhere.url, login="XNAT_EXPORT")) as there:
        there.put("/data/projects/OTHER")
        assert len(project.push().pushed) == 6
        assert mirror.list_labels(there, "OTHER") == {"x1_y1"}
