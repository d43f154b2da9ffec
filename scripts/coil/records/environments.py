"""The conda environments of analyses, as they were made: `.snakemake/coil_environments.json`."""

from typing import ClassVar

from coil.records import Part, Record


class Environment(Part, frozen=True, kw_only=True):
    """One that was made, or that cannot be.

    digest      of its file
    prefix      the folder for environments, None for Snakemake's own
    problem     why it cannot be made, if so
    """

    digest: str
    prefix: str | None
    problem: str | None = None


class Environments(Record, frozen=True, kw_only=True):
    """What is known of environments, by their files."""

    VERSION: ClassVar[int] = 1

    environments: dict[str, Environment] = {}

    @property
    def problems(self) -> dict[str, str]:
        """Why those that cannot be made cannot, by file."""
        return {file: one.problem for file, one in self.environments.items() if one.problem}
