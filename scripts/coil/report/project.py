"""The page of a project: all sessions, their numbers side by side, what became of the series."""

from collections.abc import Mapping, Sequence
from typing import Any

from coil.report import analyses, group, page, words
from coil.report.analyses import failed
from coil.report.analyses import images as measured


def render(project: Mapping[str, Any]) -> str:
    """A project's page as self-contained HTML; the same input gives the same text.

    project     name        of the study
                project     its label
                sessions    of each: record (admit.json), analyses (their records by name),
                            report (relative link or None), push (receipt or None)
                analyses    (may be absent) name, place and record of every analysis
                results     (may be absent) the folder of the project's results
                validator   errors, warnings, issues of the dataset, None if it was not run
                derivatives (may be absent) the same for each derivative dataset, by its name
                dataset     path of the dataset
                versions    program to version
                participants    how many are in the dataset
                problems    (may be absent) what, and reason, of each table, column or rows of the
                            dataset that was left out
    """
    sessions = [_session(session) for session in project["sessions"]]
    groups = group.gather(sessions)
    marked = group.outlying(groups)
    for session in sessions:
        session["cells"] = _cells(session, marked)
    counts = page.count_states(
        row for session in sessions for row in session["record"].get("series") or []
    )
    records = project.get("analyses") or []
    return page.render(
        "project.html",
        project=project,
        sessions=sessions,
        done=[session for session in sessions if session["done"]],
        failed=[session for session in sessions if not session["done"]],
        pushed=sum(bool(session["push"]) for session in sessions),
        columns=_columns(sessions),
        counts=counts,
        total=sum(counts.values()),
        open_series=_open_series(sessions),
        groups={name: group.strips(metrics) for name, metrics in groups.items()},
        marked=sum(len(found) for found in marked.values()),
        limit=group.LIMIT,
        away=group.AWAY,
        fewest=group.FEWEST,
        differences=group.protocol_differences(sessions),
        validator=project.get("validator"),
        derivatives={
            name: {"validator": verdict, "issues": page.issues(verdict or {})}
            for name, verdict in sorted((project.get("derivatives") or {}).items())
        },
        issues=page.issues(project.get("validator") or {}),
        counts_of_analyses=analyses.counts((name, found) for name, _, found in records),
        analyses=[
            analyses.outcome(name, found, project["results"].derivatives, place)
            for name, place, found in records
            if "_ses-" not in place
        ],
        versions=project.get("versions") or {},
        problems=project.get("problems") or [],
    )


# The overview's columns: heading, suffix, metric, and which image of several stands for it.
_OVERVIEW = (
    ("T1w SNR", "T1w", "snr_air", min),
    ("tSNR", "bold", "tsnr_median", min),
    ("FD mean, mm", "bold", "fd_mean", max),
    ("Slices lost", "dwi", "outlier_slices", max),
)


def _session(session: Mapping[str, Any]) -> dict[str, Any]:
    record = session["record"]
    series = record.get("series") or []
    counts = page.count_states(series)
    return {
        "record": record,
        "images": measured(session["analyses"]),
        "failed_analyses": failed(session["analyses"]),
        "report": session.get("report"),
        "push": session.get("push"),
        "label": f"sub-{record['subject']} ses-{record['session']}",
        "done": record["state"] == "done",
        "counts": counts,
        "total": len(series),
        "open": sum(counts.get(state, 0) for state in words.ATTENTION),
    }


def _columns(sessions: Sequence[Mapping[str, Any]]) -> list[str]:
    """The headings of the overview's metrics that any session has."""
    suffixes = {image["suffix"] for session in sessions for image in session["images"]}
    return [heading for heading, suffix, _, _ in _OVERVIEW if suffix in suffixes]


def _cells(
    session: Mapping[str, Any], marked: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, Any]]:
    """Heading to the number shown for the session and whether it stands out."""
    images = session["images"]
    cells = {}
    for heading, suffix, metric, choose in _OVERVIEW:
        found = {
            image["file"]: image["metrics"][metric]
            for image in images
            if image["suffix"] == suffix and image["metrics"].get(metric) is not None
        }
        if found:
            out = any(metric in marked.get(file, {}) for file in found)
            cells[heading] = {"text": words.number(choose(found.values()), even=True), "out": out}
        elif any(image["suffix"] == suffix for image in images):
            cells[heading] = {"text": "n/a", "out": False}
    return cells


def _open_series(sessions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The series that somebody should decide about, with their session's label."""
    return [
        {"session": session["label"], "report": session["report"], **row}
        for session in sessions
        for row in session["record"].get("series") or []
        if row["state"] in words.ATTENTION
    ]
