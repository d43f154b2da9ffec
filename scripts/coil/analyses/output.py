"""What an analysis left in its folder: whether it may be kept, and its summary."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from coil import files
from coil.analyses import places
from coil.config.reading import explain
from coil.errors import DataError

SUMMARY = "summary.json"
_LARGEST = 4_000_000
_SCHEMA = Path(__file__).with_name("summary.schema.yaml")


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
    schema = yaml.safe_load(_SCHEMA.read_text(encoding="utf-8"))
    error = best_match(Draft202012Validator(schema).iter_errors(found))
    if error:
        raise DataError(f"{SUMMARY}: {explain(error)}")
    path.unlink()
    return found


def _no_number(name: str) -> Any:
    raise ValueError(name)


def check(out: Path, place: str, summary: Mapping[str, Any]) -> list[str]:
    """The files in an analysis' folder, sorted, relative to it.

    Raises `DataError` where one is not below the folder of the place, or is no plain file, or the
    summary has a figure that is none of them.
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
    for figure in _figures(summary):
        if figure not in found:
            raise DataError(f"{SUMMARY}: the figure {figure} is not there; write it below --out")
    return found


def _figures(summary: Mapping[str, Any]) -> list[str]:
    shown = [figure["file"] for figure in summary.get("figures", [])]
    return shown + [
        name for image in summary.get("images", []) for name in image.get("figures", [])
    ]


def keep(out: Path, target: Path, place: str, umask: int) -> None:
    """Move what an analysis left for a place into the derivative dataset `target`."""
    inside = places.folder(place)
    files.publish(out / inside, target / inside, target.parent, umask)
