"""Two hundred bad days of an archive, and fifty pulls that are killed."""

import multiprocessing
import os
import random
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coil import files
from coil.archive import transport
from coil.archive.client import Address, connect
from coil.archive.listing import Session, list_sessions
from coil.archive.pull import session as pulling
from coil.archive.pull.session import Request, pull_session
from coil.archive.pull.unit import pull_unit
from coil.deid.identity.identities import Link, LinkTable
from coil.errors import CoilError
from coil.files import md5, read_json
from coil.records.listing import ListedSession
from coil.records.pulled import ArchiveNames
from coil.units import Unit
from coil.workspace import Private
from localxnat.testing import Server, import_dicom
from localxnat.tests.support import SERIES, write_dicom
from tests.support.archive_records import archive_at
from tests.support.archives import logged_in

UNIT = Unit("a", "b")
LISTING, ZIP, ANY = "scans/ALL/files.*format=json", "files.*format=zip", "."
SEEDS = range(200)


@pytest.fixture
def session(server: Server, monkeypatch: pytest.MonkeyPatch) -> Session:
    with logged_in(server, monkeypatch) as archive:
        return list_sessions(archive, "P")[0]


def schedule(random: random.Random) -> list[dict[str, Any]]:
    """Up to four rules of any kind, for any request or for one of the two of a pull."""
    return [
        {
            "path": random.choice([LISTING, ZIP, ZIP, ANY]),
            "skip": random.choice([0, 0, 1, 2]),
            "times": random.choice([1, 1, 2, 4, 0]),
            "fault": fault(random),
        }
        for _ in range(random.randint(1, 4))
    ]


def fault(random: random.Random) -> dict[str, Any]:
    end = random.choice(["close", "clean", "short", "reset"])
    return random.choice(
        [
            {"status": random.choice([400, 401, 403, 404, 500, 502, 503, 504])},
            {"status": random.choice([502, 503, 504]), "retry_after": 0},
            {"status": random.choice([502, 503, 504]), "retry_date": -1},
            {"truncate": random.randint(0, 12_000), "end": end},
            {"truncate": random.randint(0, 12_000), "end": end},
            {"login_page": random.choice([200, 302])},
            {"expire": random.choice(["before", "during"])},
            {"digest": random.choice(["blank", "wrong"])},
            {"delay": 0.01},
            {"trickle": 100_000},
            {"stale": True},
            {"full": True},
            {"twice": True},
        ]
    )


def tree(folder: Path) -> dict[str, list[str]]:
    """The digests of the files of each scan of a pull, which its record accounts for."""
    rows = read_json(folder / "pulled.json")["scans"]
    found = {row["scan"]: sorted(map(md5, (folder / row["folder"]).iterdir())) for row in rows}
    assert sum(map(len, found.values())) == len(list((folder / "series").rglob("*.dcm")))
    return found


def test_whatever_an_archive_does_a_pull_has_its_bytes_or_fails_and_says_so(
    server: Server, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulling, "PAUSES", (0.0, 0.0))
    at_once = transport.RETRIES.new(backoff_factor=0, backoff_jitter=0)
    monkeypatch.setattr(transport, "RETRIES", at_once)
    request = Request(session.id, session.scans, [], ArchiveNames())
    whole, ends = None, {"whole": 0, "failed": 0}
    with connect(Address(server.url)) as archive:
        pull_session(archive, request, tmp_path / "whole")
        whole = tree(tmp_path / "whole")
    for seed in SEEDS:
        rules = schedule(random.Random(seed))
        out = tmp_path / f"out{seed}"
        server.faults(*rules)
        try:
            with connect(Address(server.url)) as archive:
                pull_session(archive, request, out)
        except CoilError as error:
            ends["failed"] += 1
            assert not (out / "pulled.json").exists(), rules
            assert "\n" not in str(error)
            assert session.id not in str(error)
        else:
            ends["whole"] += 1
            assert tree(out) == whole, rules
        files.remove_tree(out)
    server.faults()
    assert min(ends.values()) > len(SEEDS) / 10


def big_study(folder: Path) -> Path:
    """Enough files that a pull takes long enough to be killed anywhere in it."""
    for number, description, uid, sop, modality, _ in SERIES:
        for instance in range(20):
            name = f"{uid}-{instance}.dcm"
            path = write_dicom(folder / name, number, description, uid, sop, modality, instance)
            with path.open("ab") as stream:  # a private element at the end
                noise = np.random.default_rng(instance).integers(0, 16, 60_000, "u1").tobytes()
                stream.write(b"\xe1\x7f\x10\x10OB\0\0" + len(noise).to_bytes(4, "little") + noise)
    return folder


def pull_job(folder: Path, started: Connection) -> None:
    """The script's work as its job does it, in a process of its own."""
    started.send(True)
    pull_unit(UNIT, Private(folder), [], folder / "out", str(folder / "pull.log"))


def job_folder(folder: Path, server: Server, session: Session) -> Path:
    """What discovery leaves for the job."""
    link = Link("S1", session.id, "S", session.label, *UNIT)
    private = Private(folder)
    LinkTable(link).write(private.link)
    ListedSession(scans=session.scans).write(private.session(UNIT))
    archive_at(server.url, "K").write(private.archive)
    return folder


def test_a_pull_that_is_killed_anywhere_leaves_nothing_half_written_to_trust(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_dicom(server.root, "K", "S", "E", big_study(tmp_path / "study"))
    with logged_in(server, monkeypatch) as archive:
        (session,) = list_sessions(archive, "K")
    folder = job_folder(tmp_path / "job", server, session)
    forks = multiprocessing.get_context("forkserver")  # what it has imported, no child imports
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    forks.set_forkserver_preload(["coil.archive.pull.unit", __name__])

    def run(kill_after: float | None) -> float:
        here, there = forks.Pipe(duplex=False)
        process = forks.Process(target=pull_job, args=(folder, there))
        process.start()
        here.recv()
        begun = time.monotonic()
        process.join(kill_after)
        process.kill()
        process.join()
        return time.monotonic() - begun

    usual = min(run(None) for _ in range(3))
    whole = tree(folder / "out")
    moments, killed = random.Random(1), 0
    for number in range(50):  # each begins over what the one before left
        run(moments.uniform(0, usual))
        if (folder / "out" / "pulled.json").exists():
            assert tree(folder / "out") == whole
        else:
            killed += 1
        if number % 10 == 9:
            run(None)
            assert tree(folder / "out") == whole
    assert killed >= 5  # on a busy machine a job's start takes much of the time
