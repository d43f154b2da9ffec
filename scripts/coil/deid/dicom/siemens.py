"""Siemens's CSA headers and protocols, rewritten with what a converter needs.

A CSA header (SV10) is a list of named elements. The image header keeps the elements of
`ELEMENTS`. The series header and XA's text keep one thing, the protocol's lines (between
`### ASCCONV BEGIN` and `END`) whose keys are in `_PROTOCOL` and whose values are numbers or of
a checked form. Everything is written anew: what stood between, before and behind is gone.
Sources: dcm2niix, nii_dicom.cpp (readCSAImageHeader) and nii_dicom_batch.cpp (siemensCsaAscii).
"""

import re
import struct

from coil.deid.dicom.private import TEXTS

# Element -> how its items are checked.
# No date, time or serial number is as short; six digits are needed for microseconds.
_NUMBER = re.compile(r"[+-]?\d{1,5}(\.\d{0,12})?([eE][+-]?\d{1,2})?")
_MICROSECONDS = re.compile(r"\d{1,7}(\.0{0,8})?")
_CODE = re.compile(r"[A-Z0-9_]{1,16}")
_HISTORY = re.compile(r"CC:ComplexAdd")
ELEMENTS = {
    "NumberOfImagesInMosaic": _NUMBER,
    "B_value": _NUMBER,
    "B_matrix": _NUMBER,
    "DiffusionGradientDirection": _NUMBER,
    "DiffusionDirectionality": _CODE,
    "SliceNormalVector": _NUMBER,
    "SliceMeasurementDuration": _MICROSECONDS,
    "BandwidthPerPixelPhaseEncode": _NUMBER,
    "ImaRelTablePosition": _NUMBER,
    "MosaicRefAcqTimes": _NUMBER,
    "ProtocolSliceNumber": _NUMBER,
    "PhaseEncodingDirectionPositive": _NUMBER,
    "ICE_Dims": TEXTS["dimensions"],
    "TimeAfterStart": _NUMBER,
    "RealDwellTime": _NUMBER,
    "ImaPATModeText": TEXTS["acceleration"],
    "ImageHistory": _HISTORY,
}
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
BEGIN, END = b"### ASCCONV BEGIN", b"### ASCCONV END"
_TAG = struct.Struct("<64sI4sIII")
_ITEM = struct.Struct("<IIII")
_MOST_TAGS, _MOST_ITEMS = 1024, 4096


def rewrite(element: int, raw: bytes) -> bytes | None:
    """A CSA header (`element` 0x10 of the image, 0x20 of the series) or XA's protocol (0x19)."""
    if element == 0x10:
        return image_header(raw)
    lines = protocol(raw)
    if lines is None:
        return None
    if element == 0x20:
        return _write([("MrPhoenixProtocol", b"UN\0\0", 1, [lines])])
    return lines + b" " * (len(lines) % 2)


def image_header(raw: bytes) -> bytes | None:
    """The image's CSA header with known elements only; None if it cannot be read."""
    tags = _read(raw)
    if tags is None:
        return None
    kept = []
    for name, vr, multiplicity, items in tags:
        form = ELEMENTS.get(name)
        if form is None:
            continue
        texts = [item.partition(b"\0")[0].decode("latin-1").strip() for item in items]
        if name == "ImageHistory":
            texts = [text for text in texts if form.fullmatch(text)]
        if all(not text or form.fullmatch(text) for text in texts):
            clean = [text.encode("ascii") + b"\0" if text else b"" for text in texts]
            kept.append((name, vr, multiplicity, clean))
    return _write(kept)


def protocol(raw: bytes) -> bytes | None:
    """The protocol's lines that stay, between their marks; None if there is no protocol."""
    begin = raw.find(BEGIN)
    end = raw.find(END, begin)
    if begin < 0 or end < 0:
        return None
    lines = raw[begin:end].decode("latin-1").splitlines()[1:]
    kept = [
        line.partition("#")[0].rstrip()
        for line in lines
        if _NUMERIC.fullmatch(line) or _TEXTUAL.fullmatch(line)
    ]
    # A converter skips the first byte of what does not begin with SV10.
    return "\n".join(
        ["<XProtocol>", f"{BEGIN.decode()} ###", *kept, f"{END.decode()} ###", ""]
    ).encode("ascii")


_Element = tuple[str, bytes, int, list[bytes]]


def _read(raw: bytes) -> list[_Element] | None:
    if len(raw) < 16 or raw[:4] != b"SV10":
        return None
    (count,) = struct.unpack_from("<I", raw, 8)
    if count > _MOST_TAGS:
        return None
    found: list[_Element] = []
    place = 16
    try:
        for _ in range(count):
            name, multiplicity, vr, _, items, _ = _TAG.unpack_from(raw, place)
            place += _TAG.size
            if items > _MOST_ITEMS:
                return None
            values = []
            for _ in range(items):
                length = _ITEM.unpack_from(raw, place)[1]
                place += _ITEM.size
                if place + length > len(raw):
                    return None
                values.append(raw[place : place + length])
                place += -(-length // 4) * 4
            text = name.partition(b"\0")[0].decode("latin-1")
            found.append((text, vr[:2] + b"\0\0", multiplicity, values))
    except struct.error:
        return None
    return found


def _write(elements: list[_Element]) -> bytes:
    parts = [b"SV10\4\3\2\1", struct.pack("<II", len(elements), 77)]
    for name, vr, multiplicity, items in elements:
        parts.append(_TAG.pack(name.encode("ascii"), multiplicity % 4096, vr, 0, len(items), 77))
        for item in items:
            size = len(item)
            parts += [_ITEM.pack(size, size, 77, size), item, bytes(-size % 4)]
    data = b"".join(parts) + bytes(4)
    return data + bytes(len(data) % 2)
