"""The step ahead of the jobs: ask the archives, and what the rules need to know of the config.

The archives are asked in the main process of an invocation only (see `coil.run.invocation`), in a
Python of its own, so that parsing the Snakefile stays cheap in every job.
"""

import atexit
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import programs
from coil.errors import PassingError
from coil.run import ending
from coil.run.ending import Ending
from coil.workspace import SCRIPTS, Workspace

if TYPE_CHECKING:
    from coil.records.discovery import DiscoveryAnswer, DiscoveryRequest


def discover_projects(
    projects: Mapping[str, Mapping[str, Any]], config: Mapping[str, Any]
) -> dict[str, str]:
    """Discover all projects; returns the reason for each that could not be.

    Prints a line for each project. Ends the invocation if there is none left to work on.
    """
    # Only here, so that parsing stays cheap.
    from coil.records.discovery import DiscoveryRequest, ProjectRequest

    if not projects:
        sys.exit(
            "error: config/config.yaml: projects: empty; write config/projects/<name>.yaml for "
            "your study (config/README.md shows how) and name it there"
        )
    named = {Path(file).stem: file for file in config["projects"]}
    request = DiscoveryRequest(
        projects={
            name: ProjectRequest(settings=dict(settings), file=named[name])
            for name, settings in projects.items()
        },
        thorough=config["discover"] == "thorough",
    )
    return _failures(_ask(request), len(projects))


def _ask(request: "DiscoveryRequest") -> "DiscoveryAnswer":
    """The answer of a Python that knows how to ask the archives."""
    from coil.records.discovery import DiscoveryAnswer

    try:
        answer = programs.run(
            [sys.executable, SCRIPTS / "discover.py"],
            name="discovery",
            input=json.dumps(request.fields()),
            stdout=subprocess.PIPE,
            text=True,
        )
    except PassingError as error:
        sys.exit(f"error: {error}")
    if answer.returncode != 0:
        sys.exit("error: discovery ended unexpectedly; logs/discover.log shows where")
    return DiscoveryAnswer.from_fields(json.loads(answer.stdout), "the answer")


def _failures(answer: "DiscoveryAnswer", projects: int) -> dict[str, str]:
    """The reason for each project that failed; a line on each of all is printed."""
    for one in answer.projects.values():
        print(f"error: {one.line}" if one.failed else one.line, file=sys.stderr)
    failed = {name: one.line for name, one in answer.projects.items() if one.failed}
    if failed and len(failed) == projects:
        sys.exit("error: no project is left to work on; nothing was changed")
    return failed


def undiscovered(projects: Iterable[str], root: Path) -> dict[str, str]:
    """The reason for each project of which no invocation has asked the archive yet.

    Prints it. Ends the invocation if there is no other project to work on.
    """
    from coil.records.discovery import DiscoveryAnswer, ProjectAnswer

    projects = list(projects)
    line = (
        "discover: is false, and nothing is known of this project here yet; leave it out once, so "
        "that the archive is asked"
    )
    answers = {
        name: ProjectAnswer(line=f"{name}: {line}", failed=True)
        for name in projects
        if not Workspace(root).results(name).sessions.is_file()
    }
    return _failures(DiscoveryAnswer(projects=answers), len(projects))


def check_session(wanted: str, units: Mapping[str, Iterable[object]]) -> None:
    """End the invocation if the config's `session` is none of the projects' sessions."""
    if wanted and wanted not in {str(unit) for sessions in units.values() for unit in sessions}:
        sys.exit(
            "error: config: session: no project has this session; take a name from "
            "results/<project>/sessions.tsv and write it sub-<subject>_ses-<session>"
        )


def check_draft(project: str, root: Path) -> None:
    """End the invocation if `init` could propose nothing."""
    if not project:
        sys.exit("error: init: say which of the archive's projects: --config project=ID")
    if (root / draft_path(project)).exists():
        sys.exit(
            f"error: init: {draft_path(project)} is there already; rename or remove it to have "
            "one proposed"
        )


def draft_path(project: str) -> Path:
    """The file that `init` writes for a project of the archive."""
    return Path("config") / "projects" / f"{re.sub(r'[^A-Za-z0-9_-]', '_', project)}.yaml"


def close_logins_at_exit(root: Path) -> None:
    """End the logins at the archives when this invocation ends, also by an interrupt.

    What a run that was killed left open is closed now. Before it ends, Snakemake goes back to
    the folder from which it was started, which `--directory` makes another than `root`, to which
    the config's paths are relative.
    """

    def close() -> None:
        from coil.archive.login import close_all  # only here, so that parsing stays cheap

        with chdir(root):
            close_all(root)

    if Workspace(root).in_use:
        return  # another invocation has them
    if any(Workspace(root).logins.glob("*.json")):
        close()
    atexit.register(close)


def wait_for_cluster(root: Path) -> None:
    """Wait for what an earlier run left in a cluster's queue, before anything is planned."""
    if Workspace(root).in_use:
        return  # the jobs may belong to another invocation
    from coil.run import cluster  # only here, so that parsing stays cheap

    cluster.wait_for_earlier_jobs(root)


def finish(
    units: Iterable[str],
    analyses: Mapping[str, Iterable[str]],
    failed: Mapping[str, str],
    config: Mapping[str, Any],
) -> None:
    """Say at the end of an invocation what was done, and empty the quarantine."""
    worked_on = {project: list(analyses[project]) for project in units}
    merged = [entry["name"] for entry in config["merged"]]
    ending.finish(Ending(worked_on, merged, failed, config["keep_quarantine"]), Path.cwd())
