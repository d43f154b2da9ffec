"""The archive's bidsmaps keep the bytes of which datasets hold a digest."""

from pathlib import Path

import pytest

from coil.errors import RecordError
from coil.files import json_text
from coil.records import bidsmaps
from coil.records.bidsmaps import KeptBidsmap

MAPS = [KeptBidsmap(source="the site's", content={"MPRAGE": "T1w"})]


def test_a_file_has_where_each_map_is_and_its_json(tmp_path: Path) -> None:
    path = tmp_path / "bidsmap.json"
    bidsmaps.write_if_changed(path, MAPS)
    assert path.read_text() == json_text([{"place": "the site's", "map": {"MPRAGE": "T1w"}}])
    assert path.stat().st_mode & 0o777 == 0o600
    assert bidsmaps.read(path) == MAPS


@pytest.mark.parametrize("text", ["", "{}", '[{"place": 1, "map": {}}]', '[{"map": {}}]'])
def test_a_file_of_another_form_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "bidsmap.json").write_text(text)
    with pytest.raises(RecordError, match=r"bidsmap\.json: not a list of bidsmaps"):
        bidsmaps.read(tmp_path / "bidsmap.json")
