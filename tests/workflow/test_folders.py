"""The workflow works in any folder, on any file systems: names with blanks, a dash, umlauts."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from coil.files import sha256
from coil.workspace import ZONES
from tests.unit.test_programs import NAMESPACES
from tests.workflow.lab import Lab, Run

pytestmark = pytest.mark.workflow


@dataclass
class WithDisk(Lab):
    """A lab that sees a disk of its own at the folder `disk`, as long as an invocation lasts."""

    @property
    def interpreter(self) -> str:
        path = self.root / "python"
        mounted = f'mount -t tmpfs tmpfs "{self.root}/disk" && exec "$0" "$@"'
        path.write_text(
            f"#!/bin/sh\nexec unshare --map-root-user --mount sh -c {shlex.quote(mounted)} "
            f'{sys.executable} "$@"\n'
        )
        path.chmod(0o700)
        return str(path)


@pytest.mark.skipif(NAMESPACES.returncode != 0, reason="no namespaces to mount a disk in")
def test_each_zone_may_be_a_link_and_the_quarantine_another_file_system(
    fresh: Lab, first_run: tuple[Lab, Run], tmp_path: Path
) -> None:
    lab = WithDisk(fresh.copy(tmp_path / "-ein Ordner, übrigens").root, called_from=tmp_path)
    (lab.root / "disk").mkdir()
    (lab.work / "quarantine").symlink_to(lab.root / "disk")
    for zone in ("private", "results"):
        (lab.root / f"disk of {zone}").mkdir()
        (lab.work / zone).symlink_to(lab.root / f"disk of {zone}")
    with lab.open():
        run = lab.snakemake("bids")
    assert run.status == 0, run.output
    assert "2 of 2 sessions done" in run.output
    assert all((lab.work / zone).is_symlink() for zone in ZONES)
    # The lab's secret is its own, and so are the pseudonyms in the names.
    assert images(lab) == images(first_run[0])
    assert not any((lab.root / "disk").iterdir())


def images(lab: Lab) -> list[str]:
    """The digests of the images of a lab's dataset, sorted."""
    return sorted(map(sha256, (lab.results / "bids").glob("sub-*/ses-*/*/*.nii.gz")))
