"""Most series are guessed right by their name, and hardly any is wrong without saying so."""

import pytest

from coil.bids import names
from coil.bids.draft.clues import normal
from coil.bids.draft.guess import Guess, guess, task_of
from coil.bids.series.series import Series
from coil.records.pulled import PulledScan
from tests.support.corpus import Entry, read_corpus

CORPUS = read_corpus()
LEFT_OUT = "left out"

# Names from the protocols of public studies that the corpus does not hold.
ELSEWHERE = """
T1w_MPR1 anat/T1w; T2w_SPC1 anat/T2w; rfMRI_REST1_LR func/bold; rfMRI_REST1_LR_SBRef func/sbref;
DWI_dir97_LR dwi/dwi; DWI_dir97_LR_SBRef dwi/sbref; SpinEchoFieldMap_LR fmap/epi;
AFI_3D fmap/TB1AFI; FieldMap_Magnitude fmap/magnitude; FieldMap_Phase fmap/phasediff; BIAS_32CH -;
AAHScout_64 -;
MPRAGE_TI1110_ipat2_moco3 anat/T1w; bbl1_restbold1_124 func/bold; DTI_2x32_35 dwi/dwi;
ep2d_se_pcasl_PHC_1200ms perf/asl; REST_645 func/bold; CHECKERBOARD_645 func/bold;
DIFF_137_AP dwi/dwi; dMRI_dir98_PA_SBRef dwi/sbref; T1w_setter -; mbPCASLhr_PA perf/asl;
PCASLhr_SpinEchoFieldMap_AP fmap/epi; tfMRI_FACENAME_PA func/bold; T1_memprage_1mm_p2 anat/T1w;
func_rest_128_PACE_ACPC func/bold; t2_tse_tra_512_s2 anat/T2w; t2_flair_sag_3D_iso anat/FLAIR;
Sag_MPRAGE_GRAPPA_2 anat/T1w; Axial_3D_PASL_(Eyes_Open) perf/asl; Perfusion_Weighted -; relCBF -;
Axial_T2_STAR anat/T2starw; Axial_T2-FLAIR anat/FLAIR; Axial_MB_rsfMRI_(Eyes_Open) func/bold;
3_Plane_Localizer -; ASSET_calibration -; Sag_T1_CUBE anat/T1w; Sag_CUBE_T2 anat/T2w;
SAG_FSPGR_BRAVO anat/T1w; 3D_TOF_MRA anat/angio; COL:Ax_DWI -; FA:_Ax_DTI -; SmartBrain -;
WIP_sT1W_3D_TFE anat/T1w; sT2W_3D_FLAIR anat/FLAIR; VEN_BOLD_HR anat/T2starw; MoCoSeries -;
CMRR_fMRI_TASK_SMS3_2.4mm_AP func/bold; ep2d_diff_mb2_64dir_b1000 dwi/dwi; EvaSeries_GLM -;
ep2d_diff_64dir_ADC -; ep2d_diff_64dir_TRACEW -; cmrr_mbep2d_se_norm_AP fmap/epi; svs_se_30 -;
t1_mp2rage_0.75iso_INV1 anat/MP2RAGE; t1_mp2rage_0.75iso_UNI_Images anat/UNIT1; csi_slaser -;
gre_multiecho_qsm anat/MEGRE; SWI_Images -; mIP_Images(SW) -; t2_spc_da-fl_sag_p2_iso anat/FLAIR;
t2_tirm_tra_dark-fluid anat/FLAIR; fMRI_DistortionMap_PA fmap/epi; ABCD-MID-fMRI func/bold;
ABCD-fMRI-FM-AP fmap/epi; ABCD-Diffusion-FM-PA fmap/epi; PhoenixZIPReport -; Mean_&_t-Maps -;
bbl1_frac2back1_231 func/bold; bbl1_idemo2_210 func/bold; T1_MPRAGE_sag_post_Gd anat/T1w
"""


def listed(description: str) -> Series:
    return Series.from_listing(PulledScan(scan="1", series_description=description, files=1))


def target(one: Guess) -> str:
    """What it says: a target, that the series is left out, or nothing."""
    return one.to or (LEFT_OUT if one.sure else "")


def wanted(entry: Entry) -> set[str]:
    """What is right: a field map's rule names the series, the converter its images."""
    if entry.state == "unmapped":
        return {""}
    if entry.series.series_description.endswith("_PhysioLog"):
        return {"func/physio", "dwi/physio"}  # or left out
    if entry.name is None:
        return {LEFT_OUT}
    datatype, suffix, _ = names.split(entry.name)
    return {f"{datatype}/{suffix}", f"{datatype}/{suffix.rstrip('12')}"}


def score(found: list[tuple[tuple[Guess, ...], set[str]]]) -> tuple[float, float]:
    """The share that is right, and the share that is wrong and does not say that it is unsure."""
    right = [bool({target(one) for one in guesses} & wish) for guesses, wish in found]
    sure = [all(one.sure for one in guesses) for guesses, _ in found]
    wrong = sum(not ok and certain for ok, certain in zip(right, sure, strict=True))
    return sum(right) / len(found), wrong / len(found)


def test_of_the_corpus_nineteen_in_twenty_are_right_by_their_names() -> None:
    right, wrong = score([(guess(entry.listed), wanted(entry)) for entry in CORPUS])
    assert right > 0.94
    assert wrong < 0.015


def test_of_the_corpus_nineteen_in_twenty_are_right_by_their_headers() -> None:
    right, wrong = score([(guess(entry.series), wanted(entry)) for entry in CORPUS])
    assert right > 0.94
    assert wrong < 0.01


def test_names_from_elsewhere_are_guessed_as_well() -> None:
    found = []
    for pair in ELSEWHERE.replace("\n", " ").split(";"):
        description, _, to = pair.strip().rpartition(" ")
        wish = {LEFT_OUT if to == "-" else to}
        found.append((guess(listed(description.replace("_", " "))), wish))
        found.append((guess(listed(description)), wish))
    right, wrong = score(found)
    assert right > 0.95
    assert wrong < 0.01


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: entry.label)
def test_every_guess_is_a_name_in_bids_or_has_a_reason(entry: Entry) -> None:
    for one in (*guess(entry.listed), *guess(entry.series)):
        assert bool(one.to) != bool(one.ignore)
        if one.to:
            kind = names.kind(*one.to.split("/"))
            assert kind is not None, one.to
            assert one.entities.keys() <= kind.allowed
            for key, value in one.entities.items():
                assert names.value_problem(key, value) is None


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("func_task-nback_run-01", "nback"),
        ("rfMRI_REST_AP", "rest"),
        ("resting state fMRI", "rest"),
        ("ep2d_bold_stroop_2mm_p2", "stroop"),
        ("tfMRI_FACENAME_PA", "facename"),
        ("cmrr_mbep2d_bold_mb6_run2_AP", "TODO"),
    ],
)
def test_the_task_is_what_the_name_says_besides_the_usual_words(name: str, task: str) -> None:
    assert task_of(normal(name)) == task


def test_a_field_map_of_which_only_the_header_tells_the_part_has_two_guesses() -> None:
    magnitude, phase = guess(listed("gre_field_mapping"))
    assert (magnitude.to, magnitude.image_type) == ("fmap/magnitude", {"M"})
    assert (phase.to, phase.image_type) == ("fmap/phasediff", {"P"})


def test_what_no_word_tells_is_a_question() -> None:
    (one,) = guess(listed("xyz 123"))
    assert one.ignore.startswith("TODO")
    assert not one.sure
