"""What a page shows of analyses: what became of each, with its numbers, figures and pages."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from coil.report import page


def outcome(
    name: str, found: Mapping[str, Any], derivatives: Path, place: str | None = None
) -> dict[str, Any]:
    """One analysis for `parts.analyses`.

    name            of the analysis
    found           its record
    derivatives     the folder with the derivative datasets
    place           what it was run on, where the page has to say so
    """
    shown = [_figure(name, figure, derivatives) for figure in found["summary"].get("figures", [])]
    return {
        "name": name,
        "place": place,
        "state": found["state"],
        "reason": found["reason"],
        "log": found["log"] if found["state"] == "failed" else None,
        "files": len(found["files"]),
        "numbers": found["summary"].get("numbers", {}),
        "figures": [figure for figure in shown if figure["source"]],
        "pages": [
            f"../derivatives/{name}/{file}" for file in found["files"] if file.endswith(".html")
        ],
    }


def images(analyses: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The images that any of a session's analyses measured, with its name as `by`."""
    return [
        {**image, "by": name}
        for name, found in analyses.items()
        for image in found["summary"].get("images", [])
    ]


def failed(analyses: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The names of those that failed."""
    return [name for name, found in analyses.items() if found["state"] == "failed"]


def counts(records: Iterable[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """How often each analysis was done, failed and was skipped, from names and records."""
    rows: dict[str, dict[str, Any]] = {}
    for name, found in records:
        row = rows.setdefault(name, {"name": name, "done": 0, "failed": 0, "skipped": 0})
        row[found["state"]] += 1
    return list(rows.values())


def _figure(name: str, figure: Mapping[str, Any], derivatives: Path) -> dict[str, Any]:
    title = figure.get("title") or name
    source = page.data_uri(derivatives / name / figure["file"])
    return {"title": title, "alt": figure.get("alt") or title, "source": source}
