"""Field maps are tied to what they correct, and what is not tied is told."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coil.bids import names
from coil.bids.convert import asl, sidecars
from coil.bids.convert.fieldmap_choice import same_shims
from coil.bids.convert.fieldmap_groups import Run
from coil.bids.convert.fieldmaps import link
from coil.bids.convert.geometry import coverage
from coil.bids.mapping.rules import B0
from coil.files import read_json, write_json

SHIMS = [2034, -5882, -1717, 601, -214, 85, -30, 61]
AGAIN = [2033, -5880, -1724, 574, -223, 79, -40, 64]
OTHER = [2027, -5946, -2037, 74, -118, -8, -50, 52]
NONE = B0()
PEPOLAR = B0(identifier=("pepolar",))
CORRECTED = B0(source=("pepolar",))


class Session:
    """A session's converted images, a few voxels each."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "sub-X" / "ses-Y"
        self.runs: list[Run] = []

    def add(
        self, name: str, b0: B0 = NONE, minute: int = 0, shift: float = 0.0, **sidecar: Any
    ) -> None:
        """An image of 64 mm at `shift` mm, acquired at 13:`minute`; name without sub and ses."""
        datatype, suffix, values = names.split(name)
        name = names.join(datatype, suffix, {"sub": "X", "ses": "Y", **values})
        made = {"magnitude": ("magnitude1", "magnitude2")}.get(suffix, (suffix,))
        files = []
        for number, one in enumerate(made, start=1):
            base = self.folder / name.replace(f"_{suffix}", f"_{one}")
            base.parent.mkdir(parents=True, exist_ok=True)
            image, side = base.with_suffix(".nii.gz"), base.with_suffix(".json")
            affine = np.diag([4.0, 4.0, 4.0, 1.0])
            affine[0, 3] = shift
            nib.save(nib.Nifti1Image(np.zeros((16, 16, 16), np.int16), affine), image)
            write_json(side, {"EchoTime": 0.005 * number, **sidecar})
            files += [image, side]
        self.runs.append(Run(name, files, b0, f"2024-05-01T13:{minute:02d}:00.000000"))

    def link(self, by_match: bool = False) -> dict[str, list[str]]:
        notes = link(self.runs, self.folder, by_match)
        return {name.partition("ses-Y_")[2]: said for name, said in notes.items()}

    def sidecar(self, file: str) -> dict[str, Any]:
        datatype, _, base = file.partition("/")
        return read_json(self.folder / datatype / f"sub-X_ses-Y_{base}.json")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path)


def test_a_rules_name_ties_both_directions_to_the_run_that_they_correct(session: Session) -> None:
    session.add("fmap/dir-AP_epi", PEPOLAR)
    session.add("fmap/dir-PA_epi", PEPOLAR)
    session.add("func/task-rest_bold", CORRECTED)
    assert session.link() == {}
    run = "bids::sub-X/ses-Y/func/sub-X_ses-Y_task-rest_bold.nii.gz"
    for direction in ("AP", "PA"):
        sidecar = session.sidecar(f"fmap/dir-{direction}_epi")
        assert sidecar["B0FieldIdentifier"] == "pepolar_sesY"
        assert sidecar["IntendedFor"] == [run]
    assert session.sidecar("func/task-rest_bold")["B0FieldSource"] == "pepolar_sesY"


def test_diffusion_of_opposite_directions_corrects_itself(session: Session) -> None:
    both = B0(identifier=("dwi",), source=("dwi",))
    session.add("dwi/dir-AP_dwi", both)
    session.add("dwi/dir-PA_dwi", both)
    assert session.link() == {}
    sidecar = session.sidecar("dwi/dir-AP_dwi")
    assert sidecar["B0FieldIdentifier"] == sidecar["B0FieldSource"] == "dwi_sesY"
    assert "IntendedFor" not in sidecar


def test_an_image_may_have_two_sources(session: Session) -> None:
    session.add("fmap/dir-AP_epi", PEPOLAR)
    session.add("fmap/phasediff", B0(identifier=("gre",)))
    session.add("func/task-rest_bold", B0(source=("gre", "pepolar")))
    session.link()
    assert session.sidecar("func/task-rest_bold")["B0FieldSource"] == ["gre_sesY", "pepolar_sesY"]


