"""The record of a push keeps what was left alone, and why."""

from pathlib import Path

import pytest

from coil.errors import RecordError
from coil.files import read_json, write_json
from coil.records.push import (
    EmptyFile,
    ForeignFiles,
    ForeignSession,
    HiddenScans,
    InvalidDataset,
    PushRecord,
)

LEFT = (
    ForeignFiles(resource="NIFTI", scan="4"),
    ForeignSession(session="x_y"),
    HiddenScans(scans=2),
    InvalidDataset(analysis="qc"),
    EmptyFile(file="log.txt"),
)


def test_each_thing_that_was_left_alone_reads_back_as_what_it_is(tmp_path: Path) -> None:
    record = PushRecord(state="done", resource="coil", left=LEFT, files={"report.html": "00ff"})
    record.write(tmp_path / "push.json")
    assert PushRecord.read(tmp_path / "push.json") == record
    kinds = [left["what"] for left in read_json(tmp_path / "push.json")["left"]]
    assert kinds == [
        "foreign files",
        "foreign session",
        "hidden scans",
        "invalid dataset",
        "empty file",
    ]


def test_one_that_says_in_a_sentence_what_was_left_alone_is_made_anew(tmp_path: Path) -> None:
    write_json(tmp_path / "push.json", {"state": "done", "left": ["NIFTI of scan 4: taken"]})
    assert PushRecord.read_or_none(tmp_path / "push.json") is None
    with pytest.raises(RecordError, match="version None of this file"):
        PushRecord.read(tmp_path / "push.json")
