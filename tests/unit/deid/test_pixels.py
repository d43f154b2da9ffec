"""Text in pixels: one judgement for images and for DICOM, over every file of a series."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID, ImplicitVRLittleEndian, generate_uid

from coil.bids.draft.preview import Previewed
from coil.bids.mapping.mapping import parse
from coil.bids.mapping.resolve import resolve
from coil.bids.series.partial import read_partial
from coil.bids.series.pictures import judge, split
from coil.deid.dicom.export import Wanted
from coil.deid.dicom.profile import Profile
from coil.dicom import header
from coil.errors import DataError
from tests.support.bids import Pulled
from tests.support.stages import convert_session, export_session

RULES: list[dict[str, Any]] = [
    {"match": {"series_description": "liver"}, "to": "anat/T2starw", "duplicates": "runs"},
    {"match": {"series_description": "rest"}, "to": "func/bold", "entities": {"task": "rest"}},
]
STORAGE = "1.2.840.10008.5.1.4.1.1."
Change = Callable[[Dataset], object]


def of_class(number: str) -> Change:
    return lambda ds: setattr(ds, "SOPClassUID", UID(STORAGE + number))


def saying(keyword: str, value: Any) -> Change:
    return lambda ds: setattr(ds, keyword, value)


def coloured(ds: Dataset) -> None:
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit = 7
    ds.PixelData = bytes(ds.Rows * ds.Columns * 3)


def overlaid(ds: Dataset) -> None:
    ds.add_new(0x60000010, "US", ds.Rows)
    ds.add_new(0x60000011, "US", ds.Columns)
    ds.add_new(0x60000100, "US", 16)
    ds.add_new(0x60000102, "US", 12)


def beside(ds: Dataset) -> None:
    """An overlay in a plane of its own, which no image shows."""
    ds.add_new(0x60000010, "US", ds.Rows)
    ds.add_new(0x60000100, "US", 1)
    ds.add_new(0x60000102, "US", 0)
    ds.add_new(0x60003000, "OW", bytes(ds.Rows * ds.Columns // 8))


REFUSED: dict[str, tuple[Change, str]] = {
    "ultrasound": (of_class("6.1"), "it is no MR, PET or CT image"),
    "a cine": (of_class("3.1"), "it is no MR, PET or CT image"),
    "a capture's class": (of_class("7"), "it is no MR, PET or CT image"),
    "a private class": (saying("SOPClassUID", UID("1.3.46.670589.11.0.0.12.4")), "it is no MR"),
    "no class": (saying("SOPClassUID", ""), "it is no MR, PET or CT image"),
    "a capture": (saying("ConversionType", "WSD"), "it is a secondary capture"),
    "burned in": (saying("BurnedInAnnotation", "YES"), "the header says that annotation"),
    "burned in, odd": (saying("BurnedInAnnotation", "yes "), "the header says that annotation"),
    "a modality": (saying("Modality", "US"), "its modality is none of"),
    "a screen": (saying("ImageType", ["ORIGINAL", "PRIMARY", "SCREEN SAVE"]), "its image type"),
    "a report": (saying("ImageType", ["ORIGINAL", "PRIMARY", "DOSE_REPORT"]), "its image type"),
    "colour": (coloured, "it is in colour"),
    "an overlay": (overlaid, "an overlay stands in unused bits"),
}
KEPT: dict[str, Change] = {
    "a scanner's": lambda ds: None,
    "said to have none": saying("BurnedInAnnotation", "NO"),
    "an angiogram": saying("ImageType", ["ORIGINAL", "PRIMARY", "ANGIOGRAPHY", "ND"]),
    "an overlay beside": beside,
    "an implicit form": lambda ds: setattr(
        ds.file_meta, "TransferSyntaxUID", ImplicitVRLittleEndian
    ),
}


def edit(folder: Path, change: Change, *numbers: int) -> None:
    for number, path in enumerate(sorted(folder.iterdir()), start=1):
        if not numbers or number in numbers:
            ds = dcmread(path)
            change(ds)
            ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
            ds.save_as(path)


def convert(pulled: Path, **policy: str) -> list[dict[str, Any]]:
    return convert_session(
        pulled,
        pulled.parent / "converted",
        subject="X",
        session="Y",
        mapping=parse(RULES),
        policy=policy,
        scratch=pulled.parent / "scratch",
    )["series"]


def export(pulled: Path, which: str = "mapped") -> list[dict[str, Any]]:
    shutil.rmtree(pulled.parent / "dicom", ignore_errors=True)
    profile = Profile(b"secret", "study", "X", "Y", 10)
    wanted = Wanted(which, "keep", ())
    return export_session(
        pulled, pulled.parent / "converted", pulled.parent / "dicom", profile, wanted
    )["series"]


@pytest.mark.parametrize("of", [None, 3], ids=["all files", "one of several files"])
@pytest.mark.parametrize(("change", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_may_show_text_is_in_neither_dataset_nor_export_and_both_say_why(
    tmp_path: Path, change: Change, reason: str, of: int | None
) -> None:
    session = Pulled(tmp_path / "pulled")
    edit(session.scan("liver"), change, *([of] if of else []))
    session.scan("rest", 2)
    refused, mapped = convert(session.folder)
    assert (refused["state"], refused["name"], refused["files"]) == ("refused", None, [])
    some = "1 of 4 files: " if of else ""
    assert refused["reason"].startswith(f"{some}its pixels may show text, such as a name: {reason}")
    assert "ignore it in the mapping" in refused["reason"]
    assert mapped["state"] == "mapped"
    assert not (tmp_path / "converted" / "bids" / "sub-X" / "ses-Y" / "anat").exists()
    for which in ("mapped", "all"):
        told = export(session.folder, which)
        assert [(row["state"], row["reason"]) for row in told] == [
            ("refused", refused["reason"]),
            ("exported", ""),
        ]


@pytest.mark.parametrize("change", [*KEPT.values(), *(row[0] for row in REFUSED.values())],
                         ids=[*KEPT, *REFUSED])  # fmt: skip
def test_both_ways_answer_the_same_of_any_series(tmp_path: Path, change: Change) -> None:
    """Of one that no rule takes, so that the export has to judge by itself."""
    session = Pulled(tmp_path / "pulled")
    edit(session.scan("unknown"), change)
    convert(session.folder)
    (row,) = export(session.folder, "all")
    text = judge(split(sorted(tmp_path.glob("pulled/series/001/*")))[0]).text
    assert (row["state"], row["reason"]) == (("refused", text) if text else ("exported", ""))


@pytest.mark.parametrize("change", KEPT.values(), ids=KEPT)
def test_what_a_scanner_stores_is_converted(tmp_path: Path, change: Change) -> None:
    session = Pulled(tmp_path / "pulled")
    edit(session.scan("liver"), change)
    assert [row["state"] for row in convert(session.folder)] == ["mapped"]


def test_a_refused_series_takes_no_name_from_others_and_may_fail_the_session(
    tmp_path: Path,
) -> None:
    session = Pulled(tmp_path / "pulled")
    edit(session.scan("liver"), saying("BurnedInAnnotation", "YES"))
    session.scan("liver")
    rows = convert(session.folder)
    assert [row["name"] for row in rows] == [None, "anat/sub-X_ses-Y_T2starw"]
    with pytest.raises(DataError, match=r"^series/001: its pixels may show text"):
        convert(session.folder, refused="fail")


def test_the_headers_of_a_series_are_walked_through_a_few_times_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Pulled(tmp_path / "pulled").scan("rest", 20)
    read: list[Path] = []
    found = header.read
    monkeypatch.setattr(
        "coil.bids.series.pictures.read", lambda path: (read.append(path), found(path))[1]
    )
    files = sorted(folder.iterdir())
    assert not judge(files).text
    assert len(read) < 12 < len(files)
    last = dcmread(files[-1])
    last.BurnedInAnnotation = "YES"
    last.save_as(files[-1])
    assert judge(files).text.startswith("1 of 80 files: ")


NO_IMAGES: dict[str, Change] = {
    "Philips raw data": of_class("66"),
    "a presentation state": of_class("11.1"),
    "a report": of_class("88.22"),
    "a private class": saying("SOPClassUID", UID("1.3.46.670589.11.0.0.12.2")),
}


def no_image(folder: Path, change: Change, name: str = "000000.dcm", number: int = 0) -> None:
    """Another object of the same series: the first of it, by name and number."""
    ds = dcmread(sorted(folder.iterdir())[-1])
    for keyword in ("Rows", "Columns", "PixelData", "ImagePositionPatient", "BitsAllocated"):
        del ds[keyword]
    del ds.PhotometricInterpretation
    change(ds)
    ds.SOPInstanceUID = generate_uid()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.InstanceNumber = number
    ds.save_as(folder / name)


def spectrum(ds: Dataset) -> None:
    """It has rows and columns, and no pixels."""
    ds.SOPClassUID, ds.Rows, ds.Columns = UID(STORAGE + "4.2"), 1, 1


@pytest.mark.parametrize("change", [*NO_IMAGES.values(), spectrum], ids=[*NO_IMAGES, "a spectrum"])
@pytest.mark.parametrize("converter", ["dcm2niix", "heudiconv"])
def test_what_holds_no_image_is_set_aside_and_told_and_the_images_are_converted(
    tmp_path: Path, change: Change, converter: str
) -> None:
    session = Pulled(tmp_path / "pulled")
    folder = session.scan("rest", 3)
    no_image(folder, change)
    no_image(folder, change, "999999.dcm", 99)
    (row,) = convert_session(
        session.folder,
        tmp_path / "converted",
        subject="X",
        session="Y",
        mapping=parse([RULES[1] | {"expect": {"volumes": 3, "slices": 4}}]),
        policy={},
        scratch=tmp_path / "scratch",
        converter=converter,
    )["series"]
    told = "2 files that hold no image (reports or raw data) set aside"
    assert (row["state"], row["volumes"]) == ("mapped", 3)
    assert row["reason"] == f"bids.mapping[0]; {told}"
    assert len(list(folder.iterdir())) == 14
    (exported,) = export(session.folder)
    assert (exported["state"], exported["files"], exported["reason"]) == ("exported", 12, told)


@pytest.mark.parametrize("change", NO_IMAGES.values(), ids=NO_IMAGES)
def test_a_series_without_any_image_is_ignored_and_not_exported(
    tmp_path: Path, change: Change
) -> None:
    session = Pulled(tmp_path / "pulled")
    session.scan("liver")
    folder = session.scan("rest")
    for path in folder.iterdir():
        no_image(folder, change, path.name)
    row = convert(session.folder)[1]
    assert (row["state"], row["reason"]) == ("ignored", "holds no image (a report or raw data)")
    told = export(session.folder, "all")[1]
    assert (told["state"], told["reason"]) == ("refused", row["reason"])


def test_a_capture_among_the_images_of_a_series_is_no_report(tmp_path: Path) -> None:
    session = Pulled(tmp_path / "pulled")
    edit(session.scan("rest", 3), of_class("7"), 12)
    (row,) = convert(session.folder)
    assert (row["state"], row["reason"][:15]) == ("refused", "1 of 12 files: ")


def test_a_preview_tells_it_by_the_one_header_that_it_has(tmp_path: Path) -> None:
    session = Pulled(tmp_path / "headers")
    folder = session.scan("liver")
    edit(folder, saying("BurnedInAnnotation", "YES"))
    for path in sorted(folder.iterdir())[1:]:
        path.unlink()
    (row,) = resolve(read_partial(session.folder), parse(RULES), "X", "Y")
    assert row.state == "refused"
    assert Previewed.of("sub-X_ses-Y", [row], parse(RULES).rules).rows[0].open
