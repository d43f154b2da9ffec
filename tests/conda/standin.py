"""A stand-in for `conda`, as far as `snakemake --sdm conda` calls it; it needs no network.

``python -m tests.conda.standin BASE CHANNELS`` makes BASE/bin/conda and BASE/bin/activate; put
BASE/bin first on PATH. A channel NAME is the folder CHANNELS/NAME. Solving and installing are
rattler's. Whatever Snakemake does not call ends with status 2 instead of a guess.
"""

# Its packages are those of `requirements/conda.txt`, in an environment of their own.
# pyright: reportMissingImports=false

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

CHECKOUT = Path(__file__).resolve().parents[2]
SETTINGS = "standin.json"
VERSION = "24.7.1"  # the oldest that Snakemake takes

COMMAND = """#!/bin/sh
PYTHONPATH='{checkout}' exec '{python}' -B -m tests.conda.standin --base '{base}' "$@"
"""

# As conda's: the environment's programs come first, those of the one active before go.
ACTIVATE = """\
if [ ! -d "$1/conda-meta" ]; then
  echo "conda (stand-in): no environment at $1" >&2
  exit 1
fi
PATH=":$PATH:"
[ -z "$CONDA_PREFIX" ] || PATH="${PATH//:$CONDA_PREFIX\\/bin:/:}"
PATH="$1/bin$PATH"
PATH="${PATH%:}"
export PATH CONDA_PREFIX="$1" CONDA_DEFAULT_ENV="$1" CONDA_SHLVL=1
"""


class RefusedError(Exception):
    """A call, or something in an environment file, that the stand-in does not know."""


class FailedError(Exception):
    """A call that cannot be carried out."""


def make_base(base: Path, channels: Path) -> None:
    """Write the command and the activation script below `base`."""
    (base / "bin").mkdir(parents=True)
    (base / SETTINGS).write_text(json.dumps({"channels": str(channels.resolve())}))
    command = base / "bin" / "conda"
    command.write_text(COMMAND.format(checkout=CHECKOUT, python=sys.executable, base=base))
    command.chmod(0o755)
    (base / "bin" / "activate").write_text(ACTIVATE)


def read_environment(path: Path, channels: Path) -> tuple[list[str], list[str]]:
    """What an environment file wants, and the addresses of its channels."""
    import yaml

    wanted = yaml.safe_load(path.read_text())
    if unknown := set(wanted) - {"name", "channels", "dependencies"}:
        raise RefusedError(f"{path}: {', '.join(sorted(unknown))}")
    for dependency in wanted["dependencies"]:
        if not isinstance(dependency, str) or "::" in dependency:
            raise RefusedError(f"{path}: the dependency {dependency}")
    folders = [channels / name for name in wanted["channels"] if name != "nodefaults"]
    if absent := [folder.name for folder in folders if not folder.is_dir()]:
        raise FailedError(f"{path}: there is no channel {', '.join(absent)}")
    return wanted["dependencies"], [folder.as_uri() for folder in folders]


async def create(base: Path, env_file: Path, prefix: Path) -> None:
    """Solve an environment file and install it at `prefix`."""
    import rattler
    from rattler.exceptions import SolverError

    channels = Path(json.loads((base / SETTINGS).read_text())["channels"])
    specs, urls = read_environment(env_file, channels)
    if prefix.exists():
        raise FailedError(f"prefix already exists: {prefix}")
    try:
        records = await rattler.solve(
            [rattler.Channel(url) for url in urls],
            specs,
            platforms=["linux-64", "noarch"],
            gateway=rattler.Gateway(cache_dir=base / "pkgs"),
            virtual_packages=rattler.VirtualPackage.detect(),
        )
    except SolverError as error:
        reason = " ".join(str(error).split())
        raise FailedError(f"{env_file.name} cannot be solved: {reason}") from None
    await rattler.install(records, prefix, cache_dir=base / "pkgs", show_progress=False)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise RefusedError(f"{' '.join(sys.argv[1:])}: {message}")


def answer(base: Path, call: list[str]) -> None:
    """Do what the call `conda CALL...` asks for."""
    told: dict[tuple[str, ...], Any] = {
        ("info", "--json"): {"conda_prefix": str(base), "platform": "linux-64"},
        ("config", "--get", "channel_priority", "--json"): {"get": {"channel_priority": "strict"}},
    }
    if call == ["--version"]:
        print(f"conda {VERSION}")
    elif tuple(call) in told:
        print(json.dumps(told[tuple(call)]))
    elif call == ["clean", "-y", "--tarballs"]:
        pass  # the channel is local: none were fetched
    elif call[:2] == ["env", "create"]:
        parser = _Parser(prog="conda env create", add_help=False, allow_abbrev=False)
        parser.add_argument("--file", type=Path, required=True)
        parser.add_argument("--prefix", type=Path, required=True)
        for flag in ("--quiet", "--no-default-packages"):
            parser.add_argument(flag, action="store_true")
        options = parser.parse_args(call[2:])
        asyncio.run(create(base, options.file, options.prefix.absolute()))
    else:
        raise RefusedError(" ".join(call))


def main(arguments: list[str]) -> int:
    """Make a base, or answer a call of one; returns the exit status."""
    if arguments[0] != "--base":
        make_base(Path(arguments[0]).absolute(), Path(arguments[1]))
        return 0
    try:
        answer(Path(arguments[1]), arguments[2:])
    except RefusedError as error:
        print(f"conda (stand-in): does not know {error}", file=sys.stderr)
        return 2
    except FailedError as error:
        print(f"conda (stand-in): {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(status)  # rattler's threads may crash in an ordinary exit, the work done
