"""The terms of a run's model: its events, its head motion, its contrasts."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from coil.errors import DataError

MOTION = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
_MOST_SPIKES = 0.25  # of the volumes: beyond, what is left says little


def read_events(path: Path) -> pd.DataFrame:
    """Onsets and durations in seconds, and trial types, by onset.

    DataError where the run has no events, or not all three columns with numbers in two.
    """
    if not path.is_file():
        raise DataError("it has no events.tsv; give the mapping's rule its `events`")
    table = pd.read_csv(path, sep="\t", na_values="n/a")
    if lost := {"onset", "duration", "trial_type"} - set(table.columns):
        raise DataError(f"its events.tsv has no column {sorted(lost)[0]}; correct the events")
    table = table[["onset", "duration", "trial_type"]].dropna()
    if table.empty:
        raise DataError("its events.tsv names no event with a trial type; correct the events")
    for column in ("onset", "duration"):
        table[column] = pd.to_numeric(table[column], errors="coerce")
    if bool(table.isna().to_numpy().any()):
        raise DataError("its events.tsv has a time that is no number; correct the events")
    table["trial_type"] = table["trial_type"].astype(str)
    return table.sort_values(by="onset", kind="stable").reset_index(drop=True)  # pyright: ignore


def read_confounds(path: Path | None, volumes: int, limits: Mapping[str, float]) -> pd.DataFrame:
    """Regressors of head motion: the six parameters, and one for each volume to leave out.

    path        the time series of the run's quality measures; None where there is none
    volumes     of the run
    limits      by column of that table, above which a volume gets a regressor of its own

    DataError where the table is missing or of another length, or too many volumes go.
    """
    if path is None:
        raise DataError("it has no head motion; let `qc` measure the session first")
    table = pd.read_csv(path, sep="\t", na_values="n/a")
    if len(table) != volumes:
        raise DataError(f"it has {volumes} volumes, its head motion {len(table)}; run qc anew")
    over = np.zeros(volumes, dtype=bool)
    for column, limit in limits.items():
        if column not in table.columns:
            raise DataError(f"params.spikes: {column}: no column of the motion table; correct it")
        over |= (table[column] > limit).to_numpy()
    if over.mean() > _MOST_SPIKES:
        raise DataError(
            f"{over.sum()} of {volumes} volumes are beyond params.spikes; ignore the run, or raise "
            "the limits"
        )
    spikes = {
        f"spike_{volume:04d}": (np.arange(volumes) == volume).astype(float)
        for volume in np.flatnonzero(over)
    }
    motion = table[list(MOTION)]
    return pd.concat([motion - motion.mean(), pd.DataFrame(spikes)], axis=1)


def contrasts(wanted: Mapping[str, str], conditions: Sequence[str]) -> dict[str, str]:
    """Each contrast's expression by its name; without any wanted each condition against rest.

    An expression adds and subtracts conditions: `tap - tone`, `0.5 * left + 0.5 * right`.
    DataError where one names a condition that the run does not have.
    """
    if not wanted:
        return {label(condition): condition for condition in sorted(conditions)}
    for name, expression in wanted.items():
        used = set(re.findall(r"[A-Za-z_]\w*", expression))
        if lost := used - set(conditions):
            raise DataError(
                f"contrast {name}: no event has the trial type {sorted(lost)[0]}; the run has "
                f"{', '.join(sorted(conditions))}"
            )
    return {label(name): expression for name, expression in wanted.items()}


def label(name: str) -> str:
    """`name` with the letters and digits that a BIDS label may have."""
    parts = re.findall(r"[A-Za-z0-9]+", name)
    return "".join(parts[:1] + [part[:1].upper() + part[1:] for part in parts[1:]])
