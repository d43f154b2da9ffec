"""The names of projects: IDs, names, secondary IDs and aliases, each for one project alone."""

from collections.abc import Iterator

import pytest

from localxnat.tests.support import Raw

NAMES = {"ID": "named", "name": "The Title", "secondary_ID": "Running", "alias": "Byname"}


@pytest.fixture
def named(raw: Raw) -> Iterator[str]:
    path = "/data/projects/named"
    asked = {name: value for name, value in NAMES.items() if name != "ID"}
    assert raw("PUT", path, params=asked).status_code == 201
    yield path
    raw("DELETE", path)
    raw("DELETE", "/data/projects/another")


@pytest.mark.parametrize("taken", NAMES.values())
@pytest.mark.parametrize("field", ["name", "secondary_ID", "alias"])
def test_no_project_takes_a_name_of_another_in_any_case(
    raw: Raw, named: str, taken: str, field: str
) -> None:
    asked = {field: taken.upper()}
    assert raw("PUT", "/data/projects/another", params=asked).status_code == 409
    assert raw("GET", "/data/projects/another").status_code == 404
    raw("PUT", "/data/projects/another")
    assert raw("PUT", "/data/projects/another", params=asked).status_code == 409


@pytest.mark.parametrize("taken", ["NAMED", "Running", "Byname"])
def test_no_project_has_a_name_of_another_as_its_id(raw: Raw, named: str, taken: str) -> None:
    assert raw("PUT", f"/data/projects/{taken}").status_code == 409


def test_a_project_keeps_its_own_names(raw: Raw, named: str) -> None:
    assert raw("PUT", named, params={"name": "The title", "secondary_ID": "named"}).ok
    assert raw("GET", "/data/projects/Byname").ok
