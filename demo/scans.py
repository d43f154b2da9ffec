"""The series of a session, one function each: simulate, write the DICOM, return the truth."""

from __future__ import annotations

from dataclasses import replace

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from demo import bold, diffusion, people, protocol
from demo.dicom import Series, write_series
from demo.head import Volume, resample
from demo.motion import framewise_displacement, head_motion
from demo.session import TAP, TONE, Array, Session, Truth, describe, folder_name

M1, SMA = (-36.0, -6.0, 38.0), (-3.0, 4.0, 44.0)  # mm from the middle of the slices
PEAK = 0.03  # relative signal change in the left hand area; half as much in the midline
FWHM_MM = 14.0
T1_SIGNAL = 900.0  # stored integer of white matter
NOISE = 12.0
JUMP = {40: 1.2}  # volume: size in mm of the restless run's nod
DROP = {20: 0.15}  # volume: fraction of the signal lost, same run


def write_session(session: Session) -> list[Truth]:
    """Write every series; the truth of each, in order of acquisition."""
    truths = [
        _localizer(session, 1),
        _t1w(session, 2),
        _field_map(session, 3, "AP"),
        _field_map(session, 4, "PA"),
    ]
    if session.planted.aborted:
        truths.append(_bold(session, len(truths) + 1, protocol.ABORTED_VOLUMES))
    truths.append(_bold(session, len(truths) + 1, protocol.VOLUMES))
    field = diffusion.tensor(session.view.t1, session.view.points)
    truths.append(_dwi(session, len(truths) + 1, field))
    truths.append(_adc(session, len(truths) + 1, field))
    if session.planted.unmapped:
        truths.append(_unmapped(session, len(truths) + 1))
    return truths


def _localizer(session: Session, number: int) -> Truth:
    """Three thick slices through the middle: axial, sagittal, coronal."""
    left, back, up = np.array([-1.0, 0, 0]), np.array([0, -1.0, 0]), np.array([0, 0, 1.0])
    planes = [(left, back, up), (back, -up, -left), (left, -up, -back)]
    shape = (128, 128, 1)
    series = Series(
        number,
        protocol.LOCALIZER,
        ("ORIGINAL", "PRIMARY", "M", "NONE"),
        np.eye(4),
        session.begin(9),
        duration=3.0,
        tr=8.6,
        te=4.0,
        flip=20,
        sequence="*fl2d1",
    )
    for index, (columns, rows, normal) in enumerate(planes):
        grid = protocol.centred(shape, np.stack([columns * 2, rows * 2, normal * 8], axis=1))
        series = replace(series, affine=session.pose @ grid)
        image = resample(session.head.t1, session.head.affine, shape, grid)
        volume = bold.magnitude(image * T1_SIGNAL, NOISE, session.rng)
        folder = session.folder / folder_name(series)
        write_series(folder, series, [volume], session.common, first=index)
    return describe(session, series, volumes=3, state="ignored", bids=None)


def _t1w(session: Session, number: int) -> Truth:
    """Sagittal, with the face."""
    head = session.head
    # columns run to the back, rows downwards, slices to the right
    turn = np.zeros((4, 4))
    turn[1, 0], turn[2, 1], turn[0, 2], turn[3, 3] = -1, -1, 1, 1
    turn[1, 3], turn[2, 3] = head.t1.shape[1] - 1, head.t1.shape[2] - 1
    series = Series(
        number,
        protocol.T1W,
        ("ORIGINAL", "PRIMARY", "M", "NONE"),
        session.pose @ head.affine @ turn,
        session.begin(242),
        duration=242,
        tr=2300,
        te=2.98,
        flip=9,
        sequence="*tfl3d1_16ns",
        inversion_time=900,
        comment=people.image_comment(session.visit),
    )
    image = head.t1.transpose(1, 2, 0)[::-1, ::-1]
    volume = bold.magnitude(image * T1_SIGNAL, NOISE, session.rng)
    return _write(session, series, [volume], "anat/T1w")


