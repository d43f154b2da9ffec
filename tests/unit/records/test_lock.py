"""The lock's file: its form, and that of the lock that a project is rerun from."""

from pathlib import Path

from coil.records.lock import Lock, read_lock

LOCK = Lock(
    project="study", coil="0.1", commit=None, config={"deface": "2"}, archive={"sub-a_ses-b": "5"}
)


def test_a_lock_is_read_as_it_was_written_and_says_how_to_rerun_from_it(tmp_path: Path) -> None:
    path = tmp_path / "run.lock.yaml"
    path.write_text(LOCK.as_result(str(path)))
    assert read_lock(path) == LOCK
    assert f"snakemake --config locked={path}\nproject: study\n" in path.read_text()


def test_a_lock_with_a_section_of_another_version_is_still_one(tmp_path: Path) -> None:
    path = tmp_path / "run.lock.yaml"
    path.write_text(LOCK.as_text() + "weather: {today: fine}\n")
    assert read_lock(path) == LOCK


def test_a_lock_that_is_kept_for_the_jobs_is_private_and_says_where_it_came_from(
    tmp_path: Path,
) -> None:
    kept = tmp_path / "study" / "locked.yaml"
    Lock(project="study", config={}, archive={}, source="old/run.lock.yaml").keep(kept)
    assert read_lock(kept).source == "old/run.lock.yaml"
    assert "place: old/run.lock.yaml" in kept.read_text()  # as of earlier versions
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
