"""The doctor's findings in three forms: on the terminal, as a page and as a record."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coil.config.reading import load_schema, read_projects, with_defaults
from coil.doctor.examine import examine
from coil.doctor.findings import PAGE, PROBLEM, RECORD, Finding, as_record, in_order, verdict
from coil.errors import ConfigError
from coil.files import write_text
from coil.report import doctor_page, doctor_text


def look(
    root: Path, files: Sequence[str], server: str, project: str, write: bool, conda: bool
) -> None:
    """Examine archives, login and machine, and tell what is found.

    Parameters
    ----------
    root
        The working folder.
    files
        The projects' configs.
    server, project
        The archive's, in place of these; empty where none is named.
    write
        Whether a resource may be made in the archive and removed again.
    conda
        Whether the rules run in environments of their own.

    Raises
    ------
    ConfigError
        If something will not work.
    """
    projects, unreadable = chosen(root, files, server, project)
    findings = unreadable + examine(root, projects, server=server, write=write, conda=conda)
    findings = in_order(findings)
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    print("", doctor_text.render(findings, colour), sep="\n")
    _leave(root, findings)
    if any(one.state == PROBLEM for one in findings):
        raise ConfigError(f"doctor: {verdict(findings)}; each line above says what to do")


def _leave(root: Path, findings: Sequence[Finding]) -> None:
    """Write the page and the record."""
    (root / PAGE.parent).mkdir(mode=0o700, parents=True, exist_ok=True)
    write_text(root / PAGE, doctor_page.render(findings), 0o600)
    as_record(findings).write(root / RECORD)
    print(f"\nas a page: {PAGE}; to send on, without labels: {RECORD}", flush=True)


def chosen(
    root: Path, files: Sequence[str], server: str, project: str
) -> tuple[dict[str, dict[str, Any]], list[Finding]]:
    """The settings of the projects to look at, and what is wrong with the config's files.

    It is the one that the command line names, else all that the config does.
    """
    if project:
        named = {"project": project, "archive": {"server": server} if server else {}}
        settings = with_defaults(named, load_schema("project"))
        return {project: settings | {"bids": {"mapping": []}}}, []
    projects: dict[str, dict[str, Any]] = {}
    unreadable = []
    for file in files:
        try:
            projects |= read_projects([file], root)
        except ConfigError as error:
            unreadable.append(Finding.of_error(error, "Data", "config", Path(file).stem))
    return projects, unreadable
