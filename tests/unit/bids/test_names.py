"""Names come from the BIDS schema: its datatypes, suffixes, entities and their order."""

import pytest

from coil.bids import names


def test_entities_stand_in_the_schemas_order() -> None:
    values = {"run": "1", "task": "rest", "ses": "b", "sub": "a", "dir": "AP", "acq": "x"}
    assert (
        names.join("func", "bold", values) == "func/sub-a_ses-b_task-rest_acq-x_dir-AP_run-1_bold"
    )


def test_a_name_comes_apart_as_it_was_joined() -> None:
    values = {"sub": "a", "ses": "b", "task": "rest"}
    assert names.split(names.join("func", "bold", values)) == ("func", "bold", values)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("func/sub-a_ses-b_task-x_bold", None),
        ("fmap/sub-a_ses-b_magnitude2", None),
        ("anat/sub-a_ses-b_T1w1", "anat/T1w1 is not in the BIDS schema"),
        ("func/sub-a_ses-b_bold", "func/bold needs task"),
        ("anat/sub-a_ses-b_inv-1_T1w", "anat/T1w takes no inv"),
        ("anat/sub-a_ses-b_run-x_T1w", "run takes digits only"),
        ("func/sub-a_task-x_part-both_bold", "part is one of imag, mag, phase, real"),
    ],
)
def test_a_name_that_bids_does_not_have_is_told(name: str, problem: str | None) -> None:
    assert names.name_problem(name) == problem


def test_the_suffix_of_a_pair_stands_for_both_images() -> None:
    assert names.kind("fmap", "phase") == names.kind("fmap", "phase1")
    assert names.kind("fmap", "nonsense") is None
