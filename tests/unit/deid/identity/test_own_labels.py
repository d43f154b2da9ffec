"""The lab's own table names people; what is wrong with it is told by its row alone."""

from pathlib import Path

import pytest

from coil.deid.identity.own_labels import read_own_labels
from coil.errors import ConfigError


def table(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_subjects_and_sessions_are_found_by_label_or_by_id(tmp_path: Path) -> None:
    text = "subject,participant_id,session,session_id\nDoe_J,sub-01,Doe_J_MR1,ses-a\nX_S2,02,,\n"
    own = read_own_labels(table(tmp_path, text))
    assert (own.subject("X_S1", "Doe_J"), own.subject("X_S2", "Roe")) == ("01", "02")
    assert own.session("X_E1", "Doe_J_MR1") == "a"
    assert own.subject("X_S3", "Poe") is None


def test_tabs_blanks_and_a_byte_order_mark_are_understood(tmp_path: Path) -> None:
    text = "\ufeffparticipant_id\t subject\n sub-01 \t Doe_J \n\n"
    assert read_own_labels(table(tmp_path, text)).subjects == {"Doe_J": "01"}


def test_a_person_may_have_a_row_for_each_session(tmp_path: Path) -> None:
    text = "subject,participant_id,session,session_id\nDoe,01,A,1\nDoe,01,B,2\n"
    assert read_own_labels(table(tmp_path, text)).sessions == {"A": "1", "B": "2"}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("Doe,a-b\n", "row 2: a label of letters and digits is wanted"),
        ("Doe,\n", "row 2: a label of letters and digits is wanted"),
        ("Doe,01\nDoe,02\n", "row 3: gives a second label"),
        ("Doe,a1\nRoe,A1\n", "two subjects share one participant_id"),
    ],
)
def test_a_wrong_row_is_told_and_not_quoted(tmp_path: Path, rows: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        read_own_labels(table(tmp_path, "subject,participant_id\n" + rows))
    assert "Doe" not in str(caught.value) and "a-b" not in str(caught.value)


def test_a_table_without_its_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no column participant_id"):
        read_own_labels(table(tmp_path, "subject,label\nDoe,01\n"))


def test_a_table_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="chmod o="):
        read_own_labels(table(tmp_path, "subject,participant_id\n", mode=0o644))


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        read_own_labels(tmp_path / "labels.csv")
