"""The base of the config's tables, and the types of their values."""

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta
from msgspec.structs import fields


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of keys. The text below a field says what the key means.

    A key without a default is required; one whose default is None has no value unless it is
    written, and cannot be written as null.
    """

    DEFINITION: ClassVar[str] = ""
    """Its name in the schema, where it stands in several places or in itself."""
    LEAST: ClassVar[int] = 0
    """So many keys must be written."""
    FORMS: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Keys that belong together: those of exactly one of these must be written."""


Regex = Annotated[str, Meta(extra_json_schema={"format": "regex"})]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", extra_json_schema={"format": "date"})]
NonEmpty = Annotated[str, Meta(min_length=1)]
Name = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]+$")]
"""A text that can be a part of a path."""
Label = Annotated[str, Meta(pattern="^[0-9A-Za-z+]+$")]
"""The value of an entity."""
WebAddress = Annotated[str, Meta(pattern="^https?://")]
Address = Annotated[str, Meta(pattern="^[a-z]+:")]
OneOrMore = str | tuple[str, ...]
UNIQUE = Meta(extra_json_schema={"uniqueItems": True})
"""No value stands twice."""


def keys(table: type[msgspec.Struct]) -> tuple[str, ...]:
    """The keys of a table as they are written, in their order."""
    return table.__struct_encode_fields__


def default(table: type[msgspec.Struct], key: str) -> Any:
    """The value that a key of a table has where it is not written."""
    return next(field.default for field in fields(table) if field.encode_name == key)
