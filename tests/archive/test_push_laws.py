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
from coil.archive.push.plan import Upload
from coil.archive.push.push import push
from coil.archive.resources import Resource, ResourceFile
from coil.errors import ArchiveError, CoilError, DataError
from coil.files import md5
from coil.run.pushed import reason
from localxnat.testing import Server

FILES = [
    ResourceFile(Resource("coil"), "report.html"),
    ResourceFile(Resource("coil_qc"), "figures/one.png"),
    ResourceFile(Resource("NIFTI", "4"), "image.nii.gz"),
    ResourceFile(Resource("BIDS", "4"), "image.json"),
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


def read(archive: Archive, base: str, file: ResourceFile) -> bytes:
    with archive.stream(file.resource.file_address(base, file.name)) as chunks:
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
            self.theirs: dict[ResourceFile, bytes] = {}

        @rule(
            version=st.integers(0, 2),
            files=st.sets(st.sampled_from(FILES), min_size=2),
            fault=st.none() | st.sampled_from(FAULTS),
            skip=st.integers(0, 6),
            times=st.integers(1, 4),
        )
        def push(
            self,
            version: int,
            files: set[ResourceFile],
            fault: dict | None,
            skip: int,
            times: int,
        ) -> None:
            upload = {}
            for file in files:
                upload[file] = Path(self.folder.name, f"{version}-{Path(file.name).name}")
                upload[file].write_text(f"version {version} of {file.name}")
            if fault:
                where = (
                    {"path": "/files\\?"} if "digest" in fault else {"method": "PUT", "path": "/"}
                )
                server.faults({**where, "skip": skip, "times": times, "fault": fault})
            try:
                done = push(archive, self.base, Upload("coil", upload))
            except (ArchiveError, DataError):
                return
            finally:
                server.faults()
            for file in files:
                if not any(reason(left).startswith(str(file.resource)) for left in done.left):
                    assert read(archive, self.base, file) == upload[file].read_bytes()

        @rule(file=st.sampled_from(FILES), text=st.sampled_from([b"a note", b"a correction"]))
        def edit(self, file: ResourceFile, text: bytes) -> None:
            archive.put(
                file.resource.file_address(self.base, file.name), data=text, overwrite="true"
            )
            self.theirs[file] = text

        @rule(file=st.sampled_from(FILES))
        def remove(self, file: ResourceFile) -> None:
            with suppress(ArchiveError):
                archive.delete(file.resource.file_address(self.base, file.name))
            self.theirs.pop(file, None)

        @invariant()
        def theirs_are_as_they_left_them(self) -> None:
            for file, text in self.theirs.items():
                assert read(archive, self.base, file) == text

        def teardown(self) -> None:
            self.folder.cleanup()

    run_state_machine_as_test(
        Days,
        settings=settings(
            max_examples=30,
            stateful_step_count=15,
            derandomize=True,
            deadline=None,
            suppress_health_check=[*HealthCheck.__members__.values()],
        ),
    )


def push_in_a_process(url: str, base: str, files: dict[ResourceFile, Path]) -> None:
    with connect(Address(url)) as archive:
        push(archive, base, Upload("coil", files))


def test_a_push_that_is_killed_anywhere_is_made_right_by_the_next(
    archive: Archive, server: Server, new_session: Callable[[], str], tmp_path: Path
) -> None:
    base, chance = new_session(), random.Random(3)
    files = [ResourceFile(Resource("coil"), f"{number}.bin") for number in range(12)] + FILES
    files = {file: tmp_path / f"{number}" for number, file in enumerate(files)}
    half, takes = 0, 0.0
    for version in range(21):
        for file, path in files.items():
            path.write_bytes(f"{version} {file.name}".encode() * 20_000)
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
            half += b'"complete": false' in read(
                archive, base, ResourceFile(Resource("coil"), "receipt.json")
            )
        if version % 4 == 0:
            done = push(archive, base, Upload("coil", files))
            assert done.files.keys() == {*done.pushed, *done.unchanged}
            assert all(md5(path) in done.files.values() for path in files.values())
    assert half > 2
    for file, path in files.items():
        assert read(archive, base, file) == path.read_bytes()


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
        push_in_a_process(
            server.url, base, {ResourceFile(Resource("large"), "large.nii.gz"): large}
        )
        found.put(peak() - before)

    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=measure, args=(queue,))
    process.start()
    grown = queue.get(timeout=120)
    process.join()
    assert grown < 50  # MB
