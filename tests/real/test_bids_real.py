"""Real sessions of three vendors become valid BIDS with dcm2niix's own voxels."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from real_bids import by_coil, by_dcm2niix, pull

from coil.bids import heudiconv, validate
from coil.bids.convert import convert_session
from coil.bids.heuristic import render
from coil.bids.mapping import parse
from coil.bids.series import read_series
from coil.bids.settle import settle

pytestmark = pytest.mark.real

Convert = Callable[[str, list[dict[str, Any]]], "Converted"]

ME = """
- {match: {series_description: fMRI}, to: func/bold, entities: {task: rest}, expect: {volumes: 3}}
- {match: {series_description: FieldMap, image_type: M}, to: fmap/magnitude}
- {match: {series_description: FieldMap, image_type: P}, to: fmap/phasediff}
"""
GE = """
- match: {series_description: "(?P<acq>Interleaved|Sequential) (?P<order>. to .)"}
  to: func/bold
  entities: {task: rest, acq: "{acq}{order}"}
  expect: {volumes: 10}
"""
PEPOLAR = """
- match: {series_description: "PE=(?P<dir>..)"}
  to: fmap/epi
  entities: {dir: "{dir}"}
"""
PHILIPS = """
- match: {series_description: EPI, manufacturer: Philips}
  to: func/bold
  entities: {task: rest}
  expect: {volumes: 3}
"""
PHILIPS_ASL = """
- match: {series_description: SOURCE}
  to: perf/asl
  aslcontext: [control, label]
  supplement:
    ArterialSpinLabelingType: PCASL
    PostLabelingDelay: 1.8
    LabelingDuration: 1.8
    BackgroundSuppression: true
    BackgroundSuppressionNumberPulses: 2
    M0Type: Absent
    RepetitionTimePreparation: 4.234
    MRAcquisitionType: 3D
    TotalAcquiredPairs: 8
- match: {series_description: CASL, image_type: PERFUSION}
  ignore: subtracted by the scanner
"""
BALLS = """
- {match: {series_description: "^T1$"}, to: anat/T1w}
- match: {series_description: "^T2(?P<acq>-interleaved)?$"}
  to: anat/T2w
  entities: {acq: "{acq}"}
- match: {series_description: "^T2\\\\*(?P<acq>-interleaved)?$"}
  to: func/bold
  entities: {task: rest, acq: "{acq}"}
