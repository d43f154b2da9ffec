"""A pulled session becomes BIDS files and a table that accounts for every series."""

import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import yaml
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, PositronEmissionTomographyImageStorage

from coil.bids import validate
from coil.bids.convert import dcm2niix
from coil.bids.mapping.mapping import parse
from coil.errors import DataError
from tests.support.bids import MATRIX, SLICES, Pulled
from tests.support.nifti import nifti
from tests.support.stages import convert_session

RULES: list[dict[str, Any]] = [
    {"match": {"series_description": "mprage"}, "to": "anat/T1w"},
    {
        "match": {"series_description": "task"},
        "to": "func/bold",
        "entities": {"task": "nback"},
        "expect": {"volumes": 5},
        "duplicates": "runs",
        "events": {"resource": "events", "file": "*.tsv"},
        "supplement": {"TotalReadoutTime": 0.03},
        "b0": "gre",
    },
    {"match": {"series_description": "gre"}, "to": "fmap/magnitude", "b0": "gre"},
    {"match": {"series_description": "localizer"}, "ignore": "planning scan"},
    {"match": {"series_description": "dti"}, "to": "dwi/dwi", "required": True},
]


def convert(
    pulled: Path,
    out: Path,
    converter: str = "dcm2niix",
    rules: list[dict[str, Any]] = RULES,
    **policy: str,
) -> dict[str, Any]:
    return convert_session(
        pulled,
        out,
        subject="X",
        session="Y",
        mapping=parse(rules),
        policy={"ambiguous": "fail"} | policy,
        scratch=out.parent / f"scratch-{out.name}",
        converter=converter,
    )


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    session = Pulled(tmp_path_factory.mktemp("session") / "pulled")
    session.scan("localizer")
    session.scan("mprage")
    session.scan("task", 3)
    session.scan("task", 5)
    echoes(session, "gre")
    session.scan("fancy")
    session.empty_scan("t2")
    session.resource("events/nback.tsv", "onset\tduration\n0\t2\n")
    return session.folder


@pytest.fixture(scope="module")
def converted(pulled: Path) -> Path:
    out = pulled.parent / "converted"
    convert(pulled, out)
    return out


def table(converted: Path) -> list[dict[str, Any]]:
    return json.loads((converted / "converted.json").read_text())["series"]


def test_every_series_is_accounted_for(converted: Path) -> None:
    assert [(row["scan"], row["state"], row["name"]) for row in table(converted)] == [
        ("1", "ignored", None),
        ("2", "mapped", "anat/sub-X_ses-Y_T1w"),
        ("3", "incomplete", None),
        ("4", "mapped", "func/sub-X_ses-Y_task-nback_bold"),
        ("5", "mapped", "fmap/sub-X_ses-Y_magnitude"),
        ("6", "unmapped", None),
        ("7", "incomplete", None),
        (None, "missing", None),
    ]


def test_the_files_are_those_of_the_table(converted: Path) -> None:
    listed = [file for row in table(converted) for file in row["files"]]
    bids = converted / "bids"
    assert sorted(listed) == sorted(
        path.relative_to(bids).as_posix() for path in bids.rglob("*") if path.is_file()
    )
    assert "sub-X/ses-Y/func/sub-X_ses-Y_task-nback_events.tsv" in listed
    assert "sub-X/ses-Y/fmap/sub-X_ses-Y_magnitude2.nii.gz" in listed


def test_the_images_are_whole(converted: Path) -> None:
    folder = converted / "bids" / "sub-X" / "ses-Y" / "func"
    image = nifti(folder / "sub-X_ses-Y_task-nback_bold.nii.gz")
    assert isinstance(image, nib.Nifti1Image)
    assert image.shape == (MATRIX, MATRIX, SLICES, 5)
    row = table(converted)[3]
    assert (row["volumes"], row["expected"], row["supplied"]) == (5, 5, ["TotalReadoutTime"])
    assert row["acq_time"] == "2024-05-01T13:04:00.500000"


def test_only_the_owner_can_read_what_was_converted(converted: Path) -> None:
    assert all(path.stat().st_mode & 0o077 == 0 for path in converted.rglob("*"))


def test_the_versions_of_the_tools_are_noted(converted: Path) -> None:
    versions = json.loads((converted / "converted.json").read_text())["versions"]
    assert set(versions) == {"dcm2niix"}
    assert versions["dcm2niix"].startswith("v1.")


