"""The dataset-level files follow from the sessions' records, and the validator accepts them."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from msgspec.structs import replace

from coil.bids.dataset.columns import Column
from coil.bids.dataset.dataset import Shared, Tables, write_dataset
from coil.bids.dataset.description import generated_by
from coil.bids.dataset.phenotype import Instrument
from coil.bids.validate import validate, validate_session
from coil.deid.identity.identities import Link
from coil.deid.leak.dataset import Guard
from coil.deid.leak.identifiers import Identifier
from coil.deid.leak.people import PATIENT
from coil.errors import DataError
from coil.files import read_json
from coil.records.dataset import DatasetRecord
from coil.records.session import SessionRecord
from coil.records.subjects import Person, SubjectSession
from tests.support.archive_records import archive_at
from tests.support.session_records import record, row


def session(bids: Path, subject: str, label: str, age: float | None = 30.0) -> SessionRecord:
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
    return record(
        subject,
        label,
        age=age,
        series=(
            row("ignored", acq_time="1902-05-01T12:50:00"),
            row("mapped", acq_time="1902-05-01T13:00:00"),
        ),
        files={path.relative_to(bids).as_posix(): "0" for path in sorted(folder.rglob("*.*"))},
        versions={"dcm2niix": "v1.0", "heudiconv": "1.5.1"},
    )


ABOUT: dict[str, Any] = {
    "name": "Demo",
    "authors": ["A. Author", {"family": "Author", "given": "B.", "orcid": "0000-0002-1825-0097"}],
    "license": "CC0",
}
LINKS = [
    Link("LOCAL_S1", "LOCAL_E1", "D01_Quillfeather", "Quillfeather_V1", "A", "1"),
    Link("LOCAL_S2", "LOCAL_E2", "D02_Brambleshaw", "Brambleshaw_V1", "B", "1"),
]
PEOPLE = {
    "A": Person(gender="female", handedness="right", days=-45_000, fields={"arm": "drug"}),
    "B": Person(gender="", days=-45_000),
}
PHQ9 = Instrument(
    "phq9",
    ["participant_id", "item", "total"],
    [["sub-A", "0", "n/a"], ["sub-B", "1", "5"], ["sub-C", "1", "5"]],
    {
        "MeasurementToolMetadata": {"Description": "Patient Health Questionnaire"},
        "item": {"Description": "Interest", "Levels": {"0": "Not at all", "1": "Often"}},
        "total": {"Description": "Sum"},
    },
)
ARM = Column.configured(
    {"name": "arm", "description": "Arm of the study", "levels": {"drug": "Drug", "sham": "Sham"}}
)
GENERATED = generated_by([record(versions={"dcm2niix": "v1.0"})], {"mapping": "abc", "code": "d"})


def write(
    bids: Path, records: list[SessionRecord], known: Tables | None = None, **about: Any
) -> DatasetRecord:
    guard = Guard(LINKS, archive_at("https://xnat.hospital.org", "SECRETSTUDY"))
    shared = Shared(ABOUT | about, GENERATED, known or Tables(PEOPLE), guard)
    return write_dataset(bids, records, shared)


def test_a_dataset_is_valid(tmp_path: Path) -> None:
    bids = tmp_path / "bids"
    records = [session(bids, "B", "1"), session(bids, "A", "1"), session(bids, "A", "2")]
    summary = write(bids, records, Tables(PEOPLE, [ARM], [], [PHQ9]), readme="About it.")
    assert summary.fields() == {
        "subjects": 2, "sessions": 3, "images": 3, "instruments": 1, "problems": (),
    }  # fmt: skip
    verdict = validate(bids)
    assert verdict.errors == 0, verdict.issues
    unwanted = {"README_FILE_MISSING", "README_FILE_SMALL", "NO_AUTHORS", "TSV_ADDITIONAL_COLUMNS"}
    assert not unwanted & {issue.code for issue in verdict.issues}


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
    write(tmp_path, [kept, failed, gone], Tables(PEOPLE, [], [], [PHQ9]))
    write(tmp_path, [kept, replace(failed, state="failed")])
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_dir()}
    assert left == {"sub-A", "sub-A/ses-1", "sub-A/ses-1/anat"}


def test_one_session_is_judged_without_the_datasets_files(tmp_path: Path) -> None:
    bids = tmp_path / "candidate"
    session(bids, "A", "1")
    assert validate_session(bids).errors == 0
    image = bids / "sub-A" / "ses-1" / "anat" / "sub-A_ses-1_T1w.nii.gz"
    image.rename(image.with_name("sub-A_ses-1_T1wx.nii.gz"))
    verdict = validate_session(bids)
    assert verdict.errors > 0
    assert all(issue.location.startswith("sub-A/") for issue in verdict.issues)
    assert verdict.version
    assert [path.name for path in tmp_path.iterdir()] == ["candidate"]


def test_a_validator_without_a_verdict_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="bids-validator-deno stopped with status"):
        validate(tmp_path / "nowhere")


def test_custom_variables_are_columns_with_their_levels(tmp_path: Path) -> None:
    write(
        tmp_path, [session(tmp_path, "A", "1"), session(tmp_path, "B", "1")], Tables(PEOPLE, [ARM])
    )
    assert (tmp_path / "participants.tsv").read_text().splitlines() == [
        "participant_id\tage\tsex\thandedness\tarm",
        "sub-A\t30\tF\tR\tdrug",
        "sub-B\t30\tn/a\tn/a\tn/a",
    ]
    described = read_json(tmp_path / "participants.json")["arm"]
    assert described == {
        "Description": "Arm of the study",
        "Levels": {"drug": "Drug", "sham": "Sham"},
    }


def test_custom_variables_of_sessions_are_columns_of_the_sessions_table(tmp_path: Path) -> None:
    sessions = {"1": SubjectSession(fields={"arm": "sham"}), "2": SubjectSession()}
    people = {"A": replace(PEOPLE["A"], sessions=sessions)}
    records = [session(tmp_path, "A", "2"), session(tmp_path, "A", "1")]
    write(tmp_path, records, Tables(people, [], [ARM]))
    lines = (tmp_path / "sub-A" / "sub-A_sessions.tsv").read_text().splitlines()
    assert [line.split("\t")[-1] for line in lines] == ["arm", "sham", "n/a"]
    assert read_json(tmp_path / "sessions.json")["arm"] == dict(ARM.note)


def test_a_value_outside_the_levels_leaves_the_column_out_and_names_the_participants(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    records = [session(tmp_path, "A", "1"), session(tmp_path, "B", "1")]
    placebo = {"arm": "placebo"}
    people = {label: replace(person, fields=placebo) for label, person in PEOPLE.items()}
    summary = write(tmp_path, records, Tables(people, [ARM]))
    (problem,) = summary.problems
    assert problem.what == "participants.tsv, column arm"
    assert "sub-A, column arm: is not one of its levels (and 1 more" in problem.reason
    assert "sub-B, column arm: is not one of its levels" in caplog.text
    assert "placebo" not in caplog.text + problem.reason
    assert "arm" not in (tmp_path / "participants.tsv").read_text()
    assert validate(tmp_path).errors == 0


def test_what_holds_a_label_of_the_archive_is_left_out(tmp_path: Path) -> None:
    note = Column.configured({"name": "note", "description": "Note", "format": "string"})
    people = {"A": replace(PEOPLE["A"], fields={"note": "see Quillfeather_V1"})}
    told = Instrument(
        "mood", ["participant_id", "why"], [["sub-A", "like D02_Brambleshaw"]], {"why": {}}
    )
    tables = Tables(people, [note], [], [told])
    summary = write(tmp_path, [session(tmp_path, "A", "1")], tables)
    assert [problem.what for problem in summary.problems] == [
        "phenotype/mood",
        "participants.tsv, column note",
    ]
    assert all("holds a label of a s" in problem.reason for problem in summary.problems)
    published = [path.read_text() for path in tmp_path.rglob("*.tsv")]
    assert not any("Brambleshaw" in text or "Quillfeather" in text for text in published)
    assert not (tmp_path / "phenotype").exists()


def test_what_names_somebody_of_a_header_is_left_out_but_no_level_or_description_is(
    tmp_path: Path,
) -> None:
    """Only a cell that somebody wrote is looked at: an inventory may be called as a patient is."""
    note = Column.configured({"name": "note", "description": "Note", "format": "string"})
    scale = Column.configured(
        {"name": "scale", "description": "Of Hamilton", "levels": {"hamilton": "Hamilton's"}}
    )
    fields = {"note": "ask Mr Hamilton", "scale": "hamilton"}
    people = {"A": replace(PEOPLE["A"], fields=fields)}
    mood = Instrument(
        "mood",
        ["participant_id", "hamilton", "why"],
        [["sub-A", "7", "mother of Paul Hamilton"]],
        {"hamilton": {"Description": "Hamilton's scale"}, "why": {"Format": "string"}},
    )
    calm = Instrument("calm", mood.header, [["sub-A", "7", "no reason"]], mood.dictionary)
    guard = Guard(LINKS, archive_at(), people=[Identifier("Hamilton^Paul", PATIENT)])
    tables = Tables(people, [note, scale], [], [calm, mood])
    shared = Shared(ABOUT, GENERATED, tables, guard)
    summary = write_dataset(tmp_path, [session(tmp_path, "A", "1")], shared)
    assert [problem.what for problem in summary.problems] == [
        "phenotype/mood",
        "participants.tsv, column note",
    ]
    assert all("holds a patient's name (of a DICOM header); " in p.reason for p in summary.problems)
    assert (tmp_path / "phenotype" / "calm.tsv").is_file()
    assert "hamilton" in (tmp_path / "participants.tsv").read_text()


def test_a_dataset_of_no_session_has_no_error_either(tmp_path: Path) -> None:
    write(tmp_path, [session(tmp_path, "A", "1")], Tables(PEOPLE))
    write(tmp_path, [], Tables(PEOPLE, [ARM], [ARM], [PHQ9]))
    verdict = validate(tmp_path)
    assert verdict.errors == 0, verdict.issues
