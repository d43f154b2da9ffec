"""A lab's own heudiconv heuristic names the series, and its mistakes are told by their line."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from heudiconv.convert import conversion_info
from heudiconv.dicoms import group_dicoms_into_seqinfos

from coil.bids.mapping.resolution import Resolution
from coil.bids.mapping.sources import lab
from coil.bids.series.reading import read_series
from coil.bids.series.series import Series
from coil.errors import ConfigError
from tests.support.bids import Pulled
from tests.support.sources import resolved, short

USE = {"use": "code/heuristic.py"}

HEAD = '''
"""As labs write them."""
def create_key(template, outtype=("nii.gz",), annotation_classes=None):
    return (template, outtype, annotation_classes)
'''
HEURISTIC = (
    HEAD
    + """
def infotodict(seqinfo):
    t1 = create_key("sub-{subject}/{session}/anat/sub-{subject}_{session}_acq-{acq}_T1w")
    rest = create_key(
        "{bids_subject_session_dir}/func/{bids_subject_session_prefix}"
        "_task-rest_run-{item:02d}_bold", ("nii.gz", "dicom"))
    scout = create_key("sub-{subject}/anat/sub-{subject}_scout", ("dicom",))
    info = {t1: [], rest: [], scout: []}
    for s in seqinfo:
        if "mprage" in s.protocol_name and s.dim3 == 4:
            info[t1].append({"item": s.series_id, "acq": "x"})
        elif "rest" in s.series_description and s.dim4 == 1 and not s.is_derived:
            info[rest].append(s.series_id)
        elif "localizer" in s.protocol_name:
            info[scout].append(s.series_id)
    return info
"""
)


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> list[Series]:
    """A localizer, two resting runs, an mprage, and a series that nobody asks for."""
    session = Pulled(tmp_path_factory.mktemp("session") / "pulled")
    for description in ("localizer", "rest", "mprage", "rest", "other"):
        session.scan(description)
    return read_series(session.folder)


@pytest.fixture
def by_text(tmp_path: Path, series: list[Series]) -> Any:
    """The states of those series by a heuristic's text."""

    def resolve(text: str, given: list[Series] | None = None) -> list[Resolution]:
        path = write(tmp_path, text)
        return resolved(given or series, USE, files={USE["use"]: path})

    return resolve


def write(folder: Path, text: str) -> Path:
    path = folder / "heuristic.py"
    path.write_text(text)
    return path


def simple(template: str, extra: str = "") -> str:
    """A heuristic that gives every series one template."""
    return (
        f"{HEAD}{extra}\ndef infotodict(seqinfo):\n"
        f"    return {{create_key({template!r}): [s.series_id for s in seqinfo]}}\n"
    )


def test_a_heuristic_names_series_by_its_templates(by_text: Any) -> None:
    assert short(by_text(HEURISTIC)) == [
        "ignored",
        "func/task-rest_run-01_bold",
        "anat/acq-x_T1w",
        "func/task-rest_run-02_bold",
        "unmapped",
    ]


def test_it_is_told_of_the_series_what_heudiconv_tells(series: list[Series]) -> None:
    # heudiconv groups all files; the dimensions and counts are those of whole series.
    files = sorted(str(path) for one in series if one.path for path in one.path.iterdir())
    theirs = group_dicoms_into_seqinfos(files, "all", flatten=True)
    told: list[Any] = []

    class Heuristic:
        pass

    for one in sorted(series, key=lab._order):
        info, problem = lab._described(one, Heuristic, set(), Path("x.py"), "x.py")  # type: ignore[arg-type]
        assert problem is None
        told.append(info)
    same = {"total_files_till_now": 0}
    assert [i._replace(**same) for i in told] == [i._replace(**same) for i in theirs]


def test_templates_are_filled_as_heudiconv_fills_them(tmp_path: Path) -> None:
    template = "sub-{subject}/{session}/func/sub-{subject}_{session}_task-a_run-{item:03d}_bold"
    info = {(template, ("nii.gz",), None): ["1-a", ["2-b", "3-c"], {"item": "4-d"}]}
    theirs = conversion_info("0", "", info, {f"{i}-{c}": [c] for i, c in enumerate("abcd", 1)}, "0")
    ours = [(t.format_map(v | lab._OURS), i[-1]) for i, t, v in lab._items(info)]
    assert ours == [(path, files[0]) for path, _, files in theirs]


