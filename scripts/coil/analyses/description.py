"""The description of an analysis' results, as a rule hands it to its script."""

from coil.records import Part
from coil.records.analysis import Level


class Description(Part, frozen=True, kw_only=True):
    """The description of an analysis' derivative dataset; `others` are the analyses that it saw."""

    name: str
    level: Level
    description: str
    bidsignore: tuple[str, ...]
    others: tuple[str, ...]
