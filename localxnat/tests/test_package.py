"""localxnat as a distribution: what its metadata say, and that what is built serves by itself."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import localxnat
from localxnat.testing import PACKAGE_ROOT

PACKAGE = PACKAGE_ROOT / "localxnat"
DATA = {".xsd", ".html", ".css"}
PROJECT = tomllib.loads((PACKAGE / "pyproject.toml").read_text())
# Serves from where it was built, far from the checkout; pages and schemas are data files.
SERVE = """
import sys, urllib.request
from pathlib import Path
import localxnat
from localxnat.testing import running

assert Path(localxnat.__file__).is_relative_to(sys.argv[1]), localxnat.__file__
with running(Path(sys.argv[2])) as server:
    for path in ("/app/template/Login.vm", "/xapi/siteConfig/buildInfo/version"):
        print(urllib.request.urlopen(server.url + path, timeout=10).read().decode())
    headers = {"Authorization": "Basic YWRtaW46YWRtaW4="}
    asked = urllib.request.Request(server.url + "/xapi/schemas/xnat", headers=headers)
    print(urllib.request.urlopen(asked, timeout=10).read().decode())
"""


def _files() -> Iterator[Path]:
    """The files that belong into the distribution, below the package's folder."""
    for path in PACKAGE.rglob("*"):
        inner = path.relative_to(PACKAGE)
        if inner.parts[0] != "tests" and (path.suffix == ".py" or path.suffix in DATA):
            yield inner


def _setup(source: Path, *commands: str) -> None:
    call = [sys.executable, "-c", "import setuptools; setuptools.setup()", "--quiet", *commands]
    subprocess.run(call, cwd=source, check=True, capture_output=True, timeout=120)


def _wheel(source: Path, folder: Path) -> None:
    call = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps"]
    call += ["--no-index", "--wheel-dir", str(folder / "wheels"), str(source)]
    subprocess.run(call, check=True, capture_output=True, timeout=120)
    (wheel,) = (folder / "wheels").iterdir()
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder / "lib")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a wheel of localxnat has in it, metadata beside the package.

    It is a wheel where setuptools can make one by itself, from 70.1 on; an older one makes the
    same files by its other commands.
    """
    if not importlib.util.find_spec("setuptools"):
        pytest.skip("there is no setuptools, which builds localxnat")
    folder = tmp_path_factory.mktemp("built")
    # What setuptools leaves beside its source is not to lie in the checkout.
    source = folder / "source"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("__pycache__", "tests"))
    if importlib.util.find_spec("setuptools.command.bdist_wheel"):
        _wheel(source, folder)
    else:
        lib = folder / "lib"
        lib.mkdir()
        _setup(source, "egg_info", "--egg-base", str(lib), "build_py", "--build-lib", str(lib))
    return folder / "lib"


def test_a_built_localxnat_has_every_module_and_data_file_and_no_tests(built: Path) -> None:
    found = {
        path.relative_to(built / "localxnat")
        for path in (built / "localxnat").rglob("*")
        if path.is_file()
    }

    assert found == set(_files())


def test_a_built_localxnat_serves_outside_the_checkout(built: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(built)}
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(built), str(tmp_path / "root")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    assert "<form" in done.stdout
    assert localxnat.XNAT_VERSION in done.stdout
    assert "mrSessionData" in done.stdout


def test_a_built_localxnat_has_the_command_and_the_version(built: Path) -> None:
    (found,) = metadata.distributions(name="localxnat", path=[str(built)])
    (command,) = found.entry_points.select(group="console_scripts")

    assert found.version == localxnat.__version__
    assert (command.name, command.value) == ("localxnat", "localxnat.__main__:main")


def test_what_localxnat_imports_is_required_with_a_lower_bound_and_here() -> None:
    wanted = [Requirement(one) for one in PROJECT["project"]["dependencies"]]

    assert all(any(one.operator == ">=" for one in need.specifier) for need in wanted)
    assert all(need.specifier.contains(metadata.version(need.name)) for need in wanted)
    assert _imported() <= {need.name for need in wanted} | {"isal", "localxnat"}


def _imported() -> set[str]:
    """The packages beside Python's own that the modules import."""
    line = re.compile(r"^ *(?:from|import) ([a-z_0-9]+)", re.MULTILINE)
    sources = (PACKAGE / path for path in _files() if path.suffix == ".py")
    names = {name for source in sources for name in line.findall(source.read_text())}
    return {name for name in names if name not in sys.stdlib_module_names}
