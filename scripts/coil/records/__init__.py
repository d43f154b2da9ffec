"""What one part of the workflow leaves for another, as types: each file has one, in one module.

A record is JSON in UTF-8. Its `version` says which form it has; a file of another version, with
a key that is missing or not known, or with a value of another type is an error that names the
file. What asks only whether something is to be made again takes such a file for none
(`read_or_none`).
"""

import re
from pathlib import Path
from typing import Any, ClassVar, Self

import msgspec

from coil import files
from coil.errors import RecordError

UNVERSIONED = 0


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a record: written and read with it."""


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that another part of the workflow reads.

    A subclass says its form's number as `VERSION`, which the file has as its first key, and
    `frozen` and `kw_only` once more, for the type checkers' sake. A file that people get or that
    other programs read has none (`UNVERSIONED`): its keys tell.
    """

    VERSION: ClassVar[int]

    @classmethod
    def from_fields(cls, fields: Any, name: str = "record") -> Self:
        """The record of these fields; `RecordError` if they do not fit, which names the file."""
        values = {**fields} if files.is_object(fields) else {}
        version = values.pop("version", None) if cls.VERSION else UNVERSIONED
        if version != cls.VERSION:
            raise RecordError(
                f"{name}: version {version} of this file, where {cls.VERSION} is read; remove it, "
                "and the next run makes it anew"
            )
        try:
            return msgspec.convert(values, cls)
        except msgspec.ValidationError as error:
            raise RecordError(
                f"{name}: {_place(error)}; remove the file, and the next run makes it anew"
            ) from None

    @classmethod
    def read(cls, path: Path) -> Self:
        """The record in a file; `RecordError` if it does not fit, `OSError` if it is not there."""
        try:
            fields = msgspec.json.decode(path.read_bytes())
        except msgspec.DecodeError:
            raise RecordError(
                f"{path.name}: not JSON; remove the file, and the next run makes it anew"
            ) from None
        return cls.from_fields(fields, path.name)

    @classmethod
    def read_or_none(cls, path: Path) -> Self | None:
        """The record in a file; None where there is none of this form."""
        try:
            return cls.read(path)
        except (FileNotFoundError, RecordError):
            return None

    def fields(self) -> dict[str, Any]:
        """The content of the file, as JSON's own types."""
        version = {"version": self.VERSION} if self.VERSION else {}
        return version | msgspec.to_builtins(self)

    def write(self, path: Path, mode: int | None = None) -> None:
        """Write the record by rename; `mode` sets the permissions before it appears."""
        files.write_json(path, self.fields(), mode)

    def write_if_changed(self, path: Path, mode: int | None = None) -> None:
        """Write the record unless the file holds it, so that its time tells of a change."""
        files.write_if_changed(path, files.json_text(self.fields()), mode)


def _place(error: msgspec.ValidationError) -> str:
    """The misfit and its place, without the value, which msgspec quotes of an enumeration."""
    cause, _, place = str(error).partition(" - at ")
    cause = re.sub(r"(?s)^(Invalid enum value).*", r"\1", cause)
    return f"{place.strip('`').removeprefix('$.') or 'its keys'}: {cause}"
