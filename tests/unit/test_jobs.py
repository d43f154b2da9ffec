"""What every job promises of itself, whatever its stage does."""

import runpy
import subprocess
import sys
from pathlib import Path

from coil import jobs

LIMIT = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])"


def test_a_program_that_crashes_in_a_job_leaves_no_core_file(tmp_path: Path) -> None:
    """Its memory holds identified headers, and its folder need not be the quarantine."""

    script = f"""
import resource, subprocess, sys
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
from coil import jobs
print(jobs.attempt("pull", {str(tmp_path / "log")!r}, lambda: subprocess.check_output(
    [sys.executable, "-c", {LIMIT!r}], text=True)))
"""
    told = subprocess.check_output(
        [sys.executable, "-c", script], text=True, cwd=Path(jobs.__file__).parents[1]
    )
    assert told.strip() == "0"


def test_an_unexpected_error_is_placed_in_our_own_code_wherever_it_lies(tmp_path: Path) -> None:
    """In a clone that is called `coil` every library below it seemed to be ours."""
    library = tmp_path / "coil" / ".venv" / "library.py"
    library.parent.mkdir(parents=True)
    library.write_text("def fail():\n    raise KeyError\n")
    work = runpy.run_path(str(library))["fail"]
    failure = jobs.attempt("pull", str(tmp_path / "log"), work)
    assert isinstance(failure, jobs.Failure)
    assert "unexpected KeyError at scripts/coil/jobs.py" in failure.reason
