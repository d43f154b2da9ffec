"""No planted value leaves the quarantine, wherever it was planted and however it is packed."""

import hashlib
import json
import re
import stat
from urllib.parse import unquote

import pytest

from coil.files import json_text, read_json
from localxnat.tests.support import Raw
from tests.battery import search
from tests.battery.conftest import Searched
from tests.battery.study import SHARED

_DIGITS = re.compile(rb"[0-9a-f]{12,}")

pytestmark = [pytest.mark.workflow, pytest.mark.battery]


def test_the_search_sees_nearly_all_that_was_planted(searched: Searched) -> None:
    plants = searched.battery.plants.places
    found = set().union(*searched.in_input.values())
    print(f"planted {len(plants)}, found in the input {len(found)}")
    unseen = [plants[token] for token in plants.keys() - found]
    assert len(found) > 0.99 * len(plants) > 6000, unseen


def test_the_sessions_are_done_and_valid(searched: Searched) -> None:
    battery = searched.battery
    assert [run.status for run in searched.runs] == [0] * len(searched.runs)
    states = [record["state"] for record in battery.lab.records()]
    assert states.count("done") == len(states) - battery.broken, searched.runs[-1].output
    assert read_json(battery.lab.results / "validation.json")["errors"] == 0


def test_every_kind_of_file_is_in_the_dataset(searched: Searched) -> None:
    """So that nothing is clean because it was left out."""
    names = [path.name.partition("_ses-")[2] for path in searched.battery.lab.results.rglob("*")]
    ends = {name.partition("_")[2] for name in names}
    assert {
        "PDw.nii.gz", "task-nback_bold.nii.gz", "task-nback_events.tsv",
        "task-nback_recording-cardiac_physio.tsv.gz", "task-stroop_beh.tsv",
    } <= ends  # fmt: skip
    for table in ("mood", "visit"):
        assert (searched.battery.lab.results / f"bids/phenotype/{table}.tsv").is_file()
    assert len(list((searched.battery.lab.results / "dicom").rglob("*.dcm"))) > 20


def test_nothing_survives_in_what_others_can_see(searched: Searched) -> None:
    assert searched.survivors(searched.battery.seen()) == []


def test_a_table_that_names_somebody_of_a_header_is_left_out_and_said_to_be(
    searched: Searched,
) -> None:
    results = searched.battery.lab.results
    reasons = {
        row["what"]: row["reason"] for row in read_json(results / "dataset.json")["problems"]
    }
    for table in ("told", "hinted"):
        assert "patient's name" in reasons[f"phenotype/{table}"]
        assert not (results / f"bids/phenotype/{table}.tsv").exists()


def test_no_digest_tells_who_guesses_that_the_guess_is_right(searched: Searched) -> None:
    """Of no name, label or ID, and of no private file as one could write it from guesses."""
    battery = searched.battery
    private = battery.lab.work / "private" / "study"
    table = [line.split("\t") for line in (private / "link.tsv").read_text().splitlines()]
    bare = "".join("\t".join(row[:-1]) + "\n" for row in table)
    guesses = {bare.encode(), *battery.plants.places}
    guesses |= {cell.encode() for row in table for cell in row[:4]}
    # The archive's bidsmap says what series are called, and nothing of people.
    for path in {*private.rglob("*.json")} - {private / "bidsmap.json"}:
        value = read_json(path)
        if isinstance(value, dict):
            value.pop("salt", None)
        guesses |= {
            json_text(value).encode(),
            f"{json.dumps(value, ensure_ascii=False)}\n".encode(),
        }
    kinds = (hashlib.md5, hashlib.sha1, hashlib.sha256, hashlib.blake2b)
    digests = {kind(guess).hexdigest().encode()[:12] for guess in guesses for kind in kinds}
    for path in battery.seen():
        runs = _DIGITS.findall(path.read_bytes())
        assert not [run for run in runs if run[:12] in digests], path


def test_nothing_survives_in_what_is_printed(searched: Searched) -> None:
    plants = searched.battery.plants
    for run in searched.runs:
        found = search.in_bytes(plants, run.output.encode())
        assert [plants.places[token] for token in found] == []


def test_nothing_survives_in_what_is_pushed(searched: Searched) -> None:
    battery = searched.battery
    pushed = battery.pushed()
    assert len(pushed) > 20
    found = {
        path.name: search.in_bytes(battery.plants, path.read_bytes() + path.name.encode())
        for path in pushed
    }
    assert search.told(battery.plants, {k: v for k, v in found.items() if v}) == []


def test_nothing_survives_in_what_another_project_is_told(searched: Searched) -> None:
    battery, server = searched.battery, searched.battery.lab.server
    assert server
    raw, home = Raw(server), f"/data/projects/{SHARED}"
    assert len([path for path in battery.pushed() if SHARED in path.parts]) > 20
    told = raw("GET", f"{home}/subjects?format=json").text
    rows = raw.rows(f"{home}/experiments", columns="ID,label")
    assert len(rows) == len({row["label"] for row in rows}) > 0
    for row in rows:
        told += raw("GET", f"/data/experiments/{row['ID']}?format=json").text
    assert not search.in_bytes(battery.plants, (told + str(rows)).encode())


def test_nothing_is_written_to_the_archive_but_to_its_own_addresses(searched: Searched) -> None:
    """An address has the archive's own labels, and the project's where XNAT asks for it beside an
    ID; what follows it must be free of them."""
    battery = searched.battery
    assert battery.lab.server
    lines = [unquote(line) for line in battery.lab.server.requests()[battery.asked :]]
    wrote = [line for line in lines if line.startswith(("PUT", "POST"))]
    assert wrote
    for line in wrote:
        said = line.partition("/resources/")[2] or line.partition("?")[2]
        said = re.sub(r"\bproject=[^& ]*", "", said)
        assert not search.in_bytes(battery.plants, said.encode()), line


def test_what_is_identified_is_the_owners_alone(searched: Searched) -> None:
    work = searched.battery.lab.work
    assert [path.name for path in (work / "quarantine").iterdir()] == [".keep"]
    for name in ("private", "quarantine"):
        assert stat.S_IMODE((work / name).stat().st_mode) == 0o700
    for path in (work / "private").rglob("*"):
        if path.is_file() and path.stat().st_size:  # Snakemake's own marks are empty
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_nothing_is_left_in_the_folder_for_temporary_files(searched: Searched) -> None:
    left = [path for path in searched.battery.scratch.rglob("*") if path.is_file()]
    assert searched.survivors(left) == []
