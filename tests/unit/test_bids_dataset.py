"""The dataset-level files follow from the sessions' records, and the validator accepts them."""

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from coil.bids.dataset import write_dataset
from coil.bids.phenotype import Instrument, phenotype_table, read_instrument
from coil.bids.validate import validate, validate_session
from coil.errors import DataError

DICTIONARY = {
    "MeasurementToolMetadata": {"Description": "Patient Health Questionnaire"},
    "item": {"Description": "Little interest", "Levels": {"0": "Not at all", "1": "Often"}},
    "total": {"Description": "Sum"},
    "remark": {"Description": "Remark", "Format": "string"},
    "unused": {"Description": "Not in the table"},
}
LINK = {"Jane": "A", "Joe": "B", "Jim": None}


def session(bids: Path, subject: str, label: str, age: float | None = 30.0) -> dict[str, Any]:
    """Put a session with one T1w image into the dataset; returns its record."""
    name = f"sub-{subject}_ses-{label}"
    folder = bids / f"sub-{subject}" / f"ses-{label}"
    (folder / "anat").mkdir(parents=True)
    image = nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4))
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, folder / "anat" / f"{name}_T1w.nii.gz")
    (folder / "anat" / f"{name}_T1w.json").write_text('{"MagneticFieldStrength": 3}')
    (folder / f"{name}_scans.tsv").write_text(
        f"filename\tacq_time\nanat/{name}_T1w.nii.gz\t1902-05-01T13:00:00\n"
    )
    return {
        "subject": subject,
        "session": label,
        "state": "done",
        "age": age,
        "series": [
            {"state": "ignored", "acq_time": "1902-05-01T12:50:00"},
            {"state": "mapped", "acq_time": "1902-05-01T13:00:00"},
        ],
        "files": {f"sub-{subject}/ses-{label}/anat/{name}_T1w.nii.gz": "0"},
        "versions": {"dcm2niix": "v1.0", "heudiconv": "1.5.1"},
    }


def write(bids: Path, records: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return write_dataset(
        bids,
        records=records,
        name="Demo",
        authors=["A. Author", "B. Author"],
        license="CC0",
        participants={"A": {"gender": "female", "handedness": "right"}, "B": {"gender": ""}},
        mapping_digest="abc",
        **more,
    )


def instrument(folder: Path) -> Instrument:
    folder.mkdir(exist_ok=True)
    (folder / "phq9.csv").write_text("subject,item,total\nJoe,1,5\nJane,0,\nJim,1,3\n")
    (folder / "phq9.json").write_text(json.dumps(DICTIONARY))
    return read_instrument("phq9", folder / "phq9.csv", folder / "phq9.json", LINK)


def test_a_dataset_is_valid(tmp_path: Path) -> None:
    bids = tmp_path / "bids"
    records = [session(bids, "B", "1"), session(bids, "A", "1"), session(bids, "A", "2")]
    summary = write(bids, records, phenotype=[instrument(tmp_path / "q")], readme="About it.")
    assert summary == {"subjects": 2, "sessions": 3, "images": 3, "instruments": 1}
    verdict = validate(bids)
    assert verdict["errors"] == 0, verdict["issues"]
    unwanted = {"README_FILE_MISSING", "README_FILE_SMALL", "NO_AUTHORS", "TSV_ADDITIONAL_COLUMNS"}
    assert not unwanted & {issue["code"] for issue in verdict["issues"]}


def test_participants_and_sessions_come_from_records_and_demographics(tmp_path: Path) -> None:
    records = [
        session(tmp_path, "B", "1", age=None),
        session(tmp_path, "A", "2", age=31.5),
        session(tmp_path, "A", "1", age=30.0),
    ]
    write(tmp_path, records)
    assert (tmp_path / "participants.tsv").read_text().splitlines() == [
        "participant_id\tage\tsex\thandedness",
        "sub-A\t30\tF\tR",
        "sub-B\tn/a\tn/a\tn/a",
    ]
    assert (tmp_path / "sub-A" / "sub-A_sessions.tsv").read_text().splitlines() == [
        "session_id\tacq_time\tage",
        "ses-1\t1902-05-01T13:00:00\t30",
        "ses-2\t1902-05-01T13:00:00\t31.5",
    ]


def test_the_description_names_what_made_the_dataset(tmp_path: Path) -> None:
    write(tmp_path, [session(tmp_path, "A", "1")])
    description = json.loads((tmp_path / "dataset_description.json").read_text())
    assert [tool["Name"] for tool in description["GeneratedBy"]] == [
        "Coil",
        "dcm2niix",
        "heudiconv",
    ]
    assert "abc" in description["GeneratedBy"][0]["Description"]
    assert description["License"] == "CC0"


def test_the_order_of_records_does_not_matter(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    records = [session(one, "A", "1"), session(one, "B", "1")]
    for label in ("A", "B"):
        session(two, label, "1")
    write(one, records)
    write(two, records[::-1])
    assert texts(one) == texts(two)


def texts(folder: Path) -> dict[str, str]:
    found = [*folder.glob("*.*"), folder / "README", *folder.glob("sub-*/*.tsv")]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in found}


def test_writing_again_renews_the_description_and_nothing_else(tmp_path: Path) -> None:
    records = [session(tmp_path, "A", "1")]
    write(tmp_path, records)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    write(tmp_path, records)
    renewed = [path.name for path, time in before.items() if path.stat().st_mtime_ns != time]
    assert renewed == ["dataset_description.json"]


def test_what_no_record_accounts_for_is_taken_out(tmp_path: Path) -> None:
    kept, failed = session(tmp_path, "A", "1"), session(tmp_path, "A", "2")
    gone = session(tmp_path, "B", "1")
    write(tmp_path, [kept, failed, gone], phenotype=[instrument(tmp_path.parent / "q")])
    write(tmp_path, [kept, failed | {"state": "failed"}])
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_dir()}
    assert left == {"sub-A", "sub-A/ses-1", "sub-A/ses-1/anat"}


