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
    """The environments that were wanted last, by their files."""

    VERSION: ClassVar[int] = 1

    environments: dict[str, Environment] = {}

    @property
    def problems(self) -> dict[str, str]:
        """The reasons why some cannot be made, by file."""
        return {file: one.problem for file, one in self.environments.items() if one.problem}
