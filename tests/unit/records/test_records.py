"""A record is a type: what is written is read again, and what does not fit is named."""

from pathlib import Path
from typing import Literal

import pytest

from coil.errors import RecordError
from coil.files import read_json, write_json
from coil.records import UNVERSIONED, Part, Record


class Row(Part, frozen=True, kw_only=True):
    name: str
    bytes: int | None = None


class Sample(Record, frozen=True, kw_only=True):
    VERSION = 3

    state: Literal["done", "failed"]
    rows: tuple[Row, ...] = ()


SAMPLE = Sample(state="done", rows=(Row(name="a", bytes=3), Row(name="b")))


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    SAMPLE.write(tmp_path / "sample.json")
    assert Sample.read(tmp_path / "sample.json") == SAMPLE


class Plain(Record, frozen=True, kw_only=True):
    VERSION = UNVERSIONED

    state: str


def test_a_file_for_people_has_no_version_and_may_have_none(tmp_path: Path) -> None:
    path = tmp_path / "plain.json"
    Plain(state="done").write(path)
    assert read_json(path) == {"state": "done"}
    assert Plain.read(path) == Plain(state="done")
    write_json(path, {"version": 1, "state": "done"})
    assert Plain.read_or_none(path) is None


def test_a_record_that_is_as_it_was_keeps_its_time(tmp_path: Path) -> None:
    path = tmp_path / "sample.json"
    SAMPLE.write(path)
    before = path.stat().st_mtime_ns
    SAMPLE.write_if_changed(path)
    assert path.stat().st_mtime_ns == before


def test_the_version_is_the_files_first_key(tmp_path: Path) -> None:
    SAMPLE.write(tmp_path / "sample.json")
    assert next(iter(read_json(tmp_path / "sample.json").items())) == ("version", 3)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"version": 2, "state": "done"}, "version 2 of this file, where 3 is read"),
        ({"state": "done"}, "version None of this file"),
        ([], "version None of this file"),
        ({"version": 3}, "its keys: Object missing required field `state`"),
        ({"version": 3, "state": "done", "odd": 1}, "unknown field `odd`"),
        ({"version": 3, "state": "Jane Doe"}, "state: Invalid enum value"),
        ({"version": 3, "state": "done", "rows": [{"name": 1}]}, r"rows\[0\].name: Expected `str`"),
    ],
)
def test_a_file_that_does_not_fit_is_named_with_the_place(
    tmp_path: Path, fields: object, told: str
) -> None:
    write_json(tmp_path / "sample.json", fields)
    with pytest.raises(RecordError, match=rf"^sample.json: .*{told}.*; remove (it|the file)"):
        Sample.read(tmp_path / "sample.json")
    assert Sample.read_or_none(tmp_path / "sample.json") is None


def test_an_error_quotes_no_value(tmp_path: Path) -> None:
    write_json(tmp_path / "sample.json", {"version": 3, "state": "Jane Doe"})
    with pytest.raises(RecordError) as error:
        Sample.read(tmp_path / "sample.json")
    assert "Jane" not in str(error.value)


def test_half_a_file_is_an_error_and_none_is_none(tmp_path: Path) -> None:
    (tmp_path / "sample.json").write_text('{"version": 3, "sta')
    with pytest.raises(RecordError, match="not JSON"):
        Sample.read(tmp_path / "sample.json")
    assert Sample.read_or_none(tmp_path / "absent.json") is None
