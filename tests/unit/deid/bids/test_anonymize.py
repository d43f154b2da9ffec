import gzip
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from coil.deid.leak.headers import collect
from coil.deid.leak.search import Searcher
from coil.errors import DataError
from tests.support.deid import INNER, PLANTED, SESSION, STEM, SUBJECT, make_converted, make_pulled
from tests.support.stages import admit_session


class Lab:
    """A folder with one pulled and converted session."""

    def __init__(self, root: Path, sidecar: dict[str, Any] | None = None) -> None:
        self.pulled = make_pulled(root / "pulled")
        self.converted = make_converted(root / "converted", sidecar)
        self.candidate = root / "candidate"
        self.func = self.converted / "bids" / INNER / "func"

    def admit(self, candidate: Path | None = None, **changes: Any) -> dict[str, Any]:
        terms: dict[str, Any] = {
            "subject": SUBJECT,
            "session": SESSION,
            "secret": b"0123456789abcdef" * 4,
            "subject_id": "XNAT_S00001",
            "project": "Demo",
        }
        target = candidate or self.candidate
        return admit_session(self.pulled, self.converted, target, **(terms | changes))

    def out(self, name: str) -> Path:
        return self.candidate / INNER / name


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_the_untouched_session_is_full_of_identifiers_and_the_admitted_one_of_none(lab: Lab):
    searcher = Searcher(collect(lab.pulled), {SUBJECT, SESSION})
    before = [path for path in lab.func.iterdir() if searcher.in_file(path)]
    assert {path.name.partition(".")[2] for path in before} == {"json", "nii.gz", "tsv"}
    record = lab.admit()
    after = [path for path in lab.candidate.rglob("*") if path.is_file()]
    for path in after:
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        assert not [value for value in PLANTED if value.encode().lower() in data.lower()]
    assert not [value for value in PLANTED if value in json.dumps(record)]
    assert record["leak_check"]["hits"] == 0 and record["leak_check"]["files"] == len(after) == 4


def test_what_science_needs_is_still_there(lab: Lab):
    lab.admit()
    sidecar = json.loads(lab.out(f"func/{STEM}_task-rest_bold.json").read_text())
    assert sidecar == {
        "ConversionSoftwareVersion": "v1.0.20260724",
        "Manufacturer": "Siemens",
        "RepetitionTime": 2.0,
        "SliceTiming": [0, 1, 0.5, 1.5],
        "TaskName": "rest",
    }
    events = lab.out(f"func/{STEM}_task-rest_events.tsv").read_text()
    assert events == "onset\tduration\n0\t1\n"


def test_the_record_tells_what_was_removed_by_name(lab: Lab):
    (lab.func / f"{STEM}_task-rest_meg.tsv.gz").write_bytes(b"")
    (lab.func / "Quillfeather.txt").write_text("")
    removed = lab.admit()["removed"]
    assert removed == {
        "sidecar_keys": {
            "AcquisitionTime": 1,
            "DeviceSerialNumber": 1,
            "InstitutionName": 1,
            "PatientName": 1,
        },
        "header_fields": ["aux_file", "descrip"],
        "columns": {"who": 1},
        "files": {"other": 1, "meg.tsv.gz": 1},
    }
    assert not list(lab.candidate.rglob("*meg*")) and not list(lab.candidate.rglob("*.txt"))


def test_recordings_and_tables_of_behaviour_leave_through_their_own_checks(lab: Lab):
    name = f"{STEM}_task-rest_recording-eye_physio"
    told = {"SamplingFrequency": 2, "StartTime": 0, "Columns": ["cardiac"], "Who": "Quillfeather"}
    (lab.func / f"{name}.json").write_text(json.dumps(told))
    (lab.func / f"{name}.tsv.gz").write_bytes(gzip.compress(b"1\nn/a\n"))
    (lab.func.parent / "beh").mkdir()
    table = lab.func.parent / "beh" / f"{STEM}_task-stroop_beh.tsv"
    table.write_text("score\twho\n3\tQuillfeather\n")
    score = {"Units": "items", "Description": "of Quillfeather"}
    notes = {"score": score, "who": {"LongName": "x"}}
    table.with_suffix(".json").write_text(json.dumps(notes))
    record = lab.admit()
    del told["Who"]
    assert json.loads(lab.out(f"func/{name}.json").read_text()) == told
    packed = lab.out(f"func/{name}.tsv.gz").read_bytes()
    assert gzip.decompress(packed) == b"1\nn/a\n" and packed[3:8] == bytes(5)
    assert lab.out(f"beh/{table.name}").read_text() == "score\n3\n"
    left = json.loads(lab.out(f"beh/{table.stem}.json").read_text())
    assert left == {"score": {"Units": "items"}}
    assert record["removed"]["columns"] == {"who": 2}


