"""Files in the resources of a pulled session: which of them are a run's, and which are nobody's."""

import glob
import re
import string
from collections.abc import Collection, Sequence
from pathlib import Path

from coil.bids import names
from coil.bids.mapping.associated import Companion
from coil.errors import DataError


def find(companion: Companion, name: str, scan: str | None, pulled: Path) -> list[Path]:
    """The files of a run by its BIDS name and its scan, in the order of their names.

    Raises
    ------
    DataError
        If the pattern has a field that the run has not.
    """
    own = _fields(name) | {"scan": scan or ""}
    try:
        filled = companion.file.format_map({k: glob.escape(v) for k, v in own.items()})
    except (KeyError, ValueError, IndexError):
        raise DataError(f"{companion.where}.file: names an entity that its runs lack") from None
    if companion.of == "scan":
        return files(pulled / "scan_resources" / (scan or "") / companion.resource, filled)
    return files(pulled / "resources" / companion.resource, filled)


def unused(companion: Companion, runs: Sequence[str], pulled: Path, used: Collection[Path]) -> int:
    """The number of the session's files that fit the companion's pattern and are of no run.

    What all runs have in common must fit, so that another rule's files do not count.
    """
    if companion.of == "scan" or not has_fields(companion.file):
        return 0
    fields = [_fields(name) for name in runs]
    common = {
        key: glob.escape(value)
        for key, value in fields[0].items()
        if key != "run" and all(one.get(key) == value for one in fields)
    }
    parts = string.Formatter().parse(companion.file)
    pattern = "".join(
        text + ("" if field is None else common.get(field, "*")) for text, field, _, _ in parts
    )
    fit = files(pulled / "resources" / companion.resource, pattern)
    return len({path for path in fit if path.suffix != ".json"} - set(used))


def has_fields(pattern: str) -> bool:
    """Whether a pattern has fields to be filled in per run."""
    return re.search(r"\{\w+\}", pattern) is not None


def files(folder: Path, pattern: str) -> list[Path]:
    """The files below a folder that fit a pattern, run 10 after run 9."""
    found = [path for path in folder.glob(pattern) if path.is_file()]
    return sorted(found, key=lambda path: _natural(path.relative_to(folder).as_posix()))


def _fields(name: str) -> dict[str, str]:
    return {"run": "1"} | names.split(name)[2]


def _natural(name: str) -> list[tuple[int, str]]:
    pieces = re.split(r"(\d+)", name)
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces]
