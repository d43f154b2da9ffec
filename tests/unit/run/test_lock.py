"""What a lock tells of a run, and what it says of another."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from coil.errors import ConfigError
from coil.records.listing import ListedSession, Scan
from coil.records.lock import Lock, read_lock
from coil.run import lock, lock_digests
from coil.workspace import Private

LOCK = Lock(
    project="study",
    commit="abc",
    config={"bids.mapping": "1", "deface": "2"},
    code={"convert": "3"},
    versions={"dcm2niix": "1.0", "anonymize/numpy": "2.0"},
    secret="4",
    archive={"sub-a_ses-b": "5", "sub-a_ses-b, files": "6", "subjects": "7"},
    datasets={"bids": "8"},
)


def test_a_lock_differs_from_itself_in_nothing() -> None:
    assert lock.differences(LOCK, LOCK) == []


@pytest.mark.parametrize(
    ("section", "value", "told"),
    [
        ("config", {"bids.mapping": "x", "deface": "2"}, "the config's bids.mapping"),
        ("config", {"bids.mapping": "1"}, "the config's deface"),
        ("code", {"convert": "x"}, "the code of convert"),
        (
            "versions",
            {"dcm2niix": "1.0", "anonymize/numpy": "2.1"},
            "anonymize: numpy 2.1, locked 2.0",
        ),
        ("versions", {"dcm2niix": "1.0"}, "anonymize: numpy not there, locked 2.0"),
        ("secret", "x", "the secret behind the pseudonyms"),
        (
            "archive",
            {"sub-a_ses-b": "x", "sub-a_ses-b, files": "6", "subjects": "7"},
            "sub-a_ses-b in the archive",
        ),
        (
            "archive",
            {"subjects": "7", "sub-a_ses-b": "5"},
            "sub-a_ses-b, files in the archive (gone)",
        ),
        ("datasets", {"bids": "x"}, "the bytes of bids"),
    ],
)
def test_what_differs_is_named(section: str, value: Any, told: str) -> None:
    assert lock.differences(LOCK, replace(LOCK, **{section: value})) == [told]


def test_what_is_not_known_yet_is_not_compared() -> None:
    assert lock.differences(LOCK, Lock(project="study", config=LOCK.config)) == []


def test_a_refusal_names_the_lock_what_differs_and_the_commit_to_go_back_to() -> None:
    with pytest.raises(ConfigError) as error:
        lock.refuse(replace(LOCK, source="a.yaml"), ["the config's deface"])
    assert str(error.value) == (
        "locked: a.yaml: differs: the config's deface; go back to what the lock names "
        "(commit abc), or run without `locked`"
    )


def test_the_digest_of_a_tree_is_that_of_the_list_that_sha256sum_makes(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "two").write_text("2")
    (tmp_path / "one").write_text("1")
    listed = subprocess.check_output(["sha256sum", "b/two", "one"], cwd=tmp_path)
    told = subprocess.check_output(["sha256sum"], input=listed).split()[0].decode()
    assert lock_digests.tree_digest(tmp_path, {}) == told


def test_who_has_no_secret_cannot_tell_a_session_by_its_digest(tmp_path: Path) -> None:
    ListedSession(scans=(Scan("1"),)).write(tmp_path / "sessions" / "sub-a_ses-b.json")
    told = {
        lock_digests.listed(Private(tmp_path), "sub-a_ses-b", secret)
        for secret in (b"one" * 20, b"two" * 20)
    }
    assert len(told) == 2


@pytest.mark.parametrize("text", ["", "- a list", "project: study", "\tnot: yaml: at all"])
def test_a_file_that_is_no_lock_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.lock.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="not a lock"):
        read_lock(path)


def test_a_lock_of_a_project_that_the_config_does_not_know_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.lock.yaml"
    path.write_text(LOCK.as_result("here"))
    with pytest.raises(ConfigError, match="a lock of study, which is no project of this config"):
        lock.read_all([str(path)], ["other"])
