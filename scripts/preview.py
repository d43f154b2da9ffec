"""Show what the mapping would make of each series, before a single image is pulled.

in:     sessions (what discovery noted of each), places and links (the archive and the link
        table of each project), sources (the files of the mappings' sources)
out:    nothing that Snakemake knows of: a table on the terminal, and of each project
        private/<project>/preview.html, which holds the archive's own descriptions
params: bids, what the config says of each project's dataset; sources, their files by project
        and name; headers, whether one header a series is fetched
"""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from coil import files, jobs
from coil.archive.client import Address, connect
from coil.archive.pull.headers import fetch_headers
from coil.archive.pull.series import without_files
from coil.bids.draft.preview import Previewed
from coil.bids.draft.uses import uses
from coil.bids.mapping import mapping as mappings
from coil.bids.mapping.overrides import with_overrides
from coil.bids.mapping.resolve import resolve
from coil.bids.mapping.sources import with_sources
from coil.bids.series.partial import read_partial
from coil.bids.series.reading import name_scans
from coil.bids.series.series import Series
from coil.deid.identity.identities import LinkTable
from coil.errors import DataError
from coil.records.archive import ArchiveRecord
from coil.records.listing import ListedSession, Scan
from coil.report import preview_page, preview_text
from coil.workspace import Private

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


class Way(NamedTuple):
    """How a project's sessions are looked at: what its config says, and whether by headers."""

    mapping: mappings.Mapping
    sources: dict[str, Path]
    overrides: dict[str, dict[str, Any]]
    policy: dict[str, str]
    headers: bool


def main(
    sessions: list[Path],
    bids: dict[str, dict[str, Any]],
    sources: dict[str, dict[str, Path]],
    overrides: dict[str, dict[str, dict[str, Any]]],
    headers: bool,
) -> None:
    """Show the sessions, files below private/<project>/, by the `bids` of each project."""
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    for folder in sorted({path.parent.parent for path in sessions}):
        private, project, settings = Private(folder), folder.name, bids[folder.name]
        noted = sorted(path for path in sessions if path.parent == private.sessions)
        raw, where = settings["mapping"], f"{project}: bids.mapping"
        mapping = mappings.parse(raw, where, settings["synonyms"])
        if headers:
            fetch_lacking(private, noted)
        way = Way(mapping, sources[project], overrides[project], settings["policy"], headers)
        shown = [preview(path, way) for path in noted]
        used = uses(shown, mapping, raw)
        text = preview_page.render(project, settings["name"], shown, used, headers)
        files.write_text(private.preview, text, 0o600)
        print("", preview_text.render(project, shown, used, colour), sep="\n")
        print(f"\nas a page: {private.preview}")
    if not sessions:
        print("no session to show: the archive holds none that the config selects")


def fetch_lacking(private: Private, noted: Sequence[Path]) -> None:
    """Fetch the headers that lack, over as many connections as the config allows."""
    address = Address.of_record(ArchiveRecord.read(private.archive))
    links = {(row.subject, row.session): row for row in LinkTable.read(private.link).rows}

    def fetch(paths: Sequence[Path]) -> int:
        with connect(address) as archive:
            return sum(
                fetch_headers(
                    archive, links[_labels(path)].session_id, _scans(path), _headers(path)
                )
                for path in paths
            )

    private.all_headers.mkdir(mode=0o700, exist_ok=True)
    shares = [noted[start :: address.connections] for start in range(address.connections)]
    with ThreadPoolExecutor(address.connections) as pool:
        fetched = sum(pool.map(fetch, filter(None, shares)))
    print(f"{private.root.name}: {fetched} headers fetched, kept below {private.all_headers}")


def preview(session: Path, way: Way) -> Previewed:
    """What would be made of one session."""
    unit = session.stem
    try:
        if way.headers:
            series = read_partial(_headers(session))
        else:
            series = [Series.from_listing(without_files(scan)) for scan in _scans(session)]
        mapping = with_sources(way.mapping, series, way.sources)
        mapping = with_overrides(mapping, series, way.overrides.get(unit, {}))
        resolved = resolve(series, mapping, *_labels(session))
        return Previewed.of(unit, resolved, mapping.rules, way.policy)
    except DataError as error:
        text = name_scans(str(error), _headers(session)) if way.headers else str(error)
        return Previewed(unit, problem=text)


def _headers(session: Path) -> Path:
    return Private(session.parent.parent).headers(session.stem)


def _scans(session: Path) -> tuple[Scan, ...]:
    return ListedSession.read(session).scans


def _labels(session: Path) -> tuple[str, str]:
    subject, visit = (part.split("-", 1)[1] for part in session.stem.split("_"))
    return subject, visit


if "snakemake" in globals():
    jobs.must(
        snakemake.log[0],
        lambda: main(
            [Path(path) for path in snakemake.input.sessions],
            snakemake.params["bids"],
            {
                project: {use: Path(path) for use, path in found.items()}
                for project, found in snakemake.params["sources"].items()
            },
            snakemake.params["overrides"],
            snakemake.params["headers"],
        ),
    )
