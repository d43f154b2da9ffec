"""Show what the mapping would make of each series, before a single image is pulled.

in:     sessions, what discovery noted of each
out:    nothing that Snakemake knows of: a table on the terminal, and of each project
        private/<project>/preview.html, which holds the archive's own descriptions
params: mappings (the rules) and names (the datasets') by project
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.bids import mapping as mappings
from coil.bids.preview import Previewed, takes
from coil.bids.series import Series
from coil.bids.settle import settle
from coil.errors import DataError
from coil.report import preview_page, preview_text

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(sessions: list[Path], bids: dict[str, dict[str, Any]]) -> None:
    """Show the sessions, files below private/<project>/, by the `bids` of each project."""
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    folders = {path.parents[1] for path in sessions}
    for private in sorted(folders):
        project, settings = private.name, bids[private.name]
        where = f"{project}: bids.mapping"
        mapping = mappings.parse(settings["mapping"], where, settings["synonyms"])
        shown = [preview(path, mapping) for path in sorted(sessions) if private in path.parents]
        page = private / "preview.html"
        words = takes(settings["mapping"])
        text = preview_page.render(project, settings["name"], shown, mapping.rules, words)
        files.write_text(page, text, 0o600)
        print("", preview_text.render(project, shown, mapping.rules, colour), sep="\n")
        print(f"\nas a page: {page}")
    if not sessions:
        print("no session to show: the archive holds none that the config selects")


def preview(session: Path, mapping: mappings.Mapping) -> Previewed:
    """What the mapping would make of one session."""
    unit = session.stem
    subject, visit = (part.split("-", 1)[1] for part in unit.split("_"))
    series = [Series.from_listing(scan) for scan in files.read_json(session)["scans"]]
    try:
        return Previewed(unit, settle(series, mapping, subject, visit))
    except DataError as error:
        return Previewed(unit, problem=str(error))


if "snakemake" in globals():
    jobs.must(
        snakemake.log[0],
        lambda: main(
            [Path(path) for path in snakemake.input.sessions],
            snakemake.params["bids"],
        ),
    )
