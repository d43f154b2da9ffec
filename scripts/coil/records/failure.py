"""Why a stage has no result: `failed.json`, alone in the folder that would hold it."""

from pathlib import Path
from typing import Any, ClassVar, Self

import msgspec

from coil import files
from coil.records import Record

NAME = "failed.json"


class Failure(Record, frozen=True):
    """The failure of a stage; safe to show to anyone.

    stage    the rule's name
    reason   one line
    log      the log to read
    retry    whether the next invocation tries again by itself
    leaks    how many identifiers of each kind the leak check found, if it was that
    """

    VERSION: ClassVar[int] = 1

    stage: str
    reason: str
    log: str
    retry: bool
    leaks: dict[str, int] = {}

    @classmethod
    def read_in(cls, folder: Path) -> Self | None:
        """The failure that an earlier stage left in `folder`, if it failed."""
        path = folder / NAME
        return cls.read(path) if path.is_file() else None

    def write_in(self, folder: Path) -> None:
        """Leave the failure in `folder`, which is all that the folder holds then."""
        files.remove_tree(folder)
        folder.mkdir(parents=True)
        self.write(folder / NAME)

    def record(self) -> dict[str, Any]:
        """The failure as the fields of a stage's record."""
        return {"state": "failed", **msgspec.structs.asdict(self)}
