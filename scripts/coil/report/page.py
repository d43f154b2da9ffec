"""From a template and values to one self-contained HTML file."""

import base64
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from coil.report import remarks, words
from coil.words import plural

_TEMPLATES = Path(__file__).parent / "templates"


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals.update(
        number=words.number,
        metric=words.metric,
        field=words.field,
        plural=plural,
        sentence=words.sentence,
        states=words.STATES,
        attention=words.ATTENTION,
        style=Markup((_TEMPLATES / "style.css").read_text(encoding="utf-8")),
    )
    return environment


def render(template: str, **values: Any) -> str:
    """The page of `template` with `values`; every value is escaped."""
    return _environment().get_template(template).render(**values)


def data_uri(path: Path) -> str | None:
    """A PNG as a data URI; None if it is not there."""
    if not path.is_file():
        return None
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def count_states(series: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many series are in each state, in the order of `words.STATES`; only states that occur.

    A required series that is missing is counted as such though there is no series.
    """
    counts = Counter(str(row["state"]) for row in series)
    known = {state: counts[state] for state in words.STATES if counts[state]}
    return known | {state: counts[state] for state in sorted(counts) if state not in known}


def issues(validator: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The validator's issues, errors first, those with one code and reason in one.

    Each has severity, code, count, one location, the reason (None if it is not known) and the
    keys that files lack, sorted.
    """
    groups: dict[tuple[str, str, str], dict[str, Any]] = {}
    for issue in validator.get("issues") or []:
        severity, code = str(issue.get("severity", "")), str(issue.get("code", ""))
        reason = remarks.reason(issue)
        group = groups.setdefault(
            (severity, code, reason or ""),
            {
                "severity": severity,
                "code": code,
                "count": 0,
                "location": issue.get("location"),
                "reason": reason,
                "keys": set(),
            },
        )
        group["count"] += 1
        group["keys"] |= {remarks.absent_key(issue)} - {None}
    ordered = sorted(groups, key=lambda key: (key[0] != "error", key))
    return [groups[key] | {"keys": sorted(groups[key]["keys"])} for key in ordered]


def versions(records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Each tool with all the versions that made the sessions of these records."""
    used: dict[str, set[str]] = {}
    for record in records:
        for tool, version in (record.get("versions") or {}).items():
            used.setdefault(tool, set()).add(version)
    return {tool: ", ".join(sorted(used[tool])) for tool in sorted(used)}


def base_name(file: str) -> str:
    """A file's BIDS name without subject, session and extension, for headings.

    >>> base_name("sub-1/ses-2/func/sub-1_ses-2_task-rest_run-1_bold.nii.gz")
    'task-rest_run-1_bold'
    """
    stem = file.rsplit("/", 1)[-1].split(".", 1)[0]
    return "_".join(part for part in stem.split("_") if not part.startswith(("sub-", "ses-")))
