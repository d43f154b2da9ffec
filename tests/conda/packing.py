"""Conda packages out of wheels, and one of this machine's Python.

A `.conda` file holds the files of an environment below its prefix, and `info/` about them:
`index.json` (name, version, dependencies) and `paths.json` (a digest of each file, and which of
them name the prefix). https://docs.conda.io/projects/conda-build/en/stable/resources/package-spec.html
"""

# Its packages are those of `requirements/conda.txt`, in an environment of their own.
# pyright: reportMissingImports=false

import hashlib
import json
import platform
import sys
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conda_package_streaming.create import conda_builder
from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.sources import WheelFile
from packaging.metadata import Metadata
from packaging.requirements import Requirement

from tests.conda.names import PROGRAMS, conda_name

SUBDIR = "linux-64"
PLACEHOLDER = "/the/prefix/of/the/environment"
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True)
class Wheel:
    """A wheel and what its metadata say of it, in conda's words."""

    path: Path
    name: str
    version: str
    requirements: tuple[Requirement, ...]

    @classmethod
    def read(cls, path: Path, extras: Collection[str] = ()) -> "Wheel":
        """The wheel at `path`, with the requirements that hold for this Python.

        Conda knows no extras: what its packages need with any of the `extras` they always need.
        """
        with WheelFile.open(path) as wheel:
            metadata = Metadata.from_email(wheel.read_dist_info("METADATA"), validate=False)
        kept = [
            r
            for r in metadata.requires_dist or []
            if not r.marker or any(r.marker.evaluate({"extra": extra}) for extra in ("", *extras))
        ]
        return cls(path, conda_name(metadata.name), str(metadata.version), tuple(kept))

    @property
    def needs(self) -> list[str]:
        """The names of the packages that it requires."""
        return [conda_name(requirement.name) for requirement in self.requirements]

    @property
    def depends(self) -> list[str]:
        """Its requirements as conda writes them."""
        return [f"{conda_name(r.name)} {r.specifier}".strip() for r in self.requirements]


def read_wheels(paths: Iterable[Path]) -> dict[str, Wheel]:
    """Wheels by name, each with the requirements of the extras that another one asks for."""
    plain = {wheel.name: wheel for wheel in map(Wheel.read, paths)}
    extras = defaultdict(set)
    for wheel in plain.values():
        for requirement in wheel.requirements:
            extras[conda_name(requirement.name)] |= requirement.extras
    return {name: Wheel.read(wheel.path, extras[name]) for name, wheel in plain.items()}


def pack_wheel(wheel: Wheel, channel: Path) -> None:
    """Write the package of `wheel` into `channel`."""
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder)
        site = stage / "lib" / PYTHON / "site-packages"
        schemes = {"purelib": site, "platlib": site, "scripts": stage / "bin", "data": stage}
        schemes["headers"] = stage / "include" / PYTHON
        destination = SchemeDictionaryDestination(
            {key: str(path) for key, path in schemes.items()}, f"{PLACEHOLDER}/bin/python", "posix"
        )
        with WheelFile.open(wheel.path) as source:
            install(source, destination, additional_metadata={"INSTALLER": b"conda\n"})
        own = f"{PYTHON.removeprefix('python')}.*"
        depends = [f"python {own}", *wheel.depends]
        if program := PROGRAMS.get(wheel.name):
            stage, depends = _program_alone(site / program, stage / "alone"), []
        _write(stage, channel, wheel.name, wheel.version, depends)


def pack_python(channel: Path) -> None:
    """Write a package `python` into `channel`: this machine's, as a virtual environment uses it.

    The environment has its own prefix and site-packages; interpreter and standard library stay
    where they are installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder)
        interpreter = Path(sys._base_executable).resolve()  # type: ignore[attr-defined]
        (stage / "bin").mkdir()
        (stage / "bin" / "python").symlink_to(interpreter)
        for name in ("python3", PYTHON):
            (stage / "bin" / name).symlink_to("python")
        (stage / "pyvenv.cfg").write_text(
            f"home = {interpreter.parent}\ninclude-system-site-packages = false\n"
        )
        _write(stage, channel, "python", platform.python_version(), [])


def _program_alone(program: Path, stage: Path) -> Path:
    """The folder `stage` with nothing but a program in it."""
    (stage / "bin").mkdir(parents=True)
    program.chmod(0o755)
    return program.rename(stage / "bin" / program.name).parents[1]


def _write(stage: Path, channel: Path, name: str, version: str, depends: list[str]) -> None:
    build = f"py{sys.version_info.major}{sys.version_info.minor}_0"
    index = {"name": name, "version": version, "build": build, "build_number": 0}
    index |= {"depends": depends, "subdir": SUBDIR, "arch": "x86_64", "platform": "linux"}
    paths = {"paths_version": 1, "paths": list(_described(stage))}
    (stage / "info").mkdir()
    (stage / "info" / "index.json").write_text(json.dumps(index))
    (stage / "info" / "paths.json").write_text(json.dumps(paths))
    target = channel / SUBDIR
    target.mkdir(parents=True, exist_ok=True)
    with conda_builder(f"{name}-{version}-{build}", target, compression_level=1) as package:
        for path in sorted(stage.iterdir()):
            package.add(path, path.name)


def _described(stage: Path) -> Iterator[dict[str, Any]]:
    """What paths.json says of each file in `stage`."""
    for path in sorted(stage.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            continue
        entry: dict[str, Any] = {"_path": path.relative_to(stage).as_posix()}
        if path.is_symlink():
            yield entry | {"path_type": "softlink"}
            continue
        data = path.read_bytes()
        entry |= {"path_type": "hardlink", "size_in_bytes": len(data)}
        entry["sha256"] = hashlib.sha256(data).hexdigest()
        if path.parent.name == "bin" and PLACEHOLDER.encode() in data:
            entry |= {"prefix_placeholder": PLACEHOLDER, "file_mode": "text"}
        yield entry