def test_repeated_field_maps_go_to_the_runs_nearest_in_time(session: Session) -> None:
    session.add("fmap/dir-AP_run-1_epi", PEPOLAR, minute=0)
    session.add("fmap/dir-PA_run-1_epi", PEPOLAR, minute=1)
    session.add("func/task-rest_bold", CORRECTED, minute=3)
    session.add("fmap/dir-AP_run-2_epi", PEPOLAR, minute=20)
    session.add("fmap/dir-PA_run-2_epi", PEPOLAR, minute=21)
    session.add("func/task-nback_bold", CORRECTED, minute=18)
    notes = session.link()
    assert session.sidecar("func/task-rest_bold")["B0FieldSource"] == "pepolar_run1_sesY"
    assert session.sidecar("func/task-nback_bold")["B0FieldSource"] == "pepolar_run2_sesY"
    assert notes["task-rest_bold"] == ["corrected by pepolar run 1 (120 s before it)"]


def test_the_same_shims_go_before_nearness_in_time(session: Session) -> None:
    session.add("fmap/dir-AP_run-1_epi", PEPOLAR, minute=0, ShimSetting=AGAIN)
    session.add("fmap/dir-AP_run-2_epi", PEPOLAR, minute=9, ShimSetting=OTHER)
    session.add("func/task-rest_bold", CORRECTED, minute=10, ShimSetting=SHIMS)
    notes = session.link()
    assert notes["task-rest_bold"] == ["corrected by pepolar run 1 (same shims, 600 s before it)"]


def test_other_shims_than_the_rules_field_map_are_told(session: Session) -> None:
    session.add("fmap/dir-AP_epi", PEPOLAR, ShimSetting=OTHER)
    session.add("func/task-rest_bold", CORRECTED, ShimSetting=SHIMS)
    assert session.link() == {"task-rest_bold": ["its field map has other shims"]}
    assert session.sidecar("func/task-rest_bold")["B0FieldSource"] == "pepolar_sesY"


def test_a_field_map_for_nothing_and_a_run_without_one_are_told(session: Session) -> None:
    session.add("fmap/dir-AP_epi", PEPOLAR)
    session.add("func/task-rest_bold", B0(source=("gre",)))
    assert session.link() == {
        "dir-AP_epi": ["corrects nothing"],
        "task-rest_bold": ["no field map for b0 gre"],
    }


def test_images_that_no_rule_ties_are_told_where_there_are_field_maps(session: Session) -> None:
    session.add("fmap/magnitude")
    session.add("func/task-rest_bold")
    session.add("anat/T1w")
    assert session.link() == {
        "magnitude": ["corrects nothing: its rule has no b0"],
        "task-rest_bold": ["no field map: its rule has no b0"],
    }


def test_a_session_without_field_maps_needs_no_words(session: Session) -> None:
    session.add("func/task-rest_bold")
    assert session.link() == {}


def test_a_map_of_b1_is_not_a_map_of_b0(session: Session) -> None:
    session.add("fmap/acq-anat_TB1TFL")
    session.add("func/task-rest_bold")
    assert session.link() == {}
    assert session.link(by_match=True) == {"task-rest_bold": ["no field map"]}


def test_by_match_an_image_takes_what_has_its_shims_and_covers_it(session: Session) -> None:
    session.add("fmap/magnitude", minute=0, ShimSetting=AGAIN)
    session.add("fmap/phasediff", minute=0, ShimSetting=AGAIN)
    session.add("fmap/acq-dwi_dir-AP_epi", minute=30, ShimSetting=OTHER)
    session.add("func/task-rest_bold", minute=2, ShimSetting=SHIMS)
    session.add("dwi/dwi", minute=31, ShimSetting=OTHER)
    session.add("anat/T1w", minute=1, ShimSetting=SHIMS)
    notes = session.link(by_match=True)
    assert notes == {
        "task-rest_bold": ["corrected by gre (same shims, 120 s before it)"],
        "dwi": ["corrected by pepolar_dwi (same shims, 60 s before it)"],
    }
    assert session.sidecar("fmap/phasediff")["B0FieldIdentifier"] == "gre_sesY"
    assert "B0FieldSource" not in session.sidecar("anat/T1w")


