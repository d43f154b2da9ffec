"""Searches in localxnat: XNAT's search documents, as xnatpy writes them and by hand."""

from collections.abc import Iterator
from typing import Any

import pytest
import xnat

from localxnat.testing import Server
from localxnat.tests.support import Raw

XDAT = "http://nrg.wustl.edu/security"


@pytest.fixture(scope="module")
def connection(server: Server, raw: Raw) -> Iterator[Any]:
    subjects = "/data/projects/SEARCH/subjects"
    raw("PUT", "/data/projects/SEARCH")
    for label, gender, yob in (
        ("A1", "female", 1980),
        ("A2", "male", 1990),
        ("B1", "female", 2000),
    ):
        raw("PUT", f"{subjects}/{label}?gender={gender}&yob={yob}")
        raw("PUT", f"{subjects}/{label}?xnat:subjectData/fields/field[name=site]/field={label[0]}")
        day = f"xnat:mrSessionData/date=2024-0{label[1]}-15"
        session = f"{subjects}/{label}/experiments/{label}_mr?xsiType=xnat:mrSessionData&{day}"
        raw("PUT", session)
    with xnat.connect(server.url, user="admin", password="admin", loglevel="ERROR") as connected:
        yield connected


def labels(found: list[Any]) -> list[str]:
    return sorted(item.label for item in found)


def test_subjects_are_found_by_their_fields(connection: Any) -> None:
    subject = connection.classes.SubjectData
    here = subject.query(subject.project == "SEARCH")
    gender = subject.demographics.gender
    assert labels(here.filter(gender == "female").all()) == ["A1", "B1"]
    assert labels(here.filter(subject.label.like("A%")).all()) == ["A1", "A2"]
    assert labels(here.filter(subject.demographics.yob > 1985).all()) == ["A2", "B1"]
    assert labels(here.filter((gender == "male") | (subject.label == "B1")).all()) == ["A2", "B1"]


def test_sessions_are_found_by_date(connection: Any) -> None:
    session = connection.classes.MrSessionData
    found = session.query(session.project == "SEARCH").filter(session.date >= "02/01/2024").all()
    assert labels(found) == ["A2_mr"]


def test_a_search_gives_the_columns_that_were_asked_for(connection: Any) -> None:
    subject = connection.classes.SubjectData
    query = subject.query(subject.label == "A1").view(subject.demographics.gender, subject.label)
    (row,) = query.tabulate_dict()
    assert row["xnat_demographicdata_xnat_col_demographicdatagender"] == "female"
    assert row["xnat_col_subjectdatalabel"] == "A1"
    assert len(row) == 2


def document(root: str, fields: str = "", where: str = "") -> bytes:
    return (
        f'<xdat:bundle xmlns:xdat="{XDAT}"><xdat:root_element_name>{root}</xdat:root_element_name>'
        f"{fields}{where}</xdat:bundle>"
    ).encode()


def field(element: str, identifier: str) -> str:
    return (
        f"<xdat:search_field><xdat:element_name>{element}</xdat:element_name>"
        f"<xdat:field_ID>{identifier}</xdat:field_ID></xdat:search_field>"
    )


def test_display_names_and_custom_variables_are_columns(raw: Raw, connection: Any) -> None:
    where = (
        '<xdat:search_where method="AND"><xdat:criteria>'
        "<xdat:schema_field>xnat:mrSessionData/PROJECT</xdat:schema_field>"
        "<xdat:comparison_type>=</xdat:comparison_type><xdat:value>SEARCH</xdat:value>"
        "</xdat:criteria></xdat:search_where>"
    )
    columns = (
        field("xnat:mrSessionData", "LABEL")
        + field("xnat:subjectData", "GENDER_TEXT")
        + field("xnat:subjectData", "SUBJECT_LABEL")
        + field("xnat:subjectData", "XNAT_SUBJECTDATA_FIELD_MAP=site")
    )
    body = document("xnat:mrSessionData", columns, where)
    rows = raw("POST", "/data/search?format=json", data=body).json()["ResultSet"]["Result"]
    assert [
        (row["label"], row["xnat_subjectdata_gender_text"], row["xnat_subjectdata_subject_label"])
        for row in rows
    ] == [
        ("A1_mr", "F", "A1"),
        ("A2_mr", "M", "A2"),
        ("B1_mr", "F", "B1"),
    ]
    assert [row["xnat_subjectdata_xnat_subjectdata_field_map_site"] for row in rows] == [
        "A",
        "A",
        "B",
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"no xml",
        document("xnat:nonsense"),
        b'<!DOCTYPE x [<!ENTITY a "b">]>' + document("xnat:subjectData"),
    ],
)
def test_a_document_that_is_none_is_refused(raw: Raw, body: bytes) -> None:
    assert raw("POST", "/data/search", data=body).status_code == 422


def test_the_type_of_a_search_may_be_an_attribute(raw: Raw, connection: Any) -> None:
    body = f'<xdat:bundle xmlns:xdat="{XDAT}" root_element_name="xnat:subjectData"/>'.encode()
    found = raw("POST", "/data/search?format=json", data=body).json()["ResultSet"]
    assert found["rootElementName"] == "xnat:subjectData"
    assert {"A1", "A2", "B1"} <= {row["subject_label"] for row in found["Result"]}
    saved = "/data/search/saved/by_attribute"
    assert raw("PUT", saved, data=body).status_code == 201
    (row,) = [one for one in raw.rows("/data/search/saved") if one["id"] == "by_attribute"]
    assert row["root_element_name"] == "xnat:subjectData"
    assert raw("GET", f"{saved}/results?format=json").status_code == 200
