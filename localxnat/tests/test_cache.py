"""The files that a user of localxnat keeps for an import."""

from pathlib import Path

from localxnat.testing import Server
from localxnat.tests.support import Raw

CACHE = "/data/user/cache/resources"


def incoming(server: Server) -> list[Path]:
    return list((server.root / ".incoming").iterdir())


def test_a_file_and_a_folder_of_one_name_are_refused(server: Server, raw: Raw) -> None:
    files = f"{CACHE}/Both/files"
    assert raw("PUT", f"{files}/a/b.txt", data=b"x").status_code == 200
    assert raw("PUT", f"{files}/a", data=b"x").status_code == 409
    assert raw("PUT", f"{files}/a/b.txt/c", data=b"x").status_code == 409
    assert incoming(server) == []


def test_a_page_opens_in_a_sandbox_as_one_of_a_resource_does(raw: Raw) -> None:
    path = f"{CACHE}/Pages/files/page.html"
    raw("PUT", path, data=b"<script>alert(1)</script>")
    headers = raw("GET", path).headers
    assert headers["Content-Security-Policy"] == "sandbox"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_form_that_is_refused_leaves_nothing(server: Server, raw: Raw, session: str) -> None:
    files = [("one", ("a.txt", b"x")), ("two", ("../b.txt", b"x"))]
    assert raw("PUT", f"{session}/resources/R/files", files=files).status_code == 400
    assert incoming(server) == []
