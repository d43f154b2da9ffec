"""What the doctor finds: where all is well, where rights or columns lack, where none answers."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from coil.archive.client import Address, connect
from coil.doctor import rights, server
from coil.doctor.findings import LIMIT, OK, PAGE, PROBLEM, UNKNOWN
from coil.errors import ConfigError
from coil.start import doctor
from localxnat.testing import Server
from localxnat.tests.support import Raw
from tests.archive.doctor_support import (
    archive,
    changes,
    config,
    elsewhere,
    log_in,
    login,
    look,
    of,
)
from tests.archive.test_redirects import heard

__all__ = ["archive", "login"]  # the fixtures


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
    doctor.look(tmp_path, [config(tmp_path, archive, "P")], "", "", write=False, conda=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 34
    assert [line for line in lines if line in ("Server", "Login", "Data", "Machine")]


def test_before_init_a_project_is_named_on_the_command_line(
    archive: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    doctor.look(tmp_path, [], archive.url, "P", write=False, conda=True)
    assert "sessions       1, 5 scans" in capsys.readouterr().out
    doctor.look(tmp_path, [], archive.url, "", write=False, conda=True)
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
    told = {(one.project, one.state, one.text) for one in found}
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


@pytest.mark.parametrize(
    ("row", "may"),
    [({"id": "P", "secondary_id": "P"}, {"read", "edit"}), ({"ID": "P", "name": "P"}, None)],
    ids=["listed by permission", "listed as ever"],
)
def test_the_projects_by_permission_count_where_the_server_knows_that_question(
    row: dict[str, str], may: set[str] | None
) -> None:
    listed = json.dumps({"ResultSet": {"Result": [row]}})
    with heard() as found:
        found.plan |= {
            "GET /data/projects?permissions=delete": (200, {}, '{"ResultSet":{"Result":[]}}'),
            "GET /data/projects": (200, {}, listed),
            "GET /xapi": (404, {}, ""),
        }
        with connect(Address(found.url)) as there:
            user = rights.ask(there)
    assert user.may("P") == may
    assert (user.roles, user.groups) == (None, None)


def test_a_server_that_keeps_its_version_to_itself_will_do_all_the_same() -> None:
    with heard() as there:
        there.plan |= {"GET /xapi": (403, {}, "")}
        with connect(Address(there.url)) as archive:
            found = list(server.version(archive))
    assert [(one.state, one.text) for one in found] == [
        (UNKNOWN, "the server does not tell its version")
    ]


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
        (one.project, one.text) for one in found
    ]


def test_a_wrong_password_is_one_line_and_the_machine_is_looked_at_all_the_same(
    archive: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(monkeypatch, "nurse", "wrong")
    found = look(tmp_path, config(tmp_path, archive, "P"))
    assert [one.state for one in elsewhere(found)] == [PROBLEM, UNKNOWN]
    assert "the login was refused" in elsewhere(found)[0].text
    assert of(found, "memory")


# No server ---------------------------------------------------------------------------------------


def test_without_a_server_each_problem_is_one_line_and_the_machine_is_looked_at(
    archive: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = time.monotonic()
    with pytest.raises(ConfigError, match="will not work"):
        doctor.look(tmp_path, [], "http://127.0.0.1:1", "P", write=False, conda=True)
    assert time.monotonic() - begun < 10
    told = capsys.readouterr().out
    assert told.count("no server answers there") == 1
    assert "memory" in told and "file system" in told
    assert (tmp_path / PAGE).is_file()


def test_where_no_archive_is_named_that_is_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError):
        doctor.look(tmp_path, [], "", "", write=False, conda=True)
    assert "no archive is named; set archive.server" in capsys.readouterr().out


def test_a_config_that_is_wrong_is_a_line_and_the_others_are_looked_at(
    archive: Server, tmp_path: Path
) -> None:
    good = config(tmp_path, archive, "P")
    (tmp_path / "bad.yaml").write_text("project: X\nbidz: {}\n")
    found = look(tmp_path, good, "bad.yaml")
    assert [(one.what, one.project) for one in elsewhere(found)] == [("config", "bad")]
    assert of(found, "sessions") == [(OK, "1, 5 scans")]
