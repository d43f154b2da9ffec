"""The errors whose text may be shown to anyone.

A `CoilError` names the thing, the cause and the remedy in one line and never quotes
a value from the archive or from a DICOM header, so that it can go to logs, tables and
reports. The text of every other exception is withheld there (see `coil.jobs`).
"""

from collections.abc import Mapping


class CoilError(Exception):
    """Something went wrong that a person can act on.

    `retry` says whether the next invocation should try again by itself (the server was
    away, the disk full) or wait until the data, the config or the code have changed (a corrupt
    file).
    """

    retry = False

    @property
    def cause(self) -> str:
        """The thing and what is wrong with it."""
        return self._parts[0]

    @property
    def remedy(self) -> str:
        """What to do about it; empty where the line does not say."""
        return self._parts[1]

    @property
    def _parts(self) -> tuple[str, str]:
        cause, _, remedy = str(self).rpartition("; ")
        return (cause, remedy) if cause else (remedy, "")


class ConfigError(CoilError):
    """The config is wrong: file, key and remedy in one line."""


class DataError(CoilError):
    """The data of a session cannot be used as they are."""


class RecordError(CoilError):
    """A file of the workflow's own is not of the form that is read."""


class LeakError(DataError):
    """Something of a session's identifiers was about to leave; `kinds` counts them by kind."""

    def __init__(self, message: str, kinds: Mapping[str, int]) -> None:
        super().__init__(message)
        self.kinds = dict(kinds)


class PassingError(CoilError):
    """What a stage needs was not there for a time: room, memory, a program that was ended."""

    retry = True


class ArchiveError(CoilError):
    """The archive did not answer as it should; trying again may help."""

    retry = True


class BrokenOffError(ArchiveError):
    """An answer did not arrive whole; it began well, so that asking again is likely to help."""


class EmptyError(BrokenOffError):
    """An answer was there and held nothing at all, where a listing was due."""


class RefusedError(ArchiveError):
    """The archive answered and will not do it: no right, no such thing, no such label.

    `status` is what it answered with, 0 where that was not by a status.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class FailedError(ArchiveError):
    """The archive answered that it failed (500): so it does where it does not know a name, too."""
