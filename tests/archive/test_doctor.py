"""What the doctor finds: where all is well, where rights or columns lack, where none answers."""

import io
import json
import re
import sqlite3
import stat
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import doctor
from coil.doctor.examine import examine
from coil.doctor.findings import LIMIT, OK, PAGE, PROBLEM, RECORD, UNKNOWN, Finding
from coil.errors import ConfigError
from localxnat.testing import Server
from tests.archives import Raw, served_study, write_study

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


# All is well -------------------------------------------------------------------------------------


def test_where_all_is_well_every_line_is_ok_and_soon_there(archive: Server, tmp_path: Path) -> None:
    begun = time.monotonic()
    found = look(tmp_path, config(tmp_path, archive, "P"))
    assert time.monotonic() - begun < 10
    assert elsewhere(found) == []
    assert {one.area for one in found} == {"Server", "Login", "Data", "Machine"}
    whats = {one.what for one in found}
    assert whats >= {"address", "clock", "version", "plugins", "listing", "kind", "roles", "rights"}
    assert whats >= {"columns", "labels", "catalogs", "prearchive", "variables", "resources"}
    assert whats >= {"memory", "space", "file system", "namespaces"}


def test_nothing_is_written_to_the_archive_nor_left_in_the_working_folder(
    archive: Server, tmp_path: Path
) -> None:
    file, before = config(tmp_path, archive, "P"), len(archive.requests())
    look(tmp_path, file)
    lines = archive.requests()[before:]
    assert changes(lines) == []
    assert sum("PUT /data/services/auth" in line for line in lines) == 1
    assert lines[-1] == "DELETE /data/JSESSION 200"
    assert [path.name for path in tmp_path.iterdir()] == [file]


