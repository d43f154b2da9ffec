"""The questionnaires and their dictionaries, out of resources of the archive's project."""

import logging
from collections.abc import Iterable
from pathlib import Path

from coil import files, jobs
from coil.archive.client import Address, Archive, connect, part
from coil.archive.resources import Resource
from coil.errors import ArchiveError
from coil.records.archive import ArchiveRecord
from coil.records.outcome import Outcome
from coil.records.phenotype import QuestionnaireFile, QuestionnaireFiles

logger = logging.getLogger(__name__)

STAGE = "pull_questionnaires"


def pull_questionnaires(listing: Path, archive: Path, out: Path, record: Path, log: str) -> None:
    """Fetch the files of a listing into the folder `out`, and write down whether all came.

    What could not be fetched is a failure and holds up nothing else.
    """
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    outcome = jobs.attempt(STAGE, log, lambda: _pull(listing, archive, out, log))
    if isinstance(outcome, jobs.Failure):
        outcome = Outcome(**outcome.record())
    outcome.write(record)


def fetch(
    archive: Archive, project: str, wanted: Iterable[QuestionnaireFile], out: Path
) -> list[ArchiveError]:
    """Fetch the files that discovery listed into `out/<resource>/<file>`, verified.

    One that the archive does not give, or not as it lists it, is left out and holds up no
    other; returns why, for each.
    """
    errors: list[ArchiveError] = []
    for file in wanted:
        try:
            data = _read(archive, project, file)
        except ArchiveError as error:
            logger.error("%s: %s", file.file, error)
            errors.append(error)
            continue
        files.write_bytes(out / file.resource / file.file, data, 0o600)
    return errors


def _pull(listing: Path, archive: Path, out: Path, log: str) -> Outcome | jobs.Failure:
    wanted, place = QuestionnaireFiles.read(listing).files, ArchiveRecord.read(archive)
    if not wanted:
        return Outcome(state="done")
    with connect(Address.of_record(place)) as connection:
        errors = fetch(connection, place.project, wanted, out)
    if not errors:
        return Outcome(state="done")
    more = f" (and {len(errors) - 1} more, in the log)" if len(errors) > 1 else ""
    return jobs.Failure(STAGE, f"{errors[0]}{more}", log, any(error.retry for error in errors))


def _read(archive: Archive, project: str, file: QuestionnaireFile) -> bytes:
    address = Resource(file.resource).file_address(f"/data/projects/{part(project)}", file.file)
    with archive.stream(address) as chunks:
        data = b"".join(chunks)
    if file.digest and files.md5_of([data]) != file.digest.lower():
        raise ArchiveError(
            "it arrived with other bytes than the archive lists; try again, or refresh the "
            "resource's catalog in the archive"
        )
    return data
