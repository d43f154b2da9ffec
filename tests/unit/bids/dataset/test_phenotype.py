"""Questionnaires from files: CSV, TSV, Excel and REDCap, by pseudonym, with their dictionaries."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coil.bids.dataset.columns import TableError
from coil.bids.dataset.dataset import Problems
from coil.bids.dataset.people import People
from coil.bids.dataset.phenotype import Instrument
from coil.bids.dataset.project import instruments
from coil.bids.dataset.questionnaires import read_instrument
from coil.errors import DataError
from coil.records.subjects import Measured, SubjectsRecord

DICTIONARY = {
    "MeasurementToolMetadata": {"Description": "Patient Health Questionnaire"},
    "item": {"Description": "Little interest", "Levels": {"0": "Not at all", "1": "Often"}},
    "total": {"Description": "Sum"},
    "remark": {"Description": "Remark"},
    "day": {"Description": "Day of the answer", "Format": "date"},
}
PEOPLE = People(
    {"Jane": "A", "Joe": "B", "Jim": None},
    {"Jane": {"Jane_V1": "a1", "Jane_V2": "a2", "Jane_V2b": None}, "Joe": {"Joe_V1": "b1"}},
    {"A": -45_000, "B": -45_001},
)
DEFAULTS = {
    "instrument": "phq9", "resource": "q", "dictionary": "phq9.json", "subject_column": "subject",
    "omit": [], "strings": [], "identifiers": "refuse", "per": "subject",
}  # fmt: skip


def read(folder: Path, text: str, file: str = "phq9.csv", **entry: Any) -> list[Instrument]:
    (folder / "q").mkdir(exist_ok=True)
    (folder / "q" / file).write_text(text)
    (folder / "q" / "phq9.json").write_text(json.dumps(DICTIONARY))
    return read_instrument({**DEFAULTS, "file": file, **entry}, folder, {}, PEOPLE)


def only(found: list[Instrument]) -> Instrument:
    (one,) = found
    return one


@pytest.mark.parametrize(
    ("file", "mark"), [("phq9.csv", ","), ("phq9.csv", ";"), ("phq9.tsv", "\t")]
)
def test_a_questionnaire_is_keyed_by_pseudonym(tmp_path: Path, file: str, mark: str) -> None:
    text = "item,subject,total\n1,Joe,5\n0,Jane,\n1,Jim,2\n".replace(",", mark)
    found = only(read(tmp_path, text, file))
    assert found.header == ["participant_id", "item", "total"]
    assert found.rows == [["sub-A", "0", "n/a"], ["sub-B", "1", "5"]]


def test_the_dictionary_keeps_what_the_table_has(tmp_path: Path) -> None:
    found = only(read(tmp_path, "subject,item,total\nJane,1,5\n"))
    assert list(found.dictionary) == ["MeasurementToolMetadata", "item", "total"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subject,secret\nJane,1\n", "column 2 is not described in phq9.json"),
        ("person,item\nJane,1\n", "column 1 is not described"),
        ("item\n1\n", "has no column subject with the subjects' labels"),
        (
            "subject,item\nDoe,1\nRoe,0\n",
            "row 2, column subject: no such subject in the archive, nor",
        ),
        ("subject,item\n\nJane,7\n", "row 3, column item: is not one of its levels"),
        ("subject,total\nJane,lots\n", "row 2, column total: is text; list the column's levels"),
        ("subject,item\nJane,1\nJane,0\n", "row 3: the subject has a row already"),
        ("subject,item\nJane\n", "row 2: has 1 cells where the header has 2"),
        ("subject,item,item\nJane,1,1\n", "its header has an empty or a repeated name"),
        ("", "is empty"),
    ],
)
def test_a_broken_questionnaire_is_told_by_row_and_column(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, text)
    said = str(caught.value)
    assert said.startswith(f"phq9.csv: {message}")
    assert not any(value in said for value in ("Jane", "Doe", "lots", "7", "secret"))


def test_rows_of_people_whom_the_archive_does_not_have_stay_behind_and_are_told(
    tmp_path: Path,
) -> None:
    found = only(read(tmp_path, "subject,item,total\nJane,1,5\nDoe,8,anything\nRoe,0,1\n"))
    assert found.rows == [["sub-A", "1", "5"]]
    assert found.unknown == ["phq9.csv: row 3", "phq9.csv: row 4"]


def test_all_errors_are_kept_and_the_line_tells_the_first_and_how_many(tmp_path: Path) -> None:
    text = "subject,item,total\nJane,7,x\nJoe,8,x\n"
    with pytest.raises(
        TableError, match=r"row 2, column item.*\(and 3 more, in the log\)"
    ) as caught:
        read(tmp_path, text)
    assert len(caught.value.errors) == 4


@given(st.permutations(["Jane,1,5", "Joe,0,3", "Jim,1,2"]), st.permutations([0, 1, 2]))
def test_the_order_of_rows_and_columns_does_not_matter(rows: list[str], order: list[int]) -> None:
    lines = [line.split(",") for line in ["subject,item,total", *rows]]
    text = "".join(",".join(cells[place] for place in order) + "\n" for cells in lines)
    with TemporaryDirectory() as folder:
        found = only(read(Path(folder), text))
    table = {row[0]: dict(zip(found.header, row, strict=True)) for row in found.rows}
    assert [*table] == ["sub-A", "sub-B"]
    assert table["sub-A"] == {"participant_id": "sub-A", "item": "1", "total": "5"}


def test_a_column_that_bids_calls_its_own_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a column is called session_id, which"):
        (tmp_path / "q").mkdir()
        note = {"session_id": {"Description": "Session", "Format": "string"}}
        (tmp_path / "q" / "own.json").write_text(json.dumps(note))
        read(tmp_path, "subject,session_id\nJane,1\n", dictionary="own.json")


def test_text_and_omitted_columns_are_as_the_config_says(tmp_path: Path) -> None:
    text = "subject,remark,telephone\nJane,felt well,555\n"
    found = only(read(tmp_path, text, strings=["remark"], omit=["telephone"]))
    assert found.rows == [["sub-A", "felt well"]]
    assert found.dictionary["remark"]["Format"] == "string"


def test_dates_move_with_their_participant(tmp_path: Path) -> None:
    found = only(read(tmp_path, "subject,day\nJane,2024-05-01\nJoe,2024-05-01\n"))
    assert found.rows == [["sub-A", "1901-02-16"], ["sub-B", "1901-02-15"]]


def test_a_row_of_a_session_is_named_by_its_session(tmp_path: Path) -> None:
    text = "subject,visit,item\nJane,Jane_V1,1\nJoe,Joe_V1,0\n"
    found = only(read(tmp_path, text, session_column="visit"))
    assert found.header == ["participant_id", "session_id", "item"]
    assert found.rows == [["sub-A", "ses-a1", "1"], ["sub-B", "ses-b1", "0"]]


def test_several_occasions_become_a_table_each(tmp_path: Path) -> None:
    text = "subject,when,item\nJane,first,1\nJane,second,0\nJoe,first,0\nJoe,screening,1\n"
    sessions = {"first": "*_V1", "second": "*_V2", "screening": None}
    found = read(tmp_path, text, session_column="when", sessions=sessions)
    assert {one.name: one.rows for one in found} == {
        "phq9_first": [["sub-A", "ses-a1", "1"], ["sub-B", "ses-b1", "0"]],
        "phq9_second": [["sub-A", "ses-a2", "0"]],
    }


@pytest.mark.parametrize(
    ("text", "sessions", "message"),
    [
        ("Jane,third,1", {"first": "*_V1"}, "row 2, column when: names an occasion that"),
        ("Jane,first,1", {"first": "*_V2*"}, "row 2, column when: several sessions of this"),
        ("Jane,Joe_V1,1", None, "row 2, column when: no such session of this subject"),
    ],
)
def test_a_session_that_is_not_known_is_an_error(
    tmp_path: Path, text: str, sessions: dict | None, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, f"subject,when,item\n{text}\n", session_column="when", sessions=sessions)
    assert message in str(caught.value)


def test_an_occasion_without_a_session_keeps_its_rows(tmp_path: Path) -> None:
    text = "subject,when,item\nJane,screening,1\nJoe,second,1\nJane,late,0\n"
    sessions = {"screening": "*_V0", "second": "*_V2", "late": "*_V2b"}
    found = read(tmp_path, text, session_column="when", sessions=sessions)
    assert {one.name: one.rows for one in found} == {
        "phq9_screening": [["sub-A", "n/a", "1"]],
        "phq9_second": [["sub-B", "n/a", "1"]],
        "phq9_late": [],  # of a session that the archive has and the dataset does not
    }


def test_rows_of_sessions_that_are_not_in_the_dataset_stay_behind(tmp_path: Path) -> None:
    text = "subject,visit,item\nJane,Jane_V1,1\nJoe,Joe_V1,0\n"
    found = only(read(tmp_path, text, session_column="visit"))
    assert found.of({"A": ["a2"], "B": ["b1"]}).rows == [["sub-B", "ses-b1", "0"]]


def test_an_excel_workbook_reads_like_its_csv(tmp_path: Path) -> None:
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "phq9.json").write_text(json.dumps(DICTIONARY))
    book = openpyxl.Workbook()
    assert book.active
    book.active.append(["something", "else"])
    answers = book.create_sheet("answers")
    for row in (["subject", "item", "total"], ["Joe", 1, 5.5], ["Jane", 0.0, None]):
        answers.append(row)
    book.save(tmp_path / "q" / "phq9.xlsx")
    entry = {**DEFAULTS, "file": "phq9.xlsx", "sheet": "answers"}
    found = only(read_instrument(entry, tmp_path, {}, PEOPLE))
    assert found.rows == [["sub-A", "0", "n/a"], ["sub-B", "1", "5.5"]]
    answers["C2"] = "=1+1"
    book.save(tmp_path / "q" / "phq9.xlsx")
    with pytest.raises(DataError, match=r"phq9\.xlsx: row 2: a formula has no value"):
        read_instrument(entry, tmp_path, {}, PEOPLE)


def test_a_file_that_is_no_workbook_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"phq9\.xlsx: is no Excel workbook"):
        read(tmp_path, "subject,item\n", "phq9.xlsx")


def test_a_file_that_the_archive_does_not_hold_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"phq9\.csv: the project resource q of the archive has no"):
        read_instrument({**DEFAULTS, "file": "phq9.csv"}, tmp_path, {}, PEOPLE)


REDCAP = """\
"Variable / Field Name","Form Name","Field Type","Field Label","Choices, Calculations, OR Slider \
Labels","Text Validation Type OR Show Slider Number","Text Validation Min","Text Validation Max",\
Identifier?
record_id,basics,text,Record,,,,,
name,basics,text,Your name,,,,,y
phone,mood,text,Telephone,,phone,,,
sad,mood,radio,"<b>Sad?</b>","0, Never | 1, Often, or more",,,,
total,mood,calc,Sum,sum([sad]),,,,
weight,mood,text,Weight,,number,30,200,
filled,mood,text,Filled in,,date_dmy,,,
why,mood,checkbox,Why,"1, Work | -2, Home",,,,
smoker,mood,yesno,Do you smoke,,,,,
story,mood,notes,Tell us,,,,,
"""
EXPORT = """\
record_id,redcap_event_name,redcap_repeat_instrument,name,phone,sad,total,weight,filled,why___1,\
why____2,smoker,story,mood_complete,basics_complete
Jane,base_arm_1,,Jane Doe,555,0,3,61.5,2024-05-01,1,0,1,long,2,2
Jane,late_arm_1,,,,1,4,62,2024-06-01,0,0,0,,2,0
Joe,base_arm_1,,Joe Doe,555,,,,,0,0,,,0,2
"""
REDCAP_ENTRY = {
    "instrument": "mood", "dictionary": "dictionary.csv", "subject_column": "record_id",
    "session_column": "redcap_event_name", "identifiers": "omit", "omit": ["story"],
    "sessions": {"base_arm_1": "*_V1", "late_arm_1": "*_V2"},
}  # fmt: skip


def redcap(folder: Path, export: str = EXPORT, **entry: Any) -> list[Instrument]:
    (folder / "q").mkdir(exist_ok=True)
    (folder / "q" / "dictionary.csv").write_text(REDCAP)
    (folder / "q" / "export.csv").write_text(export)
    wanted = {**DEFAULTS, **REDCAP_ENTRY, "file": "export.csv", **entry}
    return read_instrument(wanted, folder, {}, PEOPLE)


def test_a_redcap_form_becomes_a_table_an_event(tmp_path: Path) -> None:
    first, second = redcap(tmp_path)
    assert first.name == "mood_base_arm_1"
    assert first.header == [
        "participant_id", "session_id", "sad", "total", "weight", "filled", "why___1", "why____2",
        "smoker", "mood_complete",
    ]  # fmt: skip
    assert first.rows == [
        ["sub-A", "ses-a1", "0", "3", "61.5", "1901-02-16", "1", "0", "1", "2"],
    ]
    assert second.rows[0][:3] == ["sub-A", "ses-a2", "1"]


def test_redcaps_dictionary_becomes_that_of_bids(tmp_path: Path) -> None:
    described = redcap(tmp_path)[0].dictionary
    assert described["sad"] == {
        "Description": "Sad?",
        "Levels": {"0": "Never", "1": "Often, or more"},
    }
    assert described["weight"] == {"Description": "Weight"}  # REDCap's bounds only warn
    assert described["filled"]["Format"] == "date"
    assert described["why____2"]["Description"] == "Why: Home"
    assert described["smoker"]["Levels"] == {"0": "No", "1": "Yes"}


def test_a_form_of_which_only_a_box_was_ticked_has_a_row(tmp_path: Path) -> None:
    ticked = EXPORT.replace("Joe,base_arm_1,,Joe Doe,555,,,,,0,0", "Joe,base_arm_1,,,,,,,,0,1")
    assert [row[0] for row in redcap(tmp_path, ticked)[0].rows] == ["sub-A", "sub-B"]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"identifiers": "refuse"}, "dictionary.csv: the field phone is an identifier"),
        ({"omit": []}, "export.csv: row 2, column story: is text"),
        ({"form": "moods"}, "dictionary.csv: has no form moods"),
    ],
)
def test_a_redcap_form_that_tells_too_much_is_refused(
    tmp_path: Path, entry: dict, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        redcap(tmp_path, **entry)
    assert str(caught.value).startswith(message)


def test_a_column_that_redcaps_dictionary_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="column 16 is not described in its dictionary"):
        redcap(
            tmp_path,
            EXPORT.replace("basics_complete", "basics_complete,new")
            .replace(",2\n", ",2,\n")
            .replace(",0\n", ",0,\n"),
        )


def test_rows_of_the_archives_own_fields_are_named_by_participant(tmp_path: Path) -> None:
    entry = {
        **DEFAULTS,
        "columns": [{"name": "hand", "description": "Hand", "levels": {"L": "left"}}],
    }
    for key in ("resource", "dictionary"):
        entry.pop(key)
    noted = {"phq9": [Measured(subject="Jane", values={"hand": "L"})]}
    assert only(read_instrument(entry, tmp_path, noted, PEOPLE)).rows == [["sub-A", "L"]]
    noted["phq9"] = [Measured(subject="Jane", values={"hand": "X"})]
    with pytest.raises(DataError, match="phq9: sub-A, column hand: is not one of its levels"):
        read_instrument(entry, tmp_path, noted, PEOPLE)
    with pytest.raises(DataError, match="the archive lists nothing of the type"):
        read_instrument({**entry, "assessor": "x:y"}, tmp_path, {}, PEOPLE)


def test_what_stays_behind_of_a_questionnaire_is_said_with_its_rows(tmp_path: Path) -> None:
    read(tmp_path, "subject,item,total\nJane,1,5\nDoe,1,5\nRoe,0,1\n")
    known = SubjectsRecord(linked={}, others=("Jane",), other_sessions={}, measured={}, salt="")
    problems = Problems()
    assert instruments([{**DEFAULTS, "file": "phq9.csv"}], tmp_path, known, problems)
    (told,) = problems.parts
    assert told.what == "phenotype/phq9, 2 rows"
    assert told.reason.startswith("phq9.csv: row 3: no such subject in the archive")
    assert told.reason.endswith("(and 1 more, in the log)")
