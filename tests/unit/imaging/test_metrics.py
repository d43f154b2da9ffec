"""The numbers against cases whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coil.imaging import masks, metrics
from tests.support import phantom


def test_tsnr_is_mean_over_deviation_and_0_where_nothing_changes():
    series = np.array([[9.0, 11.0, 9.0, 11.0], [5.0, 5.0, 5.0, 5.0]])
    np.testing.assert_allclose(metrics.tsnr_map(series), [10, 0])


def test_dvars_is_the_root_mean_square_change():
    series = np.array([[0.0, 3.0, 3.0, 1.0], [0.0, 4.0, 4.0, 1.0]])
    plain, _ = metrics.dvars(series)
    np.testing.assert_allclose(plain, [0, np.sqrt(12.5), 0, np.sqrt(6.5)])


def test_standardized_dvars_of_noise_is_1():
    noise = np.random.default_rng(0).normal(1000, 20, size=(4000, 120))
    _, standard = metrics.dvars(noise)
    assert standard[1:].mean() == pytest.approx(1, abs=0.03)


def test_standardized_dvars_does_not_depend_on_the_scale():
    noise = np.random.default_rng(0).normal(1000, 20, size=(300, 50))
    np.testing.assert_allclose(metrics.dvars(noise)[1], metrics.dvars(noise * 7)[1])


def test_dvars_of_a_series_that_never_changes_is_0():
    plain, standard = metrics.dvars(np.full((10, 6), 5.0))
    assert not plain.any() and not standard.any()


def test_global_correlation_equals_the_mean_over_all_pairs():
    series = np.random.default_rng(2).normal(size=(12, 40)) + np.sin(np.arange(40))
    assert metrics.global_correlation(series) == pytest.approx(np.corrcoef(series).mean())


def test_one_spike_is_an_outlier_in_its_volume_only():
    series = np.random.default_rng(0).normal(100, 1, size=(50, 60))
    series[:25, 30] += 50
    fraction = metrics.outlier_fraction(series)
    assert fraction[30] == pytest.approx(0.5, abs=0.02)
    assert np.delete(fraction, 30).max() < 0.05


def test_a_linear_drift_makes_no_outliers():
    series = np.random.default_rng(0).normal(100, 1, size=(50, 60)) + np.arange(60)
    assert metrics.outlier_fraction(series).max() < 0.05


@pytest.mark.parametrize("bright", [0, 1, 3])
def test_bright_volumes_at_the_start_are_counted(bright):
    signal = np.random.default_rng(0).normal(100, 0.5, size=60)
    signal[:bright] += 40
    signal[40] += 40
    assert metrics.nonsteady_volumes(signal) == bright


def test_entropy_is_0_for_one_voxel_and_1_for_an_even_image():
    single = np.zeros((5, 5, 5))
    single[2, 2, 2] = 7
    assert metrics.efc(single) == pytest.approx(0, abs=1e-9)
    assert metrics.efc(np.full((5, 5, 5), 3.0)) == pytest.approx(1)


@given(st.floats(0.01, 1e4))
def test_entropy_and_energy_ratio_do_not_depend_on_the_scale(factor):
    image = np.random.default_rng(0).uniform(1, 9, size=(6, 6, 6))
    head = image > 5
    assert metrics.efc(image * factor) == pytest.approx(metrics.efc(image))
    assert metrics.fber(image * factor, head, ~head) == pytest.approx(
        metrics.fber(image, head, ~head)
    )


def test_entropy_leaves_the_frame_out():
    image = np.random.default_rng(0).uniform(1, 9, size=(6, 6, 6))
    framed = np.pad(image, 3)
    assert metrics.efc(framed, framed == 0) == pytest.approx(metrics.efc(image))


def test_snr_against_air_finds_the_noise_that_was_put_in():
    image = phantom.noisy(np.pad(np.full((30, 30, 30), 400.0), 12), 20)
    head = np.pad(np.ones((30, 30, 30), dtype=bool), 12)
    assert metrics.snr_air(image, head, ~head) == pytest.approx(20, rel=0.02)


def test_the_masks_part_head_from_air():
    clean = phantom.head((60, 72, 60), (3.0, 3.0, 3.0))
    image = phantom.noisy(clean, 25)
    head = masks.head_mask(image)
    inside = clean > 300
    assert head[inside].mean() > 0.99
    assert head[clean < 20].mean() < 0.01
    air, reason = masks.air_mask(image, head)
    assert reason is None and not (air & head).any()


def test_the_brain_mask_covers_the_head_of_an_epi():
    clean = phantom.head((40, 48, 20), (4.5, 4.5, 6.0))
    mask = masks.brain_mask(phantom.noisy(clean, 15))
    assert mask[clean > 450].mean() > 0.98 and mask[clean < 100].mean() < 0.01


def test_a_zeroed_background_cannot_serve_as_air():
    image = phantom.head((60, 72, 60), (3.0, 3.0, 3.0))
    image[image < 100] = 0
    _, reason = masks.air_mask(image, masks.head_mask(image))
    assert reason is not None and "zeroed" in reason


def test_a_face_cut_out_leaves_the_other_air():
    image = phantom.noisy(phantom.head((60, 72, 60), (3.0, 3.0, 3.0)), 15)
    image[:, 50:, :25] = 0
    air, reason = masks.air_mask(image, masks.head_mask(image))
    assert reason is None
    assert not air[5:-5, 55:, 3:20].any()
