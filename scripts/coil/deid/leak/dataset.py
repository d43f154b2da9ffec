"""The search for the archive's labels, and for names, in what a dataset says of its people.

Sessions are searched for their own identifiers before they are admitted. What comes to the
dataset beside them, from custom variables, questionnaires and the config, is searched for the
labels and IDs of every subject and session that the link table knows; the cells of its tables
also for those whom the sessions' DICOM headers name.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from coil.deid.identity.identities import Link
from coil.deid.leak import identifiers
from coil.deid.leak.identifiers import Identifier
from coil.deid.leak.people import People
from coil.deid.leak.search import Searcher
from coil.records.archive import ArchiveRecord


class Guard:
    """Finds identifiers of a project in text that is to be published."""

    def __init__(
        self,
        links: Iterable[Link],
        archive: ArchiveRecord,
        own_words: Iterable[str] = (),
        people: Iterable[Identifier] = (),
    ) -> None:
        """`archive` is the project's; `own_words` what the lab itself publishes:
        a word there is no leak where it is only a part of a label; `people` whom the headers of
        the sessions name."""
        found: set[Identifier] = set()
        public: set[str] = set()
        own = " ".join(own_words)
        for link in links:
            public |= {link.subject, link.session, f"sub{link.subject}", f"ses{link.session}"}
            for value in (link.subject_id, link.session_id):
                found.add(Identifier(value, "ID of the archive"))
            found.update(identifiers.label(link.subject_label, "label of a subject"))
            found.update(identifiers.label(link.session_label, "label of a session"))
        host = urlsplit(archive.server).hostname or ""
        for value, kind in ((archive.project, "project"), (host, "server")):
            if value.lower() not in own.lower():  # a study is often called as its project is
                found.add(Identifier(value, kind))
        words = "".join(c if c.isalnum() else " " for c in own).split()
        self._searcher = Searcher(identifiers.gather(found), public, words)
        self._people = People(people, public)

    def kind(self, *texts: Any) -> str | None:
        """The kind of an identifier that stands in text (or in JSON), None if there is none."""
        for text in texts:
            data = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
            for *_, kind in self._searcher.in_text(data.encode()):
                return kind
        return None

    def kind_in_cells(
        self, columns: Iterable[tuple[Mapping[str, Any], Iterable[str]]]
    ) -> str | None:
        """The same for the cells of columns, each with its entry in the table's dictionary.

        In cells people are looked for, too, but not where they are one of the levels of a column,
        which the lab chose.
        """
        found = [(note, list(cells)) for note, cells in columns]
        everything = "\n".join(cell for _, cells in found for cell in cells)
        written = [cell for note, cells in found if not note.get("Levels") for cell in cells]
        return self.kind(everything) or self._people.kind(written)
