"""A session in the quarantine: `pulled.json` beside its folders, written last of all.

Where headers were fetched for a preview, their folder has one, too.
"""

from typing import ClassVar, Literal

from coil.records import Part, Record

NO_DICOM = "no DICOM"


class PulledScan(Part, frozen=True, kw_only=True):
    """One series, or a scan that has none (then without a folder).

    scan     its ID in the archive
    type, series_description, quality, note   as the archive has them of the scan
    folder   below the session's, with the series's files alone
    files    how many there are, None if the archive has not counted them
    problem  why there is no folder
    broken   the place, in the order of names, of the first file that is not readable DICOM
    strays   the number of files that are no DICOM by their names, too
    """

    scan: str | None = None
    type: str = ""
    series_description: str = ""
    quality: str = ""
    note: str = ""
    folder: str | None = None
    files: int | None = 0
    problem: Literal["no DICOM"] | None = None
    broken: int | None = None
    strays: int = 0


class ArchiveNames(Part, frozen=True, kw_only=True):
    """The archive's IDs and labels of a session and its subject; nothing of them may leave.

    `home_labels` are those in their own project, where they are shared into this one.
    """

    subject_id: str = ""
    subject_label: str = ""
    session_id: str = ""
    session_label: str = ""
    home_labels: tuple[str, ...] = ()


class PulledSession(Record, frozen=True, kw_only=True):
    """The series of a session, and the names that the archive has for it."""

    VERSION: ClassVar[int] = 1

    scans: tuple[PulledScan, ...]
    identifiers: ArchiveNames = ArchiveNames()
