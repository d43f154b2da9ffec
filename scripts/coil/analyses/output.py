"""What an analysis left in its folder: whether it may be kept, and its summary."""

import json
from pathlib import Path
from typing import Any

from coil import files
from coil.analyses import places
from coil.errors import DataError

SUMMARY = "summary.json"
_LARGEST = 4_000_000
_KINDS: dict[str, type] = {
    "numbers": dict,
    "figures": list,
    "images": list,
    "problem": str,
    "skipped": str,
}


def take_summary(out: Path) -> dict[str, Any]:
    """The summary in an analysis' folder, which is taken out; empty without one.

    Raises `DataError` where it is not what the pages can show.
    """
    path = out / SUMMARY
    if not path.is_file() or path.is_symlink():
        return {}
    if path.stat().st_size > _LARGEST:
        raise DataError(f"{SUMMARY} is larger than 4 MB; put tables into files of their own")
    try:
        found = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except ValueError:
        raise DataError(f"{SUMMARY} is not JSON; write it with a library for JSON") from None
    if not isinstance(found, dict):
        raise DataError(f"{SUMMARY} is no table of keys; docs/analyses.md shows one")
    for key, value in found.items():
        if key not in _KINDS or not isinstance(value, _KINDS[key]):
            known = ", ".join(_KINDS)
            raise DataError(f"{SUMMARY}: {key[:40]} is not known or not of its kind; see {known}")
    for figure in found.get("figures", []):
        if not isinstance(figure, dict) or not isinstance(figure.get("file"), str):
            raise DataError(f"{SUMMARY}: a figure has no file; write file and title of each")
    path.unlink()
    return found


def _no_number(name: str) -> Any:
    raise ValueError(name)


def check(out: Path, place: str) -> list[str]:
    """The files in an analysis' folder, sorted, relative to it.

    Raises `DataError` where one is not below the folder of the place, or is no plain file.
    """
    inside = places.folder(place)
    found = []
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise DataError(f"it left a link or a special file, {name}; write plain files")
        if path.is_dir():
            continue
        if place != places.PROJECT and not name.startswith(f"{inside}/"):
            raise DataError(f"it wrote {name}, outside its folder {inside}; write below that")
        found.append(name)
    return found


def keep(out: Path, target: Path, place: str, umask: int) -> None:
    """Move what an analysis left for a place into the derivative dataset `target`."""
    inside = places.folder(place)
    files.publish(out / inside, target / inside, target.parent, umask)
