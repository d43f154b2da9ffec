"""Those whom a session's headers name: `private/<project>/people/<unit>.json`, mode 0600."""

from typing import ClassVar

from coil.records import Record


class PeopleRecord(Record, frozen=True, kw_only=True):
    """Kind and text of each, sorted.

    salt   what nobody can guess: Snakemake notes a digest of the file
    """

    VERSION: ClassVar[int] = 1

    people: tuple[tuple[str, str], ...] = ()
    salt: str = ""
