"""The channel and the stand-in, made once and kept in `.conda` while nothing of theirs changes."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
HERE = CHECKOUT / ".conda"
TOOLS = HERE / "tools" / "bin" / "python"
ENVS = CHECKOUT / "envs"
PARTS = ("names", "packing", "channel", "standin")


@dataclass(frozen=True)
class Bench:
    """A folder with the channels, the base of the stand-in and the environments."""

    root: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a shell that has this conda, and no other tool of the project."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("CONDA", "PYTHON"))}
        return kept | {"PATH": f"{self.root / 'base' / 'bin'}:/usr/bin:/bin"}

    @property
    def prefixes(self) -> Path:
        """The folder for Snakemake's environments."""
        return self.root / "prefixes"

    def conda(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """One call of the command."""
        return subprocess.run(
            ["conda", *map(str, arguments)],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def create(self, env_file: Path, prefix: Path) -> subprocess.CompletedProcess[str]:
        """Make an environment, as Snakemake does."""
        return self.conda("env", "create", "--quiet", "--file", env_file, "--prefix", prefix)


def why_not() -> str | None:
    """Why nothing can be shown here, if it cannot."""
    if not sys.platform.startswith("linux") or os.uname().machine != "x86_64":
        return "the local channel is made for Linux on x86_64 only"
    if not (HERE / "wheels.stamp").is_file():
        return "no wheels for a local channel yet: `make conda` fetches them and runs these tests"
    return None


def tool(module: str, *arguments: str | Path) -> str:
    """Run one of the modules here in the environment that has rattler; returns what it printed."""
    command = [TOOLS, "-m", f"tests.conda.{module}", *arguments]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    return subprocess.run(
        command, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def digest() -> str:
    """What the channel and the environments depend on."""
    files = [*sorted(ENVS.glob("*.yaml")), CHECKOUT / "requirements" / "run.txt"]
    files += [CHECKOUT / "requirements" / "conda.txt"]
    files += [Path(__file__).with_name(f"{name}.py") for name in PARTS]
    seen = hashlib.sha256(sys.version.encode())
    for path in files:
        seen.update(path.read_bytes())
    return seen.hexdigest()[:12]


def prepare() -> Bench:
    """The bench of this checkout, made unless it is there; those of other states are removed."""
    root = HERE / digest()
    if not (root / "ready").is_file():
        for path in HERE.glob("[0-9a-f]" * 12):
            shutil.rmtree(path)
        make(root, sorted(ENVS.glob("*.yaml")))
        (root / "ready").touch()
    return Bench(root)


def make(root: Path, env_files: list[Path], wheels: Path = HERE / "wheels") -> Bench:
    """A bench at `root` whose channels have what the files name, as far as it is in `wheels`."""
    shutil.rmtree(root, ignore_errors=True)
    tool("channel", root / "channels", *env_files, "--wheels", wheels)
    tool("standin", root / "base", root / "channels")
    return Bench(root)
