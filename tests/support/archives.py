"""What the tests of archives share: a server with a small study, the workflow's connection."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from coil.archive.client import Address, Archive, connect
from localxnat.testing import Server, import_dicom, running
from localxnat.tests.support import write_study
from tests.support import elsewhere


@contextmanager
def served_study(folder: Path) -> Iterator[Server]:
    """A server of its own, or the one elsewhere, with the study as session E of subject S in P."""
    if there := elsewhere.given():
        with there.borrowed("P"):
            there.upload("P", "S", "E", write_study(folder / "study"))
            yield cast(Server, there)
        return
    import_dicom(folder / "root", "P", "S", "E", write_study(folder / "study"))
    with running(folder / "root") as server:
        yield server


@contextmanager
def logged_in(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    """The workflow's connection to a server; no fault is left from a test before."""
    monkeypatch.setenv("XNAT_USER", server.user)
    monkeypatch.setenv("XNAT_PASS", server.password)
    server.faults()
    with connect(Address(server.url)) as connection:
        yield connection
    server.faults()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody has signed, and its key."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext"
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = [*command.split(), "subjectAltName=IP:127.0.0.1", *files]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key
