"""A session has one record, whether it was admitted or not."""

from pathlib import Path

import pytest

from coil.admission import record_of
from coil.config.model.identity import Identity
from coil.deid.protection import Rules
from coil.errors import RecordError
from coil.files import read_json, write_json
from coil.jobs import DONE, Failure
from coil.records.session import SessionRecord
from coil.units import Unit
from tests.support.session_records import write

UNIT = Unit("a", "1")
RULES = Rules(identity=Identity(), deface=(), sidecar_keys=())
FAILURE = Failure("pull", "the server was away; try again", "logs/study/pull.log", True)


@pytest.fixture
def admitted(tmp_path: Path) -> Path:
    path = tmp_path / "records" / "sub-a_ses-1" / "admit.json"
    write(path, files={"sub-a/ses-1/anat/sub-a_ses-1_T1w.nii.gz": "00ff"}, **DONE)
    return path


def test_one_that_was_refused_has_all_keys_of_one_that_was_admitted(
    admitted: Path, tmp_path: Path
) -> None:
    path = tmp_path / "records" / "sub-b_ses-1" / "admit.json"
    refused = record_of("study", UNIT, FAILURE, RULES)
    refused.write(path)
    assert read_json(path).keys() == read_json(admitted).keys()
    assert (refused.state, refused.retry, refused.files) == ("failed", True, {})


def test_a_number_stays_what_it_was(admitted: Path) -> None:
    for age, text in ((32, '"age": 32,'), (32.5, '"age": 32.5,'), (None, '"age": null,')):
        write(admitted, age=age)
        assert text in admitted.read_text()
        SessionRecord.read(admitted).write(admitted)
        assert text in admitted.read_text()


def test_a_state_that_no_series_has_is_an_error_that_names_the_file(admitted: Path) -> None:
    row = dict.fromkeys(("scan", "folder", "description", "rule", "name", "volumes", "expected"))
    row |= {"state": "odd", "reason": "", "files": [], "acq_time": None, "supplied": []}
    write_json(admitted, read_json(admitted) | {"series": [row]})
    with pytest.raises(RecordError, match=r"^admit.json: series\[0\].state: Invalid enum value; "):
        SessionRecord.read(admitted)


def test_one_of_an_earlier_version_is_made_anew(admitted: Path) -> None:
    write_json(admitted, {"state": "done"})
    assert SessionRecord.read_or_none(admitted) is None
