"""The search for a session's identifiers in what is about to leave as DICOM.

Values are looked at one by one: an element's length before its value can be a letter by chance,
and then hides a short name from a search for whole words. What stood in the file before with
the same bytes was searched there.
"""

import re
import struct
from collections.abc import Iterator, Sequence

from coil.deid.dicom import parts, private
from coil.deid.dicom.profile import IMPLEMENTATION, Profile, attributes
from coil.deid.dicom.values import is_standard
from coil.deid.identifiers import LOOSE
from coil.deid.leak import Searcher

_UIDS = re.compile(rb"[0-9.]+")
_FORMS = [form for name, form in private.TEXTS.items() if name != "phrase"]
_CLOSED = ("ImageComments", "ASLTechniqueDescription", "MetaboliteMapDescription", "LUTExplanation")
_REMEMBERED = 200_000


class Search:
    """Searches the files of a session, each as the parts that an engine gives."""

    def __init__(self, searcher: Searcher, profile: Profile) -> None:
        self.searcher, self.profile = searcher, profile
        self._seen: set[bytes] = set()
        self._values: set[tuple[int, bytes]] = set()

    def in_file(self, chunks: Sequence[bytes | memoryview]) -> set[str]:
        """The kinds of identifiers in a file: its head, its elements, its pixels."""
        found: set[str] = set()
        for chunk in chunks:
            if isinstance(chunk, memoryview):
                found |= self.searcher.in_voxels(bytes(chunk), 2)
                continue
            if chunk in self._seen:
                continue
            for tag, value in _values(chunk):
                if tag in parts.PIXELS:
                    found |= self.searcher.in_voxels(value, 1)
                elif (tag, value) not in self._values:
                    found |= self._in_value(tag, value)
                    if len(self._values) > _REMEMBERED:
                        self._values.clear()
                    self._values.add((tag, value))
            self._remember(chunk)
        return found

    def _remember(self, data: bytes) -> None:
        if len(data) < 1 << 17:
            if len(self._seen) > _REMEMBERED:
                self._seen.clear()
            self._seen.add(data)

    def _in_value(self, tag: int, value: bytes) -> set[str]:
        text = value.replace(b"\\", b" ").replace(b"\0", b" ") if _is_text(value) else value
        return {
            kind
            for start, end, kind in self.searcher.in_text(text)
            if not (kind == "UID" and self._is_ours(text, start))
            and not (kind in LOOSE and _is_formal(tag, text.strip(), kind))
        }

    def _is_ours(self, text: bytes, start: int) -> bool:
        """Whether a UID is the standard's, or one that was given out here."""
        match = _UIDS.match(text, start)
        uid = match[0].decode("ascii") if match else ""
        return uid == IMPLEMENTATION or uid in self.profile.issued or is_standard(uid)


def _is_formal(tag: int, text: bytes, kind: str) -> bool:
    """Whether what only may be an identifier is a term of the scanner: of a checked form, or a
    private element that is known, as which it was collected."""
    if kind == "private element" and tag >> 16 & 1:
        return True
    words = text.decode("latin-1")
    row = attributes().get(tag)
    if row and row.keyword in _CLOSED:
        return True  # it passed a list of words
    return any(form.fullmatch(words) for form in _FORMS)


def _is_text(value: bytes) -> bool:
    return value.rstrip(b"\0").isascii() and b"\0" not in value.rstrip(b"\0")


def _values(chunk: bytes) -> Iterator[tuple[int, bytes]]:
    """The values in a part of a file, each with its tag.

    What cannot be taken apart is searched as it is.
    """
    if chunk[128:132] == b"DICM":
        yield 0, chunk[:128]
        chunk = chunk[132:]
    place = 0
    try:
        while place < len(chunk):
            group, number, code, length = struct.unpack_from("<HH2sH", chunk, place)
            if group == 0xFFFE:  # an item: its elements follow
                place += 8
                continue
            tag, start = group << 16 | number, place + 8
            if code in parts.LONG:
                (length,) = struct.unpack_from("<I", chunk, place + 8)
                start = place + 12
            if code == b"SQ":
                place = start
                continue
            if tag in parts.PIXELS:
                yield tag, chunk[start:]
                return
            if start + length > len(chunk):
                break
            yield tag, chunk[start : start + length]
            place = start + length
        else:
            return
    except struct.error:
        pass
    yield 0, chunk[place:]