def relist(pulled: Path) -> None:
    """As if the archive listed its scans the other way round."""
    listing = json.loads((pulled / "pulled.json").read_text())
    scans = listing["scans"][::-1]
    with_files = [scan for scan in scans if scan["folder"]]
    for number, scan in enumerate(with_files, start=1):
        (pulled / scan["folder"]).rename(pulled / "series" / f"new{number}")
        scan["folder"] = f"series/{number:03d}"
    for number in range(1, len(with_files) + 1):
        (pulled / "series" / f"new{number}").rename(pulled / "series" / f"{number:03d}")
    (pulled / "pulled.json").write_text(json.dumps({**listing, "scans": scans}))


def rename(pulled: Path) -> None:
    """As if the archive named its files the other way round."""
    for folder in (pulled / "series").iterdir():
        files = sorted(folder.iterdir())
        for number, path in enumerate(files):
            path.rename(folder / f"{len(files) - number}.new")
        for path in list(folder.iterdir()):
            path.rename(folder / f"{int(path.stem):06d}.dcm")


def rewrite(pulled: Path) -> None:
    """As if the files arrived in another order, which a folder's own order may show."""
    for path in sorted((pulled / "series").rglob("*.dcm"), reverse=True):
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)


def leave(pulled: Path) -> None:
    """Only the folder is another."""


@pytest.mark.parametrize("arrive", [leave, relist, rename, rewrite])
def test_the_same_series_give_the_same_bytes(
    converted: Path, pulled: Path, tmp_path: Path, arrive: Callable[[Path], None]
) -> None:
    elsewhere = tmp_path / "a folder" / "pulled"
    shutil.copytree(pulled, elsewhere)
    arrive(elsewhere)
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "pigz").write_text("#!/bin/sh\nexit 1\n")
    (tools / "pigz").chmod(0o755)
    cores = os.sched_getaffinity(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
        os.sched_setaffinity(0, {min(cores)})
        try:
            convert(elsewhere, elsewhere.parent / "out")
        finally:
            os.sched_setaffinity(0, cores)
    found = elsewhere.parent / "out"
    assert contents(found / "bids") == contents(converted / "bids")
    assert [{**row, "folder": ""} for row in table(found)] == [
        {**row, "folder": ""} for row in table(converted)
    ]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_nothing_is_left_in_the_scratch_folder(converted: Path) -> None:
    assert sorted(path.name for path in converted.parent.iterdir()) == ["converted", "pulled"]


def test_a_session_where_nothing_is_mapped_has_no_files(tmp_path: Path) -> None:
    Pulled(tmp_path / "pulled").scan("fancy")
    found = convert(tmp_path / "pulled", tmp_path / "out")
    assert [row["state"] for row in found["series"]] == ["unmapped", "missing"]
    assert not any((tmp_path / "out" / "bids").iterdir())


def test_an_unmapped_series_fails_the_session_where_the_config_says_so(tmp_path: Path) -> None:
    Pulled(tmp_path / "pulled").scan("fancy")
    with pytest.raises(DataError, match="series/001: no rule takes it; map it or ignore it"):
        convert(tmp_path / "pulled", tmp_path / "out", unmapped="fail")


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("missing", "the session: dwi/dwi is required by the protocol; no series took it"),
        ("incomplete", "series/002: 3 of 5 volumes: aborted or not wholly archived"),
        ("failed", "series/003: 1 of 4 files cannot be read"),
    ],
)
def test_any_state_may_fail_the_session(tmp_path: Path, state: str, message: str) -> None:
    session = Pulled(tmp_path / "pulled")
    session.scan("mprage")
    session.scan("task", 3)
    (session.scan("gre") / "000001.dcm").write_bytes(b"DOE^JANE")
    policy: dict[str, Any] = {state: "fail"}
    with pytest.raises(DataError) as caught:
        convert(tmp_path / "pulled", tmp_path / "out", **policy)
    assert message in str(caught.value)


def test_an_ambiguous_series_fails_the_session(tmp_path: Path) -> None:
    Pulled(tmp_path / "pulled").scan("mprage gre")
    with pytest.raises(DataError, match=r"series/001: bids.mapping\[0\] \(anat/T1w\) and"):
        convert(tmp_path / "pulled", tmp_path / "out")


