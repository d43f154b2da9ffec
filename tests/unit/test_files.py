"""Files that are published."""

import os
from pathlib import Path

from coil.files import publish

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
