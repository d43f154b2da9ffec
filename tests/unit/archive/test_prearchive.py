"""Sessions that the archive is still receiving."""

import pytest

from coil.archive.discover.prearchive import Entry, count_unarchived, entries, waits
from coil.archive.listing import Session

SESSION = Session("E1", "A_1", "S1", "A", "", "")
SELECT = {"subjects": "*", "sessions": "*"}


def entry(status: str, subject: str = "A", name: str = "A_1") -> list[Entry]:
    row = {"project": "P", "subject": subject, "name": name, "status": status}
    return entries([row], "P")


@pytest.mark.parametrize(
    "status", ["RECEIVING", "RECEIVING_INTERRUPT", "_BUILDING", "QUEUED_ARCHIVING", "MOVING"]
)
def test_a_session_waits_while_the_archive_is_at_work_on_it(status: str) -> None:
    assert waits(SESSION, entry(status))


@pytest.mark.parametrize("status", ["READY", "CONFLICT", "ERROR", "DELETING", "_DELETING", ""])
def test_a_session_does_not_wait_for_what_only_a_person_will_decide(status: str) -> None:
    assert not waits(SESSION, entry(status))


def test_a_session_waits_for_its_own_data_only() -> None:
    assert not waits(SESSION, entry("RECEIVING", name="A_2"))
    assert not waits(SESSION, entry("RECEIVING", subject="B"))
    assert waits(SESSION, entry("RECEIVING", subject=""))


def test_sessions_that_are_in_the_prearchive_only_are_counted_once() -> None:
    found = [
        *entry("READY", name="A_2"),
        *entry("RECEIVING", name="A_2"),
        *entry("RECEIVING"),
        *entry("DELETING", name="A_3"),
    ]
    assert count_unarchived(found, [SESSION], SELECT) == 1
    assert count_unarchived(found, [SESSION], SELECT | {"sessions": "main_*"}) == 0
