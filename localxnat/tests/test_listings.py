"""Listings as XNAT's query builder makes them: types, columns, joins, filters, shares."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localxnat.testing import Server, running, seed
from localxnat.tests.support import Raw

SUBJECT = "xnat:subjectData"
SESSION = "xnat:imageSessionData"
VARIABLES = {"site": "Köln", "mood": "good", "first visit": "yes"}
Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def project(raw: Raw) -> str:
    """A subject with an MR session of two scans and three variables, one with a PET, one without;
    the first is shared into another project."""
    home = "/data/projects/LISTED"
    raw("PUT", home)
    raw("PUT", "/data/projects/GUEST")
    for subject in ("A", "B", "C"):
        raw("PUT", f"{home}/subjects/{subject}?gender=female")
    for name, value in VARIABLES.items():
        field = f"{SUBJECT}/fields/field[name={name}]/field"
        raw("PUT", f"{home}/subjects/A", params={field: value})
        field = f"xnat:mrSessionData/fields/field[name={name}]/field"
        raw("PUT", f"{home}/subjects/A/experiments/A_mr", params={
            "xsiType": "xnat:mrSessionData", field: value})  # fmt: skip
    raw("PUT", f"{home}/subjects/B/experiments/B_pet?xsiType=xnat:petSessionData")
    for scan in ("1", "2"):
        raw("PUT", f"{home}/subjects/A/experiments/A_mr/scans/{scan}?xsiType=xnat:mrScanData")
    raw("PUT", f"{home}/subjects/A/projects/GUEST?label=guest")
    raw("PUT", f"{home}/subjects/A/experiments/A_mr/projects/GUEST?label=guest_mr")
    return home


def pairs(rows: Rows, base: str) -> set[tuple[str, ...]]:
    base = base.lower()
    return {(row[f"{base}/fields/field/name"], row[f"{base}/fields/field/field"]) for row in rows}


def test_a_variable_that_is_asked_for_by_name_brings_all_in_one_column_a_row_each(
    raw: Raw, project: str
) -> None:
    column = f"{SUBJECT}/fields/field[name=site]/field"
    rows = raw.rows(f"{project}/subjects", columns=f"label,{column}")
    values = [row[column.lower()] for row in rows if row["label"] == "A"]
    assert sorted(values) == sorted(VARIABLES.values())
    assert [row[column.lower()] for row in rows if row["label"] == "B"] == [""]
    other = f"{SUBJECT}/fields/field[name=mood]/field"
    (row, *_) = raw.rows(f"{project}/subjects", columns=f"{column},{other}")
    assert (column.lower() in row, other.lower() in row) == (True, False)


def test_names_and_values_of_variables_come_in_pairs(raw: Raw, project: str) -> None:
    columns = ",".join(f"{SUBJECT}/fields/field/{part}" for part in ("name", "field"))
    rows = raw.rows(f"{project}/subjects", columns=f"label,{columns}")
    mine = [row for row in rows if row["label"] == "A"]
    assert len(mine) == len(VARIABLES)
    assert pairs(mine, SUBJECT) == set(VARIABLES.items())
    columns = ",".join(f"{SESSION}/fields/field/{part}" for part in ("name", "field"))
    rows = raw.rows(f"{project}/experiments", xsiType=SESSION, columns=f"label,{columns}")
    assert pairs([row for row in rows if row["label"] == "A_mr"], SESSION) == set(VARIABLES.items())


def test_the_variables_of_an_assessors_type_come_in_pairs_too(raw: Raw, project: str) -> None:
    kind = "xnat:subjectVariablesData"
    path = f"{project}/subjects/A/experiments/A_vars"
    for name, value in VARIABLES.items():
        field = f"{kind}/variables/variable[name={name}]/variable"
        raw("PUT", path, params={"xsiType": kind, field: value})
    base = f"{kind}/variables/variable"
    columns = f"{base}/name,{base}/variable"
    rows = raw.rows("/data/experiments", project="LISTED", xsiType=kind, columns=columns)
    base = base.lower()
    assert {(row[f"{base}/name"], row[f"{base}/variable"]) for row in rows} == set(
        VARIABLES.items()
    )
    column = f"{base}[name=site]/variable"
    rows = raw.rows("/data/experiments", project="LISTED", xsiType=kind, columns=column)
    assert {row[column] for row in rows} == set(VARIABLES.values())


@pytest.mark.parametrize(
    "path", ["/data/experiments", "/data/subjects", "/data/projects", "{project}/subjects"]
)
@pytest.mark.parametrize(
    "query", ["columns=ID,xnat:{type}/nonsense", "xsiType=lab:iqData", "xsiType=nonsense"]
)
def test_a_type_or_a_field_that_there_is_not_is_a_500_that_names_neither(
    raw: Raw, project: str, path: str, query: str
) -> None:
    place = path.format(project=project)
    kind = place.rpartition("/")[2].removesuffix("s")
    name = {"experiment": "imageSessionData"}.get(kind, f"{kind}Data")
    answer = raw("GET", f"{place}?{query.format(type=name)}&format=json")
    assert answer.status_code == 500
    assert "nonsense" not in answer.text and "iqData" not in answer.text


@pytest.mark.parametrize("place", ["experiments", "subjects/A/experiments"])
@pytest.mark.parametrize("query", [f"columns=ID,{SESSION}/nonsense", "xsiType=lab:iqData"])
def test_a_projects_experiments_hide_what_went_wrong_behind_200_without_a_body(
    raw: Raw, project: str, place: str, query: str
) -> None:
    answer = raw("GET", f"{project}/{place}?{query}&format=json")
    assert (answer.status_code, answer.content) == (200, b"")


def test_names_that_are_no_columns_are_left_out_as_are_types_that_there_are_not(
    raw: Raw, project: str
) -> None:
    rows = raw.rows(f"{project}/subjects", columns="ID,nonsense,lab:iqData/total")
    assert {tuple(row) for row in rows} == {("ID", "URI")}


def test_a_filter_on_a_field_that_there_is_not_filters_nothing(raw: Raw, project: str) -> None:
    query = {"columns": "ID", f"{SUBJECT}/nonsense": "x"}
    assert len(raw.rows(f"{project}/subjects", **query)) == 3


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ({"columns": "ID"}, {"ID", "xsiType", "project", "URI"}),
        ({"columns": f"{SESSION}/note"},
         {"session_ID", f"{SESSION}/note".lower(), "xsiType", "project", "URI"}),
        ({"columns": "ID,label", "xsiType": "xnat:mrSessionData"},
         {"ID", "label", "xnat:mrsessiondata/id", "URI"}),
        ({"xsiType": "xnat:mrSessionData"},
         {"ID", "project", "date", "xsiType", "label", "insert_date", "subject_ID",
          "subject_label", "xnat:mrsessiondata/id", "URI"}),
    ],
)  # fmt: skip
def test_what_is_listed_decides_the_name_of_its_key(
    raw: Raw, project: str, query: dict[str, str], keys: set[str]
) -> None:
    rows = raw.rows("/data/experiments", project="LISTED", **query)
    assert rows and all(set(row) == keys for row in rows)


def test_a_column_of_a_narrower_type_narrows_what_is_listed(raw: Raw, project: str) -> None:
    def labels(columns: str) -> set[str]:
        rows = raw.rows("/data/experiments", project="LISTED", columns=f"label,{columns}")
        return {row["label"] for row in rows}

    assert {"A_mr", "B_pet"} <= labels("date")
    assert labels("xnat:mrSessionData/note") == {"A_mr"}
    assert labels(f"{SESSION}/note") == {"A_mr", "B_pet"}


def test_subjects_have_a_row_for_each_session_of_a_type_and_a_blank_one_without(
    raw: Raw, project: str
) -> None:
    rows = raw.rows(f"{project}/subjects", columns="label,xnat:mrSessionData/label")
    found = [(row["label"], row["xnat:mrsessiondata/label"]) for row in rows]
    assert sorted(found) == [("A", "A_mr"), ("B", ""), ("C", "")]


def test_sessions_stay_without_an_assessor_of_the_type_that_is_asked_for(
    raw: Raw, project: str
) -> None:
    made = f"{project}/subjects/A/experiments/A_mr/assessors/qc?xsiType=xnat:qcAssessmentData"
    identifier = raw("PUT", made).text
    query = {"xsiType": SESSION, "columns": "label,xnat:imageAssessorData/id"}
    rows = raw.rows("/data/experiments", project="LISTED", **query)
    found = {row["label"]: row["xnat:imageassessordata/id"] for row in rows}
    assert found == {"A_mr": identifier, "B_pet": ""}


def test_two_lists_give_all_pairs(raw: Raw, project: str) -> None:
    columns = f"label,xnat:imageScanData/id,{SESSION}/fields/field/name"
    rows = raw.rows(f"{project}/experiments", xsiType=SESSION, columns=columns)
    mine = {(row["xnat:imagescandata/id"], row[f"{SESSION}/fields/field/name".lower()])
            for row in rows if row["label"] == "A_mr"}  # fmt: skip
    assert mine == {(scan, name) for scan in ("1", "2") for name in VARIABLES}


def test_a_filter_chooses_sessions_and_not_their_scans(raw: Raw, project: str) -> None:
    query = {"xnat:imageScanData/id": "2", "columns": "label,xnat:imageScanData/id"}
    rows = raw.rows("/data/experiments", project="LISTED", xsiType=SESSION, **query)
    assert {(row["label"], row["xnat:imagescandata/id"]) for row in rows} == {
        ("A_mr", "1"),
        ("A_mr", "2"),
    }


def test_a_projects_experiments_have_those_shared_into_it_under_the_shares_names(
    raw: Raw, project: str
) -> None:
    columns = {"columns": "label,project,subject_label"}
    for query in ({}, {"xsiType": "xnat:mrSessionData"}):
        (row,) = raw.rows("/data/projects/GUEST/experiments", **columns, **query)
        assert (row["label"], row["project"], row["subject_label"]) == (
            "guest_mr", "GUEST", "guest")  # fmt: skip


def test_with_the_type_of_all_sessions_a_share_tells_its_names_in_its_own_columns_only(
    raw: Raw, project: str
) -> None:
    share = "xnat:imagesessiondata/sharing/share"
    columns = f"label,project,subject_label,{share}/project,{share}/label"
    (row,) = raw.rows("/data/projects/GUEST/experiments", xsiType=SESSION, columns=columns)
    assert (row["label"], row["project"], row["subject_label"]) == ("A_mr", "LISTED", "A")
    assert (row[f"{share}/project"], row[f"{share}/label"]) == ("GUEST", "guest_mr")


def test_scans_are_listed_with_their_number_in_the_database(raw: Raw, project: str) -> None:
    path = f"{project}/subjects/A/experiments/A_mr/scans"
    assert set(raw.rows(path, columns="ID")[0]) == {"xnat_imagescandata_id", "ID", "URI"}
    typed = raw.rows(path, columns="ID", xsiType="xnat:mrScanData")[0]
    assert typed["xnat:mrscandata/xnat_imagescandata_id"] == typed["xnat_imagescandata_id"]


def test_rows_come_in_the_order_that_is_asked_for(raw: Raw, project: str) -> None:
    query = {"columns": "label", "sortBy": "label", "sortOrder": "DESC"}
    rows = raw.rows(f"{project}/subjects", **query)
    assert [row["label"] for row in rows] == ["C", "B", "A"]


# What rights cost ----------------------------------------------------------------------------


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Server]:
    seed(tmp_path / "root", "BIG", 100, 10)
    with running(tmp_path / "root", rights=10) as server:
        yield server


def test_all_experiments_cost_who_is_no_administrator_what_the_rights_of_each_row_cost(
    slow: Server,
) -> None:
    admin, member = Raw(slow), Raw(slow)
    admin("POST", "/xapi/users", json={"username": "member", "password": "secret"})
    admin("PUT", "/data/projects/BIG/users/Members/member")
    member.session.auth = ("member", "secret")

    def seconds(who: Raw, path: str) -> float:
        query = {"xsiType": SESSION, "columns": "label,xnat:imageScanData/id", "project": "BIG"}
        began = time.monotonic()
        assert len(who.rows(path, **query)) == 1000
        return time.monotonic() - began

    assert seconds(member, "/data/experiments") > 1
    assert seconds(admin, "/data/experiments") < 1
    assert seconds(member, "/data/projects/BIG/experiments") < 1
