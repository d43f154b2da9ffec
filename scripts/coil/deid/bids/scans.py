"""The series of a session as its record shows them, and `scans.tsv`."""

import re
from collections.abc import Sequence

from msgspec.structs import replace

from coil.deid.bids.descriptions import tell
from coil.deid.bids.session_search import SessionSearch
from coil.deid.bids.terms import Terms
from coil.deid.bids.trees import Tree
from coil.deid.identity.dates import NOT_KNOWN
from coil.errors import DataError
from coil.records.series import SeriesRow


def shown(row: SeriesRow, search: SessionSearch, terms: Terms) -> SeriesRow:
    """A series as the record shows it: text without identifiers, its date moved."""
    text = None if row.description is None else search.redacted(row.description)
    return replace(
        row,
        scan=None if row.scan is None else search.redacted(row.scan),
        description=None if text is None else tell(text, terms.words),
        reason=search.redacted(row.reason),
        acq_time=terms.moved(row.acq_time),
    )


def write_scans(tree: Tree, rows: Sequence[SeriesRow], search: SessionSearch) -> None:
    """Write sub-X_ses-Y_scans.tsv: every image of the session with its moved time.

    Raises
    ------
    DataError
        If there is no image.
    """
    when = {name: row.acq_time for row in rows for name in row.files or ()}
    folder = tree.out / tree.inner
    lines = ["filename\tacq_time\n"]
    for path in sorted(folder.rglob("*.nii.gz")):
        name = path.relative_to(folder).as_posix()
        lines.append(f"{name}\t{when.get(tree.listed(path)) or NOT_KNOWN}\n")
    if len(lines) == 1:
        raise DataError("the session has no image that the mapping names; nothing to admit")
    # A moved year may be what a number of the session happens to be.
    search.permit(re.split(r"\W+", " ".join(filter(None, when.values()))))
    table = folder / ("_".join(tree.inner.parts) + "_scans.tsv")
    table.write_text("".join(lines), encoding="utf-8")
