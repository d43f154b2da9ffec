"""The digest of the files that the results of an analysis rest on."""

import hashlib
import re
from pathlib import Path

from coil.analyses.entries import FOLDER
from coil.units import code_digest


def program_digest(file: Path) -> str:
    """A digest of a script or notebook and of the files in its folder that its text names.

    Of a bundled script also of the modules of Coil that it leads to.
    """
    if file.parent == FOLDER and file.suffix == ".py":
        return code_digest(f"analyses/{file.stem}")
    return _digest({path.name: path.read_bytes() for path in _reached(file)})


def _reached(file: Path) -> list[Path]:
    """A file, those in its folder that its text names, those that theirs name, and so on."""
    others = [path for path in file.parent.iterdir() if path.is_file() and path != file]
    reached, waiting = [file], [file]
    while waiting:
        words = set(re.findall(rb"[\w.-]+", waiting.pop().read_bytes()))
        named = [path for path in others if path not in reached and _names(path) & words]
        reached += named
        waiting += named
    return reached


def _names(path: Path) -> set[bytes]:
    """How a text names a file: by its name, a module in Python without its ending."""
    return {path.name.encode(), *([path.stem.encode()] if path.suffix == ".py" else [])}


def _digest(contents: dict[str, bytes]) -> str:
    summary = hashlib.sha256()
    for name, content in sorted(contents.items()):
        summary.update(name.encode() + b"\0" + content + b"\0")
    return summary.hexdigest()[:12]
