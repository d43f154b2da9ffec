"""Real sessions of three vendors become valid BIDS with dcm2niix's own voxels."""

import csv
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coil.bids import validate
from coil.bids.convert import heudiconv, heuristic
from coil.bids.mapping.mapping import parse
from coil.bids.mapping.resolve import resolve
from coil.bids.outputs import Wanted
from coil.bids.series.reading import read_series
from coil.errors import DataError
from coil.report import remarks
from tests.real.real_bids import SESSIONS, Converted, by_coil, by_dcm2niix, digest, pull, rules_of

pytestmark = pytest.mark.real

Convert = Callable[[str], Converted]

every_session = pytest.mark.parametrize("name", SESSIONS)

# session, scan, description, state, images (less sub-X/ses-Y) and equal files of the references
with (Path(__file__).parent / "expected.tsv").open(encoding="utf-8", newline="") as stream:
    EXPECTED = list(csv.DictReader(stream, delimiter="\t"))


@every_session
def test_images_equal_those_of_dcm2niix(convert: Convert, name: str, tmp_path: Path) -> None:
    session = convert(name)
    assert session.mapped
    for row in session.mapped:
        series = session.pulled / row["folder"]
        assert by_coil(session.bids, row) == by_dcm2niix(series, tmp_path / series.name), row[
            "name"
        ]


@every_session
def test_the_session_is_valid_bids(convert: Convert, name: str) -> None:
    verdict = validate.validate_session(convert(name).bids)
    assert [issue for issue in verdict.issues if issue.severity == "error"] == []


@every_session
def test_every_series_has_the_state_and_the_names_that_it_should(
    convert: Convert, name: str
) -> None:
    found = [
        {"scan": row["scan"], "state": row["state"], "images": " ".join(images(row))}
        for row in convert(name).table
    ]
    keys = ("scan", "state", "images")
    wanted = [{key: row[key] for key in keys} for row in EXPECTED if row["session"] == name]
    assert sorted(found, key=str) == sorted(wanted, key=str)


@every_session
def test_every_warning_of_the_validator_has_a_reason(convert: Convert, name: str) -> None:
    issues = validate.validate_session(convert(name).bids).issues
    assert [issue for issue in issues if remarks.reason(issue) is None] == []


@every_session
def test_images_equal_the_references_of_the_data_sets_authors(
    convert: Convert, name: str, real_dicom: Path
) -> None:
    session = convert(name)
    rows = {row["scan"]: row for row in session.table}
    for wanted in EXPECTED:
        if wanted["session"] == name and wanted["references"]:
            made = by_coil(session.bids, rows[wanted["scan"]])
            folder = real_dicom / SESSIONS[name].partition("/")[0] / "Ref"
            for reference in wanted["references"].split():
                assert digest(folder / reference) in made, reference


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("siemens_xa30", ["m0scan", *["label", "control"] * 3]),
        ("philips_asl", ["control", "label"] * 8),
    ],
)
def test_controls_and_labels_are_told_by_the_headers(
    convert: Convert, name: str, types: list[str]
) -> None:
    (path,) = convert(name).bids.rglob("*_aslcontext.tsv")
    assert path.read_text().split() == ["volume_type", *types]


@every_session
def test_heudiconv_gives_the_same_files(convert: Convert, name: str, tmp_path: Path) -> None:
    session = convert(name)
    other = Converted(session.pulled, tmp_path, rules_of(name), converter="heudiconv")
    theirs = {row["folder"]: row for row in other.table}
    for row in session.table:
        if row["name"] and row["name"].endswith("_fieldmap"):
            # heudiconv has no names for a magnitude and a field that come in one series.
            assert theirs[row["folder"]]["state"] == "failed"
        else:
            # The reason also tells of field maps that are not there.
            assert {**row, "reason": ""} == {**theirs[row["folder"]], "reason": ""}
            for file in row["files"]:
                assert content(session.bids / file) == content(other.bids / file), file


def content(path: Path) -> Any:
    """A file's bytes, unpacked, or a sidecar's values without the word of who wrote it."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix != ".json":
        return path.read_bytes()
    return {k: v for k, v in json.loads(path.read_text()).items() if k != "HeudiconvVersion"}


@every_session
def test_the_order_and_the_names_of_files_change_no_byte(
    convert: Convert, name: str, tmp_path: Path
) -> None:
    session = convert(name)
    listing = json.loads((session.pulled / "pulled.json").read_text())
    for number, scan in enumerate(reversed(listing["scans"])):
        given = sorted((session.pulled / scan["folder"]).iterdir(), reverse=True)
        scan["folder"] = f"series/{number:03d}"
        folder = tmp_path / "pulled" / scan["folder"]
        folder.mkdir(parents=True)
        for position, path in enumerate(given):
            (folder / f"{position:06d}.dcm").symlink_to(path.resolve())
    listing["scans"].reverse()
    (tmp_path / "pulled" / "pulled.json").write_text(json.dumps(listing))
    other = Converted(tmp_path / "pulled", tmp_path, rules_of(name))
    assert files(other.bids) == files(session.bids)
    starts = [
        sorted((row["name"], row["acq_time"]) for row in one.mapped) for one in (session, other)
    ]
    assert starts[0] == starts[1]


def test_grouping_by_folder_changes_no_byte(convert: Convert, tmp_path: Path) -> None:
    """heudiconv's own grouping, which reads every header, gives the same files."""
    session = convert("siemens_multi_echo")
    wanted = [Wanted(row["name"], session.pulled / row["folder"]) for row in session.mapped]
    made = []
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
        with pytest.MonkeyPatch.context() as patch:
            if name == "theirs":
                usual = heudiconv._command
                patch.setattr(heudiconv, "render", by_series)
                patch.setattr(
                    heudiconv,
                    "_command",
                    lambda *given, usual=usual: [
                        "studyUID" if part == "custom" else part for part in usual(*given)
                    ],
                )
            made.append(heudiconv.run(wanted, tmp_path / name))
    assert files(made[0]) == files(made[1])


def by_series(series: dict[str, str]) -> str:
    """The heuristic without its grouping."""
    text = heuristic.render(series)
    return text[: text.index("def grouping")] + (
        "def infotodict(seqinfos):\n"
        "    ids = {s.dcm_dir_name: s.series_id for s in seqinfos}\n"
        '    return {(n, ("nii.gz",), None): [ids[f]] for f, n in NAMES.items()}\n'
    )


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
    rules = [dict(rules_of("ge_epi")[0])]
    (row,) = Converted(pulled, tmp_path / "with", rules).table
    assert (row["state"], row["volumes"], row["expected"]) == ("incomplete", 9, 10)
    del rules[0]["expect"]
    with pytest.raises(DataError, match="series/001: slices are missing"):
        Converted(pulled, tmp_path / "without", rules)


def test_what_is_not_of_a_scanner_is_not_mapped(real_dicom: Path, tmp_path: Path) -> None:
    pulled = pull(real_dicom / "deid-data", tmp_path / "pulled")
    resolved = resolve(read_series(pulled), parse(rules_of("siemens_multi_echo")), "X", "Y")
    assert {row.state for row in resolved} <= {"unmapped", "derived", "ignored"}
    assert not any(re.search("cookie", row.reason) for row in resolved)


def images(row: dict[str, Any]) -> list[str]:
    """The images of a row, without what is the same in all names."""
    made = [file for file in row["files"] if file.endswith(".nii.gz")]
    return [file.removeprefix("sub-X/ses-Y/").replace("sub-X_ses-Y_", "") for file in made]
