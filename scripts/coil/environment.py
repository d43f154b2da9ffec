"""What a job's environment holds."""

import platform
from importlib import metadata


def installed(*names: str) -> dict[str, str]:
    """The versions of Python and of those of the packages that are installed where this runs."""
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
