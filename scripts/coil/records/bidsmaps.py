"""The archive's bidsmaps, where the mapping uses them: `private/<project>/bidsmap.json`.

The file has no version: its digest is in the description of every dataset that rests on it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from coil import files
from coil.errors import RecordError
from coil.records import Part


class KeptBidsmap(Part, frozen=True, kw_only=True, rename={"source": "place", "content": "map"}):
    """A bidsmap: where in the archive it is, in words, and the JSON of its text."""

    source: str
    content: Any


def read(path: Path) -> list[KeptBidsmap]:
    """The maps in a file, the project's first; `RecordError` if it is not of this form."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[KeptBidsmap])
    except msgspec.DecodeError:
        raise RecordError(
            f"{path.name}: not a list of bidsmaps; remove the file, and the next run makes it anew"
        ) from None


def write_if_changed(path: Path, maps: Sequence[KeptBidsmap]) -> None:
    """Leave the maps for their owner only."""
    files.write_if_changed(path, files.json_text(msgspec.to_builtins(maps)), 0o600)
