"""The problem of one image of several, so that it does not hold up the others."""

import traceback

from coil import passing
from coil.errors import DataError, PassingError


def problem(error: Exception) -> str:
    """The reason why an image could not be worked on: a line, without the words of libraries.

    Raises `PassingError` where that passes by itself: then all is done again.
    """
    if isinstance(error, PassingError):
        raise error
    passing.let_through(error)
    if isinstance(error, DataError):
        return str(error)
    traceback.print_exception(error)
    return f"unexpected {type(error).__name__}; the log of the analysis shows where"
