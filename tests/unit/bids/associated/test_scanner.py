"""What the scanner computed goes to raw BIDS where it has a name there, else beside it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from coil.admission import admit
from coil.bids.associated import scanner
from coil.bids.mapping.mapping import parse
from coil.deid.bids.terms import Terms
from coil.errors import ConfigError
from coil.units import Unit
from tests.support.bids import Pulled
from tests.support.session_records import record as session_record
from tests.support.stages import as_json, convert_session

CBF = {
    "match": {"series_description": "relCBF", "image_type": "RELCBF"},
    "to": "derivatives/perf/cbf",
}
RULES: list[dict[str, Any]] = [
    {"match": {"series_description": "mprage"}, "to": "anat/T1w"},
    {"match": {"image_type": "ADC"}, "to": "dwi/ADC"},
    {
        "match": {"image_type": "MPR"},
        "to": "derivatives/anat/T1w",
        "entities": {"desc": "tra"},
    },
    CBF,
]
DERIVED = ["DERIVED", "PRIMARY"]
UNIT = Unit("X", "Y")


@pytest.fixture
def pulled(tmp_path: Path) -> Path:
    session = Pulled(tmp_path / "pulled")
    session.scan("mprage")
    session.scan("dti_ADC", ImageType=[*DERIVED, "DIFFUSION", "ADC"])
    session.scan("relCBF", ImageType=[*DERIVED, "ASL", "RELCBF"])
    session.scan("mprage_tra", ImageType=[*DERIVED, "MPR", "ND"], ManufacturerModelName="Skyra")
    session.scan("relCBF_other", ImageType=[*DERIVED, "ASL", "OTHER"])
    return session.folder


def convert(pulled: Path, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    table = convert_session(
        pulled,
        pulled.parent / "converted",
        subject="X",
        session="Y",
        mapping=parse(rules),
        policy={},
        scratch=pulled.parent / "scratch",
    )
    return table["series"]


def admitted(pulled: Path) -> dict[str, Any]:
    terms = Terms(b"0123456789abcdef" * 4, "demo", "S1", "shift", "keep")
    place = pulled.parent
    before = os.umask(0o077)  # as the rule does
    try:
        entry = admit(pulled, place / "converted", place / "results" / "bids", UNIT, terms, 0o022)
        return as_json(entry.admitted) | {"validator": as_json(entry.validator)}
    finally:
        os.umask(before)


STEM = "sub-X/ses-Y"


def test_it_is_mapped_only_where_a_rule_asks_for_it(pulled: Path) -> None:
    rows = convert(pulled, [{"match": {"series_description": "mprage$"}, "to": "anat/T1w"}, CBF])
    assert [(row["state"], row["name"]) for row in rows] == [
        ("mapped", "anat/sub-X_ses-Y_T1w"),
        ("derived", None),
        ("mapped", "derivatives/perf/sub-X_ses-Y_cbf"),
        ("derived", None),
        ("derived", None),
    ]
    assert rows[2]["files"] == [
        f"derivatives/{STEM}/perf/sub-X_ses-Y_cbf.json",
        f"derivatives/{STEM}/perf/sub-X_ses-Y_cbf.nii.gz",
    ]


def test_it_gets_a_valid_derivative_dataset_of_its_own(pulled: Path) -> None:
    convert(pulled, [{**RULES[0], "match": {"series_description": "mprage$"}}, *RULES[1:]])
    record = admitted(pulled)
    assert f"{STEM}/dwi/sub-X_ses-Y_ADC.nii.gz" in record["files"]
    assert record["validator"]["errors"] == 0
    images = [name for name in record["derivatives"] if name.endswith(".nii.gz")]
    assert images == [
        f"derivatives/{STEM}/anat/sub-X_ses-Y_desc-tra_T1w.nii.gz",
        f"derivatives/{STEM}/perf/sub-X_ses-Y_cbf.nii.gz",
    ]
    dataset = pulled.parent / "results" / "bids"
    above = dataset.parent / "derivatives"
    made = [above, *(path for path in above.rglob("*") if path.is_dir())]
    assert {path.stat().st_mode & 0o777 for path in made} == {0o755}
    assert not list(dataset.rglob("*cbf*"))
    verdict = scanner.write(dataset, [session_record(derivatives=record["derivatives"])])
    assert verdict.errors == 0, verdict.issues
    target = pulled.parent / "results" / "derivatives" / "scanner"
    about = json.loads((target / "dataset_description.json").read_text())
    assert about["DatasetType"] == "derivative"
    assert [made["Name"] for made in about["GeneratedBy"]] == ["Siemens", "Siemens Skyra", "Coil"]
    sidecar = target / STEM / "perf" / "sub-X_ses-Y_cbf.json"
    assert json.loads(sidecar.read_text())["SkullStripped"] is False
    assert (target / ".bidsignore").read_text() == "*_cbf.*\n"


def test_it_leaves_with_its_session(pulled: Path) -> None:
    convert(pulled, RULES[1:])
    record = admitted(pulled)
    convert(pulled, RULES[1:3])
    again = admitted(pulled)
    folder = pulled.parent / "results" / "derivatives" / "scanner"
    assert record["derivatives"].keys() > again["derivatives"].keys()
    assert not list(folder.rglob("*cbf*"))
    scanner.write(pulled.parent / "results" / "bids", [])
    assert not folder.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"to": "derivatives/dwi/ADC"}, "BIDS has dwi/ADC among raw images; name that"),
        ({"to": "derivatives/brain/cbf"}, "`derivatives/brain/cbf` is not in BIDS"),
        ({"to": "derivatives/func/bold", "entities": {"desc": "moco"}}, "needs task"),
        ({"entities": {"desc": "a b"}}, "entities.desc: desc takes letters and digits only"),
    ],
)
def test_a_name_that_no_dataset_can_hold_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse([CBF | change])
    assert message in str(caught.value)
