"""What becomes of one series, and why."""

from dataclasses import dataclass

from coil.bids.series.series import Series
from coil.records.series import State


@dataclass(frozen=True)
class Resolution:
    """What became of one series (None: of a rule that no series took) and why.

    `open` names what only a header tells and what could still change the row; of a series
    with all its headers nothing is open.
    """

    series: Series | None
    state: State
    reason: str
    rule: int | None = None
    name: str | None = None
    open: frozenset[str] = frozenset()
