"""An object of the archive is a type from its JSON on."""

import pytest

from coil.archive import item
from coil.errors import ArchiveError

ANSWER = b"""{"items": [{
    "data_fields": {"ID": "E1", "frames": 3},
    "meta": {"isHistory": false, "xsi:type": "xnat:mrSessionData"},
    "children": [{"field": "scans/scan", "items": [
        {"data_fields": {"ID": "4"}, "children": []}, {"data_fields": {"ID": "6"}}
    ]}]
}]}"""


def test_an_object_has_its_type_its_fields_and_what_is_below_it() -> None:
    session = item.read(ANSWER)
    assert session.meta.xsi_type == "xnat:mrSessionData"
    assert (session.text("ID"), session.text("frames"), session.text("note")) == ("E1", "3", None)
    assert [scan.text("ID") for scan in session.below("scans/scan")] == ["4", "6"]
    assert list(session.below("assessors/assessor")) == []


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b'{"items": []}', b'{"items": [1]}'])
def test_what_is_no_object_is_an_error_of_the_archive(answer: bytes) -> None:
    with pytest.raises(ArchiveError, match="something else than the object"):
        item.read(answer)
