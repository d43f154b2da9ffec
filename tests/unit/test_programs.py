"""Which failures pass by themselves, of programs that are started and of what is written."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from coil import jobs, programs
from coil.bids import validate
from coil.bids.convert import dcm2niix
from coil.bids.mapping.mapping import parse
from coil.errors import DataError, PassingError
from coil.jobs import Failure
from tests.support.bids import Pulled, enlarge
from tests.support.stages import convert_session

RULES = [
    {"match": {"series_description": "mprage"}, "to": "anat/T1w"},
    {"match": {"series_description": "rest"}, "to": "func/bold", "entities": {"task": "rest"}},
]
NAMESPACES = subprocess.run(
    ["unshare", "--map-root-user", "--mount", "true"], capture_output=True, check=False
)


def python(text: str) -> list[str]:
    return [sys.executable, "-c", f"import os, sys; {text}"]


def program(folder: Path, text: str) -> str:
    """A program of the shell."""
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return str(path)


def test_a_program_that_works_and_works_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(programs, "_AT_WORK", 0.02)  # where the tests share their processors
    with pytest.raises(DataError, match="it was at work for 4 s and came to no end") as error:
        programs.run(python("sum(0 for _ in iter(int, 1))"), name="it", timeout=4)
    assert not error.value.retry


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (python("os.kill(os.getpid(), 9)"), "it: ended by signal 9 (memory ran out, or"),
        (python("os.kill(os.getpid(), 15)"), "it: ended by signal 15; run again"),
        (["sh", "-c", "exit 137"], "it: ended by signal 9"),
        (python("raise MemoryError"), "it: memory ran out"),
        (python("sys.exit('write: No space left on device')"), "it: the disk is full"),
        (["sleep", "60"], "it was ended after 0.5 s; run again"),
    ],
    ids=["killed", "cancelled", "killed below a shell", "memory", "room", "time"],
)
def test_a_program_that_is_ended_or_lacks_something_is_tried_again(
    command: list[str], reason: str
) -> None:
    with pytest.raises(PassingError) as found:
        programs.run(command, name="it", capture_output=True, timeout=0.5 if "60" in command else 9)
    assert str(found.value).startswith(reason)
    assert found.value.retry


@pytest.mark.parametrize(
    "command",
    [
        ["sh", "-c", "exit 3"],
        python("os.kill(os.getpid(), 11)"),
        python("print('no space left on device')"),
    ],
    ids=["a status", "a crash", "only words"],
)
def test_another_end_of_a_program_is_for_its_caller_to_judge(command: list[str]) -> None:
    assert programs.run(command, capture_output=True).returncode in (3, -11, 0)


def full() -> None:
    with Path("/dev/full").open("wb", buffering=0) as stream:
        stream.write(b"x")


def no_memory() -> None:
    raise MemoryError


def lasting() -> None:
    raise ValueError("DOE^JANE")


@pytest.mark.parametrize(
    ("work", "reason", "retry"),
    [
        (full, "the disk is full; make room and run again", True),
        (no_memory, "memory ran out; run fewer jobs at a time", True),
        (lasting, "unexpected ValueError at", False),
    ],
)
def test_a_job_that_lacks_room_or_memory_says_so_and_is_tried_again(
    tmp_path: Path, work: Callable[[], None], reason: str, retry: bool
) -> None:
    failure = jobs.attempt("convert", str(tmp_path / "log"), work)
    assert isinstance(failure, Failure)
    assert failure.reason.startswith(reason)
    assert failure.retry is retry


def convert(pulled: Path, out: Path, converter: str = "dcm2niix") -> dict:
    return convert_session(
        pulled,
        out,
        subject="X",
        session="Y",
        mapping=parse(RULES),
        policy={},
        scratch=out.parent / "scratch",
        converter=converter,
    )


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """A session of two series."""
    pulled = Pulled(tmp_path / "pulled")
    pulled.scan("mprage")
    pulled.scan("rest", 3)
    return pulled.folder


def ending(folder: Path, end: str) -> Callable[[], str]:
    """A dcm2niix that ends so at the second series, after it began to write."""
    real = dcm2niix.program()
    path = folder / "dcm2niix"
    path.write_text(
        f'#!/bin/sh\ncase "$*" in */002|*task-rest*) echo x > "$HOME/i0.nii"; {end};; esac\n'
        f'exec {real} "$@"\n'
    )
    path.chmod(0o700)
    return lambda: str(path)


@pytest.mark.parametrize("converter", ["dcm2niix", "heudiconv"])
@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("kill -9 $$", "ended by signal 9"),
        ("echo ' Error: Unable to write i0.nii (disk full?)'; exit 1", "the disk is full"),
    ],
)
def test_a_converter_that_was_killed_or_lacked_room_fails_the_session_for_now(
    session: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    converter: str,
    end: str,
    reason: str,
) -> None:
    monkeypatch.setattr(dcm2niix, "program", ending(tmp_path, end))
    with pytest.raises(PassingError, match=reason):
        convert(session, tmp_path / "out", converter)


def test_a_converter_that_crashes_fails_that_series_alone(
    session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dcm2niix, "program", ending(tmp_path, "kill -11 $$"))
    rows = convert(session, tmp_path / "out")["series"]
    assert [row["state"] for row in rows] == ["mapped", "failed"]


@pytest.mark.parametrize("left", ["i0.nii", "i0.json"])
def test_a_file_that_a_converter_left_unfinished_fails_the_session_for_now(
    session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    real = dcm2niix.program()
    cut = program(tmp_path, f'{real} "$@" && truncate --size=-9 "$HOME/{left}"')
    monkeypatch.setattr(dcm2niix, "program", lambda: cut)
    with pytest.raises(PassingError, match="unfinished file"):
        convert(session, tmp_path / "out")


ON_A_DISK = """
import sys
from pathlib import Path
sys.path[:0] = {path!r}
from coil import jobs
from tests.unit.test_programs import convert
pulled, disk = map(Path, sys.argv[1:])
print(jobs.attempt("convert", str(pulled.parent / "log"), lambda: convert(pulled, disk / "out")))
"""


@pytest.mark.skipif(NAMESPACES.returncode != 0, reason="no namespaces to mount a small disk in")
@pytest.mark.parametrize("size", ["64k", "2m", "3m", "4m", "7m"])
def test_a_disk_without_room_for_the_image_fails_the_session_for_now(
    tmp_path: Path, size: str
) -> None:
    """dcm2niix writes 2.5 MB and 1 MB stays free, or it removes what it could not finish; gzip
    makes as much again."""
    pulled = Pulled(tmp_path / "pulled")
    enlarge(pulled.scan("rest", 20), 128)
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = f'mount -t tmpfs -o size={size} tmpfs "$2" && exec {sys.executable} -c "$0" "$@"'
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", mounted,
         ON_A_DISK.format(path=sys.path), str(pulled.folder), str(disk)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    if size == "7m":
        assert "'state': 'mapped'" in done.stdout
    else:
        assert "the disk is full" in done.stdout
        assert "retry=True" in done.stdout


def test_a_validator_that_was_killed_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = program(tmp_path, "kill -9 $$")
    monkeypatch.setattr(validate, "find_program", lambda name: killed)
    with pytest.raises(PassingError, match=r"program: ended by signal 9"):
        validate.validate(tmp_path)
    stopped = program(tmp_path, "exit 3")
    monkeypatch.setattr(validate, "find_program", lambda name: stopped)
    with pytest.raises(DataError, match="stopped with status 3"):
        validate.validate(tmp_path)


def test_no_stage_starts_a_program_by_another_way() -> None:
    scripts = Path(programs.__file__).parents[1]
    starts = ("subprocess.run(", "Popen(", "check_call(", "check_output(", "os.system(")
    found = {
        path.relative_to(scripts).as_posix()
        for path in scripts.rglob("*.py")
        if any(word in path.read_text() for word in starts)
    }
    assert found == {"coil/programs.py"}
