"""Show what the mapping would make of each series, before a single image is pulled."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coil import files
from coil.archive.client import Address, connect
from coil.archive.pull.headers import fetch_headers
from coil.archive.pull.series import without_files
from coil.bids.draft.preview import Previewed
from coil.bids.draft.uses import uses
from coil.bids.mapping import mapping
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
from coil.units import Unit
from coil.workspace import Private


@dataclass(frozen=True)
class Project:
    """A project to preview.

    bids        what its config says of the dataset
    sources     the files of its mapping's sources by what `use` says
    overrides   what is said of single series, by session and scan
    headers     whether the series are known by a header each, not only by the archive's listing
    """

    name: str
    private: Private
    bids: Mapping[str, Any]
    sources: Mapping[str, Path]
    overrides: Mapping[str, Mapping[str, dict[str, Any]]]
    headers: bool

    @property
    def rules(self) -> mapping.Mapping:
        """Its compiled mapping."""
        where = f"{self.name}: bids.mapping"
        return mapping.parse(self.bids["mapping"], where, self.bids["synonyms"])


def preview(
    sessions: Iterable[str],
    bids: Mapping[str, Mapping[str, Any]],
    sources: Mapping[str, Mapping[str, str]],
    overrides: Mapping[str, Mapping[str, Mapping[str, dict[str, Any]]]],
    headers: bool,
) -> None:
    """Show the sessions of all projects, on the terminal and on a page each.

    Parameters
    ----------
    sessions
        The files in which discovery noted what the archive lists of each.
    bids, sources, overrides
        Of each project by its name, see `Project`.
    headers
        Whether a header of each series is fetched.

    Raises
    ------
    CoilError
        If a mapping is wrong, or the archive does not answer.
    """
    units: dict[Path, list[Unit]] = {}
    for path in sorted(map(Path, sessions)):
        units.setdefault(Private.of_session(path).root, []).append(Unit.of_name(path.stem))
    for root in sorted(units):
        name = root.name
        files_of = {use: Path(path) for use, path in sources[name].items()}
        show(
            Project(name, Private(root), bids[name], files_of, overrides[name], headers),
            units[root],
        )
    if not units:
        print("no session to show: the archive holds none that the config selects")


def show(project: Project, units: Sequence[Unit]) -> None:
    """Show some sessions of a project."""
    rules, private = project.rules, project.private
    if project.headers:
        _fetch_lacking(project, units)
    shown = [_previewed(project, rules, unit) for unit in units]
    used = uses(shown, rules, project.bids["mapping"])
    page = preview_page.render(project.name, project.bids["name"], shown, used, project.headers)
    files.write_text(private.preview, page, 0o600)
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    print("", preview_text.render(project.name, shown, used, colour), sep="\n")
    print(f"\nas a page: {private.preview}")


def _fetch_lacking(project: Project, units: Sequence[Unit]) -> None:
    """Fetch the headers that lack, over as many connections as the config allows."""
    private = project.private
    address = Address.of_record(ArchiveRecord.read(private.archive))
    links = {(row.subject, row.session): row for row in LinkTable.read(private.link).rows}

    def fetch(some: Sequence[Unit]) -> int:
        with connect(address) as archive:
            return sum(
                fetch_headers(
                    archive, links[unit].session_id, _scans(private, unit), private.headers(unit)
                )
                for unit in some
            )

    private.all_headers.mkdir(mode=0o700, exist_ok=True)
    shares = [units[start :: address.connections] for start in range(address.connections)]
    with ThreadPoolExecutor(address.connections) as pool:
        fetched = sum(pool.map(fetch, filter(None, shares)))
    print(f"{project.name}: {fetched} headers fetched, kept below {private.all_headers}")


def _previewed(project: Project, rules: mapping.Mapping, unit: Unit) -> Previewed:
    """What would be made of one session."""
    headers = project.private.headers(unit)
    try:
        if project.headers:
            series = read_partial(headers)
        else:
            listed = map(without_files, _scans(project.private, unit))
            series = [Series.from_listing(scan) for scan in listed]
        complete = with_sources(rules, series, project.sources)
        complete = with_overrides(complete, series, project.overrides.get(str(unit), {}))
        resolved = resolve(series, complete, *unit)
        return Previewed.of(str(unit), resolved, complete.rules, project.bids["policy"])
    except DataError as error:
        text = name_scans(str(error), headers) if project.headers else str(error)
        return Previewed(str(unit), problem=text)


def _scans(private: Private, unit: Unit) -> tuple[Scan, ...]:
    return ListedSession.read(private.session(unit)).scans
