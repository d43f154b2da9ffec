"""A listing that is read while it arrives."""

import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coil.archive.resultset import rows
from coil.errors import ArchiveError

TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
TABLES = st.lists(st.dictionaries(TEXTS, TEXTS, max_size=4), max_size=8)


def answer(table: list[dict[str, str]], **more: Any) -> bytes:
    frame = {"Result": table, "totalRecords": str(len(table)), "title": "Matching ] {experiments"}
    return json.dumps({"ResultSet": frame | more}, ensure_ascii=False).encode()


def cut(data: bytes, places: Iterable[int]) -> Iterator[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    for start, end in itertools.pairwise(edges):
        yield data[start:end]


@given(TABLES, st.lists(st.integers(0, 10_000), max_size=12))
def test_rows_are_the_same_wherever_the_answer_is_cut_into_chunks(
    table: list[dict[str, str]], places: list[int]
) -> None:
    assert list(rows(cut(answer(table), places))) == table


@given(TABLES, st.integers(1, 10_000))
def test_an_answer_that_ends_early_is_never_taken_for_a_whole_one(
    table: list[dict[str, str]], lost: int
) -> None:
    data = answer(table)
    with pytest.raises(ArchiveError):
        list(rows([data[: max(0, len(data) - lost)]]))


def test_rows_come_while_the_rest_is_still_on_its_way() -> None:
    first, second = answer([{"a": "1"}, {"a": "2"}]).split(b', {"a": "2"')
    arrived: list[bytes] = []

    def chunks() -> Iterator[bytes]:
        for chunk in (first + b",", b'{"a": "2"' + second):
            arrived.append(chunk)
            yield chunk

    assert next(rows(chunks())) == {"a": "1"}
    assert len(arrived) == 1


def test_another_number_of_rows_than_the_answer_says_is_an_error() -> None:
    with pytest.raises(ArchiveError):
        list(rows([answer([{"a": "1"}], totalRecords="2")]))


def test_the_total_may_be_missing_and_other_fields_may_come_first() -> None:
    assert list(rows([b'{"ResultSet":{"Columns":[{"key":"a"}],"Result":[{"a":"1"}]}}'])) == [
        {"a": "1"}
    ]


@pytest.mark.parametrize(
    "data", [b"", b"<html>login</html>", b'{"items": []}', b'{"ResultSet":{"Result":[x]}}']
)
def test_what_is_no_listing_is_an_error(data: bytes) -> None:
    with pytest.raises(ArchiveError, match="try again"):
        list(rows([data]))
