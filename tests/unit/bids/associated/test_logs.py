"""What scanners logged of physiology becomes recordings beside the runs they are of."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coil.bids.associated import collect, logs
from coil.errors import DataError
from tests.support.physio import cmrr, dataset, dicom, pmu
from tests.unit.bids.associated.test_collect import companion, run

BEGAN = 47_040.5  # 13:04:00.5


def values(count: int) -> list[int]:
    return [1000 + number % 777 for number in range(count)]


@pytest.mark.parametrize(
    ("version", "frequency", "suffix"),
    [("VE", 400, "puls"), ("VD", 50, "resp"), ("VB", 50, "puls"), ("VB", 200, "ext")],
)
def test_a_log_of_the_pmu_is_read_whole_in_every_version(
    tmp_path: Path, version: str, frequency: int, suffix: str
) -> None:
    path = pmu(tmp_path / f"any.{suffix}", values(frequency * 9), BEGAN, frequency, version)
    (log,) = logs.read([path], "here")
    ((label, found),) = log.recordings.items()
    assert label == {"puls": "cardiac", "resp": "respiratory", "ext": "external"}[suffix]
    assert found.samples[:, 0].tolist() == values(frequency * 9)
    assert (found.frequency, found.start, found.columns) == (frequency, BEGAN, (label,))


def test_the_leads_of_an_ecg_come_by_turns(tmp_path: Path) -> None:
    path = pmu(tmp_path / "any.ecg", values(800 * 4), BEGAN, 800, "VB")
    (log,) = logs.read([path], "here")
    found = log.recordings["ecg"]
    assert found.columns == ("ecg1", "ecg2")
    assert found.samples.ravel().tolist() == values(800 * 4)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("LogStopMDHTime:", "LogStop:", "has no LogStopMDHTime"),
        (" 5003", "", "cut off, or is no log"),
        (" 5000 ", " DOE ", "cut off, or is no log"),
        ("LogStopMDHTime:   4704", "LogStopMDHTime:   9704", "another number of samples"),
    ],
)
def test_a_damaged_log_of_the_pmu_is_refused_unquoted(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = pmu(tmp_path / "DOE.puls", values(800), BEGAN)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DataError, match=message) as caught:
        logs.read([path], "here")
    assert "DOE" not in str(caught.value)


def test_a_log_of_a_whole_session_is_cut_to_its_runs(tmp_path: Path) -> None:
    every = np.arange(400 * 300)
    there = tmp_path / "resources" / "log"
    pmu(there / "any.puls", [int(value) % 4000 for value in every], BEGAN - 100)
    first = run(tmp_path, "sub-X_task-t_run-1_bold")
    second = run(tmp_path, "sub-X_task-t_run-2_bold")
    first.acq_time, second.acq_time = "2024-05-01T13:04:00.500000", "2024-05-01T13:05:00.501000"
    added = collect.add(companion("physio"), [first, second], tmp_path)
    for one, late in zip(added, (0, 60.001), strict=True):
        told = json.loads(one.files[1].read_text())
        found = [float(cell) for cell in gzip.decompress(one.files[0].read_bytes()).split()]
        start = round((100 + late + told["StartTime"]) * 400)
        assert -30 <= told["StartTime"] < -29.99
        assert found == [int(value) % 4000 for value in every[start : start + len(found)]]
        assert len(found) == pytest.approx(400 * 68, abs=1)
        assert one.files[0].name.endswith("_recording-cardiac_physio.tsv.gz")
        assert not one.notes


def test_a_log_of_another_time_is_not_placed(tmp_path: Path) -> None:
    pmu(tmp_path / "resources" / "log" / "any.puls", values(400 * 8), BEGAN + 4000)
    one = run(tmp_path)
    one.acq_time = "2024-05-01T13:04:00.5"
    (added,) = collect.add(companion("physio"), [one], tmp_path)
    assert added.files == []


@given(
    st.integers(0, 86_399),
    st.integers(-200, 200),
    st.integers(1, 120),
    st.integers(1, 60),
)
def test_a_log_is_aligned_by_the_clock_also_over_midnight(
    tmp_path_factory: pytest.TempPathFactory, began: int, late: int, seconds: int, length: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "law.puls"
    pmu(path, values(50 * seconds), (began + late) % 86_400, 50, "VB")
    found = logs.fitting(logs.read([path], "here"), float(began), float(length))
    overlaps = late < length and late + seconds > 0
    assert bool(found) == overlaps
    if found:
        assert found["cardiac"].start == late


@pytest.mark.parametrize("form", ["dicom", "spectroscopy", "files"])
def test_the_logs_of_cmrr_are_aligned_by_their_own_first_volume(tmp_path: Path, form: str) -> None:
    there = tmp_path / "resources" / "log"
    made = cmrr(BEGAN + 0.3, volumes=4)
    if form == "files":
        there.mkdir(parents=True)
        for end, text in made.items():
            (there / f"Physio_20240501_130400_0000-1111_{end}.log").write_text(text)
    else:
        dicom(made, there / "any.dcm", form == "spectroscopy")
    one = run(tmp_path)
    one.acq_time = "2024-05-01T13:04:00.5"
    (added,) = collect.add(companion("physio"), [one], tmp_path)
    told = {path.name.split("_")[3]: json.loads(path.read_text()) for path in added.files[1::2]}
    assert {name: note["StartTime"] for name, note in told.items()} == {
        "recording-cardiac": -4.0,
        "recording-external": -4.0,
        "recording-respiratory": -4.0,
    }
    assert told["recording-cardiac"]["SamplingFrequency"] == 200
    assert told["recording-respiratory"]["SamplingFrequency"] == 50
    assert told["recording-cardiac"]["Columns"] == ["cardiac", "trigger"]
    text = gzip.decompress(added.files[0].read_bytes()).decode()
    rows = [line.split("\t") for line in text.splitlines()]
    assert [number / 200 - 4 for number, row in enumerate(rows) if row[1] == "1"] == [0, 2, 4, 6]
    first = round((BEGAN + 0.3 - 4) / 0.0025)
    assert [float(row[0]) for row in rows] == [(first + 2 * n) % 1000 for n in range(len(rows))]


def test_what_cmrrs_log_lacks_is_not_made_up(tmp_path: Path) -> None:
    made = cmrr(BEGAN, volumes=2)
    lines = made["RESP"].splitlines()
    del lines[20]
    made["RESP"] = "\n".join(lines[:-2]) + "\n     188"
    (log,) = logs.read([dicom(made, tmp_path / "any.dcm")], "here")
    column = log.recordings["respiratory"].samples[:, 0]
    assert np.flatnonzero(np.isnan(column)).tolist() == [20 - 8]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("EJA_1", "EJA_9", "is not of the version EJA_1"),
        ("LogDataType = ", "LogDataType = X", "hold no signal"),
    ],
)
def test_logs_of_an_unknown_form_are_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    made = {end: text.replace(old, new) for end, text in cmrr(BEGAN, 2).items()}
    with pytest.raises(DataError, match=message):
        logs.read([dicom(made, tmp_path / "any.dcm")], "here")


def test_logs_of_two_runs_in_one_file_are_refused(tmp_path: Path) -> None:
    made = cmrr(BEGAN, 2)
    made["PULS"] = made["PULS"].replace("0000-1111", "0000-2222")
    with pytest.raises(DataError, match="logs of 2 runs are mixed"):
        logs.read([dicom(made, tmp_path / "any.dcm")], "here")


def test_a_dicom_file_without_logs_is_refused(tmp_path: Path) -> None:
    dataset(b"DOE" * 100, 3).save_as(tmp_path / "DOE.dcm", enforce_file_format=True)
    with pytest.raises(DataError, match="holds no physiology logs") as caught:
        logs.read([tmp_path / "DOE.dcm"], "here")
    assert "DOE" not in str(caught.value)
