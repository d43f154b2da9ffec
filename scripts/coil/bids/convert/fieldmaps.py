"""Which field map corrects which image: B0FieldIdentifier, B0FieldSource and IntendedFor.

Repeated field maps are told apart (`fieldmap_groups`); an image takes the one that fits it
(`fieldmap_choice`).
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from coil.bids.convert import sidecars
from coil.bids.convert.fieldmap_choice import choose
from coil.bids.convert.fieldmap_groups import DISTORTED, Group, Run, groups_of
from coil.workspace import root_of_session


def link(runs: Sequence[Run], session: Path, by_match: bool = False) -> dict[str, list[str]]:
    """Write what ties field maps to images into their sidecars.

    Members of a group get B0FieldIdentifier, those in `fmap/` IntendedFor, and what the group
    corrects B0FieldSource.

    Parameters
    ----------
    runs
        All mapped series of the session.
    session
        The folder `sub-X/ses-Y`.
    by_match
        Whether images without a `b0` take whatever field map of the session fits them.

    Returns
    -------
    Notes by the name of a series: the field map that was chosen and why, or what is missing.
    """
    runs = [run for run in runs if run.images]
    groups = groups_of(runs, by_match)
    notes: dict[str, list[str]] = defaultdict(list)
    for run in runs:
        for wanted in _wanted(run, groups, by_match):
            group, note = choose(run, wanted, strict=by_match and not run.b0.source)
            if group:
                group.targets.append(run)
            if note:
                notes[run.name].append(note)
    has_maps = any(run.is_map for run in runs)
    for run in runs:
        loose = run.kind in DISTORTED and not (run.b0.source or run.b0.identifier)
        if loose and has_maps and not by_match:
            notes[run.name].append("no field map: its rule has no b0")
    for group in groups:
        if not group.targets:
            for run in group.members:
                notes[run.name].append("corrects nothing")
    for run in runs:
        if run.is_map and not any(run in group.members for group in groups):
            notes[run.name].append("corrects nothing: its rule has no b0")
    _write(groups, session)
    return dict(notes)


def _wanted(run: Run, groups: Sequence[Group], by_match: bool) -> list[tuple[str, list[Group]]]:
    """The groups that may correct an image, by estimation that it asks for, with words for it."""
    if run.b0.source:
        return [(f"b0 {n}", [g for g in groups if g.name == n]) for n in run.b0.source]
    if by_match and run.kind in DISTORTED:
        return [("the session", list(groups))]
    return []


def _write(groups: Sequence[Group], session: Path) -> None:
    """Write the ties of all groups; a value is a list only where there are several."""
    root = root_of_session(session)
    identifiers: dict[Path, list[str]] = defaultdict(list)
    sources: dict[Path, list[str]] = defaultdict(list)
    intended: dict[Path, set[str]] = defaultdict(set)
    for group in groups:
        several = sum(other.name == group.name for other in groups) > 1
        identifier = group.identifier(session.name, several)
        targets = [image for run in group.targets for image in run.images]
        for run in group.members:
            for image in run.images:
                identifiers[image].append(identifier)
                if run.is_map:
                    intended[image] |= {_uri(target, root) for target in targets}
        for image in targets:
            sources[image].append(identifier)
    for key, values in (("B0FieldIdentifier", identifiers), ("B0FieldSource", sources)):
        for image, found in values.items():
            sidecars.update(image, {key: found[0] if len(found) == 1 else sorted(found)})
    for image, uris in intended.items():
        if uris:
            sidecars.update(image, {"IntendedFor": sorted(uris)})


def _uri(image: Path, root: Path) -> str:
    return f"bids::{image.relative_to(root).as_posix()}"
