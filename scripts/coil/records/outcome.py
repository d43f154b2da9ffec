"""Whether something of a project was done: `records/project/questionnaires.json`."""

from typing import ClassVar, Literal

from coil.records import Record


class Outcome(Record, frozen=True, kw_only=True):
    """It is done, or it failed: at which stage, why, with which log, and whether to retry."""

    VERSION: ClassVar[int] = 1

    state: Literal["done", "failed"]
    stage: str | None = None
    reason: str | None = None
    log: str | None = None
    retry: bool = False
    leaks: dict[str, int] = {}
