"""The settled table as text, for the terminal."""

from collections import Counter
from collections.abc import Sequence

from coil.bids.settle import Settled

_HEADER = ("scan", "description", "state", "name", "rule", "reason")


def table(settled: Sequence[Settled]) -> str:
    """One line a series and a last line that counts the states, in columns."""
    rows = [_HEADER, *(_cells(row) for row in settled)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADER))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    counts = Counter(row.state for row in settled)
    lines.append(", ".join(f"{counts[state]} {state}" for state in sorted(counts)) or "no series")
    return "\n".join(lines)


def _cells(row: Settled) -> tuple[str, ...]:
    series = row.series
    return (
        (series.scan if series else None) or "-",
        _printable(series.series_description if series else "") or "-",
        row.state,
        row.name or "-",
        "-" if row.rule is None else str(row.rule),
        row.reason,
    )


def _printable(text: str) -> str:
    """Text from the archive without what could steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)
