"""Files beside the images find their runs, and are checked against them."""

import gzip
import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coil.bids import outputs
from coil.bids.associated import collect, events, recording
from coil.bids.associated.collect import Run
from coil.bids.associated.recording import Recording
from coil.bids.mapping.associated import Companion, parse_behaviour
from coil.bids.mapping.mapping import parse
from coil.errors import ConfigError, DataError

GOOD = "onset\tduration\ttrial_type\n0.5\t1\tgo\n4\tn/a\tstop\n"


def companion(kind: str = "events", **fields: Any) -> Companion:
    rule = {"match": {"note": "x"}, "to": "func/bold", "entities": {"task": "t"}}
    given = {"resource": "log"} | fields
    return parse([rule | {kind: given}]).rules[0].associated[0]


def run(folder: Path, name: str = "sub-X_ses-Y_task-t_bold", scan: str = "7") -> Run:
    """Four volumes of 2 s."""
    path = folder / "func" / f"{name}.nii.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(np.zeros((2, 2, 2, 4), np.int16), np.eye(4)), path)
    outputs.sidecar(path).write_text(json.dumps({"RepetitionTime": 2.0}))
    return Run(f"func/{name}", [path], scan)


def pulled(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / "resources" / "log" / name.replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_events_stand_beside_their_run(tmp_path: Path) -> None:
    one = run(tmp_path, "sub-X_ses-Y_task-t_echo-1_bold")
    there = pulled(tmp_path, log__tsv=GOOD.replace("\n", "\r\n"))
    (added,) = collect.add(companion(), [one], there)
    assert added.files == [tmp_path / "func" / "sub-X_ses-Y_task-t_events.tsv"]
    assert added.files[0].read_bytes() == GOOD.encode()


@pytest.mark.parametrize("pattern", ["*.tsv", "log_{run}.tsv", "log_{scan}.tsv"])
def test_files_find_their_runs_by_entity_or_in_the_order_of_numbers(
    tmp_path: Path, pattern: str
) -> None:
    runs = [run(tmp_path, f"sub-X_task-t_run-{n}_bold", str(n)) for n in (9, 10)]
    there = pulled(tmp_path, log_9__tsv=GOOD, log_10__tsv=GOOD.replace("0.5", "0.7"))
    first, second = collect.add(companion(file=pattern), runs, there)
    assert "0.5" in first.files[0].read_text()
    assert "0.7" in second.files[0].read_text()


def test_a_file_may_lie_in_a_resource_of_the_runs_own_scan(tmp_path: Path) -> None:
    path = tmp_path / "scan_resources" / "7" / "log" / "any.tsv"
    path.parent.mkdir(parents=True)
    path.write_text(GOOD)
    runs = [run(tmp_path, "sub-X_task-t_run-1_bold", "6"), run(tmp_path)]
    first, second = collect.add(companion(of="scan"), runs, tmp_path)
    assert not first.files and second.files[0].read_text() == GOOD


def test_files_for_a_run_that_there_is_not_are_told(tmp_path: Path) -> None:
    runs = [run(tmp_path, f"sub-X_task-t_run-{n}_bold", str(n)) for n in (1, 2)]
    names = {f"t_{n}__tsv": GOOD for n in (1, 2, 3)} | {"other_1__tsv": GOOD}
    there = pulled(tmp_path, **names)
    *_, last = collect.add(companion(file="{task}_{run}.tsv"), runs, there)
    assert last.notes == ["the archive holds 1 more events for no run"]


def test_a_run_without_events_is_left_without(tmp_path: Path) -> None:
    (added,) = collect.add(companion(), [run(tmp_path)], tmp_path)
    assert added.files == []


def test_more_event_files_than_runs_are_refused(tmp_path: Path) -> None:
    there = pulled(tmp_path, a__tsv=GOOD, b__tsv=GOOD)
    with pytest.raises(DataError, match=r"bids.mapping\[0\].events: 2 files for 1 runs"):
        collect.add(companion(), [run(tmp_path)], there)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("onset,duration\n1,2\n", "a file has no column onset"),
        ("", "a file has no column onset"),
        ("onset\tduration\n1\n", "row 2 has 1 columns, not 2"),
        ("onset\tduration\n1\t1\nDOE\t1\n", "row 3, column 1: is not of the column's kind"),
        ("onset\tduration\nnan\t1\n", "row 2, column 1: is not of the column's kind"),
        ("onset\tduration\nn/a\t1\n", "row 2, column onset: is not a number"),
        ("onset\tduration\n8.5\t1\n", "row 2, column onset: lies after the end of the run"),
        ("onset\tduration\n1\t-1\n", "row 2, column 2: is not a number within the column's bounds"),
        ("onset\tduration\tDOE\n1\t1\t1\n", "row 1, column 3: is documented nowhere"),
        ("onset\tduration\tonset\n1\t1\t1\n", "row 1, column 3: has no name of its own"),
        ("onset\tduration\tkey\n1\t1\tDOE\n", "row 2, column 3: is none of the column's Levels"),
        ("onset\tduration\tload\n1\t1\t7\n", "row 2, column 3: is not a number within"),
    ],
)
def test_a_broken_table_is_told_by_row_and_column(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "DOE.tsv"
    path.write_text(text)
    notes = {"key": {"Levels": {"left": "left key"}}, "load": {"Maximum": 6}}
    with pytest.raises(DataError) as caught:
        events.check(path, notes, "events", length=8.0)
    assert str(caught.value).startswith(f"events: {message}")
    assert "DOE" not in str(caught.value)


def test_columns_are_documented_by_a_json_of_the_name_and_by_the_config(tmp_path: Path) -> None:
    table = "onset\tduration\tload\tkey\n1\t1\t3\tleft\n"
    notes = json.dumps({"load": {"Units": "items", "Author": "x"}, "other": {"Units": "s"}})
    there = pulled(tmp_path, log__tsv=table, log__json=notes)
    given = companion(file="*", columns={"key": {"Levels": {"left": "left key"}}})
    (added,) = collect.add(given, [run(tmp_path)], there)
    assert json.loads(added.files[1].read_text()) == {
        "load": {"Units": "items"},
        "key": {"Levels": {"left": "left key"}},
    }


def test_a_table_may_be_separated_by_commas(tmp_path: Path) -> None:
    text = 'onset, duration,trial_type\n0.5,1,"go, left"\n'
    there = pulled(tmp_path, log__csv=text, log__json='{"trial_type": {"LongName": "x"}}')
    (added,) = collect.add(companion(file="*.csv"), [run(tmp_path)], there)
    assert added.files[0].read_text() == "onset\tduration\ttrial_type\n0.5\t1\tgo, left\n"
    assert json.loads(added.files[1].read_text()) == {"trial_type": {"LongName": "x"}}
    pulled(tmp_path, log__csv='onset,duration,trial_type\n0.5,1,"go\tleft"\n')
    with pytest.raises(DataError, match="row 2, column 3: has a tab or a line in it"):
        collect.add(companion(file="*.csv"), [run(tmp_path)], there)


def described(**more: Any) -> str:
    told = {"SamplingFrequency": 2, "StartTime": -1, "Columns": ["cardiac", "gaze"]}
    return json.dumps(told | {"gaze": {"Units": "px"}} | more)


ROWS = "".join(f"{n}\t{n / 8:g}\n" for n in range(18))


def test_a_recording_stands_beside_its_run_as_bids_has_it(tmp_path: Path) -> None:
    there = pulled(tmp_path, log__json=described())
    (there / "resources" / "log" / "log.tsv.gz").write_bytes(gzip.compress(ROWS.encode()))
    given = companion("physio", file="*.gz", recording="eye")
    (added,) = collect.add(given, [run(tmp_path)], there)
    table, note = added.files
    assert table.name == "sub-X_ses-Y_task-t_recording-eye_physio.tsv.gz"
    assert gzip.decompress(table.read_bytes()).decode() == ROWS
    assert json.loads(note.read_text()) == json.loads(described())
    assert added.notes == []


def test_a_header_and_the_config_can_stand_for_the_json(tmp_path: Path) -> None:
    there = pulled(tmp_path, log__tsv="gaze\n" + "1\nn/a\n" * 8)
    columns = {"gaze": {"Units": "px"}}
    given = companion("stim", columns=columns, sampling_frequency=2, start_time=0.5)
    (added,) = collect.add(given, [run(tmp_path)], there)
    told = json.loads(added.files[1].read_text())
    assert told == {"SamplingFrequency": 2, "StartTime": 0.5, "Columns": ["gaze"]} | columns
    assert gzip.decompress(added.files[0].read_bytes()) == b"1\nn/a\n" * 8


@pytest.mark.parametrize(
    ("rows", "change", "message"),
    [
        (ROWS, {"StartTime": None}, "StartTime is not known"),
        (ROWS, {"SamplingFrequency": "fast"}, "SamplingFrequency is not known"),
        (ROWS, {"SamplingFrequency": 0}, "SamplingFrequency is a number of samples"),
        (ROWS, {"StartTime": 90}, "a recording lies elsewhere in time than its run"),
        (ROWS, {"gaze": None}, "column 2 is documented nowhere"),
        (ROWS, {"Columns": None}, "a file has no Columns in a json file of its name"),
        (ROWS + "1\n", {}, "sample 19 has 1 columns, not 2"),
        (ROWS + "1\tDOE\n", {}, "sample 19 is not all numbers"),
        ("", {}, "a file has no rows"),
    ],
)
def test_a_broken_recording_is_told_without_its_values(
    tmp_path: Path, rows: str, change: dict[str, Any], message: str
) -> None:
    there = pulled(tmp_path, DOE__tsv=rows, DOE__json=described(**change))
    with pytest.raises(DataError) as caught:
        collect.add(companion("physio"), [run(tmp_path)], there)
    assert str(caught.value).startswith(f"bids.mapping[0].physio: {message}")
    assert "DOE" not in str(caught.value)


def test_a_recording_that_ends_early_is_told(tmp_path: Path) -> None:
    there = pulled(tmp_path, log__tsv=ROWS, log__json=described(StartTime=4))
    (added,) = collect.add(companion("physio"), [run(tmp_path)], there)
    assert added.notes == ["physio covers 50% of the run"]


@given(
    st.floats(0.5, 400),
    st.floats(-500, 500),
    st.integers(1, 300),
    st.floats(0, 600),
)
def test_a_recording_made_cut_and_read_back_has_the_samples_inside_the_run(
    tmp_path_factory: pytest.TempPathFactory,
    frequency: float,
    start: float,
    count: int,
    length: float,
) -> None:
    samples = np.arange(count, dtype=float)[:, None]
    made = Recording(("cardiac",), samples, frequency, start)
    kept = recording.cut(made, length)
    path = tmp_path_factory.getbasetemp() / "law_physio.tsv.gz"
    recording.write(kept, path)
    told = json.loads(path.with_name("law_physio.json").read_text())
    values = [float(line) for line in gzip.decompress(path.read_bytes()).split()]
    times = start + samples[:, 0] / frequency
    inside = (times >= 0) & (times <= length)
    assert set(samples[inside, 0]) <= set(values)
    around = [
        told["StartTime"] + number / told["SamplingFrequency"] for number in range(len(values))
    ]
    for time, value in zip(around, values, strict=True):
        assert time == pytest.approx(times[int(value)], abs=1e-5)
        assert -recording.AROUND - 1e-3 <= time <= length + recording.AROUND + 1e-3


def test_tables_of_tasks_without_a_run_are_numbered_by_name(tmp_path: Path) -> None:
    there = pulled(tmp_path, s10__tsv="response_time\n0.7\n", s9__tsv="response_time\n0.5\n")
    entries = parse_behaviour([{"task": "stroop", "resource": "log", "file": "s*.tsv"}])
    session = tmp_path / "sub-X" / "ses-Y"
    written = collect.behaviour(entries, there, session, "X", "Y")
    assert [(path.relative_to(session).as_posix(), path.read_text()) for path in written] == [
        ("beh/sub-X_ses-Y_task-stroop_run-1_beh.tsv", "response_time\n0.5\n"),
        ("beh/sub-X_ses-Y_task-stroop_run-2_beh.tsv", "response_time\n0.7\n"),
    ]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("events", {"resource": "r", "of": "subject"}, "events.of: is session or scan"),
        ("events", {"resource": "r", "start_time": 1}, "events.start_time: means nothing"),
        ("events", [{"resource": "r"}, {}], "events[1].resource: name the resource"),
        ("physio", {"resource": "r", "recording": "a-b"}, "physio.recording: recording takes"),
        ("physio", {"resource": "r", "sampling_frequency": 0}, "physio.sampling_frequency: is"),
        ("stim", {"resource": "r", "columns": {"a": {}}}, "stim.columns.a: is described by"),
        ("stim", {"resource": "r", "columns": {"a": {"Unit": "s"}}}, "stim.columns.a: takes Long"),
        ("stim", {"resource": "r", "files": "*"}, "stim.files: unknown key"),
    ],
)
def test_a_broken_companion_is_named_with_its_key(key: str, value: Any, message: str) -> None:
    rule = {"match": {"note": "x"}, "to": "func/bold", "entities": {"task": "t"}}
    with pytest.raises(ConfigError) as caught:
        parse([rule | {key: value}])
    assert str(caught.value).startswith(f"bids.mapping[0].{message}")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"resource": "r"}, "task: name the task"),
        ({"resource": "r", "task": "a b"}, "task: task takes letters"),
        ({"task": "a"}, "resource: name the resource"),
        ({"resource": "r", "task": "a", "kind": "stim"}, "kind: is beh or events"),
    ],
)
def test_a_broken_entry_of_behaviour_is_named_with_its_key(
    entry: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_behaviour([entry])
    assert str(caught.value).startswith(f"bids.behaviour[0].{message}")


def test_there_are_no_events_beside_an_anatomical_image() -> None:
    rule = {"match": {"note": "x"}, "to": "anat/T1w", "events": {"resource": "r"}}
    with pytest.raises(ConfigError, match="BIDS has no events beside anat images"):
        parse([rule])
