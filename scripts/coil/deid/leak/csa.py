"""The texts in Siemens's CSA headers, of both versions, as far as the bytes go.

A header is a list of named elements with a VR and items each (nibabel, siemens_csa.rst).
"""

import struct
from collections.abc import Iterator

_TAG = struct.Struct("<64si4siii")
_ITEM = struct.Struct("<4i")
_MOST = 4096
# Words of Siemens's own that say how the scanner measured.
TECHNICAL = frozenset(
    {
        "CoilForGradient",
        "CoilForGradient2",
        "CoilString",
        "CoilTuningReflection",
        "GradientMode",
        "GSWDDataType",
        "ImaCoilString",
        "ImaPATModeText",
        "ImageHistory",
        "LongModelName",
        "PhaseEncodingDirection",
        "RFSWDDataType",
        "SequenceFileOwner",
        "SequenceName",
        "SliceLocation",
        "VersionInfo",
    }
)


def texts(data: bytes) -> Iterator[tuple[str, str, bytes]]:
    """The name, VR and value of each item of a CSA header; nothing if `data` is none."""
    newer = data[:4] == b"SV10"
    position = 8 if newer else 0
    if len(data) < position + 8 + _TAG.size:
        return
    count, mark = struct.unpack_from("<2i", data, position)
    if mark != 77 or not 0 < count < _MOST:
        return
    position += 8
    base = 0  # in the first version a length counts the items of the first element, too
    for number in range(count):
        if position + _TAG.size > len(data):
            return
        name, _, vr, _, items, _ = _TAG.unpack_from(data, position)
        position += _TAG.size
        base = items if not number else base
        for _ in range(min(max(items, 0), _MOST)):
            if position + _ITEM.size > len(data):
                return
            first, second, *_ = _ITEM.unpack_from(data, position)
            position += _ITEM.size
            length = second if newer else first - base
            if length < 0 or position + length > len(data):
                return
            value = data[position : position + length].partition(b"\0")[0]
            if value:
                yield name.partition(b"\0")[0].decode("latin-1"), vr[:2].decode("latin-1"), value
            position += -(-length // 4) * 4
