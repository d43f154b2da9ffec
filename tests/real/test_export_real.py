"""Real series as de-identified DICOM: dcm2niix makes the same of them, nothing identified leaves,
what must stay stays, and both engines agree on every file."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from coil.deid.bids.sidecar import clean_sidecar
from coil.deid.dicom import fast, parts, plain
from coil.deid.dicom.export import Wanted
from coil.deid.dicom.profile import Profile, attributes
from coil.deid.dicom.risk import RefusedError
from coil.deid.leak.headers import collect
from coil.deid.leak.search import Searcher
from tests.real.real_bids import SESSIONS, pull
from tests.support.nifti import nifti
from tests.support.stages import export_session, table

pytestmark = pytest.mark.real

# The one attribute that goes although no table says so: all that stays is ASCII.
ANSWERED = {"SpecificCharacterSet"}


class Exported(NamedTuple):
    """A session as it was pulled, and its export."""

    pulled: Path
    tree: Path
    record: dict[str, Any]

    def series(self) -> list[tuple[Path, Path]]:
        """The folders of each exported series, before and after."""
        rows = zip(sorted((self.pulled / "series").iterdir()), self.record["series"], strict=True)
        return [(before, self.tree / row["folder"]) for before, row in rows if row["folder"]]


def owner() -> Profile:
    return Profile(b"0123456789abcdef0123456789abcdef", "P", "k3v0q8zd", "b5t9x2ma", -50_000)


@pytest.fixture(scope="module", params=SESSIONS)
def exported(request, real_dicom: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("export")
    pulled = pull(real_dicom / SESSIONS[request.param], folder / "pulled")
    scans = json.loads((pulled / "pulled.json").read_text())["scans"]
    rows = [{"folder": scan["folder"], "state": "unmapped", "name": None} for scan in scans]
    (folder / "converted").mkdir()
    table(folder / "converted", rows)
    tree = folder / "tree"
    record = export_session(pulled, folder / "converted", tree, owner(), Wanted("all", "keep"))
    return Exported(pulled, tree, record)


def test_dcm2niix_makes_the_same_of_every_series(exported: Exported, tmp_path: Path):
    assert exported.series()
    for number, (before, after) in enumerate(exported.series()):
        one = convert(before, tmp_path / f"{number}a")
        other = convert(after, tmp_path / f"{number}b")
        assert one
        assert list(one) == list(other)
        for name, path in one.items():
            assert contents(path) == contents(other[name]), f"{before.name}: {name}"


def test_only_what_holds_no_image_is_refused(exported: Exported):
    for row, folder in zip(
        exported.record["series"], sorted((exported.pulled / "series").iterdir()), strict=True
    ):
        first = pydicom.dcmread(sorted(folder.iterdir())[0], stop_before_pixels=True)
        assert (row["state"] == "exported") == ("Image Storage" in first.SOPClassUID.name)


def test_the_search_sees_the_originals_and_nothing_in_the_export(exported: Exported):
    identifiers = collect(exported.pulled).without("time")
    searcher = Searcher(identifiers)
    assert exported.record["leak_check"]["hits"] == 0
    for before, after in exported.series():
        for folder, sees in ((before, True), (after, False)):
            head = sorted(folder.iterdir())[0].read_bytes()[: 1 << 16]
            kinds = {kind for *_, kind in searcher.in_text(head)}
            assert bool(kinds & {"name", "ID", "date"}) == sees, f"{folder.name}: {kinds}"


def test_both_engines_give_the_same_bytes_for_every_file(exported: Exported):
    for before, _ in exported.series():
        family = parts.Family(owner())
        engine = fast.Engine(family)
        for path in sorted(before.iterdir()):
            raw = path.read_bytes()
            assert b"".join(engine.clean(raw)) == plain.clean(raw, family), path.name
        assert engine.plainly == 0


def test_what_must_stay_stays(exported: Exported):
    tally = Tally()
    for before, after in exported.series():
        for old, new in list(zip(sorted(before.iterdir()), sorted(after.iterdir()), strict=True))[
            :5
        ]:
            tally.compare(pydicom.dcmread(old), pydicom.dcmread(new))
    assert tally.right / tally.asked >= 0.999, tally.wrong


class Tally:
    """MIDI-B's ten actions, as far as a header asks for them: how many were right."""

    def __init__(self) -> None:
        self.asked = self.right = 0
        self.wrong: set[tuple[str, str]] = set()
        self.uids: dict[str, str] = {}

    def note(self, action: str, keyword: str, right: bool) -> None:
        self.asked += 1
        self.right += right
        if not right:
            self.wrong.add((action, keyword))

    def compare(self, old: Dataset, new: Dataset) -> None:
        self.note("pixels_retained", "PixelData", old.PixelData == new.PixelData)
        self.note("patid_consistent", "PatientID", new.PatientID == "k3v0q8zd")
        self.elements(old, new)

    def elements(self, old: Dataset, new: Dataset) -> None:
        for element in old:
            row = attributes().get(int(element.tag))
            if row is None or not row.types or row.keyword in ANSWERED | {"PixelData"}:
                continue
            keyword, there = row.keyword, element.tag in new
            if row.basic == "U" and there:
                self.uid(keyword, str(element.value), str(new[element.tag].value))
            elif row.basic and row.vr in ("DA", "DT") and there:
                same = str(element.value) == str(new[element.tag].value)
                self.note("date_shifted", keyword, not same or not element.value)
            elif row.basic and row.vr in ("LO", "SH", "LT", "ST", "PN", "UT") and there:
                same = element.value == new[element.tag].value and bool(element.value)
                self.note("text_removed", keyword, not same or keyword == "ImageComments")
            elif not row.basic:
                self.note("tag_retained", keyword, there)
                if there and element.VR == "SQ":
                    for one, other in zip(element.value, new[element.tag].value, strict=True):
                        self.elements(one, other)
                elif there and element.value and row.vr not in ("DA", "TM", "DT", "UI"):
                    self.note("text_notnull", keyword, not new[element.tag].is_empty)
                    same = element.value == new[element.tag].value
                    self.note("text_retained", keyword, same)

    def uid(self, keyword: str, old: str, new: str) -> None:
        known = old.startswith("1.2.840.10008.")
        self.note("uid_changed", keyword, (old == new) == known)
        self.note("uid_consistent", keyword, self.uids.setdefault(old, new) == new)


