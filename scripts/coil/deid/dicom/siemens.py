"""Siemens's CSA headers and protocols, rewritten with what a converter needs.

A CSA header (SV10) is a list of named elements. The image header keeps the elements of
`ELEMENTS`. The series header and XA's text keep one thing, the protocol's lines (between
`### ASCCONV BEGIN` and `END`) whose keys are in `_PROTOCOL` and whose values are numbers or of
a checked form. Everything is written anew: what stood between, before and behind is gone.
Sources: dcm2niix, nii_dicom.cpp (readCSAImageHeader) and nii_dicom_batch.cpp (siemensCsaAscii).
"""

import re
import struct
from dataclasses import dataclass
from functools import lru_cache

from coil.deid.dicom.private import TEXTS
from coil.deid.dicom.spans import joined

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
_LENGTH = struct.Struct("<4xI8x")  # of an item, without the numbers around it
_WANTED = {name.encode(): form for name, form in ELEMENTS.items()}
_MOST_TAGS, _MOST_ITEMS = 1024, 4096
_REMEMBERED = 16


def rewrite(element: int, raw: bytes) -> bytes | None:
    """A CSA header (`element` 0x10 of the image, 0x20 of the series) or XA's protocol (0x19)."""
    if element == 0x10:
        return image_header(raw)
    lines = protocol(raw)
    if lines is None:
        return None
    if element == 0x20:
        return _header([_element(b"MrPhoenixProtocol", b"UN\0\0", 1, [lines])])
    return lines + b" " * (len(lines) % 2)


def image_header(raw: bytes) -> bytes | None:
    """The image's CSA header with known elements only; None if it cannot be read."""
    elements = _elements(raw)
    return None if elements is None else _header([_cleaned(one) for one in elements])


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


def _elements(raw: bytes) -> list[bytes] | None:
    """The elements of a CSA header that are in `ELEMENTS`, each with its items."""
    for known in _known:
        if known.fits(raw):
            return [raw[start:stop] for start, stop in known.wanted]
    layout = _Layout.read(raw)
    if layout is None:
        return None
    _known.insert(0, layout)
    del _known[_REMEMBERED:]
    return [raw[start:stop] for start, stop in layout.wanted]


@dataclass(frozen=True)
class _Layout:
    """Where elements stand. One that fits the next header needs no walk: the same bytes stand
    where the numbers stood that tell the lengths."""

    size: int
    heads: list[tuple[int, int, bytes]]
    wanted: list[tuple[int, int]]

    def fits(self, raw: bytes) -> bool:
        return len(raw) == self.size and all(raw[a:b] == there for a, b, there in self.heads)

    @classmethod
    def read(cls, raw: bytes) -> "_Layout | None":
        if len(raw) < 16 or raw[:4] != b"SV10":
            return None
        (count,) = struct.unpack_from("<I", raw, 8)
        if count > _MOST_TAGS:
            return None
        wanted, heads = [], [(0, 16)]
        place = 16
        try:
            for _ in range(count):
                start = place
                name, _, _, _, items, _ = _TAG.unpack_from(raw, place)
                heads.append((place, place + _TAG.size))
                place += _TAG.size
                if items > _MOST_ITEMS:
                    return None
                for _ in range(items):
                    (length,) = _LENGTH.unpack_from(raw, place)
                    heads.append((place, place + 16))
                    if place + 16 + length > len(raw):
                        return None
                    place += 16 + (length + 3 & ~3)
                if name.partition(b"\0")[0] in _WANTED:
                    wanted.append((start, place))
        except struct.error:
            return None
        return cls(len(raw), [(a, b, raw[a:b]) for a, b in joined(heads)], wanted)


_known: list[_Layout] = []


@lru_cache(maxsize=4096)
def _cleaned(element: bytes) -> bytes:
    """An element whose items are of its form, written anew; else nothing."""
    name, many, vr, _, items, _ = _TAG.unpack_from(element)
    key = name.partition(b"\0")[0]
    form, place, texts = _WANTED[key], _TAG.size, []
    for _ in range(items):
        (length,) = _LENGTH.unpack_from(element, place)
        place += 16
        texts.append(element[place : place + length].partition(b"\0")[0].strip())
        place += length + 3 & ~3
    if key == b"ImageHistory":
        texts = [text for text in texts if form.fullmatch(text.decode("latin-1"))]
    if not all(form.fullmatch(text.decode("latin-1")) for text in texts if text):
        return b""
    return _element(key, vr[:2] + b"\0\0", many, [text and text + b"\0" for text in texts])


def _element(name: bytes, vr: bytes, many: int, items: list[bytes]) -> bytes:
    out = [_TAG.pack(name, many % 4096, vr, 0, len(items), 77)]
    for item in items:
        size = len(item)
        out += [_ITEM.pack(size, size, 77, size), item, bytes(-size % 4)]
    return b"".join(out)


def _header(elements: list[bytes]) -> bytes:
    kept = [one for one in elements if one]
    data = b"SV10\4\3\2\1" + struct.pack("<II", len(kept), 77) + b"".join(kept) + bytes(4)
    return data + bytes(len(data) % 2)
