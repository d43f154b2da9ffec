"""The channel out of wheels and the stand-in for conda do what conda would, or say that not."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conda import bench
from tests.conda.bench import Bench
from tests.conda.wheels import write_wheel

pytestmark = pytest.mark.conda


def env_file(
    folder: Path, *dependencies: str, channels: tuple[str, ...] = ("conda-forge",)
) -> Path:
    path = folder / "wanted.yaml"
    wanted = {"channels": list(channels), "dependencies": list(dependencies)}
    path.write_text(yaml.safe_dump(wanted))
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A channel of made-up packages, and of two that conda calls or keeps otherwise."""
    if reason := bench.why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("small")
    wheels = folder / "wheels"
    wheels.mkdir()
    write_wheel(wheels, "acorn", "2.1", ("bud>=2,!=2.5", "isal", "moss; extra == 'wet'"))
    write_wheel(wheels, "bud", "2.0", command="bud")
    write_wheel(wheels, "fern", requires=("oak[dry]",))
    write_wheel(wheels, "oak", requires=("ivy; extra == 'dry'",))
    write_wheel(wheels, "ivy")
    write_wheel(wheels, "isal")
    write_wheel(wheels, "snakemake")
    write_wheel(wheels, "niimath", files={"niimath/bin/niimath": "#!/bin/sh\necho niimath\n"})
    every = env_file(folder, "acorn", "snakemake-minimal", "niimath", "fern", "unheard-of")
    return bench.make(folder / "bench", [every], wheels)


@pytest.fixture
def prefix(small: Bench, tmp_path: Path) -> Path:
    """An environment with `acorn` and `niimath`."""
    done = small.create(env_file(tmp_path, "acorn >=2", "niimath"), tmp_path / "env")
    assert done.returncode == 0, done.stderr
    return tmp_path / "env"


def python(prefix: Path, code: str) -> str:
    command = [prefix / "bin" / "python", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_an_environment_holds_what_is_named_and_what_that_requires(prefix: Path) -> None:
    assert python(prefix, "import acorn, bud, isal; print(acorn.__file__)").startswith(str(prefix))
    held = {path.name.rsplit("-", 2)[0] for path in (prefix / "conda-meta").glob("*.json")}
    assert held == {"acorn", "bud", "python-isal", "niimath", "python"}


def test_what_a_package_needs_with_an_extra_comes_along(small: Bench, tmp_path: Path) -> None:
    assert small.create(env_file(tmp_path, "fern"), tmp_path / "env").returncode == 0
    assert python(tmp_path / "env", "import oak, ivy; print(ivy.__name__)") == "ivy"


def test_an_environment_sees_no_package_of_this_machine(prefix: Path) -> None:
    paths = python(prefix, "import sys; print([p for p in sys.path if 'packages' in p])")
    assert paths == f"['{next(prefix.glob('lib/*/site-packages'))}']"


def test_a_command_runs_with_the_python_of_its_environment(prefix: Path) -> None:
    told = subprocess.run([prefix / "bin" / "bud"], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == str(prefix)


def test_a_package_that_conda_has_as_a_program_brings_no_module(prefix: Path) -> None:
    assert python(prefix, "import importlib.util as i; print(i.find_spec('niimath'))") == "None"
    told = subprocess.run([prefix / "bin" / "niimath"], capture_output=True, text=True, check=True)
    assert told.stdout == "niimath\n"


@pytest.mark.parametrize("wanted", ["acorn >=3", "moss", "snakemake-minimal", "unheard-of"])
def test_what_no_channel_has_is_said_in_one_line_and_leaves_nothing(
    small: Bench, tmp_path: Path, wanted: str
) -> None:
    done = small.create(env_file(tmp_path, "python", wanted), tmp_path / "env")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "wanted.yaml cannot be solved" in line
    assert wanted.split()[0] in line
    assert not (tmp_path / "env").exists()


def test_a_package_is_found_in_the_channel_that_has_it(small: Bench, tmp_path: Path) -> None:
    wanted = env_file(tmp_path, "snakemake-minimal", channels=("conda-forge", "bioconda"))
    assert small.create(wanted, tmp_path / "env").returncode == 0


@pytest.mark.parametrize(
    "call", [("install", "bud"), ("env", "update"), ("env", "create", "--fil", "x"), ("clean",)]
)
def test_a_call_that_is_not_known_is_refused(small: Bench, call: tuple[str, ...]) -> None:
    done = small.conda(*call)
    assert done.returncode == 2
    assert "does not know" in done.stderr


def test_a_section_for_pip_is_refused(small: Bench, tmp_path: Path) -> None:
    path = tmp_path / "wanted.yaml"
    path.write_text("channels: [conda-forge]\ndependencies: [python, {pip: [bud]}]\n")
    assert small.create(path, tmp_path / "env").returncode == 2


def test_activation_puts_an_environment_in_the_place_of_the_one_before(
    small: Bench, prefix: Path, tmp_path: Path
) -> None:
    second = tmp_path / "second"
    small.create(env_file(tmp_path, "bud"), second)
    code = f'source activate {prefix}; source activate {second}; echo "$PATH"'
    told = subprocess.run(
        ["bash", "-c", code], env=small.environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == f"{second}/bin:{small.environment['PATH']}"
    failed = subprocess.run(
        ["bash", "-c", "source activate /nowhere; echo on"],
        env=small.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 1
    assert failed.stdout == ""
