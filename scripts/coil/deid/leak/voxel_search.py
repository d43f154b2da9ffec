"""The search for identifiers among voxels: numbers, which can spell a short word by chance."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

IN_VOXELS = 8  # bytes: four voxels of 16 bits; 12 where a voxel is one byte
IN_BYTE_VOXELS = 12
LARGE = 1 << 16  # from here on it pays to import numpy
_FEW = 1 << 14


class VoxelSearch:
    """Finds what a searcher looks for where only long runs of text count."""

    def __init__(
        self,
        needles: Mapping[bytes, str],
        starts: Mapping[bytes, Sequence[tuple[bytes, str, bool]]],
    ) -> None:
        """`needles` are kinds by what is searched for; `starts` has them by their first four
        bytes, with whether they are as people read them."""
        self._needles, self._starts = needles, starts

    def _in_run(self, low: bytes, start: int, end: int, least: int) -> Iterator[str]:
        for position in range(start, end - least + 1):
            for needle, kind, readable in self._starts.get(low[position : position + 4], ()):
                if readable and len(needle) >= least and low.startswith(needle, position):
                    yield kind

    @cached_property
    def _signs(self) -> bytes:
        """1 for every byte that is part of something searched for among voxels."""
        used = set(b"".join(needle for needle in self._needles if len(needle) >= IN_VOXELS))
        return bytes(byte in used for byte in range(256))

    @cached_property
    def _words(self) -> "tuple[np.ndarray, dict[int, list[tuple[int, bytes, str]]]]":
        """A table of hashes, and what each aligned word of 4 bytes may be a part of."""
        import numpy as np

        table = np.zeros(1 << 20, bool)
        parts: dict[int, list[tuple[int, bytes, str]]] = {}
        for needle, kind in self._needles.items():
            for offset in range(4 if len(needle) >= IN_VOXELS else 0):
                word = int.from_bytes(needle[offset : offset + 4], "little")
                parts.setdefault(word, []).append((offset, needle, kind))
        if parts:
            table[hashes(np.array(list(parts), "<u4"))] = True
        return table, parts

    def _are_low(self, data: bytes | memoryview) -> bool:
        """Whether all numbers of two bytes are lower than any two signs of text."""
        import numpy as np

        first = min(self._signs.find(1), ord("A"))  # capital letters stand before small ones
        return int(np.frombuffer(data, "<u2", len(data) // 2).max()) < 0x0101 * max(first, 0)

    def kinds(self, data: bytes | memoryview, least: int) -> Iterator[str]:
        """Any eight bytes hold an aligned word of four: look for these words first.

        Most images are done before: their numbers are too low for text.
        """
        # To import numpy for this would take longer than it saves.
        if len(data) >= _FEW and "numpy" in sys.modules and self._are_low(data):
            return
        low = bytes(data).lower()
        signs = low.translate(self._signs)
        if signs.find(b"\1" * least) < 0:
            return
        if len(low) < LARGE or "numpy" not in sys.modules:
            runs = [match.span() for match in re.finditer(b"\1{%d,}" % least, signs)]
            if len(low) < LARGE or sum(end - start for start, end in runs) < _FEW:
                for start, end in runs:
                    yield from self._in_run(low, start, end, least)
                return
        import numpy as np

        table, parts = self._words
        aligned = np.frombuffer(low, "<u4", count=len(low) // 4)
        positions = np.flatnonzero(table[hashes(aligned)])
        for position in positions[np.isin(aligned[positions], list(parts))]:
            for offset, needle, kind in parts[int(aligned[position])]:
                start = 4 * int(position) - offset
                if len(needle) >= least and start >= 0 and low.startswith(needle, start):
                    yield kind


def hashes(words: "np.ndarray") -> "np.ndarray":
    """The hash of each word, by multiplication (Knuth, TAOCP vol. 3, section 6.4): 20 bits."""
    import numpy as np

    return (words * np.uint32(2654435761)) >> np.uint32(12)