def test_a_column_that_repeats_the_persons_number_stays_behind(lab: Lab):
    table = lab.func / f"{STEM}_task-rest_events.tsv"  # the person's ID is QX-77-0042
    table.write_text("onset\tduration\tsubject\tload\tset\n0\t1\t42\t42\t8\n2\t1\t42\t7\t8\n")
    notes = {name: {"Format": "integer"} for name in ("subject", "load", "set")}
    table.with_suffix(".json").write_text(json.dumps(notes))
    record = lab.admit()
    left = lab.out(f"func/{table.name}").read_text()
    assert left == "onset\tduration\tload\tset\n0\t1\t42\t8\n2\t1\t7\t8\n"
    assert record["removed"]["columns"] == {"subject": 1}
    assert "subject" not in lab.out(f"func/{table.stem}.json").read_text()


def test_a_number_in_a_recording_that_is_an_identifier_stops_the_session(lab: Lab):
    name = f"{STEM}_task-rest_physio"
    told = {"SamplingFrequency": 2, "StartTime": 0, "Columns": ["cardiac"]}
    (lab.func / f"{name}.json").write_text(json.dumps(told))
    (lab.func / f"{name}.tsv.gz").write_bytes(gzip.compress(b"1\n20240501\n"))
    with pytest.raises(DataError, match=r"physio\.tsv\.gz holds .* kind: date"):
        lab.admit()


def test_times_are_shifted_the_same_in_scans_tsv_and_record(lab: Lab):
    record = lab.admit()
    scans = lab.out(f"{STEM}_scans.tsv").read_text().splitlines()
    shifted = record["series"][0]["acq_time"]
    assert scans == ["filename\tacq_time", f"func/{STEM}_task-rest_bold.nii.gz\t{shifted}"]
    assert shifted < "1925" and shifted.endswith("T13:07:43.900000")


def test_the_time_of_day_can_be_dropped_and_dates_left_out(lab: Lab):
    dropped = lab.admit(time_of_day="drop")["series"][0]["acq_time"]
    assert dropped.endswith("T00:00:00")
    assert lab.admit(dates="none")["series"][0]["acq_time"] is None
    assert "\tn/a\n" in lab.out(f"{STEM}_scans.tsv").read_text()


def test_series_descriptions_are_redacted(lab: Lab):
    assert lab.admit()["series"][0]["description"] == "cmrr_rest [removed]"


def test_the_same_session_gives_the_same_bytes_again(lab: Lab, tmp_path: Path):
    assert lab.admit()["files"] == lab.admit(tmp_path / "again")["files"]


def test_files_may_be_read_by_anyone(lab: Lab):
    lab.admit()
    assert {p.stat().st_mode & 0o777 for p in lab.candidate.rglob("*") if p.is_file()} == {0o644}


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("SeriesDescription", "of Quillfeather", "name"),
        ("ProtocolName", "seen 2024-05-01", "date"),
        ("ImageComments", "PRIV-55501-X", "private element"),
    ],
)
def test_a_leak_stops_the_session_and_names_file_and_kind(
    tmp_path: Path, key: str, value: str, kind: str
):
    lab = Lab(tmp_path, {key: value})
    with pytest.raises(DataError, match=rf"rest_bold\.json holds .* kind: {kind}") as error:
        lab.admit(allow_keys=[key])
    assert value not in str(error.value)
    assert not list(lab.candidate.rglob("*.*"))


@pytest.mark.parametrize("said", ["Quillfeather", "with Zoe Quillfeather", "about QX-77-0042"])
def test_free_text_in_events_that_the_config_lets_through_is_searched_too(lab: Lab, said: str):
    table = lab.func / f"{STEM}_task-rest_events.tsv"
    table.write_text(f"onset\tduration\twho\n0\t1\t{said}\n")
    with pytest.raises(DataError, match=r"events\.tsv holds .* kind: "):
        lab.admit(allow_keys=["who"])


