"""Every series of a session ends in exactly one state, with the reason in one line."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from coil.bids import names
from coil.bids.mapping.duplicates import tell_apart
from coil.bids.mapping.mapping import Mapping
from coil.bids.mapping.physio_logs import name_logs
from coil.bids.mapping.resolution import Resolution
from coil.bids.mapping.rules import Match, Origin, Rule
from coil.bids.series.broken import BrokenSeriesError
from coil.bids.series.series import Series
from coil.deid.pixels import set_aside
from coil.errors import DataError

_SESSION_LASTS = timedelta(hours=24)


def resolve(
    series: Sequence[Series], mapping: Mapping, subject: str, session: str
) -> list[Resolution]:
    """Give every series its one state; the order of `series` does not matter.

    Parameters
    ----------
    series
        The session's series.
    mapping
        The project's rules.
    subject, session
        BIDS labels without `sub-` and `ses-`.

    Returns
    -------
    One row per series in order of acquisition, then one per required rule that nothing took.

    Raises
    ------
    DataError
        If the session holds more than one subject or visit.
    """
    ordered = sorted(series, key=lambda one: one.order)
    check_visit(ordered)
    resolved = [_resolve_one(one, mapping, subject, session) for one in ordered]
    resolved = _open_by_others(resolved, mapping)
    tell_apart(resolved, mapping.rules)
    resolved = name_logs(resolved, mapping.rules)
    return [*resolved, *missing(resolved, mapping)]


def check_visit(series: Iterable[Series]) -> None:
    """Refuse a session of more than one subject or visit.

    A visit may be two DICOM studies (the subject left the scanner and came back): the same
    subject, within 24 hours.
    """
    known = list(series)
    if len({one.patient_id for one in known if one.patient_id}) > 1:
        raise DataError(
            "two subjects in one session: its DICOM files carry different patient IDs; "
            "split the session in the archive"
        )
    times = [datetime.fromisoformat(one.acq_time) for one in known if one.acq_time]
    studies = {one.study_uid for one in known if one.study_uid}
    if len(studies) > 1 and times and max(times) - min(times) > _SESSION_LASTS:
        raise DataError(
            "two visits in one session: its DICOM studies lie more than 24 hours apart; "
            "split the session in the archive"
        )


def _resolve_one(series: Series, mapping: Mapping, subject: str, session: str) -> Resolution:
    """The state of a series by itself, before names are compared."""
    if series.broken:
        return Resolution(series, "failed", series.broken)
    if series.folder is None and (series.problem or not series.listed):
        return Resolution(series, "incomplete", "the archive holds no DICOM for this scan")
    try:
        row = _resolve_known(series, mapping, subject, session)
    except BrokenSeriesError as error:  # a rule asked for a header that cannot be used
        return Resolution(series, "failed", error.reason)
    except DataError as error:
        return Resolution(series, "failed", str(error))
    for note in filter(None, (set_aside(len(series.aside)), _left(series.strays))):
        row = row.adding("; ", note)
    return row


def _left(strays: int) -> str:
    files = "1 file that is" if strays == 1 else f"{strays} files that are"
    return f"{files} no DICOM left out" if strays else ""


def _resolve_known(series: Series, mapping: Mapping, subject: str, session: str) -> Resolution:
    """The state of a series whose headers can be used as far as they were asked for."""
    matches = mapping.matches(series)
    if not series.is_image and not any(match.rule.is_log for match in matches):
        reasons = [_ignored(series, match.rule) for match in matches if match.rule.ignore]
        unasked = Resolution(series, "ignored", "holds no image (a report or raw data)")
        return reasons[0] if reasons else unasked
    if series.is_derived and not matches:
        reason = "computed by the scanner; no rule asks for it by image_type"
        return Resolution(series, "derived", reason)
    sure = [match for match in matches if match.sure]
    if not matches:
        row = Resolution(series, "unmapped", "no rule takes it")
    elif len(sure) == 1 or len(matches) == 1:
        likely, *_ = sure or matches
        row = _resolve_matched(series, likely, subject, session)
        if others := [match for match in matches if match is not likely]:
            row = row.adding(", ", f"unless its header fits {_named(others)}")
            row = replace(row, waits=True, may_take=_origins(others))
    else:
        row = _ambiguous(series, matches)
    return replace(row, open=_open(series, row, matches))


def _open(series: Series, row: Resolution, matches: list[Match]) -> frozenset[str]:
    """What of a series by itself is open."""
    found = frozenset().union(*(match.open for match in matches))
    if row.state == "ignored":
        return found
    # The scanner may have computed it, and it may hold no image.
    found |= {key for key in ("image_type", "sop_class") if not series.knows(key)}
    expected = {key for match in matches for key in match.rule.expect}
    return found | {key for key in expected if not series.knows(key)}


def _open_by_others(resolved: list[Resolution], mapping: Mapping) -> list[Resolution]:
    """The rows, open also by what is open of series that may get the same name.

    That may be any of the same suffix: a named group that fills an entity may be open.
    """
    waiting: dict[str, frozenset[str]] = defaultdict(frozenset)
    for row in resolved:
        if row.series and row.open:
            for match in mapping.matches(row.series):
                waiting[match.rule.target] |= row.open
    return [
        replace(row, open=row.open | waiting[mapping.rules[row.rule].target])
        if row.name and row.rule is not None
        else row
        for row in resolved
    ]


def _resolve_matched(series: Series, match: Match, subject: str, session: str) -> Resolution:
    rule = match.rule
    if rule.ignore is not None:
        return _ignored(series, rule)
    if rule.problem is not None:
        return Resolution(series, "unmapped", rule.problem, rule.index).by(rule.origin, ": ")
    if rule.is_log:
        return Resolution(series, "mapped", "", rule.index).by(rule.origin)
    try:
        name = rule.name(match.groups, subject, session)
    except ValueError as error:
        return _unnamed(series, rule, str(error))
    problem = names.name_problem(_as_converted(name))
    if problem is not None:
        return _unnamed(series, rule, problem)
    short, extra = _against(series, rule)
    if short:
        why = f"{short}: aborted or not wholly archived"
        return Resolution(series, "incomplete", why, rule.index)
    if series.judged.text:
        return Resolution(series, "refused", series.judged.text, rule.index)
    row = Resolution(series, "mapped", "", rule.index, name, waits=bool(match.open)).by(rule.origin)
    if match.open:
        row = row.adding(", ", f"if its header agrees on {', '.join(sorted(match.open))}")
    for note in extra:
        row = row.adding("; ", note)
    return row


def _unnamed(series: Series, rule: Rule, problem: str) -> Resolution:
    unmapped = Resolution(series, "unmapped", f"takes it, but {problem}", rule.index)
    return unmapped.by(rule.origin, " ")


def _against(series: Series, rule: Rule) -> tuple[str | None, list[str]]:
    """What the series lacks of what its rule expects, and what it has more of."""
    extra = []
    for key, wanted in rule.expect.items():
        if not series.knows(key):
            continue
        for found in series.numbers(key):
            if found < wanted.low:
                return f"{found:g} of {wanted.low:g} {key}", []
            if found > wanted.high:
                extra.append(f"{found:g} {key} where {wanted.high:g} are expected")
    return None, extra


def missing(resolved: list[Resolution], mapping: Mapping) -> list[Resolution]:
    """A row for every required rule that no series took."""
    taken = _rules_of((row for row in resolved if row.state == "mapped"), mapping)
    seen = _rules_of(resolved, mapping)
    return [
        Resolution(
            None,
            "missing",
            f"{rule.target} is required by the protocol; "
            + ("no complete series of it" if rule.index in seen else "no series took it"),
            rule.index,
        )
        for rule in mapping.rules
        if rule.required and rule.index not in taken
    ]


def _rules_of(rows: Iterable[Resolution], mapping: Mapping) -> set[int | None]:
    """The rules of the rows, also those that an override amended."""
    rules = {row.rule for row in rows}
    return rules | {mapping.rules[index].amends for index in rules if index is not None}


def _ignored(series: Series, rule: Rule) -> Resolution:
    return Resolution(series, "ignored", rule.ignore or "", rule.index)


def _ambiguous(series: Series, matches: list[Match]) -> Resolution:
    rules = _named(matches)
    unknown = sorted({key for match in matches for key in match.open})
    if not unknown:
        note = f"{rules} take it; narrow one or set a priority"
        return Resolution(series, "ambiguous", note)
    note = f"{rules} may take it; its header decides by {', '.join(unknown)}"
    return Resolution(series, "ambiguous", note, waits=True, may_take=_origins(matches))


def _origins(matches: Iterable[Match]) -> frozenset[Origin]:
    return frozenset(match.rule.origin for match in matches)


def _named(matches: list[Match]) -> str:
    return " and ".join(f"{match.rule.origin} ({match.rule.target})" for match in matches)


def _as_converted(name: str) -> str:
    """The name of the first image that the converter makes of a series so named."""
    datatype, suffix, values = names.split(name)
    kind = names.kind(datatype, suffix)
    if datatype == "fmap" and suffix in names.NUMBERED:
        suffix = names.NUMBERED[suffix][0]
    if kind:
        values = dict.fromkeys(kind.required & names.SPLIT_BY_CONVERTER, "1") | values
    return names.join(datatype, suffix, values)
