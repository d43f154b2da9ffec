"""The examples of the documentation are configs that work."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from coil.bids.mapping.mapping import parse
from coil.config.reading import read_project

DOCS = sorted((Path(__file__).resolve().parents[2] / "docs").glob("*.md"))
EXAMPLES = [
    pytest.param(yaml.safe_load(text), id=f"{page.stem}-{number}")
    for page in DOCS
    for number, text in enumerate(
        re.findall(r"^```yaml\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S), start=1
    )
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_valid_config(example: Any, tmp_path: Path) -> None:
    more = example if "analyses" in example else {}
    bids = {"mapping": example} if isinstance(example, list) else {} if more else example
    bids = {"mapping": [{"match": {"note": "x"}, "ignore": "y"}], **bids}
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump({"project": "P", "bids": {"name": "N", **bids}, **more}))
    settings = read_project(file, "study.yaml")["bids"]
    parse(settings["mapping"], synonyms=settings["synonyms"])


def test_the_documentation_links_to_what_there_is() -> None:
    for page in DOCS:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