def edit(folder: Path, change: Callable[[Dataset, int], Dataset | None]) -> None:
    """Change the files of a series one by one; None removes a file."""
    for number, path in enumerate(sorted(folder.iterdir()), start=1):
        changed = change(dcmread(path), number)
        path.unlink() if changed is None else changed.save_as(path)


def without(*numbers: int) -> Callable[[Path], None]:
    return lambda folder: edit(folder, lambda ds, i: None if i in numbers else ds)


def damaged(number: int, damage: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / f"{number:06d}.dcm"
        path.write_bytes(damage(path.read_bytes()))

    return change


def turned(ds: Dataset, number: int) -> Dataset:
    if number > 2:
        ds.ImageOrientationPatient = [0, 1, 0, 0, 0, 1]
        ds.ImagePositionPatient = [3 * number, -16, -16]
    return ds


def without_pixels(ds: Dataset, number: int) -> Dataset:
    del ds.PixelData
    return ds


def compressed(syntax: str) -> Callable[[Dataset, int], Dataset]:
    """Pixels that claim to be compressed so, and are not what they claim."""

    def change(ds: Dataset, number: int) -> Dataset:
        ds.file_meta.TransferSyntaxUID = UID(syntax)
        ds.PixelData = encapsulate([b"\xff\xd8" + b"\x12\x34" * 40])
        ds["PixelData"].is_undefined_length = True
        return ds

    return change


COMPRESSED = "its pixels are compressed in a way that dcm2niix cannot read"
BAD: list[tuple[str, Callable[[Path], None], str]] = [
    ("a slice in the middle is missing", without(3), "slices are missing"),
    ("the last slices are missing", without(7, 8), "slices are missing"),
    ("the first slice is missing", without(1), "slices are missing"),
    ("mixed orientations", lambda f: edit(f, turned), "dcm2niix makes 2 images of it that differ"),
    ("no pixels", lambda f: edit(f, without_pixels), "its files hold no pixels"),
    ("MPEG-4", lambda f: edit(f, compressed("1.2.840.10008.1.2.4.102")), COMPRESSED),
    ("JPEG", lambda f: edit(f, compressed("1.2.840.10008.1.2.4.70")), COMPRESSED),
    ("JPEG 2000", lambda f: edit(f, compressed("1.2.840.10008.1.2.4.90")), COMPRESSED),
    ("JPEG-LS", lambda f: edit(f, compressed("1.2.840.10008.1.2.4.80")), COMPRESSED),
    ("RLE", lambda f: edit(f, compressed("1.2.840.10008.1.2.5")), COMPRESSED),
    ("a truncated file", damaged(3, lambda data: data[:-100]), "a file is truncated"),
    ("a truncated header", damaged(3, lambda data: data[:400]), "1 of 8 files hold no image"),
    ("not DICOM", damaged(3, lambda data: b"DOE" * 200), "1 of 8 files cannot be read"),
    ("an empty file", damaged(3, lambda data: b""), "1 of 8 files cannot be read"),
]


@pytest.mark.parametrize(("change", "reason"), [row[1:] for row in BAD], ids=[r[0] for r in BAD])
def test_a_series_that_cannot_be_converted_fails_alone(
    tmp_path: Path, change: Callable[[Path], None], reason: str
) -> None:
    fail_alone(tmp_path, change, reason, "dcm2niix")


@pytest.mark.parametrize(("change", "reason"), [row[1:] for row in BAD[:3]], ids=["1", "2", "3"])
def test_a_series_fails_alone_with_heudiconv_too(
    tmp_path: Path, change: Callable[[Path], None], reason: str
) -> None:
    fail_alone(tmp_path, change, reason, "heudiconv")


def fail_alone(tmp_path: Path, change: Callable[[Path], None], reason: str, converter: str) -> None:
    session = Pulled(tmp_path / "pulled")
    session.scan("mprage")
    change(session.scan("dti", 2))
    found = convert(tmp_path / "pulled", tmp_path / "out", converter=converter)["series"]
    assert [row["state"] for row in found] == ["mapped", "failed", "missing"]
    assert found[1]["reason"].startswith(reason)
    assert (found[1]["name"], found[1]["files"]) == (None, [])
    assert not (tmp_path / "out" / "bids" / "sub-X" / "ses-Y" / "dwi").exists()


def test_a_failed_series_fails_the_session_where_the_config_says_so(tmp_path: Path) -> None:
    session = Pulled(tmp_path / "pulled")
    session.scan("task", 5)
    without(3)(session.scan("mprage"))
    with pytest.raises(DataError, match="series/002: slices are missing"):
        convert(tmp_path / "pulled", tmp_path / "out", failed="fail")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("series", "state", "reason"),
    [
        ("rest", "incomplete", "1 volume, which is no run"),
        ("dti", "failed", "its headers tell no b-"),
    ],
)
def test_an_image_that_is_not_what_bids_wants_of_its_kind_costs_itself_alone(
    tmp_path: Path, series: str, state: str, reason: str
) -> None:
    session = Pulled(tmp_path / "pulled")
    session.scan("mprage")
    session.scan(series)
    rest = {
        "match": {"series_description": "rest"},
        "to": "func/bold",
        "entities": {"task": "rest"},
    }
    found = convert(session.folder, tmp_path / "out", rules=[RULES[0], rest, RULES[-1]])["series"]
    assert [row["state"] for row in found[:2]] == ["mapped", state]
    assert found[1]["reason"].startswith(reason)
    verdict = validate.validate_session(tmp_path / "out" / "bids")
    assert not [issue for issue in verdict.issues if issue.severity == "error"]


