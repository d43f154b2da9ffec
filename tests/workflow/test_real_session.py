"""A real session of a Siemens XA30, from the archive to pushed reports."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from coil.files import read_json
from localxnat.testing import import_dicom
from tests.support.nifti import nifti
from tests.workflow.lab import CHECKOUT, Lab, Run

pytestmark = [pytest.mark.workflow, pytest.mark.real]

DEFACED = ("T1w",)


@pytest.fixture(scope="module")
def scanned(
    real_dicom: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Lab, Run, dict[str, Path]]:
    """The finished lab, its run, and dcm2niix's own images by series number."""
    root = tmp_path_factory.mktemp("xa30")
    source = real_dicom / "dcm_qa_xa30" / "In"
    lab = Lab(root / "lab")
    import_dicom(lab.archive, "REAL", "volunteer", "volunteer_1", source)
    mapping = yaml.safe_load(
        (CHECKOUT / "tests" / "real" / "mappings" / "siemens_xa30.yaml").read_text()
    )
    lab.configure(
        {
            "project": "REAL",
            "bids": {"name": "A real session", "mapping": mapping},
            "push": {"reports": True},
        }
    )
    raw = root / "raw"
    raw.mkdir()
    program = Path(sys.executable).parent / "dcm2niix"
    command = [program, "-f", "%s", "-z", "y", "-o", raw, source]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with lab.open():
        run = lab.snakemake()
    return lab, run, {path.name.removesuffix(".nii.gz"): path for path in raw.glob("*.nii.gz")}


def mapped(lab: Lab) -> dict[str, dict]:
    """The mapped series of the session by suffix-bearing name without sub and ses."""
    (record,) = lab.records()
    rows = [row for row in record["series"] if row["state"] == "mapped"]
    return {row["name"].partition("_ses-")[2].partition("_")[2]: row for row in rows}


def images(lab: Lab, row: dict) -> list[Path]:
    return [lab.results / "bids" / name for name in row["files"] if name.endswith(".nii.gz")]


def test_the_session_is_done_and_valid(scanned: tuple[Lab, Run, dict]) -> None:
    lab, run, _ = scanned
    assert run.status == 0, run.output
    assert "study: 1 of 1 session done" in run.output
    verdict = read_json(lab.results / "validation.json")
    assert verdict["errors"] == 0, verdict["issues"]
    assert read_json(lab.results / "derivatives" / "qc.json")["errors"] == 0


def test_every_kind_of_image_is_there(scanned: tuple[Lab, Run, dict]) -> None:
    folder = next((scanned[0].results / "bids").glob("sub-*/ses-*"))
    stems = {path.name.partition("_ses-")[2].partition("_")[2] for path in folder.glob("*/*")}
    assert {
        "T1w.nii.gz", "rec-norm_T1w.nii.gz", "task-fa_bold.nii.gz", "asl.nii.gz",
        "aslcontext.tsv", "magnitude1.nii.gz", "magnitude2.nii.gz", "phasediff.nii.gz",
        *(f"dir-{d}_dwi.{end}" for d in ("AP", "PA") for end in ("nii.gz", "bval", "bvec")),
    } <= stems  # fmt: skip


def test_voxels_and_affines_are_those_of_dcm2niix_but_for_faces(
    scanned: tuple[Lab, Run, dict[str, Path]],
) -> None:
    lab, _, raw = scanned
    compared = 0
    for name, row in mapped(lab).items():
        if name.endswith(DEFACED):
            continue
        # dcm2niix adds _e1, _e2, _ph to the series number where it tells images apart.
        own = [raw[key] for key in sorted(raw) if key.partition("_")[0] == row["scan"]]
        for path, peer in zip(images(lab, row), own, strict=True):
            ours, theirs = nifti(path), nifti(peer)
            np.testing.assert_array_equal(ours.affine, theirs.affine)
            np.testing.assert_array_equal(
                np.asanyarray(ours.dataobj), np.asanyarray(theirs.dataobj)
            )
            compared += 1
    assert compared >= 7


def test_defaced_images_differ_only_where_voxels_were_taken_out(
    scanned: tuple[Lab, Run, dict[str, Path]],
) -> None:
    lab, _, raw = scanned
    rows = [row for name, row in mapped(lab).items() if name.endswith(DEFACED)]
    assert len(rows) == 2
    for row in rows:
        ours, theirs = nifti(images(lab, row)[0]), nifti(raw[row["scan"]])
        np.testing.assert_array_equal(ours.affine, theirs.affine)
        left, before = np.asanyarray(ours.dataobj), np.asanyarray(theirs.dataobj)
        assert left.dtype == before.dtype
        assert set(np.unique(left[left != before])) == {0}
        head = before > before.mean()
        assert 0.02 < (left != before)[head].mean() < 0.3


def test_b_values_and_directions_are_those_of_dcm2niix(
    scanned: tuple[Lab, Run, dict[str, Path]],
) -> None:
    lab, _, raw = scanned
    rows = [row for name, row in mapped(lab).items() if name.endswith("dwi")]
    assert len(rows) == 2
    for row in rows:
        for end in (".bval", ".bvec"):
            (name,) = [name for name in row["files"] if name.endswith(end)]
            own = raw[row["scan"]].with_name(f"{row['scan']}{end}")
            np.testing.assert_allclose(np.loadtxt(lab.results / "bids" / name), np.loadtxt(own))
