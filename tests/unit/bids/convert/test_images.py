"""Each image that dcm2niix makes of a series gets a name of its own, or the reason why not."""

import re
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coil.bids import names
from coil.bids.convert.images import Image, UnnamedError, assign, describe, remark

ANAT, BOLD, FMAP = "anat/sub-X_ses-Y_", "func/sub-X_ses-Y_task-t_", "fmap/sub-X_ses-Y_"


def image(stem: str, **more: Any) -> Image:
    """An image as its stem tells it; `_e2` is the second echo, of 20 ms."""
    echo = next((int(word[1:]) for word in stem.split("_") if word[:1] == "e"), None)
    tells = {"EchoNumber": echo, "EchoTime": echo / 100} if echo else {"EchoTime": 0.03}
    return describe(stem, tells | more)


def inversion(stem: str, seconds: float, flip: float = 5) -> Image:
    return image(stem, InversionTime=seconds, FlipAngle=flip)


GIVEN: list[tuple[str, str, list[Image], list[str]]] = [
    ("one image", BOLD + "bold", [image("i")], ["bold"]),
    ("one late echo", BOLD + "bold", [image("i_e2")], ["bold"]),
    (
        "echoes",
        BOLD + "bold",
        [image("i_e2"), image("i_e1"), image("i_e10")],
        ["echo-2_bold", "echo-1_bold", "echo-10_bold"],
    ),
    (
        "echoes of which the first has no number",
        ANAT + "T1w",
        [image("ia", EchoTime=0.002), image("i_e2", EchoTime=0.004)],
        ["echo-1_T1w", "echo-2_T1w"],
    ),
    (
        "magnitude and phase",
        BOLD + "bold",
        [image("i"), image("i_ph")],
        ["part-mag_bold", "part-phase_bold"],
    ),
    (
        "magnitude and phase of echoes",
        BOLD + "bold",
        [image(f"i_e{n}{part}") for n in (1, 2) for part in ("", "_ph")],
        [f"echo-{n}_part-{part}_bold" for n in (1, 2) for part in ("mag", "phase")],
    ),
    (
        "real and imaginary",
        ANAT + "T2starw",
        [image("i_real"), image("i_imaginarya")],
        ["part-real_T2starw", "part-imag_T2starw"],
    ),
    (
        "inversions, the later one first",
        ANAT + "MP2RAGE",
        [inversion("ib", 2.5, 3), inversion("i", 0.7)],
        ["inv-2_MP2RAGE", "inv-1_MP2RAGE"],
    ),
    (
        "inversions with their phases",
        ANAT + "MP2RAGE",
        [inversion("i", 0.7), inversion("i_ph", 0.7), inversion("ia", 2), inversion("i_pha", 2)],
        [f"inv-{n}_part-{part}_MP2RAGE" for n in (1, 2) for part in ("mag", "phase")],
    ),
    (
        "flip angles",
        ANAT + "VFA",
        [image("i", FlipAngle=20), image("ia", FlipAngle=4)],
        ["flip-2_VFA", "flip-1_VFA"],
    ),
    ("a multi-echo suffix with one echo", ANAT + "MEGRE", [image("i_e3")], ["echo-3_MEGRE"]),
    (
        "two magnitudes of a field map",
        FMAP + "magnitude",
        [image("i_e2"), image("i_e1")],
        ["magnitude2", "magnitude1"],
    ),
    ("one magnitude", FMAP + "magnitude", [image("i")], ["magnitude"]),
    ("a magnitude that the rule numbers", FMAP + "magnitude2", [image("i_e2")], ["magnitude2"]),
    (
        "two phases",
        FMAP + "phase",
        [image("i_e1_ph"), image("i_e2_ph")],
        ["phase1", "phase2"],
    ),
    (
        "two magnitudes and two phases",
        FMAP + "phase",
        [image("i_e1"), image("i_e2"), image("i_e1_ph"), image("i_e2_ph")],
        ["magnitude1", "magnitude2", "phase1", "phase2"],
    ),
    (
        "two magnitudes and their phase difference",
        FMAP + "phasediff",
        [image("i_e1"), image("i_e2"), image("i_e2_ph")],
        ["magnitude1", "magnitude2", "phasediff"],
    ),
    (
        "a magnitude and a phase difference",
        FMAP + "phasediff",
        [image("i"), image("i_ph")],
        ["magnitude1", "phasediff"],
    ),
    (
        "a magnitude and a field",
        FMAP + "fieldmap",
        [image("i_ph"), image("i")],
        ["fieldmap", "magnitude"],
    ),
    (
        "a field in Hz",
        FMAP + "fieldmap",
        [image("i"), image("ia", ImageType=["DERIVED", "FIELDMAPHZ"])],
        ["magnitude", "fieldmap"],
    ),
]