def test_a_required_series_that_fails_is_missing(tmp_path: Path) -> None:
    session = Pulled(tmp_path / "pulled")
    session.scan("mprage")
    without(3)(session.scan("dti"))
    rules = [RULES[0], {"match": {"series_description": "dti"}, "to": "dwi/dwi", "required": True}]
    found = convert(tmp_path / "pulled", tmp_path / "out", rules=rules)["series"]
    assert [row["state"] for row in found] == ["mapped", "failed", "missing"]
    assert found[2]["reason"] == "dwi/dwi is required by the protocol; no complete series of it"
    with pytest.raises(DataError, match="the session: dwi/dwi is required"):
        convert(tmp_path / "pulled", tmp_path / "again", rules=rules, missing="fail")


def test_a_session_of_which_nothing_can_be_converted_fails(tmp_path: Path) -> None:
    session = Pulled(tmp_path / "pulled")
    session.scan("localizer")
    without(3)(session.scan("mprage"))
    with pytest.raises(DataError, match="series/002: slices are missing"):
        convert(tmp_path / "pulled", tmp_path / "out")


def echoes(session: Pulled, description: str) -> None:
    """A series of two echoes."""
    first, second = session.scan(description, EchoTime=5), session.scan(description, EchoTime=7)
    for path in second.iterdir():
        path.rename(first / f"1{path.name}")
    second.rmdir()
    session.scans.pop()
    session.write()


def test_no_series_takes_the_name_of_another_ones_image(tmp_path: Path) -> None:
    session = Pulled(tmp_path / "pulled")
    echoes(session, "gre")
    echoes(session, "difference")  # whose magnitudes come with it, or so its rule thinks
    found = convert_session(
        tmp_path / "pulled",
        tmp_path / "out",
        subject="X",
        session="Y",
        mapping=parse(
            [*RULES[:-1], {"match": {"series_description": "diff"}, "to": "fmap/phasediff"}]
        ),
        policy={},
        scratch=tmp_path / "scratch",
    )["series"]
    assert [row["state"] for row in found] == ["mapped", "failed"]
    assert found[1]["reason"] == "another series has the name of one of its images already"
    assert len(found[0]["files"]) == 4


def test_an_image_too_large_for_dcm2niix_to_compress_is_compressed(tmp_path: Path) -> None:
    path = tmp_path / "i.nii"
    nib.save(nib.Nifti1Image(np.ones((2, 2, 2), np.int16), np.eye(4)), path)
    data = path.read_bytes()
    dcm2niix._pack(path)
    packed = (tmp_path / "i.nii.gz").read_bytes()
    assert gzip.decompress(packed) == data
    assert packed[3:8] == b"\0" * 5  # neither a name nor a time
    assert not path.exists()


