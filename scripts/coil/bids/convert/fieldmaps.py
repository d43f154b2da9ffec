"""Which field map corrects which image: B0FieldIdentifier, B0FieldSource and IntendedFor.

A field map is estimated from a group of images: magnitudes with a phase difference, or EPIs of
opposite phase encoding (pepolar). Groups are named by the `b0` of the rules or, where the
project asks for `by_match`, found among the session's `fmap/` images. Repeated field maps make
a group a run, and an image takes the one that fits it: the same shims, a volume that covers
it, the nearest in time.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from coil.bids import names, outputs
from coil.bids.convert import geometry, sidecars
from coil.bids.mapping.rules import B0

# What EPI distortion is corrected in, by datatype and suffix.
DISTORTED = frozenset(
    {
        ("func", "bold"),
        ("func", "cbv"),
        ("func", "sbref"),
        ("dwi", "dwi"),
        ("dwi", "sbref"),
        ("perf", "asl"),
        ("perf", "m0scan"),
    }
)

# The images of fmap/ that a B0 field is estimated from: two echoes, or opposite EPIs. The others
# there are maps of B1.
_ECHOES = frozenset(
    {"magnitude", "magnitude1", "magnitude2", "phase", "phase1", "phase2", "phasediff", "fieldmap"}
)
_OPPOSITE = frozenset({"epi", "m0scan"})

_SAME_SHIMS = 0.01
_ROUNDING = 1.0
_COVERED = 0.75

Shims = Literal["same", "unknown", "other"]


@dataclass(frozen=True)
class Run:
    """A mapped series with its files, as far as field maps are concerned."""

    name: str
    files: Sequence[Path]
    b0: B0 = field(default_factory=B0)
    acq_time: str | None = None

    @cached_property
    def kind(self) -> tuple[str, str]:
        """(datatype, suffix)."""
        return names.split(self.name)[:2]

    @cached_property
    def entities(self) -> dict[str, str]:
        """The entities of the name."""
        return names.split(self.name)[2]

    @cached_property
    def images(self) -> list[Path]:
        """The NIfTI images."""
        return outputs.images(self.files)

    @cached_property
    def sidecar(self) -> dict[str, Any]:
        """What dcm2niix says of the first image."""
        return sidecars.read(self.images[0])

    @property
    def is_map(self) -> bool:
        """Whether it lies in `fmap/` and serves to estimate the B0 field."""
        return self.kind[0] == "fmap" and self.kind[1] in _ECHOES | _OPPOSITE

    @property
    def axis(self) -> str | None:
        """The phase-encoding axis, i, j or k, or None where it is not known."""
        found = self.sidecar.get("PhaseEncodingDirection") or self.sidecar.get("PhaseEncodingAxis")
        return str(found)[0] if found else None


@dataclass
class Group:
    """The images of one estimation of the field."""

    name: str
    run: str | None
    members: list[Run]
    targets: list[Run] = field(default_factory=list)

    @property
    def is_pepolar(self) -> bool:
        """Whether it is estimated from EPIs of opposite phase encoding."""
        return not any(run.kind[1] in _ECHOES for run in self.members)

    def identifier(self, session: str, several: bool) -> str:
        """The B0FieldIdentifier, unique in the participant."""
        run = f"_run{self.run}" if several and self.run else ""
        return f"{self.name}{run}_{session.replace('-', '')}"


@dataclass(frozen=True)
class _Fit:
    """How a group fits an image; `problem` says why it does not."""

    group: Group
    shims: Shims
    seconds: float | None
    problem: str | None = None

    @property
    def rank(self) -> tuple[int, float]:
        """Better fits sort first."""
        order = ("same", "unknown", "other").index(self.shims)
        return order, math.inf if self.seconds is None else abs(self.seconds)

    def words(self) -> str:
        """The fit for a reader."""
        said = [] if self.shims == "unknown" else [f"{self.shims} shims"]
        if self.seconds:
            when = "before" if self.seconds < 0 else "after"
            said.append(f"{abs(self.seconds):.0f} s {when} it")
        return f" ({', '.join(said)})" if said else ""


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
    groups = _groups(runs, by_match)
    notes: dict[str, list[str]] = defaultdict(list)
    for run in runs:
        for wanted in _wanted(run, groups, by_match):
            group, note = _choose(run, wanted, strict=by_match and not run.b0.source)
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


def same_shims(one: Any, other: Any) -> Shims:
    """Whether two ShimSettings are of one shim.

    Scanners round the currents and repeat the adjustment with small changes, so the vectors
    may differ by 1 in each term or by 1 % of their length.
    """
    if not isinstance(one, list) or not isinstance(other, list) or len(one) != len(other):
        return "unknown"
    apart = [float(a) - float(b) for a, b in zip(one, other, strict=True)]
    if all(abs(term) <= _ROUNDING for term in apart):
        return "same"
    length = max(math.hypot(*map(float, one)), math.hypot(*map(float, other)))
    return "same" if math.hypot(*apart) <= _SAME_SHIMS * length else "other"


def _groups(runs: Iterable[Run], by_match: bool) -> list[Group]:
    """The estimations: by the rules' names, then the maps that no rule named, by their case."""
    named: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        for name in run.b0.identifier:
            named[name].append(run)
        if by_match and run.is_map and not run.b0.identifier:
            case = "pepolar" if run.kind[1] in _OPPOSITE else "gre"
            named["_".join(filter(None, (case, run.entities.get("acq"))))].append(run)
    return [group for name in sorted(named) for group in _by_run(name, named[name])]


