"""The images of a session by the estimation of the B0 field that they serve.

A field map is estimated from a group of images: magnitudes with a phase difference, or EPIs of
opposite phase encoding (pepolar). Groups are named by the `b0` of the rules or, where the
project asks for `by_match`, found among the session's `fmap/` images. Repeated field maps make
a group a run.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from coil.bids import names, outputs
from coil.bids.convert import sidecars
from coil.bids.mapping.rules import B0
from coil.files import JsonObject

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
    def sidecar(self) -> JsonObject:
        """The sidecar of the first image."""
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
    targets: list[Run] = field(default_factory=list[Run])

    @property
    def is_pepolar(self) -> bool:
        """Whether it is estimated from EPIs of opposite phase encoding."""
        return not any(run.kind[1] in _ECHOES for run in self.members)

    def identifier(self, session: str, several: bool) -> str:
        """The B0FieldIdentifier, unique in the participant."""
        run = f"_run{self.run}" if several and self.run else ""
        return f"{self.name}{run}_{session.replace('-', '')}"


def groups_of(runs: Iterable[Run], by_match: bool) -> list[Group]:
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
