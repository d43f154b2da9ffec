"""One session as the simulation sees it: who, which head, how it lies, what goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from demo import bold, people, protocol
from demo.dicom import Series, uid
from demo.head import Head, Volume, epi_contrast, resample
from demo.motion import rigid
from demo.paths import StudyFolder

Array = NDArray[np.floating]
Truth = dict[str, object]

TAP, TONE = "tap", "tone"
_FINE_MM = 2.0
_FINE_SHAPE = (116, 132, 76)


@dataclass(frozen=True)
class Planted:
    """Whether anything is out of the ordinary in a session."""

    aborted: bool = False
    restless: bool = False
    unmapped: bool = False


@dataclass(frozen=True)
class View:
    """The head on a fine grid along the axes of the echo planar slices.

    Attributes:
        t1, brain: as in `demo.head.Head`.
        epi: T2*-like contrast, not distorted.
        affine: voxel to scanner RAS, mm.
        points: sparse coordinates of the grid, mm from its middle.
        distortions: by the direction of the phase encoding, AP or PA.
    """

    t1: Volume
    brain: Volume
    epi: Volume
    affine: Array
    points: tuple[Volume, ...]
    distortions: dict[str, bold.Distortion]

    def sample(self, image: Volume, affine: Array, shape: tuple[int, ...]) -> Volume:
        """``image`` on another grid, given by its voxel to scanner affine."""
        return resample(image, self.affine, shape, affine)


@dataclass(frozen=True)
class Session:
    """All that the series of a session have in common.

    Attributes:
        pose: head frame to scanner RAS, mm; (4, 4).
        slices: frame of the echo planar slices to scanner RAS, mm; (4, 4).
        rng: decides the noise and the motion.
        begin: takes a series' length in seconds and gives its start.
        folder, truth_folder: where DICOM files and masks go.
        root: what paths in the truth are relative to.
    """

    visit: people.Visit
    head: Head
    pose: Array
    slices: Array
    planted: Planted
    events: list[bold.Event]
    rng: np.random.Generator
    begin: Callable[[float], datetime]
    root: Path

    @cached_property
    def common(self) -> Dataset:
        """The attributes that every header has."""
        return people.headers(self.visit)

    @cached_property
    def view(self) -> View:
        """The head as echo planar runs see it."""
        grid = protocol.centred(_FINE_SHAPE, np.eye(3) * _FINE_MM)
        affine = self.slices @ grid
        to_head = np.linalg.solve(self.pose, affine)
        t1, brain = (
            resample(image, self.head.affine, _FINE_SHAPE, to_head)
            for image in (self.head.t1, self.head.brain)
        )
        axes = [grid[a, a] * np.arange(n) + grid[a, 3] for a, n in enumerate(_FINE_SHAPE)]
        points = tuple(np.meshgrid(*map(np.float32, axes), indexing="ij", sparse=True))
        distortions = {
            direction: bold.distortion(points, sign, _FINE_MM)
            for direction, sign in (("AP", 1), ("PA", -1))
        }
        epi = epi_contrast(t1, brain, _FINE_MM)
        return View(t1, brain, epi, affine, points, distortions)

    @property
    def folder(self) -> Path:
        return StudyFolder(self.root).dicom(self.visit.person.label, self.visit.label)

    @property
    def truth_folder(self) -> Path:
        return StudyFolder(self.root).masks(self.visit.person.label, self.visit.label)


def new_session(
    visit: people.Visit, head: Head, planted: Planted, root: Path, seed: int
) -> Session:
    """Decide how the head lies and when the task's blocks come, from the seed and the visit."""
    rng = np.random.default_rng([seed, visit.person.number, visit.number])
    off = np.concatenate([rng.uniform(-2, 2, 3), np.radians(rng.uniform(-3, 3, 3))])
    tilt = np.array([0, 0, 0, np.radians(rng.uniform(2, 8)), 0, 0])
    first = int(rng.integers(2))
    events = [
        bold.Event(round(6 + 20 * k + rng.uniform(-1, 1), 1), 10.0, (TAP, TONE)[(k + first) % 2])
        for k in range(6)
    ]
    pose = rigid(off)
    begin = protocol.clock(visit.start)
    return Session(visit, head, pose, pose @ rigid(tilt), planted, events, rng, begin, root)


def describe(session: Session, series: Series, **more: object) -> Truth:
    """The part of a series' truth that all kinds share; ``more`` is added."""
    folder = session.folder / folder_name(series)
    return {
        "number": series.number,
        "description": series.description,
        "folder": folder.relative_to(session.root).as_posix(),
        "series_uid": str(uid(session.visit.study_uid, series.number)),
        "acquired": series.start.isoformat(),
        **more,
    }


def folder_name(series: Series) -> str:
    return f"{series.number:03d}-{series.description}"
