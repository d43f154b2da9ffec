"""A pulled session becomes BIDS files and a table that accounts for every series."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import pytest
from bids_support import MATRIX, SLICES, Pulled

from coil.bids.convert import convert_session
from coil.bids.mapping import parse
from coil.errors import DataError

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


def convert(pulled: Path, out: Path, **policy: str) -> dict[str, Any]:
    return convert_session(
        pulled,
        out,
        subject="X",
        session="Y",
        mapping=parse(RULES),
        policy={"ambiguous": "fail"} | policy,
        scratch=out.parent / f"scratch-{out.name}",
    )


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    session = Pulled(tmp_path_factory.mktemp("session") / "pulled")
    session.scan("localizer")
    session.scan("mprage")
    session.scan("task", 3)
    session.scan("task", 5)
    echoes, second = session.scan("gre", EchoTime=5), session.scan("gre", EchoTime=7)
    for path in second.iterdir():
        path.rename(echoes / f"1{path.name}")
    second.rmdir()
    session.scans.pop()
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
    image = nib.load(folder / "sub-X_ses-Y_task-nback_bold.nii.gz")
    assert isinstance(image, nib.Nifti1Image)
    assert image.shape == (MATRIX, MATRIX, SLICES, 5)
    row = table(converted)[3]
    assert (row["volumes"], row["expected"], row["supplied"]) == (5, 5, ["TotalReadoutTime"])
    assert row["acq_time"] == "2024-05-01T13:04:00.500000"


def test_only_the_owner_can_read_what_was_converted(converted: Path) -> None:
    assert all(path.stat().st_mode & 0o077 == 0 for path in converted.rglob("*"))


def test_the_versions_of_the_tools_are_noted(converted: Path) -> None:
    versions = json.loads((converted / "converted.json").read_text())["versions"]
    assert set(versions) == {"heudiconv", "dcm2niix"}
    assert versions["dcm2niix"].startswith("v1.")


def test_two_conversions_give_the_same_bytes(converted: Path, pulled: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "a folder" / "pulled"
    shutil.copytree(pulled, elsewhere)
    listing = json.loads((elsewhere / "pulled.json").read_text())
    listing["scans"].reverse()
    (elsewhere / "pulled.json").write_text(json.dumps(listing))
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "pigz").write_text("#!/bin/sh\nexit 1\n")
    (tools / "pigz").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
        convert(elsewhere, elsewhere.parent / "out")
    assert contents(elsewhere.parent / "out") == contents(converted)


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


def test_an_ambiguous_series_fails_the_session(tmp_path: Path) -> None:
    Pulled(tmp_path / "pulled").scan("mprage gre")
    with pytest.raises(DataError, match=r"series/001: bids.mapping\[0\] \(anat/T1w\) and"):
        convert(tmp_path / "pulled", tmp_path / "out")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"DOE" * 200, "1 of 4 files cannot be read; repair them in the archive"),
        (lambda data: data[:-100], "a file is truncated; repair it in the archive"),
    ],
)
def test_a_corrupt_file_fails_the_session_by_the_series_folder(
    tmp_path: Path, damage: Any, message: str
) -> None:
    session = Pulled(tmp_path / "pulled")
    path = session.scan("mprage") / "000003.dcm"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError) as caught:
        convert(tmp_path / "pulled", tmp_path / "out")
    assert str(caught.value) == f"series/001: {message}"
    assert not (tmp_path / "out").exists()