- {match: {series_description: DTI}, to: dwi/dwi}
- {match: {series_description: fieldmap}, ignore: magnitude and phase in one series}
"""


class Converted:
    """A converted session beside the one that was pulled."""

    def __init__(self, pulled: Path, folder: Path, rules: list[dict[str, Any]]) -> None:
        self.pulled, self.folder = pulled, folder
        mapping = parse(rules)
        self.table = convert_session(
            pulled,
            folder / "converted",
            subject="X",
            session="Y",
            mapping=mapping,
            policy={"unmapped": "fail", "ambiguous": "fail"},
            scratch=folder / "scratch",
        )["series"]
        self.bids = folder / "converted" / "bids"

    @property
    def mapped(self) -> list[dict[str, Any]]:
        return [row for row in self.table if row["state"] == "mapped"]

    def names(self) -> list[str]:
        return sorted(path.name for path in self.bids.rglob("*.nii.gz"))


@pytest.fixture(scope="module")
def convert(real_dicom: Path, tmp_path_factory: pytest.TempPathFactory) -> Convert:
    done: dict[str, Converted] = {}

    def work(dataset: str, rules: list[dict[str, Any]]) -> Converted:
        if dataset not in done:
            folder = tmp_path_factory.mktemp("real")
            done[dataset] = Converted(pull(real_dicom / dataset, folder / "pulled"), folder, rules)
        return done[dataset]

    return work


SESSIONS = {
    "dcm_qa_xa30": yaml.safe_load((Path(__file__).parent / "xa30.yaml").read_text()),
    "dcm_qa_me": yaml.safe_load(ME),
    "dcm_qa_nih/In/*GE": yaml.safe_load(GE),
    "dcm_qa_nih/In/*Si": yaml.safe_load(PEPOLAR),
    "dcm_qa_philips": yaml.safe_load(PHILIPS),
    "dcm_qa_philips_asl": yaml.safe_load(PHILIPS_ASL),
    "nitest-balls1/DICOM": yaml.safe_load(BALLS),
}
every_session = pytest.mark.parametrize(("dataset", "rules"), SESSIONS.items(), ids=SESSIONS)


@every_session
def test_images_equal_those_of_dcm2niix(
    convert: Convert, dataset: str, rules: list[dict[str, Any]], tmp_path: Path
) -> None:
    session = convert(dataset, rules)
    assert session.mapped
    for row in session.mapped:
        series = session.pulled / row["folder"]
        assert by_coil(session.bids, row) == by_dcm2niix(series, tmp_path / series.name), row[
            "name"
        ]


@every_session
def test_the_session_is_valid_bids(
    convert: Convert, dataset: str, rules: list[dict[str, Any]]
) -> None:
    verdict = validate.validate_session(convert(dataset, rules).bids)
    assert [issue for issue in verdict["issues"] if issue["severity"] == "error"] == []


def test_a_whole_session_is_accounted_for(convert: Convert) -> None:
    session = convert("dcm_qa_xa30", SESSIONS["dcm_qa_xa30"])
    states = [row["state"] for row in session.table]
    assert {state: states.count(state) for state in states} == {
        "ignored": 1,
        "mapped": 8,
        "derived": 12,
    }
    assert session.names() == [
        "sub-X_ses-Y_T1w.nii.gz",
        "sub-X_ses-Y_asl.nii.gz",
        "sub-X_ses-Y_dir-AP_dwi.nii.gz",
        "sub-X_ses-Y_dir-PA_dwi.nii.gz",
        "sub-X_ses-Y_magnitude1.nii.gz",
        "sub-X_ses-Y_magnitude2.nii.gz",
        "sub-X_ses-Y_phasediff.nii.gz",
        "sub-X_ses-Y_rec-norm_T1w.nii.gz",
        "sub-X_ses-Y_task-fa_bold.nii.gz",
    ]


def test_echoes_of_one_series_get_a_name_each(convert: Convert) -> None:
    assert convert("dcm_qa_me", SESSIONS["dcm_qa_me"]).names() == [
        "sub-X_ses-Y_magnitude1.nii.gz",
        "sub-X_ses-Y_magnitude2.nii.gz",
        "sub-X_ses-Y_phasediff.nii.gz",
        "sub-X_ses-Y_task-rest_echo-1_bold.nii.gz",
        "sub-X_ses-Y_task-rest_echo-2_bold.nii.gz",
    ]


def test_grouping_by_folder_changes_no_byte(convert: Convert, tmp_path: Path) -> None:
    """heudiconv's own grouping, which reads every header, gives the same files."""
    session = convert("dcm_qa_me", SESSIONS["dcm_qa_me"])
    settled = settle(read_series(session.pulled), parse(SESSIONS["dcm_qa_me"]), "X", "Y")
    text = render(settled)
    ours = text[: text.index("def grouping")]
    theirs = ours + (
        "def infotodict(seqinfos):\n"
        "    ids = {s.dcm_dir_name: s.series_id for s in seqinfos}\n"
        '    return {(n, ("nii.gz",), None): [ids[f]] for f, n in NAMES.items()}\n'
    )
    folders = sorted((session.pulled / "series").iterdir())
    made = []
    for name, heuristic, option in (("ours", text, "custom"), ("theirs", theirs, "studyUID")):
        scratch = tmp_path / name
        scratch.mkdir()
        with pytest.MonkeyPatch.context() as patch:
            usual = heudiconv._command

            def command(*given: Any, option: str = option, usual: Any = usual) -> list[str]:
                return [option if part == "custom" else part for part in usual(*given)]

            patch.setattr(heudiconv, "_command", command)
            made.append(heudiconv.run(heuristic, folders, scratch, "X", "Y"))
    assert files(made[0]) == files(made[1])


def files(folder: Path) -> dict[str, bytes]:
    """Every converted file; scans.tsv holds a random column, and Coil drops it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith("_scans.tsv")
    }


def test_a_missing_slice_is_said_to_be_missing(real_dicom: Path, tmp_path: Path) -> None:
    pulled = pull(next(real_dicom.glob("dcm_qa_nih/In/*GE/mr_0004")), tmp_path / "pulled")
    (pulled / "series" / "001" / "000050.dcm").unlink()
    rules = [dict(SESSIONS["dcm_qa_nih/In/*GE"][0])]
    (row,) = Converted(pulled, tmp_path / "with", rules).table
    assert (row["state"], row["volumes"], row["expected"]) == ("incomplete", 9, 10)
    del rules[0]["expect"]
    with pytest.raises(Exception, match="series/001: slices are missing"):
        Converted(pulled, tmp_path / "without", rules)


def test_what_is_not_of_a_scanner_is_not_mapped(real_dicom: Path, tmp_path: Path) -> None:
    pulled = pull(real_dicom / "deid-data", tmp_path / "pulled")
    settled = settle(read_series(pulled), parse(yaml.safe_load(ME)), "X", "Y")
    assert {row.state for row in settled} <= {"unmapped", "derived", "ignored"}
    assert not any(re.search("cookie", row.reason) for row in settled)
