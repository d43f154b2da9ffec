"""The job of the rule `convert`: its params by type, and its failure as its result."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from coil import jobs
from coil.bids.convert.convert import Terms, convert_session
from coil.bids.mapping.associated import parse_behaviour
from coil.bids.mapping.mapping import parse
from coil.bids.series.reading import name_scans
from coil.errors import DataError
from coil.records import Part
from coil.records.failure import Failure
from coil.units import Unit


class Settings(Part, frozen=True, kw_only=True):
    """The part of the config that makes a session's files; all but `overrides` is of `bids`.

    sources    digests of the files of the mapping's sources, by what `use` says
    overrides  what is said of single series of the session, by scan number
    converter  `dcm2niix`, or `heudiconv`, which gives the same files
    """

    mapping: list[dict[str, Any]]
    sources: dict[str, str]
    synonyms: dict[str, Any] | None
    overrides: dict[str, dict[str, Any]]
    policy: dict[str, str]
    field_maps: str
    behaviour: list[dict[str, Any]]
    converter: str = "dcm2niix"

    def terms(self, files: Sequence[Path]) -> Terms:
        """The same, compiled; `files` are the sources' in their order."""
        return Terms(
            parse(self.mapping, synonyms=self.synonyms),
            self.policy,
            self.field_maps,
            dict(zip(self.sources, files, strict=True)),
            self.overrides,
            parse_behaviour(self.behaviour),
            self.converter,
        )


def run(
    pulled: Path,
    sources: Sequence[str],
    converted: Path,
    unit: Unit,
    settings: Mapping[str, Any],
    log: str,
) -> None:
    """Convert a session, or leave why it is not in the folder `converted`.

    Parameters
    ----------
    pulled
        The pulled session, or why there is none.
    sources
        The files of the mapping's sources, in the order of the settings'.
    converted
        The folder of the result.
    unit
        The session's BIDS labels.
    settings
        What `Settings` holds, as the config has it.
    log
        Where messages go.
    """

    def work() -> None:
        terms = msgspec.convert(settings, Settings).terms([*map(Path, sources)])
        _convert(pulled, converted, unit, terms)

    jobs.attempt_folder("convert", log, converted, work)


def _convert(pulled: Path, converted: Path, unit: Unit, terms: Terms) -> None:
    if failure := Failure.read_in(pulled):
        failure.write_in(converted)
        return
    # Beside its result, so that everything identified stays in the quarantine.
    scratch = Path(tempfile.mkdtemp(dir=converted.parent, prefix=".scratch-"))
    try:
        convert_session(pulled, converted, unit, terms, scratch)
    except DataError as error:
        raise DataError(name_scans(str(error), pulled)) from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
