"""Siemens's protocol, in the CSA series header and in XA's text: the lines that a converter needs.

Of the lines between `### ASCCONV BEGIN` and `END` those stay whose keys are in `_KEY` and whose
values are numbers or of a checked form. They are written anew: what stood before and behind is
gone.
Source: dcm2niix, nii_dicom_batch.cpp (siemensCsaAscii).
"""

import re
from functools import lru_cache

from coil.deid.allow_list.sidecar_keys import COILS
from coil.deid.allow_list.values import words
from coil.deid.terms import is_sequence

_KEY = r"""
sKSpace\.(lPhaseEncodingLines|lBaseResolution|uc2DInterpolation|ucPhasePartialFourier|dPhaseOversamplingForDialog|dPhaseResolution)
|sSliceArray\.(ucImageNumb\w{0,3}|ucMode|lSize)
|sFastImaging\.(lEchoSpacing|lEPIFactor|lEchoTrainDuration)
|lInvContrasts|lContrasts|ucCoilCombineMode|ucReadOutMode|dAveragesDouble|lDelayTimeInTR
|sDiffusion\.(dsScheme|sFreeDiffusionData\.lDiffDirections|sFreeDiffusionData\.asDiffDirVector\[\d{1,3}\]\.d(Sag|Cor|Tra))
|sPat\.(lAccelFactPE|lAccelFact3D|dTotalAccelFact|lRefLinesPE|ucPATMode)
|sPrepPulses\.ucMTC
|sSliceAcceleration\.lMultiBandFactor
|al(TE|TI|TR)\[\d{1,2}\]
|sAsl\.(sPostLabelingDelay\[\d{1,2}\]|ulLabelingDuration)
|sWi[pP]MemBlock\.(alFree|adFree)\[\d{1,2}\]
|sRSatArray\.asElm\[\d\]\.(dThickness|ulShape|sPosition\.dTra|sNormal\.dTra)
|sTXSPEC\.asNucleusInfo\[0\]\.flReferenceAmplitude
|sGRADSPEC\.(asGPAData\[0\]\.)?lOffset[XYZ]
|sGRADSPEC\.alShimCurrent\[\d\]
"""
# The first two letters of each: most lines have others.
_BEGINNINGS = frozenset(re.findall(r"(?:^|\|)([A-Za-z]{2})", _KEY, re.M))
_NUMERIC = re.compile(
    r"[\t ]*(?:" + "|".join(_KEY.split("|")).replace("\n", "") + r")"
    r"[\t ]*=[\t ]*[+-]?(?:0x[0-9a-fA-F]{1,8}|\d{1,7}|\d{1,5}\.\d{0,12}(?:[eE][+-]?\d{1,2})?)"
    r"(?:[\t ]*#[^\n]{0,40})?[\t ]*"
)
_TEXTUAL = re.compile(
    r"[\t ]*(?:tSequenceFileName[\t ]*=[\t ]*\"+%[A-Za-z]{2,16}%\\[A-Za-z0-9_.-]{1,40}\"+"
    r"|sCoilSelectMeas\.sCoilStringForConversion[\t ]*=[\t ]*\"+"
    r"[A-Z0-9]{1,4}(?:-?\d{1,3})?(?:[;, ]+[A-Z0-9]{1,4}(?:-\d{1,3})?){0,31}\"+"
    r"|(?:[\w\[\].]{0,60})sCoilElementID\.tCoilID[\t ]*=[\t ]*\"+[A-Za-z_]{0,32}\d{0,3}\"+)"
    r"[\t ]*"
)
_is_coil = words(COILS)
BEGIN, END = b"### ASCCONV BEGIN", b"### ASCCONV END"


def protocol(raw: bytes) -> bytes | None:
    """The protocol's lines that stay, between their marks; None if there is no protocol."""
    begin = raw.find(BEGIN)
    end = raw.find(END, begin)
    if begin < 0 or end < 0:
        return None
    lines = raw[begin:end].decode("latin-1").splitlines()[1:]
    kept = [stays for line in lines if (stays := _line(line))]
    # A converter skips the first byte of what does not begin with SV10.
    return "\n".join(
        ["<XProtocol>", f"{BEGIN.decode()} ###", *kept, f"{END.decode()} ###", ""]
    ).encode("ascii")


@lru_cache(maxsize=10_000)  # a session's protocols differ in few lines
def _line(line: str) -> str:
    """The part of a line of the protocol that stays."""
    numeric = line.lstrip()[:2] in _BEGINNINGS and _NUMERIC.fullmatch(line)
    if numeric or ('"' in line and _TEXTUAL.fullmatch(line) and _says_no_more(line)):
        return line.partition("#")[0].rstrip()
    return ""


def _says_no_more(line: str) -> bool:
    """Whether the text of a line names nothing but a sequence or a coil."""
    key, _, text = line.partition("=")
    value = text.strip().strip('"')
    if "tSequenceFileName" in key:
        return is_sequence(value)
    return "tCoilID" not in key or not value or _is_coil(value)
