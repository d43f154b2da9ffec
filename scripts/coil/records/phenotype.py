"""The questionnaires that the archive holds: `private/<project>/phenotype.json`."""

from typing import ClassVar

from coil.records import Part, Record


class QuestionnaireFile(Part, frozen=True, kw_only=True):
    """One file of a resource of the project; `digest` is an MD5, or "" where there is none."""

    resource: str
    file: str
    digest: str


class QuestionnaireFiles(Record, frozen=True, kw_only=True):
    """The files that the config names and the archive holds.

    `salt` is what nobody can guess: Snakemake notes a digest of the file.
    """

    VERSION: ClassVar[int] = 1

    files: tuple[QuestionnaireFile, ...]
    salt: str = ""
