"""The files that an analysis left: whether they may be kept, and its summary."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import msgspec
import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from coil import files
from coil.analyses import scopes
from coil.config.reading import explain
from coil.errors import DataError
from coil.records.analysis import Summary
from coil.workspace import PROJECT

SUMMARY = "summary.json"
SCHEMA = Path(__file__).with_name("summary.schema.yaml")
_LARGEST = 4_000_000


def take_summary(out: Path) -> Summary:
    """The summary in an analysis' folder, which is taken out; an empty one where there is none.

    Raises `DataError` where it is not what the pages can show.
    """
    path = out / SUMMARY
    if not path.is_file() or path.is_symlink():
        return Summary()
    if path.stat().st_size > _LARGEST:
        raise DataError(f"{SUMMARY} is larger than 4 MB; put tables into files of their own")
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except ValueError:
        raise DataError(f"{SUMMARY} is not JSON; write it with a library for JSON") from None
    summary = _summary(content)
    path.unlink()
    return summary


def _summary(content: object) -> Summary:
    """The summary of this content, which the public schema explains better than the type."""
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    error = best_match(Draft202012Validator(schema).iter_errors(content))  # pyright: ignore
    if error:
        raise DataError(f"{SUMMARY}: {explain(error)}")
    return msgspec.convert(content, Summary)


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def check(out: Path, scope: str, summary: Summary) -> list[str]:
    """The files in an analysis' folder, sorted, relative to it.

    Raises `DataError` where one is not below the folder of the scope, or is no plain file, or the
    summary has a figure that is none of them.
    """
    inside = scopes.folder(scope)
    names: list[str] = []
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise DataError(f"it left a link or a special file, {name}; write plain files")
        if path.is_dir():
            continue
        if scope != PROJECT and not name.startswith(f"{inside}/"):
            raise DataError(f"it wrote {name}, outside its folder {inside}; write below that")
        names.append(name)
    for figure in _figures(summary):
        if figure not in names:
            raise DataError(f"{SUMMARY}: the figure {figure} is not there; write it below --out")
    return names


def _figures(summary: Summary) -> Iterator[str]:
    yield from (figure.file for figure in summary.figures)
    for image in summary.images:
        yield from image.figures


def keep(out: Path, target: Path, scope: str, umask: int) -> None:
    """Move what an analysis left for a scope into the derivative dataset `target`."""
    inside = scopes.folder(scope)
    files.publish(out / inside, target / inside, target.parent, umask)
