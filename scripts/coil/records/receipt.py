"""The receipt of a push in the archive: `receipt.json` of the resource that the config names.

Archives hold receipts without a `version`, of Coil before it wrote any. They are honoured.
"""

import json
from typing import Any, ClassVar, Literal, Self

import msgspec

from coil.errors import RecordError
from coil.records import Record

FIRST = 1
"""The version that a receipt without one has: its keys are the same."""


class ReceiptRecord(Record, frozen=True, kw_only=True):
    """The MD5s that were written, by file; `complete` once all were read back."""

    VERSION: ClassVar[int] = 1

    written_by: Literal["coil"] = "coil"
    complete: bool
    files: dict[str, tuple[str, ...]]

    @classmethod
    def from_bytes(cls, data: bytes) -> Self | None:
        """The receipt in a file; None if Coil did not write it.

        Raises
        ------
        RecordError
            If a Coil wrote it that knows a later version.
        """
        try:
            fields: Any = msgspec.json.decode(data)
            if fields["written_by"] != "coil":
                return None
        except (msgspec.DecodeError, KeyError, TypeError):
            return None
        version = fields.get("version", FIRST)
        if not isinstance(version, int) or version > cls.VERSION:
            raise RecordError(
                "receipt.json: a later version of Coil wrote it; push with that one, or set "
                "push.resource to another label"
            )
        try:
            keys = {key: fields[key] for key in cls.__struct_fields__}
            return cls.from_fields(keys | {"version": cls.VERSION}, "receipt.json")
        except (RecordError, KeyError):
            return None

    def forms(self) -> tuple[bytes, bytes]:
        """The receipt as a file, and as a Coil wrote it that gave it no version."""
        fields = self.fields()
        earlier = {key: value for key, value in fields.items() if key != "version"}
        return _text(fields), _text(earlier)


def _text(fields: dict[str, Any]) -> bytes:
    return (json.dumps(fields, indent=1, sort_keys=True) + "\n").encode()
