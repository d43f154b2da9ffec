"""Shells, directions and lost slices."""

import numpy as np
import pytest

from coil.errors import DataError
from coil.imaging import diffusion


def test_small_b_values_are_b0_and_near_ones_are_one_shell():
    values = np.array([0, 5, 995, 1005, 1000, 2990, 3010], dtype=float)
    assert diffusion.shells(values).tolist() == [0, 0, 1000, 1000, 1000, 3000, 3000]


def test_a_series_without_weighting_has_no_shell():
    assert diffusion.shells(np.zeros(3)).tolist() == [0, 0, 0]


def test_opposite_directions_count_once():
    vectors = np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0]], dtype=float)
    assert diffusion.directions(vectors, np.array([0, 1000, 1000, 1000])) == 2


def test_a_slice_that_lost_its_signal_is_found_and_no_other():
    signal = np.random.default_rng(0).normal(100, 1, size=(10, 12))
    signal[4, 7] = 60
    found = diffusion.outlier_slices(signal, np.full(12, 1000))
    assert np.argwhere(found).tolist() == [[4, 7]]


def test_a_shell_of_few_volumes_is_not_judged():
    signal = np.full((4, 3), 100.0)
    signal[0, 0] = 1
    assert not diffusion.outlier_slices(signal, np.full(3, 1000)).any()


def test_gradients_are_read_as_fsl_writes_them(tmp_path):
    (tmp_path / "a.bval").write_text("0 1000\n")
    (tmp_path / "a.bvec").write_text("0 1\n0 0\n0 0\n")
    values, vectors = diffusion.read_gradients(tmp_path / "a.bval", tmp_path / "a.bvec")
    assert values.tolist() == [0, 1000] and vectors.tolist() == [[0, 0, 0], [1, 0, 0]]


def test_unequal_lengths_are_an_error_that_names_the_file(tmp_path):
    (tmp_path / "a.bval").write_text("0 1000 2000\n")
    (tmp_path / "a.bvec").write_text("0 1\n0 0\n0 0\n")
    with pytest.raises(DataError, match=r"a\.bvec"):
        diffusion.read_gradients(tmp_path / "a.bval", tmp_path / "a.bvec")
