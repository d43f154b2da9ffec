"""Realignment finds the motion that was simulated; displacement is Power's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from coil.imaging import masks, motion
from tests.support import phantom

small = st.floats(-1.4, 1.4, allow_nan=False)


@given(arrays(float, 3, elements=small))
def test_angles_undo_rotation(turn):
    np.testing.assert_allclose(motion.angles(motion.rotation(turn)), turn, atol=1e-9)


@given(arrays(float, 3, elements=small))
def test_a_rotation_keeps_lengths_and_handedness(turn):
    matrix = motion.rotation(turn)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1)


@pytest.mark.parametrize("tilt", [(0.0, 0.0, 0.0), (0.3, 0.05, -0.1)])
def test_realignment_finds_simulated_motion_to_a_few_hundredths_of_a_millimetre(tilt):
    shape, spacing = (48, 56, 28), (4.0, 4.0, 5.0)
    truth = phantom.walk(16, jump=np.array([0.6, -0.3, 0.4, 0.008, -0.004, 0.006]))
    data = phantom.series(shape, spacing, truth, tilt=tilt)
    found = motion.realign(data, phantom.affine(shape, spacing, tilt), data.mean(-1) > 150)
    error = motion.framewise_displacement(found) - motion.framewise_displacement(truth)
    assert np.abs(error).mean() < 0.03
    assert np.abs(error).max() < 0.1
    np.testing.assert_allclose(found[:, :3], truth[:, :3], atol=0.1)
    np.testing.assert_allclose(found[:, 3:], truth[:, 3:], atol=0.002)


def test_realignment_holds_for_large_motion():
    shape, spacing = (48, 56, 28), (4.0, 4.0, 5.0)
    truth = np.zeros((5, 6))
    truth[:2] = [4.0, -3.0, 5.0, 0.06, -0.05, 0.08]
    data = phantom.series(shape, spacing, truth)
    found = motion.realign(data, phantom.affine(shape, spacing), data.mean(-1) > 150)
    np.testing.assert_allclose(found[:, :3], truth[:, :3], atol=0.15)
    np.testing.assert_allclose(found[:, 3:], truth[:, 3:], atol=0.004)


def test_a_head_at_rest_does_not_move():
    shape, spacing = (40, 48, 20), (4.5, 4.5, 6.0)
    data = phantom.series(shape, spacing, np.zeros((6, 6)))
    mask = masks.brain_mask(data.mean(-1))
    found = motion.realign(data, phantom.affine(shape, spacing), mask)
    assert motion.framewise_displacement(found).max() < 0.06


def test_intensity_drift_is_not_taken_for_motion():
    shape, spacing = (40, 48, 20), (4.5, 4.5, 6.0)
    drift = np.linspace(1.3, 1.0, 6)
    data = phantom.series(shape, spacing, np.zeros((6, 6))) * drift
    mask = masks.brain_mask(data.mean(-1))
    found = motion.realign(data, phantom.affine(shape, spacing), mask)
    assert motion.framewise_displacement(found).max() < 0.08


def test_displacement_sums_translations_and_arcs_on_a_sphere_of_50_mm():
    path = np.array([[0, 0, 0, 0, 0, 0], [1, -2, 0, 0.01, 0, -0.02], [1, -2, 0, 0.01, 0, -0.02]])
    np.testing.assert_allclose(motion.framewise_displacement(path), [0, 3 + 50 * 0.03, 0])
