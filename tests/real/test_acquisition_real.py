"""What rules ask of phase encoding and b-values is what dcm2niix writes of the same series."""

import json
from pathlib import Path

import pytest

from coil.bids.series import stack
from coil.bids.series.acquisition import phase_encoding
from coil.dicom.header import Header
from coil.errors import DataError

DATASETS = ["dcm_qa_me", "dcm_qa_nih", "dcm_qa_philips", "dcm_qa_philips_asl", "dcm_qa_xa30"]

Key = tuple[int, str]


def by_series(folder: Path) -> dict[Key, list[tuple[Path, Header]]]:
    """The readable DICOM files below a folder by series number and manufacturer."""
    found: dict[Key, list[tuple[Path, Header]]] = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        try:
            header = stack.read_header(path)
            key = int(header.SeriesNumber), str(header.Manufacturer)[:2].upper()
        except (DataError, AttributeError, TypeError, ValueError):
            continue
        found.setdefault(key, []).append((path, header))
    return found


@pytest.mark.parametrize("dataset", DATASETS)
def test_rules_see_what_dcm2niix_writes(real_dicom: Path, dataset: str) -> None:
    series = by_series(real_dicom / dataset / "In")
    compared = 0
    for path in sorted((real_dicom / dataset / "Ref").rglob("*.json")):
        truth = json.loads(path.read_text(encoding="utf-8"))
        files = series.get((truth.get("SeriesNumber"), truth["Manufacturer"][:2].upper()))
        if not files:
            continue
        words = phase_encoding(files[0][1])
        if "PhaseEncodingDirection" in truth:
            assert words[1] == truth["PhaseEncodingDirection"], path.name
            compared += 1
        elif "PhaseEncodingAxis" in truth:
            assert words == ({"i": "ROW", "j": "COL"}[truth["PhaseEncodingAxis"]],), path.name
            compared += 1
        if (weighting := path.with_suffix(".bval")).is_file():
            values = {float(text) for text in weighting.read_text().split()}
            assert stack.all_b_values([file for file, _ in files]) == values, path.name
    assert compared
