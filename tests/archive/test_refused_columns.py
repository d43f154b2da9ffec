"""Listings of which the archive refuses a column or the type: what is asked, left out and told."""

from typing import Any

import pytest

from coil import files
from coil.archive import columns, listing
from coil.archive.client import Address, connect
from coil.errors import ArchiveError, ConfigError
from tests.archive.discover_support import Study

pytest_plugins = ["tests.archive.discover_support"]


def refuse(study: Study, *names: str, status: int = 500) -> None:
    """Let the archive fail for every listing that names one of these columns."""
    study.server.faults(
        *({"path": f"columns=.*{name}", "times": 0, "fault": {"status": status}} for name in names)
    )


def column(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "description": name, "format": "string", **more}


@pytest.mark.parametrize("status", [400, 500])
def test_a_column_that_is_refused_is_left_out_and_told(study: Study, status: int) -> None:
    study.session("A_1")
    refuse(study, "scanner%2Fmodel", status=status)
    found = study.discover()
    assert list(study.units()) == ["A_1"]
    assert str(found) == (
        "1 session in the archive (1 new); the sessions come without model: the archive does not "
        "know or refuses that"
    )


def test_what_is_at_fault_is_found_by_few_small_questions(study: Study) -> None:
    study.session("A_1")
    refuse(study, "scanner%2Fmodel", "imagescandata%2Fnote")
    before = len(study.server.requests())
    study.discover()
    asked = [one for one in study.server.requests()[before:] if "/experiments?" in one]
    small = [one for one in asked if "limit=1&" in one or "limit=1 " in one]
    assert len(asked) - len(small) == 2
    assert len(small) <= 15


def test_what_was_refused_is_not_looked_for_again_the_next_night(study: Study) -> None:
    study.session("A_1")
    refuse(study, "scanner%2Fmodel")
    study.discover()
    before = len(study.server.requests())
    found = study.discover()
    asked = [one for one in study.server.requests()[before:] if "/experiments?" in one]
    assert len(asked) == 1
    assert "without model" in str(found)


def test_what_the_archive_has_learned_meanwhile_is_there_after_a_thorough_look(
    study: Study,
) -> None:
    study.session("A_1", **{"xnat:mrSessionData/scanner/model": "Prisma"})
    refuse(study, "scanner%2Fmodel")
    study.discover()
    study.server.faults()
    study.thorough = True
    assert "without" not in str(study.discover())
    assert not (study.private / "refused.json").exists()


def test_demographics_that_the_sessions_lack_come_by_the_subjects(study: Study) -> None:
    study.session("A_1")
    study.put(f"/data/projects/{study.project}/subjects/A", gender="female")
    study.server.faults({"path": "imageSessionData&.*gender", "times": 0, "fault": {"status": 500}})
    found = study.discover()
    (person,) = files.read_json(study.private / "subjects.json")["linked"].values()
    assert person["gender"] == "female"
    assert "the sessions come without gender" in str(found)


def test_demographics_that_nobody_tells_are_said_to_be_missing(study: Study) -> None:
    study.session("A_1")
    study.put(f"/data/projects/{study.project}/subjects/A", gender="female", handedness="left")
    refuse(study, "gender")
    found = study.discover()
    (person,) = files.read_json(study.private / "subjects.json")["linked"].values()
    assert (person.get("gender"), person["handedness"]) == (None, "left")
    assert "the subjects come without gender" in str(found)


def test_a_variable_that_is_refused_holds_up_no_other(study: Study) -> None:
    session = study.session("A_1")
    study.put(session, None, **{"xnat:mrSessionData/fields/field[name=sleep]/field": "7"})
    refuse(study, "fields%2Ffield")
    study.settings = {"sessions": [column("sleep")]}
    assert "the sessions' variables come without" in str(study.discover())
    assert list(study.units()) == ["A_1"]


def test_a_column_that_must_be_there_is_named(study: Study) -> None:
    study.session("A_1")
    refuse(study, "imagescandata%2Fquality")
    with pytest.raises(ArchiveError, match=r"list xnat:imagescandata/quality of the sessions"):
        study.discover()


def test_the_scanner_must_be_told_where_select_goes_by_it(study: Study) -> None:
    study.session("A_1", **{"xnat:mrSessionData/scanner/model": "Prisma"})
    refuse(study, "scanner%2Fmodel")
    with pytest.raises(ArchiveError, match="scanner/model of the sessions"):
        study.discover(scanners="Prisma")


def test_a_server_that_fails_for_another_reason_is_not_taken_to_lack_columns(
    study: Study,
) -> None:
    study.session("A_1")
    study.server.faults({"path": "projects/.*/experiments", "times": 0, "fault": {"status": 500}})
    with pytest.raises(ArchiveError, match="answered with status 500"):
        study.discover()


def test_each_column_that_is_asked_for_can_be_looked_at(study: Study) -> None:
    study.session("A_1")
    own, _ = listing.listings(study.project)
    with connect(Address(study.server.url)) as archive:
        assert columns.refused(archive, own) == []
        refuse(study, "imagescandata%2Fquality", "gender")
        found = columns.refused(archive, own)
    assert [columns.short(name) for name in found] == ["quality", "gender"]


def test_a_project_whose_data_are_hidden_is_told_as_such(study: Study) -> None:
    study.session("A_1")
    study.server.faults({"path": f"{study.listing}\\?", "times": 0, "fault": {"status": 403}})
    with pytest.raises(ConfigError, match="hides its data from this login"):
        study.discover()


def test_a_column_that_the_archive_really_does_not_know_is_left_out(study: Study) -> None:
    session = study.session("A_1")
    kind = "xnat:qcManualAssessorData"
    about = {"xsiType": kind, "project": study.project, f"{kind}/rater": "me"}
    study.put(f"{session}/assessors/A_qc", None, **about)
    study.put(f"/data/projects/{study.project}/subjects/A", None, education="12")
    columns = [column("rater"), column("nonsense")]
    entry = {"instrument": "qc", "assessor": kind, "per": "session", "columns": columns}
    demographics = ("education", "nonsense")
    study.settings = {
        "phenotype": [entry],
        "participants": [column(name, field=f"demographics/{name}") for name in demographics],
    }
    told = str(study.discover())
    known = files.read_json(study.private / "subjects.json")
    assert [row["values"] for row in known["measured"]["qc"]] == [{"rater": "me"}]
    (person,) = known["linked"].values()
    assert person["fields"] == {"demographics/education": "12"}
    assert "the subjects come without nonsense" in told
    assert "the assessors of qc come without nonsense" in told
