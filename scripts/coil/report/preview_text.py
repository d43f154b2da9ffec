"""The preview of a mapping as text, for the terminal."""

from collections.abc import Sequence

from coil.bids.draft.preview import Alike, Line, Previewed, Question, group, questions
from coil.bids.draft.uses import Use
from coil.bids.mapping.rules import Rule
from coil.report.terminal import printable
from coil.words import plural

_HEADER = ("", "scan", "description", "state", "name", "rule", "why")
_MARKS = {"more": "+", "less": "-", "": ""}
_COLOURS = {"heading": "2", "open": "33", "waits": "36", "quiet": "2"}
_SHOWN = 12
"""So many groups and questions are shown; the page has them all."""


def render(
    project: str, sessions: Sequence[Previewed], used: Sequence[Use], colour: bool = False
) -> str:
    """Everything that a person should know before the sessions are pulled.

    Series that ask for a decision come first, then the sessions: those with such a series,
    those that are unlike most, the usual. Of what is unlike, only the difference is shown.
    `used` tells what the entries of the mapping take, in all sessions.
    """
    groups, asked = group(sessions), questions(sessions)
    parts = [_headline(project, sessions, groups)]
    if len(sessions) > 1 and asked:
        parts.append(_questions(asked, len(sessions), colour))
    parts += [_group(one, colour) for one in groups[:_SHOWN]]
    if len(groups) > _SHOWN:
        left = sum(len(one.units) for one in groups[_SHOWN:])
        parts.append(f"... and {plural(left, 'session')} in {len(groups) - _SHOWN} more groups")
    if idle := [f"  {one.origin} ({one.target})" for one in used if one.idle]:
        parts.append("rules that take nothing\n" + "\n".join(idle))
    return "\n\n".join(parts)


def _headline(project: str, sessions: Sequence[Previewed], groups: Sequence[Alike]) -> str:
    rows = [row for one in sessions for row in one.rows]
    asking = sum(len(one.units) for one in groups if one.problem or one.open)
    series = plural(sum(row.resolution.series is not None for row in rows), "series", "series")
    text = f"{project}: {plural(len(sessions), 'session')}, {series}; "
    text += f"{plural(asking, 'session')} with open questions" if asking else "no open questions"
    if failing := sum(len(one.units) for one in groups if one.fails):
        text += f", {failing} of them would fail"
    waiting = [row for row in rows if row.waits]
    if any(row.resolution.series and row.resolution.series.listed for row in waiting):
        text += (
            f"; of {plural(len(waiting), 'series', 'series')} the header decides: "
            "--config preview=headers fetches one of each"
        )
    return text


def _questions(asked: Sequence[Question], total: int, colour: bool) -> str:
    rows = [("sessions", "description", "state", "why")]
    rows += [
        (
            f"{len(one.units)} of {total}",
            printable(one.row.description),
            one.row.state,
            one.row.why,
        )
        for one in asked[:_SHOWN]
    ]
    text = "to decide\n" + _columns(rows, ["open"] * len(rows), colour)
    more = len(asked) - _SHOWN
    return f"{text}\n  ... and {more} more, see the page" if more > 0 else text


def _group(one: Alike, colour: bool) -> str:
    title = one.units[0] if len(one.units) == 1 else _several(one)
    if one.problem:
        return f"{title}\n  {one.problem}"
    lines, rest = one.lines, 0
    if one.usual is not None:
        title += ": as usual" if one.usual else ": unlike most"
    if one.usual is False:
        lines = [line for line in one.lines if line.differs or line.row.open]
        rest = len(one.lines) - len(lines)
    rows = [_HEADER, *(_cells(line, len(one.units) > 1) for line in lines)]
    text = title + "\n" + _columns(rows, ["", *map(_tone, lines)], colour)
    return f"{text}\n  and {plural(rest, 'series', 'series')} as usual" if rest else text


def _several(one: Alike) -> str:
    named = ", ".join(one.units[:3])
    if len(one.units) > 3:
        named = f"for example {one.units[0]}"
    return f"{len(one.units)} sessions alike ({named})"


def _cells(line: Line, several: bool) -> tuple[str, ...]:
    row, absent = line.row, line.differs == "less"
    return (
        _MARKS[line.differs],
        "" if absent else row.scan,
        printable(row.description),
        row.state,
        row.short_name if several or absent else row.name,
        _rule(row.rule) if row.rule else "",
        "not here; most sessions have it" if absent else row.why,
    )


def _tone(line: Line) -> str:
    if line.row.waits:
        return "waits"
    return "open" if line.row.open else "" if line.row.state == "mapped" else "quiet"


def _rule(rule: Rule) -> str:
    """Its origin and target, short: `[3] anat/T1w`."""
    return f"{rule.origin.within('')} {rule.target}"


def _columns(rows: Sequence[Sequence[str]], tones: Sequence[str], colour: bool) -> str:
    """The rows in columns, the first as their heading; `tones` gives each row its colour."""
    used = [i for i in range(len(rows[0])) if any(row[i] for row in rows[1:])]
    widths = [max(len(row[i]) for row in rows) for i in used]
    lines = []
    for row, tone in zip(rows, ["heading", *tones[1:]], strict=True):
        cells = (row[i].ljust(width) for i, width in zip(used, widths, strict=True))
        text = "  ".join(cells).rstrip()
        lines.append(f"  \x1b[{_COLOURS[tone]}m{text}\x1b[0m" if colour and tone else f"  {text}")
    return "\n".join(lines)
