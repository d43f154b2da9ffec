"""A series is what its folder's headers and the archive's listing say of it."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian

from coil.bids.mapping.mapping import parse
from coil.bids.mapping.resolve import resolve
from coil.bids.series import stack
from coil.bids.series.reading import read_series
from coil.errors import DataError
from tests.support.bids import SLICES, Pulled


def frame(position: float, echo: float | None = None) -> Dataset:
    item = Dataset()
    plane = Dataset()
    plane.ImagePositionPatient = [0, 0, position]
    item.PlanePositionSequence = [plane]
    if echo is not None:
        echoes = Dataset()
        echoes.EffectiveEchoTime = echo
        item.MREchoSequence = [echoes]
    return item


def enhanced(folder: Path, files: list[list[Dataset]]) -> list[Path]:
    """Multi-frame files made from one of single slices, each with the frames given."""
    Pulled(folder).scan("any")
    template = dcmread(folder / "series" / "001" / "000001.dcm")
    del template.EchoTime
    paths = []
    for number, frames in enumerate(files):
        template.NumberOfFrames = len(frames)
        template.PerFrameFunctionalGroupsSequence = frames
        paths.append(folder / f"{number}.dcm")
        template.save_as(paths[-1])
    return paths


def count(paths: list[Path]) -> tuple[int | None, int | None, int | None]:
    return stack.count(paths, stack.read_header(paths[0]))[:3]


def test_a_series_knows_what_its_header_and_the_archive_say(tmp_path: Path) -> None:
    pulled = Pulled(tmp_path)
    pulled.scan("rest", 3)
    (series,) = read_series(tmp_path)
    assert (series.scan, series.folder, series.files) == ("1", "series/001", 3 * SLICES)
    assert (series.protocol_name, series.sequence_name) == ("rest", "epfid2d1_16")
    assert (series.echo_times, series.repetition_time, series.flip_angle) == ((30.0,), 2000, 77)
    assert series.image_type == ("ORIGINAL", "PRIMARY", "M", "ND")
    assert series.acq_time == "2024-05-01T13:01:00.500000"
    assert series.is_image
    assert not series.is_derived


def test_the_names_of_its_files_say_nothing_of_a_series(tmp_path: Path) -> None:
    folder = Pulled(tmp_path).scan("rest", 2)
    for number, path in enumerate(sorted(folder.iterdir()), start=1):
        image = dcmread(path)
        image.EchoTime = 10 * number
        image.save_as(path)
    (series,) = read_series(tmp_path)
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(folder / f"{9 - number}.dcm")
    (renamed,) = read_series(tmp_path)
    assert series == renamed
    assert series.echo_times == (10.0,)


def test_what_a_series_is_called_does_not_show_who_was_scanned(tmp_path: Path) -> None:
    Pulled(tmp_path, patient="DOE^JANE").scan("rest")
    assert "DOE" not in repr(read_series(tmp_path))
    assert "2024" not in repr(read_series(tmp_path))


def test_a_scan_without_dicom_stays_in_the_list(tmp_path: Path) -> None:
    pulled = Pulled(tmp_path)
    pulled.scan("mprage")
    pulled.empty_scan("t2")
    _, series = read_series(tmp_path)
    assert (series.folder, series.is_image, series.problem) == (None, False, "no DICOM")


def test_a_session_without_images_is_refused(tmp_path: Path) -> None:
    pulled = Pulled(tmp_path)
    for description in ("t1", "t2"):
        with pytest.raises(DataError, match="the session has no DICOM images"):
            read_series(tmp_path)
        pulled.empty_scan(description)


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize(
    ("header", "time"),
    [
        ({"AcquisitionDateTime": "20240501130000.25+0200"}, "2024-05-01T13:00:00.250000"),
        (
            {"AcquisitionTime": "", "ContentDate": "20240502", "ContentTime": "0901"},
            "2024-05-02T09:01:00.000000",
        ),
        ({"AcquisitionDate": ""}, None),
        ({"AcquisitionDate": "", "AcquisitionDateTime": "20240501"}, None),
        ({"AcquisitionDate": "20241399"}, None),
        (
            {"AcquisitionTime": "", "SeriesDate": "20240502", "SeriesTime": "090100"},
            "2024-05-02T09:01:00.000000",
        ),
    ],
)
def test_the_time_of_acquisition_is_the_first_that_makes_sense(
    tmp_path: Path, header: dict[str, Any], time: str | None
) -> None:
    Pulled(tmp_path).scan("rest", **header)
    assert read_series(tmp_path)[0].acq_time == time


def test_volumes_are_repetitions_of_every_position(tmp_path: Path) -> None:
    folder = Pulled(tmp_path).scan("rest", 5)
    assert read_series(tmp_path)[0].stack[:3] == (5, SLICES, 1)
    (folder / "000020.dcm").unlink()
    assert read_series(tmp_path)[0].volumes == 4


def test_volumes_are_counted_in_any_transfer_syntax(tmp_path: Path) -> None:
    folder = Pulled(tmp_path).scan("rest", 3)
    for path in sorted(folder.iterdir())[::2]:
        dataset = dcmread(path)
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        dataset.save_as(path, implicit_vr=True, little_endian=True)
    assert read_series(tmp_path)[0].stack[:3] == (3, SLICES, 1)


def test_echoes_are_not_volumes(tmp_path: Path) -> None:
    pulled = Pulled(tmp_path)
    folder, second = pulled.scan("me", 2), pulled.scan("me", 2, EchoTime=60)
    for path in second.iterdir():
        path.rename(folder / f"1{path.name}")
    assert count(sorted(folder.iterdir())) == (2, SLICES, 2)


def test_every_echo_counts_whichever_file_comes_first(tmp_path: Path) -> None:
    pulled = Pulled(tmp_path)
    folder, second = pulled.scan("me"), pulled.scan("me", EchoTime=60)
    for path in second.iterdir():
        path.rename(folder / f"0{path.name}")
    second.rmdir()
    pulled.scans.pop()
    pulled.write()
    (series,) = read_series(tmp_path)
    assert series.numbers("echo_time") == (30, 60)
    assert series.echo_times == (60,)


def test_headers_are_read_only_when_a_rule_comes_to_ask(tmp_path: Path) -> None:
    Pulled(tmp_path).scan("rest")
    (series,) = read_series(tmp_path)
    shutil.rmtree(tmp_path / "series")
    dear = {"volumes": 3, "b_values": 0, "any": [{"echo_time": 30}, {"echoes": 2}]}
    match = {"series_description": "other", "not": {"any": [{"slices": 3}]}, **dear}
    assert not parse([{"match": match, "ignore": "x"}]).matches(series)


def test_a_mosaic_is_a_volume(tmp_path: Path) -> None:
    folder = Pulled(tmp_path).scan("rest", 2, ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"])
    assert count(sorted(folder.iterdir())) == (2 * SLICES, None, 1)


def test_frames_of_one_file_are_volumes_and_slices(tmp_path: Path) -> None:
    frames = [frame(place) for _ in range(5) for place in range(3)]
    assert count(enhanced(tmp_path, [frames])) == (5, 3, 1)


def test_magnitude_and_phase_in_one_file_are_no_volumes(tmp_path: Path) -> None:
    frames = [frame(place) for _ in range(4) for place in range(3)]
    for number, one in enumerate(frames):
        kind = Dataset()
        kind.ComplexImageComponent = "MAGNITUDE" if number < 6 else "PHASE"
        one.MRImageFrameTypeSequence = [kind]
    (path,) = enhanced(tmp_path, [frames])
    dataset = dcmread(path)
    dataset.ComplexImageComponent = "MIXED"
    dataset.save_as(path)
    assert count([path]) == (2, 3, 1)


def test_files_of_frames_are_volumes_and_an_unfinished_one_is_not(tmp_path: Path) -> None:
    volume = [frame(place) for place in range(3)]
    assert count(enhanced(tmp_path, [volume, volume, volume[:2]])) == (2, 3, 1)


@pytest.mark.parametrize("blocks", [True, False])
def test_files_of_frames_may_be_echoes(tmp_path: Path, blocks: bool) -> None:
    echoes = [10.0] * 8 + [20.0] * 8 + [30.0] * 8 if blocks else [10.0, 20.0, 30.0] * 8
    files = [[frame(place, echo) for place in range(3)] for echo in echoes]
    assert count(enhanced(tmp_path, files)) == (8, 3, 3)


def test_a_file_that_is_not_dicom_is_told_by_its_folder(tmp_path: Path) -> None:
    for path in Pulled(tmp_path).scan("rest").iterdir():
        path.write_bytes(b"DOE^JANE" * 100)
    with pytest.raises(DataError, match=r"series/001: a file is not readable as DICOM") as caught:
        read_series(tmp_path)
    assert "DOE" not in str(caught.value)


def test_a_header_with_an_impossible_value_is_told_by_its_folder(tmp_path: Path) -> None:
    folder = Pulled(tmp_path).scan("rest")
    path = folder / "000001.dcm"
    path.write_bytes(path.read_bytes().replace(b"30", b"JD"))
    with pytest.raises(DataError, match="series/001: a header holds a value") as caught:
        read_series(tmp_path)
    assert "JD" not in str(caught.value)


def test_a_series_whose_header_cannot_be_used_is_broken_alone(tmp_path: Path) -> None:
    session = Pulled(tmp_path)
    session.scan("mprage")
    for path in session.scan("rest").iterdir():
        path.write_bytes(path.read_bytes().replace(b"30", b"JD"))
    good, bad = read_series(tmp_path)
    assert good.broken is None
    assert bad.broken and bad.broken.startswith("a header holds a value that DICOM does not allow")


def test_a_header_that_is_found_broken_when_a_rule_asks_for_it_fails_its_series(
    tmp_path: Path,
) -> None:
    session = Pulled(tmp_path)
    session.scan("mprage")
    *_, last = sorted(session.scan("rest", 2).iterdir())
    last.write_bytes(b"no image" * 50)
    rule = {"to": "func/bold", "entities": {"task": "rest"}, "expect": {"volumes": 2}}
    rules = [{"match": {"series_description": "rest"}, **rule}]
    rows = resolve(read_series(tmp_path), parse(rules), "X", "Y")
    assert [row.state for row in rows] == ["unmapped", "failed"]
    assert rows[1].reason.startswith("a file is not readable as DICOM")
