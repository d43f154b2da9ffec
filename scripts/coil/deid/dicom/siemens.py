"""Siemens's CSA headers and protocols, rewritten with what a converter needs.

A CSA header (SV10) is a list of named elements. The image header keeps the elements of
`ELEMENTS`. The series header and XA's text keep one thing, the protocol's lines (between
`### ASCCONV BEGIN` and `END`) whose keys are in `_PROTOCOL` and whose values are numbers or of
a checked form. Everything is written anew: what stood between, before and behind is gone.
Sources: dcm2niix, nii_dicom.cpp (readCSAImageHeader) and nii_dicom_batch.cpp (siemensCsaAscii).
"""

import re
import struct
from collections.abc import Collection
from functools import lru_cache

from coil.deid.allow_list.sidecar_keys import COILS
from coil.deid.allow_list.values import words
from coil.deid.dicom.private import TEXTS
from coil.deid.terms import is_sequence

# Element -> how its items are checked.
# No date, time or serial number is as short; six digits are needed for microseconds.
_NUMBER = re.compile(r"[+-]?\d{1,5}(\.\d{0,12})?([eE][+-]?\d{1,2})?")
_MICROSECONDS = re.compile(r"\d{1,7}(\.0{0,8})?")
_DIRECTIONALITY = re.compile("NONE|DIRECTIONAL|ISOTROPIC|BMATRIX")
_HISTORY = re.compile(r"CC:ComplexAdd")
ELEMENTS = {
    "NumberOfImagesInMosaic": _NUMBER,
    "B_value": _NUMBER,
    "B_matrix": _NUMBER,
    "DiffusionGradientDirection": _NUMBER,
    "DiffusionDirectionality": _DIRECTIONALITY,
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
_TAG = struct.Struct("<64sI4sIII")
_ITEM = struct.Struct("<IIII")
_EMPTY = _ITEM.pack(0, 0, 77, 0)
_LENGTH = struct.Struct("<4xI8x")  # of an item, without the numbers around it
_WANTED = {name.encode(): form for name, form in ELEMENTS.items()}
_HEAD = 16
_MOST_TAGS, _MOST_ITEMS = 1024, 4096
_REMEMBERED = 16

Span = tuple[bytes, int, int]  # name, begin and end of an element


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
    return _headers.rewrite(raw)


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


class _Way:
    """How to get through headers that are like the one that it was learnt from.

    What was the same in the headers before is compared as a whole, from one element that varies
    to the next; the items of those are passed by their lengths.
    """

    def __init__(self, raw: bytes, spans: list[Span], varying: Collection[bytes]) -> None:
        self.names = [name for name, _, _ in spans]
        self.steps: list[tuple[bytes, bool]] = []  # up to an element's items; whether it may stay
        self.clean: list[list[bytes]] = [[]]  # what stays before, between and behind them
        place = 0
        for name, start, end in spans:
            if name in varying:
                stays = name in _WANTED
                self.steps.append((raw[place : start + _TAG.size], stays))
                self.clean.append([])
                place = end
            elif name in _WANTED and (one := _cleaned(raw[start:end])):
                self.clean[-1].append(one)
        self.rest = raw[place : spans[-1][2] if spans else _HEAD]

    def follow(self, raw: bytes) -> list[bytes] | None:
        """The clean elements of a header; None if it is not of this way."""
        place, out = 0, self.clean[0].copy()
        for (same, stays), behind in zip(self.steps, self.clean[1:], strict=True):
            if not raw.startswith(same, place):
                return None
            place += len(same)
            start = place - _TAG.size
            place = _behind(raw, place, _TAG.unpack_from(raw, start)[4])
            if stays and (one := _cleaned(raw[start:place])):
                out.append(one)
            out += behind
        return out if raw.startswith(self.rest, place) else None


def _behind(raw: bytes, place: int, items: int) -> int:
    """Where an element ends whose items begin at a place. Raises struct.error."""
    if items > _MOST_ITEMS:
        raise struct.error
    for _ in range(items):
        (length,) = _LENGTH.unpack_from(raw, place)
        if place + 16 + length > len(raw):
            raise struct.error
        place += 16 + (length + 3 & ~3)
    return place


def _spans(raw: bytes) -> list[Span]:
    """The elements of a CSA header. Raises struct.error."""
    magic, count = struct.unpack_from("<4s4xI", raw)
    if magic != b"SV10" or count > _MOST_TAGS:
        raise struct.error
    spans, place = [], _HEAD
    for _ in range(count):
        name, _, _, _, items, _ = _TAG.unpack_from(raw, place)
        start, place = place, _behind(raw, place + _TAG.size, items)
        spans.append((name.partition(b"\0")[0], start, place))
    return spans


class Headers:
    """The ways through the headers that were read last."""

    def __init__(self) -> None:
        self.ways: list[_Way] = []
        self.before: list[tuple[bytes, bytes]] = []
        self.varying: set[bytes] = set()

    def rewrite(self, raw: bytes) -> bytes | None:
        """A header with known elements only; None if it cannot be read."""
        try:
            return _header(self._clean(raw))
        except struct.error:
            return None

    def _clean(self, raw: bytes) -> list[bytes]:
        """The clean elements of a header. Raises struct.error."""
        for place, way in enumerate(self.ways):
            if (found := way.follow(raw)) is not None:
                if place:
                    self.ways.insert(0, self.ways.pop(place))
                return found
        spans = _spans(raw)
        elements = [(name, raw[start:end]) for name, start, end in spans]
        differing = {
            one[0] for one, other in zip(elements, self.before, strict=False) if one != other
        }
        if len(differing) < len(elements) // 4:  # else it is another series, which tells nothing
            self.varying |= differing
        self.before = elements
        way = _Way(raw, spans, self.varying)
        self.ways = [way, *(one for one in self.ways if one.names != way.names)][:_REMEMBERED]
        return [one for name, raw in elements if name in _WANTED and (one := _cleaned(raw))]


_headers = Headers()


@lru_cache(maxsize=10_000)  # a session's protocols differ in few lines
def _line(line: str) -> str:
    """What stays of a line of the protocol."""
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


@lru_cache(maxsize=4096)
def _cleaned(element: bytes) -> bytes:
    """An element whose items are of its form, written anew; else nothing."""
    name, many, vr, _, items, _ = _TAG.unpack_from(element)
    key = name.partition(b"\0")[0]
    form, place, texts = _WANTED[key], _TAG.size, []
    for _ in range(items):
        (length,) = _LENGTH.unpack_from(element, place)
        place += 16
        if not length:
            texts.append(b"")
            continue
        texts.append(element[place : place + length].partition(b"\0")[0].strip())
        place += length + 3 & ~3
    if key == b"ImageHistory":
        texts = [text for text in texts if form.fullmatch(text.decode("latin-1"))]
    told = [text.decode("latin-1") for text in texts if text]
    if not all(map(form.fullmatch, told)):
        return b""
    if key == b"ImaPATModeText" and not all(map(is_sequence, told)):
        return b""
    return _element(key, vr[:2] + b"\0\0", many, [text and text + b"\0" for text in texts])


def _element(name: bytes, vr: bytes, many: int, items: list[bytes]) -> bytes:
    out = [_TAG.pack(name, many % 4096, vr, 0, len(items), 77)]
    for item in items:
        if size := len(item):
            out += [_ITEM.pack(size, size, 77, size), item, bytes(-size % 4)]
        else:
            out.append(_EMPTY)
    return b"".join(out)


def _header(elements: list[bytes]) -> bytes:
    head = b"SV10\4\3\2\1" + struct.pack("<II", len(elements), 77)
    data = b"".join([head, *elements, bytes(4)])
    return data + bytes(len(data) % 2)
