"""The record of an analysis: its form, and that of the summary which scripts write."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from coil.analyses import output
from coil.errors import RecordError
from coil.records.analysis import AnalysisRecord, Figure, MeasuredImage, Outliers, Summary
from tests.support import analysis_records

IMAGE = {
    "file": "sub-a/ses-1/func/sub-a_ses-1_task-tap_bold.nii.gz",
    "suffix": "bold",
    "metrics": {"tsnr_median": 40.5, "fd_mean": None, "shells": {"1000": 7}},
    "unavailable": {"fd_mean": "fewer than 5 volumes"},
    "outliers": [{"unit": "volumes", "limit": "above 0.5 mm", "count": 1, "of": 9, "volumes": [4]}],
    "protocol": {"shape": [4, 4, 4, 9]},
    "figures": ["sub-a/ses-1/figures/x.png"],
    "problem": None,
}


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    summary = msgspec.convert({"numbers": {"n": 1, "r": 0.5}, "images": [IMAGE]}, Summary)
    record = analysis_records.write(tmp_path / "qc.json", summary=summary, files=("x",))
    assert AnalysisRecord.read(tmp_path / "qc.json") == record
    written = json.loads((tmp_path / "qc.json").read_text())
    assert written["version"] == AnalysisRecord.VERSION
    assert written["summary"] == {"numbers": {"n": 1, "r": 0.5}, "images": [IMAGE]}


def test_one_of_an_earlier_version_is_an_error_that_names_the_file_or_none(tmp_path: Path) -> None:
    path = tmp_path / "qc.json"
    path.write_text(json.dumps({"state": "done", "files": [], "summary": {}}))
    with pytest.raises(RecordError, match=r"^qc\.json: version None of this file"):
        AnalysisRecord.read(path)
    assert AnalysisRecord.read_or_none(path) is None


def keys(schema: dict[str, Any]) -> set[str]:
    return set(schema["properties"])


def fields(part: type[msgspec.Struct]) -> set[str]:
    return set(part.__struct_encode_fields__)


def test_the_public_schema_of_a_summary_has_the_keys_of_its_type() -> None:
    schema = yaml.safe_load(output.SCHEMA.read_text())
    assert keys(schema) == fields(Summary)
    assert keys(schema["properties"]["figures"]["items"]) == fields(Figure)
    image = schema["properties"]["images"]["items"]
    assert keys(image) == fields(MeasuredImage)
    assert keys(image["properties"]["outliers"]["items"]) == fields(Outliers)