def test_subject_and_session_are_ours_whatever_the_template_says(by_text: Any) -> None:
    for template in (
        "anat/sub-{subject}_T1w",
        "sub-99/ses-99/anat/sub-99_ses-99_T1w",
        "sub-{subject}/ses-{session}/anat/sub-{subject}_ses-{session}_T1w",
        "sub-{subject}/{session}/sub-{subject}_{session}_T1w",
    ):
        names = {row.reason for row in by_text(simple(template))}
        assert names == {"scans 1, 2, 3, 4, 5 get one name; tell them apart by entities or set "
                         "`duplicates`"}  # fmt: skip


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("anatomy/sub-{subject}_T1", "its data type and suffix are not in BIDS"),
        ("anat/sub-{subject}_highres_T1w", "the heuristic's template is no BIDS name"),
        ("anat/sub-{subject}_run-{run}_T1w", "the heuristic's template asks for a value that it"),
        ("func/sub-{subject}_bold", "func/bold needs task"),
    ],
)
def test_a_template_that_is_no_bids_name_leaves_its_series_unmapped(
    by_text: Any, template: str, reason: str
) -> None:
    for row in by_text(simple(template)):
        assert row.state == "unmapped"
        assert row.reason.startswith(f"bids.mapping[0] (code/heuristic.py): {reason}")


def test_one_header_tells_it_what_all_files_tell(by_text: Any, series: list[Series]) -> None:
    partial = [replace(one, path=None, partial=one.path) for one in series]
    assert short(by_text(HEURISTIC, partial)) == short(by_text(HEURISTIC))


def test_its_filters_are_heeded(by_text: Any) -> None:
    text = simple("func/sub-{subject}_task-a_run-{item}_bold", FILTERS)
    rows = by_text(text)
    assert short(rows)[1:] == ["ignored", *(f"func/task-a_run-{i}_bold" for i in (1, 2, 3))]
    assert rows[0].state == "ignored"
    assert rows[0].reason == "left out by heudiconv or a filter of the heuristic"


FILTERS = """
def filter_files(path):
    return "/002/" not in path
def filter_dicom(header):
    return header.SeriesNumber == 1
"""


def test_a_heuristic_may_build_on_heudiconvs_own(by_text: Any, tmp_path: Path) -> None:
    session = Pulled(tmp_path / "pulled")
    for description in ("rest", "t1", "rest"):
        session.scan(description)
    text = """
from heudiconv.heuristics.reproin import *
from heudiconv.heuristics import reproin
reproin.protocols2fix[""] = [("^rest", "func_task-rest_run-01"), ("^t1", "anat-T1w")]
reproin.get_study_description = lambda seqinfo: "of no interest"
"""
    rows = by_text(text, read_series(session.folder))
    assert short(rows) == ["ignored", "anat/T1w", "func/task-rest_run-01_bold"]
    assert rows[0].reason == "done again later, says the heuristic"


def test_two_names_for_one_series_are_none(by_text: Any) -> None:
    text = simple("anat/sub-{subject}_run-{item}_T1w").replace(
        "for s in seqinfo]", "for s in seqinfo] * 2"
    )
    assert {row.state for row in by_text(text)} == {"unmapped"}


def test_from_a_listing_its_names_stay_open(by_text: Any) -> None:
    (row,) = by_text(HEURISTIC, [Series(scan="1", listed=True, series_description="rest")])
    assert row.state == "unmapped"
    assert row.reason.endswith("the heuristic decides by its header")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def infotodict(seqinfo:\n", ", line 1: SyntaxError"),
        ("import nothing_of_this_name\n", ", line 1: ModuleNotFoundError"),
        (f"{HEAD}\ndef infotodict(seqinfo):\n    raise ValueError('DOE^JANE')", ", line 7: ValueE"),
        (f"{HEAD}\ndef infotodict(seqinfo):\n    exit('DOE^JANE')", ", line 7: SystemExit"),
        (f"{HEAD}\ndef infotodict(seqinfo):\n    return {{'a': ['DOE^JANE']}}", ": ValueError"),
        ("x = 1\n", ": has no function infotodict"),
        (simple("anat/x_T1w").replace("s.series_id", "'DOE^JANE'"), ": infotodict names a series "),
    ],
)
def test_a_mistake_is_told_by_its_line_and_kind_and_never_by_its_text(
    by_text: Any, text: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        by_text(text)
    assert str(caught.value).startswith(f"bids.mapping[0]: code/heuristic.py{said}")
    assert "DOE" not in str(caught.value)


def test_what_it_prints_is_dropped(by_text: Any, capfd: pytest.CaptureFixture[str]) -> None:
    by_text(simple("anat/sub-{subject}_run-{item}_T1w", "print('DOE^JANE')"))
    assert capfd.readouterr() == ("", "")


def test_nothing_is_left_beside_it_and_an_edit_counts_at_once(by_text: Any, tmp_path: Path) -> None:
    first = short(by_text(simple("anat/sub-{subject}_run-{item}_T1w")))
    second = short(by_text(simple("anat/sub-{subject}_run-{item}_T2w")))
    assert [name.replace("T1w", "T2w") for name in first] == second
    assert [path.name for path in tmp_path.iterdir()] == ["heuristic.py"]


def test_a_syntax_error_is_found_without_running_the_file(tmp_path: Path) -> None:
    lab.check(write(tmp_path, "raise SystemExit"), "h.py")
    with pytest.raises(ConfigError, match=re.escape("h.py, line 2: SyntaxError")):
        lab.check(write(tmp_path, "\nx ="), "h.py")
