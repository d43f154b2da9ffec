"""What the doctor finds of a project's data, and whether it can be written to."""

import io
import json
import re
import sqlite3
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from coil.doctor.findings import LIMIT, OK, PAGE, PROBLEM, RECORD
from coil.start import doctor
from localxnat.testing import Server
from localxnat.tests.support import Raw, write_study
from tests.archive.doctor_support import archive, changes, config, log_in, login, look, of

__all__ = ["archive", "login"]  # the fixtures


# Data --------------------------------------------------------------------------------------------


def test_labels_that_are_no_bids_labels_are_counted_and_named_on_the_private_page_alone(
    archive: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = config(tmp_path, archive, "R", "identity: {subjects: label, sessions: label}\n")
    doctor.look(tmp_path, [file], "", "", write=False, conda=True)
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
    assert (told.state, told.text[:10], list(told.names)) == (LIMIT, "1 session,", ["S_9 E_9"])
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
    doctor.look(tmp_path, files, "", "", write=False, conda=True)
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
