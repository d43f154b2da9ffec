"""The bundled quality control: numbers, per-volume series and figures of a session's images.

In:  a BIDS dataset with one session
Out: <out>/sub-<s>/ses-<e>/ of a BIDS derivative dataset, and <out>/summary.json

    python scripts/analyses/qc.py --bids DATASET --subject S --session E --out FOLDER
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from coil import files
from coil.imaging import derivative, images, measure
from coil.imaging.problems import problem
from coil.records.analysis import MeasuredImage, Summary

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


def run(bids: Path, subject: str, session: str, out: Path) -> Summary:
    """Measure a session's images; the summary of what was measured.

    bids        the dataset's folder
    subject     label without `sub-`; `session` likewise
    out         the derivative dataset's folder

    An image that cannot be measured does not hold up the others.
    """
    inside = Path(f"sub-{subject}", f"ses-{session}")
    names = [path.relative_to(bids).as_posix() for path in (bids / inside).rglob("*.nii*")]
    rows = tuple(_image(bids, name, out / inside, inside) for name in sorted(names))
    if not rows:
        return Summary(skipped="the session has no images")
    problems = [row.problem for row in rows if row.problem]
    counted = f"{len(problems)} of {len(rows)} images: {problems[0]}" if problems else None
    return Summary(images=rows, problem=counted)


def _image(bids: Path, name: str, folder: Path, inside: Path) -> MeasuredImage:
    """Measure one image and write its files under `folder`; its row of the summary.

    inside      the folder of the session in a dataset
    """
    path = bids / name
    suffix = path.name.split(".", 1)[0].rsplit("_", 1)[-1]
    magnitude = not any(f"_part-{part}_" in path.name for part in ("phase", "real", "imag"))
    try:
        measured = measure.measure(images.load(path), path, suffix, magnitude)
        protocol = images.protocol(path)
    except Exception as error:
        return MeasuredImage(file=name, suffix=suffix, metrics={}, problem=problem(error))
    row = MeasuredImage(
        file=name,
        suffix=suffix,
        metrics={key: _short(value) for key, value in measured.metrics.items()},
        unavailable=measured.unavailable,
        outliers=tuple(measured.outliers),
        protocol=protocol,
        figures=tuple(_figures(measured, name, suffix, folder, inside)),
    )
    _write_numbers(row, folder / path.parent.name)
    if measured.columns:
        _write_columns(measured, name, folder / path.parent.name)
    return row


def _write_numbers(row: MeasuredImage, folder: Path) -> None:
    """Write the numbers, protocol and outliers of an image."""
    fields = msgspec.to_builtins(row)
    numbers = {key: fields[key] for key in ("metrics", "unavailable", "outliers", "protocol")}
    target = folder / derivative.derived_name(row.file, "qc", row.suffix, ".json")
    files.write_json(target, numbers | _sources(row.file))


def _write_columns(measured: measure.Measured, name: str, folder: Path) -> None:
    """Write the series by volume, and what its columns are."""
    table = folder / derivative.derived_name(name, "motion", "timeseries", ".tsv")
    lines = ["\t".join(measured.columns)]
    rows = np.column_stack(list(measured.columns.values()))
    lines += ["\t".join(f"{value:.6g}" for value in values) for values in rows]
    files.write_text(table, "\n".join(lines) + "\n")
    columns = {key: COLUMNS[key] for key in measured.columns}
    files.write_json(table.with_suffix(".json"), _sources(name) | columns)


def _figures(
    measured: measure.Measured, name: str, suffix: str, folder: Path, inside: Path
) -> Iterator[str]:
    """Write the figures of an image; their paths in the derivative dataset."""
    for shown, picture in measured.figures.items():
        figure = Path("figures", derivative.derived_name(name, shown, suffix, ".png"))
        files.write_bytes(folder / figure, picture)
        yield (inside / figure).as_posix()


def _sources(name: str) -> dict[str, object]:
    return {"Sources": [f"bids:raw:{name}"]}


def _short(value: object) -> object:
    """Six digits of a number, so that records read well and rounding noise never shows."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def main() -> None:
    """Read the arguments, run, write the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bids", type=Path, required=True)
    parser.add_argument("--subject", required=True)
    parser.add_argument("--session", required=True)
    parser.add_argument("--out", type=Path, required=True)
    words, _ = parser.parse_known_args()
    summary = run(words.bids, words.subject, words.session, words.out)
    files.write_json(words.out / "summary.json", msgspec.to_builtins(summary))


if __name__ == "__main__":
    main()
