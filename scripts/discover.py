"""Discover all projects of one invocation, ahead of its jobs.

stdin:  JSON {"projects": {name: settings}, "files": {name: file}, "thorough": whether to look
        at each session's files}
stdout: JSON {name: {"found": "6 sessions in the archive (2 new)"} or {"error": one line}}

Run by the Snakefile in the folder where snakemake works; its log is logs/discover.log.
"""

import functools
import json
import sys
from pathlib import Path
from typing import Any

from coil import jobs
from coil.archive.discover.discovery import Found, discover
from coil.bids.dataset.checks import check_dataset
from coil.bids.mapping import associated, mapping, overrides
from coil.bids.mapping.sources import lab
from coil.config.derived import mapping_sources
from coil.config.reading import read_overrides
from coil.units import read_units
from coil.workspace import Workspace


def main(request: dict[str, Any], root: Path) -> dict[str, dict[str, str]]:
    outcomes: dict[str, dict[str, str]] = {}
    for name, settings in request["projects"].items():
        file = request["files"][name]
        work = functools.partial(discover_one, name, settings, file, root, request["thorough"])
        found = jobs.attempt("discover", "logs/discover.log", work)
        if isinstance(found, jobs.Failure):
            outcomes[name] = {"error": f"{name}: {found.reason}"}
            continue
        outcomes[name] = {"found": str(found)}
        units = {str(unit) for unit in read_units(Workspace(root).results(name).sessions)}
        if lost := sorted(set(read_overrides(settings, file, root)) - units):
            outcomes[name]["found"] += f"; overrides: {', '.join(lost)}: no such session"
    return outcomes


def discover_one(
    name: str, settings: dict[str, Any], file: str, root: Path, thorough: bool
) -> Found:
    bids = settings["bids"]  # read before any work
    mapping.parse(bids["mapping"], f"{file}: bids.mapping", bids["synonyms"])
    associated.parse_behaviour(bids["behaviour"], f"{file}: bids.behaviour")
    for use, path in mapping_sources(settings, file).items():
        if use.endswith(".py"):
            lab.check(path, f"{file}: bids.mapping: {use}")
    overrides.check(read_overrides(settings, file, root), settings["bids"].get("overrides", ""))
    check_dataset(settings, file)
    return discover(name, settings, root, thorough)


if __name__ == "__main__":
    print(json.dumps(main(json.load(sys.stdin), Path())))
