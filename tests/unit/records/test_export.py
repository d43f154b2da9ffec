"""A session's export has one record, whether there is any DICOM or none."""

from pathlib import Path

import pytest

from coil.deid.dicom.export import Exported
from coil.deid.dicom.job import record_of
from coil.errors import RecordError
from coil.files import read_json, write_json
from coil.records.export import ExportedSeries, ExportRecord, ProfileRecord
from coil.records.failure import Failure
from coil.units import Unit

UNIT = Unit("a", "1")
SERIES = ExportedSeries(folder="001_T1w", name="anat/T1w", files=2, state="exported", reason="")
PROFILE = ProfileRecord(table="PS3.15", options=("Retain UIDs",), allow_list="SHA-256 00ff")
EXPORTED = Exported((SERIES,), 1024, 0, PROFILE, 57)
FAILURE = Failure("pull", "the server was away; try again", "logs/study/pull.log", True)


def test_one_that_failed_has_all_keys_of_one_that_is_done(tmp_path: Path) -> None:
    for name, result in (("done", EXPORTED), ("failed", FAILURE)):
        record_of("study", UNIT, result).write(tmp_path / f"{name}.json")
    done, failed = (read_json(tmp_path / f"{name}.json") for name in ("done", "failed"))
    assert list(done) == list(failed)
    assert (failed["retry"], failed["series"], failed["files"]) == (True, [], 0)
    assert (done["files"], done["leak_check"]["files"], done["leak_check"]["hits"]) == (2, 2, 0)


def test_one_with_a_key_that_is_not_known_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    record_of("study", UNIT, EXPORTED).write(tmp_path / "export.json")
    write_json(tmp_path / "export.json", read_json(tmp_path / "export.json") | {"odd": 1})
    with pytest.raises(RecordError, match=r"^export.json: .*remove the file, and the next run"):
        ExportRecord.read(tmp_path / "export.json")
