"""Anonymize a session and admit it to the dataset, or record why it is not admitted.

in:     pulled and converted (or the reason why there is nothing), link, archive
out:    record; beside it the session's folder in the dataset; people, private: those whom the
        headers name, for whom the dataset's tables are searched
params: identity, deface, sidecar_keys; mapping, synonyms and overrides, whose words may be told
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import jobs
from coil.admission import Terms, admit, refuse
from coil.bids.names import bids_version
from coil.deid.bids.descriptions import words_of
from coil.deid.identity.identities import LinkTable, project_secret
from coil.deid.leak import people
from coil.deid.protection import protection
from coil.jobs import Failure
from coil.records.archive import ArchiveRecord
from coil.records.session import SessionRecord
from coil.units import Unit
from coil.workspace import Results

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

_RULES = ("identity", "deface", "sidecar_keys")
_WORDED = ("mapping", "synonyms", "overrides")


def main(
    quarantine: tuple[Path, Path],
    private: tuple[Path, Path, Path],
    unit: Unit,
    terms: dict[str, Any],
    dataset: Path,
    log: str,
) -> dict[str, Any]:
    """The session's record; `quarantine` is pulled and converted, `private` link,
    archive, and what is to hold the people."""
    umask = os.umask(0o077)
    pulled, converted = quarantine
    try:
        people.write(private[2])  # a session that is refused may not come to name any
        if failure := Failure.read_in(converted):
            return refuse(dataset, unit, failure)
        result = jobs.attempt(
            "anonymize",
            log,
            lambda: admit(
                pulled, converted, dataset, unit, find_terms(*private, unit, terms), umask
            ),
        )
        if isinstance(result, Failure):
            return refuse(dataset, unit, result)
        return {**jobs.DONE, **result}
    finally:
        os.umask(umask)


def find_terms(link: Path, archive: Path, known: Path, unit: Unit, params: dict[str, Any]) -> Terms:
    """The terms of a session's admission, from the private files and the config."""
    identity = params["identity"]
    return Terms(
        secret=project_secret(identity, link.parent),
        project=ArchiveRecord.read(archive).project,
        subject_id=LinkTable.read(link).find(*unit).subject_id,
        dates=identity["dates"],
        time_of_day=identity["time_of_day"],
        deface=params["deface"],
        sidecar_keys=params["sidecar_keys"],
        words=words_of(*(params[key] for key in _WORDED)),
        people=known,
    )


if "snakemake" in globals():
    jobs.start_log(snakemake.log[0])
    named = {key: snakemake.wildcards[key] for key in ("project", "subject", "session")}
    given = snakemake.input
    record = Path(snakemake.output.record)
    settings = {key: snakemake.params[key] for key in (*_RULES, *_WORDED)}
    outcome = main(
        (Path(given.pulled), Path(given.converted)),
        (Path(given.link), Path(given.archive), Path(snakemake.output.people)),
        Unit(named["subject"], named["session"]),
        settings,
        Results.of_record(record).bids,
        snakemake.log[0],
    )
    outcome["protection"] = protection(outcome, settings, bids_version())
    fields = {"version": SessionRecord.VERSION, **named, **outcome}
    SessionRecord.from_fields(fields, record.name).write(record)
