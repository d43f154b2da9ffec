"""All projects of an invocation, one after the other: one that fails holds up no other."""

import functools
from pathlib import Path

from coil import jobs
from coil.archive.discover.discovery import discover
from coil.bids.dataset.checks import check_dataset
from coil.bids.mapping import associated, mapping, overrides
from coil.bids.mapping.sources import lab
from coil.config.derived import mapping_sources
from coil.config.reading import read_overrides
from coil.records.discovery import (
    DiscoveryAnswer,
    DiscoveryRequest,
    ProjectAnswer,
    ProjectRequest,
)
from coil.units import read_units
from coil.workspace import Workspace

LOG = "logs/discover.log"


def discover_all(request: DiscoveryRequest, root: Path) -> DiscoveryAnswer:
    """Discover the projects in the working folder `root`, and say a line of each."""
    answers = {}
    for name, project in request.projects.items():
        work = functools.partial(_discover, name, project, root, request.thorough)
        line = jobs.attempt("discover", LOG, work)
        if isinstance(line, jobs.Failure):
            answers[name] = ProjectAnswer(line=f"{name}: {line.reason}", failed=True)
        else:
            answers[name] = ProjectAnswer(line=f"{name}: {line}")
    return DiscoveryAnswer(projects=answers)


def _discover(name: str, project: ProjectRequest, root: Path, thorough: bool) -> str:
    """The line on a project, once its config was seen to be right."""
    named = _check(project, root)
    line = str(discover(name, project.settings, root, thorough))
    units = {str(unit) for unit in read_units(Workspace(root).results(name).sessions)}
    if unknown := sorted(named - units):
        line += f"; overrides: {', '.join(unknown)}: no such session"
    return line


def _check(project: ProjectRequest, root: Path) -> set[str]:
    """The sessions that the overrides name; `ConfigError` for what the schema does not tell."""
    settings, file = project.settings, project.file
    bids = settings["bids"]
    mapping.parse(bids["mapping"], f"{file}: bids.mapping", bids["synonyms"])
    associated.parse_behaviour(bids["behaviour"], f"{file}: bids.behaviour")
    for use, path in mapping_sources(settings, file).items():
        if use.endswith(".py"):
            lab.check(path, f"{file}: bids.mapping: {use}")
    named = read_overrides(settings, file, root)
    overrides.check(named, bids.get("overrides", ""))
    check_dataset(settings, file)
    return set(named)
