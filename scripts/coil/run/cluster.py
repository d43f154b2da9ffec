"""What a run whose jobs go to a cluster needs beyond one on a single machine.

Slurm's jobs live on when the process that submitted them is killed. The next invocation
waits for those of its folder, so that nothing runs twice at once; and what sbatch sends
along is the environment, so that the archive's password must not be in there.
"""

import sys
import time
from pathlib import Path

from coil import programs
from coil.errors import CoilError

_QUEUE = ["squeue", "--noheader", "--format=%i|%k|%Z"]  # job, comment, folder
# How the executor plugin's comments begin.
_OURS = ("rule_", "group_")


def wait_for_earlier_jobs(root: Path, pause: float = 10) -> None:
    """Wait until no Slurm job of an earlier run in `root` is in the queue.

    What such a job finishes is kept. Ends the invocation if there may be jobs, but the queue
    cannot be asked.
    """
    if not (root / ".snakemake" / "slurm_logs").is_dir():
        return  # the executor makes it before it submits
    shown: list[str] = []
    while jobs := _jobs_in(root):
        if jobs != shown:
            print(_waiting(jobs), file=sys.stderr)
        shown = jobs
        time.sleep(pause)


def _waiting(jobs: list[str]) -> str:
    count = "1 job" if len(jobs) == 1 else f"{len(jobs)} jobs"
    return (
        f"waiting for {count} of an earlier run, still in the queue; what they finish is kept "
        f"(to end them instead: scancel {' '.join(jobs)})"
    )


def _jobs_in(root: Path) -> list[str]:
    """The IDs of the jobs in the queue that were submitted in `root`."""
    queue = _queue()
    if queue is None:
        if not _was_cut_off(root):
            return []
        sys.exit(
            "error: jobs of an earlier run may still be in the queue, and squeue does not answer; "
            "run this where and when it does"
        )
    here = str(root.resolve())
    rows = (line.split("|", 2) for line in queue.splitlines())
    return [row[0] for row in rows if row[1].startswith(_OURS) and row[2] == here]


def _queue() -> str | None:
    """The output of squeue; None where it does not answer, or is not there."""
    try:
        queue = programs.run(_QUEUE, capture_output=True, text=True, timeout=120)
    except (OSError, CoilError):
        return None
    return None if queue.returncode else queue.stdout


def _was_cut_off(root: Path) -> bool:
    """Whether Snakemake has marked outputs of jobs that did not come to their end."""
    marked = root / ".snakemake" / "incomplete"
    return marked.is_dir() and any(marked.iterdir())
