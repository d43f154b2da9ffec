"""Siemens's CSA headers, rewritten with what a converter needs.

The image header keeps the elements of `ELEMENTS`, the series header the protocol (`protocol`).
Everything is written anew: what stood between, before and behind is gone.
Source: dcm2niix, nii_dicom.cpp (readCSAImageHeader).
"""

import re
import struct
from collections.abc import Collection
from functools import lru_cache

from coil.deid.dicom.private import TEXTS
from coil.deid.dicom.protocol import protocol
from coil.deid.terms import is_sequence
from coil.dicom import csa
from coil.dicom.csa import HEAD_SIZE, TAG_SIZE, Span

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
_WANTED = {name.encode(): form for name, form in ELEMENTS.items()}
_REMEMBERED = 16


def rewrite(element: int, raw: bytes) -> bytes | None:
    """A CSA header (`element` 0x10 of the image, 0x20 of the series) or XA's protocol (0x19)."""
    if element == 0x10:
        return image_header(raw)
    lines = protocol(raw)
    if lines is None:
        return None
    if element == 0x20:
        return csa.header([csa.write(b"MrPhoenixProtocol", b"UN\0\0", 1, [lines])])
    return lines + b" " * (len(lines) % 2)


def image_header(raw: bytes) -> bytes | None:
    """The image's CSA header with known elements only; None if it cannot be read."""
    return _headers.rewrite(raw)


class _Template:
    """The form of headers that are like the one that it was learnt from.

    What was the same in the headers before is compared as a whole, from one element that varies
    to the next; the items of those are passed by their lengths.
    """

    def __init__(self, raw: bytes, spans: list[Span], varying: Collection[bytes]) -> None:
        self.names = [name for name, _, _ in spans]
        self.steps: list[tuple[bytes, bool]] = []  # up to an element's items; whether it may stay
        self.clean: list[list[bytes]] = [[]]  # what stays before, between and behind them
        position = 0
        for name, start, end in spans:
            if name in varying:
                stays = name in _WANTED
                self.steps.append((raw[position : start + TAG_SIZE], stays))
                self.clean.append([])
                position = end
            elif name in _WANTED and (one := _cleaned(raw[start:end])):
                self.clean[-1].append(one)
        self.rest = raw[position : spans[-1][2] if spans else HEAD_SIZE]

    def fill(self, raw: bytes) -> list[bytes] | None:
        """The clean elements of a header; None if it does not fit."""
        position, out = 0, self.clean[0].copy()
        for (same, stays), behind in zip(self.steps, self.clean[1:], strict=True):
            if not raw.startswith(same, position):
                return None
            position += len(same)
            start = position - TAG_SIZE
            position = csa.end_of(raw, position)
            if stays and (one := _cleaned(raw[start:position])):
                out.append(one)
            out += behind
        return out if raw.startswith(self.rest, position) else None


class Headers:
    """The templates of the headers that were read last."""

    def __init__(self) -> None:
        self.templates: list[_Template] = []
        self.before: list[tuple[bytes, bytes]] = []
        self.varying: set[bytes] = set()

    def rewrite(self, raw: bytes) -> bytes | None:
        """A header with known elements only; None if it cannot be read."""
        try:
            return csa.header(self._clean(raw))
        except struct.error:
            return None

    def _clean(self, raw: bytes) -> list[bytes]:
        """The clean elements of a header. Raises struct.error."""
        for index, template in enumerate(self.templates):
            if (found := template.fill(raw)) is not None:
                if index:
                    self.templates.insert(0, self.templates.pop(index))
                return found
        spans = csa.spans(raw)
        elements = [(name, raw[start:end]) for name, start, end in spans]
        differing = {
            one[0] for one, other in zip(elements, self.before, strict=False) if one != other
        }
        if len(differing) < len(elements) // 4:  # else it is another series, which tells nothing
            self.varying |= differing
        self.before = elements
        template = _Template(raw, spans, self.varying)
        self.templates = [
            template,
            *(one for one in self.templates if one.names != template.names),
        ][:_REMEMBERED]
        return [one for name, raw in elements if name in _WANTED and (one := _cleaned(raw))]


_headers = Headers()


@lru_cache(maxsize=4096)
def _cleaned(element: bytes) -> bytes:
    """An element whose items are of its form, written anew; else nothing."""
    key, many, vr, texts = csa.read(element)
    form = _WANTED[key]
    if key == b"ImageHistory":
        texts = [text for text in texts if form.fullmatch(text.decode("latin-1"))]
    values = [text.decode("latin-1") for text in texts if text]
    if not all(map(form.fullmatch, values)):
        return b""
    if key == b"ImaPATModeText" and not all(map(is_sequence, values)):
        return b""
    return csa.write(key, vr + b"\0\0", many, [text and text + b"\0" for text in texts])
