"""A settled project of many sessions, made from what the workflow left of one.

Discovery lists them for real; the rest of each is the one session's under another name. Files that
name no session are hard links.
"""

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from coil.analyses.definitions import Analysis
from coil.records.memory import MemoryRecord, Settled
from coil.run.footprint import Footprint
from coil.run.memory import Project, Reason, Recipe
from coil.run.remembering import listed_of, members_of
from coil.run.steps import Step, of_project, of_session
from coil.units import Unit, read_units
from coil.workspace import PROJECT, Workspace

ANALYSES = {"qc": Analysis("qc", Path("qc.py"), "", None, "session", None, {})}
"""Those of the sessions that are multiplied."""
AGES = (
    *("admit.json", "people", "qc.json", ".html", "push.json", "dataset.json", "validation.json"),
    *("derivatives/qc.json", "index.html", "run.lock.yaml", "status.tsv"),
)
"""What names of files end in, or hold, in the order in which Snakemake makes them."""


def multiply(one: Workspace, many: Workspace, project: str) -> None:
    """Let each session that `many` lists have what the one of `one` has, and remember all."""
    template = read_units(one.results(project).sessions)[0]
    units = read_units(many.results(project).sessions)
    zones = (one.root / zone / project for zone in ("results", "private"))
    for path in sorted(path for zone in zones for path in zone.rglob("*") if path.is_file()):
        name = path.relative_to(one.root).as_posix()
        if template.subject in name:
            _copy_renamed(path, name, template, units, many.root)
        else:
            _copy(path, many.root / name)
    (many.private(project).root / "phenotype").mkdir(exist_ok=True)
    _age(many, project)
    remember(one, many, project)


def remember(one: Workspace, many: Workspace, project: str) -> None:
    """Write the memory of `many` as its invocation would have, with the recipes of `one`."""
    units = read_units(many.results(project).sessions)
    known = MemoryRecord.read(one.private(project).memory).settled
    template = str(read_units(one.results(project).sessions)[0])
    shared = _recipes(known[template], of_session(ANALYSES))
    recipes = dict.fromkeys(map(str, units), shared)
    recipes[PROJECT] = _recipes(known[PROJECT], of_project(ANALYSES))
    footprint = Footprint(many.results(project), many.private(project))
    found = footprint.digest, footprint.ended, footprint.lost
    listed = listed_of(many.private(project), map(str, units))
    whole = Project(recipes, members_of(units, recipes), listed, MemoryRecord(), *found)
    began = whole.begin({scope: {"": Reason.NEW} for scope in recipes})
    whole.remember(began, footprint.made).write(many.private(project).memory, 0o600)


def _recipes(rows: Mapping[str, Settled], steps: Mapping[str, Step]) -> dict[str, Recipe]:
    return {
        name: Recipe(row.settings, row.code, steps[name].listed, steps[name].needs)
        for name, row in rows.items()
    }


def _copy_renamed(
    source: Path, name: str, template: Unit, units: Iterable[Unit], root: Path
) -> None:
    """A copy of a file for each session, with its labels; a link where the file names none."""
    data = source.read_bytes()
    names_itself = template.subject.encode() in data
    for unit in units:
        target = root / _renamed(name, template, unit)
        if names_itself and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_renamed(data.decode(), template, unit).encode())
        else:
            _copy(source, target)


def _renamed(text: str, template: Unit, unit: Unit) -> str:
    """The text with another session's labels; they are random, and nothing else has them."""
    return text.replace(template.subject, unit.subject).replace(template.session, unit.session)


def _copy(source: Path, target: Path) -> None:
    """A hard link, or a copy, of a file; none where discovery knows better."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        return
    if source.stat().st_nlink < 60_000:  # ext4 has 65,000 of a file
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def _age(many: Workspace, project: str) -> None:
    """Let all have times in the order in which it is made, as plain Snakemake wants it."""
    private, results = many.private(project), many.results(project)
    start = private.link.stat().st_mtime - 10_000
    for path in (*private.root.rglob("*"), *results.root.rglob("*")):
        found = [index for index, ending in enumerate(AGES) if ending in path.as_posix()]
        made = start + 100 * (1 + max(found, default=-1))
        os.utime(path, (made, made))