def test_geometries_in_one_series_are_chunks_where_the_rule_says_so(tmp_path: Path) -> None:
    session = Pulled(tmp_path / "pulled")
    edit(session.scan("mprage"), turned)
    rule = {**RULES[0], "entities": {"chunk": "auto"}}
    (row,) = convert(tmp_path / "pulled", tmp_path / "out", rules=[rule])["series"]
    assert [Path(file).name for file in row["files"] if file.endswith(".gz")] == [
        "sub-X_ses-Y_chunk-1_T1w.nii.gz",
        "sub-X_ses-Y_chunk-2_T1w.nii.gz",
    ]


def test_inversions_in_one_series_are_told_apart(tmp_path: Path) -> None:
    session = Pulled(tmp_path / "pulled")

    def invert(image: Dataset, number: int) -> Dataset:
        image.InversionTime = 700 if number <= SLICES else 2500
        return image

    edit(session.scan("mp2rage", 2), invert)
    found = convert_session(
        tmp_path / "pulled",
        tmp_path / "out",
        subject="X",
        session="Y",
        mapping=parse([{"match": {"series_description": "mp2rage"}, "to": "anat/MP2RAGE"}]),
        policy={},
        scratch=tmp_path / "scratch",
    )["series"]
    files = [file for file in found[0]["files"] if file.endswith(".json")]
    assert [Path(file).name for file in files] == [
        "sub-X_ses-Y_inv-1_MP2RAGE.json",
        "sub-X_ses-Y_inv-2_MP2RAGE.json",
    ]
    times = [
        json.loads((tmp_path / "out" / "bids" / f).read_text())["InversionTime"] for f in files
    ]
    assert times == [0.7, 2.5]
    assert found[0]["volumes"] == 1


PET = """
TracerRadionuclide: F18
InjectedMass: n/a
InjectedMassUnits: n/a
SpecificRadioactivity: n/a
SpecificRadioactivityUnits: n/a
ModeOfAdministration: bolus
TimeZero: "13:01:00"
InjectionStart: 0
AcquisitionMode: list mode
AttenuationCorrection: measured
ReconMethodParameterUnits: [none, none]
"""


def test_a_pet_series_is_valid_with_what_its_rule_supplies(tmp_path: Path) -> None:
    session = Pulled(tmp_path / "pulled")

    def emit(image: Dataset, number: int) -> Dataset:
        frame = (number - 1) // SLICES
        for keyword in ("RepetitionTime", "EchoTime", "FlipAngle", "ScanningSequence"):
            delattr(image, keyword)
        image.Modality, image.ImageType = "PT", ["ORIGINAL", "PRIMARY"]
        image.SOPClassUID = PositronEmissionTomographyImageStorage
        image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
        image.SeriesType, image.Units, image.DecayCorrection = "DYNAMIC", "BQML", "START"
        image.SeriesDate, image.SeriesTime = "20240501", "130100"
        image.NumberOfSlices, image.NumberOfTimeSlices, image.ImageIndex = SLICES, 2, number
        image.ActualFrameDuration, image.FrameReferenceTime = 60000, 60000 * frame
        image.AcquisitionTime = f"130{1 + frame}00"
        image.ReconstructionMethod, image.ConvolutionKernel = "OSEM 3i21s", "XYZ Gauss 4.0"
        image.RadiopharmaceuticalInformationSequence = [Dataset()]
        tracer = image.RadiopharmaceuticalInformationSequence[0]
        tracer.Radiopharmaceutical, tracer.RadionuclideTotalDose = "FDG", 2e8
        tracer.RadionuclideHalfLife = 6586.2
        return image

    edit(session.scan("brain", 2), emit)
    rule = {
        "match": {"sop_class": "Positron"},
        "to": "pet/pet",
        "entities": {"trc": "FDG"},
        "supplement": yaml.safe_load(PET),
    }
    (row,) = convert_session(
        tmp_path / "pulled",
        tmp_path / "out",
        subject="X",
        session="Y",
        mapping=parse([rule]),
        policy={},
        scratch=tmp_path / "scratch",
    )["series"]
    assert (row["name"], row["volumes"]) == ("pet/sub-X_ses-Y_trc-FDG_pet", 2)
    assert "TimeZero" in row["supplied"]
    issues = validate.validate_session(tmp_path / "out" / "bids").issues
    assert [issue.message for issue in issues if issue.severity == "error"] == []
