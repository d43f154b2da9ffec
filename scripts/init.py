"""Propose the config of a project from the series that the archive holds.

out:    nothing that Snakemake knows of: config/projects/<name>.yaml, which must not be there
        yet, and config/config.yaml where there is none
params: server and project, the archive's; headers, whether one header a kind of series is
        looked at
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from coil import files, jobs
from coil.archive import listing
from coil.archive.client import Address, Archive, connect
from coil.archive.columns import Lister
from coil.archive.discover.bidsmap import fetch_bidsmaps
from coil.archive.listing import Scan, Session
from coil.archive.pull.headers import fetch_headers
from coil.bids.draft.draft import Draft, draft
from coil.bids.mapping import mapping as mappings
from coil.bids.series.partial import read_partial
from coil.bids.series.series import Series
from coil.config.reading import read_project
from coil.errors import ConfigError, DataError
from coil.run.planning import draft_path
from coil.workspace import Workspace

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

EXAMPLES = 2
"""Of so many series of each kind a header is looked at."""

CONFIG = Path("config") / "config.yaml"
PREVIEW = "snakemake --workflow-profile config/profiles/local --cores 1 preview"

Like = tuple[str, str, int | None]
"""What series of one kind have in common in the listing: type, description, files."""


def main(root: Path, server: str, project: str, headers: bool) -> None:
    """Write the draft in `root`, and say what to do next."""
    name = draft_path(project)
    address = Address.of({"server": server} if server else {})
    with connect(address) as archive:
        lister = Lister(archive)
        sessions = listing.list_sessions(archive, project, lister=lister)
        if not sessions:
            raise ConfigError(f"project: {project}: the archive holds no imaging session in it yet")
        if not any(session.scans for session in sessions):
            raise ConfigError(f"project: {project}: its sessions in the archive hold no scans yet")
        known = _read_headers(archive, sessions, root) if headers else {}
        bidsmap = _has_bidsmap(archive, project)
    found = [_series(one, known) for one in sessions]
    proposed = draft(project, server, found, headers=headers, bidsmap=bidsmap)
    _write(root / name, proposed.text)
    print(*(f"note: {remark}" for remark in lister.remarks()), sep="\n", end="")
    print(_told(name, proposed, len(sessions)))
    print(_next(root, name))


def _series(session: Session, known: Mapping[Like, Series]) -> list[Series]:
    """The series of a session: as one of their kind whose header was read, else as listed."""
    maker = next((text for text in session.scanner[1:2] if text), None)
    found = []
    for scan in session.scans:
        like = known.get(_like(scan))
        if like is not None:
            found.append(replace(like, scan=scan.scan, folder=scan.scan))
        else:
            found.append(replace(Series.from_listing(scan._asdict()), manufacturer=maker))
    return found


def _has_bidsmap(archive: Archive, project: str) -> bool:
    """Whether the archive holds a bidsmap for the project."""
    try:
        return bool(fetch_bidsmaps(archive, project))
    except ConfigError:  # there is none, or none that can be used
        return False


def _like(scan: Scan) -> Like:
    return scan.type, scan.series_description, scan.files


def _read_headers(archive: Archive, sessions: Sequence[Session], root: Path) -> dict[Like, Series]:
    """The series of which a header was fetched, by what they have in common in the listing.

    Where two of a kind differ in their ImageType, the listing does not tell them apart, and
    the kind is not known.
    """
    wanted: dict[Like, int] = {}
    found: dict[Like, list[Series]] = {}
    for session in sessions:
        scans = []
        for scan in session.scans:
            if scan.files != 0 and wanted.setdefault(_like(scan), 0) < EXAMPLES:
                wanted[_like(scan)] += 1
                scans.append(scan)
        if scans:
            likes = {scan.scan: _like(scan) for scan in scans}
            for one in _peek(archive, session.id, scans, root):
                found.setdefault(likes[one.scan or ""], []).append(one)
    return {
        like: several[0]
        for like, several in found.items()
        if len({one.image_type for one in several}) == 1
    }


def _peek(archive: Archive, session_id: str, scans: Sequence[Scan], root: Path) -> list[Series]:
    """The series of some scans by their headers, which are not kept."""
    private = Workspace(root).private_zone
    private.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=private, prefix=".init-") as folder:
        fetch_headers(archive, session_id, scans, Path(folder))
        try:
            return [one for one in read_partial(Path(folder)) if one.folder]
        except DataError:  # no images among them, or a file that is not DICOM
            return []


def _write(path: Path, text: str) -> None:
    """Write the draft, once it is seen to be a config; an existing file is never touched."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.stem}.yaml")
    files.write_text(beside, text)
    try:
        bids = read_project(beside, str(path))["bids"]
        mappings.parse(bids["mapping"], f"{path}: bids.mapping", bids["synonyms"])
        os.link(beside, path)
    except FileExistsError:
        raise ConfigError(f"{path}: came to be in the meantime; it was left alone") from None
    finally:
        beside.unlink()


def _told(name: Path, proposed: Draft, sessions: int) -> str:
    return (
        f"\nwrote {name}, by {sessions} session{'s' * (sessions != 1)}: of the kinds of series "
        f"{proposed.named} named, {proposed.ignored} left out, {proposed.open} to decide "
        "(look for TODO)"
    )


def _next(root: Path, name: Path) -> str:
    """What to do now; the config is written where there is none."""
    lines = [f"read {name} and correct it"]
    config = root / CONFIG
    if not config.exists():
        files.write_text(config, f"projects: [{name}]\n")
        lines.append(f"{CONFIG} names it already, it was written too")
    elif str(name) not in (yaml.safe_load(config.read_text()) or {}).get("projects", []):
        lines.append(f"name it in {CONFIG}:  projects: [{name}]")
    lines.append(f"see what it does:  {PREVIEW}")
    return "next\n" + "\n".join(f"  {i}. {line}" for i, line in enumerate(lines, 1))


if "snakemake" in globals():
    jobs.must(
        snakemake.log[0],
        lambda: main(
            Path(),
            snakemake.params["server"],
            snakemake.params["project"],
            snakemake.params["headers"],
        ),
    )
