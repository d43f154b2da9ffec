"""Push to the scans of a session, to its assessor, and without writing anything."""

import json
from itertools import count
from pathlib import Path

import pytest
import requests

from coil.archive.client import Archive
from coil.archive.push.assessor import Assessor, statistics
from coil.archive.push.plan import Upload
from coil.archive.push.push import dry_run, push
from coil.archive.push.upload import derivative_files, hidden_scans, scan_files
from coil.deid.leak.search import REMOVED
from coil.errors import DataError, RefusedError
from coil.records.analysis import MeasuredImage
from coil.records.push import PushRecord
from coil.records.session import SessionRecord
from coil.run.pushed import reason
from localxnat.testing import Server
from tests.support.session_records import record as session_record
from tests.support.session_records import row

UNIT = "sub-01/ses-1"
T1, REST = f"{UNIT}/anat/sub-01_ses-1_T1w", f"{UNIT}/func/sub-01_ses-1_task-rest_bold"
SERIES = {
    "4": [f"{T1}.json", f"{T1}.nii.gz"],
    "6-MR1": [f"{REST}.json", f"{REST}.nii.gz", f"{UNIT}/func/sub-01_ses-1_task-rest_events.tsv"],
}


def measured(file: str, **metrics: object) -> MeasuredImage:
    return MeasuredImage(file=file, suffix="T1w", metrics=metrics)


QC = [
    measured(f"{T1}.nii.gz", snr_air=24.1001, volumes=1),
    measured(f"{REST}.nii.gz", fd_mean=1.49e-06, shells={"1000": 12}),
]


NUMBERS = count()


@pytest.fixture
def base(archive: Archive) -> str:
    """The address of a session of the test's own, with three scans."""
    path = f"/data/projects/P/subjects/S/experiments/own{next(NUMBERS)}"
    session = archive.put(path, xsiType="xnat:mrSessionData").text
    for scan in ("2", "4", "6-MR1"):
        archive.put(f"/data/experiments/{session}/scans/{scan}", xsiType="xnat:mrScanData")
    return f"/data/experiments/{session}"


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    for name in every(SERIES):
        path = tmp_path / "bids" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"what is in {path.name}")
    return tmp_path / "bids"


def every(series: dict[str, list[str]]) -> list[str]:
    return [name for names in series.values() for name in names]


def record(series: dict[str, list[str]] = SERIES) -> SessionRecord:
    """A session's record, as far as a push looks at it."""
    rows = [row("mapped", scan=scan, files=tuple(names)) for scan, names in series.items()]
    rows.append(row("ignored", scan="2", files=()))
    return session_record(series=tuple(rows), files=dict.fromkeys(every(series), "sha"))


def images(dataset: Path, series: dict[str, list[str]] = SERIES) -> Upload:
    return Upload("coil", scan_files(record(series), dataset))


def listed(archive: Archive, base: str, scan: str, resource: str) -> set[str]:
    rows = archive.rows(f"{base}/scans/{scan}/resources/{resource}/files", absent_ok=True)
    return {row["Name"] for row in rows}


def test_images_and_sidecars_of_a_scan_lie_where_bids_containers_look(
    archive: Archive, base: str, dataset: Path
) -> None:
    push(archive, base, images(dataset))
    assert listed(archive, base, "4", "NIFTI") == {"sub-01_ses-1_T1w.nii.gz"}
    assert listed(archive, base, "4", "BIDS") == {"sub-01_ses-1_T1w.json"}  # and no receipt
    assert listed(archive, base, "6-MR1", "BIDS") == {
        "sub-01_ses-1_task-rest_bold.json",
        "sub-01_ses-1_task-rest_events.tsv",
    }
    assert listed(archive, base, "2", "NIFTI") == set()
    rows = archive.rows(f"{base}/scans/4/resources")
    kinds = {row["label"]: (row["format"], row["content"]) for row in rows}
    assert kinds["NIFTI"] == ("NIFTI", "NIFTI_RAW")
    assert kinds["BIDS"] == ("BIDS", "BIDS")


def test_images_that_are_there_are_not_sent_again(
    archive: Archive, base: str, dataset: Path, server: Server
) -> None:
    push(archive, base, images(dataset))
    before = len(server.requests())
    again = push(archive, base, images(dataset))
    assert again.pushed == ()
    assert len(again.unchanged) == 5
    assert len(server.requests()) - before == 2  # the receipt, all files of all scans


def test_a_scan_with_images_of_somebody_else_is_left_alone(
    archive: Archive, base: str, dataset: Path
) -> None:
    theirs = f"{base}/scans/4/resources/NIFTI/files/converted_by_hand.nii.gz"
    archive.put(theirs, data=b"by hand")
    done = push(archive, base, images(dataset))
    assert [reason(left) for left in done.left] == [
        "BIDS of scan 4: somebody else's files are there",
        "NIFTI of scan 4: somebody else's files are there",
    ]
    assert {name.split("/")[1] for name in done.pushed} == {"6-MR1"}
    assert listed(archive, base, "4", "NIFTI") == {"converted_by_hand.nii.gz"}
    assert listed(archive, base, "4", "BIDS") == set()


