"""Real sessions named by the sources of a mapping, and told to a heuristic as heudiconv does."""

from pathlib import Path
from types import ModuleType

import pytest
from heudiconv.dicoms import group_dicoms_into_seqinfos

from coil.bids.mapping.sources import lab
from coil.bids.series.reading import read_series
from coil.files import write_json
from tests.real.real_bids import SESSIONS, Converted, pull

pytestmark = pytest.mark.real

# heudiconv describes a multi-echo series by the first file of its last echo, and counts files.
OWN = {"total_files_till_now": 0, "TE": 0, "time": "", "image_type": ()}

HEURISTIC = """
def infotodict(seqinfo):
    key = lambda name: (f"sub-{{subject}}/{{session}}/fmap/sub-{{subject}}_{name}", ("nii.gz",), ())
    info = {key("magnitude"): [], key("phasediff"): []}
    for s in seqinfo:
        if s.protocol_name == "gre_field_mapping":
            info[key("phasediff" if "P" in s.image_type else "magnitude")].append(s.series_id)
    return info
"""
BIDSMAP = [{"pattern": "^DWI_dir80_AP$", "suffix": "dir-AP_dwi"}]


@pytest.mark.parametrize("name", SESSIONS)
def test_a_heuristic_is_told_of_images_what_heudiconv_tells(
    real_dicom: Path, tmp_path: Path, name: str
) -> None:
    pulled = pull(real_dicom / SESSIONS[name], tmp_path / "pulled")
    series = [one for one in read_series(pulled) if one.is_image]
    files = [str(file) for one in series if one.path for file in sorted(one.path.iterdir())]
    theirs = group_dicoms_into_seqinfos(files, "all", flatten=True)
    told = []
    for one in sorted(series, key=lab._order):
        taken = {info.series_id for info in told}
        told.append(lab._described(one, ModuleType("empty"), taken, Path("x.py"), "x.py")[0])
    own = OWN if name == "siemens_multi_echo" else {"total_files_till_now": 0}
    for ours, their in zip(told, theirs, strict=True):
        assert ours._replace(**own) == their._replace(**own)


def test_three_sources_name_and_convert_one_session(real_dicom: Path, tmp_path: Path) -> None:
    pulled = pull(real_dicom / SESSIONS["siemens_xa30"], tmp_path / "pulled")
    write_json(tmp_path / "bidsmap.json", [{"place": "the bidsmap", "map": BIDSMAP}])
    (tmp_path / "fields.py").write_text(HEURISTIC)
    rules = [{"use": "reproin"}, {"use": "bidsmap"}, {"use": "fields.py"}]
    files = {"bidsmap": tmp_path / "bidsmap.json", "fields.py": tmp_path / "fields.py"}
    session = Converted(pulled, tmp_path, rules, policy={"ambiguous": "fail"}, sources=files)
    assert [name.removeprefix("sub-X_ses-Y_") for name in session.names()] == [
        "acq-tfl_T1w.nii.gz",
        "dir-AP_dwi.nii.gz",
        "magnitude1.nii.gz",
        "magnitude2.nii.gz",
        "phasediff.nii.gz",
        "task-fa_run-01_bold.nii.gz",
    ]