@pytest.mark.parametrize(
    "engine", [plain.clean, lambda raw, family: fast.Engine(family).clean(raw)]
)
def test_a_photograph_in_dicom_is_refused(real_dicom: Path, engine: Callable[..., Any]):
    for path in (real_dicom / "deid-data").rglob("*.dcm"):
        with pytest.raises(RefusedError):
            engine(path.read_bytes(), parts.Family(owner()))


def convert(series: Path, folder: Path) -> dict[str, Path]:
    """What dcm2niix makes of a folder, by name."""
    folder.mkdir(parents=True)
    program = Path(sys.executable).parent / "dcm2niix"
    command = [str(program), "-b", "y", "-z", "n", "-f", "i", "-o", str(folder), str(series)]
    subprocess.run(command, capture_output=True, check=False)
    return {path.name: path for path in sorted(folder.iterdir())}


def contents(path: Path) -> Any:
    """Allowed keys of a sidecar; voxels, type and affine of an image; the bytes of all else."""
    if path.suffix == ".json":
        return clean_sidecar(json.loads(path.read_text()))[0]
    if path.suffix != ".nii":
        return path.read_bytes()
    image = nifti(path)
    assert isinstance(image, nib.Nifti1Image)
    voxels = np.asanyarray(image.dataobj)
    affine = image.affine
    assert affine is not None
    return voxels.shape, str(voxels.dtype), voxels.tobytes(), affine.tobytes()
