"""Where the programs are that the stages call."""

import functools
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from coil.errors import DataError


@functools.cache
def find_program(name: str, in_wheel: str = "") -> str:
    """The program `name`: the file `in_wheel` of its wheel, else beside Python, else on the PATH.

    A wheel's own command starts Python first; conda's packages have no wheel, only the program.

    Raises
    ------
    DataError
        If there is none.
    """
    if in_wheel and (wheel := find_spec(name)) and wheel.origin:
        file = Path(wheel.origin).parent / in_wheel
        if file.is_file():
            return str(file)
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    if found := shutil.which(name, path=beside):
        return found
    raise DataError(f"{name} is not installed; set up the environment that the rule names")
