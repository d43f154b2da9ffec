"""Every script of the project runs in the environment that its rule names, and in no other."""

from functools import cache
from pathlib import Path

import pytest

from tests.conda.bench import ENVS, Bench
from tests.conda.conftest import CondaLab
from tests.conda.imports import Import, foreign, noted, script_of
from tests.support.imported import environments
from tests.workflow.lab import Lab
from tests.workflow.test_reruns import tree

pytestmark = pytest.mark.conda


# These need a third project of the archive; tests/unit/test_envs.py reads their imports.
STATIC = {"push_dicom.py", "withdraw_dicom.py", "prune_export.py"}
KERNEL = "ipykernel_launcher"  # the program that runs a notebook's cells


def prefix_of(environment: str, conda: Bench) -> Path:
    """Where Snakemake made an environment: it keeps the file beside the folder."""
    text = (ENVS / f"{environment}.yaml").read_text()
    (found,) = [path for path in conda.prefixes.glob("*.yaml") if path.read_text() == text]
    return found.with_suffix("")


@cache
def imports_in(prefix: Path) -> set[Import]:
    return noted(prefix)


def told(found: list[Import]) -> list[str]:
    return [f"{one.importer} imports {one.module} from {one.origin}" for one in found]


@pytest.mark.parametrize("environment", sorted(environments()))
def test_every_script_of_an_environment_ran_in_it(
    isolated: CondaLab, conda: Bench, environment: str
) -> None:
    ran = {script_of(one.program) for one in imports_in(prefix_of(environment, conda))}
    names = {Path(name).name for name in environments()[environment]} - STATIC
    kernels = {KERNEL if name.endswith(".ipynb") else name for name in names}
    assert kernels <= ran


@pytest.mark.parametrize("environment", sorted(environments()))
def test_every_import_is_of_the_environment_the_project_or_python(
    isolated: CondaLab, conda: Bench, environment: str
) -> None:
    prefix = prefix_of(environment, conda)
    assert told(foreign(imports_in(prefix), prefix)) == []


def test_so_is_every_import_where_snakemake_itself_runs(
    isolated: CondaLab, snakemake_prefix: Path
) -> None:
    assert told(foreign(imports_in(snakemake_prefix), snakemake_prefix)) == []


@pytest.mark.parametrize("part", ["study/bids", "study/derivatives", "study/reports", "both/bids"])
def test_the_bytes_are_those_of_a_run_without_conda(
    plain: Lab, isolated: CondaLab, part: str
) -> None:
    made = tree(isolated.work / "results" / part)
    assert made
    assert made == tree(plain.work / "results" / part)
