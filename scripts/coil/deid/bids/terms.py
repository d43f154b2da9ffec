"""On what terms a session leaves the quarantine."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from coil.deid.identity.dates import NOT_KNOWN, acq_time, shift_days


@dataclass(frozen=True)
class Terms:
    """On what terms a session is admitted: who it is of, and what the config lets pass.

    secret, project, subject_id   the project's secret and the archive's IDs, which give the shift
                                  of the subject's dates
    dates, time_of_day            as in the config's `identity`
    deface                        the suffixes of the images that lose their faces
    sidecar_keys                  the keys of sidecars, and columns of tables, that pass unchecked
    words                         what descriptions of series may say beside words of protocols
    people                        the private file in which those are noted whom the headers name
    """

    secret: bytes = field(repr=False)
    project: str
    subject_id: str
    dates: str = "shift"
    time_of_day: str = "keep"
    deface: frozenset[str] = frozenset()
    sidecar_keys: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    people: Path | None = None

    @property
    def keeps_times(self) -> bool:
        """Whether times of day leave as they are."""
        return self.dates == "shift" and self.time_of_day == "keep"

    @cached_property
    def _days(self) -> int:
        return shift_days(self.secret, self.project, self.subject_id)

    def moved(self, when: str | None) -> str | None:
        """A date and time (ISO) as it may be shown; None if it may not, or is none."""
        shown = acq_time(_moment(when), self._days, dates=self.dates, time_of_day=self.time_of_day)
        return None if shown == NOT_KNOWN else shown


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
