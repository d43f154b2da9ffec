"""What the end of an invocation says of pushes."""

from pathlib import Path

from coil.records.push import Action, ForeignFiles, ForeignSession, PushRecord
from coil.run.pushed import summary

DONE, SKIPPED = PushRecord(state="done"), PushRecord(state="skipped")


def records(tmp_path: Path, **pushes: PushRecord) -> Path:
    for unit, record in pushes.items():
        record.write(tmp_path / "records" / unit / "push.json")
    return tmp_path


def rehearsed(would: dict[str, Action]) -> PushRecord:
    return PushRecord(state="rehearsed", would=would)


def test_sessions_are_counted_by_what_became_of_their_push(tmp_path: Path) -> None:
    results = records(tmp_path, a=DONE, b=DONE, c=SKIPPED, project=DONE)
    assert summary(results) == ["  pushed     2 sessions done, 1 session skipped"]


def test_without_pushes_nothing_is_said(tmp_path: Path) -> None:
    assert summary(tmp_path) == []


def test_what_was_left_alone_is_named(tmp_path: Path) -> None:
    left = ForeignFiles(resource="NIFTI", scan="4")
    results = records(tmp_path, a=PushRecord(state="done", left=(left,)))
    assert summary(results)[1] == (
        "  a: left alone: NIFTI of scan 4: somebody else's files are there"
    )


def test_a_dry_push_is_a_table_of_what_would_change(tmp_path: Path) -> None:
    would: dict[str, Action] = {
        "qc.json": "unchanged", "report.html": "replace", "assessor": "create"
    }  # fmt: skip
    results = records(tmp_path, a=rehearsed(would))
    assert [" ".join(line.split()) for line in summary(results)] == [
        "dry push create 1, replace 1, unchanged 1; nothing was written to the archive",
        "a replace report.html",
        "a create assessor",
    ]


def test_a_long_table_is_cut_and_says_where_the_rest_is(tmp_path: Path) -> None:
    would: dict[str, Action] = {f"{number}.png": "create" for number in range(50)}
    lines = summary(records(tmp_path, a=rehearsed(would)))
    assert len(lines) == 22
    assert lines[-1].strip() == "and 30 more, in records/*/push*.json"


def test_copies_in_another_project_are_counted_and_those_taken_back_named(tmp_path: Path) -> None:
    DONE.write(tmp_path / "records" / "a" / "push_dicom.json")
    left = ForeignSession(session="x_z")
    gone = PushRecord(state="done", removed=("x_y",), left=(left,))
    gone.write(tmp_path / "records" / "project" / "withdraw_dicom.json")
    assert summary(tmp_path) == [
        "  copied     1 session done",
        "  taken back x_y removed from the other project",
        "  taken back x_z: the session: somebody else's data are there; ask for their removal",
    ]
