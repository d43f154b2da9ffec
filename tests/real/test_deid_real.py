"""Real sessions, anonymized: nothing identified leaves, nothing useful is lost."""

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import apply_affine
from scipy import ndimage

from coil.bids import validate
from coil.bids.mapping.mapping import parse
from coil.deid.bids.sidecar import clean_sidecar, dump_sidecar
from coil.deid.deface import deface
from coil.deid.leak.headers import collect
from coil.deid.leak.search import Searcher
from coil.errors import DataError
from tests.real.real_bids import pull, rules_of
from tests.support.nifti import nifti
from tests.support.stages import admit_session, convert_session

pytestmark = pytest.mark.real

SESSIONS = [
    "dcm_qa_xa30/In",
    "dcm_qa_me/In",
    "dcm_qa_nih/In/*GE",
    "dcm_qa_nih/In/*Si",
    "dcm_qa_philips/In",
    "dcm_qa_philips_asl/In",
    "nitest-balls1/DICOM",
]
# What dcm2niix says and nobody needs: identifying, free text, or its own guesses.
GONE = {
    "AcquisitionTime", "BidsGuess", "ConsistencyInfo", "DeviceSerialNumber", "ImageComments",
    "InstitutionAddress", "InstitutionName", "InstitutionalDepartmentName", "PrescanReuseString",
    "ProcedureStepDescription", "ProtocolName", "SeriesDescription", "StationName",
    "StudyDescription", "WipMemBlock",
}  # fmt: skip


