"""Each conda environment has what its scripts need, no more, in the versions of requirements/."""

import re
from functools import cache
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.conda.names import conda_name, pypi_name
from tests.support.imported import SCRIPTS, distributions, environments, reached, snakefiles

CHECKOUT = Path(__file__).resolve().parents[2]
ENVS = sorted((CHECKOUT / "envs").glob("*.yaml"))
OWN = "coil"  # the environment of Snakemake itself, and of what the rules call while they are read
PROGRAMS = {
    "bids-validator-deno": 'find_program("bids-validator-deno"',
    "dcm2niix": 'find_program("dcm2niix"',
    "niimath": 'find_program("niimath"',
    "pydeface": 'resources.files("pydeface")',
    # msgspec imports it where there is one, be it Snakemake's.
    "typing-extensions": "import msgspec",
}
"""Packages that are not imported: what shows in the source that a script needs them."""
NOTEBOOK = {"papermill", "nbconvert", "ipykernel"}
"""What executes a notebook and makes a page of it."""
SNAKEMAKE = {"python", "snakemake-minimal", "snakemake-executor-plugin-slurm"}
LOOSER = {
    "dcm2niix": "conda's package is not rebuilt on the wheel's day",
    "niimath": "conda's package is not rebuilt on the wheel's day",
}
"""Packages whose bounds differ from those in requirements/run.in, and why."""

of_each = pytest.mark.parametrize("path", ENVS, ids=lambda path: path.stem)


def dependencies(path: Path) -> dict[str, str]:
    """The bounds of each package that an environment file names."""
    listed = yaml.safe_load(path.read_text())["dependencies"]
    return {name: bounds for name, _, bounds in (line.partition(" ") for line in listed)}


@cache
def sources(environment: str) -> frozenset[Path]:
    """The project's files that run in an environment."""
    if environment == OWN:
        elsewhere = set().union(*environments().values())
        own = [path for path in SCRIPTS.glob("*.py") if path.name not in elsewhere]
        return frozenset().union(*map(reached, [*own, *snakefiles()]))
    names = environments().get(environment, set())
    return frozenset().union(*(reached(SCRIPTS / name) for name in names))


def test_every_rule_with_a_script_names_an_environment_that_exists() -> None:
    for rules in (CHECKOUT / "rules").glob("*.smk"):
        text = rules.read_text()
        programs = text.count("    script:\n") + text.count("    shell:\n")
        assert programs == text.count("    conda:\n")
    assert {path.stem for path in ENVS} == {*environments(), OWN}


@of_each
def test_an_environment_has_every_package_that_its_scripts_import(path: Path) -> None:
    imported = {conda_name(name) for name in distributions(sources(path.stem))}
    assert sorted(imported - set(dependencies(path))) == []


@of_each
def test_an_environment_has_no_package_that_its_scripts_do_not_need(path: Path) -> None:
    text = "".join(source.read_text() for source in sources(path.stem))
    needed = {conda_name(name) for name in distributions(sources(path.stem))}
    needed |= {name for name, sign in PROGRAMS.items() if sign in text}
    if any(source.suffix == ".ipynb" for source in sources(path.stem)):
        needed |= NOTEBOOK
    needed |= SNAKEMAKE if path.stem == OWN else {"python"}
    assert sorted(set(dependencies(path)) - needed) == []


@of_each
def test_the_bounds_are_those_of_the_requirements_and_hold_for_the_pinned_version(
    path: Path,
) -> None:
    folder = CHECKOUT / "requirements"
    lines = [line for line in (folder / "run.in").read_text().splitlines() if line[0] != "#"]
    bounds = {r.name: r.specifier for r in map(Requirement, lines)}
    text = (folder / "run.txt").read_text()
    pinned = dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.M))
    for name, wanted in dependencies(path).items():
        if name != "python":
            assert pinned[pypi_name(name)] in SpecifierSet(wanted), name
            assert name in LOOSER or SpecifierSet(wanted) == bounds[pypi_name(name)], name


def test_all_environments_have_the_same_python() -> None:
    assert len({dependencies(path)["python"] for path in ENVS}) == 1
