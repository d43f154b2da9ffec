"""Discovery against a live archive: what is asked, what is told, what is safe."""

import sqlite3

import pytest

from coil import files
from coil.errors import ArchiveError, ConfigError
from tests.archive.discover_support import Study

pytest_plugins = ["tests.archive.discover_support"]


# What is asked --------------------------------------------------------------------------------


def test_nothing_new_is_found_out_with_one_request(study: Study) -> None:
    for label in ("A_1", "A_2"):
        study.session(label)
    study.discover()
    assert study.asked() == [study.listing]


def test_something_new_is_looked_for_in_the_prearchive_too(study: Study) -> None:
    study.session("A_1")
    assert set(study.asked()) == {study.listing, f"/data/prearchive/projects/{study.project}"}


def test_shares_take_a_second_listing(study: Study) -> None:
    study.session("A_1")
    study.discover(shared=True)
    assert study.asked(shared=True) == [study.listing, "/data/experiments"]


def test_a_corrected_birth_year_arrives_with_the_sessions_listing(study: Study) -> None:
    study.session("A_1", date="2024-05-01")
    subject = f"/data/projects/{study.project}/subjects/A"
    study.put(subject, gender="female", yob="1990")
    study.discover()
    (person,) = files.read_json(study.private / "subjects.json")["linked"].values()
    assert (person["gender"], list(person["ages"].values())) == ("female", [34])
    study.put(subject, yob="1980")
    assert study.asked() == [study.listing]
    (person,) = files.read_json(study.private / "subjects.json")["linked"].values()
    assert list(person["ages"].values()) == [44]


# What is taken --------------------------------------------------------------------------------


def test_sessions_are_filtered_by_kind_and_scanner(study: Study) -> None:
    prisma = {"xnat:mrSessionData/scanner/model": "Prisma"}
    study.session("A_1", **prisma)
    study.session("A_2")
    study.session("A_3", kind="pet")
    study.discover(session_types="MR")
    assert sorted(study.units()) == ["A_1", "A_2"]
    study.discover(scanners="prisma", may_vanish=1)
    assert sorted(study.units()) == ["A_1"]


def test_the_labs_own_table_names_people_and_who_is_not_in_it_is_left_out(study: Study) -> None:
    for subject in ("A", "B"):
        study.session(f"{subject}_1", subject=subject)
    table = study.work.parent / "labels.csv"
    table.write_text("subject,participant_id\nA,sub-01\n")
    table.chmod(0o600)
    study.settings = {"identity": {"subjects": "table", "table": str(table)}}
    found = study.discover()
    assert [unit.partition("_")[0] for unit in found.new] == ["sub-01"]
    assert str(found).endswith("; 1 left out: no BIDS label by the config's `identity`")


def test_without_a_table_there_are_no_labels_of_it(study: Study) -> None:
    study.session("A_1")
    study.settings = {"identity": {"subjects": "table"}}
    with pytest.raises(ConfigError, match="name the lab's table"):
        study.discover()


def test_a_label_of_the_archive_that_is_none_of_bids_leaves_out_its_session_alone(
    study: Study,
) -> None:
    for subject in ("A1", "B_2"):
        study.session(f"{subject}_1", subject=subject)
    study.settings = {"identity": {"subjects": "label"}}
    found = study.discover()
    assert (len(found.new), found.unnamed) == (1, 1)
    with pytest.raises(ConfigError, match="none of the sessions has a BIDS label"):
        study.discover(subjects="B_2")


def test_scans_that_are_filtered_out_are_not_noted(study: Study) -> None:
    session = study.session("A_1")
    study.scan(session, "2", type="localizer")
    study.scan(session, "3", type="T1w", quality="unusable")
    study.discover(skip_scan_types="local*")
    noted = files.read_json(study.noted("A_1"))
    assert [scan["scan"] for scan in noted["scans"]] == ["1"]


def test_a_session_that_another_project_shares_is_one_of_this_project(study: Study) -> None:
    study.session("A_1")
    home = Study(study.server, f"{study.project}H", study.work)
    session = home.session("at_home", "B")
    study.put(f"{session}/projects/{study.project}", label="here")
    study.put(f"/data/projects/{home.project}/subjects/B/projects/{study.project}", label="B_here")
    study.discover()
    assert sorted(study.units()) == ["A_1"]
    found = study.discover(shared=True, subjects=["A", "B_here"])
    assert sorted(study.units()) == ["A_1", "here"]
    assert str(found) == "2 sessions in the archive (2 new)"
    # The pull looks for these names, too, when it searches what is about to leave.
    assert files.read_json(study.noted("here"))["home_labels"] == ["at_home", "B"]


# What waits -----------------------------------------------------------------------------------


