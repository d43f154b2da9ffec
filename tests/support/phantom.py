"""A head of known motion for the tests of the numbers: analytic, so nothing is interpolated."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np

from coil.imaging import motion

BLOBS = np.random.default_rng(1).uniform(-1, 1, size=(40, 4))


def affine(shape, spacing, tilt=(0.0, 0.0, 0.0)):
    """Voxels to mm with the origin in the middle of the grid, tilted by `tilt` radians."""
    result = np.eye(4)
    result[:3, :3] = motion.rotation(np.array(tilt)) @ np.diag(spacing)
    result[:3, 3] = -result[:3, :3] @ ((np.array(shape) - 1) / 2)
    return result


def head(shape, spacing, position=None, tilt=(0.0, 0.0, 0.0)):
    """The head (x, y, z) at `position`, six parameters as `coil.imaging.motion` has them."""
    position = np.zeros(6) if position is None else position
    grid = affine(shape, spacing, tilt)
    points = grid[:3, :3] @ np.indices(shape).reshape(3, -1) + grid[:3, 3:]
    points = motion.rotation(position[3:]).T @ (points - position[:3, None])
    radius = np.sqrt(np.sum((points / np.array([[62.0], [76.0], [60.0]])) ** 2, axis=0))
    value = 600 / (1 + np.exp((radius - 1) * 9))
    for x, y, z, strength in BLOBS:
        centre = np.array([[x * 35], [y * 45], [z * 32]])
        value += strength * 260 * np.exp(-np.sum((points - centre) ** 2, axis=0) / 200)
    return np.maximum(value, 0).reshape(shape)


def noisy(image, deviation, seed=0):
    """`image` as a magnitude with complex Gaussian noise, so Rayleigh where it is 0."""
    rng = np.random.default_rng(seed)
    return np.hypot(
        image + rng.normal(scale=deviation, size=image.shape),
        rng.normal(scale=deviation, size=image.shape),
    )


def walk(count, seed=0, jump=None):
    """Six parameters (t, 6): a small random walk, with one `jump` in the middle."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(count, 6)) * np.array([0.04] * 3 + [0.0006] * 3)
    if jump is not None:
        steps[count // 3] += jump
    path = np.cumsum(steps, axis=0)
    return path - path[count // 2]


def series(shape, spacing, path, deviation=2.0, tilt=(0.0, 0.0, 0.0)):
    """The head moving along `path` (t, 6) with noise, (x, y, z, t) as 16-bit integers."""
    volumes = [head(shape, spacing, position, tilt) for position in path]
    return noisy(np.stack(volumes, axis=-1), deviation).astype(np.int16)


def save(path: Path, data, spacing, sidecar=None, tr=None):
    """Write an image and its sidecar as dcm2niix would leave them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(data, affine(data.shape[:3], spacing))
    image.header.set_xyzt_units("mm", "sec")
    if tr:
        image.header["pixdim"][4] = tr
    nib.save(image, path)
    path.with_name(path.name.split(".")[0] + ".json").write_text(json.dumps(sidecar or {}))


def dataset(bids: Path, subject="A7KQ", session="1") -> list[str]:
    """A session with T1w, bold, dwi and a field map; the names of its files."""
    folder = bids / f"sub-{subject}" / f"ses-{session}"
    stem = f"sub-{subject}_ses-{session}"
    t1 = noisy(head((60, 72, 60), (3.0, 3.0, 3.0)), 12).astype(np.int16)
    save(folder / f"anat/{stem}_T1w.nii.gz", t1, (3, 3, 3), {"RepetitionTime": 2.3})
    path = walk(14, jump=np.array([0.5, 0.2, 0.3, 0.004, 0.002, 0.0]))
    bold = series((40, 48, 20), (4.5, 4.5, 6.0), path)
    protocol = {"RepetitionTime": 2.0, "EchoTime": 0.03, "TaskName": "rest"}
    save(folder / f"func/{stem}_task-rest_bold.nii.gz", bold, (4.5, 4.5, 6), protocol, 2.0)
    (folder / f"func/{stem}_task-rest_events.tsv").write_text("onset\tduration\n1\t1\n")
    bvalues = np.array([0] + [1000] * 7)
    vectors = np.random.default_rng(3).normal(size=(8, 3)) * (bvalues[:, None] > 0)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    dwi = (bold[..., :8] * np.exp(-bvalues * 0.0007)).astype(np.int16)
    save(folder / f"dwi/{stem}_dwi.nii.gz", dwi, (4.5, 4.5, 6), {"EchoTime": 0.08}, 4.0)
    (folder / f"dwi/{stem}_dwi.bval").write_text(" ".join(map(str, bvalues)) + "\n")
    np.savetxt(folder / f"dwi/{stem}_dwi.bvec", vectors.T, fmt="%.6f")
    save(folder / f"fmap/{stem}_dir-AP_epi.nii.gz", bold[..., 0], (4.5, 4.5, 6))
    return sorted(p.relative_to(bids).as_posix() for p in folder.rglob("*") if p.is_file())
