"""Custom variables, forms and the variables of assessors, from the rows that XNAT lists."""

from typing import Any

from coil.archive.fields import Fields, at, of_form, plain, variable

PLACE = "xnat:subjectData/fields/field"


def pair(owner: str, name: str, value: str) -> dict[str, str]:
    """One row of the listing, with the paths as XNAT writes them."""
    return {"ID": owner, f"{PLACE}/name".lower(): name, f"{PLACE}/field".lower(): value}


def take(fields: Fields, *rows: dict[str, Any]) -> dict[str, dict[str, str]]:
    return fields.take(rows, lambda row: row["ID"])


def variables(*names: str) -> Fields:
    return Fields([variable(name, PLACE) for name in names])


def test_names_and_values_are_asked_for_once_and_paired_by_row() -> None:
    fields = variables("site", "Größe in cm", "my mood")
    assert fields.columns == [f"{PLACE}/name", f"{PLACE}/field"]
    found = take(
        fields,
        pair("S1", "my mood", "good"),
        pair("S1", "site", "Köln"),
        pair("S2", "Größe in cm", "180"),
        pair("S2", "other", "secret"),
        pair("S3", "", ""),
    )
    assert found == {
        "S1": {"my mood": "good", "site": "Köln"},
        "S2": {"Größe in cm": "180"},
        "S3": {},
    }


def test_a_name_is_the_same_however_its_umlauts_are_written_and_in_other_capitals() -> None:
    assert take(variables("Größe"), pair("S1", "gro\u0308ße", "180")) == {"S1": {"Größe": "180"}}


def test_of_two_names_that_differ_in_capitals_the_very_one_is_taken() -> None:
    rows = pair("S1", "Arm", "left"), pair("S1", "arm", "drug")
    assert take(variables("arm"), *rows) == {"S1": {"arm": "drug"}}


def test_a_variable_with_two_values_is_told_and_left_out() -> None:
    fields = variables("site", "arm")
    rows = pair("S1", "site", "A"), pair("S1", "site", "B"), pair("S1", "arm", "drug")
    assert take(fields, *rows, pair("S2", "site", "A"), pair("S2", "site", "A")) == {
        "S1": {"arm": "drug"},
        "S2": {"site": "A"},
    }
    assert fields.remarks("subjects") == [
        "site: left out of 1 of the subjects, whose values of it differ or are lists"
    ]


def test_the_variables_of_an_assessor_are_chosen_by_name_alike() -> None:
    kind = "xnat:subjectVariablesData"
    chosen = at("mood", f"{kind}/variables/variable[name=mood]/variable")
    assert chosen.columns == (
        f"{kind}/variables/variable/name",
        f"{kind}/variables/variable/variable",
    )
    assert at("rater", f"{kind}/rater").columns == (f"{kind}/rater",)


def test_a_type_in_brackets_is_no_choice_of_a_name() -> None:
    path = "xnat:subjectData/demographics[@xsi:type=xnat:demographicData]/education"
    assert at("education", path).columns == (path,)


def test_a_column_may_come_under_its_short_name() -> None:
    fields = Fields([plain("edu", "xnat:subjectData/x/education", "education")])
    assert take(fields, {"ID": "S1", "education": 12}) == {"S1": {"edu": "12"}}


def test_a_form_is_one_text_of_which_single_values_are_taken() -> None:
    kind = "xnat:subjectData"
    names = ["forms/site", "forms/f2/arm", "forms/agrees", "forms/visits", "forms/flat"]
    fields = Fields([of_form(name, kind) for name in names])
    text = (
        '{"f1": {"site": "Köln", "arm": "sham", "agrees": true, "visits": [1, 2]},'
        ' "f2": {"arm": "drug"}, "flat": 0}'
    )
    assert fields.columns == ["xnat:subjectData/custom_fields"]
    found = take(fields, {"ID": "S1", "xnat:subjectdata/custom_fields": text})
    assert found["S1"] == {
        "forms/site": "Köln",
        "forms/f2/arm": "drug",
        "forms/agrees": "true",
        "forms/flat": "0",
    }
    assert fields.unclear == {"forms/visits": 1}


def test_a_key_that_two_forms_have_with_other_values_is_told() -> None:
    fields = Fields([of_form("forms/arm", "xnat:subjectData")])
    text = '{"f1": {"arm": "sham"}, "f2": {"arm": "drug"}}'
    assert take(fields, {"ID": "S1", "xnat:subjectdata/custom_fields": text}) == {"S1": {}}
    assert fields.unclear == {"forms/arm": 1}
