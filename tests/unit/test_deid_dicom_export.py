"""A session's export: which series leave, and that nothing leaves with an identifier."""

import json
from pathlib import Path
from typing import Any

import pydicom
import pytest
from dicom_support import MR, SESSION, STEM, SUBJECT, encoded, image, profile

from coil.deid.dicom.export import Wanted, export_session
from coil.deid.dicom.search import Search
from coil.deid.identifiers import Identifier, Identifiers
from coil.deid.leak import Searcher
from coil.errors import DataError


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
    (folder / "pulled" / "pulled.json").write_text(
        json.dumps({"scans": [], "identifiers": {"session_label": "REAL-0042-MR1"}})
    )
    (folder / "converted").mkdir()
    (folder / "converted" / "converted.json").write_text(json.dumps({"series": rows}))
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
    places = session(tmp_path, named("task-rest_bold"), SequenceName="Quillfeather")
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