def test_a_file_that_somebody_adds_to_our_images_stays(
    archive: Archive, base: str, dataset: Path
) -> None:
    push(archive, base, images(dataset))
    archive.put(f"{base}/scans/4/resources/NIFTI/files/mask.nii.gz", data=b"a mask")
    (dataset / f"{T1}.nii.gz").write_text("defaced better")
    done = push(archive, base, images(dataset))
    assert done.pushed == ("scans/4/NIFTI/sub-01_ses-1_T1w.nii.gz",)
    assert listed(archive, base, "4", "NIFTI") == {"mask.nii.gz", "sub-01_ses-1_T1w.nii.gz"}


def test_an_image_under_another_name_takes_the_place_of_the_old_one(
    archive: Archive, base: str, dataset: Path
) -> None:
    push(archive, base, images(dataset))
    renamed = f"{UNIT}/anat/sub-01_ses-1_T2w"
    for ending in (".json", ".nii.gz"):
        (dataset / f"{T1}{ending}").rename(dataset / f"{renamed}{ending}")
    series = SERIES | {"4": [f"{renamed}.json", f"{renamed}.nii.gz"]}
    push(archive, base, images(dataset, series))
    assert listed(archive, base, "4", "BIDS") == {"sub-01_ses-1_T2w.json"}
    assert listed(archive, base, "4", "NIFTI") == {"sub-01_ses-1_T2w.nii.gz"}


def test_a_scan_whose_id_is_withheld_has_no_address(dataset: Path) -> None:
    hidden = record({f"{REMOVED}-1": SERIES["4"], "6-MR1": SERIES["6-MR1"]})
    assert {file.resource.scan for file in scan_files(hidden, dataset)} == {"6-MR1"}
    assert [reason(left) for left in hidden_scans(hidden)] == [
        "1 of the scans: an identifier is in the ID; rename it there"
    ]


def test_an_empty_file_which_xnat_refuses_holds_up_no_other_and_is_named(
    archive: Archive, base: str, tmp_path: Path
) -> None:
    log, table = (tmp_path / "derivatives" / name for name in ("log.txt", "table.tsv"))
    table.parent.mkdir()
    table.write_text("volume\n1\n")
    log.write_text("nothing to remark yet")

    def pushed(dry: bool = False) -> PushRecord:
        upload = Upload("coil", derivative_files(table.parent, "coil_qc"))
        return (dry_run if dry else push)(archive, base, upload)

    assert pushed().left == ()
    log.write_text("")
    said = "resources/coil_qc/log.txt: it is empty, and the archive takes no empty file"
    assert [reason(left) for left in pushed(dry=True).left] == [said]
    done = pushed()
    assert [reason(left) for left in done.left] == [said]
    assert done.removed == ("resources/coil_qc/log.txt",)  # it was not empty then
    assert done.files.keys() == {"resources/coil_qc/table.tsv"}
    again = pushed()
    assert (again.pushed, again.removed) == ((), ())
    assert [reason(left) for left in again.left] == [said]


def test_derivatives_keep_their_folders_also_on_bad_days(
    archive: Archive, base: str, tmp_path: Path, server: Server
) -> None:
    folder = tmp_path / "derivatives" / UNIT
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "mosaic of 1.png").write_bytes(b"PNG")
    upload = Upload("coil", derivative_files(folder, "coil_qc"))
    server.faults({"method": "PUT", "path": "mosaic", "fault": {"status": 503, "done": True}})
    assert push(archive, base, upload).pushed == ("resources/coil_qc/figures/mosaic of 1.png",)
    assert push(archive, base, upload).pushed == ()


def assessor(base: str, qc: list[MeasuredImage] = QC) -> Assessor:
    session = base.rpartition("/")[2]
    return Assessor("P", session, session, "coil", statistics(record(), qc))


def numbers(server: Server, base: str) -> dict[str, dict[str, float]]:
    """The assessor's numbers, as item JSON has them."""
    url = f"{server.url}{assessor(base).address}?format=json"
    answer = requests.get(url, auth=(server.user, server.password), timeout=20).json()
    (scans,) = [c for c in answer["items"][0]["children"] if c["field"] == "scans/scan"]
    found: dict[str, dict[str, float]] = {}
    for scan in scans["items"]:
        values = scan["children"][0]["items"][0]["children"][0]["items"]
        found[scan["data_fields"]["id"]] = {
            value["data_fields"]["name"]: float(value["data_fields"]["additionalStatistics"])
            for value in values
        }
    return found


