"""One study made, read and taken apart in localxnat by each client in its own way.

The same steps run through xnatpy, pyxnat and curl, unmodified; what one wrote, a plain request
reads.
"""

import csv
import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import pyxnat
import xnat

from localxnat.testing import Server
from localxnat.tests.support import Raw

RECONSTRUCTION = "xnat:reconstructedImageData"


class Client(Protocol):
    """What the steps need of a client; a path begins at the project."""

    def make(self, path: str, xsi_type: str) -> None: ...
    def change(self, path: str, xsi_type: str, field: str, value: str) -> None: ...
    def upload(self, path: str, name: str, file: Path) -> None: ...
    def download(self, path: str, name: str, to: Path) -> bytes: ...
    def children(self, path: str, word: str) -> set[str]: ...
    def share(self, path: str, project: str) -> None: ...
    def delete(self, path: str) -> None: ...


PARTS = ("resources", "scans", "reconstructions", "assessors")


def url(path: str) -> str:
    """The address of a path such as P/S/E/scans/1 or P/resources/R."""
    parts = path.split("/")
    end = next((index for index, part in enumerate(parts) if part in PARTS), len(parts))
    words = ("projects", "subjects", "experiments")
    named = [f"{word}/{part}" for word, part in zip(words, parts[:end], strict=False)]
    return "/data/" + "/".join(named + parts[end:])


class Curl:
    """curl with a session cookie from the form login."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.url, self.cookies = server.url, folder / "cookies"
        login = f"username={server.user}&password={server.password}"
        self._run("-c", str(self.cookies), "-X", "PUT", "-d", login, path="/data/services/auth")

    def _run(self, *options: str, path: str) -> bytes:
        command = ["curl", "-sSfg", "-b", str(self.cookies), *options, self.url + path]
        return subprocess.run(command, check=True, capture_output=True).stdout

    def make(self, path: str, xsi_type: str) -> None:
        self._run("-X", "PUT", path=f"{url(path)}?xsiType={xsi_type}")

    def change(self, path: str, xsi_type: str, field: str, value: str) -> None:
        self._run("-X", "PUT", path=f"{url(path)}?xsiType={xsi_type}&{xsi_type}/{field}={value}")

    def upload(self, path: str, name: str, file: Path) -> None:
        self._run("-F", f"file=@{file}", path=f"{url(path)}/files/{name}")

    def download(self, path: str, name: str, to: Path) -> bytes:
        return self._run(path=f"{url(path)}/files/{name}")

    def children(self, path: str, word: str) -> set[str]:
        text = self._run(path=f"{url(path)}/{word}?format=csv&columns=ID,label").decode()
        rows = list(csv.DictReader(text.splitlines()))
        return {row.get("label") or row["ID"] for row in rows}

    def share(self, path: str, project: str) -> None:
        self._run("-X", "PUT", path=f"{url(path)}/projects/{project}")

    def delete(self, path: str) -> None:
        self._run("-X", "DELETE", path=f"{url(path)}?removeFiles=true")


class Xnatpy:
    """xnatpy: objects where it has classes that make them, else its requests."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.connection: Any = xnat.connect(
            server.url, user=server.user, password=server.password, loglevel="ERROR"
        )

    def _find(self, path: str) -> Any:
        self.connection.clearcache()
        project, *rest = path.split("/")
        found = self.connection.projects[project]
        for words in ("subjects", "experiments"):
            if rest and rest[0] not in PARTS:
                found = getattr(found, words)[rest.pop(0)]
        while rest:
            word, name, *rest = rest
            found = getattr(found, word)[name]
        return found

    def make(self, path: str, xsi_type: str) -> None:
        above, _, name = path.rpartition("/")
        if path.count("/") in (1, 2) or "/scans/" in path:
            parent = self._find(above.removesuffix("/scans"))
            local = xsi_type.partition(":")[2]
            made = getattr(self.connection.classes, local[0].upper() + local[1:])
            made(parent=parent, **({"id": name} if "/scans/" in path else {"label": name}))
        else:
            self.connection.put(url(path), query={"xsiType": xsi_type})

    def change(self, path: str, xsi_type: str, field: str, value: str) -> None:
        item = self._find(path)
        *way, last = field.split("/")
        for word in way:
            item = getattr(item, word)
        setattr(item, last, value)

    def upload(self, path: str, name: str, file: Path) -> None:
        above, _, label = path.rpartition("/resources/")
        owner = self._find(above)
        owner.create_resource(label).upload(file, name)

    def download(self, path: str, name: str, to: Path) -> bytes:
        above, _, label = path.rpartition("/resources/")
        self._find(above).resources[label].files[name].download(str(to), verbose=False)
        return to.read_bytes()

    def children(self, path: str, word: str) -> set[str]:
        found = getattr(self._find(path), word).values()
        return {item.id if word in ("scans", "reconstructions") else item.label for item in found}

    def share(self, path: str, project: str) -> None:
        self._find(path).share(project)

    def delete(self, path: str) -> None:
        self._find(path).delete()


