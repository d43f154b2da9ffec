"""A settled project of many sessions, made from what the workflow left of one.

Discovery lists them for real; the rest of each is the one session's under another name. Files that
name no session are hard links.
"""

import os
import shutil
from collections.abc import Mapping
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
    for zone in ("results", "private"):
        for path in sorted(
            path for path in (one.root / zone / project).rglob("*") if path.is_file()
        ):
            name = path.relative_to(one.root).as_posix()
            if template.subject in name:
                for unit in units:
                    _copy(path, many.root / _renamed(name, template, unit), template, unit)
            elif not (many.root / name).exists():
                _copy(path, many.root / name, template)
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


def _renamed(text: str, template: Unit, unit: Unit) -> str:
    """The text with another session's labels; they are random, and nothing else has them."""
    return text.replace(template.subject, unit.subject).replace(template.session, unit.session)


def _copy(source: Path, target: Path, template: Unit, unit: Unit | None = None) -> None:
    """A copy that names another session; a hard link where none is named."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():  # what discovery knows better
        return
    if unit and source.parent.parent.name == "records":
        target.write_text(_renamed(source.read_text(), template, unit))
    elif source.stat().st_nlink < 60_000:  # ext4 has 65,000 of a file
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
