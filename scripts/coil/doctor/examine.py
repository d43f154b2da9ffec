"""The whole look: each archive once, each project, this machine; side by side."""

import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from coil.archive.client import Address
from coil.archive.login import close_all
from coil.archive.push import exports
from coil.config.derived import export_target
from coil.config.model.push import Target
from coil.doctor import archives, disk, machine, programs, rights
from coil.doctor.archives import ArchiveProject
from coil.doctor.checks import Check, carried_out, run
from coil.doctor.findings import Finding
from coil.doctor.machine import Load


def examine(
    root: Path,
    projects: Mapping[str, Mapping[str, Any]],
    *,
    server: str = "",
    write: bool = False,
    conda: bool = False,
) -> list[Finding]:
    """The findings on the archives, the login and this machine.

    `projects` are the settings of each, with defaults, by the config's name; where there is none
    it is asked what can be told of `server`. The archives are only read, unless `write`. With
    `conda` the rules run in environments of their own. Nothing stays behind in the working
    folder `root`.
    """
    apart = [
        Check("Machine", "file system", partial(disk.look, root)),
        Check("Machine", "namespaces", partial(machine.namespaces, root)),
        Check("Machine", "programs", partial(programs.look, conda)),
    ]
    with ThreadPoolExecutor(1) as pool, tempfile.TemporaryDirectory(prefix="coil-") as folder:
        of_machine, logins = pool.submit(run, apart, len(apart)), Path(folder)
        try:
            findings, load = _archives(projects, server, logins, write)
        finally:
            close_all(logins)
        findings += run(
            [
                Check("Machine", "memory", partial(machine.memory, load)),
                Check("Machine", "space", partial(machine.space, root, load)),
            ],
            1,
        )
        findings += of_machine.result()
    return findings


def _archives(
    projects: Mapping[str, Mapping[str, Any]], server: str, logins: Path, write: bool
) -> tuple[list[Finding], Load]:
    """The findings at each archive, and how much all of them hold."""
    by_address: dict[Address, list[ArchiveProject]] = {}
    findings: list[Finding] = []
    if not projects:
        alone = partial(_add_server, server, logins, by_address)
        findings += carried_out(Check("Server", "address", alone))
    for name, settings in projects.items():
        added = partial(_add_project, name, settings, logins, by_address)
        findings += carried_out(Check("Server", "address", added, name))
    loads = []
    for address, there in by_address.items():
        more, load = archives.look(address, there, write)
        findings += more
        loads.append(load)
    largest = max((load.largest for load in loads), default=0)
    return findings, Load(largest, sum(load.total for load in loads))


def _add_project(
    name: str,
    settings: Mapping[str, Any],
    logins: Path,
    by_address: dict[Address, list[ArchiveProject]],
) -> list[Finding]:
    """Add the project, and the one that gets its export, to those of their archives."""
    here = Address.of(settings["archive"], logins)
    project = ArchiveProject(name, settings["project"], settings, rights.wants(settings))
    by_address.setdefault(here, []).append(project)
    if to := export_target(dict(settings)):
        there = exports.address(Target(**to), here)
        by_address.setdefault(there, []).append(
            ArchiveProject(f"{name} export", to["project"], None, "export.to")
        )
    return []


def _add_server(
    server: str, logins: Path, by_address: dict[Address, list[ArchiveProject]]
) -> list[Finding]:
    """Add an archive of which no project is named."""
    by_address[Address.of({"server": server} if server else {}, logins)] = []
    return []