@pytest.mark.parametrize(
    ("name", "made", "told"), [row[1:] for row in GIVEN], ids=[r[0] for r in GIVEN]
)
def test_what_dcm2niix_makes_of_a_series_gets_names(
    name: str, made: list[Image], told: list[str]
) -> None:
    base = name.rpartition("_")[0]
    expected = {one.stem: f"{base}_{end}" for one, end in zip(made, told, strict=True)}
    assert assign(name, made) == expected
    assert assign(name, made[::-1]) == expected
    assert [names.name_problem(value) for value in expected.values()] == [None] * len(made)


REFUSED: list[tuple[str, str, list[Image], str]] = [
    ("two geometries", ANAT + "T1w", [image("i_i00001"), image("i_i00003")], "mixed orientations"),
    (
        "single coils",
        ANAT + "T1w",
        [image("i_c1", CoilString="H1"), image("i_c2", CoilString="H2")],
        "one of each coil",
    ),
    (
        "echoes that the suffix does not take",
        "dwi/sub-X_ses-Y_dwi",
        [image("i_e1"), image("i_e2")],
        "differ in echo time, and dwi/dwi takes no echo",
    ),
    (
        "echoes where the rule writes one",
        "func/sub-X_ses-Y_task-t_echo-1_bold",
        [image("i_e1"), image("i_e2")],
        "leave `echo` out of its rule",
    ),
    (
        "an inversion that nothing tells",
        ANAT + "MP2RAGE",
        [inversion("i", 0.7)],
        "anat/MP2RAGE needs inv",
    ),
    (
        "three magnitudes of a field map",
        FMAP + "magnitude",
        [image(f"i_e{n}") for n in (1, 2, 3)],
        "not what fmap/magnitude consists of",
    ),
    ("a single phase that is no difference", FMAP + "phase", [image("i_ph")], "not in the BIDS"),
]


@pytest.mark.parametrize(
    ("name", "made", "told"), [row[1:] for row in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_a_series_whose_images_have_no_names_says_why(
    name: str, made: list[Image], told: str
) -> None:
    with pytest.raises(UnnamedError, match=told):
        assign(name, made)


def test_geometries_are_chunks_where_the_rule_allows_it() -> None:
    made = [image("i_i00012"), image("i_i00002")]
    assert assign(BOLD + "bold", made, chunks=True) == {
        "i_i00002": BOLD + "chunk-1_bold",
        "i_i00012": BOLD + "chunk-2_bold",
    }


def test_a_phase_image_that_its_name_does_not_tell_of_is_remarked() -> None:
    told = "all its images are phase; write `part: phase` in its rule"
    assert remark(BOLD + "bold", [image("i_e1_ph"), image("i_e2_ph")]) == told
    assert remark("func/sub-X_ses-Y_task-t_part-phase_bold", [image("i_ph")]) == ""
    assert remark(BOLD + "bold", [image("i_ph"), image("i")]) == ""
    assert remark(BOLD + "bold", [image("i")]) == ""
    assert remark(FMAP + "phasediff", [image("i_ph")]) == ""


def test_an_unfinished_volume_of_an_aborted_run_is_known() -> None:
    told = {"RawImage": False, "SeriesNumber": 1007, "SoftwareVersions": "syngo MR XA30"}
    assert describe("i", told).partial
    assert not describe("i", told | {"SeriesNumber": 7}).partial


SUFFIXES = [
    ANAT + "T1w",
    ANAT + "MP2RAGE",
    ANAT + "MEGRE",
    BOLD + "bold",
    "dwi/sub-X_ses-Y_dwi",
    *(FMAP + suffix for suffix in ("magnitude", "phase", "phasediff", "fieldmap", "epi")),
]


@given(
    name=st.sampled_from(SUFFIXES),
    made=st.lists(
        st.builds(
            Image,
            stem=st.from_regex(r"i(_e[1-3])?(_ph|_real)?[a-c]?", fullmatch=True),
            component=st.sampled_from(["mag", "phase", "real", "imag", "fieldmap"]),
            echo_number=st.sampled_from([None, 1, 2]),
            echo_time=st.sampled_from([None, 0.01, 0.02]),
            inversion_time=st.sampled_from([None, 0.7, 2.5]),
            flip_angle=st.sampled_from([4, 8]),
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda image: image.stem,
    ),
    chunks=st.booleans(),
    order=st.randoms(use_true_random=False),
)
def test_every_image_gets_a_valid_name_of_its_own_or_none_does(
    name: str, made: list[Image], chunks: bool, order: Random
) -> None:
    shuffled = order.sample(made, len(made))
    try:
        found = assign(name, made, chunks)
    except UnnamedError as error:
        with pytest.raises(UnnamedError, match=re.escape(str(error))):
            assign(name, shuffled, chunks)
        return
    assert assign(name, shuffled, chunks) == found
    assert found.keys() == {image.stem for image in made}
    assert len(set(found.values())) == len(made)
    assert not any(names.name_problem(value) for value in found.values())
