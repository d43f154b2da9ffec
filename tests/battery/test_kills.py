"""A stage that is killed in the middle of its work leaves nothing that a finished one would not."""

import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.battery import search
from tests.battery.conftest import LONG
from tests.battery.study import Battery, build

pytestmark = [pytest.mark.workflow, pytest.mark.battery, LONG]

STAGES = (
    "pull",
    "convert",
    "anonymize",
    "export_session",
    "dataset",
    "report_session",
    "push_session",
    "push_dicom",
)
SCRIPTS = {"export_session": "export"}  # where a rule's script has another name
# What shows, beside its log, that a stage is in the middle of identified files.
SIGNS = {"pull": "**/*.dcm", "convert": "**/.scratch-*", "anonymize": "**/candidate"}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Battery, dict[str, list]]]:
    """A run that is begun again after each kill, and what survived each; then it is done."""
    battery = build(tmp_path_factory.mktemp("killed"), "killed", simulated=False)
    found: dict[str, list] = {}
    with battery.lab.open():
        for stage in STAGES:
            printed = kill(battery, stage)
            found[stage] = [*survivors(battery), *search.in_bytes(battery.plants, printed.encode())]
        assert battery.run().status == 0
        yield battery, found


def kill(battery: Battery, rule: str) -> str:
    """Run until the rule's job is at work, and kill its process alone; what was printed."""
    logs = list((battery.lab.work / "logs").rglob(f"{rule}.log"))
    for log in logs:
        log.unlink()
    process = battery.start(*(("--forcerun", rule) if logs else ()))
    end = time.monotonic() + 300
    while not is_at_work(battery, rule):
        assert process.poll() is None and time.monotonic() < end, f"{rule} did not begin"
        time.sleep(0.02)
    script = f".{SCRIPTS.get(rule, rule)}.py"
    jobs = [job for job in of_session(process.pid) if script in command(job)]
    assert jobs, f"{rule} was done before it was killed"
    for job in jobs:
        os.kill(job, signal.SIGKILL)
    output, _ = process.communicate()
    assert process.returncode != 0, f"{rule} was not killed"
    return output


def is_at_work(battery: Battery, rule: str) -> bool:
    work = battery.lab.work
    begun = any((work / "logs").rglob(f"{rule}.log"))
    return begun and any((work / "quarantine").glob(SIGNS.get(rule, "*")))


def of_session(leader: int) -> list[int]:
    """The processes of a session."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) == leader:
                found.append(int(folder.name))
        except ProcessLookupError:
            continue
    return found


def command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def survivors(battery: Battery) -> list[str]:
    """What is found in what others may see, what was pushed and in temporary files."""
    files = battery.seen() + [path for path in battery.scratch.rglob("*") if path.is_file()]
    hits = search.search(battery.plants, files, battery.lab.root)
    hits |= {p.name: search.in_bytes(battery.plants, p.read_bytes()) for p in battery.pushed()}
    for name in ("private", "quarantine"):
        assert stat.S_IMODE((battery.lab.work / name).stat().st_mode) == 0o700
    return search.told(battery.plants, hits)


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_survives_a_kill(killed: tuple[Battery, dict[str, list]], stage: str) -> None:
    assert killed[1][stage] == []


def test_the_run_that_goes_on_clears_up(killed: tuple[Battery, dict[str, list]]) -> None:
    battery = killed[0]
    assert [record["state"] for record in battery.lab.records()] == ["done"]
    assert [p.name for p in (battery.lab.work / "quarantine").iterdir()] == [".keep"]
    assert survivors(battery) == []