def _field_map(session: Session, number: int, direction: str) -> Truth:
    """Two spin-echo volumes whose phase encoding runs the way ``direction`` says."""
    series = protocol.epi_series(
        number,
        protocol.FIELD_MAP[direction],
        session.slices @ protocol.axial(protocol.EPI_SHAPE, protocol.EPI_MM),
        session.begin(16),
        duration=8.0,
        tr=8000.0,
        te=66.0,
        flip=90.0,
        phase_positive=direction == "AP",
        sequence="epse2d1_48",
        slice_times=tuple(4 * t for t in protocol.SLICE_TIMES),
    )
    source = session.view.distortions[direction].apply(session.view.epi)
    still = _sampled(session, source, series) * bold.BRAIN_SIGNAL
    volumes = [bold.magnitude(still, bold.NOISE, session.rng) for _ in range(2)]
    return _write(
        session,
        series,
        volumes,
        f"fmap/dir-{direction}_epi",
        phase_encoding="j-" if direction == "AP" else "j",
    )


def _bold(session: Session, number: int, count: int) -> Truth:
    """A run of the task, whole or aborted."""
    aborted = count < protocol.VOLUMES
    restless = session.planted.restless and not aborted
    jumps, drops = (JUMP, DROP) if restless else ({}, {})
    motion = head_motion(session.rng, count, jumps, 1.6 if restless else 1.0)
    series = protocol.epi_series(
        number,
        protocol.BOLD,
        session.slices @ protocol.axial(protocol.EPI_SHAPE, protocol.EPI_MM),
        session.begin(count * protocol.TR),
        image_type=("ORIGINAL", "PRIMARY", "FMRI", "NONE"),
        slice_times=protocol.SLICE_TIMES,
    )
    view = session.view
    active = bold.blob(view.points, M1, FWHM_MM)
    active = np.maximum(active, 0.5 * bold.blob(view.points, SMA, FWHM_MM)) * view.brain * PEAK
    distort = view.distortions["AP"].apply
    scene = bold.Scene(distort(view.epi), distort(active), view.affine)
    times = np.arange(count)[:, None] * protocol.TR + np.array(protocol.SLICE_TIMES)
    course = bold.response(session.events, TAP, times)
    volumes = bold.acquire(
        scene, series.affine, protocol.EPI_SHAPE, motion, course, session.rng, drops
    )
    mask = _sampled(session, scene.activation, series) > PEAK / 2
    return _write(
        session,
        series,
        volumes,
        f"func/task-{protocol.TASK}_bold",
        state="incomplete" if aborted else "mapped",
        volumes_expected=protocol.VOLUMES,
        phase_encoding="j-",
        repetition_time=protocol.TR,
        slice_times=list(protocol.SLICE_TIMES),
        motion=np.round(motion, 6).tolist(),
        framewise_displacement=np.round(framewise_displacement(motion), 6).tolist(),
        planted={
            "motion_jumps": [{"volume": v, "mm": s} for v, s in jumps.items()],
            "signal_drops": [{"volume": v, "fraction": f} for v, f in drops.items()],
        },
        activation={
            "condition": TAP,
            "null_condition": TONE,
            "peaks": [
                {"scanner_mm": _scanner(session, place), "signal_change": size, "fwhm_mm": FWHM_MM}
                for place, size in ((M1, PEAK), (SMA, PEAK / 2))
            ],
            "mask": _save_mask(session, series, mask),
            "mask_is": "half of the highest peak or more",
        },
        events=[vars(event) for event in session.events],
    )