def test_those_whom_the_headers_name_are_noted_whether_the_session_gets_in_or_not(
    lab: Lab, tmp_path: Path
):
    note = tmp_path / "people.json"
    lab.admit(people=note)
    known = note.read_bytes()
    assert "Quillfeather" in known.decode() and stat.S_IMODE(note.stat().st_mode) == 0o600
    note.unlink()
    with pytest.raises(DataError):
        lab.admit(tmp_path / "again", allow_keys=["who"], people=note)
    assert note.read_bytes() == known


def test_a_leak_in_a_files_name_stops_the_session(lab: Lab):
    for path in list(lab.func.iterdir()):
        path.rename(path.with_name(path.name.replace("task-rest", "task-Quillfeather")))
    with pytest.raises(DataError, match="file's name"):
        lab.admit()


def test_a_text_that_its_rule_allows_but_that_identifies_stays_behind(tmp_path: Path):
    lab = Lab(tmp_path, {"SequenceName": "quillfeather2d1", "ReceiveCoilName": "HeadNeck_64"})
    removed = lab.admit()["removed"]["sidecar_keys"]
    assert removed["SequenceName"] == 1 and "ReceiveCoilName" not in removed


def test_what_the_config_supplies_leaves_but_for_identifiers(tmp_path: Path):
    told = {"Instructions": "press left", "TaskDescription": "as Quillfeather does"}
    lab = Lab(tmp_path, told | {"InstitutionAddress": "a street"})
    table = json.loads((lab.converted / "converted.json").read_text())
    table["series"][0]["supplied"] = ["Instructions", "TaskDescription"]
    (lab.converted / "converted.json").write_text(json.dumps(table))
    lab.admit()
    left = json.loads(lab.out(f"func/{STEM}_task-rest_bold.json").read_text())
    assert left["Instructions"] == "press left"
    assert not {"TaskDescription", "InstitutionAddress"} & left.keys()


@pytest.mark.parametrize(("time_of_day", "zero"), [("keep", "13:07:43"), ("drop", "00:00:00")])
def test_the_zero_of_pets_times_is_no_time_of_day_where_these_are_dropped(
    tmp_path: Path, time_of_day: str, zero: str
):
    lab = Lab(tmp_path, {"TimeZero": "13:07:43", "InjectionStart": -60})
    lab.admit(time_of_day=time_of_day)
    left = json.loads(lab.out(f"func/{STEM}_task-rest_bold.json").read_text())
    assert (left["TimeZero"], left["InjectionStart"]) == (zero, -60)


def test_an_archives_own_label_may_name_the_files(lab: Lab):
    record = json.loads((lab.pulled / "pulled.json").read_text())
    record["identifiers"]["subject_label"] = SUBJECT
    (lab.pulled / "pulled.json").write_text(json.dumps(record))
    assert lab.admit()["leak_check"]["hits"] == 0


def test_a_number_that_is_also_a_moved_year_is_no_leak(lab: Lab):
    year = lab.admit()["series"][0]["acq_time"][:4]
    record = json.loads((lab.pulled / "pulled.json").read_text())
    record["identifiers"]["subject_label"] = year
    (lab.pulled / "pulled.json").write_text(json.dumps(record))
    assert lab.admit()["leak_check"]["hits"] == 0


def test_a_link_is_not_followed_out_of_the_quarantine(lab: Lab, tmp_path: Path):
    (tmp_path / "elsewhere.json").write_text("{}")
    (lab.func / f"{STEM}_task-other_bold.json").symlink_to(tmp_path / "elsewhere.json")
    assert lab.admit()["removed"]["files"] == {"bold.json": 1}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("no converted.json", r"converted\.json"),
        ("no image", "no image"),
        ("image cut off", "not a whole gzip"),
        ("sidecar is a list", "not a JSON object"),
    ],
)
def test_what_cannot_be_checked_is_not_admitted(lab: Lab, damage: str, message: str):
    image = lab.func / f"{STEM}_task-rest_bold.nii.gz"
    match damage:
        case "no converted.json":
            (lab.converted / "converted.json").unlink()
        case "no image":
            image.unlink()
        case "image cut off":
            image.write_bytes(image.read_bytes()[:-20])
        case _:
            (lab.func / f"{STEM}_task-rest_bold.json").write_text("[]")
    with pytest.raises(DataError, match=message):
        lab.admit()
    assert not list(lab.candidate.rglob("*.*"))
