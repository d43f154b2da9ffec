"""What becomes of one series, and why."""

from dataclasses import dataclass, field, replace

from coil.bids.mapping.rules import Origin
from coil.bids.series.series import Series
from coil.records.series import State


@dataclass(frozen=True)
class Resolution:
    """What became of one series (None: of a rule that no series took) and why.

    note      why; where it begins with the rule's `origin`, what comes behind that
    joint     what joins the two
    open      what only a header tells and what could still change the row; of a series with all
              its headers nothing is open
    waits     whether the header decides what becomes of it
    may_take  the origins of rules that take it if its header says so
    """

    series: Series | None
    state: State
    note: str
    rule: int | None = None
    name: str | None = None
    open: frozenset[str] = frozenset()
    origin: Origin = field(default_factory=Origin)
    joint: str = ""
    waits: bool = False
    may_take: frozenset[Origin] = frozenset()

    @property
    def reason(self) -> str:
        """Why, in one line that begins with the rule's origin where it takes the series."""
        origin = str(self.origin)
        return origin + (self.joint if origin and self.note else "") + self.note

    def by(self, origin: Origin, joint: str = "") -> "Resolution":
        """The row with a reason that begins with a rule's origin."""
        return replace(self, origin=origin, joint=joint)

    def adding(self, joint: str, note: str) -> "Resolution":
        """The row with something added to its reason."""
        if not self.note:
            return replace(self, joint=joint, note=note)
        return replace(self, note=f"{self.note}{joint}{note}")

    def instead(self, state: State, note: str) -> "Resolution":
        """The row of the same series in another state, for another reason."""
        return Resolution(self.series, state, note, self.rule, self.name, self.open)
