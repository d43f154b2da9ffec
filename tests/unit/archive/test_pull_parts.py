"""What a pull asks for, how it knows a zip's members again, and where a header says enough."""

import hashlib
import io
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian, MRImageStorage

from coil.archive import contents
from coil.archive.contents import ArchiveFile, Contents
from coil.archive.pull import mounted
from coil.archive.pull.receive import Receiver
from coil.archive.pull.series import series_uid
from coil.archive.pull.session import LONGEST, _zips
from coil.archive.pull.zipped import member_keys, unpack
from coil.errors import ArchiveError


def file(scan: str, resource: str = "DICOM", size: int = 100) -> ArchiveFile:
    return ArchiveFile(scan, resource, "1.dcm", size, "")


def test_a_zip_member_belongs_to_the_longest_scan_id_that_fits() -> None:
    name = "label/scans/6-MR1-T1_with-dash/resources/DICOM/files/a/b.dcm"
    first, *_ = member_keys(name, ["6", "6-MR1"])
    assert first == ("6-MR1", "DICOM", "a/b.dcm")


def test_a_member_of_a_session_resource_has_no_scan_and_a_folder_is_no_member() -> None:
    assert list(member_keys("label/resources/events/files/x.tsv", [])) == [("", "events", "x.tsv")]
    assert list(member_keys("label/readme.txt", ["6"])) == []
    assert list(member_keys("label/scans/6-a/resources/DICOM/files/", ["6"])) == []


@pytest.mark.parametrize(
    ("uri", "name", "path"),
    [
        ("/data/experiments/E/scans/6-MR1/resources/7/files/a%20b.dcm", "a b.dcm", "a b.dcm"),
        ("/data/experiments/E/scans/6-MR1/resources/7/files/a b.dcm", "a b.dcm", "a b.dcm"),
        ("/data/experiments/E/scans/6-MR1/resources/7/files/a%20b.dcm", "a%20b.dcm", "a%20b.dcm"),
        ("/data/experiments/E/scans/6%2DMR1/resources/7/files/x%C3%A9/1.dcm", "1.dcm", "xé/1.dcm"),
    ],
)
def test_a_uri_is_understood_whether_it_is_encoded_or_not(uri: str, name: str, path: str) -> None:
    row = {"URI": uri, "Name": name, "collection": "DICOM", "Size": "1"}
    assert contents._file(row).key == ("6-MR1", "DICOM", path)


def test_all_scans_are_asked_for_at_once_and_some_by_their_ids() -> None:
    held = Contents([file("1"), file("2"), file("10")], {})
    assert list(_zips("E", held, held.files)) == ["/data/experiments/E/scans/ALL/files"]
    some = [file("10"), file("2")]
    assert list(_zips("E", held, some)) == ["/data/experiments/E/scans/2,10/files"]


def test_scans_without_images_are_not_asked_for() -> None:
    held = Contents([file("1"), file("2")], {"3": 5})
    assert list(_zips("E", held, held.files)) == ["/data/experiments/E/scans/1,2/files"]


def test_large_files_beside_the_images_are_not_asked_for() -> None:
    held = Contents([file("1"), file("2"), file("2", "secondary")], {"1": 5000})
    assert list(_zips("E", held, held.files)) == [
        "/data/experiments/E/scans/1/resources/DICOM/files",
        "/data/experiments/E/scans/2/resources/DICOM/files",
        "/data/experiments/E/scans/2/resources/secondary/files",
    ]


@given(st.sets(st.integers(1, 99_999), min_size=1, max_size=3000))
def test_hundreds_of_scans_are_asked_for_in_addresses_of_a_length_that_servers_take(
    scans: set[int],
) -> None:
    lacking = [file(str(scan)) for scan in scans]
    paths = list(_zips("E", Contents([*lacking, file("x")], {}), lacking))
    assert max(map(len, paths)) < LONGEST + 100
    asked = [scan for path in paths for scan in path.split("/")[5].split(",")]
    assert sorted(map(int, asked)) == sorted(scans)


