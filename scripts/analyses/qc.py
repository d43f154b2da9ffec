"""The bundled quality control: numbers, per-volume series and figures of a session's images.

In:  a BIDS dataset with one session
Out: <out>/sub-<s>/ses-<e>/ of a BIDS derivative dataset, and <out>/summary.json

    python scripts/analyses/qc.py --bids DATASET --subject S --session E --out FOLDER
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from coil import files
from coil.errors import DataError
from coil.imaging import derivative, images, measure

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


def run(bids: Path, subject: str, session: str, out: Path) -> dict[str, Any]:
    """Measure a session's images.

    bids        the dataset's folder
    subject     label without `sub-`; `session` likewise
    out         the derivative dataset's folder

    Returns the summary: `images`, per image `file`, `suffix`, `metrics`, `unavailable`,
    `outliers`, `protocol`, `figures` (relative to `out`), `problem`; and `problem` where one could
    not be measured, or `skipped` where there is none.
    """
    place = Path(f"sub-{subject}", f"ses-{session}")
    names = [path.relative_to(bids).as_posix() for path in (bids / place).rglob("*.nii*")]
    found = [_image(bids, name, out / place, place) for name in sorted(names)]
    if not found:
        return {"skipped": "the session has no images"}
    problems = [image["problem"] for image in found if image["problem"]]
    told = f"{len(problems)} of {len(found)} images: {problems[0]}" if problems else None
    return {"images": found} | ({"problem": told} if told else {})


def _image(bids: Path, name: str, folder: Path, place: Path) -> dict[str, Any]:
    """Measure one image and write its files under `folder`; its row of the summary."""
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
    told = folder / datatype / derivative.derived_name(name, "qc", suffix, ".json")
    files.write_json(told, numbers | source)
    if found.columns:
        table = folder / datatype / derivative.derived_name(name, "motion", "timeseries", ".tsv")
        rows = np.column_stack(list(found.columns.values()))
        lines = ["\t".join(found.columns)]
        lines += ["\t".join(f"{value:.6g}" for value in values) for values in rows]
        files.write_text(table, "\n".join(lines) + "\n")
        columns = {key: COLUMNS[key] for key in found.columns}
        files.write_json(table.with_suffix(".json"), source | columns)
    for what, picture in found.figures.items():
        figure = Path("figures", derivative.derived_name(name, what, suffix, ".png"))
        files.write_bytes(folder / figure, picture)
        row["figures"].append((place / figure).as_posix())
    return row


def _short(value: Any) -> Any:
    """Six digits of a number, so that records read well and rounding noise never shows."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def main() -> None:
    """Read the arguments, run, write the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bids", type=Path, required=True)
    parser.add_argument("--subject", required=True)
    parser.add_argument("--session", required=True)
    parser.add_argument("--out", type=Path, required=True)
    given, _ = parser.parse_known_args()
    found = run(given.bids, given.subject, given.session, given.out)
    files.write_json(given.out / "summary.json", found)


if __name__ == "__main__":
    main()
