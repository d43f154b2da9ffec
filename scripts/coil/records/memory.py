"""What is settled of a project: `private/<project>/memory.json`.

It is replaced whole at the end of the invocation that it vouches for, and never before. Where it
is lost, Snakemake looks at every job once, and it is made anew.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import msgspec

from coil.records import Record

End = Literal["done", "failed", "skipped", "rehearsed"]


class Settled(msgspec.Struct, frozen=True, array_like=True):
    """The end of one step of a session, a subject or the project; digests of what it is made from.

    settings, code   of the rules that lead to it, with their environments
    data             of what the archive lists, "" where it reads none
    inputs           of the records that it reads
    record           of its own record, or of the file that it makes
    end              as its record says
    failures         how often in a row it failed for a reason that may pass
    files            the other files that it left: path, size in bytes and digest, a line each
    """

    settings: str
    code: str
    data: str
    inputs: str
    record: str
    end: End = "done"
    failures: int = 0
    files: str = ""


class Begun(msgspec.Struct, frozen=True, array_like=True):
    """A step that an invocation set out to make: from what, and its record's digest before."""

    settings: str
    code: str
    data: str
    before: str


class MemoryRecord(Record, frozen=True, kw_only=True):
    """The steps that are settled, and those that an invocation set out to make, by scope.

    A scope is a session, a subject or the project (`project`). A step is named as its record; what
    has none is named by the file that it makes.
    """

    VERSION: ClassVar[int] = 1

    settled: Mapping[str, Mapping[str, Settled]] = {}
    begun: Mapping[str, Mapping[str, Begun]] = {}
