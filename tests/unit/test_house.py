"""The rooms of the code: which may use which, and which words their names have."""

import ast
import re
from pathlib import Path

import pytest

from coil.records.reference import with_reference
from tests.glossary import table, words_of
from tests.house import FLOORS, House, circles, climbs_up, rules_of

HOUSE = House(Path(__file__).resolve().parents[2])
EXEMPT = frozenset({"config.model.dataset: given"})
"""Public names that have such a word in another language's or a library's sense."""


def test_every_room_stands_on_one_floor() -> None:
    placed = [room for floor in FLOORS for room in floor]
    assert sorted(placed) == sorted(HOUSE.rooms)


def test_the_architecture_has_each_floor_with_its_rooms() -> None:
    page = (HOUSE.root / "docs" / "architecture.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", page, re.MULTILINE)
    told = {int(number): set(re.findall(r"`([\w.]+)`", row)) for number, row in rows}
    assert told == {number: set(floor) for number, floor in enumerate(FLOORS, 1)}


def test_the_page_of_the_records_says_what_the_types_say() -> None:
    page = (HOUSE.root / "docs" / "records.md").read_text()
    command = "python -m coil.records.reference docs/records.md"
    assert page == with_reference(page), f"run `make reference`, or PYTHONPATH=scripts {command}"


def test_no_room_uses_one_on_its_own_floor_or_above() -> None:
    assert HOUSE.upward() == []


def test_no_modules_import_each_other() -> None:
    assert circles(HOUSE.imports) == []


def test_no_public_name_has_a_word_that_the_glossary_gives_up() -> None:
    assert sorted(set(HOUSE.avoided()) - EXEMPT) == []


def test_the_glossary_is_in_the_order_of_the_alphabet_and_says_each_word_once() -> None:
    for heading in ("Words", "Words that are not used"):
        words = list(table(heading))
        assert words == sorted(set(words), key=str.lower)


def test_a_rule_ends_where_its_indentation_does() -> None:
    text = 'rule one:\n    input:\n        "a",\n\n    shell:\n        "b"\n\n\nX = 1\n'
    text += "if X:\n\n    checkpoint two:\n        run:\n            pass\n\n    Y = 2\n"
    assert list(rules_of(text)) == [("one", 6), ("two", 3)]


@pytest.mark.parametrize(
    ("text", "climbs"),
    [
        ("path.parent.parent", 1),
        ("path.parent.parent.parent / 'a'", 1),
        ("path.parents[1]", 1),
        ("path.parent / path.parent.name", 0),
    ],
)
def test_a_climb_is_told_once(text: str, climbs: int) -> None:
    assert sum(map(climbs_up, ast.walk(ast.parse(text)))) == climbs


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("read_json", ["read", "json"]),
        ("LinkTable", ["link", "table"]),
        ("CSAHeader", ["csa", "header"]),
    ],
)
def test_a_name_is_read_word_by_word(name: str, words: list[str]) -> None:
    assert words_of(name) == words


def test_a_circle_is_found_and_a_chain_is_none() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [["b", "c"]]
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
