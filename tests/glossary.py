"""The glossary as data: `docs/glossary.md` has the words and those that they take the place of."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "glossary.md"
_ROW = re.compile(r"^\| (?P<first>[^|]+) \| (?P<second>[^|]+) \|$", re.M)


def table(heading: str) -> dict[str, str]:
    """The rows of the table below a heading of the page: first column to second."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [match.groups() for match in _ROW.finditer(section)]
    return {first.strip(): second.strip() for first, second in rows[1:]}


def words_of(name: str) -> list[str]:
    """The words of a Python name: `read_jsonFiles` has `read`, `json` and `files`."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


AVOIDED = frozenset(
    word for entry in table("Words that are not used") for word in entry.split(", ")
)
