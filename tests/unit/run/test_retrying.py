"""Which failures are tried again, and what is said of them."""

from pathlib import Path

import pytest

from coil.files import write_json
from coil.run.retrying import to_try_again

RECORDS = {
    "done": {"state": "done", "retry": False},
    "away": {"state": "failed", "retry": True},
    "corrupt": {"state": "failed", "retry": False},
    "waits": {"state": "skipped", "retry": True},
    "shown": {"state": "rehearsed"},
    "partly": {"state": "done", "series": [{"state": "failed"}]},
}


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    monkeypatch.chdir(tmp_path)
    for name, record in RECORDS.items():
        write_json(tmp_path / f"{name}.json", record)
    return {"study": [str(tmp_path / f"{name}.json") for name in (*RECORDS, "absent")]}


@pytest.mark.parametrize(
    ("retry", "again", "failed"),
    [
        ("transient", {"shown", "away", "waits"}, 2),
        ("all", {"shown", "away", "waits", "corrupt"}, 3),
        ("none", {"shown"}, 0),
    ],
)
def test_what_is_tried_again_is_told_but_for_what_was_only_rehearsed(
    records: dict[str, list[str]],
    retry: str,
    again: set[str],
    failed: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = to_try_again(records, retry, dry=False)
    assert {Path(path).stem for path in found} == again
    told = f"study: {failed} failed before, tried again\n" if failed else ""
    assert capsys.readouterr().err == told
    assert all(Path(path).exists() for path in found)


def test_nothing_is_said_to_be_tried_while_another_invocation_works_here(
    records: dict[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    Path(".snakemake/locks").mkdir(parents=True)
    Path(".snakemake/locks/0.input.lock").touch()
    assert to_try_again(records, "all", dry=False) == []
    assert capsys.readouterr().err == ""
