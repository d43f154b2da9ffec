"""Local conda channels out of a folder of wheels.

``python -m tests.conda.channel OUT --wheels FOLDER ENV.yaml...`` writes OUT/conda-forge and
OUT/bioconda: Python, what the environment files name, and what that requires in turn. A package
that no wheel in FOLDER provides is left out, and an environment that needs it cannot be solved.
"""

# Its packages are those of `requirements/conda.txt`, in an environment of their own.
# pyright: reportMissingImports=false

import argparse
import asyncio
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import yaml
from rattler.index import index_fs

from tests.conda.names import channel_of
from tests.conda.packing import Wheel, pack_python, pack_wheel, read_wheels

CHANNELS = ("conda-forge", "bioconda")


def named(env_files: Iterable[Path]) -> set[str]:
    """The packages that environment files name."""
    return {
        dependency.split()[0]
        for path in env_files
        for dependency in yaml.safe_load(path.read_text())["dependencies"]
    }


def closure(names: Iterable[str], wheels: dict[str, Wheel]) -> list[Wheel]:
    """The wheels of `names` and of all that they require, by name."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in wheels and name not in found:
            found.add(name)
            waiting += wheels[name].needs
    return [wheels[name] for name in sorted(found)]


def make_channels(out: Path, wheels: Iterable[Wheel]) -> None:
    """Write the channels with Python and the packages of `wheels` into the folder `out`."""
    pack_python(out / "conda-forge")
    for wheel in wheels:
        pack_wheel(wheel, out / channel_of(wheel.name))
    for name in CHANNELS:
        (out / name / "noarch").mkdir(parents=True, exist_ok=True)
        asyncio.run(index_fs(out / name, write_zst=False, write_shards=False, force=True))


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and make the channels."""
    parser = argparse.ArgumentParser(prog="python -m tests.conda.channel", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("env_files", type=Path, nargs="+")
    parser.add_argument("--wheels", type=Path, required=True)
    options = parser.parse_args(arguments)
    wheels = read_wheels(options.wheels.glob("*.whl"))
    chosen = closure(named(options.env_files), wheels)
    make_channels(options.out, chosen)
    print(f"{options.out}: python and {len(chosen)} packages")


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # rattler's threads may crash in an ordinary exit, the work done
