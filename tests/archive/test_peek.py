"""One header of each series is fetched, once, for its owner's eyes alone."""

from pathlib import Path

import pydicom
import pytest
from msgspec import structs

from coil.archive.client import Archive
from coil.archive.listing import Session, list_sessions
from coil.archive.pull import headers
from coil.files import read_json
from coil.records.pulled import NO_DICOM
from localxnat.testing import Server, import_dicom
from localxnat.tests.support import write_dicom


def rows(folder: Path) -> dict[str, dict]:
    return {row["scan"]: row for row in read_json(folder / "pulled.json")["scans"]}


def test_each_series_has_the_header_of_its_first_file_without_the_pixels(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    assert headers.fetch_headers(archive, session.id, session.scans, tmp_path / "h") == 5
    row = rows(tmp_path / "h")["2"]
    header = pydicom.dcmread(tmp_path / "h" / row["folder"] / "000001.dcm")
    assert (header.SeriesDescription, header.InstanceNumber) == ("localizer", 1)
    assert "PixelData" not in header
    assert row["files"] == 3


def test_raw_data_before_the_images_is_not_the_header_that_is_taken(
    archive: Archive, server: Server, tmp_path: Path
) -> None:
    for number, sop_class in enumerate(("66", "4", "4"), start=1):
        path = tmp_path / "x" / f"{number}.dcm"
        write_dicom(path, 3, "rest", "3", f"1.2.840.10008.5.1.4.1.1.{sop_class}", "MR", number)
    raw = pydicom.dcmread(tmp_path / "x" / "1.dcm")
    for keyword in ("Rows", "Columns", "PixelData", "PhotometricInterpretation"):
        raw.pop(keyword, None)
    raw.save_as(tmp_path / "x" / "1.dcm")
    import_dicom(server.root, "RAW", "S", "raw", tmp_path / "x")
    (session,) = list_sessions(archive, "RAW")
    assert len(headers.likely_files(archive, session.id)["3"]) == 2
    headers.fetch_headers(archive, session.id, session.scans, tmp_path / "h")
    (path,) = (tmp_path / "h" / "series").glob("*/*.dcm")
    assert pydicom.dcmread(path).SOPClassUID.endswith(".4")


def test_what_was_fetched_is_not_asked_for_again(
    archive: Archive, session: Session, server: Server, tmp_path: Path
) -> None:
    headers.fetch_headers(archive, session.id, session.scans, tmp_path / "h")
    before = len(server.requests())
    assert headers.fetch_headers(archive, session.id, session.scans, tmp_path / "h") == 0
    assert len(server.requests()) == before


def test_a_series_that_changed_is_fetched_anew_and_one_that_is_gone_forgotten(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    headers.fetch_headers(archive, session.id, session.scans, tmp_path / "h")
    first, second, *_ = session.scans
    scans = [first, structs.replace(second, files=(second.files or 0) + 1)]
    assert headers.fetch_headers(archive, session.id, scans, tmp_path / "h") == 1
    assert set(rows(tmp_path / "h")) == {first.scan, second.scan}
    assert len(list((tmp_path / "h" / "series").iterdir())) == 2


def test_headers_are_for_their_owner_alone(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    headers.fetch_headers(archive, session.id, session.scans, tmp_path / "h")
    for path in (tmp_path / "h", *(tmp_path / "h").rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_scan_without_dicom_says_so(archive: Archive, session: Session, tmp_path: Path) -> None:
    empty = structs.replace(session.scans[0], scan="77", files=0)
    headers.fetch_headers(archive, session.id, [empty], tmp_path / "h")
    assert rows(tmp_path / "h")["77"]["problem"] == NO_DICOM


def test_no_more_of_a_file_is_read_than_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = iter([b"\0" * 128 + b"DICM", b"junk that is no element", *[b"x" * 1000] * 3])
    arriving = headers._Arriving(pieces)
    assert arriving.read(132)[128:] == b"DICM"
    assert len(arriving.so_far()) == 132
    arriving.seek(0)
    assert len(arriving.read(140)) == 140
