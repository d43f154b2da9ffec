"""The columns of the sessions' listing: XNAT's paths of them, and how its rows have them."""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from coil.archive.columns import id_of

_SESSION = "xnat:imagesessiondata"
_SCAN = "xnat:imagescandata"
_SUBJECT = "xnat:subjectData"
SUBJECT_DEMOGRAPHICS = f"{_SUBJECT}/demographics[@xsi:type=xnat:demographicData]"

EVERY = "/data/experiments"
"""The listing of all projects, which takes a `limit`."""

# By the short name where XNAT has one, for it answers under that whatever was asked for.
COLUMNS = {
    "id": "ID",
    "label": "label",
    "type": "xsiType",
    "project": "project",
    "date": "date",
    "last_modified": "last_modified",
    "subject_label": "subject_label",
    "subject_id": f"{_SESSION}/subject_id",
    "scanner": "scanner",
    "manufacturer": f"{_SESSION}/scanner/manufacturer",
    "model": f"{_SESSION}/scanner/model",
    "scan": f"{_SCAN}/id",
    "scan_type": f"{_SCAN}/type",
    "quality": f"{_SCAN}/quality",
    "note": f"{_SCAN}/note",
    "frames": f"{_SCAN}/frames",
    "series_description": f"{_SCAN}/series_description",
    "resource": f"{_SCAN}/file/label",
    "files": f"{_SCAN}/file/file_count",
    "bytes": f"{_SCAN}/file/file_size",
    "gender": f"{SUBJECT_DEMOGRAPHICS}/gender",
    "handedness": f"{SUBJECT_DEMOGRAPHICS}/handedness",
    "dob": f"{SUBJECT_DEMOGRAPHICS}/dob",
    "yob": f"{SUBJECT_DEMOGRAPHICS}/yob",
}
OPTIONAL = (
    "last_modified", "scanner", "manufacturer", "model", "note", "frames", "files", "bytes",
    "gender", "handedness", "dob", "yob",
)  # fmt: skip
"""The columns that a listing may lack, by our names; `select` may need some of them."""
SHARED_INTO = f"{_SESSION}/sharing/share/project"
# `label` is the one at home; a join with all shares repeats a row for each of them.
SHARE_COLUMNS = {
    "shared_into": SHARED_INTO,
    "shared_label": f"{_SESSION}/sharing/share/label",
    "subject_shared_into": f"{_SUBJECT}/sharing/share/project",
    "subject_shared_label": f"{_SUBJECT}/sharing/share/label",
}
PERSON = ("gender", "handedness", "dob", "yob")
Row = Mapping[str, Any]


class Picker:
    """Takes some columns out of rows; servers differ in the case of a column's name.

    A column that the server did not send, or sent as null, is empty.
    """

    def __init__(self, *names: str) -> None:
        columns = COLUMNS | SHARE_COLUMNS
        self._paths = [columns[name].lower() for name in names]
        self._known: dict[tuple[str, ...], Callable[[Row], tuple[str, ...]]] = {}

    def __call__(self, row: Row) -> tuple[str, ...]:
        """The columns of a row, in the order of their names here."""
        keys = tuple(row)
        if keys not in self._known:
            self._known[keys] = self._getter(keys)
        found = self._known[keys](row)
        return tuple(text or "" for text in found) if None in found else found

    def _getter(self, keys: tuple[str, ...]) -> Callable[[Row], tuple[str, ...]]:
        spelled = {key.lower(): key for key in keys}
        wanted = [spelled.get(path, path) for path in self._paths]
        if all(key in keys for key in wanted):
            return itemgetter(*wanted)
        return lambda row: tuple(row.get(k, id_of(row) if k == "id" else "") for k in wanted)
