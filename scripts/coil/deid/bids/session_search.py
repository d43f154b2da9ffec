"""The search for one session's own identifiers, in whatever is about to leave of it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from coil.deid.bids.trees import Tree
from coil.deid.leak.headers import collect
from coil.deid.leak.identifiers import Identifiers
from coil.deid.leak.search import Hit, Searcher, labels_of, redact, search_with

_NUMBERED = ("ID", "name or ID of the archive")


class SessionSearch:
    """Finds a session's identifiers: of its headers, and of the archive's names and notes.

    `numbers` are those by which its person is known.
    """

    def __init__(
        self, pulled: Path, trees: Sequence[Tree], versions: Iterable[str], keeps_times: bool
    ) -> None:
        """
        Parameters
        ----------
        pulled
            The session as it was pulled.
        trees
            Where its files are taken from; the labels in their names may leave.
        versions
            Those of the tools, which may leave.
        keeps_times
            Whether times of day may leave.
        """
        found = collect(pulled)
        self.identifiers = found.without("time") if keeps_times else found
        self.numbers = frozenset(_numbers(found))
        folders = [tree.source / tree.inner for tree in trees]
        names = [path.name for folder in folders for path in folder.rglob("*") if path.is_file()]
        subject, session = trees[0].subject, trees[0].session
        public = {subject, session, f"sub{subject}", f"ses{session}", *versions}
        self._searcher = Searcher(self.identifiers, public, labels_of(names))

    def holds(self, text: str) -> bool:
        """Whether a text holds an identifier."""
        return any(True for _ in self._searcher.in_text(text.encode()))

    def redacted(self, text: str) -> str:
        """The text with each identifier, and whatever else is a date or a UID, replaced."""
        return redact(self._searcher, text)

    def permit(self, words: Iterable[str]) -> None:
        """Let words stand where they stand alone, whatever else they are."""
        self._searcher.permit(words)

    def hits(self, files: Mapping[str, Path]) -> list[Hit]:
        """The hits in files, and in the names by which they are listed."""
        return search_with(self._searcher, files.values(), files)

    def named(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Counts by name, sorted; by `other` where the name itself may not be shown."""
        safe: Counter[str] = Counter()
        for name, count in counts.items():
            hidden = not re.fullmatch(r"[A-Za-z][\w.]{0,63}", name) or self.holds(name)
            safe["other" if hidden else name] += count
        return dict(sorted(safe.items()))


def _numbers(found: Identifiers) -> Iterator[int]:
    for one in found.values:
        if one.kind in _NUMBERED:
            yield from map(int, re.findall(r"\d{1,18}", one.value))
