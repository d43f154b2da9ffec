"""The bar of a pull: on a terminal, one at a time, with a neutral name."""

import os
import pty
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"
PULL = """
import sys, time
from coil.archive.pull.progress import shown
with shown(sys.argv[1], 100_000_000) as tell:
    for _ in range(10):
        tell(10_000_000)
        time.sleep(0.05)
"""


def on_a_terminal(*titles: str) -> str:
    """What a terminal shows of pulls with these titles that run at once."""
    here, there = pty.openpty()
    command = [sys.executable, "-c", PULL]
    settings = {**os.environ, "PYTHONPATH": str(SCRIPTS), "COLUMNS": "100"}
    pulls = [
        subprocess.Popen([*command, title], stdin=there, stdout=there, stderr=there, env=settings)
        for title in titles
    ]
    os.close(there)
    shown = b""
    try:
        while piece := os.read(here, 1 << 16):
            shown += piece
    except OSError:  # the last process closed the terminal
        pass
    assert all(one.wait() == 0 for one in pulls)
    os.close(here)
    return shown.decode()


def test_a_terminal_shows_how_far_a_pull_is_and_keeps_nothing_of_it() -> None:
    shown = on_a_terminal("sub-a_ses-b")
    assert "sub-a_ses-b" in shown
    assert "%" in shown
    assert shown.endswith("\r\x1b[K")


def test_pulls_that_run_at_once_do_not_draw_over_each_other() -> None:
    shown = on_a_terminal("sub-a_ses-1", "sub-a_ses-2")
    lines = [line.split()[0] for line in shown.split("\r") if line.startswith("sub-")]
    changes = sum(before != after for before, after in pairwise(lines))
    assert changes <= 1


def test_a_pipe_gets_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PULL, "sub-a_ses-b"],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"", b"")
