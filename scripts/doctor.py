"""Say what this XNAT, this login and this machine can do, before a night is lost.

out:    nothing that Snakemake knows of: a page on the terminal; private/doctor.html, which
        names the archive's labels; results/doctor.json, which only counts them
params: files, the projects' configs; server and project, the archive's, in place of these;
        write, whether a resource may be made in the archive and removed again; conda, whether
        the rules run in environments of their own
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.config.reading import load_schema, read_projects, with_defaults
from coil.doctor.examine import examine
from coil.doctor.findings import PAGE, PROBLEM, RECORD, Finding, as_record, in_order, verdict
from coil.errors import ConfigError
from coil.report import doctor_page, doctor_text

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    root: Path, configs: list[str], server: str, project: str, write: bool, conda: bool
) -> None:
    """Look, and tell in three ways. Raises `ConfigError` where something will not work."""
    projects, wrong = chosen(root, configs, server, project)
    found = wrong + examine(root, projects, server=server, write=write, conda=conda)
    found = in_order(found)
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    print("", doctor_text.render(found, colour), sep="\n")
    show(root, found)
    if any(one.state == PROBLEM for one in found):
        raise ConfigError(f"doctor: {verdict(found)}; each line above says what to do")


def show(root: Path, found: Sequence[Finding]) -> None:
    """Leave the page and the record."""
    (root / PAGE.parent).mkdir(mode=0o700, parents=True, exist_ok=True)
    files.write_text(root / PAGE, doctor_page.render(found), 0o600)
    files.write_json(root / RECORD, as_record(found))
    print(f"\nas a page: {PAGE}; to send on, without labels: {RECORD}", flush=True)


def chosen(
    root: Path, configs: list[str], server: str, project: str
) -> tuple[dict[str, dict[str, Any]], list[Finding]]:
    """The settings of the projects to look at, and what is wrong with the config's files.

    It is the one that the command line names, else all that the config does.
    """
    if project:
        given = {"project": project, "archive": {"server": server} if server else {}}
        settings = with_defaults(given, load_schema("project"))
        return {project: settings | {"bids": {"mapping": []}}}, []
    projects: dict[str, dict[str, Any]] = {}
    wrong = []
    for file in configs:
        try:
            projects |= read_projects([file], root)
        except ConfigError as error:
            told, _, remedy = str(error).rpartition("; ")
            wrong.append(Finding("Data", "config", PROBLEM, told, remedy, Path(file).stem))
    return projects, wrong


if "snakemake" in globals():
    jobs.must(
        snakemake.log[0],
        lambda: main(
            Path(),
            snakemake.params["files"],
            snakemake.params["server"],
            snakemake.params["project"],
            snakemake.params["write"],
            snakemake.params["conda"],
        ),
    )