def receiving(
    study: Study, subject: str, session: str, status: str, project: str | None = None
) -> None:
    """A session in the prearchive, as if a scanner were sending it, of the study or another."""
    project = study.project if project is None else project
    with sqlite3.connect(study.server.root / "localxnat.sqlite3", timeout=30) as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(prearchive)")]
        known = {"project": project, "subject": subject, "name": session, "status": status}
        known |= {"timestamp": f"20240501_{session}", "lastmod": "2999-01-01 00:00:00.0"}
        values = [known.get(column, "") for column in columns]
        database.execute("DELETE FROM prearchive WHERE project = ?", [project])
        if status:
            database.execute(
                f"INSERT INTO prearchive VALUES ({','.join('?' * len(columns))})", values
            )
    database.close()


def test_a_new_session_that_is_still_received_waits_for_the_next_invocation(study: Study) -> None:
    study.session("A_1")
    study.session("A_2")
    receiving(study, "A", "A_2", "RECEIVING")
    found = study.discover()
    told = "1 session in the archive (1 new); 1 waiting: the archive is still receiving it"
    assert str(found) == told
    assert sorted(study.units()) == ["A_1"]
    receiving(study, "", "", "")
    assert str(study.discover()) == "2 sessions in the archive (2 new)"
    assert sorted(study.units()) == ["A_1", "A_2"]


@pytest.mark.parametrize("project", ["", "ANOTHER"])
def test_what_arrives_for_other_projects_or_none_holds_up_no_session(
    study: Study, project: str
) -> None:
    study.session("A_1")
    receiving(study, "A", "A_1", "RECEIVING", project)
    try:
        assert str(study.discover()) == "1 session in the archive (1 new)"
    finally:
        receiving(study, "", "", "", project)


def test_a_session_that_is_being_added_to_stays_in_the_dataset_as_it_was(study: Study) -> None:
    session = study.session("A_1")
    study.discover()
    study.work_on("A_1", session)
    before = study.noted("A_1").read_bytes()
    study.scan(session, "2", type="rest")
    receiving(study, "A", "A_1", "ARCHIVING")
    told = "1 session in the archive (nothing new); 1 waiting: the archive is still receiving it"
    assert str(study.discover()) == told
    assert study.noted("A_1").read_bytes() == before
    receiving(study, "", "", "")
    assert str(study.discover()) == "1 session in the archive (1 changed)"
    assert len(files.read_json(study.noted("A_1"))["scans"]) == 2


def test_a_session_that_is_in_the_prearchive_only_is_told(study: Study) -> None:
    study.session("A_1")
    receiving(study, "A", "A_2", "READY")
    assert str(study.discover()).endswith("(1 new); 1 so far only in the archive's prearchive")


def test_a_prearchive_that_the_login_may_not_see_is_no_error(study: Study) -> None:
    study.session("A_1")
    study.server.faults({"path": "^/data/prearchive", "fault": {"status": 403}})
    assert str(study.discover()) == "1 session in the archive (1 new)"


# What is safe ---------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["close", "clean", "short"])
def test_a_listing_that_breaks_off_is_asked_for_again(study: Study, end: str) -> None:
    study.session("A_1")
    fault = {"truncate": 300, "end": end}
    study.server.faults({"path": "^/data/projects/.*/experiments", "times": 1, "fault": fault})
    assert str(study.discover()) == "1 session in the archive (1 new)"


def test_a_listing_that_always_breaks_off_changes_nothing(study: Study) -> None:
    study.session("A_1")
    study.discover()
    before = {path: path.read_bytes() for path in study.work.rglob("*") if path.is_file()}
    fault = {"truncate": 300, "end": "clean"}
    study.server.faults({"path": "^/data/projects/.*/experiments", "times": 0, "fault": fault})
    with pytest.raises(ArchiveError, match="try again"):
        study.discover()
    assert {path: path.read_bytes() for path in before} == before


def test_when_most_sessions_vanish_at_once_nothing_is_taken_out_of_the_dataset(
    study: Study,
) -> None:
    sessions = [study.session(f"A_{number}") for number in range(3)]
    study.discover()
    for session in sessions[1:]:
        study.raw("DELETE", session)
    with pytest.raises(ArchiveError, match=r"no longer lists 2 of the 3 sessions.*may_vanish"):
        study.discover()
    assert len(study.units()) == 3
    assert (
        str(study.discover(may_vanish=1)) == "1 session in the archive (1 new, 2 no longer there)"
    )
    assert len(study.units()) == 1


def test_a_session_that_vanishes_among_others_leaves_the_dataset(study: Study) -> None:
    sessions = [study.session(f"A_{number}") for number in range(3)]
    study.discover()
    study.raw("DELETE", sessions[0])
    assert str(study.discover()).endswith("(2 new, 1 no longer there)")


def test_sessions_that_the_config_leaves_out_on_purpose_may_be_most(study: Study) -> None:
    for number in range(3):
        study.session(f"A_{number}")
    study.discover()
    assert (
        str(study.discover(sessions="A_2")) == "1 session in the archive (1 new, 2 no longer there)"
    )


def test_a_selection_that_takes_nothing_any_more_is_an_error(study: Study) -> None:
    study.session("A_1")
    study.discover()
    with pytest.raises(ConfigError, match=r"^select: it takes none"):
        study.discover(sessions="typo_*")
