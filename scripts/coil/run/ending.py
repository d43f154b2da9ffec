"""The end of an invocation: what was done is said, and the quarantine emptied."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from coil.workspace import Workspace


@dataclass(frozen=True)
class Ending:
    """The work of an invocation that ends.

    analyses          their names, by project
    merged            the merged datasets
    failed            the reason for each project that the archive did not list
    keep_quarantine   the config's
    """

    analyses: Mapping[str, Iterable[str]]
    merged: Iterable[str]
    failed: Mapping[str, str]
    keep_quarantine: bool


def finish(ending: Ending, root: Path) -> None:
    """Say what was done, and empty the quarantine.

    An invocation that still works in this folder has what lies there, and empties it itself.
    """
    workspace = Workspace(root)
    print("", *_lines(ending, workspace), sep="\n", file=sys.stderr)
    if ending.keep_quarantine:
        print("kept: quarantine/ holds identified data, see keep_quarantine", file=sys.stderr)
    elif not workspace.in_use:
        from coil import files  # only here, so that parsing stays cheap

        for project in ending.analyses:
            files.remove_tree(workspace.quarantine(project))


def _lines(ending: Ending, workspace: Workspace) -> Iterator[str]:
    from coil.run import status  # only here, so that parsing stays cheap

    for project, analyses in ending.analyses.items():
        results = workspace.results(project)
        if results.records.is_dir():  # not after a preview
            yield status.summary(project, results, analyses)
    for name in ending.merged:
        results = workspace.results(name)
        if results.dataset.is_file():
            yield status.merged_summary(name, results)
    yield from (f"error: {reason}" for reason in ending.failed.values())