def test_the_page_on_the_terminal_fits_a_screen(
    archive: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    doctor.main(tmp_path, [config(tmp_path, archive, "P")], "", "", write=False, conda=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 34
    assert [line for line in lines if line in ("Server", "Login", "Data", "Machine")]


def test_before_init_a_project_is_named_on_the_command_line(
    archive: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    doctor.main(tmp_path, [], archive.url, "P", write=False, conda=True)
    assert "sessions       1, 5 scans" in capsys.readouterr().out
    doctor.main(tmp_path, [], archive.url, "", write=False, conda=True)
    assert "XNAT 1." in capsys.readouterr().out


# Rights and columns ------------------------------------------------------------------------------


def test_each_right_and_column_that_lacks_is_one_line_that_says_what_to_do(
    archive: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push = "push: {reports: true}\n"
    files = [config(tmp_path, archive, project, push) for project in "PQR"]
    for column in ("imagescandata%2Fnote", "demographics.*%2Fyob"):
        refused = {"path": f"^/data/(projects/P/)?experiments.*{column}", "times": 0}
        archive.faults(*faults(archive), refused | {"fault": {"status": 500}})
    log_in(monkeypatch, "nurse", "pw")
    begun = time.monotonic()
    found = elsewhere(look(tmp_path, *files))
    assert time.monotonic() - begun < 10
    told = {(one.project, one.state, one.told) for one in found}
    sessions = "the sessions come without"
    assert told == {
        ("p", PROBLEM, "may read, not edit: push (reports) will not work"),
        ("q", PROBLEM, "the archive has no such project, or this login may not see it"),
        ("r", LIMIT, "may read and edit, not delete: what push (reports) no longer holds may stay "
                     "in the archive"),
        ("p", LIMIT, f"{sessions} note: no rule can go by the scan's note"),
        ("p", LIMIT, f"{sessions} yob: ages come from the headers alone"),
    }  # fmt: skip
    assert all(one.remedy and "\n" not in one.line for one in found)


def faults(archive: Server) -> list[dict[str, Any]]:
    """The faults that are to strike already."""
    found = Raw(archive)("GET", "/localxnat/faults").json()
    return [{key: one[key] for key in ("path", "times", "fault")} for one in found]


def test_who_only_reads_needs_no_more_where_nothing_is_pushed(
    archive: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = config(tmp_path, archive, "P")
    log_in(monkeypatch, "nurse", "pw")
    assert of(look(tmp_path, file), "rights") == [(OK, "may read")]


def test_the_project_that_gets_the_export_must_be_one_to_edit(
    archive: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = config(tmp_path, archive, "R", "export: {to: P}\n")
    log_in(monkeypatch, "nurse", "pw")
    found = elsewhere(look(tmp_path, file))
    assert ("r export", "may read, not edit: export.to will not work") in [
        (one.project, one.told) for one in found
    ]


def test_a_wrong_password_is_one_line_and_the_machine_is_looked_at_all_the_same(
    archive: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(monkeypatch, "nurse", "wrong")
    found = look(tmp_path, config(tmp_path, archive, "P"))
    assert [one.state for one in elsewhere(found)] == [PROBLEM, UNKNOWN]
    assert "the login was refused" in elsewhere(found)[0].told
    assert of(found, "memory")


# No server ---------------------------------------------------------------------------------------


def test_without_a_server_each_problem_is_one_line_and_the_machine_is_looked_at(
    archive: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = time.monotonic()
    with pytest.raises(ConfigError, match="will not work"):
        doctor.main(tmp_path, [], "http://127.0.0.1:1", "P", write=False, conda=True)
    assert time.monotonic() - begun < 10
    told = capsys.readouterr().out
    assert told.count("no server answers there") == 1
    assert "memory" in told and "file system" in told
    assert (tmp_path / PAGE).is_file()


def test_where_no_archive_is_named_that_is_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError):
        doctor.main(tmp_path, [], "", "", write=False, conda=True)
    assert "no archive is named; set archive.server" in capsys.readouterr().out


def test_a_config_that_is_wrong_is_a_line_and_the_others_are_looked_at(
    archive: Server, tmp_path: Path
) -> None:
    good = config(tmp_path, archive, "P")
    (tmp_path / "bad.yaml").write_text("project: X\nbidz: {}\n")
    found = look(tmp_path, good, "bad.yaml")
    assert [(one.what, one.project) for one in elsewhere(found)] == [("config", "bad")]
    assert of(found, "sessions") == [(OK, "1, 5 scans")]


# Data --------------------------------------------------------------------------------------------


def test_labels_that_are_no_bids_labels_are_counted_and_named_on_the_private_page_alone(
    archive: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = config(tmp_path, archive, "R", "identity: {subjects: label, sessions: label}\n")
    doctor.main(tmp_path, [file], "", "", write=False, conda=True)
    assert "gives 1 subject and 1 session no BIDS label" in capsys.readouterr().out
    page, record = tmp_path / PAGE, tmp_path / RECORD
    assert "E_1, S_1" in page.read_text()
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert stat.S_IMODE(page.parent.stat().st_mode) == 0o700
    assert "E_1" not in record.read_text()
    assert {one["state"] for one in json.loads(record.read_text())["findings"]} <= {OK, LIMIT}


def test_a_mounted_archive_is_looked_for(archive: Server, tmp_path: Path) -> None:
    file = config(tmp_path, archive, "P")
    text = (tmp_path / file).read_text()

    def mounted(folder: Path) -> list[tuple[str, str]]:
        (tmp_path / file).write_text(text.replace("archive: {", f"archive: {{mount: '{folder}', "))
        return of(look(tmp_path, file), "mount")

    assert mounted(archive.root / "archive") == [(OK, "files are taken from there")]
    assert [state for state, _ in mounted(tmp_path)] == [LIMIT]


def test_files_without_digests_are_told(archive: Server, tmp_path: Path) -> None:
    archive.faults({"path": "scans/ALL/files", "times": 0, "fault": {"digest": "blank"}})
    ((state, line),) = of(look(tmp_path, config(tmp_path, archive, "P")), "catalogs")
    assert state == LIMIT
    assert line.startswith("10 of 10 files of the first 1 session have no digest")


def test_catalogs_without_counts_are_told(archive: Server, tmp_path: Path) -> None:
    with sqlite3.connect(archive.root / "localxnat.sqlite3", timeout=30) as database:
        kept = database.execute("SELECT id, file_count FROM resources").fetchall()
        database.execute("UPDATE resources SET file_count = NULL")
    found = of(look(tmp_path, config(tmp_path, archive, "P")), "catalogs")
    with database:
        database.executemany("UPDATE resources SET file_count = ?2 WHERE id = ?1", kept)
    database.close()
    assert [state for state, _ in found] == [LIMIT]
    assert found[0][1].startswith("of 1 session the archive has not counted")


def test_what_waits_in_the_prearchive_is_told(archive: Server, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        for path in write_study(tmp_path / "study").glob("2-*.dcm"):
            zipped.write(path, path.name)
    query = {"dest": "/prearchive", "project": "R", "subject": "S_9", "session": "E_9"}
    sent = Raw(archive)("POST", "/data/services/import", params=query, data=packed.getvalue())
    assert sent.ok, sent.text
    file = config(tmp_path, archive, "R")
    (told,) = [one for one in look(tmp_path, file) if one.what == "prearchive"]
    assert Raw(archive)("DELETE", sent.text.strip()).ok
    assert (told.state, told.told[:10], list(told.names)) == (LIMIT, "1 session,", ["S_9 E_9"])
    assert of(look(tmp_path, file), "prearchive") == [(OK, "empty")]


def test_what_the_config_names_and_the_archive_lacks_is_told_by_the_configs_words(
    archive: Server, tmp_path: Path
) -> None:
    wanted = """behaviour: [{task: stroop, resource: STROOP, file: "*.tsv"}]\n"""
    file = config(tmp_path, archive, "P", "participants: [{name: arm, description: The arm}]\n")
    text = (tmp_path / file).read_text()
    (tmp_path / file).write_text(text.replace("mapping:", f"{wanted.strip()}, mapping:"))
    found = look(tmp_path, file)
    assert of(found, "resources") == [
        (LIMIT, "none of the 1 session looked at has the resource STROOP; upload it, or correct "
                "the config")
    ]  # fmt: skip
    assert (LIMIT, "no subject has the custom variable arm: its column stays n/a; correct `field` "
                   "in the config") in of(found, "variables")  # fmt: skip


def test_custom_variables_that_the_archive_refuses_are_told_where_they_are_wanted(
    archive: Server, tmp_path: Path
) -> None:
    archive.faults({"path": "fields%2Ffield%2Fname", "times": 0, "fault": {"status": 500}})
    plain = of(look(tmp_path, config(tmp_path, archive, "P")), "variables")
    assert plain == [(OK, "refused of subjects, refused of sessions, 0 fields of forms")]
    wanted = "participants: [{name: arm, description: The arm}]\n"
    found = of(look(tmp_path, config(tmp_path, archive, "P", wanted)), "variables")
    assert found[1][1].startswith("the archive refuses the subjects' custom variable arm")


def test_of_several_projects_what_is_well_is_a_line_each(
    archive: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [config(tmp_path, archive, project) for project in "PR"]
    doctor.main(tmp_path, files, "", "", write=False, conda=True)
    told = capsys.readouterr().out
    assert re.findall("well .*(p|r): sessions, columns, labels", told) == ["p", "r"]
    assert len(told.splitlines()) <= 34


# Writing -----------------------------------------------------------------------------------------


def resources(archive: Server) -> list[str]:
    return [row["label"] for row in Raw(archive).rows("/data/projects/P/resources")]


def test_on_request_it_writes_a_resource_of_its_own_and_removes_it(
    archive: Server, tmp_path: Path
) -> None:
    file, before = config(tmp_path, archive, "P"), len(archive.requests())
    found = look(tmp_path, file, write=True)
    assert of(found, "writing") == [(OK, "a resource was made, read back and removed")]
    assert [line.split()[0] for line in changes(archive.requests()[before:])] == ["PUT", "DELETE"]
    assert resources(archive) == []


@pytest.mark.parametrize("end", [{"status": 500}, {"truncate": 10, "end": "clean"}])
def test_what_it_wrote_is_removed_though_it_could_not_be_read(
    archive: Server, tmp_path: Path, end: dict[str, Any]
) -> None:
    unread = {"method": "GET", "path": "files/doctor.txt", "times": 0, "fault": end}
    archive.faults(unread)
    found = look(tmp_path, config(tmp_path, archive, "P"), write=True)
    assert [state for state, _ in of(found, "writing")] == [PROBLEM]
    assert resources(archive) == []


def test_what_cannot_be_removed_is_told_by_name(archive: Server, tmp_path: Path) -> None:
    archive.faults({"method": "DELETE", "path": "coil_doctor", "fault": {"status": 403}})
    found = look(tmp_path, config(tmp_path, archive, "P"), write=True)
    (label,) = resources(archive)
    ((state, line),) = of(found, "writing")
    assert state == PROBLEM
    assert line.startswith(f"the resource {label} was made and cannot be removed")
    assert Raw(archive)("DELETE", f"/data/projects/P/resources/{label}").ok


def test_a_login_that_may_not_edit_is_told_so_by_trying(
    archive: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(monkeypatch, "nurse", "pw")
    found = look(tmp_path, config(tmp_path, archive, "P"), write=True)
    assert [state for state, _ in of(found, "writing")] == [PROBLEM]
