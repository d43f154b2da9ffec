"""Which sessions the config's `select` takes, and which of their scans.

All of it is decided here and none by the server: only so can a session that the archive no
longer lists be told from one that the config leaves out, and the one request for the whole
project is the same whatever is selected.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from coil.archive.listing import Session
from coil.records.listing import Scan

Select = Mapping[str, Any]
_TYPE = re.compile(r".*:(\w+?)(?:Session(?:Data)?)?", re.IGNORECASE)


def select(sessions: Iterable[Session], settings: Select) -> list[Session]:
    """The sessions that the config's `select` takes."""
    return [session for session in sessions if _selected(session, settings)]


def needs(settings: Select) -> list[str]:
    """The columns of sessions without which the config's `select` cannot be followed."""
    chosen = settings["scanners"] not in ("*", ["*"])
    return ["scanner", "manufacturer", "model"] if chosen else []


def scan_filter(settings: Select) -> Callable[[Scan], bool]:
    """Whether the config's `select` takes a scan."""
    qualities = {quality.lower() for quality in settings["scan_quality"]}

    @cache  # a project's scans are of few types
    def taken(quality: str, scan_type: str) -> bool:
        return (
            (quality or "usable").lower() in qualities
            and matches(scan_type, settings["scan_types"])
            and not matches(scan_type, settings["skip_scan_types"])
        )

    return lambda scan: taken(scan.quality, scan.type)


def matches(text: str, patterns: str | Iterable[str]) -> bool:
    """Whether a text fits one of the patterns."""
    patterns = [patterns] if isinstance(patterns, str) else patterns
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def labels_selected(subject: str, session: str, settings: Select) -> bool:
    """Whether `select` takes sessions of these labels."""
    return matches(subject, settings["subjects"]) and matches(session, settings["sessions"])


def kind(xsi_type: str) -> str:
    """The kind of session of an XNAT type: `MR` for `xnat:mrSessionData`."""
    match = _TYPE.fullmatch(xsi_type)
    return (match[1] if match else xsi_type).upper()


def _selected(session: Session, settings: Select) -> bool:
    return (
        labels_selected(session.subject_label, session.label, settings)
        and _any_case([kind(session.type)], settings["session_types"])
        and _any_case(session.scanner or ("",), settings["scanners"])
        and _in_range(session.date, settings.get("after"), settings.get("before"))
    )


def _any_case(texts: Iterable[str], patterns: str | Iterable[str]) -> bool:
    """Whether one of the texts fits one of the patterns, in capitals or not."""
    patterns = [patterns] if isinstance(patterns, str) else patterns
    lower = [pattern.lower() for pattern in patterns]
    return any(matches(text.lower(), lower) for text in texts)


def _in_range(day: str, first: str | None, last: str | None) -> bool:
    if not (first or last):
        return True
    try:
        date.fromisoformat(day)
    except ValueError:  # without a date a session cannot be said to lie in a range
        return False
    return (first or day) <= day <= (last or day)
