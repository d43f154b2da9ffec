import gzip
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coil.deid.bids.recordings import clean_described, clean_samples
from coil.deid.bids.tables import (
    EVENTS,
    clean_asl_context,
    clean_behaviour,
    clean_column_notes,
    clean_events,
    clean_numbers,
)
from coil.errors import DataError


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "events.tsv"
    path.write_text(text, encoding="utf-8")
    return path


def test_known_columns_leave_and_the_others_are_named(tmp_path: Path):
    path = write(
        tmp_path, "onset\tduration\tsubject\ttrial_type\n0.5\t1\tJane\tgo left\n2\t1\tJane\t\n"
    )
    data, removed = clean_events(path)
    assert data == b"onset\tduration\ttrial_type\n0.5\t1\tgo left\n2\t1\tn/a\n"
    assert removed == ["subject"]


def test_the_config_can_let_a_column_through_by_name(tmp_path: Path):
    path = write(tmp_path, "onset\tduration\tanswer\n0\t1\tIch weiß es nicht, wirklich nicht\n")
    data, removed = clean_events(path, allow=["answer"])
    assert "weiß" in data.decode() and not removed


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("onset\tduration\tresponse_time\n0\t1\tJane\n", "line 2, column response_time"),
        ("onset\tduration\ttrial_type\n0\t1\tJane; born 1974\n", "column trial_type"),
        ("onset\n0\n", "no column duration"),
        ("onset\tduration\n0\t1\tJane\n", "line 2 has not as many cells"),
        ("", "no column onset"),
    ],
)
def test_a_table_that_cannot_be_checked_is_refused_unquoted(tmp_path: Path, text: str, match: str):
    with pytest.raises(DataError, match=match) as error:
        clean_events(write(tmp_path, text))
    assert "Jane" not in str(error.value)


def test_a_table_that_is_not_utf8_is_refused(tmp_path: Path):
    path = tmp_path / "events.tsv"
    path.write_bytes("onset\tduration\ttrial_type\n0\t1\tMüller\n".encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        clean_events(path)


def test_an_asl_context_holds_volume_types_only(tmp_path: Path):
    path = write(tmp_path, "volume_type\tnote\ncontrol\tJane\nlabel\tJane\n")
    assert clean_asl_context(path) == (b"volume_type\ncontrol\nlabel\n", ["note"])
    with pytest.raises(DataError):
        clean_asl_context(write(tmp_path, "volume_type\nJane\n"))


def test_b_values_are_numbers_or_nothing(tmp_path: Path):
    assert clean_numbers(write(tmp_path, "0 1000 -1e3 \n\n")) == b"0 1000 -1e3\n"
    with pytest.raises(DataError, match="not a number"):
        clean_numbers(write(tmp_path, "0 Jane\n"))


def test_a_described_column_leaves_if_its_values_can_be_checked(tmp_path: Path):
    path = write(
        tmp_path,
        "onset\tduration\tload\tkey\tanswer\tage\n"
        "0\t1\t3\tleft\tI am Jane\t47\n1\t1\tn/a\t\tno\t47\n",
    )
    notes = {
        "load": {"Units": "items"},
        "key": {"Levels": {"left": "left key"}},
        "answer": {"Description": "what was said"},
    }
    data, removed = clean_events(path, notes=notes)
    assert data == b"onset\tduration\tload\tkey\n0\t1\t3\tleft\n1\t1\tn/a\tn/a\n"
    assert removed == ["answer", "age"]


@pytest.mark.parametrize("column", ["load\n0\t1\tfew", "key\n0\t1\tJane"])
def test_a_described_column_with_another_value_is_refused_unquoted(tmp_path: Path, column: str):
    notes = {"load": {"Format": "number"}, "key": {"Levels": {"left": "left key"}}}
    with pytest.raises(DataError, match="line 2, column") as error:
        clean_events(write(tmp_path, f"onset\tduration\t{column}\n"), notes=notes)
    assert "Jane" not in str(error.value)


def test_a_table_of_which_nothing_may_leave_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="none of its columns may leave"):
        clean_behaviour(write(tmp_path, "answer\nJane\n"))


def test_of_how_stimuli_were_shown_leaves_what_can_be_checked():
    shown = {
        "SoftwareName": "Psychtoolbox",
        "SoftwareVersion": "3.0.19",
        "SoftwareRRID": "SCR_002881",
        "ScreenResolution": [1920, 1200],
        "ScreenDistance": 0.9,
        "OperatingSystem": "Jane Linux",
        "Code": "https://example.org/jane",
        "ScreenSize": "large",
    }
    kept = clean_column_notes({"StimulusPresentation": shown}, tells=lambda text: "Jane" in text)
    (left,) = kept.values()
    assert left.keys() == {
        "SoftwareName",
        "SoftwareVersion",
        "SoftwareRRID",
        "ScreenResolution",
        "ScreenDistance",
    }


def test_hed_tags_leave():
    notes = {"trial_type": {"HED": {"go": "Sensory-event, (Visual-presentation, Red)"}}}
    assert clean_column_notes(notes) == notes
    assert clean_column_notes(notes, tells=lambda text: "Red" in text) == {}


