"""The paths of all that the demo has: in the checkout, and in a study that was generated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
"""The folder with the Snakefile."""
_DEMO = CHECKOUT / ".demo"
STUDY, ARCHIVE, WORK = _DEMO / "study", _DEMO / "archive", _DEMO / "run"
"""The study of `make demo`, the archive that holds it, and the folder that the workflow runs in."""
CONFIG = Path("demo", "config.yaml")
"""The demo's config, from the checkout."""


@dataclass(frozen=True)
class StudyFolder:
    """The folders and files of a generated study."""

    root: Path

    @property
    def truth(self) -> Path:
        """The truth about all of it."""
        return self.root / "truth.json"

    @property
    def description(self) -> Path:
        """The file of what is to be set on the archive's subjects and sessions."""
        return self._extras / "archive.json"

    @property
    def questionnaires(self) -> Path:
        """The folder of the project's questionnaires."""
        return self._extras / "questionnaires"

    @property
    def _extras(self) -> Path:
        return self.root / "archive"

    def dicom(self, subject: str, session: str) -> Path:
        """The folder of a session's DICOM files."""
        return self.root / "dicom" / subject / session

    def events(self, subject: str, session: str) -> Path:
        """The folder of a session's log of the task."""
        return self._extras / "events" / subject / session

    def masks(self, subject: str, session: str) -> Path:
        """The folder of the masks of what was active in a session."""
        return self.root / "truth" / subject / session
