"""What a session's conversion made: `converted.json` beside its BIDS files, in the quarantine."""

from pathlib import Path
from typing import ClassVar, Self

from coil import passing
from coil.errors import DataError, RecordError
from coil.records import Record
from coil.records.series import SeriesRow

NAME = "converted.json"


class Conversion(Record, frozen=True, kw_only=True):
    """Every series of a session with what became of it; `versions` are of the tools."""

    VERSION: ClassVar[int] = 1

    series: tuple[SeriesRow, ...] = ()
    versions: dict[str, str] = {}

    @classmethod
    def read_in(cls, folder: Path) -> Self:
        """The record in the folder of a converted session; `DataError` where there is none."""
        try:
            return cls.read(folder / NAME)
        except (OSError, RecordError) as error:
            passing.let_through(error)
            raise DataError(f"{NAME}: missing or damaged; convert the session again") from None

    def write_in(self, folder: Path) -> None:
        """Write the record into such a folder."""
        self.write(folder / NAME)
