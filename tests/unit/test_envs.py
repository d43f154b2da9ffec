"""The conda environments and the pinned requirements name the same packages."""

import re
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

CHECKOUT = Path(__file__).resolve().parents[2]
# What conda calls otherwise than PyPI does.
NAMES = {"matplotlib-base": "matplotlib", "python-isal": "isal", "snakemake-minimal": "snakemake"}


def pinned() -> dict[str, str]:
    text = (CHECKOUT / "requirements" / "run.txt").read_text()
    return dict(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.M))


@pytest.mark.parametrize("path", sorted((CHECKOUT / "envs").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_pinned_version_of_each_package_fits_its_environment(path: Path) -> None:
    versions = pinned()
    for dependency in yaml.safe_load(path.read_text())["dependencies"]:
        name, _, bounds = dependency.partition(" ")
        assert bounds, f"{name} has no bound"
        if name != "python":
            assert versions[NAMES.get(name, name)] in SpecifierSet(bounds), dependency


def test_every_rule_with_a_script_names_an_environment_that_exists() -> None:
    for rules in (CHECKOUT / "rules").glob("*.smk"):
        text = rules.read_text()
        assert text.count("    script:\n") == text.count("    conda:\n")
        for name in re.findall(r'"\.\./envs/(.+)"', text):
            assert (CHECKOUT / "envs" / name).is_file()
