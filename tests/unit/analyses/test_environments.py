"""Environments that cannot be made: found out ahead of the jobs, told in a line."""

import json
import sys
from pathlib import Path

import pytest

from coil.analyses import environments
from coil.records.environments import Environments

MAMBA = """Building DAG of jobs...
CreateCondaEnvironmentException:
Could not create conda environment from /lab/code/env.yaml:
Output:
LibMambaUnsatisfiableError: Encountered problems while solving:
  - nothing provides requested nilearn >=99
"""
CLASSIC = """PackagesNotFoundError: The following packages are not available from current channels:

  - nilearn[version='>=99']

Current channels:
"""


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (MAMBA, "nothing provides requested nilearn >=99"),
        (
            CLASSIC,
            "PackagesNotFoundError: The following packages are not available from current "
            "channels: - nilearn[version='>=99']",
        ),
        ("No candidates were found for nilearn *.\n", "No candidates were found for nilearn *"),
        ("all at once\n", "all at once"),
        ("", "conda said nothing"),
    ],
)
def test_the_line_that_says_why_is_found(said: str, reason: str) -> None:
    assert environments.reason(said) == reason


@pytest.fixture
def conda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, with a `conda` that makes only environments without `nilearn`."""
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "base" / "bin" / "conda"
    program.parent.mkdir(parents=True)
    (program.parent / "activate").write_text("")
    about = json.dumps({"conda_prefix": str(tmp_path / "base"), "platform": "linux-64"})
    program.write_text(f"""#!{sys.executable}
import pathlib, sys
given = sys.argv[1:]
if given[0] == "--version": print("conda 25.1.0")
elif given[0] == "info": print('{about}')
elif given[0] == "config": print('{{"get": {{"channel_priority": "strict"}}}}')
elif given[:2] == ["env", "create"]:
    if "nilearn" in pathlib.Path(given[given.index("--file") + 1]).read_text():
        sys.exit("nothing provides requested nilearn >=99")
    pathlib.Path(given[given.index("--prefix") + 1], "conda-meta").mkdir(parents=True)
""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    for name, package in (("good", "pandas"), ("bad", "nilearn")):
        (tmp_path / f"{name}.yaml").write_text(f"channels: [x]\ndependencies: [{package}]\n")
    return tmp_path


def test_one_that_cannot_be_made_is_told_and_the_others_are_made(
    conda: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wanted = [conda / "good.yaml", conda / "bad.yaml"]
    found = environments.make(wanted, None)
    assert found == {
        str(conda / "bad.yaml"): "its environment bad.yaml cannot be made: nothing provides "
        "requested nilearn >=99; see logs/environments/bad.log"
    }
    assert "nilearn" in (conda / "logs" / "environments" / "bad.log").read_text()
    assert "error: its environment bad.yaml cannot be made" in capfd.readouterr().err
    assert len(list((conda / ".snakemake" / "conda").glob("*/conda-meta"))) == 1
    # Jobs, and who only looks, take it from there.
    assert environments.broken() == found


def test_it_is_tried_again_at_the_next_invocation(conda: Path) -> None:
    bad = conda / "bad.yaml"
    assert environments.make([bad], None)
    bad.write_text("channels: [x]\ndependencies: [numpy]\n")
    assert not environments.make([bad], None)
    record = Environments.read(conda / ".snakemake" / "coil_environments.json")
    assert record.environments[str(bad)].problem is None