def test_texts_about_columns_leave_unless_they_tell_somebody():
    notes = {
        "load": {"Description": "letters shown to Jane", "LongName": "load", "Units": "items"},
        "key": {"Levels": {"left": "left key", "Jane": "her key"}, "Maximum": 3, "Secret": "x"},
        "Jane Doe": {"Units": "s"},
        "free": "text",
    }
    kept = clean_column_notes(notes, tells=lambda text: "Jane" in text)
    assert kept == {"load": {"LongName": "load", "Units": "items"}, "key": {"Maximum": 3}}


_NAMES = st.text("abcdefgh_", min_size=1, max_size=3)
_NOTES = st.dictionaries(
    _NAMES,
    st.one_of(
        st.just({"Units": "s"}),
        st.just({"Levels": {"go": "", "1": ""}}),
        st.just({"Description": "anything"}),
        st.just({"Unit": "s"}),
    ),
)


@given(
    st.lists(_NAMES, unique=True, min_size=1, max_size=5),
    st.lists(st.sampled_from(["1", "-2.5", "n/a", "go", "Jane", ""]), min_size=5, max_size=5),
    _NOTES,
)
def test_what_passes_never_holds_an_undeclared_column_or_a_free_text(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], row: list[str], notes: Any
):
    path = tmp_path_factory.getbasetemp() / "law_events.tsv"
    head = ["onset", "duration", *(name for name in names if name not in EVENTS)]
    cells = ["0", "1", *row[: len(head) - 2]]
    path.write_text("\t".join(head) + "\n" + "\t".join(cells) + "\n")
    try:
        data, removed = clean_events(path, notes=notes)
    except DataError as error:
        assert "Jane" not in str(error)
        return
    left = data.decode().splitlines()[0].split("\t")
    declared = {name for name, note in notes.items() if "Units" in note or "Levels" in note}
    assert set(left) <= declared | set(EVENTS)
    assert set(left) | set(removed) == set(head)
    assert "Jane" not in data.decode()


def samples(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "x_physio.tsv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_a_recording_leaves_as_it_is(tmp_path: Path):
    assert clean_samples(samples(tmp_path, "1\tn/a\n-2.5\t3\n"), ["a", "b"]) == b"1\tn/a\n-2.5\t3\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\t2\n1\t2\tJane\n", "row 2 has another number of cells than Columns"),
        ("1\tJane\n", "row 1 holds something that is not a number"),
        ("1\tinf\n", "row 1 holds something that is not a number"),
        ("1714568400\t2\n", "row 1 holds a date"),
        ("1714568400123\t2\n", "row 1 holds a date"),
    ],
)
def test_a_recording_that_cannot_be_checked_is_refused_unquoted(
    tmp_path: Path, text: str, message: str
):
    with pytest.raises(DataError, match=message) as error:
        clean_samples(samples(tmp_path, text), ["timestamp", "b"])
    assert "Jane" not in str(error.value)


@given(
    st.lists(st.sampled_from(["cardiac", "belt", "Jane"]), unique=True, min_size=1),
    st.lists(
        st.lists(st.sampled_from(["1", "-2.5e3", "n/a", "", "Jane", "inf", " 7"]), max_size=4)
    ),
)
def test_no_recording_leaves_with_an_undeclared_column_or_a_text(
    tmp_path_factory: pytest.TempPathFactory, columns: list[str], rows: list[list[str]]
):
    folder = tmp_path_factory.getbasetemp()
    path = samples(folder, "".join("\t".join(row) + "\n" for row in rows))
    try:
        data = clean_samples(path, columns)
    except DataError as error:
        assert "Jane" not in str(error)
        return
    for line in data.decode().splitlines():
        cells = line.split("\t")
        assert len(cells) == len(columns)
        assert all(cell == "n/a" or math.isfinite(float(cell)) for cell in cells)


def test_of_a_recordings_json_known_keys_leave_and_what_describes_its_columns():
    told = {
        "SamplingFrequency": 400,
        "StartTime": -1.5,
        "Columns": ["cardiac", "belt"],
        "belt": {"Units": "mV", "Description": "worn by Jane"},
        "other": {"Units": "mV"},
        "DeviceSerialNumber": "4711",
        "Manufacturer": "Siemens",
    }
    kept = clean_described(told, "x_physio.json", lambda text: "Jane" in text)
    assert kept == {
        "SamplingFrequency": 400,
        "StartTime": -1.5,
        "Columns": ["cardiac", "belt"],
        "belt": {"Units": "mV"},
        "Manufacturer": "Siemens",
    }


@pytest.mark.parametrize(
    "change",
    [{"StartTime": 47029.71}, {"Columns": ["Jane Doe"]}, {"Columns": ["a", "a"]}, {"Columns": []}],
)
def test_a_recording_with_a_time_of_day_or_without_proper_columns_is_refused(change: Any):
    told = {"SamplingFrequency": 400, "StartTime": 0, "Columns": ["a"]}
    with pytest.raises(DataError, match=r"x_physio\.json") as error:
        clean_described(told | change, "x_physio.json", lambda text: False)
    assert "Jane" not in str(error.value)
