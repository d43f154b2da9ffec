"""What a person reads whose config asks for tables that cannot be."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from coil.bids.dataset.checks import check_dataset
from coil.config.reading import read_project
from coil.errors import ConfigError

BIDS: dict[str, Any] = {
    "name": "A study",
    "mapping": [{"match": {"series_description": "t1"}, "to": "anat/T1w"}],
}
ARM = {"name": "arm", "description": "Arm"}
FILE = {"resource": "q", "file": "x.csv", "dictionary": "x.json"}


def said(tmp_path: Path, **settings: Any) -> str:
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump({"project": "P", "bids": BIDS, **settings}))
    with pytest.raises(ConfigError) as caught:
        check_dataset(read_project(path, "study.yaml"), "study.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"participants": [ARM, ARM]}, "participants: arm stands twice"),
        ({"participants": [{**ARM, "name": "age"}]}, "participants: age stands twice, or is a"),
        ({"participants": [{**ARM, "field": "demographics/dob"}]}, "arm: tells a birth"),
        ({"participants": [{**ARM, "levels": {True: "y"}}]}, "write the key in quotes"),
        ({"participants": [{**ARM, "label": "x"}]}, "participants[0].label: unknown key"),
        (
            {"phenotype": [{"instrument": "x", **FILE}, {"instrument": "x", **FILE}]},
            "phenotype: two instruments are named x",
        ),
        (
            {"phenotype": [{"instrument": "x", **FILE, "sessions": {"a": "*"}}]},
            "phenotype[0].session_column: missing",
        ),
        ({"phenotype": [{"instrument": "x", "resource": "q"}]}, "an instrument has either"),
        ({"bids": {**BIDS, "citation": {}}}, "bids.citation: needs bids.authors"),
        (
            {"bids": {**BIDS, "genetics": {"dataset": "https://x", "genotypes": "ACGT"}}},
            "bids.genetics.genotypes: unknown key",
        ),
    ],
)
def test_a_table_that_cannot_be_is_told_before_any_work(
    tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    text = said(tmp_path, **settings)
    assert text.startswith("study.yaml")
    assert message in text
    assert "\n" not in text
