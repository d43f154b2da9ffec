"""What a column's description says of its cells."""

from typing import Any

import pytest

from coil.columns import check_of, problem


@pytest.mark.parametrize(
    ("note", "fits", "fails"),
    [
        ({"Levels": {"go": "", "1": ""}}, ["go", "1"], ["Go", "2", ""]),
        ({"Units": "s"}, ["1", "-2.5e3"], ["nan", "inf", "soon", "1" * 30]),
        ({"Format": "number"}, ["0.5"], ["half"]),
        ({"Format": "integer"}, ["-3"], ["3.5", "three"]),
        ({"Format": "boolean"}, ["true", "FALSE", "0"], ["yes"]),
        ({"Minimum": 0, "Maximum": 6}, ["0", "6"], ["-1", "6.1", "low"]),
        ({"Format": "index", "Maximum": 2}, ["2"], ["3"]),
    ],
)
def test_a_description_tells_which_cells_fit(
    note: dict[str, Any], fits: list[str], fails: list[str]
) -> None:
    check = check_of(note)
    assert check and all(map(check, fits)) and not any(map(check, fails))


@pytest.mark.parametrize(
    "note", [{"Description": "x"}, {"Format": "string"}, {"Format": "label"}, {"HED": "Red"}]
)
def test_a_free_text_has_no_check(note: dict[str, Any]) -> None:
    assert check_of(note) is None


@pytest.mark.parametrize(
    ("note", "message"),
    [
        ("text", "is described by"),
        ({}, "is described by"),
        ({"Unit": "s"}, "takes LongName"),
        ({"Units": 1}, "Units is a text"),
        ({"Minimum": "0"}, "Minimum is a number"),
        ({"Maximum": True}, "Maximum is a number"),
        ({"Levels": []}, "Levels holds"),
        ({"Format": "date"}, "Format is one of"),
        ({"HED": 1}, "HED is a text"),
    ],
)
def test_what_is_no_description_is_told(note: Any, message: str) -> None:
    assert (problem(note) or "").startswith(message)
