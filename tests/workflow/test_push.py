"""What goes back to the archive, at every level, and only when it is asked for."""

import json
from collections import Counter

import pytest
import requests

from coil.files import md5
from tests.workflow.lab import Lab

pytestmark = pytest.mark.workflow


def listing(lab: Lab, path: str) -> list[dict[str, str]]:
    """The rows of a listing of the archive."""
    server = lab.server
    assert server
    login = (server.user, server.password)
    answer = requests.get(f"{server.url}{path}?format=json", auth=login, timeout=20)
    return answer.json()["ResultSet"]["Result"]


def sessions(lab: Lab) -> dict[str, str]:
    """The address of each session, by its neutral name."""
    rows = listing(lab, "/data/projects/DEMO/experiments")
    return {lab.unit_of(r["label"]): f"/data/experiments/{r['ID']}" for r in rows}


def test_each_scan_has_its_anonymized_images_and_sidecars(finished: Lab) -> None:
    for unit, address in sessions(finished).items():
        for series in finished.record(unit)["series"]:
            held = {
                row["Name"]: (row["collection"], row["digest"])
                for label in ("NIFTI", "BIDS")
                if series["files"]
                for row in listing(
                    finished, f"{address}/scans/{series['scan']}/resources/{label}/files"
                )
            }
            wanted = {}
            for name in series["files"]:
                path = finished.results / "bids" / name
                place = "BIDS" if path.suffix in (".json", ".tsv") else "NIFTI"
                wanted[path.name] = (place, md5(path))
            assert held == wanted


def test_each_session_has_its_derivatives_and_an_assessor(finished: Lab) -> None:
    for unit, address in sessions(finished).items():
        folder = finished.results / "derivatives" / "qc" / unit.replace("_", "/")
        written = sum(path.is_file() for path in folder.rglob("*"))
        assert len(listing(finished, f"{address}/resources/coil_qc/files")) == written > 0
        (assessor,) = listing(finished, f"{address}/assessors")
        assert assessor["xsiType"] == "xnat:qcAssessmentData"


def test_a_dry_push_lists_what_it_would_do_and_the_next_run_does_it(finished: Lab) -> None:
    lab = finished
    settings = lab.settings()
    lab.configure(settings | {"push": settings["push"] | {"resource": "second"}})
    assert lab.server
    before = len(lab.server.requests())
    dry = lab.snakemake("--config", "dry_push=true")
    assert dry.status == 0, dry.output
    assert not any(
        line.startswith(("PUT /data/exp", "PUT /data/proj"))
        for line in lab.server.requests()[before:]
    )
    assert "nothing was written to the archive" in dry.output
    assert "create  report.html" in dry.output
    for unit in lab.units():
        assert lab.record(unit, "push")["state"] == "rehearsed"
    done = lab.snakemake()
    assert done.jobs["push_session"] == 2
    for unit in lab.units():
        assert lab.record(unit, "push")["state"] == "done"
    assert lab.snakemake().jobs == Counter()


def test_a_scan_with_images_of_somebody_else_is_left_alone_and_said_to_be(unworked: Lab) -> None:
    lab = unworked
    server = lab.server
    assert server
    login = (server.user, server.password)
    (first, *_) = listing(lab, "/data/projects/DEMO/experiments")
    file = f"/data/experiments/{first['ID']}/scans/2/resources/NIFTI/files/by_hand.nii.gz"
    requests.put(f"{server.url}{file}", data=b"by hand", auth=login, timeout=20)
    run = lab.snakemake()
    assert run.status == 0, run.output
    unit = lab.unit_of(first["label"])
    assert f"{unit}: left alone: NIFTI of scan 2" in run.output
    assert "scans/2/" not in json.dumps(lab.record(unit, "push"))
    assert requests.get(f"{server.url}{file}", auth=login, timeout=20).content == b"by hand"
