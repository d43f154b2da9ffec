"""A series of which a file or its folder cannot be used, by its folder and the reason."""

from collections.abc import Iterator
from contextlib import contextmanager

from coil import passing
from coil.errors import CoilError, DataError


class BrokenSeriesError(DataError):
    """A series cannot be used: `reason` says why and what to do, `folder` which it is."""

    def __init__(self, folder: str | None, reason: str) -> None:
        super().__init__(f"{folder}: {reason}")
        self.folder, self.reason = folder, reason


def unreadable_file(position: int) -> str:
    """The reason of a series with a file that is not readable DICOM."""
    return (
        f"file {position} in the order of names is not a readable DICOM file; replace or delete "
        "it in the archive"
    )


@contextmanager
def reading(folder: str | None) -> Iterator[None]:
    """Whatever comes of a damaged header as `BrokenSeriesError`.

    pydicom reads a value when it is asked for it, and then finds out that it is broken.
    """
    try:
        yield
    except CoilError:
        raise
    except Exception as error:
        passing.let_through(error)
        raise BrokenSeriesError(
            folder,
            f"a header holds a value that DICOM does not allow ({type(error).__name__}); repair or "
            "remove the file in the archive",
        ) from None
