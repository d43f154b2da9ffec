from pathlib import Path

import pytest

from coil.deid.tables import clean_asl_context, clean_events, clean_numbers
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
