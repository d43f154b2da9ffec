"""A session's export: which series leave, and that nothing leaves with an identifier."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from coil.deid.dicom.export import Wanted
from coil.deid.dicom.search import Search
from coil.deid.leak.identifiers import Identifier, Identifiers
from coil.deid.leak.search import Searcher
from coil.errors import DataError
from tests.support.archive_records import write_pulled
from tests.support.dicom import MR, SESSION, STEM, SUBJECT, csa, encoded, image, profile
from tests.support.stages import export_session, table


def session(folder: Path, *names: str | None, **changes: Any) -> tuple[Path, Path]:
    """A pulled and a converted session with a series of three files for each name."""
    rows = []
    for number, name in enumerate(names, start=1):
        series = folder / "pulled" / "series" / f"{number:03d}"
        series.mkdir(parents=True)
        for count in range(1, 4):
            data = image(count)
            for keyword, value in changes.items():
                setattr(data, keyword, value)
            (series / f"{count:06d}.dcm").write_bytes(encoded(data))
        state = "mapped" if name else "unmapped"
        rows.append({"folder": f"series/{number:03d}", "state": state, "name": name})
    write_pulled(folder / "pulled", session_label="REAL-0042-MR1")
    (folder / "converted").mkdir()
    table(folder / "converted", rows)
    return folder / "pulled", folder / "converted"


def named(label: str) -> str:
    datatype = "anat" if label.endswith("T1w") else "func"
    return f"{datatype}/sub-{SUBJECT}_ses-{SESSION}_{label}"


def export(folder: Path, places: tuple[Path, Path], **wanted: Any) -> dict[str, Any]:
    return export_session(*places, folder / "tree", profile(), Wanted(**wanted))


def tree(folder: Path) -> list[str]:
    found = (folder / "tree").rglob("*.dcm")
    return sorted(path.relative_to(folder / "tree").as_posix() for path in found)


def test_mapped_series_become_an_ordinary_tree(tmp_path: Path):
    places = session(tmp_path, named("task-rest_bold"), None)
    record = export(tmp_path, places)
    assert tree(tmp_path) == [f"001_task-rest_bold/{n:06d}.dcm" for n in (1, 2, 3)]
    assert [row["state"] for row in record["series"]] == ["exported", "left"]
    assert record["leak_check"]["hits"] == 0
    first = pydicom.dcmread(tmp_path / "tree" / tree(tmp_path)[0])
    assert (first.PatientID, first.SeriesDescription) == (SUBJECT, "task-rest_bold")


def test_all_series_leave_where_the_config_wants_all(tmp_path: Path):
    export(tmp_path, session(tmp_path, named("task-rest_bold"), None), series="all")
    assert {name.partition("/")[0] for name in tree(tmp_path)} == {"001_task-rest_bold", "002"}


def test_a_series_with_a_face_is_withheld_unless_the_config_keeps_faces(tmp_path: Path):
    places = session(tmp_path, named("T1w"), None)
    record = export(tmp_path, places, series="all", deface=["T1w"])
    assert [row["state"] for row in record["series"]] == ["withheld", "withheld"]
    assert tree(tmp_path) == []
    (tmp_path / "tree").rmdir()
    export(tmp_path, places, deface=["T1w"], faces="keep")
    assert len(tree(tmp_path)) == 3


def test_a_refused_series_is_told_and_the_others_go_on(tmp_path: Path):
    places = session(tmp_path, named("task-rest_bold"), named("task-go_bold"))
    path = places[0] / "series" / "002" / "000003.dcm"
    data = pydicom.dcmread(path)
    data.BurnedInAnnotation = "YES"
    data.save_as(path)
    record = export(tmp_path, places)
    assert [row["state"] for row in record["series"]] == ["exported", "refused"]
    assert "burned" in record["series"][1]["reason"]
    assert len(tree(tmp_path)) == 3


def test_an_identifier_that_passed_stops_the_whole_export(tmp_path: Path):
    """One that is called as a term that may leave."""
    person = {"PatientName": "Willis^Zoe", "BodyPartExamined": "WILLIS"}
    places = session(tmp_path, named("task-rest_bold"), **person)
    with pytest.raises(DataError, match="kind: name"):
        export(tmp_path, places)
    assert not (tmp_path / "tree").exists()


def test_the_record_quotes_no_value(tmp_path: Path):
    record = json.dumps(export(tmp_path, session(tmp_path, named("task-rest_bold"))))
    for planted in ("Quillfeather", "QX-77", "20240501", STEM):
        assert planted not in record


def test_the_search_sees_a_value_behind_a_length_that_is_a_letter():
    data = image()
    data.SequenceName = "Zoey" + " " * 44  # whose length, 48, is the digit 0
    searcher = Searcher(Identifiers(frozenset({Identifier("Zoey", "name")})))
    assert Search(searcher, profile()).in_file([encoded(data)]) >= {"name"}


def test_the_search_knows_the_uids_that_were_given_out_and_no_others():
    owner = profile()
    new = owner.renew(STEM)
    search = Search(Searcher(Identifiers(frozenset())), owner)
    known, other = image(), image()
    known.StudyInstanceUID = known.SeriesInstanceUID = known.SOPInstanceUID = new
    assert search.in_file([encoded(known)]) <= {"UID"}
    other.StudyInstanceUID = "2.25." + "9" * 30
    assert "UID" in search.in_file([encoded(other)])
    assert known.SOPClassUID == MR


def searching(value: str, kind: str = "name") -> Search:
    return Search(Searcher(Identifiers(frozenset({Identifier(value, kind)}))), profile())


def ours(search: Search, number: int = 1) -> pydicom.Dataset:
    """An image whose UIDs were given out here."""
    data = image(number)
    for element in data:
        if element.VR == "UI" and element.keyword != "SOPClassUID":
            element.value = search.profile.renew(str(element.value))
    return data


def root(data: pydicom.Dataset) -> list[bytes | memoryview]:
    """A file's elements behind its head, which a writer signs with a UID of its own."""
    raw = encoded(data)
    return [raw[raw.index(b"\x08\x00\x08\x00CS") :]]


