"""The trap: what lies beside Snakemake can be imported in every environment, and is found out."""

from pathlib import Path

import pytest

from tests.conda.bench import Bench
from tests.conda.conftest import CondaLab
from tests.conda.imports import foreign, noted, watch

pytestmark = pytest.mark.conda

SNAKEFILE = """
rule count:
    conda: "wanted.yaml"
    script: "scripts/count.py"
"""


@pytest.fixture(scope="module")
def counted(conda: Bench, snakemake_prefix: Path, tmp_path_factory) -> tuple[Path, Path]:
    """The folder of a workflow that was run, and the environment of its rule."""
    lab = CondaLab(
        tmp_path_factory.mktemp("trap"), bench=conda, python=snakemake_prefix / "bin/python"
    )
    lab.work.mkdir()
    (lab.work / "scripts").mkdir()
    (lab.work / "Snakefile").write_text(SNAKEFILE)
    (lab.work / "wanted.yaml").write_text("channels: [conda-forge]\ndependencies: [jinja2]\n")
    (lab.work / "config.yaml").write_text("{}")
    text = "import json\n\nimport jinja2\n\n\ndef late():\n    import tabulate\n\n\nlate()\n"
    (lab.work / "scripts" / "count.py").write_text(text)
    prefixes = lab.root / "prefixes"
    call = ("--snakefile", "Snakefile", "--conda-prefix", str(prefixes))
    assert lab.with_conda(*call, "--conda-create-envs-only").status == 0
    (prefix,) = prefixes.glob("*_")
    watch(prefix)
    run = lab.with_conda(*call)
    assert run.status == 0, run.output
    return lab.work, prefix


def test_an_undeclared_import_goes_unnoticed_by_snakemake_and_is_found_out(
    counted: tuple[Path, Path], snakemake_prefix: Path
) -> None:
    work, prefix = counted
    (found,) = foreign(noted(prefix), prefix, work / "scripts")
    assert found.module == "tabulate"
    assert found.importer == str(work / "scripts" / "count.py")
    assert Path(found.origin).is_relative_to(snakemake_prefix)


def test_what_the_environment_declares_comes_from_there(counted: tuple[Path, Path]) -> None:
    _, prefix = counted
    (found,) = [
        one for one in noted(prefix) if one.importer.endswith("count.py") and one.module == "jinja2"
    ]
    assert Path(found.origin).is_relative_to(prefix)