def _by_run(name: str, members: list[Run]) -> list[Group]:
    """A group for each run index; what has none belongs to all of them."""
    found = sorted({run.entities.get("run", "") for run in members} - {""}, key=int)
    return [
        Group(name, index, [run for run in members if run.entities.get("run", index) == index])
        for index in found or [None]
    ]


def _wanted(run: Run, groups: Sequence[Group], by_match: bool) -> list[tuple[str, list[Group]]]:
    """What corrects an image: (words for it, candidates) for each estimation it asks for."""
    if run.b0.source:
        return [(f"b0 {n}", [g for g in groups if g.name == n]) for n in run.b0.source]
    if by_match and run.kind in DISTORTED:
        return [("the session", list(groups))]
    return []


def _choose(
    run: Run, wanted: tuple[str, list[Group]], strict: bool
) -> tuple[Group | None, str | None]:
    """The group that corrects an image, and a note where there is something to say.

    A rule that names one group is believed; otherwise geometry excludes, and shims and time
    decide. `strict` excludes other shims too.
    """
    words, candidates = wanted
    if not candidates:
        return None, f"no field map for {words}" if words != "the session" else "no field map"
    if len(candidates) == 1 and not strict:
        group = candidates[0]
        shims = _shims(run, group)
        return group, "its field map has other shims" if shims == "other" else None
    fits = [_fit(run, group, strict) for group in candidates]
    good = [fit for fit in fits if fit.problem is None]
    if not good:
        return None, f"no field map: {fits[0].problem}"
    best = min(good, key=lambda fit: fit.rank)
    index = f" run {best.group.run}" if best.group.run else ""
    return best.group, f"corrected by {best.group.name}{index}{best.words()}"


def _fit(run: Run, group: Group, strict: bool) -> _Fit:
    shims = _shims(run, group)
    others = [member for member in group.members if member is not run]
    seconds = min((_apart(run, member) for member in others), key=_nearness, default=None)
    problem = None
    axes = {member.axis for member in group.members} - {None}
    if group.is_pepolar and run.axis and axes and run.axis not in axes:
        problem = f"{group.name} is encoded along another axis"
    elif strict and shims == "other":
        problem = f"{group.name} has other shims"
    elif others and geometry.coverage(run.images[0], others[0].images[0]) < _COVERED:
        problem = f"{group.name} does not cover it"
    return _Fit(group, shims, seconds, problem)


def _shims(run: Run, group: Group) -> Shims:
    found = {
        same_shims(run.sidecar.get("ShimSetting"), member.sidecar.get("ShimSetting"))
        for member in group.members
        if member is not run
    }
    return "other" if "other" in found else "same" if "same" in found else "unknown"


def _apart(run: Run, member: Run) -> float | None:
    """Seconds from an image to a member of a group, negative before it."""
    if not run.acq_time or not member.acq_time:
        return None
    times = datetime.fromisoformat(member.acq_time), datetime.fromisoformat(run.acq_time)
    return (times[0] - times[1]).total_seconds()


def _nearness(seconds: float | None) -> float:
    return math.inf if seconds is None else abs(seconds)


def _write(groups: Sequence[Group], session: Path) -> None:
    """Write the ties of all groups; a value is a list only where there are several."""
    root = session.parent.parent
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
