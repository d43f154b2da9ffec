"""A first-level model of the task runs of a session: where the brain followed the events.

In:  the session's bold and events files, and its head motion as `qc` measured it
Out: maps, clusters, the design and figures of each run; summary.json

    python glm.py --bids DIR --out DIR --params FILE --subject S --session E --inputs DIR
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import nibabel as nib
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from coil import files
from coil.errors import DataError
from coil.glm import design, model, pictures
from coil.imaging import images
from coil.imaging.derivative import derived_name
from coil.imaging.problems import problem
from coil.records.analysis import Figure, Number, Summary
from coil.workspace import root_of_session

_TERMS = ("hrf", "high_pass_s", "smoothing_mm", "alpha", "cluster_mm3")


class Run:
    """One run of a task: its files, and where what is made of it goes.

    path    the bold file in the dataset
    out     the session's folder in the derivative dataset
    """

    def __init__(self, path: Path, out: Path) -> None:
        self.path, self.out = path, out
        self.base = path.name.removesuffix("_bold.nii.gz")

    @property
    def title(self) -> str:
        """Its name on the session's page: the entities that other runs do not share."""
        return self.base.split("_", 2)[2]

    @property
    def sources(self) -> dict[str, object]:
        """The key of its derivatives' sidecars that says what they were made from."""
        return {"Sources": ["bids:raw:" + "/".join(self.path.parts[-4:])]}

    def file(self, end: str) -> Path:
        """The file of a derivative, by the end of its name."""
        return self.out / "func" / f"{self.base}_{end}"

    def write_figure(self, end: str, picture: bytes, title: str, alt: str) -> Figure:
        """Write a picture; how the page shows it."""
        name = Path("figures", f"{self.base}_{end}.png")
        files.write_bytes(self.out / name, picture)
        inside = (self.out.relative_to(root_of_session(self.out)) / name).as_posix()
        return Figure(file=inside, title=title, alt=alt)


def run(
    bids: Path, motion: Path, subject: str, session: str, params: Mapping[str, Any], out: Path
) -> Summary:
    """Model every run of a session; the summary of what was found.

    `motion` is the derivative dataset of `qc`, `params` are as scripts/analyses/bundled.yaml has
    them. A run that cannot be modelled does not hold up the others.
    """
    inside = Path(f"sub-{subject}", f"ses-{session}")
    task = params.get("task")
    pattern = f"*_task-{design.label(task)}_*bold.nii.gz" if task else "*_task-*bold.nii.gz"
    paths = sorted((bids / inside / "func").glob(pattern))
    if not paths:
        return Summary(skipped=f"no run of the task {task}" if task else "no run of a task")
    summaries: list[Summary] = []
    problems: list[str] = []
    for path in paths:
        try:
            summaries.append(_run(Run(path, out / inside), motion / inside / "func", params))
        except Exception as error:
            problems.append(f"{path.name}: {problem(error)}")
    return Summary(
        numbers={name: n for summary in summaries for name, n in summary.numbers.items()},
        figures=tuple(figure for summary in summaries for figure in summary.figures),
        problem=f"{len(problems)} of {len(paths)} runs: {problems[0]}" if problems else None,
    )


def _run(one: Run, measured: Path, params: Mapping[str, Any]) -> Summary:
    """Model one run and write its files; `measured` is the folder with its head motion."""
    image = _load(one.path)
    tr = images.sidecar(one.path).get("RepetitionTime")
    if not isinstance(tr, int | float) or tr <= 0:
        raise DataError("its sidecar has no RepetitionTime; convert the session anew")
    events = design.read_events(one.path.with_name(f"{one.base}_events.tsv"))
    table = measured / derived_name(one.path.name, "motion", "timeseries", ".tsv")
    confounds = design.read_confounds(
        table if table.is_file() else None, image.shape[3], params["spikes"]
    )
    wanted = design.contrasts(params["contrasts"], sorted(set(events["trial_type"])))
    terms = model.Terms(**{key: params[key] for key in _TERMS})
    fitted = model.fit(image, tr, events, confounds, wanted, terms)
    figures = [_write_design(one, fitted, tr)]
    numbers: dict[str, Number | str | None] = {}
    for contrast, expression in wanted.items():
        result = fitted.results[contrast]
        _write_contrast(one, fitted, contrast, expression, image)
        title = f"{one.title}: {expression}"
        numbers |= _numbers(title, result)
        passed = f"|z| > {fitted.threshold:.2f}, clusters of at least {terms.cluster_mm3:g} mm³"
        picture = pictures.statistic_map(
            result.z, result.passed, fitted.mean, fitted.brain, image.affine, fitted.threshold
        )
        figures.append(
            one.write_figure(
                f"contrast-{contrast}_statmap",
                picture,
                title=f"{title}; in colour: {passed}",
                alt=f"Axial slices with the z values of {expression} beyond the threshold",
            )
        )
    return Summary(numbers=numbers, figures=tuple(figures))


