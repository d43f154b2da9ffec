"""Where a script's imports came from: read what `watch_imports.py` noted, and judge it."""

import shutil
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from tests.workflow.lab import CHECKOUT

WATCHER = Path(__file__).with_name("watch_imports.py")
STANDARD = Path(sysconfig.get_path("stdlib"))
SCRIPTS = CHECKOUT / "scripts"

OPTIONAL = {
    ("pydicom", "libjpeg"): "one of its decoders; no script asks for pixels that need it",
    ("requests", "simplejson"): "it reads JSON with it as it does with Python's own",
    ("xnat", "pandas"): "xnat makes tables of search results with it; no script asks for one",
}
"""What a library takes where it finds it: importing package, imported package, why it may."""


@dataclass(frozen=True, order=True)
class Import:
    """One module that a file imported while a program ran."""

    program: str
    importer: str
    module: str
    origin: str


def watch(prefix: Path) -> None:
    """Let every Python process in the environment at `prefix` note its imports, from now on."""
    shutil.rmtree(prefix / "imports", ignore_errors=True)
    (site,) = prefix.glob("lib/python3*/site-packages")
    shutil.copy(WATCHER, site)
    (site / "watch_imports.pth").write_text("import watch_imports\n")


def noted(prefix: Path) -> set[Import]:
    """What was imported in the environment at `prefix` since then."""
    return {
        Import(*line.split("\t"))
        for path in (prefix / "imports").glob("*.tsv")
        for line in path.read_text().splitlines()
    }


def script_of(program: str) -> str:
    """The project's script that a program is: Snakemake runs a copy, `<random>.NAME.py`."""
    path = Path(program)
    return path.name.partition(".")[2] if _is_copy(program) else path.name


def foreign(imports: set[Import], prefix: Path, scripts: Path = SCRIPTS) -> list[Import]:
    """The imports by `scripts` or their libraries that neither of them, nor Python, provides.

    What Snakemake's own packages import of each other is Snakemake's affair: its code runs ahead
    of a script in the same process, and is lent from the environment that Snakemake runs in.
    """
    return sorted(
        found
        for found in imports
        if _is_ours(found.importer, prefix, scripts)
        if not _provided(found.origin, prefix, scripts)
        if not (_is_copy(found.importer) and found.module.startswith("snakemake."))
        if (_library(found.importer), found.module.partition(".")[0]) not in OPTIONAL
    )


def _is_ours(importer: str, prefix: Path, scripts: Path) -> bool:
    if importer == "<main>" or _is_copy(importer):
        return True
    return any(Path(importer).is_relative_to(folder) for folder in (prefix, scripts))


def _library(importer: str) -> str:
    """The package of a file below site-packages; empty for another."""
    return importer.partition("/site-packages/")[2].partition("/")[0]


def _is_copy(importer: str) -> bool:
    return ".snakemake/scripts/" in importer


def _provided(origin: str, prefix: Path, scripts: Path) -> bool:
    path = Path(origin)
    if not origin or path.is_relative_to(prefix) or path.is_relative_to(scripts):
        return True
    return path.is_relative_to(STANDARD) and "site-packages" not in path.parts
