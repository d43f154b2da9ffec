"""What localxnat does with the files of a resource: folders in it, single ones, empty ones."""

import io
import zipfile

import pytest

from localxnat.tests.support import Raw

NAMES = ("1.txt", "sub/2.txt", "sub/folder/3.txt", "sub/folder/4.txt")


@pytest.fixture
def files(raw: Raw, session: str) -> str:
    """The address of the files of a resource, some of them in folders."""
    path = f"{session}/resources/R/files"
    for name in NAMES:
        content = "EVEN" if int(name[-5]) % 2 == 0 else "ODD"
        answer = raw("PUT", f"{path}/{name}", params={"content": content}, data=name.encode())
        assert answer.status_code == 200
    return path


def names(raw: Raw, path: str, **query: str) -> list[str]:
    return [row["URI"].partition("/files/")[2] for row in raw.rows(path, **query)]


def test_a_folder_is_listed_with_all_below_it(raw: Raw, files: str) -> None:
    assert names(raw, f"{files}/sub/") == list(NAMES[1:])
    assert names(raw, f"{files}/sub/", recursive="false") == ["sub/2.txt"]
    assert names(raw, f"{files}/sub/", file_content="ODD") == ["sub/folder/3.txt"]
    assert names(raw, f"{files}/none/") == []


def test_a_folder_is_packed_with_the_names_in_its_resource(raw: Raw, files: str) -> None:
    answer = raw("GET", f"{files}/sub/", params={"format": "zip"})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.namelist() == list(NAMES[1:])
        assert packed.read("sub/2.txt") == b"sub/2.txt"
    assert raw("GET", f"{files}/none/", params={"format": "zip"}).status_code == 404


@pytest.mark.parametrize("end", ["", "/"])
def test_a_folder_is_deleted_with_all_below_it(raw: Raw, files: str, end: str) -> None:
    assert raw("DELETE", f"{files}/sub/folder{end}").status_code == 200
    assert names(raw, files) == ["1.txt", "sub/2.txt"]
    assert raw("DELETE", f"{files}/sub/folder{end}").status_code == 404
    assert raw("PUT", f"{files}/sub/folder", data=b"a file now").status_code == 200


def test_a_file_is_got_by_its_place_among_those_of_its_content(raw: Raw, files: str) -> None:
    query = {"file_content": "EVEN", "index": "1"}
    assert raw("GET", files, params=query).content == b"sub/folder/4.txt"
    assert raw("GET", files, params={**query, "index": "2"}).status_code == 404


def test_an_empty_upload_fails_and_leaves_what_is_there(raw: Raw, files: str) -> None:
    for name in ("1.txt", "new.txt"):
        answer = raw("PUT", f"{files}/{name}", params={"overwrite": "true"}, data=b"")
        assert answer.status_code == 500
    assert raw("GET", f"{files}/1.txt").content == b"1.txt"
    assert names(raw, files) == list(NAMES)
