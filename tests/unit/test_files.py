"""Files that are published."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from coil.files import link, publish
from coil.workspace import SCRIPTS
from tests.unit.test_programs import NAMESPACES

SCANNED = 1_710_201_600  # 2024-03-12
LAST = 946_684_800 + (1 << 28)


def published(root: Path, text: str) -> Path:
    source, dataset = root / "candidate", root / "bids"
    (source / "anat").mkdir(parents=True)
    (source / "anat" / "image.nii.gz").write_text(text)
    os.utime(source / "anat" / "image.nii.gz", (SCANNED, SCANNED))
    publish(source, dataset / "sub-a" / "ses-b", dataset, 0o022)
    return dataset


def test_the_time_of_a_published_file_or_folder_is_not_that_of_its_making(tmp_path: Path):
    dataset = published(tmp_path, "voxels")
    made = [dataset / "sub-a", *(dataset / "sub-a").rglob("*")]
    assert len(made) == 4
    assert all(path.stat().st_mtime < LAST for path in made)


def test_the_time_follows_from_the_bytes(tmp_path: Path):
    times = [
        next(published(tmp_path / str(number), text).rglob("*.gz")).stat().st_mtime
        for number, text in enumerate(("voxels", "voxels", "VOXELS"))
    ]
    assert times[0] == times[1] != times[2]


@pytest.fixture
def other_disk() -> Iterator[Path]:
    """A folder on another file system than the tests' own."""
    shared = Path("/dev/shm")
    with TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)


def test_a_folder_is_published_on_another_file_system_as_on_its_own(
    tmp_path: Path, other_disk: Path
) -> None:
    if other_disk.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system here")
    same = published(tmp_path / "same", "voxels")
    source = tmp_path / "candidate"
    (source / "anat").mkdir(parents=True)
    (source / "anat" / "image.nii.gz").write_text("voxels")
    (other_disk / "bids" / "sub-a" / ".ses-b.moving-0123").mkdir(parents=True)  # of a killed job
    publish(source, other_disk / "bids" / "sub-a" / "ses-b", other_disk / "bids", 0o022)
    assert tree(other_disk / "bids") == tree(same)
    assert not source.exists()


@pytest.mark.skipif(NAMESPACES.returncode != 0, reason="no namespaces to mount a folder in")
def test_a_folder_is_published_on_another_mount_of_the_same_disk(tmp_path: Path) -> None:
    published(tmp_path, "before")
    source = tmp_path / "next"
    source.mkdir()
    (source / "image.nii.gz").write_text("after")
    publishing = (
        "import sys; from pathlib import Path; from coil.files import publish; "
        "root = Path(sys.argv[1]); "
        "publish(root / 'next', root / 'bids' / 'sub-a' / 'ses-b', root / 'bids', 0o022)"
    )
    mounted = f'mount --bind "$1/bids" "$1/bids" && exec {sys.executable} -c "$0" "$@"'
    subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", mounted, publishing, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(SCRIPTS)},
        check=True,
    )
    there = tmp_path / "bids" / "sub-a" / "ses-b"
    assert [path.name for path in there.iterdir()] == ["image.nii.gz"]
    assert (there / "image.nii.gz").read_text() == "after"


def test_a_link_is_a_copy_on_another_file_system(tmp_path: Path, other_disk: Path) -> None:
    (tmp_path / "one").write_text("voxels")
    link(tmp_path / "one", tmp_path / "two")
    link(tmp_path / "one", other_disk / "two")
    assert (tmp_path / "two").samefile(tmp_path / "one")
    assert (other_disk / "two").read_text() == "voxels"
    with pytest.raises(FileExistsError):
        link(tmp_path / "one", tmp_path / "two")


def tree(root: Path) -> dict[str, tuple[int, float, bytes]]:
    """Mode, time and bytes of all below a folder, by name."""
    return {
        path.relative_to(root).as_posix(): (
            path.stat().st_mode,
            path.stat().st_mtime,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in root.rglob("*")
    }