def _dwi(session: Session, number: int, field: tuple[Volume, Volume, Volume]) -> Truth:
    """Two volumes without and twelve with diffusion weighting."""
    b_values = (0.0,) * protocol.B0_VOLUMES + (protocol.B_VALUE,) * protocol.DIRECTIONS
    vectors = ((0.0, 0.0, 0.0),) * protocol.B0_VOLUMES + diffusion.directions(protocol.DIRECTIONS)
    turned = tuple(tuple(map(float, session.slices[:3, :3] @ v)) for v in vectors)
    series = protocol.epi_series(
        number,
        protocol.DWI,
        session.slices @ protocol.axial(protocol.EPI_SHAPE, protocol.EPI_MM),
        session.begin(len(b_values) * 4.1),
        image_type=("ORIGINAL", "PRIMARY", "DIFFUSION", "NONE"),
        duration=4.1,
        tr=4100.0,
        te=82.0,
        flip=90.0,
        b_values=b_values,
        directions=turned,
        sequence="epse2d1_48",
        slice_times=tuple(round(2.05 * t, 4) for t in protocol.SLICE_TIMES),
    )
    distort = session.view.distortions["AP"].apply
    still = _sampled(session, distort(session.view.epi), series) * bold.BRAIN_SIGNAL
    mean, spread, *main = (_sampled(session, distort(m), series) for m in (*field[:2], *field[2]))
    coarse = (mean, spread, np.stack(main))
    volumes = (
        bold.magnitude(
            still * diffusion.attenuation(coarse, b_value, vector), bold.NOISE, session.rng
        )
        for b_value, vector in zip(b_values, vectors, strict=True)
    )
    return _write(
        session,
        series,
        volumes,
        "dwi/dwi",
        phase_encoding="j-",
        b_values=list(b_values),
        directions_scanner=np.round(turned, 6).tolist(),
    )


def _adc(session: Session, number: int, field: tuple[Volume, Volume, Volume]) -> Truth:
    """The map that the scanner derives: apparent diffusion coefficient, 10^-6 mm^2/s."""
    series = protocol.epi_series(
        number,
        protocol.ADC,
        session.slices @ protocol.axial(protocol.EPI_SHAPE, protocol.EPI_MM),
        session.begin(0),
        image_type=("DERIVED", "PRIMARY", "DIFFUSION", "ADC"),
        duration=4.1,
        tr=4100.0,
        te=82.0,
        flip=90.0,
        sequence="epse2d1_48",
    )
    source = session.view.distortions["AP"].apply(field[0] * session.view.brain)
    volume = np.rint(_sampled(session, source, series) * 1e6).clip(0, 4095).astype(np.uint16)
    return _write(session, series, [volume], None, state="derived")


def _unmapped(session: Session, number: int) -> Truth:
    """A trial of a sequence that the study's rules do not name."""
    shape = (48, 60, 40)
    grid = protocol.axial(shape, protocol.EPI_MM)
    series = Series(
        number,
        protocol.UNMAPPED,
        ("ORIGINAL", "PRIMARY", "M", "NONE"),
        session.pose @ grid,
        session.begin(64),
        duration=64,
        tr=35,
        te=4.9,
        flip=6,
        sequence="*fl3d1",
    )
    image = resample(session.head.t1, session.head.affine, shape, grid)
    volume = bold.magnitude(image * 0.6 * T1_SIGNAL, NOISE, session.rng)
    return _write(session, series, [volume], None, state="unmapped")


def _sampled(session: Session, image: Volume, series: Series) -> Volume:
    return session.view.sample(image, series.affine, protocol.EPI_SHAPE)


def _scanner(session: Session, place: tuple[float, float, float]) -> list[float]:
    """A place in the frame of the slices, in scanner RAS mm."""
    return [round(float(x), 3) for x in (session.slices @ np.array([*place, 1.0]))[:3]]


def _write(session: Session, series: Series, volumes, bids: str | None, **truth: object) -> Truth:
    """Write the files and return the truth."""
    folder = session.folder / folder_name(series)
    shapes = []

    def seen():
        for volume in volumes:
            shapes.append(volume.shape)
            yield volume

    files = write_series(folder, series, seen(), session.common)
    return describe(
        session,
        series,
        **{
            "volumes": len(files),
            "shape": list(shapes[0]),
            "affine": np.round(series.affine, 6).tolist(),
            "state": "mapped",
            "bids": bids,
            **truth,
        },
    )


def _save_mask(session: Session, series: Series, mask: NDArray[np.bool_]) -> str:
    """Store the mask in the order of voxels that dcm2niix gives the run."""
    path = session.truth_folder / f"{folder_name(series)}_activation.nii"
    path.parent.mkdir(parents=True, exist_ok=True)
    affine: Array = protocol.nifti_affine(series, mask.shape[1])
    nib.Nifti1Image(mask[:, ::-1].astype(np.uint8), affine).to_filename(path)
    return path.relative_to(session.root).as_posix()
