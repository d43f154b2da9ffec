"""The lab's own table of labels, for `identity: {subjects: table}`.

A CSV or TSV file with a header. `subject` holds the archive's subject label or ID and
`participant_id` the BIDS label, with or without `sub-`; `session` and `session_id`, where sessions
have labels of their own, the archive's session label or ID and `ses-...`. It joins names and
pseudonyms as the link table does, so nobody but its owner and group may read it.
"""

import csv
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from coil.errors import ConfigError

_LABEL = re.compile(r"[0-9A-Za-z]{1,64}")
_COLUMNS = ("subject", "participant_id", "session", "session_id")


@dataclass(frozen=True)
class OwnLabels:
    """BIDS labels by the archive's labels or IDs."""

    subjects: dict[str, str] = field(default_factory=dict[str, str])
    sessions: dict[str, str] = field(default_factory=dict[str, str])

    def subject(self, archive_id: str, label: str) -> str | None:
        """The label of a subject, by its ID or its label; None if the table has none."""
        return self.subjects.get(archive_id) or self.subjects.get(label)

    def session(self, archive_id: str, label: str) -> str | None:
        """The label of a session, by its ID or its label; None if the table has none."""
        return self.sessions.get(archive_id) or self.sessions.get(label)


def read_own_labels(path: Path) -> OwnLabels:
    """Read the table.

    Raises
    ------
    ConfigError
        With the file and the row, never with what stands there: a column is missing, a label is
        not BIDS's, two people would share one, or one would have two.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: identity.table: no such file; write it or correct the path")
    if stat.S_IMODE(path.stat().st_mode) & stat.S_IRWXO:
        raise ConfigError(f"{path}: everybody may read the table of labels; run: chmod o= {path}")
    found = OwnLabels()
    for number, row in _rows(path):
        where = f"{path}: row {number}"
        _put(found.subjects, row["subject"], row["participant_id"], "sub-", where)
        if row.get("session"):
            _put(found.sessions, row["session"], row.get("session_id") or "", "ses-", where)
    owners: dict[str, str] = {}
    for archive, label in found.subjects.items():
        if owners.setdefault(label.lower(), archive) != archive:
            raise ConfigError(
                f"{path}: two subjects share one participant_id; give each a label of its own"
            )
    return found


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows by number, as in the file; cells without blanks around them."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8; save it so") from None
    head = text.partition("\n")[0]
    reader = csv.DictReader(text.splitlines(), delimiter="\t" if "\t" in head else ",")
    columns = [column.strip() for column in reader.fieldnames or ()]
    if absent := [column for column in _COLUMNS[:2] if column not in columns]:
        raise ConfigError(f"{path}: no column {absent[0]}; it takes {', '.join(_COLUMNS)}")
    reader.fieldnames = columns
    for row in reader:
        cells = {key: (row.get(key) or "").strip() for key in _COLUMNS}
        if any(cells.values()):
            yield reader.line_num, cells


def _put(table: dict[str, str], archive: str, label: str, prefix: str, where: str) -> None:
    label = label.removeprefix(prefix)
    if not archive or not _LABEL.fullmatch(label):
        raise ConfigError(f"{where}: a label of letters and digits is wanted, and whose it is")
    if table.setdefault(archive, label) != label:
        raise ConfigError(f"{where}: gives a second label; remove one of the two rows")