def _load(path: Path) -> Any:
    """The run as nibabel has it; `DataError` where it cannot be read or is no series."""
    with images.readable(path):
        image: Any = nib.load(path)  # pyright: ignore
        np.asanyarray(image.dataobj)
    if len(image.shape) != 4:
        raise DataError("not a series of volumes; correct the mapping")
    return image


def _numbers(title: str, result: model.Result) -> dict[str, Number | str | None]:
    """The row of a contrast on the session's page: its clusters, and its highest peak."""
    numbers: dict[str, Number | str | None] = {f"{title}, clusters": len(result.clusters)}
    best = max(result.clusters, key=lambda one: one.z, default=None)
    if best is not None and best.z > 0:
        numbers[f"{title}, peak z"] = round(best.z, 2)
        numbers[f"{title}, peak at (mm)"] = ", ".join(f"{value:g}" for value in best.peak_mm)
    return numbers


def _write_design(one: Run, fitted: model.Fitted, tr: float) -> Figure:
    """Write the regressors as a table and as a picture."""
    regressors = fitted.design.round(6) + 0.0
    table = one.file("desc-glm_design.tsv")
    files.write_text(table, regressors.to_csv(sep="\t", index=False, lineterminator="\n"))
    files.write_json(table.with_suffix(".json"), one.sources | {"RepetitionTime": tr})
    return one.write_figure(
        "desc-glm_design",
        pictures.design_matrix(fitted.design, tr),
        title=f"{one.title}: design",
        alt="The regressors of the model side by side, time downwards",
    )


def _write_contrast(
    one: Run, fitted: model.Fitted, contrast: str, expression: str, image: Any
) -> None:
    """Write the maps of a contrast and the table of its clusters."""
    result = fitted.results[contrast]
    about = one.sources | {"Contrast": expression}
    limits = {"z": {"Threshold": round(fitted.threshold, 4)}, "effect": {"Units": "percent"}}
    for kind, values in (("z", result.z), ("effect", result.effect)):
        volume = nib.Nifti1Image(values.astype(np.float32), image.affine)
        volume.header.set_xyzt_units("mm")
        name = f"contrast-{contrast}_stat-{kind}_statmap"
        files.write_bytes(one.file(f"{name}.nii.gz"), files.packed(volume.to_bytes()))
        files.write_json(one.file(f"{name}.json"), about | limits[kind])
    rows = ["\t".join(("x", "y", "z", "size", "peak"))]
    for cluster in result.clusters:
        row = (*cluster.peak_mm, cluster.size_mm3, round(cluster.z, 3))
        rows.append("\t".join(f"{value:g}" for value in row))
    table = one.file(f"contrast-{contrast}_clusters.tsv")
    files.write_text(table, "\n".join(rows) + "\n")
    files.write_json(table.with_suffix(".json"), about | _COLUMNS)


_COLUMNS = {
    **{axis: {"Description": f"Peak, {axis} of the scanner", "Units": "mm"} for axis in "xyz"},
    "size": {"Description": "Volume of the cluster", "Units": "mm^3"},
    "peak": {"Description": "z value of the peak"},
}


def main() -> None:
    """Read the arguments, run, write the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("bids", "out", "params", "inputs"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--subject", required=True)
    parser.add_argument("--session", required=True)
    words = parser.parse_args()
    params = files.read_json(words.params)
    motion = words.inputs / "qc"
    summary = run(words.bids, motion, words.subject, words.session, params, words.out)
    files.write_json(words.out / "summary.json", msgspec.to_builtins(summary))


if __name__ == "__main__":
    main()
