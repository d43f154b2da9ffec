"""One header of each kind of series of a project, read and not kept."""

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from coil.archive.client import Archive
from coil.archive.listing import Scan, Session
from coil.archive.pull.headers import fetch_headers
from coil.bids.series.partial import read_partial
from coil.bids.series.series import Series
from coil.errors import DataError
from coil.workspace import Workspace

EXAMPLES = 2
"""Of so many series of each kind a header is looked at."""

Kind = tuple[str, str, int | None]
"""The type, description and number of files that series of one kind share in the listing."""


def kind(scan: Scan) -> Kind:
    """The kind of a scan."""
    return scan.type, scan.series_description, scan.files


def read_examples(archive: Archive, sessions: Sequence[Session], root: Path) -> dict[Kind, Series]:
    """A series of each kind by its header, which is fetched and removed again.

    Where two of a kind differ in their ImageType, the listing does not tell them apart, and
    the kind is left out.
    """
    fetched: Counter[Kind] = Counter()
    examples: dict[Kind, list[Series]] = {}
    for session in sessions:
        scans = _examples_of(session, fetched)
        if scans:
            kinds = {scan.scan: kind(scan) for scan in scans}
            for series in _read_headers(archive, session.id, scans, root):
                examples.setdefault(kinds[series.scan or ""], []).append(series)
    return {
        of: series[0]
        for of, series in examples.items()
        if len({one.image_type for one in series}) == 1
    }


def _examples_of(session: Session, fetched: Counter[Kind]) -> list[Scan]:
    """The scans of a session of whose kind there are too few in `fetched`, which is counted up."""
    scans = []
    for scan in session.scans:
        if scan.files != 0 and fetched[kind(scan)] < EXAMPLES:
            fetched[kind(scan)] += 1
            scans.append(scan)
    return scans


def _read_headers(
    archive: Archive, session_id: str, scans: Sequence[Scan], root: Path
) -> list[Series]:
    private = Workspace(root).private_zone
    private.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=private, prefix=".init-") as folder:
        fetch_headers(archive, session_id, scans, Path(folder))
        try:
            return [one for one in read_partial(Path(folder)) if one.folder]
        except DataError:  # no images among them, or a file that is not DICOM
            return []
