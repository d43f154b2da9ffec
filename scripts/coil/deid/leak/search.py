"""The search for a session's identifiers in every byte that is about to leave.

A file's bytes are searched decompressed, in lower case, for every encoding of every value, and
so is what they stand for (`coil.deid.leak.encodings`).
Voxels are numbers that can spell a short word by chance, and so can a float: the rules for
these are in `_counts` and in `coil.deid.leak.voxel_search`. A hit names the file and the kind,
never the value.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from coil import passing
from coil.deid.leak.encodings import is_text, undone
from coil.deid.leak.identifiers import LOOSE, Identifiers, encodings
from coil.deid.leak.public_words import PUBLIC
from coil.deid.leak.tokens import around, is_not_a_number
from coil.deid.leak.voxel_search import IN_BYTE_VOXELS, IN_VOXELS, LARGE, VoxelSearch, hashes
from coil.deid.nifti import read_gzip, read_header, voxels
from coil.errors import DataError

IN_DIGITS = 7  # bytes: base 64 and hexadecimal digits of something else
REMOVED = "[removed]"
_ALNUM = re.compile(rb"[a-z0-9\x80-\xff]*")
_WORD = re.compile(rb"[a-z0-9\x80-\xff]+")
_DOTTED = re.compile(rb"[a-z0-9.]*")
_ANY_UID = re.compile(rb"(?<![\d.])(?:[0-2](?:\.\d+){6,}|2\.25\.\d{20,})")
_ANY_DATE = re.compile(rb"(?<!\d)(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d*")


@dataclass(frozen=True)
class Hit:
    """An identifier was found: where, and of which kind."""

    file: str
    kind: str


class Searcher:
    """Finds identifiers in bytes.

    `public` are words of this session that may be there: its BIDS labels, versions of software.
    `labels` are words that the lab gave to files (`task-memory`): where they stand alone a
    description that says the same is no leak, but a person's name is.
    """

    def __init__(
        self, identifiers: Identifiers, public: Collection[str] = (), labels: Collection[str] = ()
    ) -> None:
        self.needles: dict[bytes, str] = {}
        encoded: dict[bytes, str] = {}
        for identifier in sorted(identifiers.values, key=lambda v: (v.kind in LOOSE, v.kind)):
            for needles, forms in zip(
                (self.needles, encoded), encodings(identifier.value), strict=True
            ):
                for form in forms:
                    needles.setdefault(form, identifier.kind)
        self.starts: dict[bytes, list[tuple[bytes, str, bool]]] = {}
        for needle, kind in self.needles.items():
            self.starts.setdefault(needle[:4], []).append((needle, kind, True))
        for needle, kind in encoded.items():
            self.starts.setdefault(needle[:4], []).append((needle, kind, False))
        self._is_ascii = all(map(bytes.isascii, (*self.needles, *encoded)))
        self.public: set[bytes] = set(PUBLIC)
        self.with_labels = self.public | {word.lower().encode() for word in labels}
        self.permit(public)

    def permit(self, words: Iterable[str]) -> None:
        """Let words stand where they stand alone, whatever else they are."""
        coded = {word.lower().encode() for word in words}
        self.public |= coded
        self.with_labels |= coded

    def in_text(self, data: bytes) -> Iterator[tuple[int, int, str]]:
        """Start, end and kind of each hit in text."""
        yield from self._plainly(data)
        for start, end, plain in undone(data, self._is_ascii):
            for first, last, kind in self._plainly(plain):
                if last - first >= IN_DIGITS or is_text(plain):
                    yield start, end, kind

    def _plainly(self, data: bytes) -> Iterator[tuple[int, int, str]]:
        low = data.lower()
        for start in self._candidates(low):
            for needle, kind, readable in self.starts.get(low[start : start + 4], ()):
                if not low.startswith(needle, start):
                    continue
                end = start + len(needle)
                if not readable or self._counts(low, start, end, kind):
                    yield start, end, kind
        yield from ((match.start(), match.end(), "UID") for match in _ANY_UID.finditer(low))

    def _candidates(self, low: bytes) -> Iterable[int]:
        """The positions where something that is searched for may start."""
        if len(low) < LARGE:
            starts = self.starts
            return [
                position
                for position in range(len(low) - 3)
                if low[position : position + 4] in starts
            ]
        import numpy as np

        table = np.zeros(1 << 20, bool)
        starts = [int.from_bytes(start, "little") for start in self.starts]
        table[hashes(np.array(starts, "<u4"))] = True
        found = [
            np.flatnonzero(table[hashes(np.frombuffer(low, "<u4", (len(low) - n) // 4, n))]) * 4 + n
            for n in range(4)
        ]
        return np.sort(np.concatenate(found)).tolist()

    def in_file(self, path: Path) -> set[str]:
        """The kinds of identifiers in a file: text, or a .nii.gz."""
        if not path.name.endswith(".gz"):
            return {kind for *_, kind in self.in_text(path.read_bytes())}
        try:
            return set(self._in_gzip(path))
        except (OSError, EOFError, DataError) as error:
            passing.let_through(error)
            raise DataError(f"{path.name}: cannot be read, so not be searched") from None

    def in_voxels(self, data: bytes | memoryview, itemsize: int) -> set[str]:
        """The kinds of identifiers in voxels of `itemsize` bytes, or in compressed ones (1)."""
        least = IN_VOXELS if itemsize > 1 else IN_BYTE_VOXELS
        return set(self._voxels.kinds(data, least))

    @cached_property
    def _voxels(self) -> VoxelSearch:
        return VoxelSearch(self.needles, self.starts)

    def _in_gzip(self, path: Path) -> Iterator[str]:
        yield from (kind for *_, kind in self.in_text(_gzip_header(path)))
        with read_gzip(path) as stream:
            if not path.name.endswith(".nii.gz"):
                yield from (kind for *_, kind in self.in_text(stream.read()))
                return
            header = read_header(stream, path.name)
            yield from (kind for *_, kind in self.in_text(header.raw))
            between = stream.read(header.data_start - header.layout.size)
            yield from (kind for *_, kind in self.in_text(between))
            least = IN_VOXELS if header.itemsize > 1 else IN_BYTE_VOXELS
            tail = b""
            for chunk in voxels(stream, header, path.name):
                yield from self._voxels.kinds(tail + chunk, least)
                tail = chunk[-self._longest :]
            yield from (kind for *_, kind in self.in_text(stream.read()))

    def _counts(self, data: bytes, start: int, end: int, kind: str) -> bool:
        """Whether a position is a leak, and not a part of a public word or of a number."""
        needle = data[start:end]
        token = around(_ALNUM, data, start, end)
        public = self.with_labels if kind in LOOSE else self.public
        if around(_DOTTED, data, start, end) in public:
            return False
        if all(word in public for word in _WORD.findall(token)):
            return False
        if needle.isdigit():
            return is_not_a_number(data, start, end)
        if needle.isalnum() and (len(needle) < 6 or kind in LOOSE):
            return token == needle
        if kind == "date":
            before, after = data[:start][-1:], data[end : end + 1]
            return not ((needle[:1].isdigit() and before.isdigit()) or after.isdigit())
        return True

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.needles), default=1)


def search(
    files: Iterable[Path],
    names: Iterable[str],
    identifiers: Identifiers,
    public: Collection[str] = (),
) -> list[Hit]:
    """Search files and their names (paths as they will be seen) for a session's identifiers.

    Raises DataError if a compressed file cannot be read.
    """
    names = list(names)
    return search_with(Searcher(identifiers, public, labels_of(names)), files, names)


def search_with(searcher: Searcher, files: Iterable[Path], names: Iterable[str]) -> list[Hit]:
    """`search` with a searcher that is there already."""
    hits = {Hit(path.name, kind) for path in files for kind in searcher.in_file(path)}
    for name in names:
        kinds = {kind for *_, kind in searcher.in_text(name.encode())}
        hits |= {Hit("a file's name", kind) for kind in kinds}
    return sorted(hits, key=lambda hit: (hit.file, hit.kind))


def labels_of(names: Iterable[str]) -> set[str]:
    """The labels of the entities in BIDS names, but for subject and session."""
    pairs = (pair for name in names for pair in re.findall("([a-z]+)-([0-9A-Za-z]+)", name))
    return {label for entity, label in pairs if entity not in ("sub", "ses")}


def redact(searcher: Searcher, text: str) -> str:
    """`text` with each identifier, and whatever else is a date or a UID, replaced."""
    data = text.encode()
    spans = [(start, end) for start, end, _ in searcher.in_text(data)]
    spans += [match.span() for match in _ANY_DATE.finditer(data)]
    out, position = b"", 0
    for start, end in sorted(spans):
        if start >= position:
            out += data[position:start] + REMOVED.encode()
        position = max(position, end)
    return (out + data[position:]).decode(errors="replace")


def _gzip_header(path: Path) -> bytes:
    """The bytes before the compressed ones (RFC 1952): name, comment and extra field."""
    data = path.read_bytes()[: 1 << 16] if path.stat().st_size < 1 << 16 else _head(path)
    flags, end = data[3], 10
    if flags & 4:
        end += 2 + int.from_bytes(data[end : end + 2], "little")
    for bit in (8, 16):
        if flags & bit:
            end = data.find(b"\0", end) + 1 or len(data)
    return data[:end]


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(1 << 16)
