"""A draft of a project's config is proposed from its archive, and nothing is overwritten."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from coil.errors import ArchiveError, ConfigError
from coil.start.draft import propose
from localxnat.testing import Server, seed
from localxnat.tests.support import Raw
from tests.support.archives import served_study

DRAFT = Path("config") / "projects" / "P.yaml"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the project P of one real session, EMPTY without any, and MANY of 20."""
    folder = tmp_path_factory.mktemp("archive")
    seed(folder / "root", "MANY", 20)
    with served_study(folder) as server:
        raw = Raw(server)
        assert raw("PUT", "/data/projects/EMPTY").ok
        yield server


@pytest.fixture(autouse=True)
def login(archive: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XNAT_USER", archive.user)
    monkeypatch.setenv("XNAT_PASS", archive.password)
    monkeypatch.delenv("XNAT_HOST", raising=False)


def mapping(root: Path, project: str = "P") -> list[dict]:
    text = (root / "config" / "projects" / f"{project}.yaml").read_text()
    return yaml.safe_load(text)["bids"]["mapping"]


def test_the_draft_names_what_the_archive_lists(archive: Server, tmp_path: Path) -> None:
    propose(tmp_path, archive.url, "MANY", headers=False)
    targets = {
        rule["match"]["series_description"]: rule.get("to", rule.get("ignore"))
        for rule in mapping(tmp_path, "MANY")
        if "image_type" not in rule["match"]
    }
    assert targets["^T1w_MPRAGE$"] == "anat/T1w"
    assert targets["^task-nback$"] == "func/bold"
    assert targets["^localizer$"] == "planning scan"


def test_the_whole_project_is_one_listing(archive: Server, tmp_path: Path) -> None:
    before = len(archive.requests())
    propose(tmp_path, archive.url, "MANY", headers=False)
    asked = [line for line in archive.requests()[before:] if "/experiments?" in line]
    assert len(asked) == 1


def test_headers_are_looked_at_and_not_kept(archive: Server, tmp_path: Path) -> None:
    propose(tmp_path, archive.url, "P", headers=True)
    assert "by name and header" in (tmp_path / DRAFT).read_text()
    assert list((tmp_path / "private").iterdir()) == []
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o700


def test_what_is_said_next_leads_to_the_preview(
    archive: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    propose(tmp_path, archive.url, "P", headers=False)
    assert yaml.safe_load((tmp_path / "config" / "config.yaml").read_text()) == {
        "projects": [str(DRAFT)]
    }
    told = capsys.readouterr().out
    assert told.rstrip().endswith("--cores 1 preview")
    assert "mprage" not in told and "Doe" not in told


def test_a_config_that_is_there_is_left_alone(
    archive: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config" / "config.yaml"
    config.parent.mkdir()
    config.write_text("projects: []  # mine\n")
    propose(tmp_path, archive.url, "P", headers=False)
    assert config.read_text() == "projects: []  # mine\n"
    assert f"projects: [{DRAFT}]" in capsys.readouterr().out


def test_a_draft_that_came_to_be_meanwhile_is_not_overwritten(
    archive: Server, tmp_path: Path
) -> None:
    (tmp_path / DRAFT).parent.mkdir(parents=True)
    (tmp_path / DRAFT).write_text("mine")
    with pytest.raises(ConfigError, match="left alone"):
        propose(tmp_path, archive.url, "P", headers=False)
    assert (tmp_path / DRAFT).read_text() == "mine"
    assert list((tmp_path / DRAFT).parent.iterdir()) == [tmp_path / DRAFT]


@pytest.mark.parametrize(
    ("project", "message"),
    [("NOPE", "the archive has no such project"), ("EMPTY", "holds no imaging session")],
)
def test_a_project_without_sessions_is_one_clear_line(
    archive: Server, tmp_path: Path, project: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        propose(tmp_path, archive.url, project, headers=False)
    assert not (tmp_path / "config").exists()


def test_without_a_server_it_says_where_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="XNAT_HOST"):
        propose(tmp_path, "", "P", headers=False)


def test_a_draft_is_written_where_no_hard_link_can_be(
    archive: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    propose(tmp_path, archive.url, "P", headers=False)
    assert [path.name for path in (tmp_path / DRAFT).parent.iterdir()] == ["P.yaml"]
