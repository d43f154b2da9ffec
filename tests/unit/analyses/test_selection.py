"""What the rules select by: scopes, resources, levels, the command of a job."""

import shlex
import sys

import pytest

from coil.analyses import scopes
from coil.analyses.command import command_line
from coil.analyses.definitions import Definition
from coil.analyses.entries import Resources
from coil.units import Unit, Units

UNITS = Units([Unit("a", "1"), Unit("a", "2"), Unit("b", "1")])


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("session", ["sub-a_ses-1", "sub-a_ses-2", "sub-b_ses-1"]),
        ("subject", ["sub-a", "sub-b"]),
        ("project", ["project"]),
    ],
)
def test_an_analysis_has_a_scope_for_each_session_subject_or_the_project(
    level: str, expected: list[str]
) -> None:
    assert scopes.scopes(level, UNITS) == expected


@pytest.mark.parametrize(
    ("scope", "units", "labels", "folder"),
    [
        ("sub-a_ses-2", list(UNITS[1:2]), {"subject": "a", "session": "2"}, "sub-a/ses-2"),
        ("sub-a", list(UNITS[:2]), {"subject": "a"}, "sub-a"),
        ("project", list(UNITS), {}, "."),
    ],
)
def test_a_scope_has_its_sessions_its_labels_and_its_folder(
    scope: str, units: list[Unit], labels: dict[str, str], folder: str
) -> None:
    assert list(scopes.units_of(scope, UNITS)) == units
    assert scopes.labels(scope) == labels
    assert scopes.folder(scope) == folder


def test_a_job_needs_more_by_gigabyte_and_as_much_again_at_another_attempt() -> None:
    resources = Resources(mem_mb=1000, mem_mb_per_gb=500, runtime=10)
    assert resources.needed(2.0, 1) == {"mem_mb": 2000, "runtime": 10}
    assert resources.needed(2.0, 2) == {"mem_mb": 4000, "runtime": 20}


def test_a_definition_goes_through_a_command_in_plain_characters() -> None:
    definition = Definition(
        name="mine", file="code/mäh.py", level="session", dataset=("bold",), params={"atlas": "Ä 1"}
    )
    assert definition.as_json().isascii()
    assert Definition.from_json(definition.as_json()) == definition


def test_a_command_hides_what_no_analysis_may_read() -> None:
    words = shlex.split(command_line(True, ["private", "a table.tsv"]))
    assert words[0] == sys.executable
    assert words[2:] == ["--conda", "--hide=private", "--hide=a table.tsv"]