@pytest.mark.parametrize(
    ("field_map", "reason"),
    [
        ({"ShimSetting": OTHER}, "no field map: pepolar has other shims"),
        ({"shift": 400.0}, "no field map: pepolar does not cover it"),
        ({"PhaseEncodingDirection": "i-"}, "no field map: pepolar is encoded along another axis"),
    ],
)
def test_by_match_what_does_not_fit_is_not_tied(
    session: Session, field_map: dict[str, Any], reason: str
) -> None:
    session.add("fmap/dir-AP_epi", **field_map)
    session.add("func/task-rest_bold", ShimSetting=SHIMS, PhaseEncodingDirection="j")
    notes = session.link(by_match=True)
    assert notes == {"dir-AP_epi": ["corrects nothing"], "task-rest_bold": [reason]}
    assert "B0FieldSource" not in session.sidecar("func/task-rest_bold")


def test_by_match_a_rules_own_b0_still_counts(session: Session) -> None:
    session.add("fmap/dir-AP_epi", PEPOLAR, ShimSetting=OTHER)
    session.add("func/task-rest_bold", CORRECTED, ShimSetting=SHIMS)
    session.link(by_match=True)
    assert session.sidecar("func/task-rest_bold")["B0FieldSource"] == "pepolar_sesY"


def test_a_phase_difference_gets_the_echo_times_of_its_magnitudes(session: Session) -> None:
    session.add("fmap/magnitude", B0(identifier=("gre",)))
    session.add("fmap/phasediff", B0(identifier=("gre",)))
    sidecars.tell_echo_times(path for run in session.runs for path in run.files)
    sidecar = session.sidecar("fmap/phasediff")
    assert (sidecar["EchoTime1"], sidecar["EchoTime2"]) == (0.005, 0.01)


def test_echo_times_that_the_scanner_gave_stay(session: Session) -> None:
    session.add("fmap/magnitude", B0(identifier=("gre",)))
    session.add("fmap/phasediff", B0(identifier=("gre",)), EchoTime1=0.004, EchoTime2=0.007)
    sidecars.tell_echo_times(path for run in session.runs for path in run.files)
    assert session.sidecar("fmap/phasediff")["EchoTime1"] == 0.004


def test_an_m0scan_is_intended_for_the_asl_run_with_its_entities(session: Session) -> None:
    session.add("perf/acq-a_asl")
    session.add("perf/acq-b_asl")
    session.add("perf/acq-a_m0scan")
    runs = [asl.Run(run.kind[1], run.files, run.acq_time) for run in session.runs]
    asl.link(runs, session.folder)
    intended = session.sidecar("perf/acq-a_m0scan")["IntendedFor"]
    assert intended == ["bids::sub-X/ses-Y/perf/sub-X_ses-Y_acq-a_asl.nii.gz"]


def test_shims_that_were_adjusted_again_are_the_same() -> None:
    assert same_shims(SHIMS, AGAIN) == "same"
    assert same_shims([3, 5, -12], [4, 4, -11]) == "same"
    assert same_shims(SHIMS, OTHER) == "other"
    assert same_shims(SHIMS, None) == "unknown"
    assert same_shims(SHIMS, SHIMS[:3]) == "unknown"


@given(st.lists(st.integers(-6000, 6000), min_size=3, max_size=8), st.data())
def test_sameness_of_shims_does_not_depend_on_the_order(shims: list[int], data: Any) -> None:
    other = [term + data.draw(st.integers(-300, 300)) for term in shims]
    assert same_shims(shims, other) == same_shims(other, shims)
    assert same_shims(shims, shims) == "same"


def test_the_order_of_the_series_does_not_matter(tmp_path: Path) -> None:
    texts = []
    for place, step in (("a", 1), ("b", -1)):
        session = Session(tmp_path / place)
        for run in (1, 2):
            session.add(f"fmap/dir-AP_run-{run}_epi", PEPOLAR, minute=10 * run)
            session.add(f"func/task-rest_run-{run}_bold", CORRECTED, minute=10 * run + 3)
        session.runs = session.runs[::step]
        session.link()
        sidecars = sorted(session.folder.rglob("*.json"))
        texts.append([path.read_text() for path in sidecars])
    assert texts[0] == texts[1]


def test_coverage_is_the_share_of_the_volume(tmp_path: Path) -> None:
    paths = []
    for place in (0.0, 32.0):
        affine = np.diag([4.0, 4.0, 4.0, 1.0])
        affine[0, 3] = place
        paths.append(tmp_path / f"{place}.nii.gz")
        nib.save(nib.Nifti1Image(np.zeros((16, 16, 16), np.int16), affine), paths[-1])
    assert coverage(paths[0], paths[0]) == 1
    assert coverage(paths[0], paths[1]) == 0.5
