"""A first-level model of the task runs of a session: where the brain followed the events.

In:  the session's bold and events files, and its head motion as `qc` measured it
Out: maps, clusters, the design and figures of each run; summary.json

    python glm.py --bids DIR --out DIR --params FILE --subject S --session E --inputs DIR
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from coil import files
from coil.errors import DataError
from coil.glm import design, model, pictures
from coil.imaging.derivative import derived_name

_TERMS = ("hrf", "high_pass_s", "smoothing_mm", "alpha", "cluster_mm3")


def run(
    bids: Path, motion: Path, subject: str, session: str, params: dict[str, Any], out: Path
) -> dict[str, Any]:
    """Model every run of a session; returns the summary.

    `motion` is the derivative dataset of `qc`, `params` are as scripts/analyses/bundled.yaml has
    them. A run that cannot be modelled does not hold up the others.
    """
    place = Path(f"sub-{subject}", f"ses-{session}")
    task = params.get("task")
    named = f"*_task-{design.label(task)}_*bold.nii.gz" if task else "*_task-*bold.nii.gz"
    runs = sorted((bids / place / "func").glob(named))
    if not runs:
        return {"skipped": f"no run of the task {task}" if task else "no run of a task"}
    summary: dict[str, Any] = {"numbers": {}, "figures": []}
    problems = []
    for path in runs:
        try:
            _run(path, motion / place / "func", params, out / place, summary)
        except DataError as error:
            problems.append(f"{path.name}: {error}")
    if problems:
        summary["problem"] = f"{len(problems)} of {len(runs)} runs: {problems[0]}"
    return summary


def _run(
    path: Path, measured: Path, params: dict[str, Any], out: Path, summary: dict[str, Any]
) -> None:
    """Model one run, write its files below `out`, and add it to the summary."""
    image: Any = nib.load(path)  # pyright: ignore
    if len(image.shape) != 4:
        raise DataError("not a series of volumes; correct the mapping")
    series = files.read_json(path.with_name(path.name.replace(".nii.gz", ".json")))
    events = design.read_events(path.with_name(path.name.replace("_bold.nii.gz", "_events.tsv")))
    table = measured / derived_name(path.name, "motion", "timeseries", ".tsv")
    confounds = design.read_confounds(
        table if table.is_file() else None, image.shape[3], params["spikes"]
    )
    wanted = design.contrasts(params["contrasts"], sorted(set(events["trial_type"])))
    terms = model.Terms(**{key: params[key] for key in _TERMS})
    fitted = model.fit(image, series["RepetitionTime"], events, confounds, wanted, terms)
    base = path.name.removesuffix("_bold.nii.gz")
    name = base.split("_", 2)[2]
    _write_design(fitted, series["RepetitionTime"], path, base, out, summary)
    for contrast, expression in wanted.items():
        found = fitted.found[contrast]
        _write_contrast(fitted, contrast, expression, found, image, path, base, out)
        title = f"{name}: {expression}"
        summary["numbers"] |= _numbers(title, found)
        picture = Path("figures", f"{base}_contrast-{contrast}_statmap.png")
        shown = (found.z, found.passed, fitted.mean, fitted.brain)
        files.write_bytes(
            out / picture, pictures.statistic_map(*shown, image.affine, fitted.threshold)
        )
        told = f"|z| > {fitted.threshold:.2f}, clusters of at least {terms.cluster_mm3:g} mm³"
        summary["figures"].append(
            {
                "file": (out.relative_to(out.parent.parent) / picture).as_posix(),
                "title": f"{title}; in colour: {told}",
                "alt": f"Axial slices with the z values of {expression} beyond the threshold",
            }
        )


def _numbers(title: str, found: model.Found) -> dict[str, Any]:
    """The row of a contrast on the session's page: its clusters, and its highest peak."""
    numbers: dict[str, Any] = {f"{title}, clusters": len(found.clusters)}
    best = max(found.clusters, key=lambda one: one.z, default=None)
    if best is not None and best.z > 0:
        numbers[f"{title}, peak z"] = round(best.z, 2)
        numbers[f"{title}, peak at (mm)"] = ", ".join(f"{value:g}" for value in best.peak_mm)
    return numbers


def _write_design(
    fitted: model.Fitted, tr: float, path: Path, base: str, out: Path, summary: dict[str, Any]
) -> None:
    table = fitted.design.round(6) + 0.0
    text = table.to_csv(sep="\t", index=False, lineterminator="\n")
    files.write_text(out / "func" / f"{base}_desc-glm_design.tsv", text)
    files.write_json(
        out / "func" / f"{base}_desc-glm_design.json",
        {"Sources": [_source(path)], "RepetitionTime": tr},
    )
    picture = Path("figures", f"{base}_desc-glm_design.png")
    files.write_bytes(out / picture, pictures.design_matrix(fitted.design, tr))
    summary["figures"].append(
        {
            "file": (out.relative_to(out.parent.parent) / picture).as_posix(),
            "title": f"{base.split('_', 2)[2]}: design",
            "alt": "The regressors of the model side by side, time downwards",
        }
    )


def _write_contrast(
    fitted: model.Fitted,
    contrast: str,
    expression: str,
    found: model.Found,
    image: Any,
    path: Path,
    base: str,
    out: Path,
) -> None:
    told = {"Sources": [_source(path)], "Contrast": expression}
    for kind, values in (("z", found.z), ("effect", found.effect)):
        target = out / "func" / f"{base}_contrast-{contrast}_stat-{kind}_statmap.nii.gz"
        made = nib.Nifti1Image(values.astype(np.float32), image.affine)
        made.header.set_xyzt_units("mm")
        files.write_bytes(target, files.packed(made.to_bytes()))
        limit = {"Threshold": round(fitted.threshold, 4)} if kind == "z" else {"Units": "percent"}
        files.write_json(target.with_name(target.name.replace(".nii.gz", ".json")), told | limit)
    rows = ["\t".join(("x", "y", "z", "size", "peak"))]
    for one in found.clusters:
        rows.append("\t".join(f"{v:g}" for v in (*one.peak_mm, one.size_mm3, round(one.z, 3))))
    table = out / "func" / f"{base}_contrast-{contrast}_clusters.tsv"
    files.write_text(table, "\n".join(rows) + "\n")
    files.write_json(table.with_suffix(".json"), told | _COLUMNS)


_COLUMNS = {
    **{axis: {"Description": f"Peak, {axis} of the scanner", "Units": "mm"} for axis in "xyz"},
    "size": {"Description": "Volume of the cluster", "Units": "mm^3"},
    "peak": {"Description": "z value of the peak"},
}


def _source(path: Path) -> str:
    return "bids:raw:" + "/".join(path.parts[-4:])


def main() -> None:
    """Read the arguments, run, write the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("bids", "out", "params", "inputs"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--subject", required=True)
    parser.add_argument("--session", required=True)
    given = parser.parse_args()
    params = files.read_json(given.params)
    motion = given.inputs / "qc"
    summary = run(given.bids, motion, given.subject, given.session, params, given.out)
    files.write_json(given.out / "summary.json", summary)


if __name__ == "__main__":
    main()
