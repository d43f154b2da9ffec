"""Which group of field maps fits an image: the same shims, a volume that covers it, the nearest in
time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from coil.bids.convert import geometry
from coil.bids.convert.fieldmap_groups import Group, Run

_SAME_SHIMS = 0.01
_ROUNDING = 1.0
_COVERED = 0.75

Shims = Literal["same", "unknown", "other"]


@dataclass(frozen=True)
class _Fit:
    """The fit of a group to an image; `problem` is the reason why it does not fit."""

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


def choose(
    run: Run, wanted: tuple[str, Sequence[Group]], strict: bool
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


def same_shims(one: Any, other: Any) -> Shims:
    """Whether two ShimSettings are of one shim.

    Scanners round the currents and repeat the adjustment with small changes, so the vectors
    may differ by 1 in each term or by 1 % of their length.
    """
    if not isinstance(one, list) or not isinstance(other, list):
        return "unknown"
    ours, theirs = cast("list[Any]", one), cast("list[Any]", other)
    if len(ours) != len(theirs):
        return "unknown"
    apart = [float(a) - float(b) for a, b in zip(ours, theirs, strict=True)]
    if all(abs(term) <= _ROUNDING for term in apart):
        return "same"
    length = max(math.hypot(*map(float, ours)), math.hypot(*map(float, theirs)))
    return "same" if math.hypot(*apart) <= _SAME_SHIMS * length else "other"


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
