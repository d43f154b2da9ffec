"""The listings of a project, looked at while their rows pass: asked for once, for all checks of
its data."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from coil.archive import listing
from coil.archive.client import Archive
from coil.archive.columns import Lister, Listing
from coil.archive.discover import demographics, selection, variables
from coil.archive.listing import COLUMNS, IMAGES, Row, Session
from coil.doctor.findings import Finding
from coil.records.listing import size

EXAMPLES = 5
"""So many subjects and sessions are asked for what their forms hold, a request each."""
T = TypeVar("T")
_SCAN, _LABEL, _FILES = (COLUMNS[name].lower() for name in ("scan", "resource", "files"))


@dataclass
class Survey:
    """A project's sessions; how many rows told of them, in how many seconds.

    `labels` are those of resources that scans have, `uncounted` the labels of sessions of whose
    images the archive does not know the number. `refused` are columns by what was listed.
    """

    sessions: list[Session] = field(default_factory=list)
    rows: int = 0
    seconds: float = 0.0
    columns: int = 0
    labels: set[str] = field(default_factory=set)
    uncounted: set[str] = field(default_factory=set)
    refused: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def sizes(self) -> list[int]:
        """The bytes of each session's images."""
        return [size(session.scans) for session in self.sessions]


class Surveyed(NamedTuple):
    """A project of which the listings told: the config's `name` for it, its ID in the archive,
    and its settings with defaults."""

    name: str
    id: str
    settings: Mapping[str, Any]
    survey: Survey

    @property
    def taken(self) -> list[Session]:
        """The sessions that the config's `select` takes."""
        return selection.select(self.survey.sessions, self.settings["select"])

    def finding(self, what: str, state: str, text: str, remedy: str = "", *names: str) -> Finding:
        """A finding on the project's data; `names` are the archive's own."""
        return Finding("Data", what, state, text, remedy, self.name, names)


class _Watching(Lister):
    """Asks as ever, and looks at the rows on their way."""

    def __init__(self, archive: Archive, survey: Survey) -> None:
        super().__init__(archive)
        self._survey = survey

    def ask(self, listing: Listing, take: Callable[[Iterable[Row]], T]) -> T:
        self._survey.columns += len([*listing.columns, *listing.optional])
        return super().ask(listing, lambda rows: take(self._watched(rows)))

    def _watched(self, rows: Iterable[Row]) -> Iterator[Row]:
        spelled: dict[str, str] = {}
        for row in rows:
            spelled = spelled or {key.lower(): key for key in row}
            scan, label, files = (row.get(spelled.get(key, "")) for key in (_SCAN, _LABEL, _FILES))
            self._survey.rows += 1
            if scan and label:
                self._survey.labels.add(label)
                if label in IMAGES and not files and _FILES in spelled:
                    self._survey.uncounted.add(row.get("label") or "")
            yield row


def take(archive: Archive, project: str, settings: Mapping[str, Any]) -> Survey:
    """Ask for all that an invocation would, and for nothing of a single session.

    Raises `ArchiveError` where the archive refuses what must be known.
    """
    survey = Survey()
    lister = _Watching(archive, survey)
    begun = time.monotonic()
    survey.sessions = listing.list_sessions(archive, project, settings["select"]["shared"], lister)
    survey.seconds = time.monotonic() - begun
    rows = survey.rows
    _ask_for_people(lister, project, settings, survey.sessions)
    survey.rows, survey.refused = rows, dict(lister.refused)
    return survey


def _ask_for_people(
    lister: Lister, project: str, settings: Mapping[str, Any], sessions: list[Session]
) -> None:
    """Ask for the fields that the config takes of subjects, sessions and assessors."""
    of_subjects, of_sessions = (
        variables.fields_of(settings, per) for per in ("subject", "session")
    )
    demographics.list_people(lister, project, sessions, every_label=True, fields=of_subjects)
    # Forms may take a request each.
    variables.list_session_fields(lister, project, sessions[:EXAMPLES], of_sessions)
    variables.list_assessors(lister, project, settings["phenotype"], sessions)