class Pyxnat:
    """pyxnat's selections, all by path."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.interface = pyxnat.Interface(
            server=server.url, user=server.user, password=server.password
        )

    def _select(self, path: str) -> Any:
        return self.interface.select(url(path).removeprefix("/data"))

    def make(self, path: str, xsi_type: str) -> None:
        item = self._select(path)
        words = url(path).split("/")
        item.create(**{words[-2]: xsi_type})
        assert item.exists()

    def change(self, path: str, xsi_type: str, field: str, value: str) -> None:
        item = self._select(path)
        item.attrs.set(f"{xsi_type}/{field}", value)
        assert item.attrs.get(f"{xsi_type}/{field}") == value

    def upload(self, path: str, name: str, file: Path) -> None:
        self._select(path).file(name).put(str(file))

    def download(self, path: str, name: str, to: Path) -> bytes:
        self._select(path).file(name).get(str(to))
        return to.read_bytes()

    def children(self, path: str, word: str) -> set[str]:
        found = getattr(self._select(path), word)()
        use_id = word in ("scans", "reconstructions")
        return {item.id() if use_id else item.label() for item in found}

    def share(self, path: str, project: str) -> None:
        self._select(path).share(project)

    def delete(self, path: str) -> None:
        self._select(path).delete()


CLIENTS = {"curl": Curl, "xnatpy": Xnatpy, "pyxnat": Pyxnat}


@pytest.fixture(scope="module", params=CLIENTS)
def study(
    request: pytest.FixtureRequest, server: Server, raw: Raw, tmp_path_factory: Any
) -> Iterator[tuple[Client, str]]:
    """A client and its project."""
    name: str = request.param
    for project in (name, f"{name}2"):
        raw("PUT", f"/data/projects/{project}")
    yield CLIENTS[name](server, tmp_path_factory.mktemp(name)), name


# What is made below what, and of which type.
MADE = [
    ("S", "xnat:subjectData"),
    ("S/MR", "xnat:mrSessionData"),
    ("S/PET", "xnat:petSessionData"),
    ("S/CT", "xnat:ctSessionData"),
    ("S/VARS", "xnat:subjectVariablesData"),
    ("S/MR/scans/3-MR1", "xnat:mrScanData"),
    ("S/PET/scans/1", "xnat:petScanData"),
    ("S/CT/scans/1", "xnat:ctScanData"),
    ("S/MR/reconstructions/R1", RECONSTRUCTION),
    ("S/MR/assessors/QC", "xnat:qcAssessmentData"),
    ("S/MR/assessors/MANUAL", "xnat:qcManualAssessorData"),
    ("S/MR/assessors/ANY", "xnat:imageAssessorData"),
]


@pytest.fixture(scope="module")
def made(study: tuple[Client, str], raw: Raw) -> tuple[Client, str]:
    """The client and its project with an object of every kind."""
    client, project = study
    for path, xsi_type in MADE:
        client.make(f"{project}/{path}", xsi_type)
    return client, project


def item(raw: Raw, path: str) -> dict[str, Any]:
    return raw("GET", f"{url(path)}?format=json").json()["items"][0]


@pytest.mark.parametrize(("path", "xsi_type"), MADE)
def test_every_kind_of_object_is_made(
    made: tuple[Client, str], raw: Raw, path: str, xsi_type: str
) -> None:
    assert item(raw, f"{made[1]}/{path}")["meta"]["xsi:type"] == xsi_type


def test_what_is_below_is_listed(made: tuple[Client, str]) -> None:
    client, project = made
    assert client.children(project, "subjects") == {"S"}
    assert client.children(f"{project}/S", "experiments") == {"MR", "PET", "CT", "VARS"}
    assert client.children(f"{project}/S/MR", "scans") == {"3-MR1"}
    assert client.children(f"{project}/S/MR", "reconstructions") == {"R1"}
    assert client.children(f"{project}/S/MR", "assessors") == {"QC", "MANUAL", "ANY"}


@pytest.mark.parametrize(
    ("path", "xsi_type", "field", "value"),
    [
        ("S", "xnat:subjectData", "group", "control"),
        ("S/MR", "xnat:mrSessionData", "note", "seen"),
        ("S/MR/scans/3-MR1", "xnat:mrScanData", "quality", "questionable"),
    ],
)
def test_a_field_is_set(
    made: tuple[Client, str], raw: Raw, path: str, xsi_type: str, field: str, value: str
) -> None:
    client, project = made
    client.change(f"{project}/{path}", xsi_type, field, value)
    assert item(raw, f"{project}/{path}")["data_fields"][field] == value


@pytest.mark.parametrize("owner", ["", "/S", "/S/MR", "/S/MR/scans/3-MR1", "/S/MR/assessors/QC"])
def test_files_go_up_and_come_back_at_every_level(
    made: tuple[Client, str], raw: Raw, tmp_path: Path, owner: str
) -> None:
    client, project = made
    (tmp_path / "a.bin").write_bytes(data := bytes(range(256)) * 40)
    path = f"{project}{owner}/resources/DATA"
    client.upload(path, "a.bin", tmp_path / "a.bin")
    (row,) = raw.rows(f"{url(path)}/files")
    assert row["digest"] == hashlib.md5(data).hexdigest()
    assert client.download(path, "a.bin", tmp_path / "back.bin") == data


def test_a_share_appears_in_the_other_project(made: tuple[Client, str], raw: Raw) -> None:
    client, project = made
    client.share(f"{project}/S/PET", f"{project}2")
    assert client.children(f"{project}2", "experiments") == {"PET"}
    rows = raw.rows(f"{url(f'{project}/S/PET')}/projects")
    assert [row["ID"] for row in rows] == [project, f"{project}2"]


def test_what_is_deleted_is_gone_with_its_files(
    made: tuple[Client, str], server: Server, raw: Raw, tmp_path: Path
) -> None:
    client, project = made
    client.make(f"{project}/S/GONE", "xnat:mrSessionData")
    (tmp_path / "x").write_text("x")
    client.upload(f"{project}/S/GONE/resources/R", "x", tmp_path / "x")
    folder = server.root / "archive" / project / "arc001/GONE"
    assert folder.is_dir()
    client.delete(f"{project}/S/GONE")
    assert not folder.exists()
    assert "GONE" not in json.dumps(raw.rows(f"/data/projects/{project}/experiments"))
