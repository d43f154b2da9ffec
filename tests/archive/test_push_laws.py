"""Nobody else's file is overwritten, and a push that is killed is made right by the next."""

import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from coil.archive.client import Address, Archive, connect
from coil.archive.listing import list_sessions
from coil.archive.push.plan import Parcel
from coil.archive.push.push import push
from coil.archive.resources import Place, Spot
from coil.errors import ArchiveError, CoilError, DataError
from coil.files import md5
from localxnat.testing import Server

FILES = [
    Spot(Place("coil"), "report.html"),
    Spot(Place("coil_qc"), "figures/one.png"),
    Spot(Place("NIFTI", "4"), "image.nii.gz"),
    Spot(Place("BIDS", "4"), "image.json"),
]
FAULTS = [
    {"status": 503},
    {"status": 503, "done": True},
    {"status": 500, "done": True},
    {"truncate": 0, "end": "close"},
    {"login_page": 200},
    {"digest": "blank"},
    {"digest": "wrong"},
]
LABELS = count()


@pytest.fixture
def new_session(archive: Archive) -> Callable[[], str]:
    """Makes a session with one scan; returns its address."""

    def make() -> str:
        path = f"/data/projects/P/subjects/S/experiments/law{next(LABELS)}"
        session = archive.put(path, xsiType="xnat:mrSessionData").text
        archive.put(f"/data/experiments/{session}/scans/4", xsiType="xnat:mrScanData")
        return f"/data/experiments/{session}"

    return make


def read(archive: Archive, base: str, spot: Spot) -> bytes:
    with archive.stream(spot.place.file(base, spot.name)) as chunks:
        return b"".join(chunks)


def test_nobody_elses_file_is_ever_overwritten(
    archive: Archive, server: Server, new_session: Callable[[], str]
) -> None:
    class Days(RuleBasedStateMachine):
        """Pushes, edits by others and faults, in any order."""

        def __init__(self) -> None:
            super().__init__()
            self.base = new_session()
            self.folder = tempfile.TemporaryDirectory()
            self.theirs: dict[Spot, bytes] = {}

        @rule(
            version=st.integers(0, 2),
            spots=st.sets(st.sampled_from(FILES), min_size=2),
            fault=st.none() | st.sampled_from(FAULTS),
            skip=st.integers(0, 6),
            times=st.integers(1, 4),
        )
        def push(
            self, version: int, spots: set[Spot], fault: dict | None, skip: int, times: int
        ) -> None:
            parcel = {}
            for spot in spots:
                parcel[spot] = Path(self.folder.name, f"{version}-{Path(spot.name).name}")
                parcel[spot].write_text(f"version {version} of {spot.name}")
            if fault:
                where = (
                    {"path": "/files\\?"} if "digest" in fault else {"method": "PUT", "path": "/"}
                )
                server.faults({**where, "skip": skip, "times": times, "fault": fault})
            try:
                done = push(archive, self.base, Parcel("coil", parcel))
            except (ArchiveError, DataError):
                return
            finally:
                server.faults()
            for spot in spots:
                if not any(left.startswith(str(spot.place)) for left in done["left"]):
                    assert read(archive, self.base, spot) == parcel[spot].read_bytes()

        @rule(spot=st.sampled_from(FILES), text=st.sampled_from([b"a note", b"a correction"]))
        def edit(self, spot: Spot, text: bytes) -> None:
            archive.put(spot.place.file(self.base, spot.name), data=text, overwrite="true")
            self.theirs[spot] = text

        @rule(spot=st.sampled_from(FILES))
        def remove(self, spot: Spot) -> None:
            with suppress(ArchiveError):
                archive.delete(spot.place.file(self.base, spot.name))
            self.theirs.pop(spot, None)

        @invariant()
        def theirs_are_as_they_left_them(self) -> None:
            for spot, text in self.theirs.items():
                assert read(archive, self.base, spot) == text

        def teardown(self) -> None:
            self.folder.cleanup()

    run_state_machine_as_test(
        Days,
        settings=settings(
            max_examples=30,
            stateful_step_count=15,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def push_in_a_process(url: str, base: str, files: dict[Spot, Path]) -> None:
    with connect(Address(url)) as archive:
        push(archive, base, Parcel("coil", files))


def test_a_push_that_is_killed_anywhere_is_made_right_by_the_next(
    archive: Archive, server: Server, new_session: Callable[[], str], tmp_path: Path
) -> None:
    base, chance = new_session(), random.Random(3)
    spots = [Spot(Place("coil"), f"{number}.bin") for number in range(12)] + FILES
    files = {spot: tmp_path / f"{number}" for number, spot in enumerate(spots)}
    half, takes = 0, 0.0
    for version in range(21):
        for spot, path in files.items():
            path.write_bytes(f"{version} {spot.name}".encode() * 20_000)
        process = multiprocessing.get_context("fork").Process(
            target=push_in_a_process, args=(server.url, base, files)
        )
        started = time.monotonic()
        process.start()
        process.join(chance.uniform(0, takes) if takes else None)
        takes = takes or time.monotonic() - started  # the first one may finish
        process.kill()
        process.join()
        with suppress(CoilError):  # not even the resource may be there
            half += b'"complete": false' in read(archive, base, Spot(Place("coil"), "receipt.json"))
        if version % 4 == 0:
            done = push(archive, base, Parcel("coil", files))
            assert done["files"].keys() == {*done["pushed"], *done["unchanged"]}
            assert all(md5(path) in done["files"].values() for path in files.values())
    assert half > 2
    for spot, path in files.items():
        assert read(archive, base, spot) == path.read_bytes()


def test_a_large_file_is_pushed_without_holding_it(
    archive: Archive, server: Server, tmp_path: Path
) -> None:
    base = f"/data/experiments/{list_sessions(archive, 'P')[0].id}"
    large = tmp_path / "large.nii.gz"
    with large.open("wb") as stream:
        stream.truncate(300 << 20)

    def peak() -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) >> 10

    def measure(found: "multiprocessing.Queue[int]") -> None:
        Path("/proc/self/clear_refs").write_text("5")
        before = peak()
        push_in_a_process(server.url, base, {Spot(Place("large"), "large.nii.gz"): large})
        found.put(peak() - before)

    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=measure, args=(queue,))
    process.start()
    grown = queue.get(timeout=120)
    process.join()
    assert grown < 50  # MB
