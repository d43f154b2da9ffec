"""What a job's environment holds."""

import json
import platform
import sys
from importlib import metadata
from pathlib import Path


def installed(*names: str) -> dict[str, str]:
    """The versions of Python and of those of the packages that are installed where this runs."""
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            # What is no Python package is known to conda alone.
            for path in Path(sys.prefix, "conda-meta").glob(f"{name}-[0-9]*.json"):
                found[name] = json.loads(path.read_text())["version"]
    return found