@pytest.fixture(scope="module", params=SESSIONS)
def made(request, real_dicom: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A real session as it is pulled, and all that dcm2niix makes of it."""
    folder = tmp_path_factory.mktemp("made")
    pulled = pull(real_dicom / request.param, folder / "pulled")
    out = folder / "out"
    out.mkdir()
    program = Path(sys.executable).parent / "dcm2niix"
    command = [str(program), "-b", "y", "-ba", "n", "-z", "i", "-f", "%s_%p", "-o", str(out)]
    subprocess.run([*command, str(pulled)], capture_output=True, check=False)
    return pulled, out


def test_the_search_sees_every_untouched_sidecar_and_nothing_in_a_clean_one(made):
    pulled, out = made
    searcher = Searcher(collect(pulled), {"v1.0.20260724"})
    sidecars = sorted(out.glob("*.json"))
    assert sidecars
    for path in sidecars:
        assert searcher.in_file(path), path.name
        kept, _ = clean_sidecar(json.loads(path.read_text()))
        assert not list(searcher.in_text(dump_sidecar(kept)))


def test_no_key_is_lost_that_describes_the_measurement(made):
    for path in made[1].glob("*.json"):
        sidecar = json.loads(path.read_text())
        lost = set(clean_sidecar(sidecar)[1]) - GONE
        lost = {key for key in lost if not key.startswith(("Patient", "Study", "Series"))}
        lost -= {"AccessionNumber", "ReferringPhysicianName", "AcquisitionDateTime"}
        if "TablePosition" in lost:  # the scanner wrote -1.7e38 mm
            assert min(sidecar["TablePosition"]) < -1e30
            lost.remove("TablePosition")
        assert not lost


class Admitted:
    """The whole XA30 session, converted and admitted, T1w defaced."""

    def __init__(self, root: Path, dicom: Path) -> None:
        self.pulled = pull(dicom / "dcm_qa_xa30" / "In", root / "pulled")
        self.converted, self.candidate = root / "converted", root / "candidate"
        rules = rules_of("siemens_xa30")
        names: dict[str, Any] = {"subject": "x7k2", "session": "q9w3"}
        convert_session(
            self.pulled, self.converted, **names, mapping=parse(rules), policy={},
            scratch=root / "scratch",
        )  # fmt: skip
        self.record = admit_session(
            self.pulled, self.converted, self.candidate, **names, secret=b"0123456789abcdef" * 4,
            subject_id="XNAT_S1", project="REAL", deface=["T1w"],
        )  # fmt: skip


@pytest.fixture(scope="module")
def admitted(real_dicom: Path, tmp_path_factory: pytest.TempPathFactory) -> Admitted:
    return Admitted(tmp_path_factory.mktemp("admitted"), real_dicom)


def test_an_admitted_session_is_valid_bids(admitted: Admitted):
    assert validate.validate_session(admitted.candidate).errors == 0


def test_voxels_and_affine_of_what_is_not_defaced_are_the_converters(admitted: Admitted):
    images = sorted(admitted.candidate.rglob("*.nii.gz"))
    assert len(images) == 9
    for path in images:
        before = nifti(admitted.converted / "bids" / path.relative_to(admitted.candidate))
        after = nifti(path)
        assert before.affine.tobytes() == after.affine.tobytes()
        old, new = before.dataobj.get_unscaled(), after.dataobj.get_unscaled()
        assert old.dtype == new.dtype
        if path.name.endswith("_T1w.nii.gz"):
            assert np.all((new == old) | (new == 0)) and (new != old).mean() > 0.01
        else:
            assert np.array_equal(old, new)


def test_a_real_face_goes_with_and_without_the_scanners_normalization(admitted: Admitted):
    results = admitted.record["deface"]
    assert [result["state"] for result in results] == ["defaced", "defaced"]
    assert np.ptp([result["changed_fraction"] for result in results]) < 0.02


# Where the parts of a face lie, from the tip of the nose, in mm: half the width, lower and upper
# end. Read off the average head; a head is turned and sized by less than these are wide.
PARTS = {
    "lips": (25, -36, -20),
    "cheeks": (45, -15, 15),
    "eyes": (45, 25, 45),
    "brow": (45, 45, 65),
}


def skin(data: np.ndarray) -> np.ndarray:
    """The tissue that the air around the head touches."""
    tissue = ndimage.binary_opening(data > 0.15 * data[data > 0].mean())
    labels = np.zeros(data.shape, np.int32)
    ndimage.label(tissue, output=labels)
    largest = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    head = np.asarray(ndimage.binary_fill_holes(ndimage.binary_closing(largest)), bool)
    return head & ~np.asarray(ndimage.binary_erosion(head, border_value=1), bool)


def test_the_skin_of_a_real_face_is_gone_up_to_the_brow(admitted: Admitted):
    for name in [result["file"] for result in admitted.record["deface"]]:
        before = nib.as_closest_canonical(nifti(admitted.converted / "bids" / name))
        after = nib.as_closest_canonical(nifti(admitted.candidate / name))
        old = skin(before.get_fdata())
        left = ndimage.binary_dilation(skin(after.get_fdata()), np.ones((3, 3, 3)))
        places = np.moveaxis(np.indices(old.shape), 0, -1)
        x, y, z = np.moveaxis(apply_affine(before.affine, places), -1, 0)
        middle, vertex = np.median(x[old]), z[old].max()
        below = old & (np.abs(x - middle) < 12) & (z < vertex - 90) & (z > vertex - 190)
        tip = np.argmax(np.where(below, y, -np.inf))
        for part, (width, low, high) in PARTS.items():
            height = z - z.flat[tip]
            points = old & (np.abs(x - middle) < width) & (y > y.flat[tip] - 75)
            points &= (height > low) & (height < high)
            assert points.sum() > 100, part
            assert (points & left).sum() / points.sum() < 0.05, part


def test_no_value_of_a_person_is_in_any_byte_or_name_or_in_the_record(admitted: Admitted):
    import pydicom

    header = pydicom.dcmread(next(admitted.pulled.rglob("*.dcm")), stop_before_pixels=True)
    keywords = "PatientName PatientID PatientBirthDate StudyDate InstitutionName StudyInstanceUID"
    values = [str(header[keyword].value).lower().encode() for keyword in keywords.split()]
    everything = json.dumps(admitted.record).lower().encode()
    for path in (path for path in admitted.candidate.rglob("*") if path.is_file()):
        data = path.read_bytes()
        everything += path.name.encode() + (gzip.decompress(data) if path.suffix == ".gz" else data)
    assert all(len(value) > 5 for value in values)
    assert not [keyword for keyword, value in zip(keywords.split(), values, strict=True)
                if value in everything.lower()]  # fmt: skip


def test_a_defaced_head_has_no_face_and_is_told_so(admitted: Admitted, tmp_path: Path):
    source = next(admitted.candidate.rglob("*rec-norm_T1w.nii.gz"))
    shutil.copy(source, tmp_path / "a.nii.gz")
    result = deface(tmp_path / "a.nii.gz", tmp_path / "b.nii.gz")
    assert result.state == "already defaced" and result.changed_fraction == 0


def test_a_phantom_is_not_taken_for_a_head(real_dicom: Path, tmp_path: Path):
    source = real_dicom / "nitest-balls1" / "NIFTI" / "T1.nii.gz"
    shutil.copy(source, tmp_path / "a.nii.gz")
    with pytest.raises(DataError, match="no head was recognized"):
        deface(tmp_path / "a.nii.gz", tmp_path / "b.nii.gz")
    assert not (tmp_path / "b.nii.gz").exists()
