"""A score of what must stay: voxels, affines, gradients, and what BIDS asks for of sidecars.

After MIDI-B, whose score counts what was kept beside what was removed, so that deleting all cannot
win. What dcm2niix makes of the untouched series is what could have been kept.
"""

import functools
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from bidsschematools.schema import load_schema

from coil.bids.mapping.mapping import parse
from tests.battery.headers import keywords
from tests.support.nifti import nifti
from tests.support.stages import admit_session, convert_session

GROUPS = {"anat": ("anat", "qmri"), "func": ("func",), "dwi": ("dwi",), "fmap": ("fmap",)}
GROUPS |= {"perf": ("asl",), "pet": ("pet",)}


@dataclass
class Score:
    """What was to be kept, by its kind, and what of it is gone, by its place."""

    wanted: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def note(self, kind: str, kept: bool, place: str) -> None:
        self.wanted[kind] = self.wanted.get(kind, 0) + 1
        if not kept:
            self.lost.append(f"{place}: {kind}")

    @property
    def share(self) -> float:
        return 1 - len(self.lost) / sum(self.wanted.values())


@functools.cache
def asked(datatype: str) -> frozenset[str]:
    """The sidecar keys that BIDS requires or recommends for a data type, and that name nobody by
    the table of PS3.15."""
    rules = load_schema().rules.sidecars
    names = [*(("pet",) if datatype == "pet" else ("mri", *GROUPS[datatype]))]
    found = set()
    for group in (group for name in names for group in rules[name].values()):
        for key, rule in group.fields.items():
            level = rule if isinstance(rule, str) else rule["level"]
            if level in ("required", "recommended"):
                found.add(key)
    return frozenset(found - keywords())


def score(pulled: Path, rules: list[dict[str, Any]], folder: Path) -> Score:
    """Convert and admit a session, and compare it with dcm2niix's own images."""
    names: dict[str, Any] = {"subject": "X", "session": "Y"}
    convert_session(
        pulled, folder / "converted", **names, mapping=parse(rules), policy={},
        scratch=folder / "scratch",
    )  # fmt: skip
    record = admit_session(
        pulled, folder / "converted", folder / "out", **names, secret=b"0123456789abcdef" * 4,
        subject_id="S1",
    )  # fmt: skip
    result = Score()
    for row in record["series"]:
        if row["state"] == "mapped" and row["files"]:
            made = untouched(pulled / row["folder"], folder / "raw" / row["scan"])
            for name in row["files"]:
                if name.endswith(".nii.gz"):
                    _compare(folder / "out" / name, made, result)
    return result


def untouched(series: Path, out: Path) -> list[Path]:
    """The images that dcm2niix makes of a series, identifiers and all."""
    out.mkdir(parents=True)
    program = Path(sys.executable).parent / "dcm2niix"
    command = [program, "-b", "y", "-ba", "n", "-z", "y", "-f", "%s_%p_%e", "-o", out, series]
    subprocess.run(command, capture_output=True, check=False)
    return sorted(out.glob("*.nii.gz"))


def _compare(image: Path, made: list[Path], result: Score) -> None:
    same = [path for path in made if _voxels(path) == _voxels(image)]
    result.note("voxels", bool(same), image.name)
    if not same:
        return
    source = next((path for path in same if _affine(path) == _affine(image)), same[0])
    result.note("affine", _affine(source) == _affine(image), image.name)
    for kind in ("bval", "bvec"):
        theirs, ours = (p.with_name(p.name.replace("nii.gz", kind)) for p in (source, image))
        if theirs.is_file() and "_dwi." in image.name:
            kept = ours.is_file() and np.array_equal(np.loadtxt(theirs), np.loadtxt(ours))
            result.note(kind, kept, image.name)
    theirs, ours = (
        json.loads(p.with_name(p.name.replace("nii.gz", "json")).read_text())
        for p in (source, image)
    )
    for key in sorted(theirs.keys() & asked(image.parent.name)):
        if not _is_measured(theirs[key]):
            continue
        result.note(key, ours.get(key) == theirs[key], image.name)


def _is_measured(value: Any) -> bool:
    """Whether a scanner can have meant a value: for want of one, some write -1.7e38."""
    numbers = value if isinstance(value, list) else [value]
    return all(abs(one) < 1e30 for one in numbers if isinstance(one, float))


def _voxels(path: Path) -> tuple[str, bytes]:
    """The stored numbers and their type."""
    stored = np.asarray(nifti(path).dataobj.get_unscaled())  # type: ignore[attr-defined]
    return stored.dtype.str, stored.tobytes()


def _affine(path: Path) -> bytes:
    return nifti(path).affine.tobytes()
