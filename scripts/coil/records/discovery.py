"""The question and the answer between an invocation and the Python that asks the archives.

They are on its standard input and output, a record each.
"""

from typing import Any, ClassVar

from coil.records import Part, Record


class ProjectRequest(Part, frozen=True, kw_only=True):
    """A project to discover: its settings with defaults, and the config's file as it names it."""

    settings: dict[str, Any]
    file: str


class DiscoveryRequest(Record, frozen=True, kw_only=True):
    """The projects to discover, by name; `thorough` looks at the files of each session."""

    VERSION: ClassVar[int] = 1

    projects: dict[str, ProjectRequest]
    thorough: bool = False


class ProjectAnswer(Part, frozen=True, kw_only=True):
    """One line on a project: what the archive holds, or (`failed`) why that is not known."""

    line: str
    failed: bool = False


class DiscoveryAnswer(Record, frozen=True, kw_only=True):
    """The answer on each project, by name, in the order of the request."""

    VERSION: ClassVar[int] = 1

    projects: dict[str, ProjectAnswer]