def with_csa(search: Search, text: str) -> bytes | memoryview:
    data = ours(search)
    block = data.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", csa({"ICE_Dims": ["X_1"], "ImageHistory": [text], "B_value": ["0"]}))
    return root(data)[0]


@pytest.mark.parametrize("code", ["ascii", "utf-16-le", "utf-16-be"])
def test_the_search_sees_a_value_in_a_csa_header_of_which_all_else_was_searched(code: str):
    search = searching("Wintersdale")
    clean, planted = with_csa(search, "-" * 24), with_csa(search, "-" * 24)
    hidden = "Wintersdale".encode(code)
    planted = bytes(planted).replace(b"-" * 24, hidden.rjust(24, b"\0").ljust(24, b"\0"))
    assert search.in_file([clean]) == set()
    assert search.in_file([planted]) == {"name"}
    assert search.in_file([clean]) == set()


def test_the_search_sees_a_value_among_short_texts_that_are_searched_at_once():
    search = searching("Zoey")
    for number, (name, kinds) in enumerate([("tfl3d1", set()), ("Zoey", {"name"})], start=1):
        data = ours(search, number)
        data.SequenceName = name
        assert search.in_file(root(data)) == kinds


def test_the_search_sees_a_value_in_the_packed_protocol_behind_its_length():
    block = gzip.compress(b'set IOPT "Quillfeather"')
    search = searching("Quillfeather")
    data = ours(search)
    private = data.private_block(0x0025, "GEMS_SERS_01", create=True)
    private.add_new(0x1B, "OB", len(block).to_bytes(4, "little") + block + bytes(len(block) % 2))
    assert search.in_file(root(data)) == {"name"}


def test_digits_of_a_uid_that_was_given_out_are_nobodys_number():
    data = image()
    new = profile().renew("1.2.3.4")
    search = searching(new[10:18], "ID")
    data.StudyInstanceUID = new
    assert search.in_file(root(data)) == {"ID", "UID"}
    search.profile.renew("1.2.3.4")
    assert "ID" not in search.in_file(root(data))


@pytest.mark.parametrize("most", [0x0FFF, 0x7FFF])
def test_the_search_sees_a_value_among_voxels_low_and_high(most: int):
    voxels = bytearray(np.arange(40_000, dtype="<u2") % most)
    search = searching("Quillfeather")
    assert search.in_file([memoryview(voxels)]) == set()
    for place in (0, 20_001, 79_988):
        planted = voxels.copy()
        planted[place : place + 12] = b"QuillFEATHER"
        assert search.in_file([memoryview(planted)]) == {"name"}
