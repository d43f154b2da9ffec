"""The page of one session."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coil.report import page, words
from coil.report.analyses import images as measured
from coil.report.analyses import outcome
from coil.words import plural


def render(
    record: Mapping[str, Any], analyses: Mapping[str, Mapping[str, Any]], derivatives: Path
) -> str:
    """One session's page as self-contained HTML; the same input gives the same text.

    record          the session's record (admit.json)
    analyses        the records of its analyses (<name>.json) by name
    derivatives     the folder with their derivative datasets
    """
    images = [_image(image, derivatives / image["by"]) for image in measured(analyses)]
    series = record.get("series") or []
    return page.render(
        "session.html",
        record=record,
        label=f"sub-{record['subject']} · ses-{record['session']}",
        done=record["state"] == "done",
        stage=words.STAGES.get(record.get("stage") or "", ""),
        series=series,
        counts=page.count_states(series),
        analyses=[outcome(name, found, derivatives) for name, found in analyses.items()],
        images=images,
        points=points(record, analyses),
        validator=record.get("validator"),
        issues=page.issues(record.get("validator") or {}),
        deface=record.get("deface") or [],
        leak=record.get("leak_check"),
        removed=record.get("removed") or {},
        protection=record.get("protection"),
        versions=record.get("versions") or {},
    )


def points(record: Mapping[str, Any], analyses: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What a reader of this session should look at, one line each, most important first."""
    result = []
    validator = record.get("validator") or {}
    if validator.get("errors"):
        result.append(f"The validator found {plural(validator['errors'], 'error')}.")
    counts = page.count_states(record.get("series") or [])
    for state in words.ATTENTION:
        if counts.get(state):
            result.append(f"{plural(counts[state], 'series', 'series')} {state}.")
    for name, found in analyses.items():
        if found["state"] == "failed":
            result.append(f"The analysis {name} failed: {found['reason'].rstrip('.')}.")
    for image in measured(analyses):
        name = page.base_name(image["file"])
        start = image["metrics"].get("nonsteady_volumes")
        if start:
            result.append(f"{name}: {plural(start, 'volume')} at the start not steady.")
        result += [
            f"{name}: {outlier(found)}." for found in image.get("outliers") or [] if found["count"]
        ]
    return result


def outlier(found: Mapping[str, Any]) -> str:
    """One kind of outliers of an image in words, with the limit they were judged by."""
    unit = found["unit"] if found["of"] != 1 else found["unit"].rstrip("s")
    return f"{found['count']:,} of {found['of']:,} {unit} with {found['limit']}"


def _image(image: Mapping[str, Any], root: Path) -> dict[str, Any]:
    name = page.base_name(image["file"])
    figures = []
    for path in image.get("figures") or []:
        kind = path.rsplit("_desc-", 1)[-1].split("_", 1)[0]
        title, alt = words.FIGURES.get(kind, (kind, kind))
        source = page.data_uri(root / path)
        if source:
            figures.append(
                {"kind": kind, "title": title, "alt": f"{alt}: {name}", "source": source}
            )
    return {
        "name": name,
        "id": name.replace("_", "-"),
        "file": image["file"],
        "metrics": image["metrics"],
        "unavailable": image.get("unavailable") or {},
        "outliers": [
            {"text": outlier(found), "count": found["count"], "volumes": _volumes(found["volumes"])}
            for found in image.get("outliers") or []
        ],
        "protocol": image.get("protocol") or {},
        "problem": image.get("problem"),
        "figures": figures,
    }


def _volumes(numbers: list[int]) -> str:
    return f"volume{'s' if len(numbers) > 1 else ''} {_ranges(numbers)}" if numbers else ""


def _ranges(numbers: list[int]) -> str:
    """Sorted numbers with runs drawn together.

    >>> _ranges([1, 2, 3, 7])
    '1\u20133, 7'
    """
    parts: list[list[int]] = []
    for value in numbers:
        if parts and value == parts[-1][-1] + 1:
            parts[-1].append(value)
        else:
            parts.append([value])
    return ", ".join(f"{p[0]}\u2013{p[-1]}" if len(p) > 1 else str(p[0]) for p in parts)
