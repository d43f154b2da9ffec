"""The scopes of analyses by the names that the rules know them by."""

from coil.analyses.scopes import PATTERN as PATTERN
from coil.analyses.scopes import scope_of as place_of
from coil.analyses.scopes import scopes as places
from coil.analyses.scopes import units_of as units_of

__all__ = ["PATTERN", "place_of", "places", "units_of"]
