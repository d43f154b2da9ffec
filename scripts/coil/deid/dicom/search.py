"""The search for a session's identifiers in what is about to leave as DICOM.

Values are looked at one by one: an element's length before its value can be a letter by chance,
and then hides a short name from a search for whole words. What stood in the file before with
the same bytes was searched there.
"""

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from coil.deid.dicom import private
from coil.deid.dicom.profile import IMPLEMENTATION, Profile, attributes
from coil.deid.dicom.values import is_standard
from coil.deid.leak.elements import LONG, PIXELS
from coil.deid.leak.identifiers import LOOSE, SHORTEST
from coil.deid.leak.search import Searcher

_UIDS = re.compile(rb"[0-9.]+")
_FORMS = [form for name, form in private.TEXTS.items() if name != "phrase"]
_CLOSED = ("ImageComments", "ASLTechniqueDescription", "MetaboliteMapDescription", "LUTExplanation")
_REMEMBERED = 50_000
_LARGE, _SHORT = 1 << 14, 512  # bytes of what is remembered: a whole file is not
_CSA, _GZIP, _ZLIB, _ZEROS = b"SV10", b"\x1f\x8b\x08", b"x", bytes(4)
_T = TypeVar("_T")


class Search:
    """Searches the files of a session, each as the parts that an engine gives.

    What was searched once is remembered by its bytes: the parts that a series' files share, the
    values that repeat, and the elements of a CSA header.
    """

    def __init__(self, searcher: Searcher, profile: Profile) -> None:
        self.searcher, self.profile = searcher, profile
        self._chunks: set[bytes] = set()
        self._values: set[tuple[int, bytes]] = set()
        self._pieces: set[bytes] = set()

    def in_file(self, chunks: Sequence[bytes | memoryview]) -> set[str]:
        """The kinds of identifiers in a file: its head, its elements, its pixels."""
        found: set[str] = set()
        fresh: list[tuple[int, bytes]] = []
        new: list[bytes] = []
        for chunk in chunks:
            if isinstance(chunk, memoryview):
                found |= self.searcher.in_voxels(chunk, 2)
            elif chunk not in self._chunks:
                new.append(chunk)
                for tag, value in _values(chunk):
                    if tag in PIXELS:
                        found |= self.searcher.in_voxels(value, 1)
                    elif len(value) >= SHORTEST and (tag, value) not in self._values:
                        fresh.append((tag, value))
        found |= self._in_values(fresh)
        if not found:
            _remember(self._chunks, (one for one in new if len(one) < _LARGE))
            _remember(self._values, (one for one in fresh if len(one[1]) < _SHORT))
        return found

    def _in_values(self, fresh: list[tuple[int, bytes]]) -> set[str]:
        """The kinds of identifiers in values: in short texts at once, unless there is a hit."""
        short: list[tuple[int, bytes]] = []
        found: set[str] = set()
        for tag, value in fresh:
            if value[:4] == _CSA:
                found |= self._in_header(value)
            elif _is_text(value) and value[:1] != _ZLIB:
                if not self._are_ours(value):
                    short.append((tag, value))
            else:
                found |= self._in_value(tag, value)
        at_once = b"\n".join(_readable(value) for _, value in short)
        if short and any(True for _ in self.searcher.in_text(at_once)):
            for tag, value in short:
                found |= self._in_value(tag, value)
        return found

    def _in_header(self, value: bytes) -> set[str]:
        """The kinds of identifiers in a CSA header: in those pieces of it that are new.

        Nothing that is searched for has four zero bytes in it; one may belong to it at its ends.
        """
        fresh = set(value.split(_ZEROS)) - self._pieces
        found = self._in_value(0, _ZEROS.join((b"", *sorted(fresh), b"")))
        if not found:
            _remember(self._pieces, fresh)
        return found

    def _in_value(self, tag: int, value: bytes) -> set[str]:
        text = _readable(value) if _is_text(value) else value
        packed = value.find(_GZIP, 1, 16)  # GE's protocol block, behind its length
        inner = self._in_value(tag, value[packed:]) if packed > 0 else set[str]()
        return inner | {
            kind
            for start, _, kind in self.searcher.in_text(text)
            if not (kind == "UID" and self._is_ours(text, start))
            and not (kind in LOOSE and _is_formal(tag, text.strip(), kind))
        }

    def _are_ours(self, value: bytes) -> bool:
        """Whether a value is UIDs that were given out here, or the standard's, and no more.

        Digits of theirs spell nobody's number but by chance.
        """
        if value[:2] not in (b"2.", b"1."):
            return False
        uids = value.rstrip(b"\0").decode("ascii").split("\\")
        return all(uid in self.profile.issued or self._is_known(uid) for uid in uids)

    def _is_ours(self, text: bytes, start: int) -> bool:
        """Whether a UID is the standard's, or one that was given out here."""
        match = _UIDS.match(text, start)
        uid = match[0].decode("ascii") if match else ""
        return uid in self.profile.issued or self._is_known(uid)

    @staticmethod
    def _is_known(uid: str) -> bool:
        return uid == IMPLEMENTATION or is_standard(uid)


def _remember(memory: set[_T], what: Iterable[_T]) -> None:
    if len(memory) > _REMEMBERED:
        memory.clear()
    memory.update(what)


def _readable(value: bytes) -> bytes:
    return value.replace(b"\\", b" ").replace(b"\0", b" ")


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

    What cannot be taken apart is searched as it is. This checks what `coil.dicom` helped to make,
    so that it reads by itself.
    """
    if chunk[128:132] == b"DICM":
        yield 0, chunk[:128]
        chunk = chunk[132:]
    position = 0
    try:
        while position < len(chunk):
            group, number, code, length = struct.unpack_from("<HH2sH", chunk, position)
            if group == 0xFFFE:  # an item: its elements follow
                position += 8
                continue
            tag, start = group << 16 | number, position + 8
            if code in LONG:
                (length,) = struct.unpack_from("<I", chunk, position + 8)
                start = position + 12
            if code == b"SQ":
                position = start
                continue
            if tag in PIXELS:
                yield tag, chunk[start:]
                return
            if start + length > len(chunk):
                break
            yield tag, chunk[start : start + length]
            position = start + length
        else:
            return
    except struct.error:
        pass
    yield 0, chunk[position:]