@given(st.integers(0, 400), st.booleans())
def test_a_series_is_told_right_wherever_the_first_bytes_end(end: int, implicit: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.dcm"
        data = _dataset()
        if implicit:
            data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        data.save_as(path, enforce_file_format=True)
        assert series_uid(path.read_bytes()[:end], path) == "1.2.3.4"


def test_a_series_named_in_a_sequence_is_not_the_files_own(tmp_path: Path) -> None:
    data = _dataset()
    data.ReferencedSeriesSequence = [Dataset()]
    data.ReferencedSeriesSequence[0].SeriesInstanceUID = "9.9.9"
    path = tmp_path / "x.dcm"
    data.save_as(path, enforce_file_format=True)
    assert series_uid(path.read_bytes(), path) == "1.2.3.4"


@given(st.binary(max_size=300))
def test_bytes_that_are_no_dicom_have_no_series(text: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.dcm"
        path.write_bytes(text)
        assert series_uid(text, path) is None


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../b", "", "a\\b", "a\x00b"])
def test_a_name_that_leads_out_of_its_folder_is_refused(name: str) -> None:
    with pytest.raises(ArchiveError, match="leads out of its folder"):
        mounted.inside(Path("here"), "DICOM", name)


NAMES = ["1.dcm", "2.dcm", "a/3.dcm"]


def packed(contents: list[bytes], method: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as bundle:
        for name, content in zip(NAMES, contents, strict=False):
            bundle.writestr(f"E/scans/4-mprage_ sag/resources/DICOM/files/{name}", content)
    return stream.getvalue()


@given(
    st.lists(st.binary(min_size=1, max_size=300), min_size=3, max_size=3),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
    st.integers(0, 1 << 16),
    st.binary(max_size=3),
    st.integers(1, 200),
)
def test_of_a_zip_that_is_damaged_anywhere_no_wrong_byte_is_taken(
    contents: list[bytes], method: int, place: int, instead: bytes, chunk: int
) -> None:
    whole = packed(contents, method)
    damaged = whole[: place % len(whole)] + instead + whole[place % len(whole) + 2 :]
    with tempfile.TemporaryDirectory() as folder:
        places = {
            ArchiveFile("4", "DICOM", name, len(content), hashlib.md5(content).hexdigest()): (
                Path(folder) / str(number)
            )
            for number, (name, content) in enumerate(zip(NAMES, contents, strict=True))
        }
        receiver = Receiver(places, lambda count: None)
        with suppress(ArchiveError):
            pieces = (damaged[at : at + chunk] for at in range(0, len(damaged), chunk))
            unpack(pieces, receiver, {file.key for file in places})
        for file, path in places.items():
            if file.key not in receiver.lacking:
                assert hashlib.md5(path.read_bytes()).hexdigest() == file.digest


@given(st.integers(0, 2000), st.booleans())
def test_of_a_zip_that_is_cut_off_the_files_before_the_cut_are_kept(end: int, known: bool) -> None:
    contents = [b"one" * 100, b"two" * 100, b"three" * 100]
    whole = packed(contents, zipfile.ZIP_STORED)
    with tempfile.TemporaryDirectory() as folder:
        places = {
            ArchiveFile(
                "4", "DICOM", name, len(text), hashlib.md5(text).hexdigest() if known else ""
            ): Path(folder) / name[-5:]
            for name, text in zip(NAMES, contents, strict=True)
        }
        receiver = Receiver(places, lambda count: None)
        with suppress(ArchiveError):
            unpack([whole[:end]], receiver, {file.key for file in places})
        kept = [
            path.read_bytes() for file, path in places.items() if file.key not in receiver.lacking
        ]
        assert kept == contents[: len(kept)]
        assert len(kept) == 3 or end < len(whole)


def _dataset() -> Dataset:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = MRImageStorage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    data.SeriesInstanceUID = "1.2.3.4"
    data.SeriesNumber = 7
    return data
