"""The columns that the archive refused to list: `private/<project>/refused.json`."""

from datetime import datetime
from typing import ClassVar

from coil.records import Record


class RefusedColumns(Record, frozen=True, kw_only=True):
    """Since when it is known, and the columns by what was listed."""

    VERSION: ClassVar[int] = 1

    since: datetime
    columns: dict[str, tuple[str, ...]]
