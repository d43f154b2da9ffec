"""One session's way through the door, as its rule goes it: in, and out again."""

import stat
from pathlib import Path
from typing import Any

import pytest

from coil.admission import Paths, run
from coil.deid.identity.identities import Link, LinkTable
from coil.files import write_text
from coil.records.failure import Failure
from coil.records.people import PeopleRecord
from coil.records.session import SessionRecord
from coil.units import Unit
from tests.support.archive_records import archive_at
from tests.support.deid import INNER, SESSION, SUBJECT, make_converted, make_pulled

UNIT = Unit(SUBJECT, SESSION)
RULES: dict[str, Any] = {
    "identity": {"subjects": "hmac", "sessions": "hmac", "dates": "shift", "time_of_day": "keep"},
    "deface": [],
    "sidecar_keys": [],
}
TIMES = {"RepetitionTime": 1.0, "SliceTiming": [0, 0.5, 0.25, 0.75]}  # as the image's header has
CONVERSION: dict[str, Any] = {"mapping": [], "synonyms": None, "overrides": {}}
FAILURE = Failure("convert", "no series is mapped; add a rule", "logs/study/convert.log", False)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    private = tmp_path / "private" / "study"
    write_text(private / "secret", "0123456789abcdef" * 4 + "\n", 0o600)
    archive_at("https://xnat.example.org", "P").write(private / "archive.json")
    LinkTable(Link("S1", "E1", "S", "E", *UNIT)).write(private / "link.tsv")
    session = tmp_path / "quarantine" / "study" / str(UNIT)
    return Paths(
        pulled=make_pulled(session / "pulled"),
        converted=make_converted(session / "converted", TIMES),
        link=private / "link.tsv",
        archive=private / "archive.json",
        people=private / "people" / f"{UNIT}.json",
        record=tmp_path / "results" / "study" / "records" / str(UNIT) / "admit.json",
        log=tmp_path / "anonymize.log",
    )


def test_a_session_enters_and_its_record_says_by_which_rules(paths: Paths, tmp_path: Path) -> None:
    run(paths, UNIT, RULES, CONVERSION)
    record = SessionRecord.read(paths.record)
    assert (record.project, record.state, record.reason) == ("study", "done", None)
    assert record.protection.policies["dates"] == "shift"
    assert record.validator and record.validator.errors == 0
    dataset = tmp_path / "results" / "study" / "bids"
    assert all((dataset / name).is_file() for name in record.files)
    assert PeopleRecord.read(paths.people).people
    assert stat.S_IMODE(paths.people.stat().st_mode) == 0o600


def test_a_session_that_fails_later_leaves_and_names_nobody(paths: Paths, tmp_path: Path) -> None:
    run(paths, UNIT, RULES, CONVERSION)
    FAILURE.write_in(paths.converted)
    run(paths, UNIT, RULES, CONVERSION)
    record = SessionRecord.read(paths.record)
    assert (record.state, record.stage, record.reason) == ("failed", "convert", FAILURE.reason)
    assert record.files == {} and record.protection.account == ()
    assert not (tmp_path / "results" / "study" / "bids" / INNER).exists()
    assert PeopleRecord.read(paths.people).people == ()
