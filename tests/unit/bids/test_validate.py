"""The verdict on a dataset covers all of it, however large it is."""

from pathlib import Path

from coil.bids.validate import validate
from coil.files import write_json, write_text


def test_a_dataset_of_more_than_a_thousand_participants_is_valid(tmp_path: Path) -> None:
    participants = [f"sub-{number:04}" for number in range(1001)]
    write_json(tmp_path / "dataset_description.json", {"Name": "Many", "BIDSVersion": "1.10.0"})
    write_text(tmp_path / "participants.tsv", "\n".join(["participant_id", *participants, ""]))
    for name in participants:
        write_text(tmp_path / name / "beh" / f"{name}_task-press_beh.tsv", "trial\n1\n")
    assert validate(tmp_path).errors == 0
    write_text(tmp_path / "participants.tsv", "\n".join(["participant_id", *participants[:-1], ""]))
    assert validate(tmp_path).errors == 1
