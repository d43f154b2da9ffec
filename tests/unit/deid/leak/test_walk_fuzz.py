"""Files that nobody wrote on purpose: the walk ends in time, with an error of ours or with all
texts, and the fast one tells what the full one tells.

`make fuzz` tries some hundred times as many; COIL_FUZZ is the factor.
"""

import os
import struct
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coil.deid.leak.walk import Walk
from coil.errors import DataError

FACTOR = int(os.environ.get("COIL_FUZZ", "1"))
SECONDS = 10
ENDS = struct.pack("<HHI", 0xFFFE, 0xE00D, 0), struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
LONG = (b"OB", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT")
SHORT = (b"AE", b"CS", b"DA", b"DS", b"FD", b"IS", b"LO", b"PN", b"SH", b"TM", b"UI", b"US")
CHARSETS = (b"ISO_IR 100", b"ISO_IR 192", b"\\ISO 2022 IR 87", b"GB18030", b"ISO_IR 999", b"\xff")
TAGS = st.one_of(
    st.sampled_from([0x00080005, 0x00080018, 0x00090010, 0x00091001, 0x00100010, 0x00081140,
                     0x00209113, 0x00290010, 0x00291010, 0x52009230, 0x7FE00010, 0xFFFCFFFC]),
    st.integers(0, 0xFFFFFFFF),
)  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from([*CHARSETS, b"Deepnest^Mary ", b"MAKER A ", b"1.5\\2.5", b"\x1b$B;3ED"]),
    st.binary(max_size=24),
)
WRONG = st.sampled_from([0, 0, 0, 0, 0, 0, 1, -1, 2, -2, 8, 1000, 0x7FFFFFFF])


def element(tag: int, vr: bytes, value: bytes, wrong: int = 0, length: int | None = None) -> bytes:
    """An element whose length is wrong by as much."""
    told = max(0, len(value) + wrong) if length is None else length
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
    if vr in LONG:
        return head + struct.pack("<HI", 0, told & 0xFFFFFFFF) + value
    return head + struct.pack("<H", told & 0xFFFF) + value


def sequence(tag: int, inner: bytes, closed: bool, vr: bytes, wrong: int) -> bytes:
    """A sequence of one item, of both kinds of length."""
    if closed:
        item = struct.pack("<HHI", 0xFFFE, 0xE000, max(0, len(inner) + wrong)) + inner
        return element(tag, vr, item, wrong)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF) + inner + ENDS[0]
    return element(tag, vr, item, length=0xFFFFFFFF) + ENDS[1]


LEAVES = st.builds(element, TAGS, st.sampled_from(LONG + SHORT), TEXTS, WRONG)
DATA = st.recursive(
    st.lists(LEAVES, max_size=6).map(b"".join),
    lambda inner: st.lists(
        st.one_of(
            LEAVES,
            st.builds(
                sequence, TAGS, inner, st.booleans(), st.sampled_from([b"SQ", b"UN", b"OB"]), WRONG
            ),
        ),
        max_size=5,
    ).map(b"".join),
    max_leaves=12,
)


@st.composite
def series(draw: st.DrawFn) -> list[bytes]:
    """Files that share most of their bytes, some of them damaged, cut off, or deep."""
    head = draw(st.sampled_from([b"", bytes(128) + b"DICM", b"\2\0\x10\0UI\2\x001 "]))
    first = head + draw(DATA)
    for _ in range(draw(st.sampled_from([0, 0, 0, 3, 40, 120, 1000]))):
        first = head + sequence(0x00081140, first[len(head) :], draw(st.just(False)), b"SQ", 0)
    files = [first]
    for _ in range(draw(st.integers(0, 4))):
        data = bytearray(first)
        for _ in range(draw(st.integers(0, 4)) if data else 0):
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
        files.append(bytes(data[: draw(st.sampled_from([len(data), len(data), len(data) // 2]))]))
    return [*files, first]


def told(files: list[bytes], learns: bool) -> set[bytes] | None:
    """The texts of files; None if they cannot be checked."""
    walk = Walk(learns)
    start = time.process_time()
    try:
        texts = {text.value for data in files for text in walk.read(data)}
    except DataError as error:
        assert "\n" not in str(error)
        texts = None
    assert time.process_time() - start < SECONDS
    return texts


@settings(
    max_examples=60 * FACTOR,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(files=series())
def test_whatever_a_file_holds_the_fast_walk_tells_what_the_full_one_tells(files: list[bytes]):
    fast, full = told(files, True), told(files, False)
    assert fast is not None or full is None
    if fast is not None and full is not None:
        # Of damaged bytes the fast walk may begin to tell earlier.
        missed = [text for text in full - fast if not any(text in other for other in fast)]
        assert not missed
