"""The datasets of single projects, as parts of a merged one."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from coil.records.session import SessionRecord
from coil.workspace import Results


@dataclass(frozen=True)
class Part:
    """One project's dataset: its site, its root, the records of its admitted sessions."""

    project: str
    site: str
    bids: Path
    records: Sequence[SessionRecord]
    prefix: str = ""
    """What comes before its participants' labels in the merged dataset."""

    @cached_property
    def subjects(self) -> frozenset[str]:
        """The participants' labels in the project's own dataset."""
        return frozenset(record.subject for record in self.records)

    def renamed(self, text: str) -> str:
        """`text` with the labels of this part's participants as the merged dataset has them."""
        if not self.prefix:
            return text

        def rename(label: re.Match[str]) -> str:
            return f"sub-{self.prefix}{label[1]}" if label[1] in self.subjects else label[0]

        return re.sub("sub-([0-9A-Za-z]+)", rename, text)


def parts_of(
    entry: Mapping[str, Any], projects: Iterable[Results], records: Iterable[Path]
) -> list[Part]:
    """The parts of a merged dataset.

    Parameters
    ----------
    entry
        The config's, of its `merged`.
    projects
        The results of the projects.
    records
        Those of all their sessions; only admitted ones count.
    """
    by_project: dict[str, list[SessionRecord]] = defaultdict(list)
    for path in sorted(records):
        record = SessionRecord.read(path)
        if record.state == "done":
            by_project[Results.of_record(path).project].append(record)
    return [_part(entry, results, by_project[results.project]) for results in projects]


def _part(entry: Mapping[str, Any], results: Results, records: list[SessionRecord]) -> Part:
    name = results.project
    plain = "".join(character for character in name if character.isalnum())
    site = entry["sites"].get(name, plain)
    return Part(name, site, results.bids, records, site if entry["site"] == "entity" else "")
