"""One header and the number of files tell the volumes, or nothing does."""

from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset

from coil.bids.series.partial import count, read_partial
from coil.bids.series.stack import Counted
from tests.support.bids import SLICES, Pulled


def mosaic(slices: int, **more: str) -> Any:
    header = Dataset()
    header.ImageType = ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]
    header.add_new((0x0019, 0x100A), "US", slices)
    for key, value in more.items():
        setattr(header, key, value)
    return header


def enhanced(frames: int, slices: int) -> Any:
    header = Dataset()
    header.NumberOfFrames = frames
    groups = []
    for frame in range(frames):
        plane, group = Dataset(), Dataset()
        plane.ImagePositionPatient = [0, 0, frame % slices]
        group.PlanePositionSequence = [plane]
        groups.append(group)
    header.PerFrameFunctionalGroupsSequence = groups
    return header


def test_a_mosaic_file_is_a_volume() -> None:
    assert count(mosaic(30), 200) == Counted(200, 30, 1)


def test_a_mosaic_of_several_echoes_stays_open() -> None:
    assert count(mosaic(30, SeriesDescription="bold_me3"), 600) is None


def test_all_volumes_may_be_in_one_enhanced_file_or_one_in_each() -> None:
    assert count(enhanced(40, 10), 1) == Counted(4, 10, 1)
    assert count(enhanced(10, 10), 20) == Counted(20, 10, 1)


def test_a_few_enhanced_files_of_one_volume_may_be_echoes() -> None:
    assert count(enhanced(10, 10), 2) is None


def test_philips_and_ge_tell_the_slices_of_a_volume() -> None:
    philips: Any = Dataset()
    ge: Any = Dataset()
    philips.add_new((0x2001, 0x1018), "SL", 9)
    ge.add_new((0x0021, 0x104F), "SS", 15)
    assert count(philips, 27) == Counted(3, 9, 1)
    assert count(ge, 150) == Counted(10, 15, 1)


def test_of_single_slices_the_volumes_stay_open() -> None:
    nothing: Any = Dataset()
    assert count(nothing, 176) is None


def test_a_partial_series_is_a_pulled_one_with_the_listed_number_of_files(tmp_path: Path) -> None:
    pulled = Pulled(tmp_path)
    folder = pulled.scan("mprage")
    for path in sorted(folder.iterdir())[1:]:
        path.unlink()
    (series,) = read_partial(tmp_path)
    assert (series.series_description, series.listed, series.files) == ("mprage", False, SLICES)
    assert not series.knows("volumes")
    assert series.knows("image_type")
