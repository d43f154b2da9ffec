"""Who may look into localxnat's folder, and what it unpacks, by the options of `serve`."""

import errno
import io
import os
import stat
import zipfile
from pathlib import Path

import pytest

from localxnat.__main__ import main
from localxnat.storage.store import Store
from localxnat.testing import import_dicom, running
from localxnat.tests.support import Raw, write_dicom


def open_to_others(root: Path) -> dict[str, str]:
    """The folder and the files in it that group or others have a right to, with their modes."""
    return {
        str(path.relative_to(root)): stat.filemode(path.stat().st_mode)
        for path in [root, *root.rglob("*")]
        if path.stat().st_mode & 0o077
    }


@pytest.fixture
def loose(tmp_path: Path) -> Path:
    """An archive's folder as one makes it who thinks of nobody else."""
    root = tmp_path / "root"
    before = os.umask(0o022)
    try:
        root.mkdir(mode=0o755)
        for name in ("access.log", "localxnat.sqlite3"):
            (root / name).touch(0o644)
    finally:
        os.umask(before)
    assert open_to_others(root)
    return root


def test_folder_database_and_logs_are_the_owners_alone(loose: Path, tmp_path: Path) -> None:
    write_dicom(tmp_path / "dicom" / "1.dcm", 1, "one", "1", "1.2.840.10008.5.1.4.1.1.4", "MR", 1)
    import_dicom(loose, "P", "S", "E", tmp_path / "dicom")
    with running(loose) as server:
        raw = Raw(server)
        raw("PUT", "/data/projects/P/resources/R/files/deep/a.txt", data=b"text")
        raw("PUT", "/data/user/cache/resources/R/files/a.txt", data=b"text")
        query = {"project": "P", "dest": "/prearchive"}
        data = (tmp_path / "dicom" / "1.dcm").read_bytes()
        assert raw("POST", "/data/services/import", params=query, data=data).ok
        assert len(server.requests()) >= 3
        assert open_to_others(loose) == {}


def test_a_store_that_is_opened_by_itself_is_the_owners_alone(loose: Path) -> None:
    Store(loose).database.connection.execute("SELECT 1 FROM objects").fetchall()
    (loose / "access.log").unlink()
    assert open_to_others(loose) == {}


def test_a_folder_of_somebody_else_is_refused_in_one_line(
    loose: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(path: Path, mode: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", str(path))

    before = os.umask(0o022)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(Path, "chmod", refuse)
            words = ["import", str(loose), "--project", "P", "--subject", "S", "--session", "E"]
            assert main([*words, str(loose)]) == 1
    finally:
        os.umask(before)
    said = capsys.readouterr().err
    assert said == f"localxnat: {loose}: Operation not permitted; name a folder of your own.\n"


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ([], 200),
        (["--unpack-size", "1000", "--unpack-ratio", "2"], 400),
        (["--unpack-size", "1000", "--unpack-ratio", "10000"], 200),
        (["--unpack-files", "2"], 400),
    ],
)
def test_the_options_say_what_an_upload_unpacks_to(
    tmp_path: Path, options: list[str], status: int
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"{number}.txt", bytes(100_000))
    with running(tmp_path / "root", options=options) as server:
        raw = Raw(server)
        raw("PUT", "/data/projects/P")
        path = "/data/projects/P/resources/R/files/up.zip?extract=true"
        assert raw("PUT", path, data=packed.getvalue()).status_code == status
        assert len(raw.rows("/data/projects/P/files")) == (3 if status == 200 else 0)
