"""Terms of scanners told from what people write."""

import pytest

from coil.deid.bids.sidecar import clean_sidecar
from coil.deid.terms import is_code, is_sequence, is_term

TERMS = """
ORIGINAL PRIMARY M_FFE PFP EDR_GEMS SAT_GEMS T2_STAR_WEIGHTED DIS2D CSA_REPORT IEC_FIRST_LEVEL
PER_NERVE_STIM BRAIN WHOLEBODY TRACEW FMRI GRAPPA M_ZERO_SCAN ISO_10918_1 DTIM RECTILINEAR B0
"""
SEQUENCES = r"""
epfid2d1_64 *tfl3d1_16ns *spc3d1_203ns %SiemensSeq%\\ep2d_diff %CustomerSeq%\\cmrr_mbep2d_bold
%SiemensSeq%\\gre_field_mapping DwiSE T1TFE FEEPI efgre3d GE:epiRT *h2d1_193 *fl3d1r_t70 EPI2
"""


@pytest.mark.parametrize("term", TERMS.split())
def test_a_term_is_known(term: str):
    assert is_term(term)


@pytest.mark.parametrize("name", SEQUENCES.split())
def test_a_sequence_is_known(name: str):
    assert is_sequence(name.replace("\\\\", "\\"))


@pytest.mark.parametrize(
    "text", ["QUILLDOR", "BRAIN_QUILLDOR", "ZOE1953", "QZ19530412", "20240312", "1234567"]
)
def test_a_name_a_number_or_a_date_is_no_term(text: str):
    assert not is_term(text)
    assert not is_sequence(f"{text}_ep2d")


@pytest.mark.parametrize("code", ["MR750w", "VA30A", "1831", "TE2", "8HR", "E11C"])
def test_a_short_code_may_be_anything(code: str):
    assert is_code(code)


@pytest.mark.parametrize("key", ["BodyPart", "ScanOptions", "SequenceName", "ImageType"])
def test_a_name_in_a_sidecar_stays_behind_where_a_term_is_wanted(key: str):
    value = ["ORIGINAL", "QUILLDOR"] if key == "ImageType" else "QUILLDOR"
    assert clean_sidecar({key: value}) == ({}, [key])
