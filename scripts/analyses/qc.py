"""The bundled quality control: numbers, per-volume series and figures of a session's images.

In:  the BIDS dataset and the names of one session's files in it
Out: <out>/sub-<s>/ses-<e>/ of a BIDS derivative dataset, and the record of what was found

    python scripts/analyses/qc.py --bids DATASET --subject S --session E --out FOLDER --record FILE
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from coil import __version__, files
from coil.errors import DataError
from coil.imaging import derivative, images, measure

NAME = "Coil quality control"
README = """
Quality control of the images of the dataset that `bids:raw:` stands for.

sub-*/ses-*/<datatype>/*_desc-qc_<suffix>.json      numbers, protocol and outliers of an image
sub-*/ses-*/func/*_desc-motion_timeseries.tsv       head motion and signal changes by volume
sub-*/ses-*/figures/*.png                           pictures

The numbers are measured on the images as acquired, without realignment. The docstrings of
coil.imaging.metrics name the source of each formula.
"""
# The validator knows no time series yet, and wants its patterns just so.
IGNORE = ("**/figures", "*desc-qc*", "*_desc-motion_timeseries.*")
COLUMNS: dict[str, dict[str, str]] = {
    **{
        f"trans_{axis}": {
            "Description": f"Translation of the head along the scanner's {axis} axis against the "
            "middle volume, at the centre of the field of view",
            "Units": "mm",
        }
        for axis in "xyz"
    },
    **{
        f"rot_{axis}": {
            "Description": f"Rotation of the head about the scanner's {axis} axis against the "
            "middle volume, of R = Rx Ry Rz about the centre of the field of view",
            "Units": "rad",
        }
        for axis in "xyz"
    },
    "framewise_displacement": {
        "Description": "Power et al. 2012: absolute changes of the six parameters, summed, "
        "rotations as arcs on a sphere of 50 mm",
        "Units": "mm",
    },
    "dvars": {
        "Description": "Power et al. 2012: root mean square change of the brain's voxels from the "
        "volume before, of the series scaled to a median of 1000",
        "Units": "arbitrary",
    },
    "std_dvars": {
        "Description": "Nichols 2017: dvars over the value that noise alone would give",
        "Units": "arbitrary",
    },
    "global_signal": {"Description": "Mean of the brain's voxels", "Units": "arbitrary"},
    "outlier_fraction": {
        "Description": "Fraction of the brain's voxels beyond the limit of AFNI's 3dToutcount",
        "Units": "arbitrary",
    },
}


def run(bids: Path, subject: str, session: str, names: list[str], out: Path) -> dict[str, Any]:
    """Measure a session's images and put the results in place in one step.

    bids        the dataset's folder
    subject     label without `sub-`; `session` likewise
    names       the session's files relative to `bids`; what is no NIfTI image is passed over
    out         the derivative dataset's folder

    Returns the session's record: `state` (done, skipped where there is no image, failed where
    one could not be measured), `reason`, and per image `file`, `suffix`, `metrics`,
    `unavailable`, `outliers`, `protocol`, `figures` (relative to `out`), `problem`.
    """
    derivative.describe(
        out,
        NAME,
        [{"Name": NAME, "Version": __version__, "Description": "the bundled analysis qc"}],
        README,
        IGNORE,
    )
    place = Path(f"sub-{subject}", f"ses-{session}")
    scratch = out / f".{place.parent}_{place.name}"
    files.remove_tree(scratch)  # what a run that was killed left behind
    scratch.mkdir()
    try:
        found = [
            _image(bids, name, scratch, place)
            for name in sorted(names)
            if name.endswith((".nii", ".nii.gz"))
        ]
        _put(scratch, out / place)
    finally:
        files.remove_tree(scratch)
    problems = [image["problem"] for image in found if image["problem"]]
    if not found:
        return {"state": "skipped", "reason": "the session has no images", "images": []}
    return {
        "state": "failed" if problems else "done",
        "reason": f"{len(problems)} of {len(found)} images: {problems[0]}" if problems else None,
        "images": found,
    }


def _image(bids: Path, name: str, scratch: Path, place: Path) -> dict[str, Any]:
    """Measure one image and write its files under `scratch`; its row of the record."""
    path = bids / name
    datatype = path.parent.name
    suffix = path.name.split(".", 1)[0].rsplit("_", 1)[-1]
    row: dict[str, Any] = {"file": name, "suffix": suffix, "metrics": {}, "unavailable": {}}
    row |= {"outliers": [], "protocol": {}, "figures": [], "problem": None}
    try:
        magnitude = not any(f"_part-{part}_" in path.name for part in ("phase", "real", "imag"))
        found = measure.measure(images.load(path), path, suffix, magnitude)
        row["protocol"] = images.protocol(path)
    except DataError as error:
        row["problem"] = str(error)
        return row
    row["metrics"] = {key: _short(value) for key, value in found.metrics.items()}
    row["unavailable"] = found.unavailable
    row["outliers"] = found.outliers
    numbers = {key: row[key] for key in ("metrics", "unavailable", "outliers", "protocol")}
    source = {"Sources": [f"bids:raw:{name}"]}
    folder = scratch / datatype
    files.write_json(
        folder / derivative.derived_name(name, "qc", suffix, ".json"), numbers | source
    )
    if found.columns:
        table = folder / derivative.derived_name(name, "motion", "timeseries", ".tsv")
        rows = np.column_stack(list(found.columns.values()))
        lines = ["\t".join(found.columns)]
        lines += ["\t".join(f"{value:.6g}" for value in values) for values in rows]
        files.write_text(table, "\n".join(lines) + "\n")
        columns = {key: COLUMNS[key] for key in found.columns}
        files.write_json(table.with_suffix(".json"), source | columns)
    for what, picture in found.figures.items():
        figure = Path("figures", derivative.derived_name(name, what, suffix, ".png"))
        files.write_bytes(scratch / figure, picture)
        row["figures"].append((place / figure).as_posix())
    return row


def _put(scratch: Path, target: Path) -> None:
    """Rename the finished folder into place, where an older one may stand."""
    target.parent.mkdir(parents=True, exist_ok=True)
    old = scratch.with_name(f"{scratch.name}.old")
    files.remove_tree(old)
    if target.exists():
        target.replace(old)
    scratch.replace(target)
    files.remove_tree(old)


def _short(value: Any) -> Any:
    """Six digits of a number, so that records read well and rounding noise never shows."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def main() -> None:
    """Read the arguments, run, write the record; exit 1 where the state is failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bids", type=Path, required=True)
    parser.add_argument("--subject", required=True)
    parser.add_argument("--session", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--record", type=Path, required=True)
    given = parser.parse_args()
    session = given.bids / f"sub-{given.subject}" / f"ses-{given.session}"
    names = [path.relative_to(given.bids).as_posix() for path in session.rglob("*.nii.gz")]
    record = run(given.bids, given.subject, given.session, names, given.out)
    files.write_json(given.record, record)
    sys.exit(record["state"] == "failed")


if __name__ == "__main__":
    main()
