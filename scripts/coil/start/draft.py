"""The config of a project as the archive's series propose it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import yaml

from coil import files
from coil.archive import listing
from coil.archive.client import Address, Archive, connect
from coil.archive.columns import Lister
from coil.archive.discover.bidsmap import fetch_bidsmaps
from coil.archive.listing import Session
from coil.archive.pull.series import without_files
from coil.bids.draft.draft import Draft, draft
from coil.bids.mapping import mapping as mappings
from coil.bids.series.series import Series
from coil.config.reading import read_project
from coil.errors import ConfigError
from coil.run.planning import draft_path
from coil.start.examples import Kind, kind, read_examples

CONFIG = Path("config") / "config.yaml"
PREVIEW = "snakemake --workflow-profile config/profiles/local --cores 1 preview"


def propose(root: Path, server: str, project: str, headers: bool) -> None:
    """Write the draft in `root`, and say what to do next.

    Parameters
    ----------
    root
        The working folder.
    server, project
        The archive's; an empty server is that of the environment.
    headers
        Whether a header of each kind of series is looked at.

    Raises
    ------
    ConfigError
        If the project holds no scans, or its file is there already.
    """
    path = draft_path(project)
    address = Address.of({"server": server} if server else {})
    with connect(address) as archive:
        lister = Lister(archive)
        sessions = _sessions(lister, project)
        examples = read_examples(archive, sessions, root) if headers else {}
        bidsmap = _has_bidsmap(archive, project)
    series = [_series(session, examples) for session in sessions]
    proposal = draft(project, server, series, headers=headers, bidsmap=bidsmap)
    _write(root / path, proposal.text)
    print(*(f"note: {remark}" for remark in lister.remarks()), sep="\n", end="")
    print(_summary(path, proposal, len(sessions)))
    print(_next(root, path))


def _sessions(lister: Lister, project: str) -> list[Session]:
    """The sessions of the project; `ConfigError` where nothing could be proposed by them."""
    sessions = listing.list_sessions(lister.archive, project, lister=lister)
    if not sessions:
        raise ConfigError(f"project: {project}: the archive holds no imaging session in it yet")
    if not any(session.scans for session in sessions):
        raise ConfigError(f"project: {project}: its sessions in the archive hold no scans yet")
    return sessions


def _series(session: Session, examples: Mapping[Kind, Series]) -> list[Series]:
    """The series of a session: as one of their kind whose header was read, else as listed."""
    maker = next((text for text in session.scanner[1:2] if text), None)
    series = []
    for scan in session.scans:
        example = examples.get(kind(scan))
        if example is not None:
            series.append(replace(example, scan=scan.scan, folder=scan.scan))
        else:
            series.append(replace(Series.from_listing(without_files(scan)), manufacturer=maker))
    return series


def _has_bidsmap(archive: Archive, project: str) -> bool:
    """Whether the archive holds a bidsmap for the project."""
    try:
        return bool(fetch_bidsmaps(archive, project))
    except ConfigError:  # there is none, or none that can be used
        return False


def _write(path: Path, text: str) -> None:
    """Write the draft, once it is seen to be a config; an existing file is never touched."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unchecked = path.with_name(f".{path.stem}.yaml")
    files.write_text(unchecked, text)
    try:
        bids = read_project(unchecked, str(path))["bids"]
        mappings.parse(bids["mapping"], f"{path}: bids.mapping", bids["synonyms"])
        files.link(unchecked, path)
    except FileExistsError:
        raise ConfigError(f"{path}: came to be in the meantime; it was left alone") from None
    finally:
        unchecked.unlink()


def _summary(path: Path, proposal: Draft, sessions: int) -> str:
    return (
        f"\nwrote {path}, by {sessions} session{'s' * (sessions != 1)}: of the kinds of series "
        f"{proposal.named} named, {proposal.ignored} left out, {proposal.open} to decide "
        "(look for TODO)"
    )


def _next(root: Path, path: Path) -> str:
    """The steps that follow; the config is written where there is none."""
    steps = [f"read {path} and correct it", *_named(root / CONFIG, path)]
    steps.append(f"see what it does:  {PREVIEW}")
    return "next\n" + "\n".join(f"  {i}. {step}" for i, step in enumerate(steps, 1))


def _named(config: Path, path: Path) -> list[str]:
    """The step that has the config name the draft, or says that it does, if there is one."""
    if not config.exists():
        files.write_text(config, f"projects: [{path}]\n")
        return [f"{CONFIG} names it already, it was written too"]
    if str(path) in (yaml.safe_load(config.read_text()) or {}).get("projects", []):
        return []
    return [f"name it in {CONFIG}:  projects: [{path}]"]
