"""De-identified DICOM beside the dataset, in a whole run."""

import pydicom
import pytest

from tests.workflow.lab import Lab

pytestmark = pytest.mark.workflow


@pytest.fixture
def exporting(unworked: Lab) -> Lab:
    settings = unworked.settings() | {"export": "dicom", "push": {}}
    unworked.configure(settings)
    return unworked


def test_mapped_series_leave_as_dicom_and_what_has_a_face_does_not(exporting: Lab) -> None:
    run = exporting.snakemake("export")
    assert run.status == 0, run.output
    assert run.jobs["export_session"] == 2
    for unit in exporting.units():
        record = exporting.record(unit, "export")
        assert record["state"] == "done", record["reason"]
        states = {row["state"] for row in record["series"]}
        assert {"exported", "withheld"} <= states
        subject, session = unit.split("_")
        folder = exporting.results / "dicom" / subject / session
        files = sorted(folder.rglob("*.dcm"))
        assert len(files) == record["files"] > 0
        first = pydicom.dcmread(files[0], stop_before_pixels=True)
        assert first.PatientID == subject.removeprefix("sub-")
        assert first.PatientIdentityRemoved == "YES"
    again = exporting.snakemake("export")
    assert again.jobs["export_session"] == 0, again.output
    exporting.configure(exporting.settings() | {"export": "none"})
    off = exporting.snakemake("export")
    assert off.status == 0, off.output
    assert not (exporting.results / "dicom").exists()
    assert not list(exporting.results.glob("records/sub-*/export.json"))
    assert exporting.snakemake("export").jobs["prune_export"] == 0
