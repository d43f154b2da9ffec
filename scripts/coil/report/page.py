"""From a template and values to one self-contained HTML file."""

import base64
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from coil.records.session import SessionRecord
from coil.records.validation import Issue, Verdict
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


def render(template: str, **values: object) -> str:
    """The page of `template` with `values`; every value is escaped."""
    return _environment().get_template(template).render(**values)


def data_uri(path: Path) -> str | None:
    """A PNG as a data URI; None if it is not there."""
    if not path.is_file():
        return None
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def count_states(states: Iterable[str]) -> dict[str, int]:
    """How many series are in each state, in the order of `words.STATES`; only states that occur.

    A required series that is missing is counted as such though there is no series.
    """
    counts: Counter[str] = Counter(states)
    known = {state: counts[state] for state in words.STATES if counts[state]}
    return known | {state: counts[state] for state in sorted(counts) if state not in known}


@dataclass(frozen=True)
class Remark:
    """The validator's issues of one code and reason.

    count      of the issues
    location   of the first
    reason     why they are there; None if it is not known
    keys       that files lack, sorted
    """

    severity: str
    code: str
    count: int
    location: str
    reason: str | None
    keys: tuple[str, ...]


def issues(verdict: Verdict | None) -> list[Remark]:
    """The validator's issues, errors first, those with one code and reason in one."""
    groups: dict[tuple[str, str, str], list[Issue]] = {}
    for issue in verdict.issues if verdict else ():
        key = issue.severity, issue.code, remarks.reason(issue) or ""
        groups.setdefault(key, []).append(issue)
    ordered = sorted(groups, key=lambda key: (key[0] != "error", key))
    return [_remark(*key, groups[key]) for key in ordered]


def _remark(severity: str, code: str, reason: str, group: Sequence[Issue]) -> Remark:
    keys = {key for issue in group if (key := remarks.absent_key(issue))}
    location = group[0].location
    return Remark(severity, code, len(group), location, reason or None, tuple(sorted(keys)))


def versions(records: Iterable[SessionRecord]) -> dict[str, str]:
    """Each tool with all the versions that made the sessions of these records."""
    used: dict[str, set[str]] = {}
    for tool, version in (pair for record in records for pair in record.versions.items()):
        used.setdefault(tool, set()).add(version or "")
    return {tool: ", ".join(sorted(used[tool])) for tool in sorted(used)}


def base_name(file: str) -> str:
    """A file's BIDS name without subject, session and extension, for headings.

    >>> base_name("sub-1/ses-2/func/sub-1_ses-2_task-rest_run-1_bold.nii.gz")
    'task-rest_run-1_bold'
    """
    stem = file.rsplit("/", 1)[-1].split(".", 1)[0]
    return "_".join(part for part in stem.split("_") if not part.startswith(("sub-", "ses-")))