def test_one_session_is_judged_without_the_datasets_files(tmp_path: Path) -> None:
    bids = tmp_path / "candidate"
    session(bids, "A", "1")
    assert validate_session(bids)["errors"] == 0
    image = bids / "sub-A" / "ses-1" / "anat" / "sub-A_ses-1_T1w.nii.gz"
    image.rename(image.with_name("sub-A_ses-1_T1wx.nii.gz"))
    verdict = validate_session(bids)
    assert verdict["errors"] > 0
    assert all(issue["location"].startswith("sub-A/") for issue in verdict["issues"])
    assert verdict["version"]
    assert [path.name for path in tmp_path.iterdir()] == ["candidate"]


def test_a_validator_without_a_verdict_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="bids-validator-deno stopped with status"):
        validate(tmp_path / "nowhere")


def table(folder: Path, text: str, suffix: str = "csv") -> tuple[list[str], list[list[str]]]:
    path = folder / f"phq9.{suffix}"
    path.write_text(text)
    (folder / "phq9.json").write_text(json.dumps(DICTIONARY))
    return phenotype_table(path, folder / "phq9.json", LINK)


@pytest.mark.parametrize(("suffix", "mark"), [("csv", ","), ("tsv", "\t")])
def test_a_questionnaire_is_keyed_by_pseudonym(tmp_path: Path, suffix: str, mark: str) -> None:
    text = "item,subject,total\n1,Joe,5\n0,Jane,\n1,Jim,2\n".replace(",", mark)
    header, rows = table(tmp_path, text, suffix)
    assert header == ["participant_id", "item", "total"]
    assert rows == [["sub-A", "0", "n/a"], ["sub-B", "1", "5"]]


def test_the_dictionary_keeps_what_the_table_has(tmp_path: Path) -> None:
    assert list(instrument(tmp_path).dictionary) == ["MeasurementToolMetadata", "item", "total"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subject,secret\nJane,1\n", "column 2 is not described in phq9.json"),
        ("person,item\nJane,1\n", "has no column subject"),
        ("subject,item\nJane,1\nDoe,0\n", "row 3, column subject: no such subject"),
        ("subject,item\nJane,7\n", "row 2, column item: is not one of the levels"),
        ("subject,total\nJane,lots\n", "row 2, column total: is text; list the column's Levels"),
        ("subject,item\nJane,1\nJane,0\n", "row 3, column subject: the subject has a row already"),
        ("subject,item\nJane\n", "row 2: has 1 cells where the header has 2"),
        ('subject,remark\nJane,"a\tb"\n', "row 2, column remark: holds a tab"),
        ("subject,item,item\nJane,1,1\n", "its header has an empty or a repeated name"),
        ("", "is empty"),
    ],
)
def test_a_broken_questionnaire_is_told_by_row_and_column(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        table(tmp_path, text)
    said = str(caught.value)
    assert said.startswith(f"phq9.csv: {message}")
    assert not any(value in said for value in ("Jane", "Doe", "lots", "7", "secret"))


def test_text_passes_where_the_dictionary_says_so(tmp_path: Path) -> None:
    assert table(tmp_path, "subject,remark\nJane,felt well\n")[1] == [["sub-A", "felt well"]]