def test_the_numbers_of_each_scan_are_in_an_assessor(
    archive: Archive, base: str, server: Server
) -> None:
    push(archive, base, Upload("coil", {}, assessor(base)))
    (row,) = archive.rows(f"{base}/assessors")
    assert (row["label"], row["xsiType"]) == (
        f"{base.rpartition('/')[2]}_coil",
        "xnat:qcAssessmentData",
    )
    assert numbers(server, base) == {
        "4": {"snr_air": 24.1001, "volumes": 1.0},
        "6-MR1": {"fd_mean": 1.49e-06},
    }


def test_numbers_that_are_there_are_not_sent_again_and_ours_are_replaced(
    archive: Archive, base: str, server: Server
) -> None:
    push(archive, base, Upload("coil", {}, assessor(base)))
    assert push(archive, base, Upload("coil", {}, assessor(base))).pushed == ()
    other = [measured(f"{T1}.nii.gz", efc=0.5)]
    assert push(archive, base, Upload("coil", {}, assessor(base, other))).pushed == ("assessor",)
    assert numbers(server, base) == {"4": {"efc": 0.5}}


def test_numbers_that_somebody_corrected_are_left_alone(
    archive: Archive, base: str, server: Server
) -> None:
    push(archive, base, Upload("coil", {}, assessor(base)))
    corrected = assessor(base)
    corrected.numbers["4"]["snr_air"] = 25.0
    corrected.send(archive, replace=True)
    other = [measured(f"{T1}.nii.gz", efc=0.5)]
    with pytest.raises(DataError, match="numbers that this workflow did not write"):
        push(archive, base, Upload("coil", {}, assessor(base, other)))
    assert numbers(server, base)["4"]["snr_air"] == 25.0


@pytest.mark.parametrize("fault", [{"status": 503, "done": True}, {"status": 503}])
def test_an_assessor_whose_upload_goes_wrong_ends_right(
    archive: Archive, base: str, server: Server, fault: dict
) -> None:
    server.faults({"method": "PUT", "path": "/assessors/", "fault": fault})
    assert push(archive, base, Upload("coil", {}, assessor(base))).pushed == ("assessor",)
    assert numbers(server, base)["4"]["volumes"] == 1.0


def test_a_session_that_was_renamed_gets_an_assessor_under_its_new_label(
    archive: Archive, base: str
) -> None:
    first = assessor(base)
    push(archive, base, Upload("coil", {}, first))
    renamed = Assessor("P", first.session, "renamed", "coil", first.numbers)
    assert push(archive, base, Upload("coil", {}, renamed)).pushed == ("assessor",)
    assert {row["label"] for row in archive.rows(f"{base}/assessors")} == {
        first.label,
        "renamed_coil",
    }


def test_several_images_of_a_scan_have_their_names_in_the_numbers() -> None:
    echoes = [f"{UNIT}/func/sub-01_ses-1_task-x_echo-{n}_bold.nii.gz" for n in (1, 2)]
    qc = [measured(name, tsnr=50) for name in echoes]
    assert statistics(record({"7": echoes}), qc) == {
        "7": {"task-x_echo-1_bold.tsnr": 50.0, "task-x_echo-2_bold.tsnr": 50.0}
    }


def test_a_rehearsal_says_what_a_push_would_do_and_writes_nothing(
    archive: Archive, base: str, dataset: Path, tmp_path: Path, server: Server
) -> None:
    push(archive, base, images(dataset))
    (dataset / f"{T1}.nii.gz").write_text("defaced better")
    archive.put(f"{base}/scans/6-MR1/resources/BIDS/files/{Path(REST).name}.json", data=b"x")
    theirs = f"{base}/scans/6-MR1/resources/NIFTI/files/{Path(REST).name}.nii.gz"
    archive.put(theirs, data=b"somebody's", overwrite="true")
    before = server.requests()
    upload = Upload("coil", images(dataset).files, assessor(base))
    would = dry_run(archive, base, upload).would
    assert would["scans/4/NIFTI/sub-01_ses-1_T1w.nii.gz"] == "replace"
    assert would["scans/4/BIDS/sub-01_ses-1_T1w.json"] == "unchanged"
    assert would["scans/6-MR1/NIFTI/sub-01_ses-1_task-rest_bold.nii.gz"] == "in the way"
    assert would["assessor"] == "create"
    methods = {line.split()[0] for line in server.requests()[len(before) :]}
    assert methods == {"GET"}
    done = push(archive, base, upload)
    assert sorted(done.pushed) == sorted(n for n, a in would.items() if a in ("create", "replace"))


def test_a_rehearsal_for_a_session_that_is_gone_says_so(archive: Archive, dataset: Path) -> None:
    with pytest.raises(RefusedError, match="no such session"):
        dry_run(archive, "/data/experiments/LOCAL_E99999", images(dataset))


def test_the_receipt_names_every_file_that_was_pushed(
    archive: Archive, base: str, dataset: Path
) -> None:
    done = push(archive, base, images(dataset))
    with archive.stream(f"{base}/resources/coil/files/receipt.json") as chunks:
        receipt = json.loads(b"".join(chunks))
    assert receipt["files"] == {name: [digest] for name, digest in done.files.items()}
    assert receipt["complete"] is True
